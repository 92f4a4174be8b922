//! Every link from one page to another leads somewhere: to a file or folder of the
//! repository and, behind `#`, to a heading of it. Links to other sites are not followed.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::{Complaint, SourceFile};

pub(super) fn check(files: &[SourceFile]) -> Vec<Complaint> {
    let known: BTreeSet<&Path> = files.iter().flat_map(|file| file.path.ancestors()).collect();
    let mut complaints = Vec::new();
    for page in files.iter().filter(|file| file.has_extension("md")) {
        let Some(text) = &page.text else { continue };
        for (line, target) in links(text) {
            let (path, heading) =
                target.split_once('#').map_or((target, None), |(path, rest)| (path, Some(rest)));
            let path = if path.is_empty() { page.path.clone() } else { resolve(&page.path, path) };
            if !known.contains(path.as_path()) {
                complaints.push(Complaint::at(
                    &page.path,
                    line,
                    format_args!("the link `{target}` leads nowhere"),
                ));
                continue;
            }
            let Some(heading) = heading else { continue };
            let target_text =
                files.iter().find(|file| file.path == path).and_then(|file| file.text.as_deref());
            if !headings(target_text.unwrap_or_default()).any(|own| own == heading) {
                complaints.push(Complaint::at(&page.path, line, format_args!("`{target}`: no such heading")));
            }
        }
    }
    complaints
}

/// The links of a page inside the repository, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in lines_outside_code(text) {
        for (at, _) in line.match_indices("](") {
            let Some((target, _)) = line[at + 2..].split_once(')') else { continue };
            let target = target.split_whitespace().next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                found.push((number, target));
            }
        }
    }
    found
}

fn lines_outside_code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        (!in_code && !fence).then_some((index + 1, line))
    })
}

/// The path a link in `page` leads to, without `..` in it.
fn resolve(page: &Path, link: &str) -> PathBuf {
    let folder = page.parent().unwrap_or(Path::new(""));
    let mut path = PathBuf::new();
    for part in folder.join(link).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path
}

/// A page's headings as links name them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    lines_outside_code(text).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn links_are_followed_from_the_page_they_stand_on() {
        let files = [
            source(
                "README.md",
                "[map](docs/ARCHITECTURE.md) [site](https://example.com) [gone](docs/GONE.md)",
            ),
            source(
                "docs/ARCHITECTURE.md",
                "# Map\n\n## One request's walk\n\n[home](../README.md) [walk](#one-requests-walk) [docs](.)",
            ),
            source("docs/testing.md", "[a](ARCHITECTURE.md#no-such)\n```\n[not a link](nowhere.md)\n```\n"),
        ];
        let complaints = check(&files);
        let texts: Vec<&str> = complaints.iter().map(|Complaint(text)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "README.md:1: the link `docs/GONE.md` leads nowhere",
                "docs/testing.md:1: `ARCHITECTURE.md#no-such`: no such heading",
            ]
        );
    }
}
