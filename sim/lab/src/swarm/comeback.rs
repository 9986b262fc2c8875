//! Does a cluster come back? In a share of the seeds every fault ends, a majority stays, and the run goes on until a leader
//! must be there again. Such a seed has one kind of trouble more, each a thing after which clusters have been found without
//! service. They are drawn from a stream of their own, so that the other seeds are as they were without them.

use leasehold::lease::LeaseForm;
use leasehold::raft::{LogBounds, MemberAction};
use leasehold::time::Span;

use super::Bound;
use super::bound::within_bound;
use super::dice::{Aspect, Dice};
use super::together::apply;
use leasehold_run::setup::{
    Action, ClientSpec, Delay, FaultSpec, OperationKind, Order, Pace, Setup, Target, Trigger,
};
use leasehold_run::theory::patience;

/// Of a hundred seeds so many are asked whether the cluster comes back.
const SHARE: u64 = 25;
/// The probe has this key for itself.
const PROBE_KEY: u64 = 2_000;
/// The longest error of a wall clock, in hours.
const HOURS_MAX: u64 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// No more than what the motifs have drawn.
    None,
    /// Syncs that take a large part of the election timeout.
    SlowDisks,
    /// Of two voters the leader removes itself while it is cut off.
    SelfRemoval,
    /// The leader hands over to a node that has just died for good.
    HandOverToTheDead,
    /// The message that tells the successor to campaign is lost.
    HandOverLost,
    /// The leader is heard and does not hear, or the other way round.
    OneWayLoss,
    /// The lengths of the lease change.
    Apply,
    /// A voter's wall clock is hours wrong, and says so; then the leader dies for good. Deadline form.
    WrongWallClock,
    /// The leader dies for good.
    LeaderDies,
}

/// Is this seed asked? And what about.
fn trouble(seed: u64) -> Option<(Dice, Trouble)> {
    let mut dice = Dice::new(seed, Aspect::Comeback);
    if !dice.chance(SHARE) {
        return None;
    }
    let trouble = dice.pick(&[
        Trouble::None,
        Trouble::SlowDisks,
        Trouble::SelfRemoval,
        Trouble::HandOverToTheDead,
        Trouble::HandOverLost,
        Trouble::OneWayLoss,
        Trouble::Apply,
        Trouble::WrongWallClock,
        Trouble::LeaderDies,
    ]);
    Some((dice, trouble))
}

/// Ends the faults of a seed that is asked, and adds its trouble. Before the clocks are fitted to the bound. Gives whether it
/// is asked.
pub(super) fn before_clocks(seed: u64, setup: &mut Setup) -> bool {
    let Some((mut dice, trouble)) = trouble(seed) else { return false };
    let timeout = setup.lease.election_timeout;
    setup.log = LogBounds::default();
    setup.network.loss_ppm = 0;
    for link in &mut setup.network.links {
        link.loss_ppm = None;
    }
    end_faults(&mut dice, setup);
    if trouble == Trouble::SelfRemoval && setup.nodes.len() - setup.cluster.spares > 1 {
        // The others learn only.
        (setup.cluster.voters, setup.cluster.first_leader) = (2, Some(dice.place(2)));
        // A learner cannot be handed the leadership.
        setup
            .faults
            .retain(|fault| !matches!(fault.action, Action::Order(Order::Transfer { to }) if to >= 2));
    }
    let leader = setup.cluster.first_leader.unwrap_or_else(|| dice.place(setup.cluster.voters));
    setup.cluster.first_leader = match trouble {
        Trouble::None => setup.cluster.first_leader,
        // Where one is given the others wait for it, and nothing is promised before it has led.
        Trouble::SlowDisks => None,
        Trouble::SelfRemoval
        | Trouble::HandOverToTheDead
        | Trouble::HandOverLost
        | Trouble::OneWayLoss
        | Trouble::Apply
        | Trouble::WrongWallClock
        | Trouble::LeaderDies => Some(leader),
    };
    let at = dice.span(timeout * 2, setup.duration.saturating_sub(timeout));
    let lasts = dice.share(timeout, 1_000, 4_000);
    let soon = dice.span(Span::ZERO, setup.timers.heartbeat * 2);
    let others: Vec<usize> = (0..setup.nodes.len()).filter(|node| *node != leader).collect();
    let other_voters: Vec<usize> =
        others.iter().copied().filter(|node| *node < setup.cluster.voters).collect();
    let changes =
        setup.faults.iter().any(|fault| matches!(fault.action, Action::Order(Order::Member { .. })));
    let three = other_voters.len() >= 2 && !changes;
    let mut fault = |at: Span, lasts: Option<Span>, action: Action| {
        setup.faults.push(FaultSpec { trigger: Trigger::At(at), after: Span::ZERO, lasts, action });
    };
    match trouble {
        Trouble::SelfRemoval if !other_voters.is_empty() => {
            fault(at, Some(lasts), Action::Partition { between: vec![vec![leader], others] });
            let remove = Order::Member { change: MemberAction::Remove, node: leader };
            fault(at + Span::millis(1), None, Action::Order(remove));
        }
        Trouble::HandOverToTheDead if three => {
            let to = dice.pick(&other_voters);
            fault(at, None, Action::Crash { node: to });
            fault(at + soon, None, Action::Order(Order::Transfer { to }));
        }
        Trouble::HandOverLost if !other_voters.is_empty() => {
            let to = dice.pick(&other_voters);
            let message = Some("timeout-now".to_owned());
            fault(at, None, Action::Hold { from: leader, to, message, count: 1 });
            fault(at + soon, None, Action::Order(Order::Transfer { to }));
        }
        Trouble::OneWayLoss if !others.is_empty() => {
            let (from, to) = if dice.chance(50) { (vec![leader], others) } else { (others, vec![leader]) };
            fault(at, Some(lasts), Action::Cut { from, to });
        }
        Trouble::WrongWallClock | Trouble::LeaderDies if three => {
            fault(at, None, Action::Crash { node: leader });
        }
        Trouble::SlowDisks => {
            let sync = dice.share(timeout, 150, 500);
            setup.nodes.iter_mut().for_each(|node| node.disk_sync = sync);
        }
        Trouble::None
        | Trouble::SelfRemoval
        | Trouble::HandOverToTheDead
        | Trouble::HandOverLost
        | Trouble::OneWayLoss
        | Trouble::Apply
        | Trouble::WrongWallClock
        | Trouble::LeaderDies => {}
    }
    if matches!(trouble, Trouble::HandOverToTheDead | Trouble::HandOverLost) {
        // So short that a hand-over that is not given up shows.
        setup.timers.heartbeat = dice.share(timeout, 20, 80);
        setup.timers.startup_grace = setup.timers.startup_grace.min(setup.timers.heartbeat);
    }
    true
}

