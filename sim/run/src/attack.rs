//! The schedule that does the most harm to a lease, as far as is known: who does what in it.
//!
//! The old leader's lease rests on one round. The *voters* acknowledged it and vote for the challenger: every electing
//! majority needs one of an odd number of nodes, and two of an even one. *Carriers* acknowledged it and vote for nobody.
//! The challenger and its *electors* were cut off from the leader before, so that nothing binds them any more. A voter
//! may be the challenger itself. Requests reach the voters before their promises are over, while their processes stand
//! still. From then on everything takes its least delay, and the first append takes the quickest quorum.
//!
//! Where the voters are free for a moment while the leader still leads, their pre-votes can be had *before* the round: they
//! lie at the challenger, which stands still, and the vote itself is what reaches a voter when its promise is over. With
//! electors at hand that can always be arranged for one voter: they take its place among the carriers until it is free.
//!
//! `docs/ideas/thresholds.md` derives it. [`crate::theory::bound`] computes what follows from it; `adversary` in
//! leasehold-lab makes runs of it. Neither knows the other.

use std::collections::BTreeSet;

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use crate::faults::{self, Frozen, Harm, harm};
use crate::rules;
use crate::setup::{Action, Delay, FaultSpec, Setup, StampSource};

/// The rules that count a lease from the acknowledgement.
pub const FROM_ACKNOWLEDGEMENT: &str = "lease-from-acknowledgement";
/// The rules by which a restart forgets a promise.
pub const RESTART_FORGETS: &str = "restart-forgets";

/// The largest cluster whose attacks are known, in voters.
pub const VOTERS_MAX: usize = 7;

/// Who does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attack {
    /// Has the lease.
    pub leader: usize,
    /// Is elected inside it.
    pub challenger: usize,
    /// Carry the lease and vote for the challenger, which may be one of them.
    pub voters: Vec<usize>,
    /// May vote for the challenger and carry nothing.
    pub electors: Vec<usize>,
    /// Carry the lease and vote for nobody.
    pub carriers: Vec<usize>,
    /// The scenario's stops of the leader, or its crashes of voters, are used.
    pub stops: bool,
    /// The leader's wall clock is set back after the round, a nanosecond before the read, and not before the round.
    pub back_within: bool,
    /// The pre-votes are granted before the round, and how the leader gets over that.
    pub early: Option<Lapse>,
}

/// How a leader goes on leading while the voters' promises lapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lapse {
    /// It hears no quorum, and has not given up yet when the voters are free.
    Alone,
    /// The electors acknowledge its rounds meanwhile. They grant their pre-votes when the voter is back.
    Relieved,
}

/// All attacks that a setup allows, or why none is known. Of attacks that differ in nodes only that are alike, the first.
pub fn attacks(setup: &Setup) -> Result<Vec<Attack>, &'static str> {
    let nodes = setup.cluster.voters;
    if setup.guest.is_some() {
        return Err("the adversary knows our own rules only, and a guest follows its own");
    }
    if nodes > VOTERS_MAX {
        return Err("the adversary knows clusters of up to seven voters only");
    }
    if let Some(why) = setup.faults.iter().find_map(faults::unknown_to_adversary) {
        return Err(why);
    }
    if let Some(why) = unknown_clocks(setup) {
        return Err(why);
    }
    let kinds = alike(setup);
    let leaders = match setup.cluster.first_leader {
        Some(first) => first..first + 1,
        None => 0..nodes,
    };
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for leader in leaders {
        for challenger in (0..nodes).filter(|node| *node != leader) {
            for (voters, electors, carriers) in casts(nodes, leader, challenger) {
                let shape = |of: &[usize]| {
                    let mut shape: Vec<usize> = of.iter().map(|node| kinds[*node]).collect();
                    shape.sort_unstable();
                    shape
                };
                let own = voters.contains(&challenger);
                let roles = [shape(&[leader]), shape(&[challenger]), shape(&voters), shape(&electors)];
                if !seen.insert((roles, own)) {
                    continue;
                }
                let cast = Attack {
                    leader,
                    challenger,
                    voters,
                    electors,
                    carriers,
                    stops: false,
                    back_within: false,
                    early: None,
                };
                found.extend(cast.ways(setup));
            }
        }
    }
    Ok(found)
}

/// Why nothing is known of a setup with such clocks: a node counts lengths on a wall clock, which may be set at any time; or
/// a machine is suspended while its boottime clock is slower than its raw clock, and its lease ends by one or the other.
pub(crate) fn unknown_clocks(setup: &Setup) -> Option<&'static str> {
    if setup.nodes.iter().any(|node| node.clock.stamp == StampSource::Wall) {
        return Some("a node counts lengths of time on its wall clock");
    }
    let suspended = |fault: &FaultSpec| match harm(fault) {
        Harm::Stops { node, clocks: Frozen::Raw } => {
            let clock = &setup.nodes[node].clock;
            clock.slew_ppb < 0 && clock.stamp == StampSource::Both
        }
        Harm::Stops { .. }
        | Harm::None
        | Harm::WallSet { .. }
        | Harm::Unvouched { .. }
        | Harm::Restarts { .. }
        | Harm::NoFormula => false,
    };
    let any = setup.faults.iter().any(suspended);
    any.then_some("a machine is suspended while its boottime clock is slewed to run slower")
}

