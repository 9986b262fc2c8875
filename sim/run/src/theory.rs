//! What the arithmetic of docs/clock-assumption.md says about a setup, before anything is run.
//!
//! For a leader `l` and a follower `f`, both counted in true time from the send of the round that a quorum acknowledged,
//! with `E = D - s` and declared wall-clock errors `e`:
//!
//! * elapsed form: the lease ends after `E / (1 + rate_l)`, the promise after `T / (1 + rate_f)`;
//! * deadline form: the lease ends after `E - 2 e_l`, the promise after `T - e_l + e_f - skew`, where `skew` is how far the
//!   follower's wall clock, when it votes, is ahead of the leader's when it stamped the round. Left out: a leader's wall
//!   clock that declares an error and is set back within a lease ends it later, by as much, but not after `E`.
//!
//! A follower that restarts, or has no wall clock, counts `T` on its monotonic clocks instead; that is no longer than `T`.
//!
//! A leader's clock that misses time lengthens its lease by what it misses: every clock does in a hypervisor pause, the raw
//! clock alone does in a suspend.
//!
//! The *slack* is the promise's length less the lease's, at its worst over all pairs: an adversary who picks the
//! partition and the order of messages can use all of it but the time messages take.

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use crate::display::length;
use crate::faults;
use crate::rules;
use crate::setup::{Action, FaultSpec, NodeSpec, Setup, StampSource};

const BILLION: i128 = 1_000_000_000;

/// What the arithmetic says about a setup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prediction {
    /// No schedule gives a stale read: the slack, in nanoseconds, is not negative.
    Safe {
        /// At its worst.
        slack_ns: i128,
    },
    /// Some schedule gives a stale read.
    StalePossible {
        /// At its worst; negative.
        slack_ns: i128,
    },
    /// The arithmetic does not cover this setup.
    NotCovered {
        /// Why.
        why: &'static str,
    },
}

/// What the arithmetic says about a setup whose leader may be any voter: the first leader, where one is named, may be
/// followed by another, whose lease may be broken in its turn.
pub fn predict(setup: &Setup) -> Prediction {
    if setup.rules != rules::SOUND {
        return Prediction::NotCovered { why: "the nodes follow broken rules" };
    }
    if let Some(why) = setup.faults.iter().find_map(faults::uncovered_by_theory) {
        return Prediction::NotCovered { why };
    }
    let deadline_form = setup.nodes.iter().any(|node| node.lease.form == LeaseForm::Deadline);
    if deadline_form && setup.nodes.iter().any(|node| node.clock.rate_ppb != 0) {
        return Prediction::NotCovered { why: "wall clocks that drift are apart by more and more" };
    }
    let electorate = setup.electorate();
    let pairs = electorate.iter().flat_map(|leader| electorate.iter().map(move |other| (*leader, *other)));
    let slacks = pairs
        .filter(|(leader, follower)| leader != follower)
        .filter_map(|(leader, follower)| slack(setup, leader, follower));
    match slacks.min() {
        Some(slack_ns) if slack_ns < 0 => Prediction::StalePossible { slack_ns },
        Some(slack_ns) => Prediction::Safe { slack_ns },
        None => Prediction::NotCovered { why: "nobody ever has a lease that somebody else could break" },
    }
}

/// How much true time this node's clocks miss, at most, while it measures a lease.
fn missed(setup: &Setup, node: usize) -> i128 {
    let spec = &setup.nodes[node];
    let raw_alone = spec.clock.stamp == StampSource::Raw && spec.lease.form == LeaseForm::Elapsed;
    let missed = setup.faults.iter().map(|fault| match fault.action {
        Action::HypervisorPause { node: paused } if paused == node => fault.lasts.map_or(0, nanos),
        Action::Suspend { node: paused } if paused == node && raw_alone => fault.lasts.map_or(0, nanos),
        _ => 0,
    });
    missed.sum()
}

/// The promise's length less the lease's, in true nanoseconds; `None` without a lease.
fn slack(setup: &Setup, leader: usize, follower: usize) -> Option<i128> {
    let (holder, voter) = (&setup.nodes[leader], &setup.nodes[follower]);
    let effective = holder.lease.effective();
    if effective == Span::ZERO {
        return None;
    }
    let (lease, promise) = (nanos(effective), nanos(holder.lease.election_timeout));
    let lost = missed(setup, leader);
    Some(match holder.lease.form {
        LeaseForm::Elapsed => in_true_time(promise, voter) - in_true_time(lease, holder) - lost,
        LeaseForm::Deadline => {
            let (own_error, its_error) = (nanos(holder.clock.wall_error), nanos(voter.clock.wall_error));
            let by_wall =
                promise - own_error + its_error - skew(setup, leader, follower) - (lease - 2 * own_error);
            // A wall clock that is behind makes a promise longer. Not one that is counted on the monotonic clocks.
            let slack = if may_count_from_receipt(setup, leader, follower) {
                by_wall.min(promise - lease)
            } else {
                by_wall
            };
            slack - lost
        }
    })
}

