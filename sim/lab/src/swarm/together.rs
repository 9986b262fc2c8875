//! Kinds of trouble that searches outside the swarm had found first, each a thing that no motif makes. They are drawn from a
//! stream of their own and in a share of the seeds only, so that the other seeds are as they were without them.

use leasehold::lease::{LeaseForm, LeaseLengths};
use leasehold::time::Span;

use super::Bound;
use super::bound::within_bound;
use super::dice::{Aspect, Dice};
use leasehold_run::setup::{Action, Delay, EventKind, FaultSpec, LinkSpec, Order, Setup, Trigger};

/// Of a hundred seeds so many have one of them.
const SHARE: u64 = 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A fault of clocks or processes that happens again and again.
    Repeated,
    /// Stops of one node that overlap, of which some of its clocks miss some.
    Overlapping,
    /// One node with slow links and a slow disk.
    SlowNode,
    /// Declared errors, a wall clock that is set back within a lease, and voters that restart.
    SetBackWithin,
    /// Heartbeats of a large part of the election timeout.
    RareHeartbeats,
    /// Boottime clocks that a daemon slews, in the elapsed form, as chronyd does by default or at most.
    Slewed,
    /// Lengths of the lease that change during the run.
    Apply,
    /// A lease that outlasts the election timeout, and a leader that stands still. Beyond the bound.
    OutlastingLease,
    /// Wall clocks that drift in the deadline form. Beyond the bound.
    DriftingWalls,
}

fn kind(seed: u64, bound: Bound) -> Option<(Dice, Kind)> {
    let mut dice = Dice::new(seed, Aspect::Together);
    if !dice.chance(SHARE) {
        return None;
    }
    let within = [
        Kind::Repeated,
        Kind::Overlapping,
        Kind::SlowNode,
        Kind::SetBackWithin,
        Kind::RareHeartbeats,
        Kind::Slewed,
        Kind::Apply,
    ];
    let beyond = [Kind::OutlastingLease, Kind::DriftingWalls];
    let kind = match bound {
        Bound::Beyond if dice.chance(30) => dice.pick(&beyond),
        Bound::Within | Bound::Beyond => dice.pick(&within),
    };
    Some((dice, kind))
}