/// Who may be voter, elector and carrier, beside that leader and that challenger.
fn casts(nodes: usize, leader: usize, challenger: usize) -> Vec<(Vec<usize>, Vec<usize>, Vec<usize>)> {
    let majority = nodes / 2 + 1;
    let others: Vec<usize> = (0..nodes).filter(|node| ![leader, challenger].contains(node)).collect();
    let mut found = Vec::new();
    // A bit for each of the others, the last one for the challenger.
    for carry in 0_u32..1 << (others.len() + 1) {
        if carry.count_ones() as usize != majority - 1 {
            continue;
        }
        let carries = |place: usize| carry & (1 << place) != 0;
        let own = carries(others.len());
        for vote in 0_u32..1 << others.len() {
            if vote & !carry != 0 {
                continue;
            }
            let votes = |place: usize| vote & (1 << place) != 0;
            let of = |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
                let places = (0..others.len()).filter(|place| wanted(*place));
                places.map(|place| others[place]).collect()
            };
            let mut voters = of(&votes);
            let electors = of(&|place| !carries(place));
            let carriers = of(&|place| carries(place) && !votes(place));
            // A majority with the challenger, which votes for itself.
            if voters.len() + electors.len() + 1 < majority {
                continue;
            }
            if own {
                voters.push(challenger);
            }
            if !voters.is_empty() {
                found.push((voters, electors, carriers));
            }
        }
    }
    found
}

/// For each voting node the first one that is like it: the setup stays the same when the two are exchanged.
fn alike(setup: &Setup) -> Vec<usize> {
    let nodes = setup.cluster.voters;
    let like = |one: usize, two: usize| {
        let exchanged = |node: usize| match node {
            node if node == one => two,
            node if node == two => one,
            node => node,
        };
        let (a, b) = (&setup.nodes[one], &setup.nodes[two]);
        let same = (&a.clock, &a.lease, a.disk_sync, a.answer_time)
            == (&b.clock, &b.lease, b.disk_sync, b.answer_time);
        let all = setup.nodes.len();
        let mut links = (0..all).flat_map(|from| (0..all).map(move |to| (from, to)));
        let delay = |from, to| link_delay(setup, from, to);
        let harms = |of: &dyn Fn(usize) -> usize| {
            let mut harms: Vec<String> = setup
                .faults
                .iter()
                .filter(|fault| harm(fault) != Harm::None || matches!(fault.action, Action::Restart { .. }))
                .map(|fault| {
                    let action = faults::renumbered(&fault.action, &|node| Some(of(node)));
                    format!("{:?} {action:?}", fault.lasts)
                })
                .collect();
            harms.sort_unstable();
            harms
        };
        same && links.all(|(from, to)| from == to || delay(from, to) == delay(exchanged(from), exchanged(to)))
            && harms(&|node| node) == harms(&exchanged)
    };
    let mut kinds: Vec<usize> = Vec::new();
    for node in 0..nodes {
        let kind = (0..node).find(|other| kinds[*other] == *other && like(*other, node));
        kinds.push(kind.unwrap_or(node));
    }
    kinds
}

fn link_delay(setup: &Setup, from: usize, to: usize) -> Delay {
    let link = setup.network.links.iter().find(|link| (link.from, link.to) == (from, to));
    link.and_then(|link| link.delay).unwrap_or(setup.network.delay)
}

impl Attack {
    /// The same cast, with and without stops and early pre-votes.
    fn ways(self, setup: &Setup) -> Vec<Attack> {
        let own = self.voters.contains(&self.challenger);
        let needed = 2 * (setup.cluster.voters / 2 + 1) - setup.cluster.voters;
        let mut lapses = vec![None];
        // A challenger that is bound must hear the leader after all. And more voters than needed only stand in for
        // electors that are slow, which is of no use where the electors' votes are there already.
        if !own && self.voters.len() == needed {
            lapses.push(Some(Lapse::Alone));
            if needed == 1 && !self.electors.is_empty() {
                lapses.push(Some(Lapse::Relieved));
            }
        }
        let mut ways = Vec::new();
        for (stops, back_within) in [(false, false), (false, true), (true, false), (true, true)] {
            for early in &lapses {
                let way = Attack { stops, back_within, early: *early, ..self.clone() };
                let restarts = way.voters.iter().any(|voter| way.crash(setup, *voter).is_some());
                let uses_stops = !stops
                    || restarts
                    || way.pause(setup).is_some()
                    || way.missed(setup).next().is_some()
                    || way.stalls(setup).next().is_some();
                let set_back = way.steps_back(setup).next().is_some();
                if uses_stops && (!back_within || set_back) {
                    ways.push(way);
                }
            }
        }
        ways
    }

