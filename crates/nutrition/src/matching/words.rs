//! From text to the stems of its words. Nothing here knows foods.

/// The words of a text in lower case with their plurals cut, in order.
pub(super) fn stems(text: &str) -> impl Iterator<Item = String> + '_ {
    words(text).map(|word| stem(&word))
}

/// The words of a text in lower case: runs of letters and figures; an apostrophe joins.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
        .map(|word| word.replace('\'', "").to_lowercase())
        .filter(|word| !word.is_empty())
}

/// A word without its plural: the S stemmer (Harman, "How effective is suffixing?", JASIS 1991)
/// with one spelling for a final y and ie, so that "cookies" and "cookie", "berries" and "berry" meet.
pub(super) fn stem(word: &str) -> String {
    let cut = |letters: usize| &word[..word.len() - letters];
    if !word.is_ascii() || word.len() < 3 {
        return word.to_owned();
    }
    if word.ends_with("ies") {
        return format!("{}i", cut(3));
    }
    if word.ends_with("ie") {
        return format!("{}i", cut(2));
    }
    if word.ends_with('y') && !word.ends_with("ay") && !word.ends_with("oy") && !word.ends_with("ey") {
        return format!("{}i", cut(1));
    }
    if word.len() > 4 && ["oes", "ches", "shes", "xes", "sses"].iter().any(|end| word.ends_with(end)) {
        return cut(2).to_owned();
    }
    if word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") {
        return cut(1).to_owned();
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many_of_a_thing_have_one_stem() {
        for (one, many) in [
            ("cookie", "cookies"),
            ("berry", "berries"),
            ("tomato", "tomatoes"),
            ("peach", "peaches"),
            ("pie", "pies"),
            ("cheese", "cheeses"),
            ("sauce", "sauces"),
            ("radish", "radishes"),
            ("turkey", "turkeys"),
        ] {
            assert_eq!(stem(one), stem(many), "{one}");
        }
        for word in ["asparagus", "hummus", "swiss", "ham"] {
            assert_eq!(stem(word), word);
        }
    }

    #[test]
    fn words_are_letters_and_figures_in_lower_case() {
        let found = words("FRZN GARLIC-BREAD/TOAST (50%) Wendy's").collect::<Vec<_>>();
        assert_eq!(found, ["frzn", "garlic", "bread", "toast", "50", "wendys"]);
    }
}
