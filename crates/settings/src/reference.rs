//! Writes the reference page of all settings from the catalogue, so that the page says what the
//! loader does. A test keeps the committed page fresh.

use crate::Settings;
use crate::catalogue;
use crate::sections::Setting;

const INTRODUCTION: &str = "\
# Settings

Generated from the settings' own declarations; do not edit. Settings come from one TOML file (`larder.toml` in the
current folder, or the one that `LARDER_CONFIG` names) and from environment variables, which outrank the file:
`LARDER_<SECTION>__<FIELD>`, or `LARDER_<SECTION>__<FIELD>_FILE` with the path of a file that holds the value, for
secrets. An empty variable means \"not set\" where a setting may be left out. An unknown name is an error.
`larder check-config` prints what is in force and where it came from, secrets redacted.
";

/// The reference page of all settings, in Markdown.
pub fn reference_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Outside any section\n\n");
    push_table(&mut page, Settings::SETTINGS);
    for (name, section) in &catalogue::SECTIONS {
        page.push_str(&format!("\n## `[{name}]`\n\n{}\n\n", section.about.trim()));
        push_table(&mut page, section.settings);
    }
    page
}

fn push_table(page: &mut String, settings: &[Setting]) {
    page.push_str("| setting | default | accepted | what it is for |\n| --- | --- | --- | --- |\n");
    for setting in settings {
        let default =
            catalogue::default_of(setting.key).map_or("not set".to_owned(), |value| format!("`{value}`"));
        page.push_str(&format!(
            "| `{}`<br>`{}` | {default} | {} | {} |\n",
            setting.key,
            catalogue::variable_of(setting.key),
            setting.kind.accepted(),
            setting.about.trim(),
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_page_is_fresh() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/settings.md");
        if std::env::var_os("LARDER_UPDATE_GENERATED").is_some() {
            std::fs::create_dir_all(page.parent().unwrap()).unwrap();
            std::fs::write(&page, reference_markdown()).unwrap();
        }
        let committed = std::fs::read_to_string(&page).unwrap_or_default();
        assert!(
            committed == reference_markdown(),
            "docs/reference/settings.md is stale; write it with LARDER_UPDATE_GENERATED=1 cargo test -p larder-settings"
        );
    }
}
