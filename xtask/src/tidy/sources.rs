//! Rules about a Rust file by itself: a header that says what it is for, and a length a
//! person can keep in mind.

use super::{Complaint, SourceFile};

const MAX_LINES: usize = 500;

/// Files that may be longer, each with the reason.
const LONG_FILES: [(&str, &str); 0] = [];

pub(super) fn check(files: &[SourceFile]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("rs") && !file.is_generated()) {
        let Some(text) = &file.text else {
            complaints.push(Complaint::about(&file.path, "is not UTF-8"));
            continue;
        };
        if !text.starts_with("//! ") {
            complaints.push(Complaint::at(
                &file.path,
                1,
                "begin the file with `//!` lines: what it is for and what may not happen in it",
            ));
        }
        let lines = text.lines().count();
        let excused = LONG_FILES.iter().any(|(path, _)| file.path.ends_with(path));
        if lines > MAX_LINES && !excused {
            complaints.push(Complaint::about(
                &file.path,
                format_args!("has {lines} lines, more than {MAX_LINES}: split it by what its parts are for"),
            ));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn a_file_without_a_header_or_too_long_is_named() {
        let long = format!("//! Long.\n{}", "\n".repeat(MAX_LINES));
        let files = [
            source("crates/gateway/src/router.rs", "//! Every route.\nfn main() {}\n"),
            source("crates/gateway/src/bare.rs", "fn main() {}\n"),
            source("crates/gateway/src/long.rs", &long),
            source("crates/proto/src/gen/larder.rs", "fn generated() {}\n"),
            source("README.md", "no header"),
        ];
        let complaints = check(&files);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].0.starts_with("crates/gateway/src/bare.rs:1: begin"));
        assert!(complaints[1].0.starts_with("crates/gateway/src/long.rs: has 501 lines"));
    }
}
