//! A manifest is read as it was written or not at all.

use super::*;

pub(crate) fn manifest() -> Manifest {
    Manifest {
        format: FORMAT,
        tool_version: "0.1.0".to_owned(),
        backup_id: "20261123T064000Z-7f3a9c01".parse().unwrap(),
        kind: BackupKind::Full,
        cluster: "larder".to_owned(),
        started_at: "2026-11-23T06:40:00Z".parse().unwrap(),
        stopped_at: "2026-11-23T06:41:00Z".parse().unwrap(),
        parent: None,
        server: ServerFacts {
            system_identifier: SystemIdentifier(7_600_000_000_000_000_001),
            major_version: 17,
            version: "17.10".to_owned(),
        },
        physical: PhysicalFacts {
            start_timeline: TimelineId::FIRST,
            start_lsn: "0/2000028".parse().unwrap(),
            stop_timeline: TimelineId::FIRST,
            stop_lsn: "0/2000100".parse().unwrap(),
            wal_segment_bytes: 16 << 20,
            includes_wal: true,
            tablespaces: BTreeMap::from([(16_385, "/srv/space".to_owned())]),
            replay_settings: BTreeMap::from([("max_connections".to_owned(), "100".to_owned())]),
        },
        contents: None,
        compression_level: 1,
        recipients: Vec::new(),
        part_bytes: 8 << 20,
        objects: vec![ManifestObject {
            name: "base-000001.tar.zst".to_owned(),
            content: Content::Base,
            raw_bytes: 1_000,
            stored_bytes: 100,
            parts_blake3: vec!["00".repeat(32)],
        }],
    }
}

#[test]
fn what_was_written_is_read() {
    let written = manifest().write();
    assert_eq!(Manifest::read(&written).unwrap(), manifest());
    let value: serde_json::Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(value["backup_id"], "20261123T064000Z-7f3a9c01");
    assert_eq!(value["physical"]["start_lsn"], "0/2000028");
}

#[test]
fn no_byte_may_change_and_none_may_be_missing() {
    let written = manifest().write();
    for at in 0..written.len() {
        let mut changed = written.clone();
        changed[at] ^= 1;
        assert!(Manifest::read(&changed).is_err(), "byte {at}");
    }
    for length in 0..written.len() {
        assert!(Manifest::read(&written[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn another_format_is_refused_by_its_number() {
    let written = Manifest { format: 2, ..manifest() }.write();
    assert_eq!(Manifest::read(&written), Err(ManifestError::Format(2, 1)));
}
