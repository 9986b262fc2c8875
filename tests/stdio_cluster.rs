//! Three real processes, wired together by the test: an election, lease reads, and the leader's death.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

const NAMES: [&str; 3] = ["n1", "n2", "n3"];
/// Times that something is tried that an election may get in the way of.
const TRIES_MAX: usize = 300;

struct Cluster {
    inputs: Arc<Mutex<BTreeMap<String, ChildStdin>>>,
    children: BTreeMap<String, Child>,
    answers: Receiver<Value>,
    next_msg_id: u64,
}

impl Cluster {
    fn start(flags: &[&str]) -> Cluster {
        Cluster::start_each(|_| flags.to_vec())
    }

    fn start_each<'a>(flags: impl Fn(&str) -> Vec<&'a str>) -> Cluster {
        let inputs = Arc::new(Mutex::new(BTreeMap::new()));
        let mut children = BTreeMap::new();
        let (sender, answers) = channel();
        for name in NAMES {
            let mut child = Command::new(env!("CARGO_BIN_EXE_leasehold"))
                .args(flags(name))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            inputs.lock().unwrap().insert(name.to_owned(), child.stdin.take().unwrap());
            let stdout = BufReader::new(child.stdout.take().unwrap());
            let (inputs, sender) = (Arc::clone(&inputs), sender.clone());
            // The network: what is for a node goes to it, everything else is an answer.
            thread::spawn(move || {
                for line in stdout.lines().map_while(Result::ok) {
                    let message: Value = serde_json::from_str(&line).expect("only JSON on standard output");
                    let dest = message["dest"].as_str().unwrap();
                    if let Some(stdin) = inputs.lock().unwrap().get_mut(dest) {
                        let _ = writeln!(stdin, "{line}");
                    } else if dest.starts_with('c') && sender.send(message).is_err() {
                        break;
                    }
                }
            });
            children.insert(name.to_owned(), child);
        }
        let mut cluster = Cluster { inputs, children, answers, next_msg_id: 1_000 };
        for (place, name) in NAMES.into_iter().enumerate() {
            // Each is told the names in another order: numbers do not travel.
            let mut names = NAMES;
            names.rotate_left(place);
            let answer = cluster.ask(name, json!({"type": "init", "node_id": name, "node_ids": names}));
            assert_eq!(answer["type"], "init_ok");
        }
        cluster
    }

    /// What would be sent next.
    fn line(&self, node: &str, mut body: Value) -> String {
        body["msg_id"] = json!(self.next_msg_id + 1);
        json!({"src": "c1", "dest": node, "body": body}).to_string()
    }

    fn ask(&mut self, node: &str, mut body: Value) -> Value {
        self.next_msg_id += 1;
        body["msg_id"] = json!(self.next_msg_id);
        let message = json!({"src": "c1", "dest": node, "body": body});
        writeln!(self.inputs.lock().unwrap().get_mut(node).unwrap(), "{message}").unwrap();
        loop {
            let mut answer = self
                .answers
                .recv_timeout(Duration::from_secs(60))
                .unwrap_or_else(|error| panic!("{error}: {node} does not answer {message}"));
            if answer["body"]["in_reply_to"] == message["body"]["msg_id"] {
                assert_eq!(answer["src"], *node);
                return answer["body"].take();
            }
        }
    }

    fn lease_read(&mut self, node: &str, key: &str) -> Value {
        self.ask(node, json!({"type": "lease_read", "key": key}))
    }

    /// Writes through any of the nodes until it is acknowledged.
    fn write(&mut self, nodes: &[String], key: &str, value: &str) {
        for node in nodes.iter().cycle().take(TRIES_MAX) {
            let answer = self.ask(node, json!({"type": "write", "key": key, "value": value}));
            if answer["type"] == "write_ok" {
                return;
            }
            let code = answer["code"].as_u64().unwrap();
            assert!([0, 11, 14].contains(&code), "{answer}");
        }
        panic!("no write was acknowledged");
    }

    /// Reads at all of these nodes until one answers under its lease and all the others pass the read on to it; gives
    /// the leader.
    fn leader_seen_by_all(&mut self, nodes: &[String], key: &str, value: &str) -> String {
        let mut last = Vec::new();
        for _ in 0..TRIES_MAX {
            last = nodes.iter().map(|node| self.lease_read(node, key)).collect::<Vec<_>>();
            for answer in last.iter().filter(|answer| answer["type"] == "lease_read_ok") {
                assert_eq!(answer["value"], value, "an acknowledged write is read: {answer}");
            }
            let round_trips = |wanted: u64| {
                let under_lease = |answer: &&Value| {
                    answer["lease_valid"] == true && answer["network_round_trips"] == wanted
                };
                last.iter().filter(under_lease).count()
            };
            if round_trips(0) == 1 && round_trips(1) == nodes.len() - 1 {
                let leader = last.iter().position(|answer| answer["network_round_trips"] == 0);
                return nodes[leader.unwrap()].clone();
            }
        }
        panic!("no stable leader; the last answers: {last:?}");
    }

    fn kill(&mut self, node: &str) {
        let mut child = self.children.remove(node).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        self.inputs.lock().unwrap().remove(node);
    }

    fn nodes(&self) -> Vec<String> {
        self.children.keys().cloned().collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_cluster_elects_serves_lease_reads_and_survives_its_leaders_death() {
    let mut cluster = Cluster::start(&[
        "--election-timeout=300ms",
        "--lease=200ms",
        "--max-clock-skew=10ms",
        "--heartbeat=50ms",
    ]);
    let all = cluster.nodes();
    cluster.write(&all, "x", "before");
    let leader = cluster.leader_seen_by_all(&all, "x", "before");

    cluster.kill(&leader);
    let left = cluster.nodes();
    assert_eq!(left.len(), 2);
    cluster.write(&left, "x", "after");
    let successor = cluster.leader_seen_by_all(&left, "x", "after");
    assert_ne!(successor, leader);

    // Leadership moves to whom it is told to, and the old leader's client hears of it.
    let heir = left.iter().find(|node| **node != successor).unwrap().clone();
    let moved = cluster.ask(&successor, json!({"type": "transfer", "to": heir}));
    assert_eq!((&moved["type"], &moved["leader"]), (&json!("transfer_ok"), &json!(heir)), "{moved}");
    cluster.write(&left, "x", "moved");
    assert_eq!(cluster.leader_seen_by_all(&left, "x", "moved"), heir);
    let status = cluster.ask(&heir, json!({"type": "status"}));
    let names: Vec<&str> =
        status["peers"].as_array().unwrap().iter().map(|peer| peer["node"].as_str().unwrap()).collect();
    assert_eq!((status["role"].as_str(), names.len()), (Some("leader"), 2), "{status}");
    assert!(names.contains(&&*successor), "{status}");
    let refused = cluster.ask(&successor, json!({"type": "transfer", "to": successor}));
    assert!(refused["text"].as_str().unwrap().contains(&format!("{heir:?}")), "{refused}");

    // A majority is gone: nobody answers from memory once the lease has run out.
    cluster.kill(&heir);
    let last = cluster.nodes();
    let answer = cluster.lease_read(&last[0], "x");
    assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(11)), "{answer}");
}

