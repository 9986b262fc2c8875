//! LeaseGuard is linearizable, each of its rules is needed, and the page about it has the figures of the runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use leasehold::time::Span;
use leasehold_check::Outcome as Checked;
use leasehold_leaseguard::{Flaw, Settings, run};
use leasehold_run::rules;
use leasehold_run::run::Outcome;
use leasehold_run::scenario::load;
use leasehold_run::setup::Setup;
use leasehold_world::Reply;

/// The old leader is cut off while clients read from it and from the newest leader. Key 0 is written all the time, key 1 once.
const CUT: &str = r#"
duration = "8s"
seed = 1
[cluster]
nodes = 3
first-leader = "n1"
[lease]
duration = "900ms"
election-timeout = "1s"
max-clock-skew = "0s"
[timers]
heartbeat = "50ms"
election-jitter = "0s"
[node.n3]
election-jitter = "100ms"
election-jitter-least = "100ms"
[network]
delay = "5ms"
[client.writer]
operations = "write"
every = "20ms"
start = "2s"
[client.other-writer]
operations = "write"
first-key = 1
times = 1
start = "2s"
[client.old]
target = "n1"
operations = "read"
every = "5ms"
start = "2.1s"
[client.new]
operations = "read"
every = "5ms"
start = "2.1s"
[client.other]
operations = "read"
first-key = 1
every = "5ms"
start = "2.1s"
[[fault]]
at = "3.003s"
isolate = { node = "n1" }
"#;

const DELTA: Span = Span::secs(1);

fn settings(flaw: Flaw) -> Settings {
    let (election_timeout, heartbeat) = (Span::millis(300), Span::millis(50));
    Settings { delta: DELTA, election_timeout, heartbeat, flaw }
}

fn setup(text: &str, sets: &[String]) -> Arc<Setup> {
    let plan = load("leaseguard", text, sets, &rules::names()).unwrap_or_else(|wrong| panic!("{wrong}"));
    Arc::new(plan.rows[0].scenario.setup.clone())
}

fn guarded(sets: &[String], flaw: Flaw) -> Outcome {
    run(&setup(CUT, sets), settings(flaw))
}

/// The margin of the first change of leadership that has one, ns.
fn margin(outcome: &Outcome) -> i64 {
    outcome.changes.iter().find_map(|change| change.margin()).expect("a leader follows another")
}

fn is_linearizable(outcome: &Outcome) -> bool {
    outcome.check.outcome == Checked::Linearizable
}

#[test]
fn the_log_is_the_lease() {
    let outcome = guarded(&[], Flaw::Sound);
    assert!(is_linearizable(&outcome), "{:?}", outcome.check.stale_reads.first());
    assert!(margin(&outcome) >= 0, "{}", margin(&outcome));
    let (reads, under_lease) = outcome.reads();
    assert!(reads > 1_000 && reads == under_lease, "{reads} reads, {under_lease} under a lease");
    let change = outcome.changes.iter().find(|change| change.margin().is_some()).unwrap();
    let served = |key: u64| {
        let inherited = outcome.history.iter().filter(|operation| {
            let value = matches!(operation.completed, Some((_, Reply::Value { .. })));
            let before = operation.answered.is_some_and(|at| at < change.ready_at);
            value && before && operation.node == change.new && operation.request.key() == key
        });
        inherited.count()
    };
    assert!(served(1) > 50, "key 1 is read under the old lease: {}", served(1));
    assert_eq!(served(0), 0, "key 0 is in limbo");
}

#[test]
fn each_rule_is_needed() {
    let stale = |sets: &[String], flaw| guarded(sets, flaw).check.stale_reads.len();
    assert!(stale(&[], Flaw::CommitsAtOnce) > 50, "the old leader reads on");
    assert!(stale(&[], Flaw::ReadsLimbo) > 0, "the new leader has not applied what the old one acknowledged");
    // Both clocks are within the error that they declare.
    let sets = error_and_offset("50ms", "-50ms", "50ms");
    assert_eq!(stale(&sets, Flaw::Sound), 0);
    assert!(stale(&sets, Flaw::OptimisticBounds) > 5);
}

fn error_and_offset(error: &str, old: &str, new: &str) -> Vec<String> {
    let of = |node: &str, offset: &str| {
        [format!("clock.{node}.wall-error={error}"), format!("clock.{node}.offset={offset}")]
    };
    [of("n1", old), of("n2", new), of("n3", new)].concat()
}

