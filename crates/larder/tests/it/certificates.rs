//! A stack of one's own with certificates of its own: made by the command, asked for by every service, and no way
//! round the gateway.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::larder::{DataDir, Up, run};

/// A call with curl: whether it came about, the status and the answer.
async fn curl(arguments: &[&str], url: &str) -> (bool, u16, String) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--max-time", "10", "--write-out", "\n%{http_code}"]).args(arguments).arg(url);
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (output.status.success(), status.parse().unwrap(), body.to_owned())
}

async fn make(folder: &str, names: &[&str]) -> Value {
    let mut arguments = vec!["certificates", "make", "--json", "--dir", folder];
    names.iter().for_each(|name| arguments.extend(["--name", *name]));
    run(&arguments).await.expect_code(0).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn services_with_certificates_are_reached_through_the_gateway_alone() {
    let data = DataDir::new();
    let folder = data.beside("certificates");
    let path = |name: &str| folder.join(name).display().to_string();
    let folder_text = folder.display().to_string();
    assert_eq!(make(&folder_text, &[]).await["authorityIsNew"], true);
    let authority = std::fs::read(folder.join("authority.pem")).unwrap();
    let again = make(&folder_text, &["prometheus"]).await;
    assert_eq!(
        (&again["authorityIsNew"], again["certificates"].as_array().unwrap().len()),
        (&Value::Bool(false), 1)
    );
    assert_eq!(std::fs::read(folder.join("authority.pem")).unwrap(), authority, "the authority stays");

    let settings = data.beside("larder.toml");
    let text = format!(
        "[gateway]\ntls_certificate_file = {0:?}\ntls_key_file = {1:?}\n\
         [tls]\nauthority_file = {2:?}\ncertificate_file = {0:?}\nkey_file = {1:?}\n",
        path("gateway.pem"),
        path("gateway.key"),
        path("authority.pem"),
    );
    std::fs::write(&settings, text).unwrap();
    let up = Up::start(&data.path(), &["--config", settings.to_str().unwrap()]).await;
    assert!(up.gateway.starts_with("https://"), "{}", up.gateway);

    let believing = ["--cacert", &path("authority.pem")];
    for call in ["/v1/products?page_size=1", "/v1/backups", "/v1/incidents"] {
        let (_, status, answer) = curl(&believing, &format!("{}{call}", up.gateway)).await;
        assert_eq!(status, 200, "{call}: {answer}");
    }
    assert!(!curl(&[], &format!("{}/health", up.gateway)).await.0, "an authority that nobody knows");
    let in_the_clear = up.gateway.replace("https://", "http://");
    assert!(!curl(&[], &format!("{in_the_clear}/health")).await.0, "nothing is said in the clear");

    for service in ["recommendation", "backup", "alerting"] {
        let url = up.ready[service].as_str().unwrap();
        assert!(url.starts_with("https://"), "{url}");
        assert!(!curl(&believing, url).await.0, "{service} spoke with somebody without a certificate");
        let plain = url.replace("https://", "http://");
        assert!(!curl(&[], &plain).await.0, "{service} spoke in the clear");
        let proven = [&believing[..], &["--cert", &path("prometheus.pem"), "--key", &path("prometheus.key")]];
        let (spoke, status, _) = curl(&proven.concat(), url).await;
        assert!(spoke && status >= 200, "{service} does not speak with one who shows a certificate");
    }
    assert_eq!(up.stop().await, Some(0));
}

#[tokio::test]
async fn a_name_that_is_no_file_and_a_host_that_is_none_are_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("certificates");
    let dir = place.to_str().unwrap();
    for name in ["../gateway", "authority", "a b", ""] {
        let refused = run(&["certificates", "make", "--dir", dir, "--name", name]).await.expect_code(2);
        assert!(refused.stderr.contains("accepted are"), "{refused:?}");
        assert!(!Path::new(dir).exists());
    }
    let refused = run(&["certificates", "make", "--dir", dir, "--host", "no host"]).await.expect_code(1);
    assert!(refused.stderr.contains("\"no host\" is no name of a host"), "{refused:?}");
}
