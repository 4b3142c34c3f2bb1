//! The built-in lists behind country, region, locale and timezone fields.
//!
//! Countries go by their English names and regions by the product's own spelling (`Bayern`, not
//! `Bavaria`); a value outside the list refuses the whole record. Regions are listed for the
//! countries the practice worlds use.

/// Whether the name is in the list, letter case included.
pub fn is_country(name: &str) -> bool {
    listed(COUNTRIES, name)
}

pub fn is_region(name: &str) -> bool {
    listed(REGIONS, name)
}

/// `fr`, `fr_FR`: a language of the list, with or without a territory of two capitals.
pub fn is_locale(name: &str) -> bool {
    match name.split_once('_') {
        None => listed(LANGUAGES, name),
        Some((language, territory)) => {
            listed(LANGUAGES, language) && listed(TERRITORIES, territory)
        }
    }
}

/// `Area/City` with a known area, or `UTC`.
pub fn is_timezone(name: &str) -> bool {
    let Some((area, city)) = name.split_once('/') else {
        return name == "UTC";
    };
    let well_formed = city.len() > 2
        && city.starts_with(|c: char| c.is_ascii_uppercase())
        && city
            .chars()
            .all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '/'));
    listed(AREAS, area) && well_formed
}

fn listed(list: &str, name: &str) -> bool {
    !name.is_empty() && list.split('|').any(|entry| entry.trim() == name)
}

const AREAS: &str =
    "Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific";

const LANGUAGES: &str = "af|am|ar|as|az|be|bg|bn|br|bs|ca|cs|cy|da|de|dz|ee|el|en|eo|es|et|eu|fa|\
    ff|fi|fo|fr|fy|ga|gd|gl|gu|gv|ha|he|hi|hr|hu|hy|id|ig|is|it|ja|ka|ki|kk|kl|km|kn|ko|ks|kw|ky|\
    lb|lg|ln|lo|lt|lu|lv|mg|mk|ml|mn|mr|ms|mt|my|nb|nd|ne|nl|nn|om|or|os|pa|pl|ps|pt|qu|rm|rn|ro|\
    ru|rw|se|sg|si|sk|sl|sn|so|sq|sr|sv|sw|ta|te|th|ti|to|tr|ug|uk|ur|uz|vi|yi|yo|zh|zu";

const TERRITORIES: &str = "AD|AE|AR|AT|AU|BE|BF|BG|BJ|BO|BR|CA|CF|CG|CH|CI|CL|CM|CN|CO|CR|CY|CZ|\
    DE|DJ|DK|DO|DZ|EC|EE|EG|ES|FI|FR|GA|GB|GF|GN|GP|GR|GT|HK|HN|HR|HT|HU|ID|IE|IL|IN|IS|IT|JP|KE|\
    KM|KR|LI|LT|LU|LV|MA|MC|MG|ML|MQ|MR|MT|MU|MX|MY|NC|NE|NG|NI|NL|NO|NZ|PA|PE|PF|PH|PL|PM|PR|PT|\
    PY|RE|RO|RS|RU|RW|SA|SC|SE|SG|SI|SK|SN|SV|SY|TD|TG|TH|TN|TR|TW|UA|US|UY|VE|VN|VU|WF|YT|ZA";

