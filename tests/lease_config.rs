//! `lease_read_config`: a pure question, and fields that are named when they are wrong.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod process;

use process::Process;
use serde_json::{Value, json};

const FIELDS: [&str; 3] = ["lease_duration_ms", "election_timeout_ms", "max_clock_skew_ms"];

fn ask(node: &mut Process, values: [&str; 3], more: &str) -> Value {
    let fields: String = FIELDS
        .iter()
        .zip(values)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!(r#","{name}":{value}"#))
        .collect();
    node.ask(&format!(r#"{{"type":"lease_read_config","msg_id":7{fields}{more}}}"#))
}

#[test]
fn the_judgement_and_its_reason() {
    let mut node = Process::alone(&[]);
    for (values, safe, effective, part) in [
        (["3000", "5000", "500"], true, 2_500, "lease - clock_skew < election_timeout"),
        (["3000", "5000", "0"], true, 3_000, "lease - clock_skew < election_timeout"),
        (["1", "2", "0"], true, 1, "lease - clock_skew < election_timeout"),
        // The trap: 5200 - 500 < 5000, and yet a skew of 400 gives a stale read.
        (["5200", "5000", "500"], false, 4_700, "a skew above 300ms, within clock_skew 500ms"),
        (["6000", "5000", "500"], false, 5_500, "even with perfect clocks"),
        (["5000", "5000", "0"], false, 5_000, "nothing is left"),
        (["500", "5000", "500"], true, 0, "every read takes a round trip"),
        (["31536000000", "31536000000", "31536000000"], true, 0, "every read takes a round trip"),
    ] {
        let answer = ask(&mut node, values, "");
        assert_eq!(answer["type"], "lease_read_config_ok", "{values:?}: {answer}");
        assert_eq!(answer["in_reply_to"], 7);
        assert_eq!(
            (&answer["safe"], &answer["effective_lease_ms"]),
            (&json!(safe), &json!(effective)),
            "{values:?}"
        );
        let reason = answer["reason"].as_str().unwrap();
        assert!(reason.contains(part), "{values:?}: {reason}");
    }
}

#[test]
fn a_field_that_is_wrong_is_named() {
    let good = ["3000", "5000", "500"];
    let mut node = Process::alone(&[]);
    for wrong in
        ["", "-1", "0.5", "3e3", "31536000001", "99999999999999999999999", "\"3000\"", "null", "[]", "true"]
    {
        for (place, field) in FIELDS.iter().enumerate() {
            let mut values = good;
            values[place] = wrong;
            let answer = ask(&mut node, values, "");
            assert_eq!(answer["code"], 12, "{field} {wrong}: {answer}");
            let text = answer["text"].as_str().unwrap();
            for other in FIELDS {
                assert_eq!(text.contains(other), other == *field, "{field} {wrong}: {text}");
            }
            assert!(text.contains("31536000000"), "it says what would be right: {text}");
        }
    }
}

#[test]
fn zero_is_a_skew_and_no_length() {
    let mut node = Process::alone(&[]);
    assert_eq!(ask(&mut node, ["1", "2", "0"], "")["safe"], true);
    let answer = ask(&mut node, ["0", "0", "0"], "");
    let text = answer["text"].as_str().unwrap();
    assert!(text.contains("lease_duration_ms") && text.contains("election_timeout_ms"), "{text}");
    assert!(!text.contains("max_clock_skew_ms"), "{text}");
}

#[test]
fn applying_is_not_supported_yet_and_says_so() {
    let mut node = Process::alone(&[]);
    let good = ["3000", "5000", "500"];
    assert_eq!(ask(&mut node, good, r#","apply":false"#)["safe"], true);
    assert_eq!(ask(&mut node, good, r#","more":{"x":[]}"#)["safe"], true);
    let refused = ask(&mut node, good, r#","apply":true"#);
    assert_eq!(refused["code"], 10, "{refused}");
    assert!(refused["text"].as_str().unwrap().contains("ask without `apply`"), "{refused}");
    let malformed = ask(&mut node, good, r#","apply":1"#);
    assert_eq!(malformed["code"], 12, "{malformed}");
    assert!(malformed["text"].as_str().unwrap().contains("`apply` is 1"), "{malformed}");
}

#[test]
fn the_question_needs_no_leader_and_changes_nothing() {
    let mut node = Process::start(&[]);
    node.send(r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n0","n1","n2"]}}"#);
    node.receive();
    let first = ask(&mut node, ["6000", "5000", "500"], "");
    let again = ask(&mut node, ["6000", "5000", "500"], "");
    assert_eq!((&first["safe"], &first["reason"]), (&json!(false), &again["reason"]));
}
