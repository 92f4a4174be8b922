//! A file of flags that changes, breaks and is mended.

use larder_lifecycle::Level;

use super::*;

fn text(default: &str) -> String {
    format!(
        r#"{{"flags": {{"a": {{"state": "ENABLED", "variants": {{"on": true, "off": false}}, "defaultVariant": "{default}"}},
            "b": {{"state": "ENABLED", "variants": {{"x": "one"}}, "defaultVariant": "x"}}}}}}"#
    )
}

#[test]
fn a_changed_file_is_taken_up_and_a_broken_one_leaves_the_one_before_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flags.json");
    std::fs::write(&file, text("off")).unwrap();
    let flags = Flags::open(Some(&file)).unwrap();
    let nobody = Context::default();
    assert!(!flags.is_on("a", &nobody, true));
    assert_eq!(flags.look(), None);

    std::fs::write(&file, text("on")).unwrap();
    assert_eq!(flags.look(), Some(Change { flags: vec!["a".to_owned()] }), "only what is another now");
    assert!(flags.is_on("a", &nobody, false));

    for broken in ["", "{", r#"{"flags": {"a": {}}}"#] {
        std::fs::write(&file, broken).unwrap();
        assert_eq!(flags.look(), None);
        assert!(flags.is_on("a", &nobody, false), "{broken:?}");
        assert_eq!(flags.outcome().level, Level::Degraded);
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(flags.look(), None);
    assert!(flags.is_on("a", &nobody, false));

    std::fs::write(&file, text("off")).unwrap();
    assert_eq!(flags.look(), Some(Change { flags: vec!["a".to_owned()] }));
    assert_eq!(flags.outcome(), CheckOutcome::healthy());
}

#[test]
fn whoever_asks_for_another_type_or_for_nothing_that_is_there_keeps_their_own_value() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flags.json");
    std::fs::write(&file, text("on")).unwrap();
    let flags = Flags::open(Some(&file)).unwrap();
    let nobody = Context::default();
    assert!(flags.is_on("b", &nobody, true) && !flags.is_on("b", &nobody, false));
    assert_eq!((flags.text("b", &nobody).as_deref(), flags.text("a", &nobody)), (Some("one"), None));
    assert!(flags.is_on("gone", &nobody, true) && flags.text("gone", &nobody).is_none());
    assert!(!Flags::none().contains("a") && Flags::none().is_on("a", &nobody, true));
    let refused = Flags::open(Some(&folder.path().join("gone.json"))).map(drop).unwrap_err();
    assert!(refused.to_string().starts_with("cannot be read"), "{refused}");
}
