//! A painted screen as an SVG or as text. Every run of text stands at its column with its length, and
//! lines and blocks are shapes, so that no font moves or tears anything.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::console::Safe;

/// One cell in pixels; six tenths of the font size wide, as monospaced fonts are.
const CELL: (usize, usize) = (9, 18);
const FONT_SIZE: usize = 15;
/// From the top of a cell to the line that letters stand on.
const BASELINE: usize = 14;
/// Around the screen.
const MARGIN: usize = 12;

const FONTS: &str = "DejaVu Sans Mono,Menlo,Consolas,Liberation Mono,monospace";

type Rgb = (u8, u8, u8);

/// What a dark terminal shows where no colour is asked for.
const INK: Rgb = (212, 212, 212);
const PAPER: Rgb = (24, 26, 31);

/// The first sixteen, as xterm shows them.
const NAMED: [Rgb; 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The screen as text, line by line, without the blanks at their ends.
pub(super) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let line: String = symbols(buffer, y)
            .map(|(_, cell, _)| cell.symbol())
            .collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The screen as a picture, with its title for those who hear it.
pub(super) fn svg(buffer: &Buffer, title: &str) -> String {
    let width = usize::from(buffer.area.width) * CELL.0 + 2 * MARGIN;
    let height = usize::from(buffer.area.height) * CELL.1 + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONTS}\" \
         font-size=\"{FONT_SIZE}\" fill=\"{}\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{}\"/>\n",
        hex(INK),
        escaped(title),
        hex(PAPER),
    );
    for y in 0..buffer.area.height {
        let runs = runs(buffer, y);
        papers(&runs, y, &mut svg);
        for run in &runs {
            run.ink(y, &mut svg);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Cells of one line with their columns and widths; the second half of a wide one is left out.
fn symbols(buffer: &Buffer, y: u16) -> impl Iterator<Item = (u16, &Cell, u16)> {
    let mut next = 0;
    (0..buffer.area.width).filter_map(move |x| {
        if x < next {
            return None;
        }
        let cell = &buffer[(buffer.area.x + x, buffer.area.y + y)];
        let width = Safe::new(cell.symbol()).width().max(1) as u16;
        next = x + width;
        Some((x, cell, width))
    })
}

/// Cells beside each other that look alike and are drawn alike.
struct Run {
    x: u16,
    width: u16,
    text: String,
    look: Look,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    ink: Rgb,
    paper: Rgb,
    modifier: Modifier,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    /// Letters that every font has in one width.
    Latin,
    /// Lines that meet in the middle of their cells.
    Lines(Arms),
    /// The lower eighths of a cell, and how solid they are in tenths.
    Block(usize, usize),
    /// Each stands by itself: another font may have to bring it.
    Other,
}

/// Which sides of its cell a line reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arms(&'static str);

fn runs(buffer: &Buffer, y: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut cells = symbols(buffer, y).peekable();
    while let Some((x, cell, width)) = cells.next() {
        let look = look(cell);
        let mut kind = kind(cell.symbol());
        // A single space between words is part of the text.
        let before = runs.last().map(|run| (run.look, run.kind));
        if kind == Kind::Blank && before == Some((look, Kind::Latin)) {
            let next = cells.peek();
            let after = next.map(|(_, cell, _)| (self::look(cell), self::kind(cell.symbol())));
            if after == before {
                kind = Kind::Latin;
            }
        }
        match runs.last_mut() {
            Some(run) if run.look == look && run.kind == kind && kind != Kind::Other => {
                run.text.push_str(cell.symbol());
                run.width += width;
            }
            _ => runs.push(Run {
                x,
                width,
                text: cell.symbol().to_owned(),
                look,
                kind,
            }),
        }
    }
    runs
}

/// What is behind the text of a line, where it is not the screen's own.
fn papers(runs: &[Run], y: u16, svg: &mut String) {
    for same in runs.chunk_by(|one, next| one.look.paper == next.look.paper) {
        let paper = same[0].look.paper;
        if paper != PAPER {
            let cells: u16 = same.iter().map(|run| run.width).sum();
            let size = (usize::from(cells) * CELL.0, CELL.1);
            rect(svg, (column(same[0].x), line(y)), size, paper, 10);
        }
    }
}

impl Run {
    fn ink(&self, y: u16, svg: &mut String) {
        if self.look.modifier.contains(Modifier::HIDDEN) {
            return;
        }
        let (x, width) = (column(self.x), usize::from(self.width) * CELL.0);
        match self.kind {
            Kind::Blank => {}
            Kind::Lines(arms) => self.lines(arms, y, svg),
            Kind::Block(eighths, solid) => {
                let height = CELL.1 * eighths / 8;
                let top = line(y) + CELL.1 - height;
                rect(svg, (x, top), (width, height), self.look.ink, solid);
            }
            Kind::Latin | Kind::Other => self.letters((x, line(y) + BASELINE), width, svg),
        }
    }

    fn letters(&self, (x, y): (usize, usize), width: usize, svg: &mut String) {
        // Into a string: cannot fail, here and below.
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\""
        );
        if self.look.ink != INK {
            let _ = write!(svg, " fill=\"{}\"", hex(self.look.ink));
        }
        for (asked, attribute) in [
            (Modifier::BOLD, " font-weight=\"bold\""),
            (Modifier::ITALIC, " font-style=\"italic\""),
            (Modifier::UNDERLINED, " text-decoration=\"underline\""),
            (Modifier::CROSSED_OUT, " text-decoration=\"line-through\""),
            (Modifier::DIM, " opacity=\"0.6\""),
        ] {
            if self.look.modifier.contains(asked) {
                svg.push_str(attribute);
            }
        }
        let _ = writeln!(svg, ">{}</text>", escaped(&self.text));
    }

    fn lines(&self, Arms(arms): Arms, y: u16, svg: &mut String) {
        let (left, top) = (column(self.x), line(y));
        let (right, bottom) = (left + usize::from(self.width) * CELL.0, top + CELL.1);
        let (x, y) = (left + CELL.0 / 2, top + CELL.1 / 2);
        let mut path = String::new();
        for arm in arms.chars() {
            let _ = match arm {
                'l' => write!(path, "M{x} {y}H{left}"),
                'r' => write!(path, "M{x} {y}H{right}"),
                'u' => write!(path, "M{x} {y}V{top}"),
                _ => write!(path, "M{x} {y}V{bottom}"),
            };
        }
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" stroke=\"{}\"/>",
            hex(self.look.ink)
        );
    }
}

