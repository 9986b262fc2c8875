//! What the most harmful run comes to, value by value: the curve beside a threshold.

use std::sync::Arc;

use leasehold::time::Span;

use super::{Range, most_harm};
use crate::adversary::Harm;
use leasehold_run::attack::least;
use leasehold_run::run::run;
use leasehold_run::scenario::Knob;
use leasehold_run::setup::Setup;
use leasehold_run::theory::bound::bound;
use leasehold_run::watch::LeaseOver;

/// What is known at one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The value.
    pub value: i128,
    /// The most harmful run has a stale read.
    pub stale: bool,
    /// Its margin, ns; `None` where nobody can be elected inside a lease.
    pub margin: Option<i64>,
    /// For how long a newer value can have been known when a read still misses it, ns. 0 without a stale read.
    pub staleness: u64,
    /// What arithmetic says is left before a read can be stale, ns; negative where one can be. `None` where it has no say.
    pub left: Option<i128>,
}

/// Values of a range, its ends among them.
pub fn evenly(from: i128, to: i128, steps: i128) -> Vec<i128> {
    (0..=steps).map(|step| from + (to - from) * step / steps).collect()
}

/// Both sides of a boundary, near enough that the margin's zero is seen: a hundredth of the range.
pub fn near(range: Range, stale: i128, clean: i128, steps: i128) -> Vec<i128> {
    let half = ((range.to - range.from) / 100).max(range.tolerance);
    let (low, high) = (stale.min(clean), stale.max(clean));
    let mut values = evenly((low - half).max(range.from), (high + half).min(range.to), steps);
    values.extend([low, high]);
    values.sort_unstable();
    values.dedup();
    values
}

/// The points of these values, in order. Values that make no scenario, and those that the adversary cannot attack, are left
/// out: the threshold itself needs only a few of them.
pub fn curve(knob: &Knob, values: &[i128]) -> Vec<Point> {
    let point = |value: &i128| {
        let setup = knob.at(*value).ok()?;
        let harm = most_harm(&setup).ok()?;
        let left = bound(&setup).ok().flatten().map(|bound| -bound.room_ns);
        Some(Point {
            value: *value,
            stale: harm.as_ref().is_some_and(|harm| harm.stale > 0),
            margin: harm.as_ref().map(|harm| harm.margin),
            staleness: harm.as_ref().filter(|harm| harm.stale > 0).map_or(0, staleness),
            left,
        })
    };
    values.iter().filter_map(point).collect()
}

/// The adversary asks as early as it can. Here the same read is asked as late as the old leader serves it.
fn staleness(harm: &Harm) -> u64 {
    let setup = &harm.setup;
    let outcome = run(setup);
    let Some(first) = outcome.check.stale_reads.first() else { return 0 };
    let reader = outcome.history[outcome.history_index(first.read)].client;
    let over = outcome.changes.iter().filter_map(|change| match change.lease_over? {
        LeaseOver::At(at) if change.margin() == Some(harm.margin) => Some(at),
        LeaseOver::At(_) | LeaseOver::Never => None,
    });
    let way = least(setup.network.client_delay);
    let late = over.max().and_then(|over| over.checked_sub(way + 1)).filter(|late| *late > first.known_at);
    let longest = |at: u64| {
        let mut setup = Setup::clone(setup);
        setup.clients[reader].start = Span::nanos(at);
        setup.clients[reader].stop = Some(Span::nanos(at + 1));
        let outcome = run(&Arc::new(setup));
        outcome.check.stale_reads.iter().map(|stale| stale.stale_by_ns).max().unwrap_or(0)
    };
    late.map_or(0, longest).max(first.stale_by_ns)
}