#[test]
fn a_request_as_long_as_a_line_may_be_commits_wherever_it_is_sent() {
    const LINE_MAX: usize = 400_000;
    let mut cluster = Cluster::start(&[
        "--election-timeout=1s",
        "--lease=500ms",
        "--max-clock-skew=10ms",
        "--heartbeat=50ms",
        "--line-max=400000",
    ]);
    let all = cluster.nodes();
    cluster.write(&all, "x", "before");
    cluster.leader_seen_by_all(&all, "x", "before");
    for node in &all {
        let body = |pad: &str| json!({"type": "write", "key": "x", "value": pad});
        let bare = cluster.line(node, body("")).len();
        // Half of them take two bytes when they are escaped, and so they did on their way in.
        let value = "y\"".repeat((LINE_MAX - bare) / 3) + &"y".repeat((LINE_MAX - bare) % 3);
        assert_eq!(cluster.line(node, body(&value)).len(), LINE_MAX);
        assert_eq!(cluster.ask(node, body(&value))["type"], "write_ok");
        assert_eq!(cluster.lease_read(node, "x")["value"], value);
        let refused = cluster.ask(node, body(&(value + "y")));
        assert_eq!(refused["code"], 12, "{refused}");
    }
    // The log is not stuck.
    cluster.write(&all, "x", "after");
    cluster.leader_seen_by_all(&all, "x", "after");
}

