//! Bodies of several parts, as forms with files send them.

/// What separates the parts; none if the body is of another kind.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    if !content_type
        .to_ascii_lowercase()
        .starts_with("multipart/form-data")
    {
        return None;
    }
    let (_, boundary) = content_type.split_once("boundary=")?;
    Some(boundary.split(';').next()?.trim().trim_matches('"'))
}

/// The body of a named part, byte by byte: a part may be an archive.
pub(super) fn part<'b>(body: &'b [u8], boundary: &str, name: &str) -> Option<&'b [u8]> {
    let delimiter = format!("--{boundary}");
    let mut rest = after(body, delimiter.as_bytes())?;
    loop {
        let (part, next) = split(rest, delimiter.as_bytes());
        if let Some((head, content)) = head(part) {
            let head = String::from_utf8_lossy(head);
            if head.contains(&format!("name=\"{name}\"")) {
                let content = content.strip_suffix(b"\n").unwrap_or(content);
                return Some(content.strip_suffix(b"\r").unwrap_or(content));
            }
        }
        rest = next?;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn after<'b>(bytes: &'b [u8], token: &[u8]) -> Option<&'b [u8]> {
    find(bytes, token).map(|at| &bytes[at + token.len()..])
}

fn split<'b>(bytes: &'b [u8], token: &[u8]) -> (&'b [u8], Option<&'b [u8]>) {
    match find(bytes, token) {
        Some(at) => (&bytes[..at], Some(&bytes[at + token.len()..])),
        None => (bytes, None),
    }
}

/// The part's own headers, and what follows the empty line.
fn head(part: &[u8]) -> Option<(&[u8], &[u8])> {
    for empty in [b"\r\n\r\n".as_slice(), b"\n\n"] {
        if let (head, Some(content)) = split(part, empty) {
            return Some((head, content));
        }
    }
    None
}
