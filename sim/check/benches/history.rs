//! What reading a history costs, beside checking it: `cargo bench -p leasehold-sim --bench history`.

#[path = "support/mix.rs"]
mod mix;

use std::io::BufRead;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use leasehold_check::history_file::{Options, read, write_json_lines};
use leasehold_check::{Limits, Outcome, check};
use mix::{Mix, history};

fn main() {
    divan::main();
}

const OPERATIONS: u64 = 1_000_000;

/// A million reads and writes of distinct values on a hundred keys, as JSON lines.
fn text() -> Vec<u8> {
    let mix = Mix { operations: OPERATIONS, keys: 100, ..Mix::USUAL };
    let mut text = Vec::new();
    write_json_lines(&history(mix), &mut text).expect("memory does not fail");
    text
}

/// The same in Jepsen's notation, each value being a pair of a key and a value.
fn edn() -> Vec<u8> {
    let mut edn = Vec::new();
    for line in text().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: serde_json::Value = serde_json::from_slice(line).expect("we wrote it");
        let word = |name: &str| event[name].as_str().expect("a word").to_owned();
        let value = if event["value"].is_null() { "nil".to_owned() } else { event["value"].to_string() };
        // After a crash, Jepsen goes on with another process; here, no client comes back after an info.
        let kind = if word("type") == "info" { "fail".to_owned() } else { word("type") };
        let value = if kind == "ok" && word("f") == "write" { "nil".to_owned() } else { value };
        let key = &event["key"];
        edn.extend_from_slice(
            format!(
                "{{:type :{kind}, :f :{}, :value [{key} {value}], :process {}, :time {}}}\n",
                word("f"),
                event["process"],
                event["time_ns"]
            )
            .as_bytes(),
        );
    }
    edn
}

/// The floor: the lines alone.
#[divan::bench(sample_count = 5)]
fn lines_1m(bencher: Bencher) {
    let text = text();
    bencher.counter(ItemsCount::new(OPERATIONS)).counter(BytesCount::new(text.len())).bench_local(|| {
        let (mut lines, mut line) = (&text[..], Vec::new());
        let mut bytes = 0;
        while lines.read_until(b'\n', &mut line).expect("memory does not fail") > 0 {
            bytes += std::str::from_utf8(&line).expect("we wrote it").len();
            line.clear();
        }
        divan::black_box(bytes)
    });
}

#[divan::bench(sample_count = 5)]
fn read_json_lines_1m(bencher: Bencher) {
    let text = text();
    bencher
        .counter(ItemsCount::new(OPERATIONS))
        .counter(BytesCount::new(text.len()))
        .bench_local(|| read(divan::black_box(&text[..]), &Options::default()).expect("we wrote it"));
}

#[divan::bench(sample_count = 3)]
fn read_edn_1m(bencher: Bencher) {
    let text = edn();
    bencher
        .counter(ItemsCount::new(OPERATIONS))
        .counter(BytesCount::new(text.len()))
        .bench_local(|| read(divan::black_box(&text[..]), &Options::default()).expect("we wrote it"));
}

#[divan::bench(sample_count = 5)]
fn check_1m(bencher: Bencher) {
    let file = read(&text()[..], &Options::default()).expect("we wrote it");
    bencher.counter(ItemsCount::new(OPERATIONS)).bench_local(|| {
        let report = check(divan::black_box(&file.operations), Limits::default());
        assert_eq!(report.outcome, Outcome::Linearizable);
    });
}
