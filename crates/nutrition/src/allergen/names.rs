//! What people call allergens: names in five languages, members of a group, E numbers and
//! spellings, all brought to the fourteen groups. A name that is not known is refused, never
//! passed over, since whoever wrote it meant to avoid something.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Allergen;
use crate::InvalidField;

const TABLE: &str = include_str!("../../data/allergens.json");

/// A language that the groups are told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "each is the language of its name")]
pub enum Language {
    #[serde(rename = "en")]
    English,
    #[serde(rename = "de")]
    German,
    #[serde(rename = "es")]
    Spanish,
    #[serde(rename = "fr")]
    French,
    #[serde(rename = "it")]
    Italian,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the version and source are for people who read the file")]
struct Table {
    version: u32,
    source: String,
    groups: Vec<Group>,
    several: Vec<Several>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    group: Allergen,
    /// Annex II of Regulation (EU) No 1169/2011.
    wording: String,
    names: Names,
    members: Vec<Member>,
    spellings: Vec<String>,
}

/// One member of a group that has several, such as hazelnuts.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Such as `hazelnuts`.
    pub key: String,
    names: Names,
}

#[derive(Debug, serde::Deserialize)]
struct Names {
    en: String,
    de: String,
    es: String,
    fr: String,
    it: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    spellings: Vec<String>,
    groups: Vec<Allergen>,
}

impl Names {
    fn of(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::German => &self.de,
            Language::Spanish => &self.es,
            Language::French => &self.fr,
            Language::Italian => &self.it,
        }
    }

    fn all(&self) -> [&str; 5] {
        [&self.en, &self.de, &self.es, &self.fr, &self.it]
    }
}

impl Member {
    /// What the member is called.
    #[must_use]
    pub fn name(&self, language: Language) -> &str {
        self.names.of(language)
    }
}

/// A table of facts, read once; it never changes while the process runs.
static GROUPS: LazyLock<Table> =
    LazyLock::new(|| serde_json::from_str(TABLE).expect("the file is part of the crate and a test reads it"));

static SPELLINGS: LazyLock<HashMap<String, Vec<Allergen>>> = LazyLock::new(|| {
    let mut spellings = HashMap::new();
    for group in &GROUPS.groups {
        let own = [group.wording.as_str()];
        let members = group.members.iter().flat_map(|member| member.names.all());
        let written = group.spellings.iter().map(String::as_str);
        for name in group.names.all().into_iter().chain(members).chain(written).chain(own) {
            spellings.insert(folded(name), vec![group.group]);
        }
        if let Ok(serde_json::Value::String(name)) = serde_json::to_value(group.group) {
            spellings.insert(folded(&name), vec![group.group]);
        }
    }
    for several in &GROUPS.several {
        for name in &several.spellings {
            spellings.insert(folded(name), several.groups.clone());
        }
    }
    spellings
});

impl Allergen {
    /// The wording of Annex II of Regulation (EU) No 1169/2011, without its exemptions.
    #[must_use]
    pub fn wording(self) -> &'static str {
        &GROUPS.groups[self as usize].wording
    }

    /// What the group is called.
    #[must_use]
    pub fn name(self, language: Language) -> &'static str {
        GROUPS.groups[self as usize].names.of(language)
    }

    /// Its members, where the regulation names several: cereals and nuts.
    #[must_use]
    pub fn members(self) -> &'static [Member] {
        &GROUPS.groups[self as usize].members
    }

    /// The groups that somebody means by `text`: a name, a member or an E number in one of five
    /// languages, whatever its case, accents and punctuation. `shellfish` means two groups.
    ///
    /// # Errors
    /// The text, when it is none of them.
    pub fn named(text: &str) -> Result<&'static [Self], InvalidField> {
        let folded = folded(without_language_tag(text.trim()));
        let shorter = ["es", "s", "n", "e"].iter().filter_map(|ending| folded.strip_suffix(ending));
        let found = std::iter::once(folded.as_str()).chain(shorter).find_map(|name| SPELLINGS.get(name));
        found.map(Vec::as_slice).ok_or_else(|| {
            let accepted = "one of the 14 groups of Regulation (EU) No 1169/2011 or a member of one";
            InvalidField::new("allergen", text, accepted)
        })
    }
}

