//! The adversary: makes a run of an [`Attack`], with a real stale read in it if there can be one.
//!
//! What it keeps of a scenario: the cluster, the lease, the clocks, the ranges of delays, and of each fault what happens
//! and for how long. What it decides: which delay of a range, all jitter (none), nothing lost, when each fault happens
//! or whether it happens at all, partitions, pauses of processes, and who asks what when. The result is a plain setup
//! without a decision left in it, which is why the certificate can be written as a scenario file.
//!
//! The instants are not computed but found, by running what is known so far: the round's send, then the end of the
//! voter's promise, then the acknowledgement of the write. An early pre-vote needs a round and the end of its promise
//! before that. **Architecture Invariant:** no formula of a lease is used here.

use std::sync::Arc;

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use self::observers::{Freed, Round};
use leasehold_run::attack::{Attack, Lapse, attacks, least};
use leasehold_run::run::{Outcome, run, run_observed};
use leasehold_run::setup::{
    Action, ClientSpec, Delay, FaultSpec, LinkSpec, OperationKind, Pace, Setup, Target, Trigger,
};
use leasehold_run::watch::LeadershipChange;
use leasehold_world::Reply;

mod observers;

const BILLION: u128 = 1_000_000_000;
const SECOND: u64 = 1_000_000_000;

/// The clients, whose names are in alphabetical order, as those of a file are.
const WRITER: usize = 2;

/// The most harmful run that was found.
#[derive(Debug, Clone)]
pub struct Harm {
    /// Who did what in it.
    pub attack: Attack,
    /// It, without any decision left open.
    pub setup: Arc<Setup>,
    /// Its instants.
    pub instants: Instants,
    /// Stale reads in it.
    pub stale: usize,
    /// From the end of the old leader's lease to the first instant at which the new one could acknowledge a write, ns.
    pub margin: i64,
}

/// When things happen in a [`Harm`], in true nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Instants {
    /// The challenger is cut off from the leader.
    pub isolated: u64,
    /// An early pre-vote: the voter has the round before the last one, and hears nothing more of the leader for a while.
    pub lapsing: u64,
    /// An early pre-vote: the voter is free and grants it.
    pub lapsed: u64,
    /// An early pre-vote for which electors took the voter's place: they are free as well, and grant theirs.
    pub relieved: u64,
    /// The round that carries the lease is sent.
    pub round: u64,
    /// The voter hears nothing more of the leader.
    pub cut: u64,
    /// The voter's promise is over.
    pub free: u64,
    /// The writer knows that the new leader has its value.
    pub acknowledged: u64,
    /// The read is asked.
    pub asked: u64,
}

/// The run with a stale read, or else with the smallest margin. `None` when nobody could be elected inside a lease at all.
pub fn worst(setup: &Setup) -> Result<Option<Harm>, &'static str> {
    let mut worst: Option<Harm> = None;
    for attack in attacks(setup)? {
        let Some(harm) = Scheme::new(setup, attack).carry_out() else { continue };
        let badness = |harm: &Harm| (harm.stale == 0, harm.margin);
        if worst.as_ref().is_none_or(|worst| badness(&harm) < badness(worst)) {
            worst = Some(harm);
        }
    }
    Ok(worst)
}

/// An attack on a setup while it is worked out.
struct Scheme<'a> {
    from: &'a Setup,
    attack: Attack,
    /// The setup with every decision taken but for faults and clients.
    base: Setup,
    heartbeat: u64,
    /// Longer than any message takes.
    messages: u64,
    /// Longer than any promise lasts.
    promise: u64,
    instants: Instants,
}

