//! Images: stand-ins under the tags that the shipped files name, and ours by the shipped Dockerfile.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::engine::Engine;
use super::{Prepared, write};
use crate::interrupt::shown;
use crate::workspace::Workspace;

const DEBIAN: &str = "docker.io/larder-test/debian:stand-in";
const BUILDER: &str = "docker.io/larder-test/builder:stand-in";
/// What the Dockerfile builds on.
const RUST: &str = "docker.io/library/rust:1.95.0-bookworm";
const SMALL: &str = "gcr.io/distroless/cc-debian12:nonroot";
/// The first line of the shipped final stages.
const FINAL_STAGES: &str = "FROM gcr.io/distroless/";
const DOCKERFILE: &str = "deploy/docker/Dockerfile";
const WANTED_BYTES: u64 = 60_000_000;

/// Files of the stand-ins: where each goes in the image, and what is in it.
const FILES: [(&str, &str, &str); 4] = [
    ("postgres.sh", "/usr/local/bin/docker-entrypoint.sh", include_str!("stand_ins/postgres.sh")),
    ("weed.sh", "/entrypoint.sh", include_str!("stand_ins/weed.sh")),
    ("mailpit.py", "/mailpit", include_str!("stand_ins/mailpit.py")),
    ("listener.py", "/listener", include_str!("stand_ins/listener.py")),
];

