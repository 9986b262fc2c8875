//! How long a cluster may be without service once the last fault is over: what the settings give, and no more.
//!
//! It is an upper bound for what a sound cluster does, not the floor. A leader dies with its promises just given, and votes
//! are split until the waits have doubled as often as they may. With `T` the longest election timeout, `J` the longest
//! jitter, `H` the heartbeat, `S` the slowest sync and `L` the longest delay of a message, all on the slowest clock:
//!
//! * a leader:  `2 (T + J) + grace + 16 (max(H, T/4) + H + J) + 8 (S + L)`;
//! * an answer to a write, while one node leads and nothing happens:  `8 H + 4 (S + L) + answer time + client's delays`.
//!
//! A node whose disk was full tries again after a second, which is added where a disk is full.
//!
//! The 16 is two to the power of `DOUBLINGS_MAX` of the node's elections. The 8 heartbeats are those after which a hand-over
//! is given up, and the election that follows.

use std::collections::BTreeSet;

use leasehold::time::Span;

use super::time::{Rounding, nanos, true_time};
use crate::attack::most;
use leasehold_world::FULL_RETRY;

use crate::setup::{Action, FaultSpec, Order, Setup, Trigger};

/// How long a cluster may be without service after the last fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Without a leader that can serve.
    pub leader: Span,
    /// Without an answer to any write that its leader was asked, while that one node leads. `None` where the request deadline
    /// is so short that writes need not be answered in time.
    pub writes: Option<Span>,
}

/// What may be expected of this setup, or why nothing may: its faults must end, and a majority of its voters must be up and
/// connected when they have.
pub fn patience(setup: &Setup) -> Result<Patience, &'static str> {
    let gone = gone(setup)?;
    let voters = setup.cluster.voters;
    let left = (0..voters).filter(|voter| !gone.contains(voter)).count();
    if left < voters / 2 + 1 {
        return Err("too few voters are left");
    }
    let links = setup.network.links.iter();
    let losses = links.clone().filter_map(|link| link.loss_ppm).chain([setup.network.loss_ppm]);
    if losses.max().unwrap_or(0) > 0 {
        return Err("messages are lost by chance");
    }
    let slowest = setup.nodes.iter().map(|node| node.clock.slowest_ppb()).min().unwrap_or(0);
    let on_slowest = |length: Span| true_time(nanos(length), slowest, Rounding::Up);
    let applied = setup.faults.iter().filter_map(|fault| match &fault.action {
        Action::Order(Order::Apply { lengths }) => Some(lengths.election_timeout),
        _ => None,
    });
    let timeouts = setup.nodes.iter().map(|node| node.lease.election_timeout).chain(applied);
    let timeout = timeouts.max().unwrap_or(setup.lease.election_timeout);
    let jitters = setup.nodes.iter().map(|node| node.election_jitter);
    let jitter = jitters.chain([setup.timers.election_jitter]).max().unwrap_or_default();
    let heartbeat = setup.timers.heartbeat;
    let sync = setup.nodes.iter().map(|node| node.disk_sync).max().unwrap_or_default();
    let answer = setup.nodes.iter().map(|node| node.answer_time).max().unwrap_or_default();
    let delay = links.filter_map(|link| link.delay).chain([setup.network.delay]).map(most).max();
    let messages = nanos(sync) + i128::from(delay.unwrap_or(0));
    let full = setup.faults.iter().any(|fault| matches!(fault.action, Action::DiskFull { .. }));
    let room = if full { nanos(FULL_RETRY) } else { 0 };
    let wait = on_slowest(heartbeat.max(timeout.div(4)) + heartbeat + jitter);
    let grace = on_slowest(setup.timers.startup_grace);
    let leader = 2 * on_slowest(timeout + jitter) + grace + 16 * wait + 8 * messages + room;
    let clients = setup.clients.iter().map(|client| client.link.unwrap_or(setup.network.client_delay));
    let client = i128::from(clients.map(most).max().unwrap_or(0));
    let write = 4 * messages + nanos(answer) + 2 * client;
    let writes = 8 * on_slowest(heartbeat) + write;
    // A leader refuses updates while its oldest has waited for half of the deadline.
    let in_time = nanos(setup.timers.request_deadline) >= 2 * write;
    let span = |length: i128| Span::nanos(u64::try_from(length).unwrap_or(u64::MAX));
    Ok(Patience { leader: span(leader), writes: in_time.then(|| span(writes)) })
}

/// The nodes that are never back.
fn gone(setup: &Setup) -> Result<BTreeSet<usize>, &'static str> {
    let mut gone = BTreeSet::new();
    for fault in &setup.faults {
        if matches!(fault.trigger, Trigger::Every { .. }) {
            return Err("a fault happens again and again");
        }
        match (&fault.action, fault.lasts) {
            (Action::Crash { node } | Action::Isolate { node }, None) => {
                gone.insert(*node);
            }
            // The message that tells a successor to campaign, and no other: a hand-over that is lost.
            (Action::Hold { message: Some(kind), .. }, None) if kind == "timeout-now" => {}
            (
                Action::Partition { .. }
                | Action::Cut { .. }
                | Action::Hold { .. }
                | Action::Pause { .. }
                | Action::Suspend { .. }
                | Action::HypervisorPause { .. }
                | Action::DiskStall { .. }
                | Action::DiskFull { .. },
                None,
            ) => return Err("a fault does not end by itself"),
            (
                Action::DiskError { .. }
                | Action::DiskLie { .. }
                | Action::DiskCorrupt { .. }
                | Action::ClockJump { .. }
                | Action::Rate { .. },
                _,
            ) => return Err("a disk or a monotonic clock cannot be relied on"),
            (
                Action::Crash { .. }
                | Action::Isolate { .. }
                | Action::Partition { .. }
                | Action::Cut { .. }
                | Action::Hold { .. }
                | Action::Pause { .. }
                | Action::Suspend { .. }
                | Action::HypervisorPause { .. }
                | Action::DiskStall { .. }
                | Action::DiskFull { .. },
                Some(_),
            )
            | (
                Action::Heal
                | Action::Release { .. }
                | Action::Restart { .. }
                | Action::Step { .. }
                | Action::Unsynchronize { .. }
                | Action::Order(_),
                _,
            ) => {}
        }
    }
    let changes = |fault: &FaultSpec| matches!(fault.action, Action::Order(Order::Member { .. }));
    if !gone.is_empty() && setup.faults.iter().any(changes) {
        return Err("members change while a node is gone");
    }
    Ok(gone)
}
