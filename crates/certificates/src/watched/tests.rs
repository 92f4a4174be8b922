//! Files that change under a watcher, as renewals and mistakes change them.

use std::path::Path;
use std::time::{Duration, SystemTime};

use larder_lifecycle::Level;

use super::*;
use crate::authority::Authority;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(now_s()).unwrap())
}

fn issue(folder: &Path, days: u32) -> Files {
    let (authority, _) = Authority::open_or_make(folder, now()).unwrap();
    let issued = authority.issue("gateway", &["localhost".to_owned()], days, now()).unwrap();
    Files { certificate: issued.certificate, key: issued.key, authority: Some(authority.certificate()) }
}

fn ends_in_days(watched: &Watched) -> i64 {
    (watched.pair.load().ends_at_s - now_s() + 60) / DAY_S
}

#[test]
fn a_renewed_pair_is_taken_up_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let files = issue(folder.path(), 30);
    let watched = Watched::open("test", files.clone()).unwrap();
    assert_eq!(watched.outcome(), CheckOutcome::healthy());
    let old_key = std::fs::read(&files.key).unwrap();
    issue(folder.path(), 60);
    let new_key = std::fs::read(&files.key).unwrap();
    // The certificate was replaced and the key not yet.
    std::fs::write(&files.key, old_key).unwrap();
    watched.look();
    std::fs::write(&files.key, new_key).unwrap();
    watched.look();
    assert_eq!((ends_in_days(&watched), watched.outcome().level), (30, Level::Healthy), "not stable yet");
    watched.look();
    assert_eq!((ends_in_days(&watched), watched.outcome().level), (60, Level::Healthy));
}

#[test]
fn what_cannot_be_used_leaves_the_one_before_in_force_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let files = issue(folder.path(), 30);
    let watched = Watched::open("test", files.clone()).unwrap();
    let good = std::fs::read(&files.certificate).unwrap();
    for bad in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&files.certificate, bad).unwrap();
        watched.look();
        watched.look();
        assert_eq!((ends_in_days(&watched), watched.outcome().level), (30, Level::Degraded), "{bad:?}");
    }
    std::fs::remove_file(&files.certificate).unwrap();
    watched.look();
    assert_eq!(watched.outcome().level, Level::Degraded);
    std::fs::write(&files.certificate, good).unwrap();
    watched.look();
    assert_eq!(watched.outcome(), CheckOutcome::healthy());
}

#[test]
fn a_certificate_that_ran_out_is_not_taken_up_and_one_that_ends_soon_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::open("test", issue(folder.path(), 30)).unwrap();
    issue(folder.path(), 0);
    watched.look();
    watched.look();
    assert_eq!((ends_in_days(&watched), watched.outcome().level), (30, Level::Degraded));
    issue(folder.path(), 7);
    watched.look();
    watched.look();
    let outcome = watched.outcome();
    assert_eq!(outcome.level, Level::Degraded);
    assert!(outcome.cause.unwrap().contains("was not renewed"));
    issue(folder.path(), 0);
    let ran_out = Watched::open("test", watched.files.clone()).unwrap();
    assert!(
        ran_out.pair.load().ends_at_s <= now_s(),
        "a start with one that ran out is told of and not refused"
    );
}

#[test]
fn each_refusal_names_the_file_and_what_it_should_hold() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (files, others) = (issue(folder.path(), 30), issue(other.path(), 30));
    let refusal = |files: Files| Watched::open("test", files).map(drop).unwrap_err().to_string();
    let swapped = Files { key: others.key.clone(), ..files.clone() };
    let told = refusal(swapped);
    assert!(told.contains("gateway.key") && told.contains("the private key of the certificate"), "{told}");
    let told = refusal(Files { certificate: files.key.clone(), ..files.clone() });
    assert!(told.contains("gateway.key") && told.contains("certificates in PEM"), "{told}");
    let told = refusal(Files { key: files.certificate.clone(), ..files.clone() });
    assert!(told.contains("gateway.pem") && told.contains("a private key in PEM"), "{told}");
    let told = refusal(Files { authority: Some("/nowhere/authority.pem".into()), ..files });
    assert!(told.contains("/nowhere/authority.pem"), "{told}");
}

#[test]
fn an_authority_is_made_once_and_its_key_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    assert!(Authority::open_or_make(folder.path(), now()).unwrap().1);
    let before = std::fs::read(folder.path().join("authority.pem")).unwrap();
    let (authority, is_made) = Authority::open_or_make(folder.path(), now()).unwrap();
    assert!(!is_made);
    assert_eq!(std::fs::read(authority.certificate()).unwrap(), before);
    let issued = authority.issue("backup", &["backup".to_owned(), "::1".to_owned()], 1, now()).unwrap();
    for key in [issued.key, folder.path().join("authority.key")] {
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600, "{}", key.display());
    }
    let refused = authority.issue("backup", &["not a host".to_owned()], 1, now()).unwrap_err();
    assert!(refused.to_string().contains("not a host"), "{refused}");
}
