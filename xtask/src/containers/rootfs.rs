//! The file systems that stand-in images are made of, made once and kept in the cache: one of Debian with every program
//! that is stood in for, and one with nothing but the libraries of the small image that `larder` stands on.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::namespace::quiet;
use crate::interrupt::Interrupt;
use crate::servers;
use crate::workspace::cache_folder;

/// Counted up when what is below changes.
const EDITION: &str = "containers-1";
/// The major version of the compose files' image.
const POSTGRESQL: &str = "17.11.0";
const SUITE: &str = "bookworm";
const PROGRAMS: [&str; 14] = [
    "redis-server",
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-node-exporter",
    "prometheus-postgres-exporter",
    "prometheus-redis-exporter",
    "prometheus-blackbox-exporter",
    "python3",
    "wget",
    "ca-certificates",
    "tzdata",
    "libxml2",
    "libgssapi-krb5-2",
    "liblz4-1",
];
/// What the small image is made of, by the people who publish it too.
const LIBRARIES: [&str; 11] = [
    "base-files",
    "libc6",
    "libssl3",
    "libgcc-s1",
    "libgomp1",
    "libstdc++6",
    "gcc-12-base",
    "ca-certificates",
    "tzdata",
    "netbase",
    "media-types",
];
/// Users of official images and their folders.
const USERS: &str = "postgres:x:999:999::/var/lib/postgresql:/bin/sh\nredis:x:999:999::/data:/bin/sh\n";
const GROUPS: &str = "postgres:x:999:\nredis:x:999:\n";
const FOLDERS: [(&str, u32); 4] =
    [("prometheus", 65534), ("alertmanager", 65534), ("data", 999), ("var/lib/postgresql/data", 999)];
const SMALL_USERS: &str =
    "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n";

/// Tarballs.
pub(super) struct Rootfs {
    pub(super) debian: PathBuf,
    pub(super) small: PathBuf,
}

impl Rootfs {
    pub(super) fn find_or_make(interrupt: &Interrupt) -> Result<Self> {
        let folder = cache_folder()?.join("tools").join(EDITION);
        let made = Self { debian: folder.join("debian.tar"), small: folder.join("small.tar") };
        if made.debian.is_file() && made.small.is_file() {
            return Ok(made);
        }
        eprintln!(
            "xtask: making the file systems of stand-in images; the first time this takes some minutes"
        );
        let tools = folder.parent().context("the cache has a folder of tools")?;
        fs::create_dir_all(tools)?;
        // Made under another name and renamed when whole.
        let unfinished = tempfile::Builder::new().prefix("unfinished-").tempdir_in(tools)?;
        let place = unfinished.path();
        debian(interrupt, &place.join("debian"))?;
        small(interrupt, &place.join("small"), &place.join("packages"))?;
        fs::create_dir(place.join("made"))?;
        for name in ["debian", "small"] {
            let mut tar = Command::new("tar");
            tar.arg("-C")
                .arg(place.join(name))
                .arg("-cf")
                .arg(place.join("made").join(format!("{name}.tar")));
            interrupt.run_well(tar.arg("."))?;
        }
        fs::rename(place.join("made"), &folder).context("the cache holds another's file systems")?;
        Ok(made)
    }
}

fn debian(interrupt: &Interrupt, root: &Path) -> Result<()> {
    // What it mounts while it works goes with its namespace.
    let mut make = Command::new("unshare");
    make.args(["--mount", "debootstrap", "--variant=minbase"]);
    make.arg(format!("--include={}", PROGRAMS.join(","))).arg(SUITE).arg(root);
    interrupt.run_well(quiet(&mut make))?;
    let postgresql = servers::postgresql_of_wheel(interrupt, POSTGRESQL)?;
    let postgresql = postgresql.parent().context("programs lie in a folder of PostgreSQL")?;
    let weed = servers::weed(interrupt)?.context("no S3 server can be had")?;
    fs::create_dir_all(root.join("usr/lib/postgresql"))?;
    let copies = [(postgresql, "usr/lib/postgresql/17"), (weed.as_path(), "usr/bin/weed")];
    for (from, to) in copies {
        let mut copy = Command::new("cp");
        copy.args(["-rL", "--preserve=mode"]).arg(from).arg(root.join(to));
        interrupt.run_well(&mut copy)?;
    }
    for (name, lines) in [("passwd", USERS), ("group", GROUPS)] {
        let path = root.join("etc").join(name);
        let text = fs::read_to_string(&path)?;
        let kept = text.lines().filter(|line| !line.starts_with("redis:"));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        fs::write(path, kept + lines)?;
    }
    for (folder, owner) in FOLDERS {
        let path = root.join(folder);
        fs::create_dir_all(&path)?;
        chown(&path, Some(owner), Some(owner))?;
    }
    for nobody_reads in
        ["var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"]
    {
        fs::remove_dir_all(root.join(nobody_reads)).ok();
    }
    Ok(())
}

fn small(interrupt: &Interrupt, root: &Path, packages: &Path) -> Result<()> {
    fs::create_dir_all(packages)?;
    let mut download = Command::new("apt-get");
    download.arg("download").args(LIBRARIES).current_dir(packages);
    interrupt.run_well(quiet(&mut download))?;
    for package in fs::read_dir(packages)? {
        interrupt.run_well(Command::new("dpkg-deb").arg("-x").arg(package?.path()).arg(root))?;
    }
    let mut authorities = String::new();
    for file in fs::read_dir(root.join("usr/share/ca-certificates/mozilla"))? {
        authorities.push_str(&fs::read_to_string(file?.path())?);
    }
    fs::write(root.join("etc/ssl/certs/ca-certificates.crt"), authorities)?;
    fs::write(root.join("etc/passwd"), SMALL_USERS)?;
    fs::write(root.join("etc/group"), "root:x:0:\nnonroot:x:65532:\n")?;
    for nobody_reads in ["usr/share/doc", "usr/share/man"] {
        fs::remove_dir_all(root.join(nobody_reads)).ok();
    }
    Ok(())
}
