//! Who comes and goes. Members change in a share of the seeds only, and those have spare nodes for it.
//!
//! What is asked is asked again and again, as whoever runs a cluster would: a leader takes one change at a time, and the
//! first that it is asked for when it can.

use leasehold::raft::MemberAction;
use leasehold::time::Span;

use super::dice::{Aspect, Dice};
use leasehold_run::setup::{Action, FaultSpec, Order, Setup, Trigger};

/// Of a hundred seeds so many have members that change.
const SHARE: u64 = 15;

/// How many nodes wait to be added.
pub(super) fn spares(seed: u64) -> usize {
    let mut dice = Dice::new(seed, Aspect::Members);
    if dice.chance(SHARE) { dice.weighted(&[(20, 1), (60, 2), (20, 3)]) } else { 0 }
}

/// What the leaders of a setup with spare nodes are asked for.
pub(super) fn faults(seed: u64, setup: &Setup) -> Vec<FaultSpec> {
    let mut dice = Dice::new(seed, Aspect::MemberChanges);
    let (founding, all) = (setup.nodes.len() - setup.cluster.spares, setup.nodes.len());
    if founding == all {
        return Vec::new();
    }
    let timeout = setup.lease.election_timeout;
    let latest = setup.duration.saturating_sub(timeout * 2);
    let mut faults = Vec::new();
    let mut ask = |dice: &mut Dice, change, node| {
        let first = dice.span(timeout + timeout.div(5), latest);
        let every = dice.share(timeout, 30, 600) + Span::nanos(1);
        let action = Action::Order(Order::Member { change, node });
        faults.push(FaultSpec {
            trigger: Trigger::Every { first, every },
            after: Span::ZERO,
            lasts: None,
            action,
        });
    };
    for node in founding..all {
        ask(&mut dice, MemberAction::Add, node);
        if dice.chance(85) {
            ask(&mut dice, MemberAction::Promote, node);
        }
    }
    for node in 0..founding {
        if dice.chance(35) {
            ask(&mut dice, MemberAction::Remove, node);
            // One that comes back as often as it goes.
            if dice.chance(15) {
                ask(&mut dice, MemberAction::Add, node);
                ask(&mut dice, MemberAction::Promote, node);
            }
        }
    }
    for node in setup.cluster.voters..founding {
        if dice.chance(50) {
            ask(&mut dice, MemberAction::Promote, node);
        }
    }
    faults
}
