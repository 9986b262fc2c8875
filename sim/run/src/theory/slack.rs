//! What the arithmetic of docs/clock-assumption.md says about a setup, before anything is run.
//!
//! For a leader `l` and a follower `f`, both counted in true time from the send of the round that a quorum acknowledged,
//! with `E = D - s` and declared wall-clock errors `e`:
//!
//! * elapsed form: the lease ends after `E / (1 + rate_l)`, the promise after `T / (1 + rate_f)`. Where boottime is slewed,
//!   a lease ends by the quicker of the two clocks of a stamp, a promise by the slower;
//! * deadline form: the lease ends after `E - 2 e_l`. The promise ends after `T - e_l + e_f - skew`, where `skew` is how far
//!   the follower's wall clock, when it votes, is ahead of the leader's when it stamped the round; or after `T` on the
//!   follower's monotonic clocks, if that is earlier.
//!
//! Against a promise that ends by the monotonic clocks a leader's wall clock does most harm when it is set back by `b`
//! *within* the lease, which then ends after `E - 2 e_l + b`; but the leader counts `E` on its monotonic clocks as well, and
//! the lease is over with those.
//!
//! A leader's clock that misses time lengthens its lease by what it misses: every clock does in a hypervisor pause, the raw
//! clock alone does in a suspend. In the deadline form the wall clock stays behind by what it missed, so that every
//! hypervisor pause of the run counts. In the elapsed form those within one lease do.
//!
//! A fault that happens again and again counts each time.
//!
//! The *slack* is the promise's length less the lease's, at its worst over all pairs: an adversary who picks the
//! partition and the order of messages can use all of it but the time messages take.

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use crate::attack::unknown_clocks;
use crate::display::length;
use crate::faults::{self, Frozen, Harm, harm, times};
use crate::rules;
use crate::setup::{Action, FaultSpec, Setup, StampSource, Trigger};
use crate::theory::GUEST_NOT_COVERED;
use crate::theory::time::{BILLION, Rounding, nanos, true_time};

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
    if setup.guest.is_some() {
        return Prediction::NotCovered { why: GUEST_NOT_COVERED };
    }
    if setup.rules != rules::SOUND {
        return Prediction::NotCovered { why: "the nodes follow broken rules" };
    }
    if let Some(why) = setup.faults.iter().find_map(faults::uncovered_by_theory) {
        return Prediction::NotCovered { why };
    }
    if let Some(why) = unknown_clocks(setup) {
        return Prediction::NotCovered { why };
    }
    let deadline_form = setup.nodes.iter().any(|node| node.lease.form == LeaseForm::Deadline);
    if deadline_form
        && setup.nodes.iter().any(|node| node.clock.slowest_ppb() != 0 || node.clock.slew_ppb != 0)
    {
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

/// The faults that stop some of a node's clocks, and for how long, ns. `frozen` says which clocks.
fn stops<'a>(
    setup: &'a Setup,
    node: usize,
    frozen: &'a [Frozen],
) -> impl Iterator<Item = (&'a FaultSpec, i128)> {
    let lasting = move |fault: &FaultSpec| match harm(fault) {
        Harm::Stops { node: stopped, clocks } if stopped == node && frozen.contains(&clocks) => fault.lasts,
        Harm::Stops { .. }
        | Harm::None
        | Harm::WallSet { .. }
        | Harm::Unvouched { .. }
        | Harm::Restarts { .. }
        | Harm::NoFormula => None,
    };
    setup.faults.iter().filter_map(move |fault| Some((fault, nanos(lasting(fault)?))))
}

/// How much true time a node's wall clock misses in the whole run, at most: nobody sets it right.
fn missed_in_run(setup: &Setup, node: usize) -> i128 {
    stops(setup, node, &[Frozen::All])
        .map(|(fault, lasts)| lasts * i128::from(times(fault, setup.duration)))
        .sum()
}