    /// How long a voter is down after it has acknowledged the round, ns: the least that the scenario allows. The challenger
    /// stays up.
    pub fn crash(&self, setup: &Setup, voter: usize) -> Option<u64> {
        if voter == self.challenger {
            return None;
        }
        let restarted = |fault: &FaultSpec| matches!(fault.action, Action::Restart { node } if node == voter);
        let downs = setup.faults.iter().filter(|_| self.stops).filter_map(|fault| match harm(fault) {
            Harm::Restarts { node, down: Some(down) } if node == voter => Some(down.as_nanos()),
            // Another fault says when it is back, and may say so at once.
            Harm::Restarts { node, down: None } if node == voter && setup.faults.iter().any(restarted) => {
                Some(1)
            }
            Harm::Restarts { .. }
            | Harm::None
            | Harm::Stops { .. }
            | Harm::WallSet { .. }
            | Harm::Unvouched { .. }
            | Harm::NoFormula => None,
        });
        downs.min()
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
        let raw_counts = setup.nodes[self.leader].clock.stamp == StampSource::Raw;
        self.stops_of_leader(setup, move |clocks| match clocks {
            Frozen::All => true,
            Frozen::Raw => raw_counts,
            Frozen::None => false,
        })
    }

    /// The places of the faults that keep the leader from looking at its timers while its clocks count. They do harm to a
    /// leader whose lease outlasts its election timeout: it does not step down in time.
    pub fn stalls<'a>(&'a self, setup: &'a Setup) -> impl Iterator<Item = usize> + 'a {
        let holder = &setup.nodes[self.leader];
        let outlasts = holder.lease.effective() > holder.lease.election_timeout;
        let counts = outlasts && setup.rules != FROM_ACKNOWLEDGEMENT;
        let raw_counts = holder.clock.stamp == StampSource::Raw;
        self.stops_of_leader(setup, move |clocks| match clocks {
            Frozen::All => false,
            Frozen::Raw => counts && !raw_counts,
            Frozen::None => counts,
        })
    }

    fn stops_of_leader<'a>(
        &'a self,
        setup: &'a Setup,
        wanted: impl Fn(Frozen) -> bool + 'a,
    ) -> impl Iterator<Item = usize> + 'a {
        let stops = setup.faults.iter().enumerate().filter(move |(_, fault)| {
            self.stops
                && fault.lasts.is_some()
                && matches!(harm(fault), Harm::Stops { node, clocks } if node == self.leader && wanted(clocks))
        });
        stops.map(|(place, _)| place)
    }

    /// The places of the steps that do harm before the round: voters' forward, and the leader's back if it is to be then.
    pub fn steps<'a>(&'a self, setup: &'a Setup) -> impl Iterator<Item = usize> + 'a {
        let ahead = setup.faults.iter().enumerate().filter(|(_, fault)| {
            matches!(harm(fault), Harm::WallSet { node, by_ns } if by_ns > 0 && self.voters.contains(&node))
        });
        let back = self.steps_back(setup).filter(|_| !self.back_within);
        ahead.map(|(place, _)| place).chain(back)
    }

    /// The places of the steps that set the leader's wall clock back.
    pub fn steps_back<'a>(&'a self, setup: &'a Setup) -> impl Iterator<Item = usize> + 'a {
        let deadline = setup.nodes[self.leader].lease.form == LeaseForm::Deadline;
        let back = setup.faults.iter().enumerate().filter(move |(_, fault)| {
            deadline
                && matches!(harm(fault), Harm::WallSet { node, by_ns } if node == self.leader && by_ns < 0)
        });
        back.map(|(place, _)| place)
    }

    /// Who acknowledges the round that the lease rests on.
    pub fn acknowledging(&self) -> impl Iterator<Item = usize> + '_ {
        self.voters.iter().chain(&self.carriers).copied()
    }

    /// Voters other than the challenger.
    pub fn asked_voters(&self) -> impl Iterator<Item = usize> + '_ {
        self.voters.iter().copied().filter(|voter| *voter != self.challenger)
    }

    /// How long a message takes from one node to another, ns: the least that the scenario allows, but for
    /// acknowledgements that prolong a lease, which take the most.
    pub fn delay(&self, setup: &Setup, from: usize, to: usize) -> u64 {
        let delay = link_delay(setup, from, to);
        let acknowledges = to == self.leader && self.acknowledging().any(|node| node == from);
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
