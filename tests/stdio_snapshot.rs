//! Three processes with short logs. One is down while the others drop what it lacks; it is killed in the middle of the snapshot
//! that it gets, and then gets it. Then all of them start from what they have stored. Nothing acknowledged is missing.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/members.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod members;

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use members::{Client, Cluster, NAMES};
use serde_json::{Value, json};

const FLAGS: [&str; 6] = [
    "--election-timeout=500ms",
    "--lease=400ms",
    "--max-clock-skew=50ms",
    "--heartbeat=50ms",
    "--log-entries-max=64",
    "-q",
];
const WRITERS: usize = 8;
const KEYS: u64 = 60;
/// With this much in a value, the keys fill some twenty chunks.
const FILLER_BYTES: usize = 10_000;

/// What a writer knows of each of its keys: the last value that was acknowledged, and the last that was tried.
type Known = BTreeMap<String, (Option<u64>, u64)>;

fn write(mut client: Client, numbers: std::ops::Range<u64>, mut known: Known) -> (Client, Known) {
    let filler = "x".repeat(FILLER_BYTES);
    for number in numbers {
        let key = format!("{}-{}", client.name, number % KEYS);
        let value = format!("{number} {filler}");
        let place = known.entry(key.clone()).or_insert((None, number));
        place.1 = number;
        // n3 is the one that is down now and then.
        let node = NAMES[usize::try_from(number).unwrap() % 2];
        let answer = client.ask(node, json!({"type": "write", "key": key, "value": value}));
        if answer.is_some_and(|answer| answer["type"] == "write_ok") {
            place.0 = Some(number);
        }
    }
    (client, known)
}

/// All writers at once.
fn write_all(writers: Vec<(Client, Known)>, numbers: &std::ops::Range<u64>) -> Vec<(Client, Known)> {
    let threads: Vec<_> = writers
        .into_iter()
        .map(|(client, known)| {
            let numbers = numbers.clone();
            thread::spawn(move || write(client, numbers, known))
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn acknowledged(writers: &[(Client, Known)]) -> usize {
    writers.iter().flat_map(|(_, known)| known.values()).filter(|(last, _)| last.is_some()).count()
}

fn wait(time: Duration) {
    // Nothing is ever sent: this is a wait.
    let (_never, wait) = channel::<()>();
    let _ = wait.recv_timeout(time);
}

/// Asks until the answer is one that is wanted.
fn ask_until(client: &mut Client, node: &str, body: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = None;
    for _ in 0..300 {
        last = client.ask(node, body.clone());
        if let Some(answer) = last.take_if(|answer| wanted(answer)) {
            return answer;
        }
        wait(Duration::from_millis(50));
    }
    panic!("{node} was asked {body} and said {last:?}");
}

fn status(client: &mut Client, node: &str) -> Value {
    ask_until(client, node, &json!({"type": "status"}), |answer| answer["type"] == "status_ok")
}

/// Makes a node the leader.
fn hand_over(client: &mut Client, to: &str) {
    for turn in 0..300 {
        let leader = status(client, NAMES[turn % 3])["leader"].clone();
        if leader == to {
            return;
        }
        if let Some(leader) = leader.as_str() {
            client.ask(leader, json!({"type": "transfer", "to": to}));
        }
        wait(Duration::from_millis(50));
    }
    panic!("{to} does not come to lead");
}

/// What a node reads under its own lease, from its own state, is what was written.
fn compare(client: &mut Client, node: &str, writers: &[(Client, Known)]) {
    hand_over(client, node);
    for (_, known) in writers {
        for (key, (acknowledged, tried)) in known {
            let read = json!({"type": "lease_read", "key": key});
            let answer = ask_until(client, node, &read, |answer| {
                answer["network_round_trips"] == 0 || answer["code"] == 20
            });
            let Some(acknowledged) = acknowledged else {
                continue;
            };
            let value = answer["value"].as_str().unwrap_or_else(|| panic!("{key} is lost at {node}"));
            let (number, filler) = value.split_once(' ').unwrap();
            let number: u64 = number.parse().unwrap();
            assert!(
                (*acknowledged..=*tried).contains(&number),
                "{key} at {node}: {number}, and {acknowledged} was acknowledged"
            );
            assert_eq!(filler.len(), FILLER_BYTES);
        }
    }
}

#[test]
fn a_node_that_is_killed_while_it_gets_a_snapshot_ends_with_everything() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::new(&FLAGS);
    cluster.network.chunks.open(usize::MAX);
    for name in NAMES {
        cluster.start(name, dir.path());
    }
    let mut asker = cluster.network.client("c99");
    let writers = (0..WRITERS)
        .map(|place| (cluster.network.client(&format!("w{place}")), Known::new()))
        .collect::<Vec<_>>();
    let writers = write_all(writers, &(0..3));
    let apply = json!({"type": "lease_read_config", "lease_duration_ms": 600, "election_timeout_ms": 700,
        "max_clock_skew_ms": 60, "apply": true});
    ask_until(&mut asker, "n1", &apply, |answer| answer["type"] == "lease_read_config_ok");
    cluster.kill("n3");
    let writers = write_all(writers, &(3..3 + KEYS));
    assert!(acknowledged(&writers) > WRITERS, "{} keys", acknowledged(&writers));

    // Three chunks reach n3, and the network loses the others until it is killed.
    cluster.network.chunks.open(3);
    cluster.start("n3", dir.path());
    for _ in 0..300 {
        if cluster.network.chunks.passed() == 3 {
            break;
        }
        wait(Duration::from_millis(50));
    }
    assert_eq!(cluster.network.chunks.passed(), 3, "it gets a snapshot");
    wait(Duration::from_millis(200));
    let before = status(&mut asker, "n3");
    cluster.kill("n3");
    let writers = write_all(writers, &(3 + KEYS..10 + KEYS));

    cluster.network.chunks.open(usize::MAX);
    cluster.start("n3", dir.path());
    assert!(
        status(&mut asker, "n3")["log_first_index"] == before["log_first_index"],
        "nothing was installed"
    );
    let behind = before["applied"].as_u64().unwrap();
    ask_until(&mut asker, "n3", &json!({"type": "status"}), |status| {
        status["log_first_index"].as_u64() > Some(behind + 1)
    });
    assert!(cluster.network.chunks.passed() >= 8, "{} chunks", cluster.network.chunks.passed());
    compare(&mut asker, "n3", &writers);
    let mine = status(&mut asker, "n3");
    assert_eq!((&mine["lease_duration_ms"], &mine["election_timeout_ms"]), (&json!(600), &json!(700)));

    // All of them start from what they have stored, and each of them has all of it.
    for name in NAMES {
        cluster.kill(name);
    }
    cluster.network.chunks.open(0);
    for name in NAMES {
        cluster.start(name, dir.path());
        let found = status(&mut asker, name);
        assert!(found["log_first_index"].as_u64() > Some(KEYS), "{name} begins behind its snapshot: {found}");
        assert_eq!(found["election_timeout_ms"], 700, "{name} knows what was agreed on before anybody leads");
    }
    for name in NAMES {
        compare(&mut asker, name, &writers);
    }
}