/// Open data tag names with their language: `en:tree-nuts`.
fn without_language_tag(text: &str) -> &str {
    match text.split_once(':') {
        Some((language, name)) if language.len() == 2 => name,
        _ => text,
    }
}

/// Lower-case letters and digits alone, without accents.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        match plain_letters(character) {
            Some(plain) => folded.push_str(plain),
            None if character.is_alphanumeric() => folded.push(character),
            None => {}
        }
    }
    folded
}

/// The letters without accents of the five languages.
fn plain_letters(character: char) -> Option<&'static str> {
    Some(match character {
        'à' | 'á' | 'â' | 'ä' | 'ã' => "a",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' => "o",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'œ' => "oe",
        'æ' => "ae",
        'ß' => "ss",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_stands_at_its_place_with_names_in_every_language() {
        assert_eq!(GROUPS.groups.len(), Allergen::ALL.len());
        for (group, allergen) in GROUPS.groups.iter().zip(Allergen::ALL) {
            assert_eq!(group.group, allergen);
            assert!(group.names.all().iter().all(|name| !name.is_empty()));
        }
        assert_eq!(GROUPS.groups.iter().map(|group| group.members.len().max(1)).sum::<usize>(), 28);
        assert_eq!(Allergen::Nuts.name(Language::German), "Schalenfrüchte");
        assert_eq!(Allergen::Crustaceans.name(Language::Spanish), "Crustáceos");
        let hazelnuts = Allergen::Nuts.members().iter().find(|member| member.key == "hazelnuts");
        assert_eq!(hazelnuts.map(|member| member.name(Language::Italian)), Some("Nocciole"));
    }

    #[test]
    fn every_name_means_its_own_group() {
        for group in &GROUPS.groups {
            let members = group.members.iter().flat_map(|member| member.names.all());
            for name in group.names.all().into_iter().chain(members) {
                assert_eq!(Allergen::named(name), Ok(&[group.group][..]), "{name}");
            }
        }
    }

    #[test]
    fn spellings_are_brought_to_their_groups() {
        for (text, allergens) in [
            ("tree nuts", &[Allergen::Nuts][..]),
            ("Tree-Nuts", &[Allergen::Nuts]),
            ("en:nuts", &[Allergen::Nuts]),
            ("Haselnüsse", &[Allergen::Nuts]),
            ("HASELNUSS", &[Allergen::Nuts]),
            ("Fruits à coque", &[Allergen::Nuts]),
            ("gluten", &[Allergen::Gluten]),
            ("Wheat", &[Allergen::Gluten]),
            ("avena", &[Allergen::Gluten]),
            ("E220", &[Allergen::Sulphites]),
            ("e 224", &[Allergen::Sulphites]),
            ("Sulfites", &[Allergen::Sulphites]),
            ("peanut", &[Allergen::Peanuts]),
            ("Erdnuss", &[Allergen::Peanuts]),
            ("soya", &[Allergen::Soybeans]),
            ("SOJA", &[Allergen::Soybeans]),
            ("lactose", &[Allergen::Milk]),
            ("dairy", &[Allergen::Milk]),
            ("œufs", &[Allergen::Eggs]),
            ("oeufs", &[Allergen::Eggs]),
            ("egg", &[Allergen::Eggs]),
            ("sesame", &[Allergen::Sesame]),
            ("tahini", &[Allergen::Sesame]),
            ("molluscs", &[Allergen::Molluscs]),
            ("mollusks", &[Allergen::Molluscs]),
            ("shellfish", &[Allergen::Crustaceans, Allergen::Molluscs]),
            ("Lupinen", &[Allergen::Lupin]),
            ("celeriac", &[Allergen::Celery]),
        ] {
            assert_eq!(Allergen::named(text), Ok(allergens), "{text}");
        }
    }

    #[test]
    fn a_name_nobody_knows_is_refused() {
        for text in ["", "coconut", "E300", "n", "s", "strawberries", "🥜"] {
            let refused = Allergen::named(text).expect_err("it is no allergen of the regulation");
            assert_eq!(refused.value, text);
        }
    }
}
