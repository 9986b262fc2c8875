//! A member whose directory, or database alone, is replaced by an older copy of itself.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/members.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod members;
#[path = "stdio_support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod process;

use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use members::{Cluster, NAMES};
use serde_json::{Value, json};

/// Long enough that a busy machine causes no election, and a start that waits for nothing.
const FLAGS: [&str; 5] =
    ["--election-timeout=20s", "--lease=15s", "--heartbeat=100ms", "--startup-grace=100ms", "-qqq"];

fn pause(millis: u64) {
    let (_never, wait) = channel::<()>();
    let _ = wait.recv_timeout(Duration::from_millis(millis));
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn write(cluster: &mut Cluster, node: &str, number: u64) {
    let write = json!({"type": "write", "key": format!("k{number}"), "value": number});
    let done =
        (0..100).any(|_| cluster.admin.ask(node, write.clone()).is_some_and(|a| a["type"] == "write_ok"));
    assert!(done, "{write}");
}

/// What the leader knows of that member.
fn peer(cluster: &mut Cluster, leader: &str, name: &str) -> Value {
    let status = cluster.admin.insist(leader, &json!({"type": "status"}));
    let peers = status["peers"].as_array().unwrap();
    peers.iter().find(|peer| peer["node"] == name).unwrap_or_else(|| panic!("{status}")).clone()
}

#[test]
fn a_directory_that_was_put_back_is_noticed_by_the_leader_and_a_database_alone_by_the_node() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::new(&FLAGS);
    for name in NAMES {
        cluster.start(name, dir.path());
    }
    write(&mut cluster, "n1", 0);
    let status = cluster.admin.insist("n1", &json!({"type": "status"}));
    let leader = NAMES.into_iter().find(|name| status["leader"] == *name).unwrap();
    let victim = NAMES.into_iter().find(|name| *name != leader).unwrap();
    for number in 1..10 {
        write(&mut cluster, leader, number);
    }
    cluster.kill(victim);
    let (home, older) = (dir.path().join(victim), dir.path().join("older"));
    copy(&home, &older);
    cluster.start(victim, dir.path());
    for number in 10..60 {
        write(&mut cluster, leader, number);
    }
    let caught_up = (0..100).any(|_| {
        pause(50);
        peer(&mut cluster, leader, victim)["lag"] == 0
    });
    assert!(caught_up && peer(&mut cluster, leader, victim)["lost_entries"] == false);
    cluster.kill(victim);

    // Its database alone: it does not start.
    fs::copy(older.join("leasehold.db"), home.join("leasehold.db")).unwrap();
    let refused = process::run(&["--data-dir", home.to_str().unwrap()], b"");
    assert_eq!(refused.status, Some(74), "{}", refused.log);
    assert!(refused.log.contains("an older copy of it was put back"), "{}", refused.log);

    // The whole directory: the node cannot know, and its leader does.
    copy(&older, &home);
    cluster.start(victim, dir.path());
    let noticed = (0..100).any(|_| {
        pause(50);
        let peer = peer(&mut cluster, leader, victim);
        peer["lost_entries"] == true && peer["lag"] == 0
    });
    assert!(noticed, "{}", peer(&mut cluster, leader, victim));
    write(&mut cluster, victim, 100);
    let read = json!({"type": "read", "key": "k59"});
    assert_eq!(cluster.admin.insist(victim, &read)["value"], 59, "it was repaired");

    // The third one stops: no majority is left that remembers, so nothing is acknowledged any more.
    let third = NAMES.into_iter().find(|name| ![leader, victim].contains(name)).unwrap();
    cluster.kill(third);
    let write = json!({"type": "write", "key": "x", "value": 1});
    assert!((0..3).all(|_| cluster.admin.ask(leader, write.clone()).is_none()));
}
