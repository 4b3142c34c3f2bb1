//! The people and companies of a believable French company, invented all of them.

use crate::sim::random::Random;

pub(super) const FIRST: [&str; 40] = [
    "Hélène",
    "Jean-Baptiste",
    "Léa",
    "Zoé",
    "Frédéric",
    "Chloé",
    "Noël",
    "Maëlle",
    "André",
    "Océane",
    "Gaëtan",
    "Inès",
    "Théo",
    "Agnès",
    "François",
    "Amélie",
    "Loïc",
    "Clémence",
    "Benoît",
    "Élodie",
    "Mathis",
    "Camille",
    "Yasmine",
    "Karim",
    "Nguyễn",
    "Søren",
    "Łukasz",
    "Giulia",
    "Jürgen",
    "Ana-María",
    "Olena",
    "Dmitri",
    "美咲",
    "Fatou",
    "Mehmet",
    "Siobhán",
    "Björn",
    "Zsófia",
    "Ioana",
    "Priya",
];

pub(super) const LAST: [&str; 40] = [
    "Lefèvre",
    "Dupont-Moretti",
    "de La Rochefoucauld",
    "O’Connor",
    "Bernard",
    "Nguyễn",
    "Garçon",
    "Müller",
    "Lemaître",
    "Özdemir",
    "Château",
    "Le Goff",
    "D’Angelo",
    "Fernández",
    "Kowalczyk",
    "Petit",
    "Roux",
    "Fontaine",
    "Béranger",
    "Saint-Exupéry",
    "Traoré",
    "Benali",
    "Haddad",
    "Yamada",
    "Ivanov",
    "Schröder",
    "Van den Berg",
    "Åkesson",
    "Popescu",
    "Kovács",
    "Marchand",
    "Guérin",
    "Chevalier",
    "Deschamps-Villeneuve",
    "Nuñez",
    "Côté",
    "Bélanger",
    "Sørensen",
    "Wójcik",
    "Ferrari",
];

const COMPANY_HEADS: [&str; 20] = [
    "Ateliers",
    "Boulangerie",
    "Cabinet",
    "Domaine",
    "Éditions",
    "Fonderie",
    "Groupe",
    "Imprimerie",
    "Laboratoires",
    "Menuiserie",
    "Orangerie",
    "Papeterie",
    "Quincaillerie",
    "Serrurerie",
    "Transports",
    "Verrerie",
    "Brasserie",
    "Clinique",
    "Filature",
    "Horlogerie",
];

const COMPANY_TAILS: [&str; 20] = [
    "Bellecour",
    "& Fils",
    "du Léman",
    "Saint-Michel",
    "Moreau",
    "des Trois Rivières",
    "Côte d’Or",
    "Lumière",
    "Vauban",
    "de l’Ouest",
    "Delacroix",
    "Grand-Bornand",
    "Montgolfier",
    "Ampère",
    "des Écrins",
    "Pasteur",
    "Rhône-Alpes",
    "Beauséjour",
    "Eiffel",
    "de Provence",
];

pub(super) const CITIES: [&str; 20] = [
    "Annecy",
    "Lyon",
    "Saint-Étienne",
    "Chambéry",
    "Besançon",
    "Angoulême",
    "Orléans",
    "Béziers",
    "Nîmes",
    "Évreux",
    "Bourg-en-Bresse",
    "L’Haÿ-les-Roses",
    "Île-d’Yeu",
    "Rouen",
    "Genève",
    "Liège",
    "Montréal",
    "Köln",
    "Kraków",
    "San Sebastián",
];

pub(super) const TITLES: [&str; 12] = [
    "Directrice générale",
    "Responsable marketing",
    "Acheteur",
    "Cheffe de projet",
    "Technico-commercial",
    "Gérant",
    "Assistante de direction",
    "CTO",
    "Consultant",
    "Ingénieure R&D",
    "Comptable",
    "Chargé de clientèle",
];

