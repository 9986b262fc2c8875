//! Faults, nodes, links and settings that are not needed go, the run ends when it has shown what it has to show, and what
//! is left is renumbered: the leader is n1, whoever follows it n2.

use leasehold::raft::{LogBounds, Note};
use std::sync::Arc;

use leasehold::time::Span;

use super::search::Search;
use super::select::{earlier, select};
use super::violation::{Kind, two_could_serve};
use crate::stalled::stalled;
use leasehold_check::Verdict;
use leasehold_run::hosted::Hosted;
use leasehold_run::run::{Outcome, run_watched};
use leasehold_run::setup::{Action, ClockSpec, FaultSpec, Setup, Trigger};
use leasehold_world::{Event, Happening, Reader, World};

pub(super) fn pass(search: &mut Search<'_>) {
    end(search);
    drop_faults(search);
    drop_nodes(search);
    simpler_faults(search);
    drop_settings(search);
    begin_earlier(search);
    renumber(search);
    end(search);
}

/// Ends the run as soon as it has shown the violation.
fn end(search: &mut Search<'_>) {
    let Some(over) = shown_at(search) else { return };
    let best = search.best();
    if over >= best.duration.as_nanos() {
        return;
    }
    let mut proposal = Setup::clone(best);
    proposal.duration = Span::nanos(over + 1);
    // What would come later is none of this run.
    proposal.faults.retain(|fault| fault.trigger.earliest() + fault.after <= proposal.duration);
    proposal.clients.retain(|client| client.start <= proposal.duration);
    for client in &mut proposal.clients {
        client.stop = client.stop.filter(|stop| *stop <= proposal.duration);
    }
    search.try_exactly(proposal);
}

/// When the violation is complete, ns.
fn shown_at(search: &Search<'_>) -> Option<u64> {
    let outcome = search.outcome();
    let completed = |index: usize| {
        let operation = &outcome.history[outcome.history_index(index)];
        Some(operation.completed?.0)
    };
    match search.wanted().kind {
        Kind::StaleRead => completed(outcome.check.stale_reads.first()?.read),
        Kind::NotLinearizable => {
            let keys = outcome.check.keys.iter();
            let involved = keys.filter_map(|key| match &key.verdict {
                Verdict::NotLinearizable { violation } => {
                    violation.operations().into_iter().filter_map(completed).max()
                }
                _ => None,
            });
            involved.min()
        }
        Kind::BrokenInvariant(wanted) => {
            Some(outcome.broken.iter().find(|broken| broken.invariant == wanted)?.at)
        }
        Kind::TwoCouldServe { .. } => two_could_serve(outcome),
        Kind::Stalled(_) => {
            let stall = stalled(search.best(), outcome)?;
            Some(stall.without.from + stall.patience.as_nanos() + 1)
        }
    }
}

/// One by one, then by twos: what is held is released, what crashes starts again.
fn drop_faults(search: &mut Search<'_>) {
    let mut place = search.best().faults.len();
    while place > 0 {
        place = (place - 1).min(search.best().faults.len().saturating_sub(1));
        let mut proposal = Setup::clone(search.best());
        if place < proposal.faults.len() {
            proposal.faults.remove(place);
            search.try_aimed(proposal);
        }
    }
    let mut first = 0;
    while first < search.best().faults.len() {
        let pairs = first + 1..search.best().faults.len();
        let dropped = pairs.rev().any(|second| {
            let mut proposal = Setup::clone(search.best());
            proposal.faults.remove(second);
            proposal.faults.remove(first);
            search.try_aimed(proposal)
        });
        first += usize::from(!dropped);
    }
}

/// One by one, then by twos: a majority of five is that of four.
fn drop_nodes(search: &mut Search<'_>) {
    for together in [1, 2] {
        let mut last = search.best().nodes.len();
        while last > 0 {
            last -= 1;
            let nodes = search.best().nodes.len();
            if last >= nodes {
                continue;
            }
            for other in if together == 1 { last..last + 1 } else { 0..last } {
                let kept: Vec<usize> = (0..nodes).filter(|node| *node != last && *node != other).collect();
                if select(search.best(), &kept).is_some_and(|proposal| search.try_aimed(proposal)) {
                    break;
                }
            }
        }
    }
}

/// What a fault does in fewer words, and a time for what waits for something.
fn simpler_faults(search: &mut Search<'_>) {
    let mut place = 0;
    while place < search.best().faults.len() {
        for change in [fires_at, no_delay, for_ever, isolate, one_way] {
            let best = search.best().clone();
            for proposal in change(&best, place) {
                if search.try_aimed(proposal) {
                    break;
                }
            }
        }
        place += 1;
    }
}

fn with_fault(setup: &Setup, place: usize, fault: FaultSpec) -> Setup {
    let mut changed = setup.clone();
    changed.faults[place] = fault;
    changed
}

fn fires_at(setup: &Arc<Setup>, place: usize) -> Vec<Setup> {
    let fault = &setup.faults[place];
    if matches!(fault.trigger, Trigger::At(_)) {
        return Vec::new();
    }
    let mut fired = Fired { fault: place, at: None };
    let _ = run_watched(setup, &mut fired);
    let at = fired.at.map(|at| FaultSpec {
        trigger: Trigger::At(Span::nanos(at)),
        after: Span::ZERO,
        ..fault.clone()
    });
    at.into_iter().map(|fault| with_fault(setup, place, fault)).collect()
}

