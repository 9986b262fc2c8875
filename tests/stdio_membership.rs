//! A node of a running cluster is replaced by another one while clients write and processes are killed: no acknowledged
//! write is lost.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/members.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod members;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use members::{Client, Cluster, NAMES as FOUNDERS};
use serde_json::{Value, json};

const FLAGS: [&str; 5] =
    ["--election-timeout=150ms", "--lease=100ms", "--max-clock-skew=10ms", "--heartbeat=30ms", "-q"];
/// As the new node is told them: itself and those who are there.
const WITH_NEW: [&str; 4] = ["n4", "n1", "n2", "n3"];

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Asks until the change is made. It may be not yet possible, or made already by an earlier try whose answer was lost.
fn change(admin: &mut Client, node: &str, change: &Value, made: impl Fn(&Value) -> bool) {
    let mut body = change.clone();
    body["type"] = json!("membership");
    let (_never, wait) = channel::<()>();
    let mut last = None;
    for _ in 0..200 {
        let answer = admin.ask(node, body.clone());
        match &answer {
            Some(answer) if answer["type"] == "membership_ok" => return assert!(made(answer), "{answer}"),
            Some(answer) => assert!([0, 11, 14, 22].contains(&answer["code"].as_u64().unwrap()), "{answer}"),
            None => {}
        }
        let status = admin.ask(node, json!({"type": "status"}));
        let settled = status.as_ref().is_some_and(|status| status["configuration_committed"] == true);
        if settled && made(status.as_ref().unwrap()) {
            return;
        }
        last = answer;
        let _ = wait.recv_timeout(Duration::from_millis(50));
    }
    panic!("{change} was never made; the last answer: {last:?}");
}

fn written(client: &mut Client, nodes: &[&str], key: &str) {
    let body = json!({"type": "write", "key": key, "value": 1});
    let done = (0..100).any(|turn| {
        let answer = client.ask(nodes[turn % nodes.len()], body.clone());
        answer.is_some_and(|answer| answer["type"] == "write_ok")
    });
    assert!(done, "no write was acknowledged");
}

#[test]
fn a_node_is_replaced_while_clients_write_and_processes_are_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::new(&FLAGS);
    for name in FOUNDERS {
        cluster.start_as(name, &FOUNDERS, &[], dir.path());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..6)
        .map(|place| {
            let client = cluster.network.client(&format!("c{}", place + 1));
            let stop = Arc::clone(&stop);
            thread::spawn(move || client.write_on(["n2", "n3"][place % 2], &stop))
        })
        .collect();
    let mut reader = cluster.network.client("c99");
    written(&mut reader, &FOUNDERS, "first");

    // It is there, and member of nothing.
    cluster.start_as("n4", &WITH_NEW, &["--join"], dir.path());
    let status = cluster.admin.insist("n4", &json!({"type": "status"}));
    assert_eq!((names(&status["voters"]), names(&status["learners"])), (vec![], vec![]), "{status}");
    assert_eq!(status["role"], "follower");
    let refused = cluster.admin.insist("n2", &json!({"type": "membership", "add": "n4", "remove": "n1"}));
    assert_eq!(refused["code"], 12, "{refused}");

    let learns = |answer: &Value| names(&answer["learners"]) == ["n4"];
    change(&mut cluster.admin, "n2", &json!({"add": "n4"}), learns);
    // Killed as a learner: it comes back as one, with the same command line.
    cluster.kill("n4");
    cluster.start_as("n4", &WITH_NEW, &["--join"], dir.path());
    let four = |answer: &Value| names(&answer["voters"]) == ["n1", "n2", "n3", "n4"];
    change(&mut cluster.admin, "n3", &json!({"promote": "n4"}), four);

    let rest = |answer: &Value| names(&answer["voters"]) == ["n2", "n3", "n4"];
    change(&mut cluster.admin, "n3", &json!({"remove": "n1"}), rest);
    cluster.kill("n1");
    // A founder is told what it was told at first; its log knows better.
    cluster.kill("n3");
    cluster.start_as("n3", &FOUNDERS, &[], dir.path());
    let status = cluster.admin.insist("n3", &json!({"type": "status"}));
    assert!(rest(&status), "{status}");
    // And this one need not be told again that it joined.
    cluster.kill("n4");
    cluster.start_as("n4", &WITH_NEW, &[], dir.path());
    let status = cluster.admin.insist("n4", &json!({"type": "status"}));
    assert!(rest(&status), "{status}");

    written(&mut reader, &["n2", "n3"], "between");
    // Of three voters two are enough, and the new one is one of them.
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged: Vec<String> =
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    cluster.kill("n2");
    written(&mut reader, &["n3", "n4"], "last");
    acknowledged.extend(["first", "between", "last"].map(str::to_owned));
    for (place, key) in acknowledged.iter().enumerate() {
        let read = json!({"type": "read", "key": key});
        let mut answers =
            (0..100).filter_map(|turn| reader.ask(["n3", "n4"][(place + turn) % 2], read.clone()));
        let found = answers.find(|answer| answer["type"] == "read_ok" || answer["code"] == 20);
        assert_eq!(found.expect("a leader")["type"], "read_ok", "{key} was acknowledged and is lost");
    }
    assert!(acknowledged.len() > 10, "{} writes were acknowledged", acknowledged.len());
}
