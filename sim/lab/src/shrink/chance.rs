//! Every delay, loss and jitter that is drawn becomes one that is given.

use std::sync::Arc;

use leasehold::time::Span;

use super::cost::{drawn, usual};
use super::search::Search;
use leasehold::raft::Note;
use leasehold_run::attack::{least, most};
use leasehold_run::hosted::Hosted;
use leasehold_run::run::{decisions, run_watched};
use leasehold_run::setup::{Action, Delay, FaultSpec, LinkSpec, Pace, Setup, Target, Trigger};
use leasehold_world::{Decision, Event, Happening, Point, Purpose, Reader, World};

pub(super) fn pass(search: &mut Search<'_>) {
    if everything(search) {
        return;
    }
    for change in [lossless, delays, links, jitter, clients, as_drawn, each_link, one_message] {
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
    let _ = run_watched(&Arc::new(setup.clone()), &mut facts);
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

/// The most values that are tried for one delay.
const VALUES_MAX: usize = 24;

/// One random delay becomes one that was drawn for some message.
fn as_drawn(setup: &Setup) -> Vec<Setup> {
    let mut proposals = Vec::new();
    let network = &setup.network;
    let decisions = decisions(&Arc::new(setup.clone()));
    let own = |from: usize, to: usize| {
        network.links.iter().any(|link| (link.from, link.to) == (from, to) && link.delay.is_some())
    };
    let values = |concerned: &dyn Fn(&Decision) -> bool| {
        let mut values: Vec<u64> =
            decisions.iter().filter(|decision| concerned(decision)).map(|decision| decision.value).collect();
        values.sort_unstable();
        values.dedup();
        let step = values.len().div_ceil(VALUES_MAX).max(1);
        values.into_iter().step_by(step).map(|nanos| Delay::Fixed(Span::nanos(nanos))).collect::<Vec<_>>()
    };
    for (place, link) in network.links.iter().enumerate() {
        if link.delay.is_some_and(drawn) {
            let on_link = |decision: &Decision| is_on(decision, link.from, link.to);
            proposals.extend(values(&on_link).into_iter().map(|delay| {
                let mut changed = setup.clone();
                changed.network.links[place].delay = Some(delay);
                changed
            }));
        }
    }
    if drawn(network.delay) {
        let elsewhere = |decision: &Decision| {
            let (from, to) = (usize::from(decision.point.of), usize::from(decision.point.to));
            decision.point.purpose == Purpose::Delay && !own(from, to)
        };
        proposals.extend(values(&elsewhere).into_iter().map(|delay| {
            let mut changed = setup.clone();
            changed.network.delay = delay;
            changed
        }));
    }
    if drawn(network.client_delay) {
        let asked = |decision: &Decision| {
            matches!(decision.point.purpose, Purpose::RequestDelay | Purpose::ReplyDelay)
        };
        proposals.extend(values(&asked).into_iter().map(|delay| {
            let mut changed = setup.clone();
            changed.network.client_delay = delay;
            changed
        }));
    }
    proposals
}

fn is_on(decision: &Decision, from: usize, to: usize) -> bool {
    let Point { purpose, of, to: receiver, .. } = decision.point;
    purpose == Purpose::Delay && (usize::from(of), usize::from(receiver)) == (from, to)
}

/// Every link has a delay of its own: one that was drawn for it.
fn each_link(setup: &Setup) -> Vec<Setup> {
    if !drawn(setup.network.delay) {
        return Vec::new();
    }
    let decisions = decisions(&Arc::new(setup.clone()));
    let nodes = setup.nodes.len();
    let pairs = (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to)));
    let pairs: Vec<(usize, usize)> = pairs.filter(|(from, to)| from != to).collect();
    let pick = |chosen: fn(&[u64]) -> Option<u64>| {
        let mut changed = setup.clone();
        changed.network.delay = Delay::Fixed(Span::nanos(usual(setup.network.delay)));
        for (from, to) in &pairs {
            if setup.network.links.iter().any(|link| (link.from, link.to) == (*from, *to)) {
                continue;
            }
            let on_link = decisions.iter().filter(|decision| is_on(decision, *from, *to));
            let values: Vec<u64> = on_link.map(|decision| decision.value).collect();
            changed.network.links.extend(chosen(&values).map(|nanos| LinkSpec {
                from: *from,
                to: *to,
                delay: Some(Delay::Fixed(Span::nanos(nanos))),
                loss_ppm: None,
                duplicate_ppm: None,
            }));
        }
        changed
    };
    vec![
        pick(|values| values.last().copied()),
        pick(|values| values.iter().rev().nth(1).copied()),
        pick(|values| values.iter().max().copied()),
        pick(|values| values.iter().min().copied()),
        pick(|values| values.first().copied()),
    ]
}

/// One link with a random delay becomes one with a fixed delay on which a single message is held back as long as it took.
fn one_message(setup: &Setup) -> Vec<Setup> {
    let mut proposals = Vec::new();
    let decisions = decisions(&Arc::new(setup.clone()));
    for (place, link) in setup.network.links.iter().enumerate() {
        let Some(own) = link.delay.filter(|delay| drawn(*delay)) else { continue };
        let mut on_link: Vec<&Decision> =
            decisions.iter().filter(|decision| is_on(decision, link.from, link.to)).collect();
        // The slowest are the likeliest to matter.
        on_link.sort_by_key(|decision| std::cmp::Reverse(decision.value));
        let sent = Sent::times(setup, link.from, link.to);
        for decision in on_link.into_iter().take(VALUES_MAX) {
            let number = usize::try_from(decision.point.index).unwrap_or(usize::MAX);
            let Some(at) = sent.get(number) else { continue };
            let mut changed = setup.clone();
            changed.network.links[place].delay = Some(Delay::Fixed(Span::nanos(least(own))));
            changed.faults.push(FaultSpec {
                trigger: Trigger::At(Span::nanos(*at)),
                after: Span::ZERO,
                lasts: Some(Span::nanos(decision.value.max(1))),
                action: Action::Hold { from: link.from, to: link.to, message: None, count: 1 },
            });
            proposals.push(changed);
        }
    }
    proposals
}

/// When each message of a link was sent, ns.
struct Sent {
    link: (usize, usize),
    at: Vec<u64>,
}

impl Sent {
    fn times(setup: &Setup, from: usize, to: usize) -> Vec<u64> {
        let mut sent = Sent { link: (from, to), at: Vec::new() };
        let _ = run_watched(&Arc::new(setup.clone()), &mut sent);
        sent.at
    }
}

impl<P: Hosted> Reader<P> for Sent {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, _world: &World<P>) {
        if let Happening::Sent { from, to, .. } = event.what
            && (from, to) == self.link
        {
            self.at.push(event.at);
        }
    }
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

impl<P: Hosted> Reader<P> for Facts {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, _world: &World<P>) {
        if let Happening::Noted { node, note: Note::Elected { .. } } = event.what {
            self.elected.push(node);
        }
    }
}