fn no_delay(setup: &Arc<Setup>, place: usize) -> Vec<Setup> {
    let fault = &setup.faults[place];
    let trigger = match fault.trigger {
        Trigger::At(at) => Trigger::At(at + fault.after),
        other @ (Trigger::When { .. } | Trigger::Every { .. }) => other,
    };
    vec![with_fault(setup, place, FaultSpec { trigger, after: Span::ZERO, ..fault.clone() })]
}

fn for_ever(setup: &Arc<Setup>, place: usize) -> Vec<Setup> {
    let fault = &setup.faults[place];
    vec![with_fault(setup, place, FaultSpec { lasts: None, ..fault.clone() })]
}

/// A cut of some kind may be the isolation of one node.
fn isolate(setup: &Arc<Setup>, place: usize) -> Vec<Setup> {
    let fault = &setup.faults[place];
    let network = |action: &Action| matches!(action, Action::Partition { .. } | Action::Cut { .. });
    if !network(&fault.action) {
        return Vec::new();
    }
    let alone =
        |node| with_fault(setup, place, FaultSpec { action: Action::Isolate { node }, ..fault.clone() });
    // Alone it may do what two did.
    let mut proposals: Vec<Setup> = (0..setup.nodes.len()).map(alone).collect();
    let others = (0..setup.faults.len()).filter(|other| *other != place);
    for other in others.filter(|other| network(&setup.faults[*other].action)) {
        for node in 0..setup.nodes.len() {
            let mut merged = alone(node);
            merged.faults.remove(other);
            proposals.push(merged);
        }
    }
    proposals
}

/// Fewer senders or receivers.
fn one_way(setup: &Arc<Setup>, place: usize) -> Vec<Setup> {
    let fault = &setup.faults[place];
    let groups = fault.action.groups();
    let without = |out: usize| {
        let group = |group: &&[usize]| group.iter().copied().filter(|node| *node != out).collect();
        let kept: Vec<Vec<usize>> =
            groups.iter().map(group).filter(|group: &Vec<_>| !group.is_empty()).collect();
        match (&fault.action, &kept[..]) {
            (Action::Cut { .. }, [from, to]) => Some(Action::Cut { from: from.clone(), to: to.clone() }),
            (Action::Partition { .. }, [_, _, ..]) => Some(Action::Partition { between: kept }),
            _ => None,
        }
    };
    (0..setup.nodes.len())
        .filter_map(without)
        .map(|action| with_fault(setup, place, FaultSpec { action, ..fault.clone() }))
        .collect()
}

/// Links, clocks and settings of single nodes become those of all.
fn drop_settings(search: &mut Search<'_>) {
    let mut place = search.best().network.links.len();
    while place > 0 {
        place -= 1;
        let mut proposal = Setup::clone(search.best());
        proposal.network.links.remove(place);
        search.try_aimed(proposal);
    }
    for node in 0..search.best().nodes.len() {
        let others = search.best().nodes.iter().map(|other| other.clock);
        let clocks: Vec<ClockSpec> = [ClockSpec::default()].into_iter().chain(others).collect();
        for clock in clocks {
            let mut proposal = Setup::clone(search.best());
            proposal.nodes[node].clock = clock;
            if search.try_aimed(proposal) {
                break;
            }
        }
        for change in [(|clock| clock.synchronized = true) as fn(&mut ClockSpec), |clock| {
            clock.stamp = ClockSpec::default().stamp
        }] {
            let mut proposal = Setup::clone(search.best());
            change(&mut proposal.nodes[node].clock);
            search.try_aimed(proposal);
        }
    }
    for change in [
        (|setup| setup.timers.request_deadline = setup.lease.election_timeout * 2) as fn(&mut Setup),
        |setup| setup.log = LogBounds::default(),
        |setup| setup.network.client_delay = setup.network.delay,
        |setup| setup.clients.iter_mut().for_each(|client| client.link = None),
        |setup| setup.clients.iter_mut().for_each(|client| client.stop = None),
    ] {
        let mut proposal = Setup::clone(search.best());
        change(&mut proposal);
        search.try_aimed(proposal);
    }
}

/// Nothing happens before the first thing happens.
fn begin_earlier(search: &mut Search<'_>) {
    const STEPS_MS: [u64; 12] = [10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 20, 10, 5, 1];
    for step in STEPS_MS {
        while let Some(proposal) = earlier(search.best(), Span::millis(step)) {
            if !search.try_aimed(proposal) {
                break;
            }
        }
    }
}

/// The old leader is n1, the new one n2.
fn renumber(search: &mut Search<'_>) {
    let Some((old, new)) = leaders(search.outcome()) else { return };
    let voters = search.best().cluster.voters;
    if (old, new) == (0, 1) || old >= voters || new >= voters {
        return;
    }
    let nodes = search.best().nodes.len();
    let others = (0..nodes).filter(|node| *node != old && *node != new);
    let order: Vec<usize> = [old, new].into_iter().chain(others).collect();
    if let Some(proposal) = select(search.best(), &order) {
        search.try_renumbered(proposal, |outcome| leaders(outcome) == Some((0, 1)));
    }
}

/// Whose lease was alive, or was last, when somebody else took over, and who that was.
fn leaders(outcome: &Outcome) -> Option<(usize, usize)> {
    let worst = outcome.changes.iter().filter(|change| change.old.is_some_and(|(old, _)| old != change.new));
    let worst = worst.min_by_key(|change| change.margin())?;
    Some((worst.old?.0, worst.new))
}

/// When a fault happened.
struct Fired {
    fault: usize,
    at: Option<u64>,
}

impl<P: Hosted> Reader<P> for Fired {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, _world: &World<P>) {
        if let Happening::Fault { fault, undone: false } = event.what
            && fault == self.fault
        {
            self.at.get_or_insert(event.at);
        }
    }
}
