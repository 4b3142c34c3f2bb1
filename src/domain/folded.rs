//! Text as it is looked for and sorted: in small letters, without accents, so that `Élodie` stands
//! between `Elise` and `Emile` and is found by `elodie`.
//!
//! Letters of the Latin alphabets, by a table of our own: what is stored in this form must not change
//! with a library. Other scripts are only made small.

/// The text in small letters without accents; `ß` is `ss`, `œ` is `oe`.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        push(&mut folded, letter);
    }
    folded
}

/// Whether the text has this part, which is folded already. ASCII, which most is, is compared where it
/// stands.
pub fn has_part(text: &str, part: &str) -> bool {
    if !text.is_ascii() {
        return fold(text).contains(part);
    }
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let Some((first, rest)) = part.split_first() else {
        return true;
    };
    let Some(last) = text.len().checked_sub(part.len()) else {
        return false;
    };
    (0..=last).any(|at| {
        text[at].to_ascii_lowercase() == *first
            && text[at + 1..at + part.len()].eq_ignore_ascii_case(rest)
    })
}

/// Hands over each word of the text, folded: what stands between whatever is no letter and no digit.
pub fn each_word(text: &str, mut take: impl FnMut(&str)) {
    let folded = fold(text);
    let words = folded.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).for_each(&mut take);
}

/// A small letter without its accents. Accents that are written behind their letter are left out.
fn push(folded: &mut String, letter: char) {
    let plain = match letter {
        'ß' => "ss",
        'æ' | 'ǽ' => "ae",
        'œ' => "oe",
        'ĳ' => "ij",
        'ð' | 'đ' | 'ď' | 'ḋ'..='ḓ' => "d",
        'þ' => "th",
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ȁ' | 'ȃ' | 'ḁ' | 'ạ'..='ặ' => "a",
        'ḃ'..='ḇ' => "b",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' | 'ḉ' => "c",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ȅ' | 'ȇ' | 'ḕ'..='ḝ' | 'ẹ'..='ệ' => {
            "e"
        }
        'ḟ' => "f",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' | 'ǧ' | 'ḡ' => "g",
        'ĥ' | 'ħ' | 'ḣ'..='ḫ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ǐ' | 'ȉ' | 'ȋ' | 'ḭ' | 'ḯ' | 'ỉ'..='ị' => {
            "i"
        }
        'ĵ' => "j",
        'ķ' | 'ǩ' | 'ḱ'..='ḵ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' | 'ḷ'..='ḽ' => "l",
        'ḿ'..='ṃ' => "m",
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ṅ'..='ṋ' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ǒ' | 'ȍ' | 'ȏ' | 'ṍ'..='ṓ' | 'ọ'..='ợ' => {
            "o"
        }
        'ṕ'..='ṗ' => "p",
        'ŕ' | 'ŗ' | 'ř' | 'ȑ' | 'ȓ' | 'ṙ'..='ṟ' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' | 'ṡ'..='ṩ' => "s",
        'ţ' | 'ť' | 'ŧ' | 'ț' | 'ṫ'..='ṱ' => "t",
        'ù'..='ü'
        | 'ũ'
        | 'ū'
        | 'ŭ'
        | 'ů'
        | 'ű'
        | 'ų'
        | 'ư'
        | 'ǔ'..='ǜ'
        | 'ȕ'
        | 'ȗ'
        | 'ṳ'..='ṻ'
        | 'ụ'..='ự' => "u",
        'ṽ'..='ṿ' => "v",
        'ŵ' | 'ẁ'..='ẉ' => "w",
        'ẋ'..='ẍ' => "x",
        'ý' | 'ÿ' | 'ŷ' | 'ẏ' | 'ỳ'..='ỹ' => "y",
        'ź' | 'ż' | 'ž' | 'ẑ'..='ẕ' => "z",
        '\u{300}'..='\u{36f}' => "",
        other => return folded.push(other),
    };
    folded.push_str(plain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_case_nor_accents_nor_how_they_are_written_count() {
        for (text, folded) in [
            ("Élodie LEFÈVRE", "elodie lefevre"),
            ("E\u{301}lodie", "elodie"),
            ("Straße, Cœur, Ærø", "strasse, coeur, aero"),
            ("ŁÓDŹ İstanbul Ștefan", "lodz istanbul stefan"),
            ("Nguyễn Đặng", "nguyen dang"),
            ("Ÿ Ñ Ç", "y n c"),
            ("Юрий", "юрий"),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
            assert_eq!(fold(folded), folded, "folded again");
        }
    }

    #[test]
    fn a_name_with_an_accent_stands_among_those_without() {
        let mut names = ["Emile", "elise", "Élodie", "zoe"];
        names.sort_by_key(|name| fold(name));
        assert_eq!(names, ["elise", "Élodie", "Emile", "zoe"]);
    }

    #[test]
    fn a_part_is_found_however_it_is_written() {
        for (text, part, is_found) in [
            ("Sophie MARTIN", "martin", true),
            ("Sophie Martin", "martine", false),
            ("ÉLODIE", "elo", true),
            ("Élodie", "lod", true),
            ("Weiß", "weiss", true),
            ("abc", "", true),
            ("", "a", false),
            ("aab", "ab", true),
        ] {
            assert_eq!(has_part(text, part), is_found, "{text} {part}");
        }
    }

    #[test]
    fn words_are_what_stands_between_signs() {
        let mut words = Vec::new();
        each_word(" Jean-Pierre O’Brien, 2e & Cie. ", |word| {
            words.push(word.to_owned());
        });
        assert_eq!(words, ["jean", "pierre", "o", "brien", "2e", "cie"]);
    }
}
