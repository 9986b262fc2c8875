//! Every delay, loss and jitter that is drawn becomes one that is given.

use leasehold::lease::LeaseRules;
use leasehold::node::Message;
use leasehold::time::Span;

use super::cost::{drawn, usual};
use super::search::Search;
use crate::attack::{least, most};
use crate::host::LeaseNode;
use crate::run::{Observer, run_observed};
use crate::setup::{Delay, Pace, Setup, Target};
use crate::world::{Choices, Event, Happening, Milestone, World};

pub(super) fn pass(search: &mut Search<'_>) {
    if everything(search) {
        return;
    }
    for change in [lossless, delays, links, jitter, clients] {
        let best = search.best().clone();
        for proposal in change(&best) {
            if search.try_aimed(proposal) {
                break;
            }
        }
    }
}

/// All at once: a setup without chance is simpler to search than one with a little of it.
fn everything(search: &mut Search<'_>) -> bool {
    let best = search.best().clone();
    for settled in jitter(&best) {
        for fixed in delays(&settled) {
            let proposals = lossless(&fixed).into_iter().flat_map(|setup| links(&setup));
            for proposal in proposals.collect::<Vec<_>>() {
                if search.try_aimed(proposal) {
                    return true;
                }
            }
        }
    }
    false
}

fn lossless(setup: &Setup) -> Vec<Setup> {
    let mut changed = setup.clone();
    (changed.network.loss_ppm, changed.network.duplicate_ppm) = (0, 0);
    for link in &mut changed.network.links {
        // A link that loses everything is no chance.
        link.loss_ppm = link.loss_ppm.filter(|ppm| *ppm >= 1_000_000);
        link.duplicate_ppm = None;
    }
    changed.network.links.retain(|link| link.delay.is_some() || link.loss_ppm.is_some());
    vec![changed]
}

/// One delay for all messages.
fn delays(setup: &Setup) -> Vec<Setup> {
    let network = &setup.network;
    if !drawn(network.delay) && !drawn(network.client_delay) {
        return vec![setup.clone()];
    }
    let own = network.delay;
    let mut lengths = vec![1_000_000, usual(own), least(own), most(own)];
    lengths.dedup();
    let fixed = |nanos: &u64| {
        let mut changed = setup.clone();
        let delay = Delay::Fixed(Span::nanos(*nanos));
        (changed.network.delay, changed.network.client_delay) = (delay, delay);
        changed
    };
    lengths.iter().map(fixed).collect()
}

/// Links that are not like the others: none of them, or each with a delay of its own.
fn links(setup: &Setup) -> Vec<Setup> {
    if setup.network.links.is_empty() {
        return vec![setup.clone()];
    }
    let mut alike = setup.clone();
    alike.network.links.clear();
    let each = |length: fn(Delay) -> u64| {
        let mut changed = setup.clone();
        for link in &mut changed.network.links {
            link.delay = link.delay.map(|own| Delay::Fixed(Span::nanos(length(own))));
        }
        changed
    };
    vec![alike, each(usual), each(least), each(most)]
}

/// No jitter; or none but that those who are not elected wait longer. Whoever led first is said.
fn jitter(setup: &Setup) -> Vec<Setup> {
    let mut facts = Facts::default();
    let _ = run_observed(&std::sync::Arc::new(setup.clone()), &mut facts);
    let mut none = setup.clone();
    none.timers.election_jitter = Span::ZERO;
    for node in &mut none.nodes {
        (node.election_jitter, node.election_jitter_least) = (Span::ZERO, Span::ZERO);
    }
    let mut proposals = vec![none.clone()];
    let Some(first) = facts.elected.first() else { return proposals };
    if none.cluster.first_leader.is_none() && setup.cluster.voters > 1 {
        none.cluster.first_leader = Some(*first);
        proposals.insert(0, none.clone());
    }
    let mut later: Vec<usize> = facts.elected.iter().copied().filter(|elected| elected != first).collect();
    later.dedup();
    for elected in later.into_iter().take(3) {
        let mut others_wait = none.clone();
        let wait = setup.nodes.iter().map(|node| node.election_jitter).max().unwrap_or_default();
        let wait = wait.max(setup.lease.election_timeout.div(10));
        let voters = setup.cluster.voters;
        for (_, node) in others_wait.nodes[..voters].iter_mut().enumerate().filter(|(at, _)| *at != elected) {
            (node.election_jitter, node.election_jitter_least) = (wait, wait);
        }
        proposals.push(others_wait);
    }
    proposals
}

fn clients(setup: &Setup) -> Vec<Setup> {
    let mut changed = setup.clone();
    let fixed = |delay: Delay| Delay::Fixed(Span::nanos(usual(delay)));
    for client in &mut changed.clients {
        client.link = client.link.map(fixed);
        client.pace = match client.pace {
            Pace::Every(pace) => Pace::Every(fixed(pace)),
            Pace::Think(pace) => Pace::Think(fixed(pace)),
        };
        client.keys = 1;
        if client.target == Target::Any {
            client.target = Target::Leader;
        }
    }
    vec![changed]
}

/// Who was elected, in order.
#[derive(Default)]
struct Facts {
    elected: Vec<usize>,
}

impl Observer for Facts {
    fn observe<R: LeaseRules + Clone, C: Choices>(
        &mut self,
        event: &Event<'_, Message>,
        _world: &World<LeaseNode<R>, C>,
    ) {
        if let Happening::Milestone { node, milestone: Milestone::Elected { .. } } = event.what {
            self.elected.push(node);
        }
    }
}