impl Scheme<'_> {
    fn new(from: &Setup, attack: Attack) -> Scheme<'_> {
        let mut base = from.clone();
        base.cluster.first_leader = Some(attack.leader);
        base.timers.election_jitter = Span::ZERO;
        for node in &mut base.nodes {
            node.election_jitter = Span::ZERO;
        }
        let client = least(from.network.client_delay);
        base.network.delay = Delay::Fixed(Span::nanos(least(from.network.delay)));
        base.network.client_delay = Delay::Fixed(Span::nanos(client));
        (base.network.loss_ppm, base.network.duplicate_ppm) = (0, 0);
        let nodes = from.nodes.len();
        let pairs = (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to)));
        let delays: Vec<(usize, usize, u64)> = pairs
            .filter(|(sender, receiver)| sender != receiver)
            .map(|(sender, receiver)| (sender, receiver, attack.delay(from, sender, receiver)))
            .collect();
        let usual = least(from.network.delay);
        let differs = delays.iter().filter(|(_, _, delay)| *delay != usual);
        base.network.links = differs
            .map(|(from, to, delay)| LinkSpec {
                from: *from,
                to: *to,
                delay: Some(Delay::Fixed(Span::nanos(*delay))),
                loss_ppm: None,
                duplicate_ppm: None,
            })
            .collect();
        (base.faults, base.clients) = (Vec::new(), Vec::new());
        let longest = delays.iter().map(|(_, _, delay)| *delay).max().unwrap_or(0).max(client);
        let syncs = from.nodes.iter().map(|node| node.disk_sync + node.answer_time);
        let messages = longest + syncs.max().unwrap_or_default().as_nanos() + 1;
        let heartbeat = in_true_time(from.timers.heartbeat, from, attack.leader);
        let mut scheme =
            Scheme { from, attack, base, heartbeat, messages, promise: 0, instants: Instants::default() };
        scheme.promise = scheme.longest_promise();
        scheme
    }

    /// Longer than any promise lasts: clocks that lag behind the leader's prolong it in the deadline form.
    fn longest_promise(&self) -> u64 {
        let timeout = self.from.nodes[self.attack.leader].lease.election_timeout;
        let voters = 0..self.from.cluster.voters;
        let own = voters.clone().map(|node| in_true_time(timeout, self.from, node)).max().unwrap_or(0);
        if self.from.lease.form == LeaseForm::Elapsed {
            return own;
        }
        let ahead = self.from.nodes[self.attack.leader].clock.offset_ns;
        let behind = voters.map(|node| {
            let clock = &self.from.nodes[node].clock;
            u64::try_from(ahead - clock.offset_ns).unwrap_or(0) + 2 * clock.wall_error.as_nanos()
        });
        own + behind.max().unwrap_or(0)
    }

    fn carry_out(mut self) -> Option<Harm> {
        let leader_start = in_true_time(
            self.from.nodes[self.attack.leader].lease.election_timeout,
            self.from,
            self.attack.leader,
        );
        let led = leader_start + 16 * self.messages + 2 * self.heartbeat;
        self.instants.isolated = led + 4 * self.heartbeat + 8 * self.messages;
        // Until then the challenger's promise is over, and a step has shown in some rounds.
        let settled = self.instants.isolated + self.promise + 8 * self.heartbeat + 8 * self.messages;
        self.base.clients.push(self.client("first-writer", self.attack.leader, OperationKind::Write, led));

        let there = self.delay(self.attack.leader, self.attack.voter);
        let mut from = settled;
        if self.attack.early.is_some() {
            self.instants.lapsing = self.find_round(settled)? + there + 1;
            self.instants.lapsed =
                self.find_free(Stage::Lapsing, self.attack.voter, self.instants.lapsing)?;
            from = self.heard_again() + 1;
        }
        if let Some(elector) = self.relief() {
            self.instants.relieved = self.find_free(Stage::Lapsed, elector, self.asks_early() + 1)?;
            from = from.max(self.instants.relieved + self.messages);
        }
        self.instants.round = self.find_round(from)?;
        self.instants.cut = self.instants.round + there + 1;
        let down = self.attack.crash(self.from).unwrap_or(0);
        self.instants.free = self.find_free(Stage::Cut, self.attack.voter, self.instants.cut + down)?;

        let client = least(self.from.network.client_delay);
        let (challenger, leader) = (self.attack.challenger, self.attack.leader);
        let reader = self.client("reader", leader, OperationKind::Read, 0);
        // It comes after the challenger has given the old leader up, which it would forward the write to, and before it
        // is elected: the write goes out with the first entry of its term.
        let waits = (self.resumed() + 1).saturating_sub(client);
        let writer = self.client("writer", challenger, OperationKind::Write, waits);
        self.base.clients.extend([reader, writer]);
        // The read comes after everything while it is not known when the write is acknowledged.
        let mut setup = self.setup(Stage::Whole);
        let end = setup.duration.as_nanos();
        place(&mut setup.clients[1], end - 1);
        let outcome = run(&Arc::new(setup.clone()));
        let written = outcome.history.iter().find(|operation| operation.client == WRITER)?;
        let (acknowledged, Reply::Done) = written.completed? else { return None };
        self.instants.acknowledged = acknowledged;
        self.instants.asked = acknowledged + 1;
        if self.instants.asked + 1 < end {
            place(&mut setup.clients[1], self.instants.asked);
        }
        let setup = Arc::new(setup);
        let outcome = run(&setup);
        let margin = self.margin(&outcome)?;
        let stale = outcome.check.stale_reads.len();
        Some(Harm { attack: self.attack, setup, instants: self.instants, stale, margin })
    }

    fn margin(&self, outcome: &Outcome) -> Option<i64> {
        let ours = outcome.changes.iter().filter(|change| {
            change.new == self.attack.challenger
                && change.old.is_some_and(|(old, _)| old == self.attack.leader)
        });
        ours.filter_map(LeadershipChange::margin).min()
    }

    /// The send of the first round from then on.
    fn find_round(&self, from: u64) -> Option<u64> {
        let stage = if self.instants.lapsed == 0 { Stage::Isolated } else { Stage::Lapsed };
        let mut setup = self.setup(stage);
        setup.duration = Span::nanos(from + 4 * self.heartbeat + 2 * self.messages);
        let mut found = Round { leader: self.attack.leader, voter: self.attack.voter, from, sent: None };
        let _ = run_observed(&Arc::new(setup), &mut found);
        found.sent
    }

    /// When a node's promise is over. It gives none from `from` on.
    fn find_free(&self, stage: Stage, node: usize, from: u64) -> Option<u64> {
        let mut found = Freed { node, from, free: None };
        let _ = run_observed(&Arc::new(self.setup(stage)), &mut found);
        found.free
    }

    /// When the challenger goes on. What it asks then, the pre-vote or with an early one the vote, comes when the voter is
    /// free; or, where messages take no time, waits with the voter, which stands still and would else ask first itself.
    fn resumed(&self) -> u64 {
        let challenger = self.attack.challenger;
        let own_sync = match self.attack.early {
            Some(_) => self.from.nodes[challenger].disk_sync,
            None => Span::ZERO,
        };
        let mut way = self.delay(challenger, self.attack.voter) + own_sync.as_nanos();
        if self.attack.crash(self.from).is_none() {
            way = way.max(1);
        }
        self.instants.free.saturating_sub(way)
    }

    /// From when on the voter hears the leader again: what is sent later arrives after an early pre-vote was granted.
    fn heard_again(&self) -> u64 {
        let arrives = self.instants.lapsed + 1;
        let there = self.delay(self.attack.leader, self.attack.voter);
        arrives.saturating_sub(there).max(self.instants.lapsing + 1)
    }

    /// Who acknowledges rounds in the voter's place while its promise lapses. There is at most one elector.
    fn relief(&self) -> Option<usize> {
        self.attack.electors.first().copied().filter(|_| self.attack.early == Some(Lapse::Relieved))
    }

    /// When the challenger asks for an early pre-vote. From then on no elector hears the leader.
    fn asks_early(&self) -> u64 {
        self.instants.lapsed.saturating_sub(self.delay(self.attack.challenger, self.attack.voter).max(1))
    }

    fn delay(&self, from: usize, to: usize) -> u64 {
        self.attack.delay(self.from, from, to)
    }

    /// A client that asks once.
    fn client(&self, name: &str, node: usize, kind: OperationKind, at: u64) -> ClientSpec {
        let mut client = ClientSpec {
            target: Target::Node(node),
            operations: vec![kind],
            pace: Pace::Every(Delay::Fixed(Span::secs(1))),
            timeout: Span::secs(3_600),
            ..ClientSpec::new(name)
        };
        place(&mut client, at);
        client
    }

    /// The setup as far as it is known at a stage.
    fn setup(&self, stage: Stage) -> Setup {
        let mut setup = self.base.clone();
        let Attack { leader, challenger, voter, .. } = self.attack;
        let at = self.instants;
        let faults = &mut setup.faults;

        let bystanders = self.from.cluster.voters..self.from.nodes.len();
        let mut apart: Vec<usize> = [&[challenger], &self.attack.electors[..]].concat();
        apart.extend(bystanders);
        let bound: Vec<usize> = apart.iter().copied().filter(|node| Some(*node) != self.relief()).collect();
        faults.push(fault(at.isolated, None, Action::Partition { between: vec![vec![leader], bound] }));
        if !self.attack.carriers.is_empty() {
            let others = [&apart[..], &[voter]].concat();
            let between = vec![self.attack.carriers.clone(), others];
            faults.push(fault(at.isolated, None, Action::Partition { between }));
        }
        if !self.attack.electors.is_empty() {
            let between = vec![self.attack.electors.clone(), vec![voter]];
            faults.push(fault(at.isolated, None, Action::Partition { between }));
        }
        for place in self.attack.steps(self.from) {
            let action = self.from.faults[place].action.clone();
            faults.push(fault(at.isolated + self.heartbeat, None, action));
        }
        if self.attack.early.is_some() && stage >= Stage::Lapsing {
            let lasts = (stage > Stage::Lapsing).then(|| self.heard_again() - at.lapsing);
            faults.push(fault(at.lapsing, lasts, Action::Cut { from: vec![leader], to: vec![voter] }));
        }
        // Who stands still, from when, until when where that is known.
        let mut stands_still = Vec::new();
        let mut challenger_since = at.isolated + 1;
        if let Some(elector) = self.relief().filter(|_| stage >= Stage::Lapsed) {
            // The request for its pre-vote waits with it until it is free.
            let between = vec![vec![leader], vec![elector]];
            faults.push(fault(self.asks_early(), None, Action::Partition { between }));
            let until = (at.relieved > 0).then_some(at.relieved);
            stands_still.push((elector, self.asks_early(), until));
        }
        if self.attack.early.is_some() && stage >= Stage::Lapsed {
            stands_still.push((voter, at.lapsing, Some(at.lapsed)));
            stands_still.push((challenger, challenger_since, Some(self.asks_early())));
            challenger_since = self.asks_early() + 1;
            if stage < Stage::Whole {
                stands_still.push((challenger, challenger_since, None));
            }
        }
        if stage >= Stage::Cut {
            faults.push(fault(at.cut, None, Action::Cut { from: vec![leader], to: vec![voter] }));
            self.stop(faults);
        }
        if stage == Stage::Whole {
            if self.attack.crash(self.from).is_none() {
                stands_still.push((voter, at.cut, Some(at.free)));
            }
            let until = self.resumed().max(challenger_since + 1);
            stands_still.push((challenger, challenger_since, Some(until)));
        }
        for (node, from, until) in stands_still {
            let lasts = until.map(|until| until.saturating_sub(from));
            if lasts != Some(0) {
                faults.push(fault(from, lasts, Action::Pause { node }));
            }
        }
        // As a person would write them down.
        faults.sort_by_key(|fault| fault.trigger.earliest());
        let stops: u64 = self.from.faults.iter().filter_map(|fault| fault.lasts).map(Span::as_nanos).sum();
        let end = at.round.max(at.isolated) + 2 * self.promise + stops + 64 * self.messages + SECOND;
        setup.duration = Span::nanos(end);
        setup
    }

    /// What stops the leader or the voter once the lease is renewed, one after another.
    fn stop(&self, faults: &mut Vec<FaultSpec>) {
        let Attack { leader, voter, .. } = self.attack;
        if let Some(down) = self.attack.crash(self.from) {
            faults.push(fault(self.instants.cut, Some(down), Action::Crash { node: voter }));
        }
        let carriers = self.attack.carriers.iter().chain([&voter]);
        let round_trips = carriers.map(|node| self.delay(leader, *node) + self.delay(*node, leader));
        // At this instant the acknowledgement arrives; a fault that was planned comes before it.
        let mut at = self.instants.round + round_trips.max().unwrap_or(0);
        if let Some(pause) = self.attack.pause(self.from) {
            faults.push(fault(at, Some(pause), Action::Pause { node: leader }));
        }
        for place in self.attack.missed(self.from) {
            let FaultSpec { lasts, action, .. } = &self.from.faults[place];
            let lasts = lasts.map_or(0, Span::as_nanos);
            faults.push(fault(at + 1, Some(lasts), action.clone()));
            at += 1 + lasts;
        }
    }
}

/// How much of the schedule is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The challenger is cut off, the steps have happened.
    Isolated,
    /// The voter hears nothing of the leader until it is free.
    Lapsing,
    /// It has granted an early pre-vote and hears the leader again.
    Lapsed,
    /// The lease's last round is known.
    Cut,
    /// All of it but the read.
    Whole,
}

fn fault(at: u64, lasts: Option<u64>, action: Action) -> FaultSpec {
    let trigger = Trigger::At(Span::nanos(at));
    FaultSpec { trigger, after: Span::ZERO, lasts: lasts.map(Span::nanos), action }
}

/// Lets a client ask at that instant, once.
fn place(client: &mut ClientSpec, at: u64) {
    client.start = Span::nanos(at);
    client.stop = Some(Span::nanos(at + 1));
}

/// The true time in which a node's clock surely measures that.
fn in_true_time(length: Span, setup: &Setup, node: usize) -> u64 {
    let rate = BILLION.saturating_add_signed(i128::from(setup.nodes[node].clock.rate_ppb)).max(1);
    u64::try_from(u128::from(length.as_nanos()) * BILLION / rate + 1).unwrap_or(u64::MAX / 16)
}
