//! A line between nodes: what it costs to write one and to read it again, checksum included.
//!
//! `cargo bench --bench wire`

#![allow(clippy::unwrap_used, reason = "a benchmark")]

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use leasehold::kv::{Command, Scalar};
use leasehold::maelstrom::{Incoming, Outbox};
use leasehold::node::Message;
use leasehold::raft::{self, Append, Entry, Index, Payload, Term};
use leasehold::time::Span;

/// Entries of a message.
const ENTRIES: [usize; 3] = [0, 1, 256];
const CLUSTER: Option<&str> = Some("5f0c6b8e2d914a37b1e6f0a9c8d72e43");

fn main() {
    divan::main();
}

fn append(entries: usize) -> Message {
    let entry = |number: usize| {
        let key = Scalar::Text(format!("key-{number}").into());
        let value = Scalar::Text(format!("a value of some length {number}").into());
        Entry { term: Term(3), payload: Payload::Command(Command::Write { key, value }) }
    };
    Message::Raft(raft::Message::Append(Append {
        term: Term(3),
        round: 1_234_567,
        promise: Span::secs(5),
        stamp: None,
        previous_index: Index(987_654),
        previous_term: Term(3),
        commit: Index(987_650),
        entries: (entries > 0).then(|| (0..entries).map(entry).collect()),
    }))
}

fn line(message: &Message) -> Vec<u8> {
    let mut outbox = Outbox::default();
    outbox.send("n1", "n2", message, CLUSTER);
    outbox.lines().trim_ascii_end().to_vec()
}

#[divan::bench(args = ENTRIES)]
fn write(bencher: Bencher<'_, '_>, entries: usize) {
    let message = append(entries);
    let mut outbox = Outbox::default();
    bencher.counter(BytesCount::new(line(&message).len())).bench_local(|| {
        outbox.send("n1", "n2", black_box(&message), CLUSTER);
        outbox.clear();
    });
}

#[divan::bench(args = ENTRIES)]
fn read(bencher: Bencher<'_, '_>, entries: usize) {
    let line = line(&append(entries));
    bencher
        .counter(BytesCount::new(line.len()))
        .bench_local(|| black_box(Incoming::parse(black_box(&line)).unwrap()));
}

/// A carrier has written the line anew, so the receiver has to as well.
#[divan::bench(args = ENTRIES)]
fn read_rewritten(bencher: Bencher<'_, '_>, entries: usize) {
    let tree: serde_json::Value = serde_json::from_slice(&line(&append(entries))).unwrap();
    let line = tree.to_string().into_bytes();
    bencher
        .counter(BytesCount::new(line.len()))
        .bench_local(|| black_box(Incoming::parse(black_box(&line)).unwrap()));
}
