//! The two cases that this node was asked for, to the letter.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod process;

use std::time::Duration;

use process::{Process, json};
use serde_json::json;

#[test]
fn one_of_three_answers_init_and_nothing_else_for_five_seconds() {
    let mut node = Process::start(&[]);
    node.send(r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}}"#);
    node.send(r#"{"src":"c1","dest":"n1","body":{"type":"lease_read","msg_id":2,"key":"x"}}"#);
    assert_eq!(
        json(&node.receive()),
        json!({"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}})
    );
    assert_eq!(node.receive_within(Duration::from_secs(5)), None);
    let finished = node.finish();
    assert_eq!((finished.status, finished.lines), (Some(0), vec![]));
}

#[test]
fn a_safe_configuration_is_called_safe_and_told_why() {
    let mut node = Process::start(&[]);
    node.send(
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}"#,
    );
    node.send(
        r#"{"src":"c1","dest":"n1","body":{"type":"lease_read_config","msg_id":2,"lease_duration_ms":3000,"election_timeout_ms":5000,"max_clock_skew_ms":500}}"#,
    );
    assert_eq!(
        json(&node.receive()),
        json!({"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}})
    );
    assert_eq!(
        json(&node.receive()),
        json!({"src": "n1", "dest": "c1", "body": {
            "type": "lease_read_config_ok", "in_reply_to": 2, "safe": true, "effective_lease_ms": 2500, "msg_id": 1,
            "reason": "lease - clock_skew < election_timeout",
        }})
    );
    let finished = node.finish();
    assert_eq!((finished.status, finished.lines), (Some(0), vec![]));
}
