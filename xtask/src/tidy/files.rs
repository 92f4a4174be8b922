//! Rules about where things stand and what they are called: `foo.rs` beside `foo/`, names
//! that say what is inside, and a changelog that is ready for the next entry.

use std::path::Path;

use super::{Complaint, SourceFile};

/// Names under which anything could be put, so that nothing can be found.
const EMPTY_NAMES: [&str; 13] = [
    "base",
    "common",
    "commons",
    "core",
    "helper",
    "helpers",
    "manager",
    "misc",
    "shared",
    "types",
    "util",
    "utils",
    "utilities",
];

pub(super) fn check(files: &[SourceFile]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("rs") && !file.is_generated()) {
        if file.path.ends_with("mod.rs") {
            complaints.push(Complaint::about(&file.path, "name it after its folder and put it beside it"));
        }
        if let Some(name) = empty_name(&file.path) {
            complaints.push(Complaint::about(
                &file.path,
                format_args!("`{name}` says nothing; name it for its job"),
            ));
        }
    }
    complaints.extend(check_changelog(files));
    complaints
}

fn empty_name(path: &Path) -> Option<String> {
    let without_extension = path.with_extension("");
    without_extension
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .find(|part| EMPTY_NAMES.contains(&part.as_str()))
}

fn check_changelog(files: &[SourceFile]) -> Option<Complaint> {
    let path = Path::new("CHANGELOG.md");
    let Some(text) = files.iter().find(|file| file.path == path).and_then(|file| file.text.as_ref()) else {
        return Some(Complaint::about(path, "is missing"));
    };
    let ready = text.lines().any(|line| line.trim_end() == "## Unreleased");
    (!ready).then(|| Complaint::about(path, "has no section `## Unreleased`"))
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn names_that_say_nothing_are_refused() {
        let files = [
            source("CHANGELOG.md", "# Changelog\n\n## Unreleased\n"),
            source("crates/gateway/src/router.rs", ""),
            source("crates/gateway/src/utils.rs", ""),
            source("crates/common/src/lib.rs", ""),
            source("crates/gateway/src/jobs/mod.rs", ""),
            source("docs/common.md", ""),
        ];
        let complaints = check(&files);
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[0].0.contains("`utils`"));
        assert!(complaints[1].0.contains("`common`"));
        assert!(complaints[2].0.contains("name it after its folder"));
    }

    #[test]
    fn a_changelog_needs_its_unreleased_section() {
        assert!(check(&[source("CHANGELOG.md", "# Changelog\n\n## 0.1.0\n")])[0].0.contains("Unreleased"));
        assert!(check(&[])[0].0.contains("missing"));
    }
}
