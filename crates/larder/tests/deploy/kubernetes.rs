//! The manifests: kustomize builds them, the API's own schemas take them, Larder takes the settings in them.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::compose::made_secrets;
use crate::programs::content;
use crate::tree;

const OVERLAYS: [&str; 2] = ["staging", "production"];
const OURS: [&str; 4] = ["alerting", "backup", "gateway", "recommendation"];
/// The oldest Kubernetes whose schemas they have to fit.
const KUBERNETES: &str = "1.33";

fn built(overlay: &str) -> (String, Vec<Value>) {
    let text = content("LARDER_TEST_KUBECTL", &["kustomize", &format!("deploy/k8s/overlays/{overlay}")]);
    let documents = serde_saphyr::from_multiple(&text).unwrap();
    (text, documents)
}

fn named<'a>(documents: &'a [Value], kinds: &[&str], name: &str) -> &'a Value {
    let wanted = |document: &&Value| {
        kinds.contains(&document["kind"].as_str().unwrap())
            && document["metadata"]["name"].as_str().unwrap().starts_with(name)
    };
    documents.iter().find(wanted).unwrap_or_else(|| panic!("there is no {kinds:?} {name}"))
}

fn workload<'a>(documents: &'a [Value], service: &str) -> &'a Value {
    named(documents, &["Deployment", "StatefulSet"], service)
}

#[test]
fn kubernetes_takes_every_manifest() {
    for overlay in OVERLAYS {
        let (text, documents) = built(overlay);
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap();
        content(
            "LARDER_TEST_KUBERNETES_PYTHON",
            &["-m", "kubernetes_validate", "--strict", "--no-warn", "-k", KUBERNETES, path],
        );
        assert!(documents.len() >= 20, "{overlay} has {} objects", documents.len());
    }
}

#[test]
fn every_service_is_probed_confined_limited_and_spread() {
    for overlay in OVERLAYS {
        let (_, documents) = built(overlay);
        assert!(
            documents.iter().all(|document| document["kind"] != "Secret"),
            "secrets are named, not shipped"
        );
        let deny = named(&documents, &["NetworkPolicy"], "deny-by-default");
        assert_eq!(deny["spec"]["podSelector"], serde_json::json!({}));
        assert!(deny["spec"]["ingress"].is_null() && deny["spec"]["egress"].is_null());
        for service in OURS {
            let pod = &workload(&documents, service)["spec"]["template"]["spec"];
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{service}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{service}");
            assert_eq!(tree::list(&pod["topologySpreadConstraints"]).len(), 2, "{service}");
            let container = &pod["containers"][0];
            assert!(container["image"].as_str().unwrap().contains(':'), "{service} is not pinned");
            assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{service}");
            assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL", "{service}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{service}");
            assert!(container["resources"]["requests"]["cpu"].is_string(), "{service}");
            for (probe, path) in
                [("startupProbe", "/startupz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/livez")]
            {
                assert_eq!(container[probe]["httpGet"]["path"], path, "{service}");
            }
        }
        for service in ["gateway", "recommendation", "alerting"] {
            named(&documents, &["PodDisruptionBudget"], service);
        }
        for service in ["gateway", "recommendation"] {
            named(&documents, &["HorizontalPodAutoscaler"], service);
        }
    }
}

/// The values of an environment as the pod gets it, secrets taken from a folder.
fn environment(documents: &[Value], service: &str, secrets: &std::path::Path) -> Vec<(String, String)> {
    let settings = documents.iter().find(|document| document["data"]["LARDER_ENVIRONMENT"].is_string());
    let shared = settings.unwrap()["data"].as_object().unwrap().iter();
    let mut values: Vec<_> =
        shared.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    let pod = &workload(documents, service)["spec"]["template"]["spec"];
    let mounted: Vec<&str> = tree::list(&pod["volumes"])
        .iter()
        .filter(|volume| volume["secret"]["secretName"] == "larder")
        .flat_map(|volume| tree::list(&volume["secret"]["items"]))
        .map(|item| item["path"].as_str().unwrap())
        .collect();
    for variable in tree::list(&pod["containers"][0]["env"]) {
        let value = variable["value"].as_str().unwrap_or("from-the-pod");
        let value = match value.strip_prefix("/run/secrets/") {
            Some(secret) => {
                assert!(mounted.contains(&secret), "{service} does not mount {secret}");
                secrets.join(secret).display().to_string()
            }
            None => value.to_owned(),
        };
        values.push((variable["name"].as_str().unwrap().to_owned(), value));
    }
    values
}

#[test]
fn the_services_take_their_settings_in_a_cluster() {
    let secrets = made_secrets();
    for overlay in OVERLAYS {
        let (_, documents) = built(overlay);
        for service in OURS {
            let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
            for (name, _) in
                std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LARDER_"))
            {
                command.env_remove(name);
            }
            command.envs(environment(&documents, service, secrets.path()));
            let process = if service == "gateway" { "gateway" } else { "service" };
            command.args(["check-config", "--json", "--process", process]).stdin(Stdio::null());
            let output = command.current_dir(secrets.path()).output().unwrap();
            let said: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(said["problems"], serde_json::json!([]), "{service} in {overlay}");
            assert_eq!(said["ok"], true, "{service} in {overlay}");
        }
        let on_call = tree::text(&format!("deploy/k8s/overlays/{overlay}/on-call.toml"));
        let read = larder_oncall::settings::Settings::parse(&on_call);
        assert!(read.is_ok(), "{overlay}: {:?}", read.err());
    }
}
