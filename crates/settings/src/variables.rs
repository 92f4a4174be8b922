//! Reads `LARDER_<SECTION>__<FIELD>` and `LARDER_<SECTION>__<FIELD>_FILE`. A variable that looks
//! like a setting and is none is an error, so that a slip never means a silent default.

use std::collections::BTreeMap;
use std::path::Path;

use crate::catalogue;
use crate::hint;
use crate::load::Gathered;
use crate::origin::Origin;
use crate::sections::Setting;

/// More than any secret needs; a larger file was named by mistake.
const LARGEST_FILE_BYTES: u64 = 1024 * 1024;

/// What the command, the tests and the builder of this project read for themselves.
const OUR_TOOLS: [&str; 6] = [
    "LARDER_ADDRESS",
    "LARDER_API_KEY",
    "LARDER_CACHE_DIR",
    "LARDER_CONFIG",
    "LARDER_TOKEN",
    "LARDER_UPDATE_GENERATED",
];
const OUR_TOOLS_PREFIXES: [&str; 3] = ["LARDER_BENCH_", "LARDER_TEST_", "LARDER_XTASK_"];

/// Gathers the settings among `variables`, which outrank the settings file.
pub(crate) fn gather(variables: &BTreeMap<String, String>, gathered: &mut Gathered) {
    for setting in catalogue::all() {
        gather_one(setting, variables, gathered);
    }
    for (name, value) in variables {
        if name.starts_with("LARDER_") && !is_known(name) && !is_someone_elses(name, value) {
            refuse_unknown(name, gathered);
        }
    }
}

fn gather_one(setting: &'static Setting, variables: &BTreeMap<String, String>, gathered: &mut Gathered) {
    let name = catalogue::variable_of(setting.key);
    let file_name = format!("{name}_FILE");
    match (variables.get(&name), variables.get(&file_name).filter(|path| !path.is_empty())) {
        (None, None) => {}
        (Some(_), Some(_)) => {
            gathered.refuse(format!("{name} and {file_name} are both set; accepted is one of them"))
        }
        (Some(text), None) => gather_text(setting, text, Origin::Variable(name), gathered),
        (None, Some(path)) => match read_limited(Path::new(path)) {
            Ok(text) if text.trim().is_empty() => {
                gathered.refuse(format!("{file_name}: the file {path} is empty"))
            }
            Ok(text) => {
                let origin = Origin::VariableFile { name: file_name, path: path.into() };
                gather_text(setting, text.trim(), origin, gathered);
            }
            Err(error) => gathered.refuse(format!("{file_name}: the file {path} cannot be read: {error}")),
        },
    }
}

/// An empty variable means "not set" where a setting may be left out, since compose files and
/// shells write it so.
fn gather_text(setting: &'static Setting, text: &str, origin: Origin, gathered: &mut Gathered) {
    if text.is_empty() && catalogue::default_of(setting.key).is_none() {
        return gathered.unset(setting, origin);
    }
    match setting.kind.read_text(text) {
        Some(value) => gathered.set(setting, value, origin),
        None => gathered.refuse_value(setting, &format!("{text:?}"), &origin),
    }
}

fn read_limited(path: &Path) -> std::io::Result<String> {
    let size_bytes = std::fs::metadata(path)?.len();
    if size_bytes > LARGEST_FILE_BYTES {
        return Err(std::io::Error::other(format!("{size_bytes} bytes are more than {LARGEST_FILE_BYTES}")));
    }
    std::fs::read_to_string(path)
}

fn is_known(name: &str) -> bool {
    catalogue::all().any(|setting| {
        let known = catalogue::variable_of(setting.key);
        name == known || name.strip_suffix("_FILE") == Some(known.as_str())
    })
}

/// Variables that start like a setting and belong to others.
fn is_someone_elses(name: &str, value: &str) -> bool {
    OUR_TOOLS.contains(&name)
        || OUR_TOOLS_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || is_service_link(name, value)
}

/// Kubernetes tells every container about a service named `larder` or `larder-gateway` in
/// variables like `LARDER_SERVICE_HOST` and `LARDER_PORT_8080_TCP_ADDR`.
fn is_service_link(name: &str, value: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.contains("_PORT")
            && (value.contains("://") || name.contains("_TCP") || name.contains("_UDP")))
}

fn refuse_unknown(name: &str, gathered: &mut Gathered) {
    let known = catalogue::all().map(|setting| catalogue::variable_of(setting.key));
    let known = known.flat_map(|name| [format!("{name}_FILE"), name]);
    let meant = hint::nearest(name, known).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    gathered.refuse(format!("unknown setting `{name}` in the environment{meant}"));
}
