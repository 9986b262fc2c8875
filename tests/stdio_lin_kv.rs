//! Maelstrom's lin-kv workload and lease reads, at a node that is alone.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod process;

use process::Process;
use serde_json::{Value, json};

/// Sends each request and compares the answer, but for the numbers of the messages and an error's text.
fn check(node: &mut Process, table: &[(&str, Value)]) {
    for (place, (request, expected)) in table.iter().enumerate() {
        let msg_id = place + 2;
        let request = request.replacen('{', &format!(r#"{{"msg_id":{msg_id},"#), 1);
        let mut answer = node.ask(&request);
        let fields = answer.as_object_mut().unwrap();
        assert_eq!(fields.remove("in_reply_to"), Some(json!(msg_id)), "{request}");
        assert_eq!(fields.remove("msg_id"), Some(json!(place + 1)), "{request}");
        if expected["type"] == "error" {
            let text = fields.remove("text").expect("an error has a text");
            assert!(!text.as_str().unwrap().is_empty(), "{request}");
        }
        assert_eq!(answer, *expected, "{request}");
    }
}

#[test]
fn lin_kv_is_served() {
    let error = |code: u16| json!({"type": "error", "code": code});
    let write_ok = || json!({"type": "write_ok"});
    let cas_ok = || json!({"type": "cas_ok"});
    let read_ok = |value: u64| json!({"type": "read_ok", "value": value});
    let table = [
        (r#"{"type":"read","key":1}"#, error(20)),
        (r#"{"type":"write","key":1,"value":10}"#, write_ok()),
        (r#"{"type":"read","key":1}"#, read_ok(10)),
        (r#"{"type":"cas","key":1,"from":11,"to":12}"#, error(22)),
        (r#"{"type":"cas","key":1,"from":10,"to":12}"#, cas_ok()),
        (r#"{"type":"read","key":1}"#, read_ok(12)),
        (r#"{"type":"cas","key":2,"from":0,"to":1}"#, error(20)),
        (r#"{"type":"cas","key":2,"from":0,"to":1,"create_if_not_exists":false}"#, error(20)),
        (r#"{"type":"cas","key":2,"from":0,"to":1,"create_if_not_exists":true}"#, cas_ok()),
        (r#"{"type":"read","key":2}"#, read_ok(1)),
        (r#"{"type":"cas","key":2,"from":0,"to":3,"create_if_not_exists":true}"#, error(22)),
        (r#"{"type":"read","key":"1"}"#, error(20)),
        (r#"{"type":"topology","topology":{}}"#, error(10)),
        (r#"{"type":"read"}"#, error(12)),
    ];
    check(&mut Process::alone(&[]), &table);
}

#[test]
fn a_lease_read_tells_that_it_asked_nobody() {
    let table = [
        (r#"{"type":"lease_read","key":"x"}"#, json!({"type": "error", "code": 20})),
        (r#"{"type":"write","key":"x","value":"42"}"#, json!({"type": "write_ok"})),
        (
            r#"{"type":"lease_read","key":"x"}"#,
            json!({"type": "lease_read_ok", "value": "42", "lease_valid": true, "network_round_trips": 0}),
        ),
    ];
    check(&mut Process::alone(&[]), &table);
}

#[test]
fn without_a_lease_a_read_says_so() {
    let table = [
        (r#"{"type":"write","key":"x","value":"42"}"#, json!({"type": "write_ok"})),
        (
            r#"{"type":"lease_read","key":"x"}"#,
            json!({"type": "lease_read_ok", "value": "42", "lease_valid": false, "network_round_trips": 0}),
        ),
    ];
    check(&mut Process::alone(&["--skew=3s"]), &table);
}

#[test]
fn keys_and_values_come_back_as_they_went_in() {
    let scalars = [
        "1",
        "1.0",
        "-0",
        "1e400",
        "12345678901234567890123",
        r#""1""#,
        r#""""#,
        r#""ü\u0000""#,
        "null",
        "true",
        "false",
    ];
    let mut node = Process::alone(&[]);
    for (place, scalar) in scalars.iter().enumerate() {
        let value = scalars[scalars.len() - 1 - place];
        let body = format!(r#"{{"type":"write","msg_id":1,"key":{scalar},"value":{value}}}"#);
        assert_eq!(node.ask(&body)["type"], "write_ok", "{body}");
    }
    for (place, scalar) in scalars.iter().enumerate() {
        let value = scalars[scalars.len() - 1 - place];
        let body = format!(r#"{{"type":"lease_read","msg_id":1,"key":{scalar}}}"#);
        node.send(&format!(r#"{{"src":"c1","dest":"n1","body":{body}}}"#));
        let answer = node.receive();
        assert!(answer.contains(&format!(r#""value":{value},"#)), "{body}: {answer}");
    }
}

#[test]
fn an_answer_carries_the_number_of_the_question() {
    let mut node = Process::alone(&[]);
    for id in ["0", "-1", "9223372036854775807", "18446744073709551615", "-9223372036854775808"] {
        node.send(&format!(
            r#"{{"dest":"n1","id":5,"body":{{"key":0,"msg_id":{id},"type":"read","more":[{{}}]}},"src":"c\u0031","more":null}}"#
        ));
        let answer = node.receive();
        assert!(answer.contains(&format!(r#""in_reply_to":{id},"#)), "{answer}");
        assert!(answer.contains(r#""dest":"c1""#), "{answer}");
    }
}

#[test]
fn what_is_piped_in_together_is_done_in_order_by_a_node_that_is_alone() {
    let mut input = process::INIT_ALONE.to_owned();
    for (msg_id, body) in [
        r#""type":"write","key":"x","value":1"#,
        r#""type":"cas","key":"x","from":1,"to":2"#,
        r#""type":"read","key":"x""#,
        r#""type":"write","key":"x","value":3"#,
        r#""type":"lease_read","key":"x""#,
    ]
    .iter()
    .enumerate()
    {
        input += &format!("\n{{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{{\"msg_id\":{msg_id},{body}}}}}");
    }
    let finished = process::run(&[], input.as_bytes());
    let answers: Vec<Value> = finished.lines[1..].iter().map(|line| process::body_of(line)).collect();
    let types: Vec<&Value> = answers.iter().map(|answer| &answer["type"]).collect();
    assert_eq!(types, ["write_ok", "cas_ok", "read_ok", "write_ok", "lease_read_ok"]);
    assert_eq!((&answers[2]["value"], &answers[4]["value"]), (&json!(2), &json!(3)));
    assert_eq!(finished.status, Some(0));
}