/// Stamped by the old leader with an error e1, the lease is over `delta - 2 e1` after the entry. The new leader waits for
/// `delta + e1 + e2` less what its clock is ahead. So the clocks may be `3 e1 + e2` apart, and what messages take.
#[test]
fn the_threshold_is_an_offset_beyond_the_declared_errors() {
    for error in [0_i64, 20, 50] {
        let at = |apart: i64| {
            let sets = error_and_offset(&format!("{error}ms"), "0ms", &format!("{apart}ms"));
            margin(&guarded(&sets, Flaw::Sound))
        };
        let predicted = 4 * error;
        // The wait is over at an instant of the new leader's clock, and messages add nothing: its entries are held by then.
        let slack = at(predicted);
        assert!((0..20_000_000).contains(&slack), "error {error} ms: {slack} ns are left at {predicted} ms");
        assert!(at(predicted + 20) < 0, "error {error} ms");
    }
}

/// No node counts an interval: a rate that is wrong counts as the offset that it has made.
#[test]
fn a_rate_counts_as_the_offset_that_it_makes() {
    let sets = ["clock.n1.rate=-200ppm".to_owned(), "clock.n2.rate=200ppm".to_owned()];
    let taken = margin(&guarded(&[], Flaw::Sound)) - margin(&guarded(&sets, Flaw::Sound));
    // 400 ppm make 1.6 ms in 4 s.
    assert!((1_000_000..2_500_000).contains(&taken), "{taken} ns");
}

/// Loss, slow messages, crashes and partitions, and clocks that are wrong within the error that they declare.
const TROUBLE: &str = r#"
duration = "20s"
[cluster]
nodes = 3
[lease]
duration = "900ms"
election-timeout = "1s"
max-clock-skew = "0s"
[timers]
heartbeat = "50ms"
election-jitter = "300ms"
[network]
delay = { uniform = ["1ms", "30ms"] }
loss = "2%"
duplicate = "2%"
[clock.n1]
offset = "+20ms"
wall-error = "20ms"
[clock.n2]
offset = "-20ms"
wall-error = "20ms"
[clock.n3]
wall-error = "20ms"
[client.mixed]
target = "any"
operations = ["read", "read", "write"]
keys = 3
every = { uniform = ["1ms", "8ms"] }
[client.leader]
operations = ["read", "write"]
keys = 3
every = { uniform = ["1ms", "15ms"] }
[[fault]]
when = { event = "leader-ready", nth = 1 }
after = "700ms"
for = "1.5s"
isolate = { node = "n1" }
[[fault]]
at = "5s"
every = "6s"
for = "800ms"
crash = { node = "n2" }
[[fault]]
at = "7s"
every = "5s"
for = "900ms"
isolate = { node = "n3" }
[[fault]]
at = "9s"
every = "7s"
for = "1.2s"
pause = { node = "n1" }
"#;

#[test]
fn it_is_linearizable_in_all_sorts_of_trouble_and_a_flaw_is_found() {
    let base = setup(TROUBLE, &["seed=1".to_owned()]);
    let found = |flaw| {
        let broken = |seed: &u64| {
            let outcome = run(&Arc::new(Setup { seed: *seed, ..Setup::clone(&base) }), settings(flaw));
            assert!(outcome.reads().1 > 100, "seed {seed}");
            let negative = outcome.smallest_margin().is_some_and(|margin| margin < 0);
            !is_linearizable(&outcome) || (negative && flaw == Flaw::Sound)
        };
        (0..40_u64).filter(broken).count()
    };
    assert_eq!(found(Flaw::Sound), 0);
    assert!(found(Flaw::CommitsAtOnce) > 0);
    assert!(found(Flaw::ReadsLimbo) > 0);
}

#[test]
fn the_page_has_the_figures_of_the_runs() {
    let page = include_str!("../../../docs/ideas/leaseguard.md");
    let ours = leasehold_run::run::run(&setup(CUT, &[]));
    let theirs = guarded(&[], Flaw::Sound);
    assert!(is_linearizable(&ours) && is_linearizable(&theirs));
    for (name, outcome) in [("Leasehold", &ours), ("LeaseGuard", &theirs)] {
        let gap = |key, write| gap(outcome, key, write);
        let row = format!("| {name} | {} | {} | {} |", gap(1, false), gap(0, false), gap(0, true));
        assert!(page.contains(&row), "docs/ideas/leaseguard.md lacks this row:\n{row}");
    }
}

/// The longest time after the cut between two answers to requests of that key at the newest leader, or since the cut.
fn gap(outcome: &Outcome, key: u64, write: bool) -> Span {
    const CUT_AT: u64 = 3_003_000_000;
    let answers = outcome.history.iter().filter_map(|operation| {
        let value = match operation.completed {
            Some((_, Reply::Value { .. })) if !write => true,
            Some((_, Reply::Done)) => write,
            _ => false,
        };
        // n1 answers reads to the end of its lease. Those of the client `old` are not counted.
        let asks_old = operation.client == 2;
        let at = operation.answered?;
        (value && !asks_old && operation.node != 0 && at > CUT_AT && operation.request.key() == key)
            .then_some(at)
    });
    Span::nanos(answers.min().unwrap() - CUT_AT)
}