fn rect(
    svg: &mut String,
    (x, y): (usize, usize),
    (width, height): (usize, usize),
    ink: Rgb,
    solid: usize,
) {
    let _ = write!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"",
        hex(ink),
    );
    if solid < 10 {
        let _ = write!(svg, " opacity=\"0.{solid}\"");
    }
    svg.push_str("/>\n");
}

fn look(cell: &Cell) -> Look {
    let (ink, paper) = (rgb(cell.fg, INK), rgb(cell.bg, PAPER));
    let (ink, paper) = if cell.modifier.contains(Modifier::REVERSED) {
        (paper, ink)
    } else {
        (ink, paper)
    };
    Look {
        ink,
        paper,
        modifier: cell.modifier - Modifier::REVERSED,
    }
}

fn kind(symbol: &str) -> Kind {
    let Some(letter) = symbol.chars().next() else {
        return Kind::Blank;
    };
    let arms = match letter {
        ' ' => return Kind::Blank,
        '\u{21}'..='\u{17f}' => return Kind::Latin,
        '▁'..='█' => return Kind::Block(letter as usize - '▁' as usize + 1, 10),
        '░' => return Kind::Block(8, 2),
        '▒' => return Kind::Block(8, 4),
        '▓' => return Kind::Block(8, 7),
        '─' => "lr",
        '│' => "ud",
        '┌' => "rd",
        '┐' => "ld",
        '└' => "ru",
        '┘' => "lu",
        '├' => "urd",
        '┤' => "uld",
        '┬' => "lrd",
        '┴' => "lru",
        '┼' => "lrud",
        _ => return Kind::Other,
    };
    Kind::Lines(Arms(arms))
}

fn rgb(color: Color, reset: Rgb) -> Rgb {
    let number = match color {
        Color::Reset => return reset,
        Color::Rgb(red, green, blue) => return (red, green, blue),
        Color::Indexed(number) => number,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    match number {
        0..=15 => NAMED[usize::from(number)],
        16..=231 => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
            let number = number - 16;
            (level(number / 36), level(number / 6 % 6), level(number % 6))
        }
        232.. => {
            let grey = 8 + 10 * (number - 232);
            (grey, grey, grey)
        }
    }
}

fn column(x: u16) -> usize {
    MARGIN + usize::from(x) * CELL.0
}

fn line(y: u16) -> usize {
    MARGIN + usize::from(y) * CELL.1
}

fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// As XML wants it; what it has no form for shows as a replacement.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn screen() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 4));
        let plain = Style::default();
        buffer.set_string(0, 0, "a<b> & \"c\"  après", plain);
        buffer.set_string(0, 1, "┌──┐ 漢字 → x", plain.add_modifier(Modifier::BOLD));
        let red = plain.fg(Color::Rgb(255, 95, 95));
        buffer.set_string(2, 2, "held", red.add_modifier(Modifier::REVERSED));
        buffer.set_string(0, 3, "grey", plain.fg(Color::Indexed(245)).bg(Color::Blue));
        buffer
    }

    /// Its name, its attributes and its text.
    type Element = (String, Vec<(String, String)>, String);

    /// Anything that is not XML fails.
    fn elements(svg: &str) -> Vec<Element> {
        let mut open: Vec<String> = Vec::new();
        let mut elements = Vec::new();
        for part in svg.split('<').skip(1) {
            let (tag, text) = part.split_once('>').expect("every tag is closed");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "tags are nested");
                continue;
            }
            let is_empty = tag.ends_with('/');
            let tag = tag.trim_end_matches('/');
            let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
            let mut attributes = Vec::new();
            while let Some((key, after)) = rest.split_once("=\"") {
                let (value, after) = after.split_once('"').expect("every value is closed");
                attributes.push((key.trim().to_owned(), value.to_owned()));
                rest = after;
            }
            assert!(rest.trim().is_empty(), "{rest}");
            assert!(!text.contains('"'), "{text}");
            for entity in text.split('&').skip(1) {
                let known = ["amp;", "lt;", "gt;", "quot;"];
                assert!(known.iter().any(|name| entity.starts_with(name)), "{text}");
            }
            if !is_empty {
                open.push(name.to_owned());
            }
            elements.push((name.to_owned(), attributes, text.to_owned()));
        }
        assert!(open.is_empty(), "not closed: {open:?}");
        elements
    }

    fn shown<'a>(elements: &'a [Element], text: &str) -> impl Fn(&str) -> Option<&'a str> {
        let found = elements.iter().find(|(_, _, shown)| shown == text);
        let (_, attributes, _) = found.unwrap_or_else(|| panic!("no “{text}” in {elements:#?}"));
        move |key| {
            let found = attributes.iter().find(|(known, _)| known == key);
            found.map(|(_, value)| value.as_str())
        }
    }

    #[test]
    fn what_xml_would_take_for_its_own_is_escaped_and_each_run_has_its_place() {
        let svg = svg(&screen(), "a <title> & \"more\"");
        let elements = elements(&svg);
        assert_eq!(elements[1].2, "a &lt;title&gt; &amp; &quot;more&quot;");
        let first = shown(&elements, "a&lt;b&gt; &amp; &quot;c&quot;");
        assert_eq!(first("x"), Some("12"));
        assert_eq!(first("textLength"), Some("90"), "ten cells");
        let word = shown(&elements, "après");
        assert_eq!(word("x"), Some("120"), "two blanks end a run");
        assert_eq!(word("font-weight"), None);
    }

    #[test]
    fn wide_characters_take_two_cells_and_lines_meet() {
        let svg = svg(&screen(), "");
        let elements = elements(&svg);
        let paths = elements.iter().filter(|(name, ..)| name == "path");
        let lines: Vec<&str> = paths.map(|(_, drawn, _)| drawn[0].1.as_str()).collect();
        assert_eq!(
            lines,
            [
                "M16 39H21M16 39V48",
                "M25 39H21M25 39H39",
                "M43 39H39M43 39V48"
            ],
            "a corner, the two between as one, a corner"
        );
        let wide = shown(&elements, "字");
        assert_eq!(wide("x"), Some("75"), "column 7");
        assert_eq!(wide("textLength"), Some("18"));
        assert_eq!(wide("font-weight"), Some("bold"));
        assert_eq!(shown(&elements, "x")("x"), Some("120"), "column 12");
    }

    #[test]
    fn colours_are_those_of_the_theme_and_reversed_cells_are_painted_so() {
        let svg = svg(&screen(), "");
        let elements = elements(&svg);
        assert_eq!(shown(&elements, "held")("fill"), Some("#181a1f"));
        assert_eq!(shown(&elements, "grey")("fill"), Some("#8a8a8a"));
        let papers: Vec<_> = elements
            .iter()
            .filter(|(name, attributes, _)| name == "rect" && attributes.len() == 5)
            .map(|(_, attributes, _)| (attributes[0].1.as_str(), attributes[4].1.as_str()))
            .collect();
        assert_eq!(papers, [("30", "#ff5f5f"), ("12", "#0000ee")]);
    }

    #[test]
    fn as_text_a_wide_character_is_one_and_blanks_at_the_end_are_none() {
        assert_eq!(
            text(&screen()),
            "a<b> & \"c\"  après\n┌──┐ 漢字 → x\n  held\ngrey\n"
        );
    }
}
