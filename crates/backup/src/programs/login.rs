//! How a program of PostgreSQL is told where to connect: by its environment, which shows no secret, and
//! by a file for the password.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use larder_database::Binaries;
use larder_replication::{ConnectOptions, Host, TlsMode};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::process::Command;

use crate::error::BackupError;

const CONNECT_SECONDS: &str = "15";
/// Where distributions keep the authorities that everybody believes.
const SYSTEM_AUTHORITIES: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A way into one server. The file with its password goes with this value.
pub(crate) struct Login {
    folder: TempDir,
    variables: Vec<(&'static str, OsString)>,
}

impl Login {
    /// Writes the password into a file of our own, in a folder that nobody else may enter.
    ///
    /// # Errors
    /// A folder that cannot be made, and a password that no such file can hold.
    pub(crate) fn new(server: &ConnectOptions) -> Result<Self, BackupError> {
        let parent = std::env::temp_dir();
        let made = tempfile::Builder::new()
            .prefix("larder-login-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(&parent);
        let folder = made.map_err(BackupError::file("create a folder in", &parent))?;
        let pass_file = folder.path().join("pgpass");
        write_pass_file(server, &pass_file)?;
        let mut variables = variables(server);
        variables.push(("PGPASSFILE", pass_file.into_os_string()));
        Ok(Self { folder, variables })
    }

    /// A program that connects to `database`. Nothing of our own environment is handed on, and no file of
    /// our home is read.
    pub(crate) fn command(&self, binaries: &Binaries, name: &str, database: &str) -> Command {
        let mut command = Command::new(binaries.program(name));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        command.env("HOME", self.folder.path()).env("PGDATABASE", database);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

fn write_pass_file(server: &ConnectOptions, path: &Path) -> Result<(), BackupError> {
    let password = server.password.as_ref().map(|password| password.expose_secret()).unwrap_or_default();
    if password.contains(['\n', '\r', '\0']) {
        let refusal = "the password of the server holds a line break, which no password file can hold";
        return Err(BackupError::Refused(refusal.to_owned()));
    }
    let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
    let line = if password.is_empty() { String::new() } else { format!("*:*:*:*:{escaped}\n") };
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.map_err(BackupError::file("write", path))
}

fn variables(server: &ConnectOptions) -> Vec<(&'static str, OsString)> {
    let (host, port): (OsString, u16) = match &server.host {
        Host::Tcp { name, port } => (name.into(), *port),
        Host::Unix { folder, port } => (folder.into(), *port),
    };
    let mut variables: Vec<(&'static str, OsString)> = vec![
        ("PGHOST", host),
        ("PGPORT", port.to_string().into()),
        ("PGUSER", server.user.clone().into()),
        ("PGAPPNAME", server.application_name.clone().into()),
        ("PGCONNECT_TIMEOUT", CONNECT_SECONDS.into()),
        ("PGSSLMODE", ssl_mode(server.tls).into()),
        ("PGGSSENCMODE", "disable".into()),
    ];
    if let Some(authorities) = authorities(server) {
        variables.push(("PGSSLROOTCERT", authorities));
    }
    if let Some((certificate, key)) = &server.client_certificate {
        variables.push(("PGSSLCERT", certificate.into()));
        variables.push(("PGSSLKEY", key.into()));
    }
    if server.require_channel_binding {
        variables.push(("PGCHANNELBINDING", "require".into()));
    }
    variables
}

fn ssl_mode(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disable => "disable",
        TlsMode::Prefer => "prefer",
        TlsMode::Require => "require",
        TlsMode::VerifyCa => "verify-ca",
        TlsMode::VerifyFull => "verify-full",
    }
}

/// libpq looks into a home folder for what we find in the system.
fn authorities(server: &ConnectOptions) -> Option<OsString> {
    if let Some(path) = &server.root_certificates {
        return Some(path.into());
    }
    let verifies = matches!(server.tls, TlsMode::VerifyCa | TlsMode::VerifyFull);
    let found = SYSTEM_AUTHORITIES.iter().find(|path| verifies && Path::new(path).is_file());
    found.map(|path| OsString::from(*path))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn login(url: &str) -> Login {
        Login::new(&ConnectOptions::from_url(&SecretString::from(url.to_owned())).unwrap()).unwrap()
    }

    #[test]
    fn the_password_is_in_a_file_of_its_owner_and_nowhere_else() {
        let login = login("postgres://cook:p%3Aa%5Css@db.example:5433/shop?sslmode=require");
        let binaries = Binaries { dir: "/nowhere".into(), version: 17 };
        let command = login.command(&binaries, "pg_dump", "shop");
        let told = format!("{:?}", command.as_std());
        assert!(told.contains("db.example") && told.contains("PGSSLMODE"), "{told}");
        assert!(!told.contains("p:a") && !told.contains("p\\:a"), "{told}");
        let file = login.folder.path().join("pgpass");
        assert_eq!(fs::read_to_string(&file).unwrap(), "*:*:*:*:p\\:a\\\\ss\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let folder = login.folder.path().to_owned();
        drop(login);
        assert!(!folder.exists(), "it goes with the login");
    }

    #[test]
    fn a_password_that_no_file_can_hold_is_refused() {
        let url = SecretString::from("postgres://cook:a%0Ab@db/x".to_owned());
        let refused = Login::new(&ConnectOptions::from_url(&url).unwrap()).err().unwrap().to_string();
        assert!(refused.contains("line break"), "{refused}");
    }
}
