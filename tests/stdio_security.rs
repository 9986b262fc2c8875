//! Whom a node believes: members of its own cluster, and nobody else. Three real processes; lines that a client, another
//! cluster or a bad cable writes are put into their standard inputs by the ten thousand.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/members.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod members;

use std::sync::mpsc::channel;
use std::time::Duration;

use members::{Cluster, NAMES as FOUNDERS};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

/// Long enough that a busy machine causes no election, and a start that waits for nothing.
const FLAGS: [&str; 5] =
    ["--election-timeout=20s", "--lease=15s", "--heartbeat=100ms", "--startup-grace=100ms", "-qqq"];
const LINES: usize = 10_000;
/// The promise of the issue's case: a year.
const YEAR_NS: u64 = 31_536_000_000_000_000;

fn pause(millis: u64) {
    let (_never, wait) = channel::<()>();
    let _ = wait.recv_timeout(Duration::from_millis(millis));
}

/// A line with the checksum that its sender would have given it.
fn sealed(src: &str, dest: &str, body: &Value) -> String {
    let line = json!({"src": src, "dest": dest, "body": body}).to_string();
    // Its fields are sorted by name: the body is not the last of them.
    let line = format!(r#"{{"src":"{src}","dest":"{dest}","body":{}}}"#, line_body(&line));
    let before = line.strip_suffix("}}").unwrap();
    format!(r#"{before},"sum":"{:016x}"}}}}"#, xxh3_64(before.as_bytes()))
}

fn line_body(line: &str) -> Value {
    serde_json::from_str::<Value>(line).unwrap()["body"].take()
}

fn started(dir: &std::path::Path, flags: &[&'static str]) -> Cluster {
    let all: Vec<&'static str> = FLAGS.iter().chain(flags).copied().collect();
    let mut cluster = Cluster::new(&all);
    for name in FOUNDERS {
        cluster.start(name, dir);
    }
    let write = json!({"type": "write", "key": "x", "value": 41});
    assert!((0..60).any(|_| cluster.admin.ask("n1", write.clone()).is_some_and(|a| a["type"] == "write_ok")));
    cluster
}

/// What no line of a stranger may change: on each node its term, leader, log, members, cluster, and the value of `x`.
fn standing(cluster: &mut Cluster) -> Vec<Value> {
    for turn in 0.. {
        let mut all = Vec::new();
        for name in FOUNDERS {
            let status = cluster.admin.insist(name, &json!({"type": "status"}));
            let withheld = status["votes_withheld_ms"].as_u64().unwrap_or(0);
            assert!(withheld <= 20_000, "a promise of {withheld} ms");
            let read = cluster.admin.insist(name, &json!({"type": "read", "key": "x"}));
            let kept =
                ["term", "leader", "commit", "applied", "log_last_index", "voters", "learners", "cluster"];
            let kept: Vec<&Value> = kept.iter().map(|field| &status[*field]).collect();
            all.push(json!([kept, read["value"]]));
        }
        // A follower learns with the next round what is committed.
        if all.iter().all(|status| *status == all[0]) || turn == 600 {
            return all;
        }
        pause(50);
    }
    unreachable!("it returns by then")
}

/// Everything that a member could say, in this cluster's name, far ahead of what is true.
fn takeovers(cluster: &Value, number: u64) -> Vec<Value> {
    let term = 9 + number;
    let last = 1_000 + number;
    vec![
        json!({"type": "append", "msg_id": number, "cluster": cluster, "term": term, "round": 1, "promise_ns": YEAR_NS,
            "previous_index": 0, "previous_term": 0, "commit": 0, "entries": [{"term": term, "write": ["x", 666]}]}),
        json!({"type": "vote", "msg_id": number, "cluster": cluster, "ballot": "vote", "term": term, "last_index": last,
            "last_term": term}),
        json!({"type": "vote", "msg_id": number, "cluster": cluster, "ballot": "transfer_vote", "term": term,
            "last_index": last, "last_term": term}),
        json!({"type": "vote_reply", "msg_id": number, "cluster": cluster, "ballot": "vote", "term": term,
            "granted": false}),
        json!({"type": "append_reply", "msg_id": number, "cluster": cluster, "term": term, "round": 1,
            "outcome": "accepted", "matched": 1}),
        json!({"type": "timeout_now", "msg_id": number, "cluster": cluster, "term": 1}),
        json!({"type": "snapshot", "msg_id": number, "cluster": cluster, "term": term, "index": last, "index_term": 1,
            "offset": 0, "pairs": [["x", 666]], "last": true}),
        json!({"type": "snapshot_reply", "msg_id": number, "cluster": cluster, "term": term, "index": last}),
        json!({"type": "forward", "msg_id": number, "cluster": cluster, "incarnation": "0000000000000001", "sequence": number, "floor": 0,
            "term": 1, "write": ["x", 666]}),
        json!({"type": "members", "msg_id": number, "cluster": cluster, "voters": ["c9"], "learners": []}),
        json!({"type": "ask_members", "msg_id": number, "cluster": cluster}),
    ]
}

fn put(cluster: &Cluster, lines: impl Iterator<Item = String>) {
    for line in lines {
        cluster.network.carry(&line);
    }
}

#[test]
fn a_client_under_its_own_name_can_say_whatever_it_wants() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = started(dir.path(), &["--cluster=plum"]);
    let before = standing(&mut cluster);
    // It knows the cluster's name, and computes checksums.
    for number in 0..(LINES / 33) as u64 + 1 {
        for body in takeovers(&json!("plum"), number) {
            put(&cluster, FOUNDERS.iter().map(|dest| sealed("c9", dest, &body)));
        }
    }
    assert_eq!(standing(&mut cluster), before);
    // Not after a restart either.
    for name in FOUNDERS {
        cluster.kill(name);
    }
    for name in FOUNDERS {
        cluster.start(name, dir.path());
        let status = cluster.admin.insist(name, &json!({"type": "status"}));
        assert!(status["votes_withheld_ms"].as_u64().unwrap() <= 20_000, "{status}");
        assert_eq!(status["cluster"], "plum");
    }
}

#[test]
fn lines_of_another_cluster_with_the_same_names_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = started(dir.path(), &[]);
    let before = standing(&mut cluster);
    let own = before[0][0][7].clone();
    let id = own.as_str().unwrap();
    assert!(
        id.len() == 32 && before.iter().all(|status| status[0][7] == own),
        "the first leader draws one: {own}"
    );
    let (first, rest) = id.split_at(1);
    let other = format!("{}{rest}", if first == "0" { 1 } else { 0 });
    for number in 0..(LINES / 66) as u64 + 1 {
        for theirs in [json!(other), json!(null)] {
            for mut body in takeovers(&theirs, number) {
                if theirs.is_null() {
                    body.as_object_mut().unwrap().remove("cluster");
                }
                put(
                    &cluster,
                    FOUNDERS.iter().map(|dest| {
                        let src = FOUNDERS.iter().find(|name| *name != dest).unwrap();
                        sealed(src, dest, &body)
                    }),
                );
            }
        }
    }
    assert_eq!(standing(&mut cluster), before);
    // All of them come back, and know it still.
    for name in FOUNDERS {
        cluster.kill(name);
    }
    for name in FOUNDERS {
        cluster.start(name, dir.path());
        let status = cluster.admin.insist(name, &json!({"type": "status"}));
        assert_eq!(status["cluster"], own, "{status}");
    }
}

#[test]
fn damaged_and_repeated_lines_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = started(dir.path(), &[]);
    cluster.network.record(true);
    for value in 0..40 {
        let write = json!({"type": "write", "key": format!("k{}", value % 7), "value": value});
        assert_eq!(cluster.admin.insist(FOUNDERS[value % 3], &write)["type"], "write_ok");
    }
    cluster.network.record(false);
    let recorded = cluster.network.recorded();
    assert!(recorded.iter().any(|line| line.contains("\"write\"")), "entries are among them");
    let before = standing(&mut cluster);
    let mut draw = 1u64;
    let mut next = || {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(draw >> 33).unwrap()
    };
    for number in 0..LINES {
        let mut line = recorded[next() % recorded.len()].clone().into_bytes();
        let dest = serde_json::from_slice::<Value>(&line).unwrap()["dest"].as_str().unwrap().to_owned();
        if number % 2 == 0 {
            // A digit that becomes another, wherever it stands.
            let digits: Vec<usize> = (0..line.len()).filter(|place| line[*place].is_ascii_digit()).collect();
            let place = digits[next() % digits.len()];
            line[place] = b'0' + (line[place] - b'0' + 1 + u8::try_from(next() % 9).unwrap()) % 10;
        }
        cluster.network.put(&dest, &String::from_utf8(line).unwrap());
    }
    assert_eq!(standing(&mut cluster), before);
    for key in 0..7 {
        let read = json!({"type": "read", "key": format!("k{key}")});
        let value = (0..40).rev().find(|value| value % 7 == key).unwrap();
        assert_eq!(cluster.admin.insist("n2", &read)["value"], value);
    }
}

