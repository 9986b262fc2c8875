//! What it costs to clone a run in progress, which is what searches live on: five nodes that have been at work for a while,
//! with everybody who watches them.
//!
//! `cargo bench --package leasehold-run --bench clone`

use std::sync::Arc;

use divan::Bencher;
use leasehold_run::rules;
use leasehold_run::run::Running;
use leasehold_run::scenario;
use leasehold_world::Choices;

fn main() {
    divan::main();
}

/// Every node with its log and key-value state, clocks, links, the queue, invariants, margins. No client has asked yet: a
/// history grows with the operations in it.
const SCENARIO: &str = r#"
    duration = "60s"
    [cluster]
    nodes = 5
    [network]
    delay = { uniform = ["1ms", "10ms"] }
    [client.reader]
    target = "any"
    operations = "read"
    every = "10ms"
    start = "30s"
    [client.writer]
    target = "any"
    operations = "write"
    every = "10ms"
    start = "30s"
"#;

fn warmed_up(at_secs: u64) -> Running {
    let plan = scenario::load("clone", SCENARIO, &[], &rules::names()).expect("the scenario is right");
    let setup = Arc::new(plan.rows[0].scenario.setup.clone());
    let mut running = Running::new(&setup, Choices::seeded(42));
    running.begin();
    while running.world().now() < at_secs * 1_000_000_000 && running.step() {}
    running
}

/// At that true time, s: before any client has asked, after 200 operations, after 2 000.
#[divan::bench(args = [29, 31, 40])]
fn clone_five_nodes(bencher: Bencher<'_, '_>, at_secs: u64) {
    let running = warmed_up(at_secs);
    bencher.bench_local(|| running.clone());
}

/// The same, and one event: what a clone shares with its origin it has to give up when it writes.
#[divan::bench(args = [29, 31, 40])]
fn clone_and_step(bencher: Bencher<'_, '_>, at_secs: u64) {
    let running = warmed_up(at_secs);
    bencher.bench_local(|| {
        let mut clone = running.clone();
        clone.step();
        clone
    });
}
