//! Many seeds, side by side, in the order of the seeds.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::row::{Kind, Row};
use super::{Subject, bound};
use crate::contradiction::forbidden;
use crate::stalled::{Stalled, stalled};
use leasehold_check as check;
use leasehold_run::run::{Outcome, run};
use leasehold_run::setup::{Delay, Setup};

/// Seeds that are run side by side before their rows are handed on. A constant: what is handed on when must not depend on
/// the number of threads.
const CHUNK: u64 = 2_048;

/// When to stop early.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// After this many seeds that found something.
    pub failures_max: Option<u64>,
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every seed was run.
    Done,
    /// As many seeds as allowed have found something.
    FailuresMax,
    /// The user stopped it.
    Interrupted,
}

/// Runs seeds on as many threads as rayon has and hands on their rows in the order of the seeds, without a gap: when it ends
/// early, everything before some seed has been handed on, and nothing from it on. `progress` is told of each seed as it is
/// done, in any order.
pub fn explore<E>(
    subject: &Subject,
    seeds: Range<u64>,
    limits: Limits,
    stop: &AtomicBool,
    progress: &(dyn Fn(&Row) + Sync),
    rows: &mut dyn FnMut(&[Row]) -> Result<(), E>,
) -> Result<End, E> {
    let mut failures = 0;
    let mut next = seeds.start;
    while next < seeds.end {
        let end = seeds.end.min(next.saturating_add(CHUNK));
        let chunk: Vec<Option<Row>> = (next..end)
            .into_par_iter()
            .map(|seed| {
                if stop.load(Ordering::Relaxed) {
                    return None;
                }
                let row = run_seed(seed, subject);
                progress(&row);
                Some(row)
            })
            .collect();
        let mut done: Vec<Row> = chunk.into_iter().map_while(|row| row).collect();
        if let Some(most) = limits.failures_max {
            let mut left = most.saturating_sub(failures);
            let enough = done.iter().position(|row| {
                left -= u64::from(!row.found.is_empty());
                left == 0
            });
            if let Some(last) = enough {
                done.truncate(last + 1);
                rows(&done)?;
                return Ok(End::FailuresMax);
            }
            failures += done.iter().filter(|row| !row.found.is_empty()).count() as u64;
        }
        rows(&done)?;
        if (done.len() as u64) < end - next {
            return Ok(End::Interrupted);
        }
        next = end;
    }
    Ok(End::Done)
}

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Is a seed being run on this thread? Its panics are caught and become rows; a panic hook had better keep quiet.
pub fn running() -> bool {
    RUNNING.get()
}

/// Runs a seed's setup and judges what happened. A panic is a finding.
pub fn run_seed(seed: u64, subject: &Subject) -> Row {
    let setup = Arc::new(subject.setup(seed));
    RUNNING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(|| run(&setup)));
    RUNNING.set(false);
    let mut row = described(seed, &setup);
    match outcome {
        Ok(outcome) => judge(&mut row, &setup, &outcome),
        Err(panic) => {
            row.found.insert(Kind::Panic);
            row.detail.insert(message(panic.as_ref()));
        }
    }
    row
}

/// What can be said before the run.
fn described(seed: u64, setup: &Setup) -> Row {
    let slack = bound::slack(setup).ok().flatten();
    Row {
        seed,
        found: BTreeSet::new(),
        detail: BTreeSet::new(),
        form: setup.lease.form,
        voters: setup.cluster.voters as u64,
        learners: setup.learners() as u64,
        faults: setup.faults.iter().map(|fault| fault.action.word().to_owned()).collect(),
        leaders: 0,
        takeovers: 0,
        operations: 0,
        reads: 0,
        reads_under_lease: 0,
        stale: 0,
        margin_ns: None,
        slack_ns: slack.and_then(|slack| i64::try_from(slack).ok()),
        events: 0,
        trace: 0,
    }
}

fn judge(row: &mut Row, setup: &Setup, outcome: &Outcome) {
    let (reads, reads_under_lease) = outcome.reads();
    row.reads = reads as u64;
    row.reads_under_lease = reads_under_lease as u64;
    row.operations = outcome.history.len() as u64;
    row.stale = outcome.check.stale_reads.len() as u64;
    row.leaders = outcome.changes.len() as u64;
    row.takeovers = outcome.changes.iter().filter(|change| change.old.is_some()).count() as u64;
    row.margin_ns = outcome.smallest_margin();
    row.events = outcome.events;
    row.trace = outcome.trace_hash;
    row.detail = outcome.broken.iter().map(|broken| broken.invariant.to_string()).collect();
    let stall = stalled(setup, outcome).map(|stall| stall.kind);
    let found = [
        (Kind::BeatsTheory, row.stale > 0 && forbidden(setup).is_some()),
        (Kind::StaleRead, row.stale > 0),
        (Kind::NotLinearizable, outcome.check.outcome == check::Outcome::NotLinearizable && row.stale == 0),
        (Kind::NegativeMargin, row.margin_ns.is_some_and(|margin| margin < 0)),
        (Kind::TwoLeases, outcome.overlap.is_some()),
        (Kind::BrokenInvariant, !outcome.broken.is_empty()),
        (Kind::NobodyLed, outcome.changes.is_empty() && calm(setup)),
        (Kind::NoLeaderAgain, stall == Some(Stalled::NoLeader)),
        (Kind::WritesStandStill, stall == Some(Stalled::NoWrites)),
        (Kind::Undecided, outcome.check.outcome == check::Outcome::Undecided),
    ];
    row.found = found.into_iter().filter(|(_, found)| *found).map(|(kind, _)| kind).collect();
}

/// Does nothing keep the cluster from electing somebody? A campaign is tried again a heartbeat later, so a round trip and the
/// syncs on its way must fit into one.
fn calm(setup: &Setup) -> bool {
    let longest = |delay: Delay| match delay {
        Delay::Fixed(most) | Delay::Uniform { most, .. } | Delay::LogNormal { most, .. } => most,
    };
    let links = setup.network.links.iter();
    let quick = links.clone().filter_map(|link| link.delay).chain([setup.network.delay]).map(longest).max();
    let disk = setup.nodes.iter().map(|node| node.disk_sync).max();
    let step = quick.unwrap_or_default() + disk.unwrap_or_default();
    let lossless = setup.network.loss_ppm == 0 && links.filter_map(|link| link.loss_ppm).all(|ppm| ppm == 0);
    setup.faults.is_empty() && lossless && step + step < setup.timers.heartbeat
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    // Numbers differ from seed to seed, the cause does not.
    let words = text.unwrap_or("a panic without words").split_whitespace();
    let text = words.collect::<Vec<_>>().join(" ");
    text.chars().filter(|c| !c.is_ascii_digit()).take(200).collect()
}
