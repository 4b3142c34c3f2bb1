//! Record ids: 15 case-sensitive characters, or 18 with a suffix that survives case folding.
//!
//! Inside the simulator an id is one number: the object's key prefix above, a serial below.

use std::fmt;

/// The pod every id of this organisation carries in characters four and five.
const POD: &[u8; 2] = b"Q7";
const PREFIX_LENGTH: usize = 3;
const SERIAL_LENGTH: usize = 10;
const SERIAL_BITS: u32 = 46;
/// A well-formed id of another pod names nothing here.
const SERIAL_ELSEWHERE: u64 = (1 << SERIAL_BITS) - 1;

/// Orders as the 15-character text does, byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(u64);

/// Three characters that say which object an id belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPrefix(u32);

impl KeyPrefix {
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != PREFIX_LENGTH {
            return None;
        }
        from_base_62(text.as_bytes()).map(|digits| Self(digits as u32))
    }

    pub const fn id(self, serial: u64) -> RecordId {
        RecordId((self.0 as u64) << SERIAL_BITS | serial)
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; PREFIX_LENGTH];
        to_base_62(u64::from(self.0), &mut text);
        text.iter()
            .try_for_each(|byte| fmt::Write::write_char(out, char::from(*byte)))
    }
}

impl RecordId {
    pub const fn prefix(self) -> KeyPrefix {
        KeyPrefix((self.0 >> SERIAL_BITS) as u32)
    }

    pub const fn serial(self) -> u64 {
        self.0 & SERIAL_ELSEWHERE
    }

    pub const fn as_u64(self) -> u64 {
        self.0
    }

    pub const fn from_u64(packed: u64) -> Self {
        Self(packed)
    }

    /// Reads both lengths. An 18-character id may arrive in any case: the suffix restores it.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut short = [0_u8; 15];
        match bytes.len() {
            15 => short.copy_from_slice(bytes),
            18 => {
                short.copy_from_slice(&bytes[..15]);
                restore_case(&mut short, &bytes[15..])?;
            }
            _ => return None,
        }
        let prefix = from_base_62(&short[..PREFIX_LENGTH])?;
        let serial = from_base_62(&short[PREFIX_LENGTH + POD.len()..])?;
        from_base_62(&short[PREFIX_LENGTH..PREFIX_LENGTH + POD.len()])?;
        let is_ours = &short[PREFIX_LENGTH..PREFIX_LENGTH + POD.len()] == POD;
        let serial = if is_ours {
            serial.min(SERIAL_ELSEWHERE)
        } else {
            SERIAL_ELSEWHERE
        };
        Some(Self(prefix << SERIAL_BITS | serial))
    }

    fn short(self) -> [u8; 15] {
        let mut text = [0_u8; 15];
        to_base_62(self.0 >> SERIAL_BITS, &mut text[..PREFIX_LENGTH]);
        text[PREFIX_LENGTH..PREFIX_LENGTH + POD.len()].copy_from_slice(POD);
        to_base_62(self.serial(), &mut text[15 - SERIAL_LENGTH..]);
        text
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.short();
        for byte in short.iter().copied().chain(suffix(&short)) {
            fmt::Write::write_char(out, char::from(byte))?;
        }
        Ok(())
    }
}

const SUFFIX_DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// One character per group of five: bit i is set when character i is an upper-case letter.
fn suffix(short: &[u8; 15]) -> [u8; 3] {
    let mut characters = [0; 3];
    for (character, group) in characters.iter_mut().zip(short.chunks(5)) {
        let upper = |(at, byte): (usize, &u8)| usize::from(byte.is_ascii_uppercase()) << at;
        *character = SUFFIX_DIGITS[group.iter().enumerate().map(upper).sum::<usize>()];
    }
    characters
}

fn restore_case(short: &mut [u8; 15], suffix: &[u8]) -> Option<()> {
    for (group, character) in short.chunks_mut(5).zip(suffix) {
        let character = character.to_ascii_uppercase();
        let upper = SUFFIX_DIGITS.iter().position(|digit| *digit == character)?;
        for (at, byte) in group.iter_mut().enumerate() {
            let is_upper = upper >> at & 1 == 1;
            if is_upper && !byte.is_ascii_alphabetic() {
                return None;
            }
            *byte = if is_upper {
                byte.to_ascii_uppercase()
            } else {
                byte.to_ascii_lowercase()
            };
        }
    }
    Some(())
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn to_base_62(mut number: u64, text: &mut [u8]) {
    for byte in text.iter_mut().rev() {
        *byte = DIGITS[(number % 62) as usize];
        number /= 62;
    }
}

fn from_base_62(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        number.checked_mul(62)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_characters_gain_the_vendors_checksum() {
        let id = RecordId::parse("003Q70000000A1b").unwrap();
        assert_eq!(id.to_string(), "003Q70000000A1bIAE");
        assert_eq!(id.prefix().to_string(), "003");
    }

    #[test]
    fn eighteen_characters_survive_case_folding() {
        let id = RecordId::parse("003Q70000000A1bIAE").unwrap();
        assert_eq!(RecordId::parse("003q70000000a1biae"), Some(id));
        assert_ne!(RecordId::parse("003Q70000000a1b"), Some(id));
    }

    #[test]
    fn shapes_that_are_no_id_are_refused() {
        for text in [
            "",
            "003",
            "003Q70000000A1",
            "003Q70000000A1!",
            "003Q70000000A1bI!E",
        ] {
            assert_eq!(RecordId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_order_as_their_text_does() {
        let prefix = KeyPrefix::parse("00Q").unwrap();
        let mut ids: Vec<_> = [5, 70, 3_900, 61, 62]
            .map(|serial| prefix.id(serial))
            .into();
        ids.sort();
        let mut texts: Vec<_> = ids.iter().map(RecordId::to_string).collect();
        let ordered = texts.clone();
        texts.sort();
        assert_eq!(texts, ordered);
    }
}
