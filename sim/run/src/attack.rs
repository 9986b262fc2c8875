//! The schedule that does the most harm to a lease, as far as is known: who does what in it.
//!
//! The old leader's lease rests on one round. Of the voters that acknowledged it, the *carriers*, one also votes for the
//! challenger; every electing majority needs one. The challenger and its other *electors* were cut off from the leader
//! before, so that nothing binds them any more. The challenger's pre-vote reaches the voter at the very nanosecond at
//! which its promise is over, and from then on everything takes its least delay.
//!
//! Where the voter is free for a moment while the leader still leads, its pre-vote can be had *before* the round: it lies
//! at the challenger, which stands still, and the vote itself is what reaches the voter when its promise is over. With an
//! elector at hand that can always be arranged: it takes the voter's place among the carriers until the voter is free.
//!
//! `docs/ideas/thresholds.md` derives it. [`crate::theory::bound`] computes what follows from it; `adversary` in leasehold-lab makes runs of it.
//! Neither knows the other.

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use crate::faults::{self, Frozen, Harm, harm};
use crate::rules;
use crate::setup::{Delay, Setup, StampSource};

/// The rules that count a lease from the acknowledgement.
pub const FROM_ACKNOWLEDGEMENT: &str = "lease-from-acknowledgement";
/// The rules by which a restart forgets a promise.
pub const RESTART_FORGETS: &str = "restart-forgets";

/// Who does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attack {
    /// Has the lease.
    pub leader: usize,
    /// Is elected inside it.
    pub challenger: usize,
    /// Carries the lease and votes for the challenger.
    pub voter: usize,
    /// Vote for the challenger and carry nothing.
    pub electors: Vec<usize>,
    /// Carry the lease and vote for nobody.
    pub carriers: Vec<usize>,
    /// The scenario's stops of the leader, or its crash of the voter, are used.
    pub stops: bool,
    /// The pre-vote is granted before the round, and how the leader gets over that.
    pub early: Option<Lapse>,
}

/// How a leader goes on leading while the voter's promise lapses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// It hears no quorum, and has not given up yet when the voter is free.
    Alone,
    /// The electors acknowledge its rounds meanwhile. They grant their pre-votes when the voter is back.
    Relieved,
}

/// All attacks that a setup allows, or why none is known.
pub fn attacks(setup: &Setup) -> Result<Vec<Attack>, &'static str> {
    let voters = setup.cluster.voters;
    if voters != 3 && voters != 5 {
        return Err("the adversary knows clusters of three and of five voters only");
    }
    if let Some(why) = setup.faults.iter().find_map(faults::unknown_to_adversary) {
        return Err(why);
    }
    let outlasts = |node: usize| {
        let lease = &setup.nodes[node].lease;
        lease.effective() > lease.election_timeout
    };
    let pauses = |node: usize| {
        let stands_still = Harm::Stops { node, clocks: Frozen::None };
        setup.faults.iter().any(|fault| harm(fault) == stands_still)
    };
    if (0..voters).any(|node| outlasts(node) && pauses(node)) {
        return Err(
            "the adversary does not know a leader that stands still while its lease outlasts its election timeout",
        );
    }
    if (0..voters).any(|node| may_be_set_back_within(setup, node)) {
        return Err(
            "the adversary does not know a wall clock that is set back within the lease while voters restart",
        );
    }
    let leaders = match setup.cluster.first_leader {
        Some(first) => first..first + 1,
        None => 0..voters,
    };
    let mut found = Vec::new();
    for leader in leaders {
        for challenger in (0..voters).filter(|node| *node != leader) {
            let others: Vec<usize> =
                (0..voters).filter(|node| ![leader, challenger].contains(node)).collect();
            for voter in &others {
                let rest: Vec<usize> = others.iter().copied().filter(|node| node != voter).collect();
                // Of three nobody is left, of five one elector and one carrier.
                for first in 0..rest.len().max(1) {
                    let elector = rest.get(first).copied();
                    let (electors, carriers) = rest.iter().partition(|node| Some(**node) == elector);
                    let lapses = [None, Some(Lapse::Alone)].into_iter();
                    let lapses = lapses.chain(elector.map(|_| Some(Lapse::Relieved)));
                    for (stops, early) in [false, true]
                        .into_iter()
                        .flat_map(|stops| lapses.clone().map(move |early| (stops, early)))
                    {
                        let attack = Attack {
                            leader,
                            challenger,
                            voter: *voter,
                            electors: Vec::clone(&electors),
                            carriers: Vec::clone(&carriers),
                            stops,
                            early,
                        };
                        if !stops || attack.has_stops(setup) {
                            found.push(attack);
                        }
                    }
                }
            }
        }
    }
    Ok(found)
}

