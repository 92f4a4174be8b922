//! What may not be written anywhere: one machine's own paths and package mirrors, and
//! numbers of a tracker that a reader of the code cannot see.

use super::{Complaint, SourceFile};

/// Text and why it may not stand in the repository. Each is split here so that this file
/// does not break its own rule.
const FORBIDDEN: [(&str, &str); 6] = [
    (concat!("/wo", "rk/"), "is a path of one machine; use one relative to the workspace"),
    (concat!("/ro", "ot/"), "is a path of one machine; take the home folder from the environment"),
    (concat!("arti", "factory"), "is one machine's package mirror"),
    (concat!("index.crates", ".io"), "is the address of a registry; cargo knows it"),
    (concat!("files.python", "hosted"), "is the address of a registry; pip knows it"),
    (concat!("issue", " #"), "is a number of a tracker; say what it was about"),
];

pub(super) fn check(files: &[SourceFile]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| !file.path.ends_with("Cargo.lock")) {
        let Some(text) = &file.text else { continue };
        for (number, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            for (word, reason) in FORBIDDEN.iter().filter(|(word, _)| stands_alone(&lower, word)) {
                complaints.push(Complaint::at(&file.path, number + 1, format_args!("`{word}` {reason}")));
            }
        }
    }
    complaints
}

/// Whether the word occurs, and, when it begins a path, begins it there: `target/work/` is
/// no absolute path.
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !word.starts_with('/')
            || !before.is_some_and(|character| character.is_alphanumeric() || "._-}~*)".contains(character))
    })
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn an_absolute_path_is_found_and_a_relative_one_is_not() {
        let root = concat!("/ro", "ot/");
        let text = format!("fine\nlet path = \"{root}.cache\";\nlet path = \"chroot{root}here\";\n");
        let complaints = check(&[source("crates/larder/src/main.rs", &text), source("Cargo.lock", &text)]);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].0.starts_with("crates/larder/src/main.rs:2:"));
    }
}
