//! Reads metadata files: elements and text, the one namespace, no attributes beside it. Anything
//! else of XML is refused, as a schema would.

/// Metadata API: the namespace of every file.
const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";
/// Deeper than any metadata type goes.
const DEPTH_MAX: usize = 16;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child; blank counts as absent.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        let text = self.child(name)?.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// 1. No element that the type does not have.
    /// 2. A yes-or-no element says `true` or `false`.
    pub(super) fn check(&self, kind: &str, known: &[&str]) -> Result<(), String> {
        for child in &self.children {
            if !known.contains(&child.name.as_str()) {
                return Err(format!(
                    "Error parsing file: Element {{{NAMESPACE}}}{} invalid at this location in type {kind}",
                    child.name
                ));
            }
        }
        Ok(())
    }

    /// False when absent.
    pub(super) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.text_of(name) {
            Some("true" | "1") => Ok(true),
            None | Some("false" | "0") => Ok(false),
            Some(other) => Err(format!(
                "Error parsing file: '{other}' is not a valid value for the type xsd:boolean"
            )),
        }
    }
}

/// The root element of a file; the error says what is wrong with it, and where.
pub(super) fn parse(bytes: &[u8], root: &str) -> Result<Element, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| "Error parsing file: the file is not UTF-8".to_owned())?;
    let mut reader = Reader {
        text: text.trim_start_matches('\u{feff}'),
        at: 0,
    };
    let found = reader.document();
    let element = found.map_err(|problem| {
        let line = reader.text[..reader.at].matches('\n').count() + 1;
        format!("Error parsing file: {problem} (line {line})")
    })?;
    if element.name == root {
        Ok(element)
    } else {
        Err(format!(
            "Error parsing file: the root element is {}, expected {root}",
            element.name
        ))
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn takes(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token);
        if is_next {
            self.at += token.len();
        }
        is_next
    }

    /// What stands before a token, the token taken too.
    fn until(&mut self, token: &str) -> Result<&'t str, String> {
        let found = self.rest().find(token);
        let length = found.ok_or_else(|| format!("missing {token}"))?;
        let text = &self.rest()[..length];
        self.at += length + token.len();
        Ok(text)
    }

    fn document(&mut self) -> Result<Element, String> {
        self.between()?;
        if self.takes("<?xml") {
            self.until("?>")?;
        }
        self.between()?;
        let root = self.element(0)?;
        self.between()?;
        if self.rest().is_empty() {
            Ok(root)
        } else {
            Err("content after the root element".to_owned())
        }
    }

    /// Space and comments.
    fn between(&mut self) -> Result<(), String> {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if !self.takes("<!--") {
                return Ok(());
            }
            self.until("-->")?;
        }
    }

    fn element(&mut self, depth: usize) -> Result<Element, String> {
        if depth > DEPTH_MAX {
            return Err("elements are nested too deeply".to_owned());
        }
        if !self.takes("<") {
            return Err("an element was expected".to_owned());
        }
        let head = self.until(">")?;
        let (head, is_empty) = head
            .strip_suffix('/')
            .map_or((head, false), |head| (head, true));
        let (name, attributes) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(format!("<{head}> is no element"));
        }
        Self::namespace(attributes, depth)?;
        let mut element = Element {
            name: name.to_owned(),
            ..Element::default()
        };
        if !is_empty {
            self.content(&mut element, depth)?;
        }
        Ok(element)
    }

    fn namespace(attributes: &str, depth: usize) -> Result<(), String> {
        let attributes = attributes.trim();
        let is_ours = |quote: char| attributes == format!("xmlns={quote}{NAMESPACE}{quote}");
        if attributes.is_empty() && depth > 0 || is_ours('"') || is_ours('\'') {
            return Ok(());
        }
        if depth > 0 && attributes.starts_with("xsi:") {
            return Ok(());
        }
        // The root may also declare the schema instance, as files from other tools do.
        if depth == 0 && attributes.contains(NAMESPACE) {
            return Ok(());
        }
        Err(format!("unexpected attributes: {attributes}"))
    }

    fn content(&mut self, element: &mut Element, depth: usize) -> Result<(), String> {
        loop {
            let rest = self.rest();
            let next = rest
                .find('<')
                .ok_or_else(|| format!("missing </{}>", element.name))?;
            element.text.push_str(&unescaped(&rest[..next])?);
            self.at += next;
            if self.takes("<!--") {
                self.until("-->")?;
            } else if self.takes("<![CDATA[") {
                let text = self.until("]]>")?;
                element.text.push_str(text);
            } else if self.takes("</") {
                let name = self.until(">")?;
                return if name.trim() == element.name {
                    Ok(())
                } else {
                    Err(format!(
                        "<{}> is closed by </{}>",
                        element.name,
                        name.trim()
                    ))
                };
            } else {
                element.children.push(self.element(depth + 1)?);
            }
        }
    }
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let end = rest[at..].find(';').ok_or("a lone & in the text")?;
        let name = &rest[at + 1..at + end];
        let character = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name.strip_prefix('#').and_then(|code| {
                let number = code.strip_prefix('x').map_or_else(
                    || code.parse().ok(),
                    |hex| u32::from_str_radix(hex, 16).ok(),
                );
                char::from_u32(number?)
            }),
        };
        plain.push(character.ok_or_else(|| format!("unknown entity &{name};"))?);
        rest = &rest[at + end + 1..];
    }
    plain.push_str(rest);
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Element, String> {
        parse(text.as_bytes(), "Package")
    }

    #[test]
    fn elements_texts_and_entities() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- two -->\n\
            <Package xmlns=\"http://soap.sforce.com/2006/04/metadata\"><types><members>A &amp; \
            &#233;</members><members><![CDATA[<b>]]></members><name>X</name></types></Package>\n";
        let types = read(text).unwrap().children[0].clone();
        let members: Vec<_> = types.all("members").map(|one| one.text.as_str()).collect();
        assert_eq!(members, ["A & é", "<b>"]);
        assert_eq!(types.text_of("name"), Some("X"));
    }

    #[test]
    fn what_is_no_metadata_file_is_refused_with_its_line() {
        for (text, part) in [
            ("<Package/>", "unexpected attributes"),
            ("<Package xmlns=\"urn:other\"/>", "unexpected attributes"),
            (
                "<Other xmlns=\"http://soap.sforce.com/2006/04/metadata\"/>",
                "expected Package",
            ),
            (
                "<Package xmlns=\"http://soap.sforce.com/2006/04/metadata\">\n<a></b></Package>",
                "(line 2)",
            ),
            (
                "<Package xmlns=\"http://soap.sforce.com/2006/04/metadata\">&nope;</Package>",
                "&nope;",
            ),
            ("<!DOCTYPE x><Package/>", "no element"),
            ("", "an element was expected"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
