//! CSV as Bulk reads and writes it: RFC 4180, a header row, a delimiter by name.

/// A parsed file. Rows may be shorter or longer than the header; the caller decides what that means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Csv {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// The file stops making sense at this line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvError {
    pub line: usize,
}

pub const DELIMITERS: [(&str, char); 6] = [
    ("COMMA", ','),
    ("SEMICOLON", ';'),
    ("TAB", '\t'),
    ("PIPE", '|'),
    ("CARET", '^'),
    ("BACKQUOTE", '`'),
];

/// Quotes are doubled inside quotes; anything but a delimiter after a closing quote, spaces
/// included, is an error. Cells are not trimmed.
pub fn parse(text: &str, delimiter: char) -> Result<Csv, CsvError> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut line = 1;
    let mut characters = text
        .strip_prefix('\u{FEFF}')
        .unwrap_or(text)
        .chars()
        .peekable();
    while characters.peek().is_some() {
        let mut cell = String::new();
        if characters.next_if_eq(&'"').is_some() {
            loop {
                match characters.next() {
                    Some('"') if characters.next_if_eq(&'"').is_some() => cell.push('"'),
                    Some('"') => break,
                    Some(character) => {
                        line += usize::from(character == '\n');
                        cell.push(character);
                    }
                    None => return Err(CsvError { line }),
                }
            }
        } else {
            let is_part = |c: &char| *c != delimiter && *c != '\n' && *c != '\r' && *c != '"';
            while let Some(character) = characters.next_if(is_part) {
                cell.push(character);
            }
        }
        record.push(cell);
        match characters.next() {
            Some(character) if character == delimiter => {
                // A delimiter right before the end opens one more, empty, cell.
                if characters.peek().is_none() {
                    record.push(String::new());
                    records.push(std::mem::take(&mut record));
                }
            }
            Some('\r') => {
                characters.next_if_eq(&'\n');
                line += 1;
                records.push(std::mem::take(&mut record));
            }
            Some('\n') => {
                line += 1;
                records.push(std::mem::take(&mut record));
            }
            None => records.push(std::mem::take(&mut record)),
            Some(_) => return Err(CsvError { line }),
        }
    }
    records
        .retain(|record| record.len() > 1 || record.first().is_some_and(|cell| !cell.is_empty()));
    let mut records = records.into_iter();
    let header = records.next().unwrap_or_default();
    Ok(Csv {
        header,
        rows: records.collect(),
    })
}

/// One line, every cell quoted as the vendor's results are.
pub fn line<'a>(out: &mut String, cells: impl IntoIterator<Item = &'a str>, delimiter: char) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        out.push('"');
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_newlines_and_delimiters_survive_a_round_trip() {
        let cells = ["a,b", "say \"oui\"", "two\nlines", "", "é"];
        let mut text = String::new();
        line(&mut text, ["A", "B", "C", "D", "E"], ',');
        line(&mut text, cells, ',');
        let csv = parse(&text, ',').unwrap();
        assert_eq!(csv.header, ["A", "B", "C", "D", "E"]);
        assert_eq!(csv.rows, [cells.map(str::to_owned)]);
    }

    #[test]
    fn a_space_after_a_closing_quote_is_refused_with_its_line() {
        assert_eq!(parse("A,B\n\"x\" ,y\n", ','), Err(CsvError { line: 2 }));
        assert_eq!(parse("A\n\"x", ','), Err(CsvError { line: 2 }));
    }

    #[test]
    fn line_endings_and_trailing_delimiters_make_no_difference_to_the_cells() {
        let expected = parse("A;B\n1;\n2;x\n", ';').unwrap();
        assert_eq!(expected.rows, [["1", ""], ["2", "x"]]);
        assert_eq!(parse("A;B\r\n1;\r\n2;x", ';').unwrap(), expected);
        assert_eq!(
            parse("A;B\n2;x\n1;", ';').unwrap().rows,
            [["2", "x"], ["1", ""]]
        );
    }
}
