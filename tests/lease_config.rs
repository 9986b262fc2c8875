//! `lease_read_config`: a question, lengths that are applied, and fields that are named when they are wrong.

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
        (["6000", "5000", "500"], false, 5_500, "only its own timer makes it step down after 5s"),
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
fn apply_is_a_flag_and_unknown_fields_are_ignored() {
    let mut node = Process::alone(&[]);
    let good = ["3000", "5000", "500"];
    assert_eq!(ask(&mut node, good, r#","apply":false"#)["safe"], true);
    assert_eq!(ask(&mut node, good, r#","more":{"x":[]}"#)["safe"], true);
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

#[test]
fn lengths_that_are_applied_are_in_force_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--data-dir", directory.path().to_str().unwrap(), "--lease=3s"];
    let mut node = Process::alone(&flags);
    let applied = ask(&mut node, ["2000", "4000", "500"], r#","apply":true"#);
    assert_eq!(
        (&applied["type"], &applied["applied"]),
        (&json!("lease_read_config_ok"), &json!(true)),
        "{applied}"
    );
    assert_eq!((&applied["safe"], &applied["effective_lease_ms"]), (&json!(true), &json!(1_500)));
    let in_force = |node: &mut Process| {
        let status = node.ask(r#"{"type":"status","msg_id":8}"#);
        FIELDS.map(|field| status[field].as_u64().unwrap())
    };
    assert_eq!(in_force(&mut node), [2_000, 4_000, 500]);

    let unsafe_lengths = ask(&mut node, ["5200", "5000", "500"], r#","apply":true"#);
    assert_eq!(unsafe_lengths["code"], 22, "{unsafe_lengths}");
    assert!(unsafe_lengths["text"].as_str().unwrap().contains("a skew above 300ms"), "{unsafe_lengths}");
    assert_eq!(in_force(&mut node), [2_000, 4_000, 500], "nothing was changed");
    let log = node.finish().log;
    assert!(
        log.contains("agreed on other lengths: lease 2s, election timeout 4s, clock skew 500ms"),
        "{log}"
    );

    let mut again = Process::alone(&flags);
    again.ask(r#"{"type":"write","msg_id":1,"key":"x","value":1}"#);
    assert_eq!(in_force(&mut again), [2_000, 4_000, 500], "from the log, not from the flags");
}

#[test]
fn three_zeros_too_many_are_refused_unless_they_are_meant() {
    let mut node = Process::alone(&[]);
    let timeout =
        |node: &mut Process| node.ask(r#"{"type":"status","msg_id":8}"#)["election_timeout_ms"].clone();
    for (millis, more, code) in [
        ("800000", "", 22),
        ("50001", "", 22),
        ("50000", "", 0),
        // From now on tenfold is 500 s.
        ("500001", "", 22),
        ("500001", r#","lengthen":false"#, 22),
        ("500001", r#","lengthen":true"#, 0),
        ("1000", "", 0),
    ] {
        let before = timeout(&mut node);
        let answer = ask(&mut node, ["500", millis, "100"], &format!(r#","apply":true{more}"#));
        if code == 0 {
            assert_eq!(answer["applied"], true, "{millis}{more}: {answer}");
            assert_eq!(timeout(&mut node).to_string(), millis);
        } else {
            assert_eq!(answer["code"], code, "{millis}{more}: {answer}");
            let text = answer["text"].as_str().unwrap();
            assert!(text.contains("more than 10 times as long") && text.contains("lengthen"), "{text}");
            assert_eq!(timeout(&mut node), before, "nothing was changed");
        }
    }
    let question = ask(&mut node, ["500", "800000", "100"], "");
    assert_eq!(question["safe"], true, "a question may ask for anything: {question}");
    let wrong = ask(&mut node, ["500", "1000", "100"], r#","apply":true,"lengthen":1"#);
    assert!(wrong["text"].as_str().unwrap().contains("`lengthen` is 1"), "{wrong}");
}

#[test]
fn an_explanation_has_what_would_be_survived() {
    let mut node = Process::alone(&[]);
    let plain = ask(&mut node, ["3000", "5000", "500"], "");
    let explained = ask(&mut node, ["3000", "5000", "500"], r#","explain":true"#);
    let more: Vec<&str> = ["margin_ms", "rate_survived_ppm", "pause_survived_ms"].to_vec();
    for field in &more {
        assert!(plain[field].is_null() && !explained[field].is_null(), "{plain} {explained}");
    }
    assert_eq!(plain.as_object().unwrap().len() + more.len(), explained.as_object().unwrap().len());
    for (values, margin, rate) in [
        (["3000", "5000", "500"], json!(2_500), json!(333_333)),
        (["4999", "5000", "0"], json!(1), json!(100)),
        (["5000", "5000", "0"], json!(0), json!(0)),
        // The lease is longer than the promise: there is less than no room.
        (["6000", "5000", "500"], json!(-500), json!(0)),
        // No lease, so nothing that a clock could break.
        (["500", "5000", "500"], json!(5_000), json!(1_000_000)),
    ] {
        let answer = ask(&mut node, values, r#","explain":true"#);
        assert_eq!(
            (&answer["margin_ms"], &answer["rate_survived_ppm"]),
            (&margin, &rate),
            "{values:?}: {answer}"
        );
        let pause = margin.as_i64().unwrap().max(0);
        assert_eq!(answer["pause_survived_ms"], pause, "{values:?}");
    }
}