/// Texts that try to steer a terminal or a query. They are somebody's name all the same.
pub(super) const HOSTILE: [&str; 8] = [
    "Robert'); DROP TABLE Lead;--",
    "\u{1b}]52;c;aGVsbG8=\u{7}",
    "\u{202e}eciruaM",
    "=HYPERLINK(\"http://evil.example\")",
    "Zoé\u{200b}\u{2060}",
    "a\\' OR Name != '",
    "Vu au salon; rappeler | urgent",
    "<b>Gras</b> & <i>maigre</i>",
];

/// What a terminal, a spreadsheet or a reader may stumble over, by what it tries. `~` stands for the
/// character repeated two hundred times.
pub(super) const HOSTILE_NOTES: [(&str, &str); 14] = [
    ("window title", "a\u{1b}]0;possédé\u{7}b"),
    (
        "link",
        "a\u{1b}]8;;http://evil.example\u{7}ici\u{1b}]8;;\u{7}b",
    ),
    ("clipboard", "a\u{1b}]52;c;cm0gLXJmIH4=\u{7}b"),
    ("device control", "a\u{1b}P+q544e\u{1b}\\b"),
    ("one-byte controls", "a\u{9b}31mrouge\u{9c}b"),
    ("clear screen", "a\u{1b}[2J\u{1b}[Hb"),
    ("right to left", "facture\u{202e}fdp.exe"),
    ("isolates", "a\u{2066}b\u{2067}c\u{2069}d"),
    ("zero width", "pas\u{200b}de\u{200d}bla\u{feff}bla"),
    ("tag characters", "a\u{e0041}\u{e0042}\u{e007f}b"),
    (
        "line separators",
        "une\u{2028}deux\u{2029}trois\u{ad}quatre",
    ),
    ("stacked marks", "Z~\u{301}algo"),
    ("look-alikes", "Ѕаlеѕfоrсе"),
    ("formula", "=cmd|' /C calc'!A0"),
];

pub(super) fn hostile_note(number: usize) -> String {
    let (_, text) = HOSTILE_NOTES[number / 2 % HOSTILE_NOTES.len()];
    let Some((head, rest)) = text.split_once('~') else {
        return text.to_owned();
    };
    let mut rest = rest.chars();
    let mark = rest.next().map(String::from).unwrap_or_default();
    format!("{head}{}{}", mark.repeat(200), rest.as_str())
}

/// Phone numbers as some people write them.
pub(super) const ODD_PHONES: [&str; 4] = [
    "04 50 12 34 56 poste 12",
    "+33(0)4.50.12-34/56",
    "０４５０１２３４５６",
    "demander à l’accueil",
];

/// A phone number as people write it: six different ways.
pub(super) fn phone(random: &mut Random) -> String {
    let pair = |random: &mut Random| format!("{:02}", random.below(100));
    let digits: Vec<String> = (0..4).map(|_| pair(random)).collect();
    let area = 1 + random.below(9);
    match random.below(6) {
        0 => format!("0{area} {}", digits.join(" ")),
        1 => format!("+33 {area} {}", digits.join(" ")),
        2 => format!("+33 (0){area} {}", digits.join(".")),
        3 => format!("0{area}{}", digits.concat()),
        4 => format!("0033{area}{}", digits.concat()),
        _ => format!("0{area}.{}", digits.join(".")),
    }
}

pub(super) fn company(number: usize) -> String {
    let head = COMPANY_HEADS[number % COMPANY_HEADS.len()];
    let tail = COMPANY_TAILS[number / COMPANY_HEADS.len() % COMPANY_TAILS.len()];
    match number / (COMPANY_HEADS.len() * COMPANY_TAILS.len()) {
        0 => format!("{head} {tail}"),
        more => format!("{head} {tail} {}", more + 1),
    }
}

pub(super) fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len() as u64) as usize]
}

/// Letters only, without accents: the beginning of an address.
pub(super) fn plain(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .map(|c| match c {
            'à'..='å' | 'ą' => 'a',
            'ç' | 'ć' => 'c',
            'è'..='ë' | 'ę' | 'ễ' => 'e',
            'ì'..='ï' => 'i',
            'ñ' => 'n',
            'ò'..='ö' | 'ø' => 'o',
            'ù'..='ü' => 'u',
            'ł' => 'l',
            c => c,
        })
        .filter(char::is_ascii_alphanumeric)
        .collect()
}
