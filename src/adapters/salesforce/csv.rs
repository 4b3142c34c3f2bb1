//! Comma-separated values as Bulk API 2.0 wants and writes them: RFC 4180, UTF-8.

/// One line. An empty cell leaves a field alone.
pub(super) fn line(cells: &[&str]) -> String {
    let mut line = String::with_capacity(cells.iter().map(|cell| cell.len() + 3).sum());
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line.push('\n');
    line
}

/// All lines of a text, or `None` if a quote is left open or stands where none may be.
pub(super) fn parse(text: &str) -> Option<Vec<Vec<String>>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (cell, after) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_cell(quoted)?
        } else {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            let (cell, after) = rest.split_at(end);
            (cell.strip_suffix('\r').unwrap_or(cell).to_owned(), after)
        };
        line.push(cell);
        let after = after.strip_prefix('\r').unwrap_or(after);
        if let Some(next) = after.strip_prefix(',') {
            rest = next;
            if rest.is_empty() {
                line.push(String::new());
            }
        } else {
            lines.push(std::mem::take(&mut line));
            rest = match after.strip_prefix('\n') {
                Some(next) => next,
                None if after.is_empty() => after,
                None => return None,
            };
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    Some(lines)
}

/// A cell after its opening quote, and what follows its closing one.
fn quoted_cell(text: &str) -> Option<(String, &str)> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        cell.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                cell.push('"');
                rest = after;
            }
            None => return Some((cell, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            rows in proptest::collection::vec(
                proptest::collection::vec("[a-zé\",\n\r ]{0,6}", 2..5), 0..5)
        ) {
            let mut text = String::new();
            for row in &rows {
                let cells: Vec<&str> = row.iter().map(String::as_str).collect();
                text.push_str(&line(&cells));
            }
            prop_assert_eq!(parse(&text), Some(rows));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a\",\r\n]{0,20}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn lines_end_with_or_without_a_carriage_return() {
        let expected = vec![
            vec!["a".to_owned(), String::new()],
            vec!["b".into(), "c".into()],
        ];
        assert_eq!(parse("a,\r\n\"b\",c\r\n"), Some(expected.clone()));
        assert_eq!(parse("a,\nb,\"c\""), Some(expected));
        assert_eq!(parse("\"open"), None);
        assert_eq!(parse("\"a\"b"), None);
    }
}
