//! Matchers against what Alertmanager's documentation and its two grammars say.

use super::*;

fn printed(text: &str) -> String {
    text.parse::<Matchers>().expect("matchers").to_string()
}

#[test]
fn both_grammars_are_read_and_printed_alike() {
    let vectors = [
        ("", "{}"),
        ("{}", "{}"),
        ("foo=bar", r#"{foo="bar"}"#),
        (r#"{foo = "bar", dings != "bums", }"#, r#"{dings!="bums",foo="bar"}"#),
        (r#"{statuscode=~"5.."}"#, r#"{statuscode=~"5.."}"#),
        (r#"{"foo bar"="x"}"#, r#"{"foo bar"="x"}"#),
        (r#"{quote="She said: \"Hi, ladies!\""}"#, r#"{quote="She said: \"Hi, ladies!\""}"#),
        ("foo=~.*", r#"{foo=~".*"}"#),
        ("foo=bar baz", r#"{foo="bar baz"}"#),
        (r"foo=\w", r#"{foo="\\w"}"#),
        (r#"foo="""#, r#"{foo=""}"#),
        ("foo=", r#"{foo=""}"#),
        ("caf\u{e9}=\u{1f600}", "{caf\u{e9}=\"\u{1f600}\"}"),
        ("a=1,a=0,a!=0", r#"{a="0",a!="0",a="1"}"#),
    ];
    for (text, expected) in vectors {
        assert_eq!(printed(text), expected, "{text}");
        assert_eq!(printed(expected), expected, "what is printed reads as the same");
    }
}

#[test]
fn what_is_no_matcher_says_why() {
    for text in ["foo", "=bar", "foo=\"bar", "{foo=\"bar\"", "foo=\"a\"b\"", "foo=bar}}{", "1a b=c", "foo==~"]
    {
        let result = text.parse::<Matchers>();
        let tolerated = ["{foo=\"bar\"", "foo=bar}}{", "foo==~"];
        assert_eq!(result.is_err(), !tolerated.contains(&text), "{text}: {result:?}");
    }
    let error = "foo=~\"(\"".parse::<Matcher>().expect_err("an open group");
    assert!(error.to_string().contains("no regular expression"), "{error}");
    let error = "foo=~\"((a{1,500}){1,500}){1,500}\"".parse::<Matcher>().expect_err("a huge one");
    assert!(error.to_string().contains("size limit"), "{error}");
}

#[test]
fn expressions_mean_the_whole_value_and_absent_labels_are_empty() {
    let labels = Labels::from_iter([("service", "gateway")]);
    let rows = [
        ("service=~gate", false),
        ("service=~gate.*", true),
        ("service=~shop|gateway", true),
        ("service!~gate", true),
        ("team=\"\"", true),
        ("team!=\"\"", false),
        ("team=~\".*\"", true),
        ("team!=shop", true),
    ];
    for (text, expected) in rows {
        assert_eq!(text.parse::<Matcher>().expect("a matcher").matches(&labels), expected, "{text}");
    }
    let all: Matchers = "service=gateway,team=shop".parse().expect("matchers");
    assert_eq!(all.first_unfulfilled(&labels).map(Matcher::name), Some("team"));
    assert!("team!=shop".parse::<Matchers>().expect("matchers").match_everything());
}

#[test]
fn the_shape_of_the_api_is_kept() {
    let json = r#"[{"name":"a","value":"b.*","isRegex":true,"isEqual":false}]"#;
    let matchers: Matchers = serde_json::from_str(json).expect("the shape of the API");
    assert_eq!(matchers.to_string(), r#"{a!~"b.*"}"#);
    assert_eq!(serde_json::to_string(&matchers).expect("serialisable"), json);
    let older: Matcher = serde_json::from_str(r#"{"name":"a","value":"b","isRegex":false}"#).expect("older");
    assert_eq!(older.to_string(), r#"a="b""#, "a missing isEqual is true");
}