const COUNTRIES: &str = "Afghanistan|Åland Islands|Albania|Algeria|American Samoa|Andorra|Angola|\
    Anguilla|Antarctica|Antigua and Barbuda|Argentina|Armenia|Aruba|Australia|Austria|Azerbaijan|\
    Bahamas|Bahrain|Bangladesh|Barbados|Belarus|Belgium|Belize|Benin|Bermuda|Bhutan|Bolivia|\
    Bosnia and Herzegovina|Botswana|Brazil|Brunei|Bulgaria|Burkina Faso|Burundi|Cambodia|Cameroon|\
    Canada|Cape Verde|Cayman Islands|Central African Republic|Chad|Chile|China|Colombia|Comoros|\
    Cook Islands|Costa Rica|Croatia|Cuba|Cyprus|Czech Republic|Denmark|Djibouti|Dominica|\
    Dominican Republic|East Timor|Ecuador|Egypt|El Salvador|Equatorial Guinea|Eritrea|Estonia|\
    Ethiopia|Falkland Islands|Faroe Islands|Fiji|Finland|France|French Guiana|French Polynesia|\
    Gabon|Gambia|Georgia|Germany|Ghana|Gibraltar|Greece|Greenland|Grenada|Guadeloupe|Guam|\
    Guatemala|Guernsey|Guinea|Guinea-Bissau|Guyana|Haiti|Honduras|Hong Kong|Hungary|Iceland|India|\
    Indonesia|Iran|Iraq|Ireland|Isle of Man|Israel|Italy|Ivory Coast|Jamaica|Japan|Jersey|Jordan|\
    Kazakhstan|Kenya|Kiribati|Kosovo|Kuwait|Kyrgyzstan|Laos|Latvia|Lebanon|Lesotho|Liberia|Libya|\
    Liechtenstein|Lithuania|Luxembourg|Macao|Macedonia|Madagascar|Malawi|Malaysia|Maldives|Mali|\
    Malta|Marshall Islands|Martinique|Mauritania|Mauritius|Mayotte|Mexico|Micronesia|Moldova|\
    Monaco|Mongolia|Montenegro|Montserrat|Morocco|Mozambique|Myanmar|Namibia|Nauru|Nepal|\
    Netherlands|New Caledonia|New Zealand|Nicaragua|Niger|Nigeria|Niue|North Korea|Norway|Oman|\
    Pakistan|Palau|Palestine|Panama|Papua New Guinea|Paraguay|Peru|Philippines|Poland|Portugal|\
    Puerto Rico|Qatar|Republic of the Congo|Réunion|Romania|Russia|Rwanda|Saint Barthélemy|\
    Saint Lucia|Saint Martin|Samoa|San Marino|Saudi Arabia|Senegal|Serbia|Seychelles|Sierra Leone|\
    Singapore|Slovakia|Slovenia|Solomon Islands|Somalia|South Africa|South Korea|South Sudan|\
    Spain|Sri Lanka|Sudan|Suriname|Swaziland|Sweden|Switzerland|Syria|Taiwan|Tajikistan|Tanzania|\
    Thailand|Togo|Tonga|Trinidad and Tobago|Tunisia|Turkey|Turkmenistan|Tuvalu|Uganda|Ukraine|\
    United Arab Emirates|United Kingdom|United States|Uruguay|Uzbekistan|Vanuatu|Vatican City|\
    Venezuela|Vietnam|Wallis and Futuna|Western Sahara|Yemen|Zambia|Zimbabwe";

const REGIONS: &str = "Alsace|Aquitaine|Auvergne|Auvergne-Rhône-Alpes|Basse-Normandie|Bourgogne|\
    Bourgogne-Franche-Comté|Bretagne|Centre|Centre-Val de Loire|Champagne-Ardenne|Corse|\
    Franche-Comté|Grand Est|Guadeloupe|Guyane|Haute-Normandie|Hauts-de-France|Île-de-France|\
    La Réunion|Languedoc-Roussillon|Limousin|Lorraine|Martinique|Mayotte|Midi-Pyrénées|\
    Nord-Pas-de-Calais|Normandie|Nouvelle-Aquitaine|Occitanie|Pays de la Loire|Picardie|\
    Poitou-Charentes|Provence-Alpes-Côte d'Azur|Rhône-Alpes|Baden-Württemberg|Bayern|Berlin|\
    Brandenburg|Bremen|Hamburg|Hessen|Mecklenburg-Vorpommern|Niedersachsen|Nordrhein-Westfalen|\
    Rheinland-Pfalz|Saarland|Sachsen|Sachsen-Anhalt|Schleswig-Holstein|Thüringen|Antwerpen|\
    Brabant Wallon|Brussels|Hainaut|Liege|Limburg|Luxembourg|Namur|Oost-Vlaanderen|\
    Vlaams-Brabant|West-Vlaanderen|Aargau|Basel-Landschaft|Basel-Stadt|Bern|Fribourg|Geneva|\
    Jura|Lucerne|Neuchatel|Sankt Gallen|Solothurn|Ticino|Valais|Vaud|Zug|Zurich|Alberta|\
    British Columbia|Manitoba|New Brunswick|Newfoundland and Labrador|Northwest Territories|\
    Nova Scotia|Nunavut|Ontario|Prince Edward Island|Quebec|Saskatchewan|Yukon|Alabama|Alaska|\
    Arizona|Arkansas|California|Colorado|Connecticut|Delaware|District of Columbia|Florida|\
    Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|\
    Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|\
    New Jersey|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|\
    Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|\
    West Virginia|Wisconsin|Wyoming";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_in_the_products_own_spelling_only() {
        assert!(is_country("France") && !is_country("FR") && !is_country("france"));
        assert!(is_region("Bayern") && !is_region("Bavaria"));
        assert!(is_locale("fr_FR") && is_locale("de") && !is_locale("xx_YY"));
        assert!(is_timezone("Europe/Paris") && !is_timezone("Mars/Base"));
    }

    #[test]
    fn names_across_a_line_break_are_found() {
        assert!(is_country("Anguilla") && is_country("United Arab Emirates"));
        assert!(is_region("Île-de-France") && !is_country(""));
    }
}