#[test]
fn a_carrier_that_writes_every_line_anew_is_believed() {
    let dir = tempfile::tempdir().unwrap();
    const KEYS: [&str; 2] = ["k", "ü\n"];
    let mut cluster = Cluster::new(&FLAGS);
    cluster.network.rewrite();
    for name in FOUNDERS {
        cluster.start(name, dir.path());
    }
    for value in 0..20 {
        let write = json!({"type": "write", "key": KEYS[value % 2], "value": value});
        let done = (0..60).any(|_| {
            cluster.admin.ask(FOUNDERS[value % 3], write.clone()).is_some_and(|a| a["type"] == "write_ok")
        });
        assert!(done, "{write}");
    }
    assert_eq!(cluster.admin.insist("n3", &json!({"type": "read", "key": "ü\n"}))["value"], 19);
}

#[test]
fn a_member_that_was_away_is_told_by_the_others_who_has_joined() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = started(dir.path(), &["--stop-grace=5s"]);
    cluster.kill("n3");
    cluster.start_as("n4", &["n4", "n1", "n2"], &["--join"], dir.path());
    for change in [json!({"add": "n4"}), json!({"promote": "n4"})] {
        let mut body = change.clone();
        body["type"] = json!("membership");
        let made = (0..200).any(|_| {
            pause(100);
            let answer = cluster.admin.ask("n1", body.clone());
            answer.is_some_and(|answer| answer["type"] == "membership_ok" || answer["code"] == 22)
        });
        assert!(made, "{change}");
    }
    let leads = |cluster: &mut Cluster, name: &str| {
        let status = cluster.admin.insist(name, &json!({"type": "status"}));
        status["leader"].as_str().map(str::to_owned)
    };
    let leader = leads(&mut cluster, "n1").unwrap();
    let answer = (0..50).find_map(|_| {
        pause(100);
        let answer = cluster.admin.ask(&leader, json!({"type": "transfer", "to": "n4"}))?;
        (answer["type"] == "transfer_ok").then_some(answer)
    });
    assert_eq!(answer.expect("it is handed over")["leader"], "n4");
    // n3's log knows three founders, and the leader is none of them.
    cluster.start("n3", dir.path());
    let follows = (0..100).any(|_| {
        pause(100);
        leads(&mut cluster, "n3").as_deref() == Some("n4")
    });
    assert!(follows, "n3 has been told who n4 is");
    let read = json!({"type": "read", "key": "x"});
    assert_eq!(cluster.admin.insist("n3", &read)["value"], 41);
}

#[test]
fn a_node_that_joins_and_does_not_know_the_leader_is_told_who_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = started(dir.path(), &[]);
    let status = cluster.admin.insist("n1", &json!({"type": "status"}));
    let leader = status["leader"].as_str().unwrap().to_owned();
    let known = FOUNDERS.into_iter().find(|name| *name != leader).unwrap();
    // It is told of one member, which does not lead.
    cluster.start_as("n4", &["n4", known], &["--join"], dir.path());
    let added = cluster.admin.insist(&leader, &json!({"type": "membership", "add": "n4"}));
    assert_eq!(added["type"], "membership_ok", "{added}");
    let caught_up = (0..100).any(|_| {
        pause(100);
        let status = cluster.admin.insist("n4", &json!({"type": "status"}));
        status["leader"] == leader.as_str() && status["cluster"].is_string()
    });
    assert!(caught_up);
}