/// Deadline form: does it do harm when this leader's wall clock is set back within its lease? Not to voters that count by
/// their wall clocks. Against voters that restart the lease is longer by the step, but not longer than its monotonic clocks
/// say: so a step uses up a declared error, or hides a suspend that the raw clock does not count.
fn may_be_set_back_within(setup: &Setup, node: usize) -> bool {
    let any = |wanted: &dyn Fn(Harm) -> bool| setup.faults.iter().any(|fault| wanted(harm(fault)));
    let spec = &setup.nodes[node];
    let hidden = spec.clock.stamp == StampSource::Raw
        && any(&|harm| harm == Harm::Stops { node, clocks: Frozen::Raw });
    spec.lease.form == LeaseForm::Deadline
        && any(&|harm| matches!(harm, Harm::WallSet { node: set, by_ns } if set == node && by_ns < 0))
        && any(&|harm| matches!(harm, Harm::Restarts { .. }))
        && (hidden || spec.clock.wall_error > Span::ZERO)
}

impl Attack {
    fn has_stops(&self, setup: &Setup) -> bool {
        self.crash(setup).is_some() || self.pause(setup).is_some() || self.missed(setup).next().is_some()
    }

    /// How long the voter is down after it has acknowledged the round, ns.
    pub fn crash(&self, setup: &Setup) -> Option<u64> {
        let mut downs = setup.faults.iter().filter(|_| self.stops).filter_map(|fault| {
            if let Harm::Restarts { node, down } = harm(fault)
                && node == self.voter
            {
                down.map(Span::as_nanos)
            } else {
                None
            }
        });
        downs.next()
    }

    /// How long acknowledgements wait at the leader, ns. It does harm only where they prolong a lease.
    pub fn pause(&self, setup: &Setup) -> Option<u64> {
        let counts = self.stops && setup.rules == FROM_ACKNOWLEDGEMENT;
        let mut pauses = setup.faults.iter().filter(|_| counts).filter_map(|fault| {
            let stands_still = Harm::Stops { node: self.leader, clocks: Frozen::None };
            fault.lasts.filter(|_| harm(fault) == stands_still)
        });
        pauses.next().map(Span::as_nanos)
    }

    /// The places of the faults that stop some of the leader's clocks for a while.
    pub fn missed<'a>(&'a self, setup: &'a Setup) -> impl Iterator<Item = usize> + 'a {
        let stops = setup.faults.iter().enumerate().filter(|(_, fault)| {
            let clocks = [Frozen::Raw, Frozen::All];
            self.stops
                && fault.lasts.is_some()
                && clocks
                    .iter()
                    .any(|clocks| harm(fault) == Harm::Stops { node: self.leader, clocks: *clocks })
        });
        stops.map(|(place, _)| place)
    }

    /// The places of the steps that do harm: the voter's forward, the leader's back.
    pub fn steps<'a>(&'a self, setup: &'a Setup) -> impl Iterator<Item = usize> + 'a {
        let harmful = setup.faults.iter().enumerate().filter(|(_, fault)| {
            matches!(harm(fault), Harm::WallSet { node, by_ns }
                if (node == self.voter && by_ns > 0) || (node == self.leader && by_ns < 0))
        });
        harmful.map(|(place, _)| place)
    }

    /// How long a message takes from one node to another, ns: the least that the scenario allows, but for
    /// acknowledgements that prolong a lease, which take the most.
    pub fn delay(&self, setup: &Setup, from: usize, to: usize) -> u64 {
        let link = setup.network.links.iter().find(|link| (link.from, link.to) == (from, to));
        let delay = link.and_then(|link| link.delay).unwrap_or(setup.network.delay);
        let acknowledges = to == self.leader && (from == self.voter || self.carriers.contains(&from));
        if acknowledges && setup.rules == FROM_ACKNOWLEDGEMENT { most(delay) } else { least(delay) }
    }

    /// Is theory prepared for this setup's rules?
    pub fn rules_covered(setup: &Setup) -> bool {
        [rules::SOUND, FROM_ACKNOWLEDGEMENT, RESTART_FORGETS].contains(&setup.rules.as_str())
    }
}

/// The shortest delay, ns. A log-normal one has no shortest but zero.
pub fn least(delay: Delay) -> u64 {
    match delay {
        Delay::Fixed(span) => span.as_nanos(),
        Delay::Uniform { least, .. } => least.as_nanos(),
        Delay::LogNormal { .. } => 0,
    }
}

/// The longest delay, ns.
pub fn most(delay: Delay) -> u64 {
    match delay {
        Delay::Fixed(span) => span.as_nanos(),
        Delay::Uniform { most, .. } | Delay::LogNormal { most, .. } => most.as_nanos(),
    }
}
