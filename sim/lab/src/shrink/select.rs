//! A setup with some of its nodes, in another order.

use leasehold::time::Span;

use leasehold_run::setup::{Action, FaultSpec, Order, Setup, Target, Trigger};

/// The setup with the nodes `kept`, by their old places in their new order, voters first and spare nodes last. What the others did or suffered
/// goes with them. `None` if nobody is left to vote.
pub(super) fn select(setup: &Setup, kept: &[usize]) -> Option<Setup> {
    let place = |old: usize| kept.iter().position(|kept| *kept == old);
    let mut selected = setup.clone();
    selected.cluster.voters = kept.iter().filter(|old| **old < setup.cluster.voters).count();
    if selected.cluster.voters == 0 {
        return None;
    }
    let spare = setup.nodes.len() - setup.cluster.spares;
    selected.cluster.spares = kept.iter().filter(|old| **old >= spare).count();
    selected.cluster.first_leader = setup.cluster.first_leader.and_then(place);
    selected.nodes = kept.iter().map(|old| setup.nodes[*old].clone()).collect();
    for (number, node) in (1..).zip(&mut selected.nodes) {
        node.name = format!("n{number}");
    }
    selected.network.links.retain_mut(|link| match (place(link.from), place(link.to)) {
        (Some(from), Some(to)) => {
            (link.from, link.to) = (from, to);
            true
        }
        _ => false,
    });
    selected.clients.retain_mut(|client| match client.target {
        Target::Node(old) => place(old).map(|new| client.target = Target::Node(new)).is_some(),
        Target::Leader | Target::Any => true,
    });
    selected.faults = setup.faults.iter().filter_map(|fault| fault_among(fault, &place)).collect();
    Some(selected)
}

fn fault_among(fault: &FaultSpec, place: &dyn Fn(usize) -> Option<usize>) -> Option<FaultSpec> {
    let trigger = match fault.trigger {
        Trigger::When { event, node: Some(old), from, nth } => {
            Trigger::When { event, node: Some(place(old)?), from, nth }
        }
        other => other,
    };
    let some = |old: &[usize]| {
        let mut new: Vec<usize> = old.iter().filter_map(|old| place(*old)).collect();
        new.sort_unstable();
        (!new.is_empty()).then_some(new)
    };
    let action = match &fault.action {
        Action::Partition { between } => {
            let between: Vec<Vec<usize>> = between.iter().filter_map(|group| some(group)).collect();
            if between.len() < 2 {
                return None;
            }
            Action::Partition { between }
        }
        Action::Cut { from, to } => Action::Cut { from: some(from)?, to: some(to)? },
        Action::Heal => Action::Heal,
        Action::Hold { from, to, message, count } => {
            Action::Hold { from: place(*from)?, to: place(*to)?, message: message.clone(), count: *count }
        }
        Action::Release { from, to } => Action::Release { from: place(*from)?, to: place(*to)? },
        Action::Order(Order::Transfer { to }) => Action::Order(Order::Transfer { to: place(*to)? }),
        Action::Order(Order::Member { change, node }) => {
            Action::Order(Order::Member { change: *change, node: place(*node)? })
        }
        Action::Order(Order::Apply { lengths }) => Action::Order(Order::Apply { lengths: *lengths }),
        Action::Isolate { node } => Action::Isolate { node: place(*node)? },
        Action::Pause { node } => Action::Pause { node: place(*node)? },
        Action::Suspend { node } => Action::Suspend { node: place(*node)? },
        Action::HypervisorPause { node } => Action::HypervisorPause { node: place(*node)? },
        Action::Crash { node } => Action::Crash { node: place(*node)? },
        Action::Restart { node } => Action::Restart { node: place(*node)? },
        Action::DiskStall { node } => Action::DiskStall { node: place(*node)? },
        Action::DiskError { node } => Action::DiskError { node: place(*node)? },
        Action::DiskFull { node } => Action::DiskFull { node: place(*node)? },
        Action::DiskLie { node } => Action::DiskLie { node: place(*node)? },
        Action::DiskCorrupt { node } => Action::DiskCorrupt { node: place(*node)? },
        Action::Unsynchronize { node } => Action::Unsynchronize { node: place(*node)? },
        Action::Step { node, by_ns } => Action::Step { node: place(*node)?, by_ns: *by_ns },
        Action::Rate { node, ppb } => Action::Rate { node: place(*node)?, ppb: *ppb },
    };
    Some(FaultSpec { trigger, action, ..fault.clone() })
}

/// Moves everything that has a time forward, and the end with it. `None` if something would come before the beginning.
pub(super) fn earlier(setup: &Setup, by: Span) -> Option<Setup> {
    let mut moved = setup.clone();
    let move_span = |span: &mut Span| {
        *span = Span::nanos(span.as_nanos().checked_sub(by.as_nanos())?);
        Some(())
    };
    for fault in &mut moved.faults {
        match &mut fault.trigger {
            Trigger::At(at) | Trigger::Every { first: at, .. } => move_span(at)?,
            // One that waits from the beginning goes on doing so.
            Trigger::When { from, .. } => *from = Span::nanos(from.as_nanos().saturating_sub(by.as_nanos())),
        }
    }
    for client in &mut moved.clients {
        move_span(&mut client.start)?;
        if let Some(stop) = &mut client.stop {
            move_span(stop)?;
        }
    }
    move_span(&mut moved.duration)?;
    Some(moved)
}
