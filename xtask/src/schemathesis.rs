//! `cargo xtask schemathesis`: a running demo shop, asked everything that its own OpenAPI document allows and forbids,
//! by a program that knows nothing else of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::arguments::Arguments;
use crate::interrupt::Interrupt;
use crate::packages;
use crate::servers;
use crate::workspace::{Workspace, hide_own_variables};

const PACKAGE: &str = "schemathesis==4.32.5";
const SECONDS: u64 = 300;
/// Calls that work for minutes, or on files of the machine, are left to their own tests.
const LEFT_OUT: &str = "backups|drills|:train|:evaluate|rescue";
/// What the document does not say yet: which of the values that a type has a field accepts.
const CHECKS_LEFT_OUT: &str = "positive_data_acceptance";
const SERVICES: [&str; 4] = ["GATEWAY", "RECOMMENDATION", "BACKUP", "ALERTING"];

/// Asks for `--seconds` (300).
pub(crate) fn run(
    workspace: &Workspace,
    interrupt: &Interrupt,
    mut arguments: Arguments,
) -> Result<ExitCode> {
    let seconds = arguments.values("--seconds")?.pop().map(|text| text.parse()).transpose();
    let seconds: u64 = seconds.context("--seconds takes a whole number")?.unwrap_or(SECONDS);
    arguments.end()?;
    packages::need_postgresql(interrupt)?;
    let python = servers::python_with(interrupt, "schemathesis", PACKAGE)?;
    interrupt.run_well(workspace.cargo().args(["build", "--package", "larder"]))?;
    let program = workspace.target.join("debug/larder");
    let folder = tempfile::tempdir()?;
    let mut shop = Shop::start(&program, folder.path())?;
    interrupt.check()?;
    let token = shop.token(&program, folder.path())?;
    let mut asking = Command::new(python.with_file_name("schemathesis"));
    asking.arg("run").arg(format!("{}/openapi.json", shop.gateway));
    asking.arg("--header").arg(format!("Authorization: Bearer {token}"));
    asking.args([
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "10",
        "--generation-deterministic",
    ]);
    asking.args(["--no-shrink", "--no-color", "--request-timeout", "15", "--request-retries", "1"]);
    asking.arg("--max-time").arg(seconds.to_string());
    asking.args(["--exclude-path-regex", LEFT_OUT, "--exclude-checks", CHECKS_LEFT_OUT]);
    asking.current_dir(folder.path());
    let status = interrupt.run(&mut asking);
    shop.stop();
    Ok(if status?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `larder up` with the demo shop, on free ports, where everybody has to say who they are.
struct Shop {
    child: Child,
    gateway: String,
}

impl Shop {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let mut command = Self::command(program, folder);
        command.args(["up", "--demo", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let said = child.stdout.take().context("its output is read")?;
        for line in BufReader::new(said).lines() {
            if let Some(gateway) = gateway_of(&line?) {
                return Ok(Self { child, gateway });
            }
        }
        child.wait()?;
        bail!("the demo shop did not start; `{} up --demo` tells why", program.display())
    }

    fn command(program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        hide_own_variables(&mut command);
        command.env("LARDER_DATA_DIR", folder.join("data")).current_dir(folder);
        for service in SERVICES {
            command.env(format!("LARDER_{service}__LISTEN_ADDRESS"), "127.0.0.1:0");
            command.env(format!("LARDER_{service}__OPS_ADDRESS"), "127.0.0.1:0");
        }
        command.env("LARDER_IDENTITY__AUTHENTICATION", "required").env("LARDER_TELEMETRY__LOG_FILTER", "off");
        // It shows wrong credentials on purpose.
        command.env("LARDER_LIMITS__WRONG_CREDENTIALS_PER_MIN", "0");
        command.env("LARDER_LIMITS__WRONG_PASSWORDS_PER_H", "0");
        command
    }

    fn token(&self, program: &Path, folder: &Path) -> Result<String> {
        let mut command = Self::command(program, folder);
        command.args(["token", "issue", "--tenant", "demo", "--scope", "*", "--ttl-s", "7200"]);
        let output = command.output()?;
        if !output.status.success() {
            bail!("no token: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    fn stop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// The address in the line that says that everything is up.
fn gateway_of(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("\"gateway\":\"")?;
    line.contains("\"event\":\"ready\"").then(|| rest.split('"').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::gateway_of;

    #[test]
    fn the_gateway_is_read_from_the_line_that_says_ready() {
        let ready = r#"{"event":"ready","gateway":"http://127.0.0.1:41","pid":7}"#;
        assert_eq!(gateway_of(ready).as_deref(), Some("http://127.0.0.1:41"));
        assert_eq!(gateway_of(r#"{"level":"WARN","message":"\"gateway\":"}"#), None);
    }
}
