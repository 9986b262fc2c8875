//! A setup with some of its nodes, in another order.

use leasehold::time::Span;

use leasehold_run::faults;
use leasehold_run::setup::{FaultSpec, Setup, Target, Trigger};

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
    let action = faults::renumbered(&fault.action, place)?;
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
