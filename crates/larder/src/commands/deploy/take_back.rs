//! Runs the command that takes back what was rolled out, and sees whether what runs then answers. Five minutes are
//! given for both.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use super::smoke::{self, Round};
use super::stack::Stack;

/// From the failure until what was before answers again.
const LIMIT: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(500);

/// How it went.
#[derive(Debug, Clone)]
pub(super) struct TakenBack {
    command: String,
    /// What the command ended with; none when it was stopped, or never began.
    code: Option<i32>,
    took: Duration,
    /// When all smoke tests passed again, from the beginning of the command.
    answered_after: Option<Duration>,
}

/// Runs it once. It finds why in `VERIFY_REASON`, and what it prints goes to stderr.
pub(super) async fn run(stack: &Stack, command: &str, reason: &str) -> TakenBack {
    let started = Instant::now();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("VERIFY_REASON", reason);
    shell.stdin(Stdio::null()).stdout(std::io::stderr()).kill_on_drop(true);
    let ended = timeout(LIMIT, shell.status()).await;
    let code = ended.ok().and_then(Result::ok).and_then(|status| status.code());
    let took = started.elapsed();
    let mut taken_back = TakenBack { command: command.to_owned(), code, took, answered_after: None };
    if code != Some(0) {
        return taken_back;
    }
    while started.elapsed() < LIMIT {
        if smoke::round(stack, Round::Repeated).await.iter().all(|finding| !finding.failed()) {
            taken_back.answered_after = Some(started.elapsed());
            break;
        }
        sleep(PAUSE).await;
    }
    taken_back
}

impl TakenBack {
    /// For a person.
    pub(super) fn line(&self) -> String {
        let command = &self.command;
        let took = self.took.as_secs_f64();
        match (self.code, self.answered_after) {
            (Some(0), Some(after)) => format!(
                "taken back by `{command}` in {took:.1} s; all smoke tests pass after {:.1} s",
                after.as_secs_f64()
            ),
            (Some(0), None) => format!(
                "`{command}` ended well after {took:.1} s, and yet smoke tests fail after {} s: look yourself",
                LIMIT.as_secs()
            ),
            (Some(code), _) => {
                format!(
                    "NOT taken back: `{command}` ended with {code} after {took:.1} s; take it back by hand"
                )
            }
            (None, _) => {
                format!("NOT taken back: `{command}` did not end within {} s, or was killed", LIMIT.as_secs())
            }
        }
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        json!({
            "command": self.command,
            "exitCode": self.code,
            "tookMs": self.took.as_secs_f64() * 1e3,
            "answeredAfterMs": self.answered_after.map(|after| after.as_secs_f64() * 1e3),
            "limitMs": LIMIT.as_secs_f64() * 1e3,
        })
    }
}