/// Adds what belongs to a setup before its clocks are fitted to the bound.
pub(super) fn before_clocks(seed: u64, setup: &mut Setup, bound: Bound) {
    let Some((mut dice, kind)) = kind(seed, bound) else { return };
    let timeout = setup.lease.election_timeout;
    let leader = setup.cluster.first_leader.unwrap_or_else(|| dice.place(setup.cluster.voters));
    let at = dice.span(timeout + timeout.div(4), setup.duration.saturating_sub(timeout * 2));
    let renewed =
        Trigger::When { event: EventKind::Note("lease-renewed"), node: Some(leader), from: at, nth: 1 };
    let fault = |trigger, after, lasts, action| FaultSpec { trigger, after, lasts, action };
    match kind {
        Kind::Repeated => {
            let node = if dice.chance(60) { leader } else { dice.place(setup.nodes.len()) };
            let every = dice.share(timeout, 50, 900) + Span::nanos(1);
            let lasts = dice.share(every, 50, 900) + Span::nanos(1);
            let by_ns = dice.signed(timeout.as_nanos() / 20);
            let (action, lasts) = match dice.between(0, 3) {
                0 => (Action::HypervisorPause { node }, Some(lasts)),
                1 => (Action::Suspend { node }, Some(lasts)),
                2 => (Action::Pause { node }, Some(lasts)),
                _ => (Action::Step { node, by_ns }, None),
            };
            setup.faults.push(fault(Trigger::Every { first: at, every }, Span::ZERO, lasts, action));
            setup.faults.push(fault(renewed, Span::ZERO, None, Action::Isolate { node: leader }));
        }
        Kind::Overlapping => {
            let isolated = dice.share(timeout, 500, 2_500);
            setup.faults.push(fault(renewed, Span::ZERO, Some(isolated), Action::Isolate { node: leader }));
            let stops = [
                Action::Suspend { node: leader },
                Action::HypervisorPause { node: leader },
                Action::Pause { node: leader },
                Action::Unsynchronize { node: leader },
            ];
            for action in stops {
                if dice.chance(60) {
                    let after = dice.share(timeout, 0, 400);
                    let lasts = dice.share(timeout, 50, 1_500) + Span::nanos(1);
                    setup.faults.push(fault(renewed, after, Some(lasts), action));
                }
            }
        }
        Kind::SlowNode => {
            let slow = dice.place(setup.nodes.len());
            setup.nodes[slow].disk_sync = dice.share(timeout, 5, 100);
            let delay = Delay::Fixed(dice.share(timeout, 5, 100));
            for other in (0..setup.nodes.len()).filter(|other| *other != slow) {
                for (from, to) in [(slow, other), (other, slow)] {
                    setup.network.links.retain(|link| (link.from, link.to) != (from, to));
                    setup.network.links.push(LinkSpec {
                        from,
                        to,
                        delay: Some(delay),
                        loss_ppm: None,
                        duplicate_ppm: None,
                    });
                }
            }
        }
        Kind::SetBackWithin => {
            let back = dice.share(timeout, 20, 600).as_nanos();
            let by_ns = -i64::try_from(back).expect("an election timeout is seconds");
            let after = dice.share(timeout, 0, 900);
            setup.faults.push(fault(renewed, after, None, Action::Step { node: leader, by_ns }));
            let stands = dice.share(timeout, 100, 1_800);
            let stop = match dice.between(0, 2) {
                0 => Action::Pause { node: leader },
                1 => Action::Suspend { node: leader },
                _ => Action::HypervisorPause { node: leader },
            };
            setup.faults.push(fault(renewed, Span::nanos(1), Some(stands), stop));
            setup.faults.push(fault(renewed, Span::ZERO, None, Action::Isolate { node: leader }));
            for node in (0..setup.cluster.voters).filter(|node| *node != leader) {
                let down = dice.share(timeout, 1, 40) + Span::nanos(1);
                setup.faults.push(fault(renewed, Span::ZERO, Some(down), Action::Crash { node }));
            }
        }
        Kind::Slewed if setup.lease.form == LeaseForm::Elapsed => {
            for node in &mut setup.nodes {
                node.clock.slew_ppb = dice.pick(&[0, 500_000, 83_333_000, 100_000_000]);
                if dice.chance(50) {
                    node.clock.slew_ppb = -node.clock.slew_ppb;
                }
            }
        }
        Kind::RareHeartbeats => setup.timers.heartbeat = dice.share(timeout, 150, 700),
        Kind::OutlastingLease => {
            let duration = dice.share(timeout, 1_001, 1_600);
            setup.lease.duration = duration;
            for node in &mut setup.nodes {
                node.lease.duration = duration.max(node.lease.duration);
            }
            let stands = dice.share(timeout, 100, 1_500) + Span::nanos(1);
            let after = dice.share(timeout, 0, 950);
            setup.faults.push(fault(renewed, Span::ZERO, None, Action::Isolate { node: leader }));
            setup.faults.push(fault(renewed, after, Some(stands), Action::Pause { node: leader }));
        }
        Kind::Slewed | Kind::Apply | Kind::DriftingWalls => {}
    }
}

/// Adds what theory does not judge, once the clocks are drawn.
pub(super) fn after_clocks(seed: u64, setup: &mut Setup, bound: Bound) {
    let Some((mut dice, kind)) = kind(seed, bound) else { return };
    match kind {
        Kind::Apply => apply(&mut dice, setup, bound),
        Kind::DriftingWalls if setup.lease.form == LeaseForm::Deadline => {
            for node in &mut setup.nodes {
                node.clock.rate_ppb = dice.signed(50_000_000);
            }
        }
        Kind::DriftingWalls
        | Kind::Repeated
        | Kind::Overlapping
        | Kind::SlowNode
        | Kind::SetBackWithin
        | Kind::RareHeartbeats
        | Kind::Slewed
        | Kind::OutlastingLease => {}
    }
}

/// Lengths that are as safe with these clocks, applied one after another.
pub(super) fn apply(dice: &mut Dice, setup: &mut Setup, bound: Bound) {
    let timeout = setup.lease.election_timeout;
    for _ in 0..dice.between(1, 3) {
        let election_timeout = dice.share(timeout, 300, 1_800);
        let duration = dice.share(election_timeout, 300, 999);
        let lengths = LeaseLengths { duration, election_timeout, max_clock_skew: setup.lease.max_clock_skew };
        let at = dice.span(timeout + timeout.div(4), setup.duration.saturating_sub(timeout));
        let mut changed = setup.clone();
        changed.faults.retain(|fault| !matches!(fault.action, Action::Order(Order::Apply { .. })));
        for node in &mut changed.nodes {
            (node.lease.duration, node.lease.election_timeout) = (duration, election_timeout);
        }
        if lengths.may_be_agreed() && (bound == Bound::Beyond || within_bound(&changed)) {
            let action = Action::Order(Order::Apply { lengths });
            setup.faults.push(FaultSpec { trigger: Trigger::At(at), after: Span::ZERO, lasts: None, action });
        }
    }
}
