//! What is not a history.

use super::*;

#[track_caller]
fn wrong(format: Format, text: &str, expected: &[&str]) {
    assert_eq!(problems(text.as_bytes(), &options(format)), expected, "{text}");
}

#[test]
fn json_lines() {
    let cases: &[(&str, &[&str])] = &[
        (
            r#"{"process":0,"type":"ok","f":"write"}"#,
            &["1:1: process 0 ends a write; expected an invocation of it on an earlier line"],
        ),
        (
            r#"{"process":0,"type":"invoke","f":"read"}
{"process":0,"type":"invoke","f":"read"}"#,
            &["2:1: process 0 invokes a read; expected the end of what it invoked at line 1"],
        ),
        (
            r#"{"process":0,"type":"invoke","f":"read"}
{"process":0,"type":"ok","f":"write"}"#,
            &["2:1: the end of a write; expected the end of the read invoked at line 1"],
        ),
        (
            r#"{"process":0,"type":"invoke","f":"read","key":1}
{"process":0,"type":"ok","f":"read","key":2,"value":1}"#,
            &["2:1: another key; expected the key of the invocation at line 1"],
        ),
        (
            r#"{"process":0,"type":"invoke","f":"write","value":1}
{"process":0,"type":"ok","f":"write","value":2}"#,
            &["2:1: a write of another value; expected what was asked at line 1, or no value"],
        ),
        (
            r#"{"process":0,"type":"invoke","f":"read","time_ns":7}
{"process":0,"type":"ok","f":"read","value":1,"time_ns":6}"#,
            &["2:1: time goes back from 7 to 6; expected lines sorted by time_ns"],
        ),
        (
            r#"{"process":0,"type":"invoke","f":"read","time_ns":7}
{"process":0,"type":"ok","f":"read","value":1}"#,
            &["2:1: no time_ns; expected one on every line, as on the first"],
        ),
        (
            r#"{"process":0,"type":"invoke","f":"append","value":1}"#,
            &["1:34: the f \"append\"; expected read, write or cas"],
        ),
        (
            r#"{"process":0,"type":"invoke","f":"cas","value":[1,2,3]}
{"process":[],"type":"invoke","f":"read"}
{"process":0,"type":"invoke","f":"write"}
{"process":0,"type":"invoke","f":"read""#,
            &[
                "1:48: the cas value [1,2,3]; expected [from, to]",
                "2:12: the process []; expected a number or a string",
                "3:1: a write of nothing; expected the value that is written",
                "4:39: EOF while parsing an object; expected an event, as `sim help history` describes them",
            ],
        ),
        (
            r#"{"process":0,"type":"invoke","f":"read"}
{"process":0,"type":"ok","f":"read"}"#,
            &["2:1: a read of nothing; expected the value that was read"],
        ),
    ];
    for (text, expected) in cases {
        wrong(Format::JsonLines, text, expected);
    }
    let deep = format!(
        r#"{{"process":0,"type":"invoke","f":"write","value":{}}}"#,
        "[".repeat(70) + &"]".repeat(70)
    );
    wrong(Format::JsonLines, &deep, &["1:50: a value nested too deeply; expected at most 64 levels"]);
}

#[test]
fn edn() {
    let cases: &[(&str, &[&str])] = &[
        (
            "{:type :ok :f :read :value 1 :process 0}",
            &["1:1: process 0 ends a read; expected an invocation of it on an earlier line"],
        ),
        (
            "[{:type :invoke :f :read :value nil :process 0}\n {:type :info :f :read :process 0}\n {:type :invoke :f :read :process 0}]",
            &["3:2: process 0 invokes a read; expected nothing more of it: it crashed (info) at line 2"],
        ),
        (
            "[{:type :invoke :f :read :value nil :process 0}",
            &["2:1: the end of the text; expected `]` for what begins at 1:1"],
        ),
        (
            "{:type :invoke :f :read :process 0",
            &["2:1: the end of the text; expected `}` for what begins at 1:1"],
        ),
        (
            "{:type :invoke :f :append :process 0}\n{:type :begin :f :read :process 0}\n{:type :ok :f :read}",
            &[
                "1:1: :f :append; expected :read, :write or :cas",
                "2:1: :type :begin; expected :invoke, :ok, :fail or :info",
                "3:1: an event without :process; expected an event, as in {:type :invoke, :f :read, :value nil, :process 0}",
            ],
        ),
        (
            "{:type :invoke :f :cas :value [1 2] :process 0} {:type :invoke :f :read :value [1 nil] :process 1}",
            &["1:49: a read invoked with [1 nil]; expected nil, as line 1 has values without a key"],
        ),
        (
            "{:type :invoke :f :read :value [1 nil] :process 0}\n{:type :invoke :f :write :value 3 :process 1}",
            &["2:1: :value 3; expected [key value], as at line 1"],
        ),
        (
            "{:type :invoke :f :read :value nil :process 0 :index 4}\n{:type :ok :f :read :value nil :process 0 :index 0}",
            &["2:1: :index 0 after 4; expected one history, in the order in which it happened"],
        ),
        ("(1 2)", &["1:2: 1; expected an event, as in {:type :invoke, :f :read, :value nil, :process 0}"]),
    ];
    for (text, expected) in cases {
        wrong(Format::Edn, text, expected);
    }
}

#[test]
fn a_field_that_would_change_the_verdict_is_honoured_or_refused() {
    let cases: &[(Format, &str, &[&str])] = &[
        (
            Format::JsonLines,
            r#"{"process":0,"type":"invoke","f":"read","Key":1}"#,
            &["1:45: the field `Key`: is it `key`?; expected an event, as `sim help history` describes them"],
        ),
        (
            Format::JsonLines,
            r#"{"process":0,"type":"invoke","f":"write","value":1,"value":2}"#,
            &["1:58: a field for the second time; expected an event, as `sim help history` describes them"],
        ),
        (
            Format::JsonLines,
            r#"{"process":0,"type":"invoke","f":"cas","value":[1,2]}
{"process":0,"type":"fail","f":"cas","swapped":false}"#,
            &["2:1: swapped; expected it on the `ok` of a cas only"],
        ),
        (
            Format::JsonLines,
            r#"{"process":0,"type":"invoke","f":"write","value":1,"create_if_missing":true}"#,
            &["1:1: a write with create_if_missing; expected it on the invocation of a cas only"],
        ),
        (
            Format::JsonLines,
            r#"{"process":0,"type":"invoke","f":"cas","value":[1,2],"create_if_missing":true}
{"process":0,"type":"fail","f":"cas","error":"key-does-not-exist"}"#,
            &[
                "2:1: a cas that failed because the key does not exist; expected a cas that creates it, as asked at \
               line 1",
            ],
        ),
        (
            Format::JsonLines,
            r#"{"process":0,"type":"invoke","f":"read"}
{"process":0,"type":"ok","f":"read","value":1,"time_ns":6}"#,
            &["2:1: a time_ns, after lines without one; expected one on every line, or on none"],
        ),
        (
            Format::JsonLines,
            r#"{"process":0,"type":"invoke","f":"read","index":4}
{"process":0,"type":"ok","f":"read","value":1,"index":3}"#,
            &["2:1: index 3 after 4; expected one history, in the order in which it happened"],
        ),
        (
            Format::Edn,
            "{:type :invoke :f :write :k 1 :value 1 :process 0}",
            &["1:26: the field :k; expected `:key`, or another name"],
        ),
        (
            Format::Edn,
            "{:type :invoke :f :write :value 1 :value 2 :process 0}",
            &["1:35: a field for the second time; expected each field once"],
        ),
        (
            Format::Edn,
            "{:type :invoke :f :write :key 1 :value 1 :process 0}\n{:type :invoke :f :write :value 1 :process 1}",
            &["2:1: no :key; expected one on every invocation, as at line 1"],
        ),
        (
            Format::Edn,
            "{:type :invoke :f :write :value 1 :process 0}\n{:type :invoke :f :write :key 1 :value 1 :process 1}",
            &["2:1: :key 1; expected none, as line 1 has none"],
        ),
        (
            Format::Edn,
            "{:type :invoke :f :read :key 1 :value [1 nil] :process 0}",
            &["1:1: a read of :key 1 with [1 nil]; expected the key once: in :key, or in :value"],
        ),
        (
            Format::Edn,
            "{:type :invoke :f :read :key 1 :value nil :process 0}\n{:type :ok :f :read :key 2 :value 1 :process 0}",
            &["2:1: another key; expected the key of the invocation at line 1"],
        ),
        (
            Format::Edn,
            "{:type :invoke :f :write :value 1 :process :client}",
            &["1:1: the process :client; expected a number or a string, or :nemesis"],
        ),
        (
            Format::Edn,
            "{:type :invoke :f :cas :value [1 2] :process 0 :swapped maybe}",
            &["1:57: maybe; expected `true` or `false`"],
        ),
    ];
    for (format, text, expected) in cases {
        wrong(*format, text, expected);
    }
    let given = Options { initial: Some("0".to_owned()), ..Options::default() };
    let text = r#"{"process":0,"type":"invoke","f":"cas","value":[1,2],"create_if_missing":true}"#;
    let expected = [
        "1:1: a cas with create_if_missing; expected keys that are missing at the beginning, so no --initial",
    ];
    assert_eq!(problems(text.as_bytes(), &given), expected);
}

#[test]
fn what_is_not_text() {
    let found =
        problems(b"{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\n  \xff\n", &Options::default());
    assert_eq!(found, ["2:3: not UTF-8; expected text in UTF-8"]);
    let found = problems(b"{:type :invoke \xff", &Options::default());
    assert_eq!(found, ["1:16: not UTF-8; expected text in UTF-8"]);
}

#[test]
fn no_more_than_the_first_five_problems_are_told() {
    let found = problems("{\"x\":1}\n".repeat(100).as_bytes(), &Options::default());
    assert_eq!(found.len(), 5);
}

#[test]
fn nothing_is_not_wrong() {
    for text in ["", "\n\n", "[]", "; nothing\n", "jepsen starts\n"] {
        assert!(history(text, &Options::default()).operations.is_empty(), "{text}");
    }
}
