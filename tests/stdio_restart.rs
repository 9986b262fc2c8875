//! Three processes that are killed and started again while clients write: no acknowledged write is lost.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/members.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod members;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use members::{Cluster, NAMES};
use serde_json::json;

fn kill_and_restart(rounds: usize, pause: Duration) {
    let dir = tempfile::tempdir().unwrap();
    let flags =
        ["--election-timeout=150ms", "--lease=100ms", "--max-clock-skew=10ms", "--heartbeat=30ms", "-q"];
    let mut cluster = Cluster::new(&flags);
    for name in NAMES {
        cluster.start(name, dir.path());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..12)
        .map(|place| {
            let client = cluster.network.client(&format!("c{}", place + 1));
            let stop = Arc::clone(&stop);
            thread::spawn(move || client.write_on(NAMES[place % 3], &stop))
        })
        .collect();
    // Nothing is ever sent: this is a wait.
    let (_never, wait) = channel::<()>();
    for round in 0..rounds {
        let _ = wait.recv_timeout(pause);
        // One, two or all three at once.
        let victims: Vec<&'static str> = (0..=round % 3).map(|more| NAMES[(round + more) % 3]).collect();
        for name in &victims {
            cluster.kill(name);
        }
        for name in victims {
            cluster.start(name, dir.path());
        }
    }
    let _ = wait.recv_timeout(pause * 2);
    stop.store(true, Ordering::Relaxed);
    let acknowledged: Vec<String> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    assert!(acknowledged.len() > rounds, "{} writes were acknowledged", acknowledged.len());

    let mut reader = cluster.network.client("c99");
    for (place, key) in acknowledged.iter().enumerate() {
        let read = json!({"type": "read", "key": key});
        let mut answers = (0..100).filter_map(|turn| reader.ask(NAMES[(place + turn) % 3], read.clone()));
        let found = answers.find(|answer| answer["type"] == "read_ok" || answer["code"] == 20);
        assert_eq!(found.expect("a leader")["type"], "read_ok", "{key} was acknowledged and is lost");
    }
    eprintln!("{rounds} rounds of kills, {} acknowledged writes, none lost", acknowledged.len());
}

#[test]
fn no_acknowledged_write_is_lost_when_processes_are_killed() {
    kill_and_restart(6, Duration::from_millis(400));
}

#[test]
#[ignore = "takes some minutes"]
fn no_acknowledged_write_is_lost_when_processes_are_killed_for_long() {
    kill_and_restart(200, Duration::from_millis(600));
}