/// May the follower count a promise of the deadline form on its monotonic clocks: after a restart, or because one of the two
/// has no usable wall clock?
fn may_count_from_receipt(setup: &Setup, leader: usize, follower: usize) -> bool {
    let unsynchronized = |of: usize| {
        let fault = |action: &Action| matches!(action, Action::Unsynchronize { node } if *node == of);
        !setup.nodes[of].clock.synchronized || setup.faults.iter().any(|spec| fault(&spec.action))
    };
    let restarts = |action: &Action| matches!(action, Action::Crash { node } | Action::DiskError { node } if *node == follower);
    unsynchronized(leader)
        || unsynchronized(follower)
        || setup.faults.iter().any(|spec| restarts(&spec.action))
}

/// How far the follower's wall clock may come to be ahead of the leader's: offsets, and every step that makes it worse.
fn skew(setup: &Setup, leader: usize, follower: usize) -> i128 {
    let offset = |node: usize| i128::from(setup.nodes[node].clock.offset_ns);
    let steps = |of: usize| {
        setup.faults.iter().filter_map(move |FaultSpec { action, .. }| match action {
            Action::Step { node, by_ns } if *node == of => Some(i128::from(*by_ns)),
            _ => None,
        })
    };
    let forward: i128 = steps(follower).filter(|by| *by > 0).sum();
    let back: i128 = steps(leader).filter(|by| *by < 0).sum();
    offset(follower) - offset(leader) + forward - back
}

/// How much true time passes while this node's clock measures `length`.
fn in_true_time(length: i128, node: &NodeSpec) -> i128 {
    length * BILLION / (BILLION + i128::from(node.clock.rate_ppb))
}

fn nanos(span: Span) -> i128 {
    i128::from(span.as_nanos())
}

/// The inequality that the prediction rests on, for this setup, with its numbers.
pub fn inequality(setup: &Setup) -> String {
    let lease = setup.cluster.first_leader.map_or(&setup.lease, |first| &setup.nodes[first].lease);
    let (d, t, s) = (lease.duration, lease.election_timeout, lease.max_clock_skew);
    let effective = lease.effective();
    let slack = length(nanos(t) - nanos(effective));
    if (0..setup.nodes.len()).any(|node| missed(setup, node) > 0) {
        return format!(
            "stale reads are possible once a leader's clocks miss more than T - (D - s) = {t} - ({d} - {s}) = {slack}"
        );
    }
    match lease.form {
        LeaseForm::Deadline => {
            format!("stale reads are possible once skew > T - (D - s) = {t} - ({d} - {s}) = {slack}")
        }
        LeaseForm::Elapsed => format!(
            "stale reads are possible once (D - s) / leader's rate > T / follower's rate: \
             once the rates are further apart than T / (D - s) = {t} / {effective}"
        ),
    }
}

/// Where between two setups (that differ in numbers only) the slack becomes negative, as a fraction of a billion.
/// `None` unless it is not negative at `low` and negative at `high`.
pub fn crossing(low: &Setup, high: &Setup) -> Option<i128> {
    let stale = |setup: &Setup| match predict(setup) {
        Prediction::Safe { .. } => Some(false),
        Prediction::StalePossible { .. } => Some(true),
        Prediction::NotCovered { .. } => None,
    };
    if stale(low)? || !stale(high)? {
        return None;
    }
    let (mut clean, mut broken) = (0, BILLION);
    while broken - clean > 1 {
        let middle = (clean + broken) / 2;
        if stale(&between(low, high, middle))? { broken = middle } else { clean = middle }
    }
    Some(clean)
}

/// The setup that is `fraction` billionths of the way from one to the other.
fn between(low: &Setup, high: &Setup, fraction: i128) -> Setup {
    let mix = |low: i64, high: i64| {
        let mixed = i128::from(low) + (i128::from(high) - i128::from(low)) * fraction / BILLION;
        i64::try_from(mixed).expect("between two numbers that fit")
    };
    let mix_span = |low: Span, high: Span| {
        let mixed = nanos(low) + (nanos(high) - nanos(low)) * fraction / BILLION;
        Span::nanos(u64::try_from(mixed).expect("between two lengths"))
    };
    let mut mixed = low.clone();
    for (node, high) in mixed.nodes.iter_mut().zip(&high.nodes) {
        node.clock.offset_ns = mix(node.clock.offset_ns, high.clock.offset_ns);
        node.clock.rate_ppb = mix(node.clock.rate_ppb, high.clock.rate_ppb);
        node.clock.wall_error = mix_span(node.clock.wall_error, high.clock.wall_error);
        node.lease.duration = mix_span(node.lease.duration, high.lease.duration);
        node.lease.election_timeout = mix_span(node.lease.election_timeout, high.lease.election_timeout);
        node.lease.max_clock_skew = mix_span(node.lease.max_clock_skew, high.lease.max_clock_skew);
    }
    for (fault, high) in mixed.faults.iter_mut().zip(&high.faults) {
        if let (Some(lasts), Some(high)) = (fault.lasts.as_mut(), high.lasts) {
            *lasts = mix_span(*lasts, high);
        }
        if let (Action::Step { by_ns, .. }, Action::Step { by_ns: high, .. }) =
            (&mut fault.action, &high.action)
        {
            *by_ns = mix(*by_ns, *high);
        }
    }
    mixed
}
