//! Nodes with a million keys: how long they take to start, what they take on disk and in memory, and how long a snapshot takes to
//! a node that has nothing.
//!
//! `cargo bench --bench many_keys` (or `... -- 100000` for another number of keys)
//!
//! Three processes, joined by pipes and a hub that parses every line. The third is down while the keys are written.

#![allow(
    clippy::float_arithmetic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a report for people, by what tests use"
)]

#[path = "../tests/stdio_support/members.rs"]
#[allow(dead_code, unreachable_pub, reason = "each user uses what it needs of it")]
mod members;

use std::fs;
use std::path::Path;
use std::time::Duration;

use members::{Client, Cluster, NAMES};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

/// Lines that are under way at once.
const BATCH: u64 = 400;

fn main() {
    let number = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let keys: u64 = number.unwrap_or(1_000_000);
    // On the disk that the build is on: a temporary directory may be in memory.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut cluster = Cluster::new(&["-q"]);
    cluster.network.chunks.open(usize::MAX);
    cluster.start("n1", dir.path());
    cluster.start("n2", dir.path());
    let mut client = cluster.network.client("c1");
    while client
        .ask("n1", json!({"type": "write", "key": 0, "value": 0}))
        .is_none_or(|answer| answer["type"] != "write_ok")
    {}
    let wrote = timed(|| (0..keys.div_ceil(BATCH)).for_each(|batch| write(&mut client, batch * BATCH)));
    println!("{keys} writes                       {wrote:.1?}");
    println!("the directory                       {} MiB", mib(size(&dir.path().join("n1"))));

    let goal = applied(&mut client, "n1");
    let got = timed(|| {
        cluster.start("n3", dir.path());
        while applied(&mut client, "n3") < goal {
            std::thread::yield_now();
        }
    });
    let chunks = cluster.network.chunks.passed();
    println!("an empty node has it all            {got:.1?} after its start, in {chunks} chunks");
    println!("its directory                       {} MiB", mib(size(&dir.path().join("n3"))));
    for name in NAMES {
        cluster.kill(name);
    }
    for name in NAMES {
        let started = timed(|| cluster.start(name, dir.path()));
        let memory = resident(cluster.children[name].id());
        println!("{name}, killed: until it answers init  {started:.2?}, then {} MiB of memory", mib(memory));
    }
}

/// A batch of keys, acknowledged.
fn write(client: &mut Client, first: u64) {
    for number in first..first + BATCH {
        let body = json!({"type": "write", "msg_id": number + 1_000, "key": format!("key-{number}"), "value": number});
        client.network.carry(&json!({"src": client.name, "dest": "n1", "body": body}).to_string());
    }
    for _ in 0..BATCH {
        let answer = client.answers.recv().unwrap();
        assert_eq!(answer["body"]["type"], "write_ok");
    }
}

fn applied(client: &mut Client, node: &str) -> u64 {
    let answer = client.ask(node, json!({"type": "status"}));
    answer.and_then(|answer| answer["applied"].as_u64()).unwrap_or(0)
}

fn timed(work: impl FnOnce()) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::MonotonicRaw)).unwrap();
    let begun = now();
    work();
    now() - begun
}

fn size(directory: &Path) -> u64 {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    1_024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}
