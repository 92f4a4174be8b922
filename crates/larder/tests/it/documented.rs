//! What the documents tell a reader to type works as it stands: every shell block of a document
//! that calls the demo shop with curl is run against one, and every call has to be answered.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::larder::Up;

/// Where the documents say the demo shop is.
const TOLD_ADDRESS: &str = "localhost:8080";
/// A refused call ends the script.
const STRICT: &str = "set -euo pipefail\ncurl() { command curl --fail-with-body \"$@\"; }\n";

/// The shell blocks of a document that consist of calls with curl, as one script.
fn script_of(document: &str) -> String {
    let mut script = String::new();
    for block in document.split("```").skip(1).step_by(2) {
        let Some(block) = block.strip_prefix("sh\n").or_else(|| block.strip_prefix("bash\n")) else {
            continue;
        };
        let first_words = block.lines().filter(|line| !line.starts_with([' ', '\t']) && !line.is_empty());
        let calls = |line: &str| line.starts_with("curl ") || line.split('=').next().is_some_and(is_name);
        if first_words.clone().count() > 0 && first_words.clone().all(calls) {
            script.push_str(block);
        }
    }
    script
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
}

/// Runs what the documents tell, in the order of the documents.
pub(crate) async fn calls_are_answered(up: &Up) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (name, call_count) in [("README.md", 8), ("docs/nutrition.md", 7), ("docs/market-days.md", 11)] {
        let script = script_of(&std::fs::read_to_string(root.join(name)).unwrap());
        let calls = script.lines().filter(|line| line.starts_with("curl ")).count();
        assert!(calls >= call_count, "{name} has only {calls} calls");
        let address = up.gateway.trim_start_matches("http://").to_owned();
        let script = format!("{STRICT}{}", script.replace(TOLD_ADDRESS, &address));
        let mut bash = Command::new("bash");
        let output = bash.arg("-c").arg(&script).stdin(Stdio::null()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {complained}\n{said}\n{script}");
        assert!(!said.contains("\"degraded\":true"), "{name}: {said}");
    }
}

#[test]
fn blocks_of_calls_are_told_from_others() {
    let document = "```sh\nA=1\ncurl -s x\n```\ntext\n```sh\ncargo xtask up\n```\n```json\n{}\n```\n```bash\ncurl y -d '{\n  \"a\": 1}'\n```\n";
    assert_eq!(script_of(document), "A=1\ncurl -s x\ncurl y -d '{\n  \"a\": 1}'\n");
}
