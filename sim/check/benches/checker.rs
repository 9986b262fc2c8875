//! What a verdict costs: `cargo bench -p leasehold-sim --bench checker`.

#[path = "support/mix.rs"]
mod mix;

use divan::Bencher;
use leasehold_check::{Limits, Outcome, check};
use mix::{Mix, history};

fn main() {
    divan::main();
}

/// A million reads and writes of distinct values, on as many keys as given.
#[divan::bench(args = [1, 100], sample_count = 5)]
fn reads_and_writes_1m(bencher: Bencher, keys: u64) {
    let history = history(Mix { keys, ..Mix::USUAL });
    bencher.bench_local(|| {
        let report = check(divan::black_box(&history), Limits::default());
        assert_eq!(report.outcome, Outcome::Linearizable);
    });
}

/// The same, every thousandth read being stale, with the explanations.
#[divan::bench(args = [1, 100], sample_count = 5)]
fn stale_reads_1m(bencher: Bencher, keys: u64) {
    let history = history(Mix { keys, stale: true, ..Mix::USUAL });
    bencher.bench_local(|| {
        let report = check(divan::black_box(&history), Limits::default());
        assert!(report.stale_reads.len() > 100);
    });
}

/// Ten thousand operations on one key, with compare-and-swap, on as many different values as given.
#[divan::bench(args = [5, u64::MAX])]
fn swaps_10k(bencher: Bencher, values: u64) {
    let history = history(Mix { operations: 10_000, values, swaps: true, ..Mix::USUAL });
    bencher.bench_local(|| {
        let report = check(divan::black_box(&history), Limits::default());
        assert_eq!(report.outcome, Outcome::Linearizable);
    });
}

/// Ten thousand reads and writes of five values on one key.
#[divan::bench]
fn repeated_values_10k(bencher: Bencher) {
    let history = history(Mix { operations: 10_000, values: 5, ..Mix::USUAL });
    bencher.bench_local(|| {
        let report = check(divan::black_box(&history), Limits::default());
        assert_eq!(report.outcome, Outcome::Linearizable);
    });
}

/// The everyday register of Jepsen: one key, ten clients, five values, a few operations without a response.
#[divan::bench(args = [10_000, 20_000, 50_000, 100_000], sample_count = 7)]
fn everyday_register(bencher: Bencher, operations: u64) {
    let mix = Mix { operations, values: 5, swaps: true, clients: 10, ..Mix::USUAL };
    let history = history(Mix { unknown_one_in: operations / 5, ..mix });
    bencher.bench_local(|| {
        let report = check(divan::black_box(&history), Limits::default());
        assert_eq!(report.outcome, Outcome::Linearizable);
    });
}