/// Another program of the same kind under the name of an image: the image, what stands for it, how it is called.
const STAND_INS: [(&str, &str, &str); 10] = [
    (
        "postgres:",
        "PostgreSQL 17.11",
        "ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
         STOPSIGNAL SIGINT\nENTRYPOINT [\"docker-entrypoint.sh\"]\nCMD [\"postgres\"]",
    ),
    ("redis:", "Debian's redis-server", "WORKDIR /data\nCMD [\"redis-server\"]"),
    ("chrislusf/seaweedfs:", "SeaweedFS 4.48", "ENTRYPOINT [\"/entrypoint.sh\"]"),
    ("axllent/mailpit:", "a mail catcher with Mailpit's list of messages", "ENTRYPOINT [\"/mailpit\"]"),
    (
        "prom/prometheus:",
        "Debian's prometheus",
        "USER 65534\nWORKDIR /prometheus\nENTRYPOINT [\"/usr/bin/prometheus\"]",
    ),
    (
        "prom/alertmanager:",
        "Debian's prometheus-alertmanager",
        "USER 65534\nWORKDIR /alertmanager\nENTRYPOINT [\"/usr/bin/prometheus-alertmanager\"]",
    ),
    (
        "prom/node-exporter:",
        "Debian's prometheus-node-exporter",
        "USER 65534\nENTRYPOINT [\"/usr/bin/prometheus-node-exporter\"]",
    ),
    (
        "quay.io/prometheuscommunity/postgres-exporter:",
        "Debian's prometheus-postgres-exporter",
        "USER 65534\nENTRYPOINT [\"/usr/bin/prometheus-postgres-exporter\"]",
    ),
    (
        "oliver006/redis_exporter:",
        "Debian's prometheus-redis-exporter",
        "USER 59000:59000\nENTRYPOINT [\"/usr/bin/prometheus-redis-exporter\"]",
    ),
    (
        "prom/blackbox-exporter:",
        "Debian's prometheus-blackbox-exporter",
        "ENTRYPOINT [\"/usr/bin/prometheus-blackbox-exporter\"]",
    ),
];
/// What cannot be had: the port on which something answers in its place.
const NOT_TO_BE_HAD: [(&str, u16); 6] = [
    ("grafana/grafana:", 3000),
    ("grafana/loki:", 3100),
    ("grafana/alloy:", 12345),
    ("grafana/tempo:", 3200),
    ("otel/opentelemetry-collector-contrib:", 8888),
    ("gcr.io/cadvisor/cadvisor:", 8080),
];

/// Makes all of them, and says what stands for what and how large ours are.
pub(super) fn make(workspace: &Workspace, engine: &Engine<'_>, prepared: &Prepared) -> Result<()> {
    let empty = prepared.folder.join("stand-ins");
    fs::create_dir_all(&empty)?;
    import(engine, &prepared.rootfs.small, SMALL)?;
    import(engine, &prepared.rootfs.debian, RUST)?;
    let mut text = format!("FROM {RUST}\n");
    for (name, place, content) in FILES {
        write(&empty.join(name), content)?;
        text.push_str(&format!("COPY --chmod=755 {name} {place}\n"));
    }
    build(engine, &empty, &text, &empty, &["--tag", DEBIAN])?;
    let composed: Value = serde_json::from_str(&engine.composed()?).context("Compose shows no JSON")?;
    let services = composed["services"].as_object().context("there are services")?;
    let mut images: Vec<&str> = services
        .values()
        .filter(|service| service["build"].is_null())
        .filter_map(|service| service["image"].as_str())
        .collect();
    images.sort_unstable();
    images.dedup();
    for image in images {
        let (stands, called) = stand_in(image)?;
        println!("{image} is stood in for by {stands}");
        build(engine, &empty, &format!("FROM {DEBIAN}\n{called}\n"), &empty, &["--tag", &tag(image)])?;
    }
    ours(workspace, engine, prepared, services)
}

fn stand_in(image: &str) -> Result<(String, String)> {
    if let Some((_, stands, called)) = STAND_INS.iter().find(|(name, ..)| image.starts_with(name)) {
        return Ok(((*stands).to_owned(), (*called).to_owned()));
    }
    match NOT_TO_BE_HAD.iter().find(|(name, _)| image.starts_with(name)) {
        Some((_, port)) => Ok((
            format!("NOTHING OF THE KIND: something that answers on port {port}"),
            format!("ENV LISTEN={port}\nENTRYPOINT [\"/listener\"]"),
        )),
        None => bail!("nothing stands in for {image} yet; add it to xtask/src/containers/images.rs"),
    }
}

/// An image's name with its registry.
pub(super) fn tag(image: &str) -> String {
    match image.split_once('/') {
        None => format!("docker.io/library/{image}"),
        Some((registry, _)) if registry.contains('.') => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
    }
}

/// The stages of the shipped Dockerfile: the one of manifests as it is, and the final ones on a builder that has
/// already built.
fn ours(
    workspace: &Workspace,
    engine: &Engine<'_>,
    prepared: &Prepared,
    services: &serde_json::Map<String, Value>,
) -> Result<()> {
    let shipped = fs::read_to_string(workspace.root.join(DOCKERFILE))?;
    manifests(workspace, engine, &shipped, &prepared.folder)?;
    let built = prepared.folder.join("builder");
    fs::create_dir_all(built.join("state/keys"))?;
    for folder in ["state", "state/keys"] {
        fs::set_permissions(built.join(folder), std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    fs::copy(&prepared.larder, built.join("larder"))?;
    let text = "FROM scratch\nCOPY . /\n";
    build(engine, &prepared.folder, text, &built, &["--tag", BUILDER])?;
    let at = shipped.find(FINAL_STAGES).context("the Dockerfile has another final stage")?;
    let text = format!("FROM {BUILDER} AS builder\n{}", &shipped[at..]);
    for target in ["larder", "larder-backup"] {
        let service = services.values().find(|service| service["build"]["target"] == target);
        let image = service.and_then(|service| service["image"].as_str());
        let image = tag(image.with_context(|| format!("no service is built as {target}"))?);
        build(engine, &prepared.folder, &text, &workspace.root, &["--target", target, "--tag", &image])?;
        size(engine, &image, prepared, target == "larder")?;
    }
    Ok(())
}

/// Cargo must read the workspace that is left when all sources are taken away.
fn manifests(workspace: &Workspace, engine: &Engine<'_>, shipped: &str, folder: &Path) -> Result<()> {
    let image = "localhost/manifests";
    build(engine, folder, shipped, &workspace.root, &["--target", "manifests", "--tag", image])?;
    let mounted = engine.podman(&["image", "mount", image])?;
    let manifest = Path::new(mounted.trim()).join("build/Cargo.toml");
    let mut cargo = workspace.cargo();
    cargo
        .args(["metadata", "--locked", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(manifest);
    engine.output(&mut cargo).context("the layer of dependencies is no workspace")?;
    engine.podman(&["image", "unmount", image])?;
    println!("the stage `manifests` is a workspace that Cargo reads");
    Ok(())
}

/// How much there is to store and to fetch. The image for backups stands on a stand-in that is larger than the real
/// one, so only what it adds is told.
fn size(engine: &Engine<'_>, image: &str, prepared: &Prepared, whole: bool) -> Result<()> {
    let bytes = engine.podman(&["image", "inspect", "--format", "{{.Size}}", image])?;
    let bytes: u64 = bytes.trim().parse().context("an image has a size")?;
    if !whole {
        let base = engine.podman(&["image", "inspect", "--format", "{{.Size}}", DEBIAN])?;
        let base: u64 = base.trim().parse().context("an image has a size")?;
        println!("{image}: {} beyond PostgreSQL's image", megabytes(bytes.saturating_sub(base)));
        return Ok(());
    }
    let archive = prepared.folder.join("image.tar");
    let mut save = Command::new("podman");
    save.args(["save", "--quiet", "--format", "oci-archive", "--output"]).arg(&archive).arg(image);
    engine.output(engine.told(&mut save))?;
    let fetched = fs::metadata(&archive)?.len();
    fs::remove_file(archive)?;
    let verdict = if fetched < WANTED_BYTES { "wanted: less than" } else { "MORE THAN the wanted" };
    println!(
        "{image}: {} to fetch, compressed ({verdict} {}); {} when unpacked",
        megabytes(fetched),
        megabytes(WANTED_BYTES),
        megabytes(bytes)
    );
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

fn import(engine: &Engine<'_>, tarball: &Path, image: &str) -> Result<()> {
    let mut command = Command::new("podman");
    command.args(["import", "--quiet"]).arg(tarball).arg(image);
    engine.output(engine.told(&mut command)).map(drop)
}

fn build(engine: &Engine<'_>, folder: &Path, text: &str, context: &Path, arguments: &[&str]) -> Result<()> {
    let file = folder.join("Dockerfile");
    write(&file, text)?;
    let mut command = Command::new("podman");
    command.args(["build", "--quiet", "--pull=never", "--format", "docker", "--network", "host", "--file"]);
    command.arg(&file).args(arguments).arg(context);
    engine.output(engine.told(&mut command)).with_context(|| shown(&command)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{megabytes, stand_in, tag};

    #[test]
    fn an_image_has_the_registry_that_engines_give_it() {
        assert_eq!(tag("redis:7"), "docker.io/library/redis:7");
        assert_eq!(tag("prom/prometheus:v3"), "docker.io/prom/prometheus:v3");
        assert_eq!(tag("gcr.io/cadvisor/cadvisor:v0"), "gcr.io/cadvisor/cadvisor:v0");
    }

    #[test]
    fn what_nothing_stands_in_for_is_named() {
        assert!(stand_in("prom/prometheus:v3.5.0").is_ok());
        let refusal = stand_in("example.org/new:1").unwrap_err().to_string();
        assert!(refusal.contains("example.org/new:1"), "{refusal}");
    }

    #[test]
    fn sizes_are_told_as_shops_of_images_tell_them() {
        assert_eq!(megabytes(50_232_832), "50.2 MB");
    }
}
