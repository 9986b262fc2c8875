//! Disks that stall, fill up and fail, and clusters on durable ones: drawn from a stream of their own, so that everything else
//! about a seed is as it was without them. All of it is within the bound: no disk lies.

use leasehold::time::Span;

use super::dice::{Aspect, Dice};
use leasehold_run::setup::{Action, DiskKind, FaultSpec, Setup, Trigger, Unsynced};

/// Adds what is drawn to a setup.
pub(super) fn fit(seed: u64, setup: &mut Setup) {
    let mut dice = Dice::new(seed, Aspect::Disks);
    // A durable disk costs about as much as everything else of a run.
    if dice.chance(4) {
        let unsynced = dice.pick(&[Unsynced::Torn, Unsynced::Torn, Unsynced::Lost, Unsynced::Kept]);
        for node in &mut setup.nodes {
            node.disk.kind = DiskKind::Durable;
            node.disk.unsynced = unsynced;
        }
    }
    if dice.chance(15) {
        for _ in 0..dice.pick(&[1, 1, 2]) {
            let faults = draw(&mut dice, setup);
            setup.faults.extend(faults);
        }
    }
}

fn draw(dice: &mut Dice, setup: &Setup) -> Vec<FaultSpec> {
    let timeout = setup.lease.election_timeout;
    let at = dice.span(timeout + timeout.div(4), setup.duration.saturating_sub(timeout * 2));
    let lasts = dice.share(timeout, 50, 2_500) + Span::nanos(1);
    let leader = setup.cluster.first_leader.unwrap_or(0);
    let node = if dice.chance(60) { leader } else { dice.place(setup.nodes.len()) };
    let fault = |at: Span, lasts: Option<Span>, action: Action| {
        let at = Span::nanos(at.as_nanos().min(setup.duration.as_nanos()));
        FaultSpec { trigger: Trigger::At(at), after: Span::ZERO, lasts, action }
    };
    match dice.between(0, 3) {
        0 => vec![fault(at, Some(lasts), Action::DiskStall { node })],
        1 => {
            let stalled = (0..setup.cluster.voters).filter(|voter| *voter == leader || dice.chance(50));
            stalled.map(|node| fault(at, Some(lasts), Action::DiskStall { node })).collect()
        }
        2 => vec![fault(at, Some(lasts), Action::DiskFull { node })],
        _ => {
            let down = dice.share(timeout, 5, 1_500);
            vec![
                fault(at, Some(lasts), Action::DiskError { node }),
                fault(at + lasts + down, None, Action::Restart { node }),
            ]
        }
    }
}