#[test]
fn a_new_cluster_with_a_small_grace_has_a_leader_long_before_an_election_timeout() {
    // Ten times as long as a test may take, so that no promise can be what is waited for.
    let mut cluster = Cluster::start(&[
        "--in-memory",
        "--election-timeout=600s",
        "--lease=3s",
        "--heartbeat=100ms",
        "--election-jitter=100ms",
        "--startup-grace=200ms",
    ]);
    let all = cluster.nodes();
    cluster.write(&all, "x", "first");
    cluster.leader_seen_by_all(&all, "x", "first");
}

/// n2 and n3 say that their wall clocks may be eight hours wrong: by them n1's stamps are not reached for hours. (A kernel
/// that vouches for its wall clock is believed instead. Then this is a failover like another.)
#[test]
fn wall_clocks_that_may_be_hours_wrong_delay_no_failover() {
    let deadline = ["--in-memory", "--lease-form=deadline", "--election-timeout=1s", "--lease=500ms"];
    let mut cluster = Cluster::start_each(|name| match name {
        "n1" => [&deadline[..], &["--assume-wall-error=1ms", "--startup-grace=100ms"]].concat(),
        _ => [&deadline[..], &["--assume-wall-error=28800s", "--startup-grace=20s"]].concat(),
    });
    cluster.write(&["n1".to_owned()], "x", "before");
    cluster.kill("n1");
    // Each request waits for two election timeouts.
    let written = ["n2", "n3"].into_iter().cycle().take(20).find(|node| {
        cluster.ask(node, json!({"type": "write", "key": "x", "value": "after"}))["type"] == "write_ok"
    });
    assert!(written.is_some(), "no leader for forty seconds");
}

/// A majority is gone for good, with its directories. One survivor founds a new cluster of what it has.
#[test]
fn a_survivor_founds_a_new_cluster_with_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let flags = ["--election-timeout=300ms", "--lease=200ms", "--max-clock-skew=10ms", "--heartbeat=50ms"];
    let per_node = format!("--data-dir={}", path("{node}"));
    let mut cluster = Cluster::start(&[&flags[..], &[&per_node]].concat());
    let all = cluster.nodes();
    cluster.write(&all, "x", "kept");
    cluster.write(&all, "y", "kept too");
    let leader = cluster.leader_seen_by_all(&all, "y", "kept too");
    let survivor = all.iter().find(|node| **node != leader).unwrap().clone();
    // What the survivor does not hear of is lost.
    cluster.kill(&survivor);
    let left = cluster.nodes();
    cluster.write(&left, "z", "lost");
    drop(cluster);

    let new = path("new");
    let recover = |from: &str, to: &str| {
        let from = format!("--recover-from={from}");
        Command::new(env!("CARGO_BIN_EXE_leasehold")).args([&from, "--data-dir", to]).output().unwrap()
    };
    let told = recover(&path(&survivor), &new);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success(), "{text}{}", String::from_utf8_lossy(&told.stderr));
    for part in ["may be lost", "may be stale", "keys              2", &*survivor] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (from, to, why) in [
        (path(&survivor), new.clone(), "it holds a database already"),
        (path("nothing"), path("other"), "it holds no leasehold.db"),
    ] {
        let refused = recover(&from, &to);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!((refused.status.code(), said.contains(why)), (Some(2), true), "{said}");
    }
    assert!(!dir.path().join("nothing").exists() && !dir.path().join("other").exists());

    let mut child = Command::new(env!("CARGO_BIN_EXE_leasehold"))
        .args(flags)
        .args(["--data-dir", &new])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut answers) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
    let mut ask = |mut body: Value, id: u64| {
        body["msg_id"] = json!(id);
        writeln!(stdin, "{}", json!({"src": "c1", "dest": survivor, "body": body})).unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        answer["body"].clone()
    };
    let init = ask(json!({"type": "init", "node_id": survivor, "node_ids": [survivor]}), 1);
    assert_eq!(init["type"], "init_ok", "{init}");
    let write = ask(json!({"type": "write", "key": "w", "value": 1}), 2);
    assert_eq!(write["type"], "write_ok", "{write}");
    for (id, key, value) in [(3, "x", json!("kept")), (4, "y", json!("kept too")), (5, "w", json!(1))] {
        let read = ask(json!({"type": "lease_read", "key": key}), id);
        assert_eq!((&read["value"], &read["lease_valid"]), (&value, &json!(true)), "{read}");
    }
    assert_eq!(ask(json!({"type": "lease_read", "key": "z"}), 6)["code"], 20, "it was never here");
    let status = ask(json!({"type": "status"}), 7);
    assert_eq!(status["peers"], json!([]), "{status}");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