/// Adds what theory does not judge, a client that asks until the end, and the time that the cluster has to come back.
pub(super) fn after_clocks(seed: u64, setup: &mut Setup, bound: Bound) {
    let Some((mut dice, trouble)) = trouble(seed) else { return };
    match trouble {
        Trouble::Apply => apply(&mut dice, setup, bound),
        Trouble::WrongWallClock if setup.lease.form == LeaseForm::Deadline => {
            let leader = setup.cluster.first_leader.unwrap_or(0);
            let wrong = (leader + 1 + dice.place(setup.nodes.len().max(2) - 1)) % setup.nodes.len();
            let error = Span::secs(3_600) * dice.between(1, HOURS_MAX);
            let offset = i64::try_from(error.as_nanos()).expect("hours");
            let before = setup.nodes[wrong].clock;
            setup.nodes[wrong].clock.offset_ns = if dice.chance(50) { offset } else { -offset };
            setup.nodes[wrong].clock.wall_error = error;
            if bound == Bound::Within && !within_bound(setup) {
                setup.nodes[wrong].clock = before;
            }
        }
        Trouble::None
        | Trouble::SlowDisks
        | Trouble::SelfRemoval
        | Trouble::HandOverToTheDead
        | Trouble::HandOverLost
        | Trouble::OneWayLoss
        | Trouble::WrongWallClock
        | Trouble::LeaderDies => {}
    }
    let timeout = setup.lease.election_timeout;
    let ends = |fault: &FaultSpec| fault.trigger.earliest() + fault.after + fault.lasts.unwrap_or_default();
    let last = setup.faults.iter().map(ends).max().unwrap_or_default().max(setup.duration);
    for client in &mut setup.clients {
        client.stop = Some(client.stop.unwrap_or(last).min(last));
    }
    setup.clients.push(ClientSpec {
        target: Target::Leader,
        operations: vec![OperationKind::Write],
        pace: Pace::Every(Delay::Fixed(timeout.div(10))),
        first_key: PROBE_KEY,
        start: timeout,
        timeout,
        ..ClientSpec::new("probe")
    });
    // What happens when something else does may begin at the end of this, and last.
    let longest = setup.faults.iter().filter_map(|fault| fault.lasts).max().unwrap_or_default();
    let Ok(patience) = patience(setup) else { return };
    setup.duration = last + longest + patience.leader + timeout;
}

/// Every fault ends by itself and happens once; those of disks and monotonic clocks that cannot be relied on are left away.
fn end_faults(dice: &mut Dice, setup: &mut Setup) {
    let timeout = setup.lease.election_timeout;
    setup.faults.retain(|fault| {
        !matches!(
            fault.action,
            Action::DiskError { .. }
                | Action::DiskLie { .. }
                | Action::DiskCorrupt { .. }
                | Action::ClockJump { .. }
                | Action::Rate { .. }
        )
    });
    for fault in &mut setup.faults {
        if let Trigger::Every { first, .. } = fault.trigger {
            fault.trigger = Trigger::At(first);
        }
        let lasts = dice.share(timeout, 300, 3_000) + Span::nanos(1);
        let instant = matches!(
            fault.action,
            Action::Heal
                | Action::Release { .. }
                | Action::Restart { .. }
                | Action::Step { .. }
                | Action::Order(_)
        );
        if !instant {
            fault.lasts.get_or_insert(lasts);
        }
    }
}