/// How much true time the clocks miss within one lease that this node measures it with, at most.
fn missed(setup: &Setup, node: usize, frozen: &[Frozen]) -> i128 {
    let spec = &setup.nodes[node];
    // The more stops there are within the lease the longer it is, and the more stops there may be within it.
    let lease = true_time(nanos(spec.lease.effective()), spec.clock.fastest_ppb(), Rounding::Down);
    let mut missed = 0;
    loop {
        let within = |fault: &FaultSpec| match fault.trigger {
            Trigger::At(_) | Trigger::When { .. } => 1,
            Trigger::Every { every, .. } => (lease + missed) / nanos(every) + 1,
        };
        let most = |fault: &FaultSpec| within(fault).min(i128::from(times(fault, setup.duration)));
        let more: i128 = stops(setup, node, frozen).map(|(fault, lasts)| lasts * most(fault)).sum();
        if more == missed {
            return missed;
        }
        missed = more;
    }
}

/// The promise's length less the lease's, in true nanoseconds; `None` without a lease.
fn slack(setup: &Setup, leader: usize, follower: usize) -> Option<i128> {
    let (holder, voter) = (&setup.nodes[leader], &setup.nodes[follower]);
    let effective = holder.lease.effective();
    if effective == Span::ZERO {
        return None;
    }
    let (lease, promise) = (nanos(effective), nanos(holder.lease.election_timeout));
    let raw_alone = holder.clock.stamp == StampSource::Raw;
    Some(match holder.lease.form {
        LeaseForm::Elapsed => {
            let frozen: &[Frozen] = if raw_alone { &[Frozen::Raw, Frozen::All] } else { &[Frozen::All] };
            let lost = missed(setup, leader, frozen);
            let lasts = |length, rate_ppb| true_time(length, rate_ppb, Rounding::Down);
            lasts(promise, voter.clock.slowest_ppb()) - lasts(lease, holder.clock.fastest_ppb()) - lost
        }
        LeaseForm::Deadline => {
            let (own_error, its_error) = (nanos(holder.clock.wall_error), nanos(voter.clock.wall_error));
            let by_wall =
                promise - own_error + its_error - skew(setup, leader, follower) - (lease - 2 * own_error);
            // A wall clock that is behind makes no promise longer: it ends by the monotonic clocks as well.
            let suspended = if raw_alone { missed(setup, leader, &[Frozen::Raw]) } else { 0 };
            let lasts = (lease + suspended).min(lease - 2 * own_error + set(setup, leader, Direction::Back));
            let by_receipt = promise - lasts - missed(setup, leader, &[Frozen::All]);
            by_receipt.min(by_wall - missed_in_run(setup, leader))
        }
    })
}

/// How far the follower's wall clock may come to be ahead of the leader's: offsets, and every step that makes it worse.
fn skew(setup: &Setup, leader: usize, follower: usize) -> i128 {
    let offset = |node: usize| i128::from(setup.nodes[node].clock.offset_ns);
    offset(follower) - offset(leader)
        + set(setup, follower, Direction::Forward)
        + set(setup, leader, Direction::Back)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
}

/// How far a node's wall clock is set in that direction in the whole run, ns.
fn set(setup: &Setup, of: usize, direction: Direction) -> i128 {
    let steps = setup.faults.iter().map(|fault| match harm(fault) {
        Harm::WallSet { node, by_ns } if node == of && (by_ns > 0) == (direction == Direction::Forward) => {
            i128::from(by_ns).abs() * i128::from(times(fault, setup.duration))
        }
        Harm::WallSet { .. }
        | Harm::None
        | Harm::Stops { .. }
        | Harm::Unvouched { .. }
        | Harm::Restarts { .. }
        | Harm::NoFormula => 0,
    });
    steps.sum()
}

/// Does a fault make this node's lease longer than its clocks say?
fn misses(setup: &Setup, node: usize) -> bool {
    let spec = &setup.nodes[node];
    let raw_alone = spec.clock.stamp == StampSource::Raw && spec.lease.form == LeaseForm::Elapsed;
    missed(setup, node, if raw_alone { &[Frozen::Raw, Frozen::All] } else { &[Frozen::All] }) > 0
}

/// The inequality that the prediction rests on, for this setup, with its numbers.
pub fn inequality(setup: &Setup) -> String {
    let lease = setup.cluster.first_leader.map_or(&setup.lease, |first| &setup.nodes[first].lease);
    let (d, t, s) = (lease.duration, lease.election_timeout, lease.max_clock_skew);
    let effective = lease.effective();
    let slack = length(nanos(t) - nanos(effective));
    if (0..setup.nodes.len()).any(|node| misses(setup, node)) {
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
        node.clock.slew_ppb = mix(node.clock.slew_ppb, high.clock.slew_ppb);
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
