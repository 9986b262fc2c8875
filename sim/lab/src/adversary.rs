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

use leasehold::raft::Timer;
use leasehold::time::Span;
use rayon::prelude::*;

use self::observers::{Elected, Ends, Freed, Round};
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
    /// The challenger is cut off from the leader, unless it is to acknowledge the round.
    pub isolated: u64,
    /// An early pre-vote: the round that binds the voters before the last one is sent. Then they hear nothing of the leader
    /// for a while.
    pub lapsing: u64,
    /// An early pre-vote: the last voter is free and grants it.
    pub lapsed: u64,
    /// An early pre-vote: the round is sent that the voters hear again.
    pub heard: u64,
    /// An early pre-vote for which electors took the voter's place: they are free as well, and grant theirs.
    pub relieved: u64,
    /// The round that carries the lease is sent.
    pub round: u64,
    /// The last voter's promise is over.
    pub free: u64,
    /// The challenger is elected. Found only where carriers wait for it.
    pub elected: u64,
    /// The writer knows that the new leader has its value.
    pub acknowledged: u64,
    /// The read is asked.
    pub asked: u64,
}

/// The run with a stale read, or else with the smallest margin. `None` when nobody could be elected inside a lease at all.
pub fn worst(setup: &Setup) -> Result<Option<Harm>, &'static str> {
    Ok(worst_of(setup, attacks(setup)?))
}

/// The worst of these attacks; of equals the first.
pub fn worst_of(setup: &Setup, attacks: Vec<Attack>) -> Option<Harm> {
    let harms: Vec<Option<Harm>> =
        attacks.into_par_iter().map(|attack| Scheme::new(setup, attack).carry_out()).collect();
    harms.into_iter().flatten().min_by_key(|harm| (harm.stale == 0, harm.margin))
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
    /// When each voter's promise is over that lapses before the round, in the order of the voters.
    lapses: Vec<u64>,
    /// When each voter's promise to the last round is over, in the order of the voters.
    frees: Vec<u64>,
    /// When the challenger's own election timer goes off, if it is a voter.
    own_start: u64,
    /// Stops of the leader that keep it from stepping down: from when on, how long, and which fault.
    stalls: Vec<(u64, u64, usize)>,
}

/// What the challenger does in the end, and when.
struct Plan {
    /// It goes on, and asks for votes, or for pre-votes where it has none yet.
    asks: u64,
    /// Then it stands still from here to there, so that no answer comes too late for its patience.
    waits: Option<(u64, u64)>,
    /// When votes are asked for by the answers that it waits for, or when it has them.
    answered: u64,
}

impl Scheme<'_> {
    fn new(from: &Setup, attack: Attack) -> Scheme<'_> {
        let mut base = from.clone();
        base.cluster.first_leader = Some(attack.leader);
        base.timers.election_jitter = Span::ZERO;
        for node in &mut base.nodes {
            (node.election_jitter, node.election_jitter_least) = (Span::ZERO, Span::ZERO);
        }
        if attack.voters.contains(&attack.challenger) {
            // It campaigns by itself, as soon as it may.
            let node = &from.nodes[attack.challenger];
            let least = node.election_jitter_least.min(node.election_jitter);
            let own = &mut base.nodes[attack.challenger];
            (own.election_jitter, own.election_jitter_least) = (least, least);
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
        let timeout = from.nodes[attack.leader].lease.election_timeout;
        let promises = (0..from.cluster.voters).map(|node| in_true_time(timeout, from, node));
        Scheme {
            promise: promises.max().unwrap_or(0),
            from,
            attack,
            base,
            heartbeat,
            messages,
            instants: Instants::default(),
            lapses: Vec::new(),
            frees: Vec::new(),
            own_start: 0,
            stalls: Vec::new(),
        }
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

        let mut from = settled;
        if self.attack.early.is_some() {
            self.instants.lapsing = self.find_round(Stage::Isolated, settled, true)?;
            self.lapses = self.find_free(Stage::Lapsing, self.bound_since(self.instants.lapsing))?;
            self.instants.lapsed = self.lapses.iter().copied().max()?;
            self.instants.heard = self.find_round(Stage::Lapsed, self.heard_again(), false)?;
            from = self.instants.heard;
        }
        if self.attack.early == Some(Lapse::Relieved) {
            let since = self.asks_early() + 1;
            let electors = self.attack.electors.iter().map(|elector| (*elector, since)).collect();
            self.instants.relieved = self.find_free(Stage::Heard, electors)?.into_iter().max()?;
            from = from.max(self.instants.relieved + self.messages);
        }
        let stage = if self.attack.early.is_some() { Stage::Heard } else { Stage::Isolated };
        self.instants.round = self.find_round(stage, from, true)?;
        let mut bound = self.bound_since(self.instants.round);
        for (voter, since) in &mut bound {
            *since += self.attack.crash(self.from, *voter).unwrap_or(0);
        }
        self.frees = self.find_free(Stage::Cut, bound)?;
        self.instants.free = self.frees.iter().copied().max()?;
        if self.own() {
            self.own_start = self.find_own_start()?;
        }
        self.find_stalls();
        let client = least(self.from.network.client_delay);
        let (challenger, leader) = (self.attack.challenger, self.attack.leader);
        let reader = self.client("reader", leader, OperationKind::Read, 0);
        // It comes after the challenger has given the old leader up, which it would forward the write to, and before it
        // is elected: the write goes out with the first entry of its term.
        let waits = (self.plan().asks + 1).saturating_sub(client);
        let writer = self.client("writer", challenger, OperationKind::Write, waits);
        self.base.clients.extend([reader, writer]);
        if !self.attack.carriers.is_empty() {
            let mut found = Elected { node: challenger, from: self.instants.round, at: None };
            let mut setup = self.setup(Stage::Whole);
            let end = setup.duration.as_nanos();
            place(&mut setup.clients[1], end - 1);
            let _ = run_observed(&Arc::new(setup), &mut found);
            self.instants.elected = found.at?;
        }
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
            if self.attack.back_within {
                let before_read = self.instants.asked + client - 1;
                for place in self.attack.steps_back(self.from) {
                    setup.faults.push(fault(before_read, None, self.from.faults[place].action.clone()));
                }
                setup.faults.sort_by_key(|fault| fault.trigger.earliest());
            }
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

    /// Does the challenger carry the lease itself?
    fn own(&self) -> bool {
        self.attack.voters.contains(&self.attack.challenger)
    }

    /// Since when each voter hears nothing more of the leader, if that round is the last that it hears.
    fn bound_since(&self, round: u64) -> Vec<(usize, u64)> {
        let cut = |voter: &usize| (*voter, round + self.delay(self.attack.leader, *voter) + 1);
        self.attack.voters.iter().map(cut).collect()
    }

    /// How long a round and its acknowledgement take.
    fn round_trip(&self, node: usize) -> u64 {
        self.delay(self.attack.leader, node) + self.delay(node, self.attack.leader)
    }

    /// The send of the first round from then on; `asking`: of those that ask for promises.
    fn find_round(&self, stage: Stage, from: u64, asking: bool) -> Option<u64> {
        let mut setup = self.setup(stage);
        setup.duration = Span::nanos(from + 4 * self.heartbeat + 4 * self.messages);
        let voter = *self.attack.voters.first()?;
        let mut found = Round { leader: self.attack.leader, voter, from, asking, sent: None };
        let _ = run_observed(&Arc::new(setup), &mut found);
        found.sent
    }

    /// When the promises of these nodes are over, each of which gives none from an instant on.
    fn find_free(&self, stage: Stage, nodes: Vec<(usize, u64)>) -> Option<Vec<u64>> {
        let mut found = Freed { free: vec![None; nodes.len()], nodes };
        let _ = run_observed(&Arc::new(self.setup(stage)), &mut found);
        found.free.into_iter().collect()
    }

    /// When the challenger, which acknowledged the round itself, campaigns by itself.
    fn find_own_start(&self) -> Option<u64> {
        let since = self.instants.round + self.delay(self.attack.leader, self.attack.challenger) + 1;
        let mut found = Ends::of_timer(self.attack.challenger, since, Timer::Election);
        let _ = run_observed(&Arc::new(self.setup(Stage::Cut)), &mut found);
        let place = self.attack.voters.iter().position(|voter| *voter == self.attack.challenger)?;
        Some(found.timer?.max(self.frees[place]))
    }

    /// Places the stops that keep a leader from stepping down. The last one ends when the lease does, or begins just before
    /// the leader would step down.
    fn find_stalls(&mut self) {
        let faults: Vec<usize> = self.attack.stalls(self.from).collect();
        if faults.is_empty() {
            return;
        }
        let settled = self.stops_over() + 1;
        let mut found = Ends::of_timer(self.attack.leader, settled, Timer::QuorumCheck);
        let _ = run_observed(&Arc::new(self.setup(Stage::Cut)), &mut found);
        let (Some(down), Some(over)) = (found.timer, found.lease) else { return };
        let lasts = |place: &usize| self.from.faults[*place].lasts.map_or(0, Span::as_nanos);
        let round = self.instants.round;
        let faults: Vec<usize> =
            faults.into_iter().filter(|place| lasts(place) + round + 2 <= over).collect();
        let all: u64 = faults.iter().map(lasts).sum();
        let mut until = (over - 1).min((down - 1).saturating_add(all));
        for place in faults {
            let lasts = lasts(&place);
            let from = until.saturating_sub(lasts).max(round + 1);
            self.stalls.push((from, lasts, place));
            // Each ends when the one before begins.
            until = from;
        }
    }

    /// When the challenger acts in the end.
    fn plan(&self) -> Plan {
        let challenger = self.attack.challenger;
        let sync = |node: usize| self.from.nodes[node].disk_sync.as_nanos();
        let (own_sync, to) = (sync(challenger), |node: usize| self.delay(challenger, node));
        let back = |node: usize| self.delay(node, challenger);
        let majority = self.from.cluster.voters / 2 + 1;
        let frees = self.attack.voters.iter().zip(&self.frees).filter(|(voter, _)| **voter != challenger);
        let electors = self.attack.electors.iter().copied();
        if self.own() {
            let asks = self.own_start;
            let grants = frees.map(|(voter, free)| (asks + to(*voter)).max(*free) + back(*voter));
            let grants = grants.chain(electors.map(|elector| asks + to(elector) + back(elector)));
            let answered = nth(grants, majority - 2).unwrap_or(asks);
            let waits = (answered > asks + self.heartbeat / 2).then_some((asks + 1, answered));
            return Plan { asks, waits, answered };
        }
        // What is asked comes when a voter is free; or, where messages take no time, waits with the voter, which stands
        // still and would else ask first itself.
        let asked_sync = if self.attack.early.is_some() { own_sync } else { 0 };
        let latest = frees.clone().map(|(voter, free)| free.saturating_sub((to(*voter) + asked_sync).max(1)));
        let latest = latest.min().unwrap_or(0);
        // Each voter stands still by then.
        let earliest = self.bound_since(self.instants.round).into_iter().map(|(voter, since)| {
            let down = self.attack.crash(self.from, voter).map_or(0, |down| down + 1);
            (since + down + 1).saturating_sub(to(voter) + asked_sync)
        });
        let earliest = earliest.max().unwrap_or(0);
        let vote_sync = |node: usize| if self.attack.early.is_some() { sync(node) } else { 0 };
        let answers = frees.map(|(voter, free)| free + vote_sync(*voter) + back(*voter));
        let needed = (majority - 1).saturating_sub(self.attack.electors.len());
        let answered = nth(answers, needed.saturating_sub(1)).unwrap_or(0);
        let answer = |elector: usize| asked_sync + to(elector) + vote_sync(elector) + back(elector);
        let slowest = electors.map(answer).max().unwrap_or(0);
        let asks = latest.min(answered.saturating_sub(slowest)).max(earliest);
        let answered = answered.max(asks + slowest);
        let patient = asks == latest && answered < asks + asked_sync + self.heartbeat / 2;
        Plan { asks, waits: (!patient).then_some((asks + asked_sync + 1, answered)), answered }
    }

    /// From when on the voters hear the leader again: what is sent then finds all of them free.
    fn heard_again(&self) -> u64 {
        let there = self.attack.voters.iter().map(|voter| self.delay(self.attack.leader, *voter));
        let sent = (self.instants.lapsed + 1).saturating_sub(there.min().unwrap_or(0));
        sent.max(self.instants.lapsing + 1)
    }

    /// When the challenger asks for an early pre-vote. From then on no elector hears the leader.
    fn asks_early(&self) -> u64 {
        let voters = self.attack.voters.iter().zip(&self.lapses);
        let asks = voters
            .map(|(voter, free)| free.saturating_sub(self.delay(self.attack.challenger, *voter).max(1)));
        asks.min().unwrap_or(0)
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
        // Who stands still, from when, until when where that is known.
        let mut still: Vec<(usize, u64, Option<u64>)> = Vec::new();
        self.separate(stage, &mut setup.faults);
        for place in self.attack.steps(self.from) {
            let action = self.from.faults[place].action.clone();
            setup.faults.push(fault(self.instants.isolated + self.heartbeat, None, action));
        }
        let since = self.lapse(stage, &mut setup.faults, &mut still);
        if stage >= Stage::Cut {
            self.cut(&mut setup.faults);
            self.stop(&mut setup.faults);
        }
        if stage == Stage::Whole {
            self.elect(since, &mut setup.faults, &mut still);
        }
        for (node, from, until) in still {
            let lasts = until.map(|until| until.saturating_sub(from));
            if lasts != Some(0) {
                setup.faults.push(fault(from, lasts, Action::Pause { node }));
            }
        }
        // As a person would write them down.
        setup.faults.sort_by_key(|fault| fault.trigger.earliest());
        let stops: u64 = self.from.faults.iter().filter_map(|fault| fault.lasts).map(Span::as_nanos).sum();
        let at = self.instants;
        let known =
            [at.isolated, at.lapsing, at.lapsed, at.heard, at.relieved, at.round, at.free, self.own_start];
        let latest = known.into_iter().max().unwrap_or(0);
        let end = latest + 2 * self.promise + stops + 64 * self.messages + 4 * self.heartbeat + SECOND;
        setup.duration = Span::nanos(end);
        setup
    }

    /// Who hears nothing of whom from the beginning on.
    fn separate(&self, stage: Stage, faults: &mut Vec<FaultSpec>) {
        let Attack { leader, challenger, .. } = self.attack;
        let at = self.instants;
        let bystanders = self.from.cluster.voters..self.from.nodes.len();
        let relieve = self.attack.early == Some(Lapse::Relieved);
        let mut apart: Vec<usize> = Vec::new();
        apart.extend((!self.own()).then_some(challenger));
        apart.extend(self.attack.electors.iter().filter(|_| !relieve));
        apart.extend(bystanders.clone());
        let separate = |at, lasts, one: Vec<usize>, two: Vec<usize>| {
            fault(at, lasts, Action::Partition { between: vec![one, two] })
        };
        if !apart.is_empty() {
            faults.push(separate(at.isolated, None, vec![leader], apart));
        }
        let voters: Vec<usize> = self.attack.asked_voters().collect();
        if !self.attack.carriers.is_empty() {
            // Once the challenger is elected, they may store its first entry.
            let lasts = (stage == Stage::Whole && at.elected > 0).then(|| at.elected - at.isolated);
            let others = [&[challenger], &self.attack.electors[..], &voters[..]].concat();
            let others = others.into_iter().chain(bystanders).collect();
            faults.push(separate(at.isolated, lasts, self.attack.carriers.clone(), others));
        }
        // Nobody is elected but the challenger.
        let groups: Vec<Vec<usize>> =
            self.attack.electors.iter().chain(&voters).map(|node| vec![*node]).collect();
        if groups.len() > 1 {
            faults.push(fault(at.isolated, None, Action::Partition { between: groups }));
        }
        if self.own() && !self.attack.electors.is_empty() {
            // Nor does it campaign between two rounds, where its promise is shorter than a heartbeat.
            let lasts = (stage >= Stage::Cut).then(|| at.round - at.isolated);
            faults.push(separate(at.isolated, lasts, vec![challenger], self.attack.electors.clone()));
        }
    }

    /// An early pre-vote: voters hear nothing until they are free, grant it, and stand still until they hear the leader again.
    /// Gives the instant from which on the challenger stands still.
    fn lapse(
        &self,
        stage: Stage,
        faults: &mut Vec<FaultSpec>,
        still: &mut Vec<(usize, u64, Option<u64>)>,
    ) -> u64 {
        let Attack { leader, challenger, .. } = self.attack;
        let at = self.instants;
        let since = at.isolated + 1;
        if self.attack.early.is_none() || stage < Stage::Lapsing {
            return since;
        }
        let cut = |at, lasts, from, to| fault(at, lasts, Action::Cut { from: vec![from], to: vec![to] });
        for (place, (voter, bound)) in self.bound_since(at.lapsing).into_iter().enumerate() {
            let lasts = (stage > Stage::Lapsing).then(|| self.heard_again().saturating_sub(bound).max(1));
            faults.push(cut(bound, lasts, leader, voter));
            // Its own campaign, which it may begin at once, does not reach the leader: that one would let it pass.
            let acknowledged = at.lapsing + self.round_trip(voter) + 1;
            if stage == Stage::Lapsing {
                faults.push(cut(acknowledged, None, voter, leader));
                continue;
            }
            let free = self.lapses[place];
            if free + 1 > acknowledged {
                faults.push(cut(acknowledged, Some(free + 1 - acknowledged), voter, leader));
            }
            still.push((voter, bound, Some(free)));
            let heard = (stage > Stage::Lapsed).then(|| at.heard + self.delay(leader, voter));
            still.push((voter, free + 1, heard));
        }
        if stage == Stage::Lapsing {
            return since;
        }
        let asks = self.asks_early();
        if self.attack.early == Some(Lapse::Relieved) {
            // The request for an elector's pre-vote waits with it until it is free.
            let between = vec![vec![leader], self.attack.electors.clone()];
            faults.push(fault(asks, None, Action::Partition { between }));
            let until = (at.relieved > 0).then_some(at.relieved);
            still.extend(self.attack.electors.iter().map(|elector| (*elector, asks, until)));
        }
        still.push((challenger, since, Some(asks)));
        if stage < Stage::Whole {
            still.push((challenger, asks + 1, None));
        }
        asks + 1
    }

    /// After the round that the lease rests on, those who acknowledged it and the leader hear nothing more of each other.
    fn cut(&self, faults: &mut Vec<FaultSpec>) {
        let leader = self.attack.leader;
        for (voter, since) in self.bound_since(self.instants.round) {
            faults.push(fault(since, None, Action::Cut { from: vec![leader], to: vec![voter] }));
            let acknowledged = self.acknowledged(voter) + 1;
            faults.push(fault(acknowledged, None, Action::Cut { from: vec![voter], to: vec![leader] }));
        }
        let carriers = &self.attack.carriers;
        if let Some(acknowledged) = carriers.iter().map(|node| self.acknowledged(*node)).max() {
            let between = vec![vec![leader], carriers.clone()];
            faults.push(fault(acknowledged + 1, None, Action::Partition { between }));
        }
    }

    /// When the leader has a node's acknowledgement of the round; or, where acknowledgements wait at it, would have.
    fn acknowledged(&self, node: usize) -> u64 {
        self.instants.round + self.round_trip(node)
    }

    /// What the challenger does to be elected, and who stands still for it.
    fn elect(&self, since: u64, faults: &mut Vec<FaultSpec>, still: &mut Vec<(usize, u64, Option<u64>)>) {
        let challenger = self.attack.challenger;
        let plan = self.plan();
        let own_sync = self.from.nodes[challenger].disk_sync.as_nanos();
        let voters = self.bound_since(self.instants.round).into_iter().zip(&self.frees);
        for ((voter, since), free) in voters {
            let since = self.attack.crash(self.from, voter).map_or(since, |down| since + down + 1);
            if voter == challenger {
                still.push((voter, since, Some(self.own_start)));
                continue;
            }
            let way = self.delay(challenger, voter);
            // No voter campaigns: one that is free before it is asked waits for that.
            let until = if self.own() { (*free).max(plan.asks + way) } else { *free };
            still.push((voter, since, Some(until)));
            if self.attack.voters.len() > 1 && !self.own() {
                // Neither does one that has answered before the others could.
                let (answered, next) = match self.attack.early {
                    Some(_) => (free + self.from.nodes[voter].disk_sync.as_nanos() + 1, plan.answered + way),
                    None => (free + 1, plan.answered + own_sync + way),
                };
                if answered < next {
                    still.push((voter, answered, Some(next)));
                }
            }
        }
        if self.own() {
            let waits = |elector: usize| plan.asks + self.delay(challenger, elector);
            let isolated = self.instants.isolated + 1;
            still.extend(
                self.attack.electors.iter().map(|elector| (*elector, isolated, Some(waits(*elector)))),
            );
        } else {
            still.push((challenger, since, Some(plan.asks.max(since + 1))));
        }
        if let Some((from, until)) = plan.waits {
            still.push((challenger, from, Some(until)));
        }
        for (from, lasts, place) in &self.stalls {
            faults.push(fault(*from, Some(*lasts), self.from.faults[*place].action.clone()));
        }
    }

    /// What stops the leader or the voters once the lease is renewed, one after another.
    fn stop(&self, faults: &mut Vec<FaultSpec>) {
        let leader = self.attack.leader;
        for (voter, since) in self.bound_since(self.instants.round) {
            if let Some(down) = self.attack.crash(self.from, voter) {
                faults.push(fault(since, Some(down), Action::Crash { node: voter }));
            }
        }
        // At this instant the last acknowledgement arrives; a fault that was planned comes before it.
        let mut at = self.attack.acknowledging().map(|node| self.acknowledged(node)).max().unwrap_or(0);
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

    /// When the leader has been stopped by all that its clocks miss.
    fn stops_over(&self) -> u64 {
        let at = self.attack.acknowledging().map(|node| self.acknowledged(node)).max().unwrap_or(0);
        let stops = self
            .attack
            .missed(self.from)
            .map(|place| self.from.faults[place].lasts.map_or(0, Span::as_nanos) + 1);
        at + stops.sum::<u64>()
    }
}

/// The value at a place, counted from 0, of these in order.
fn nth(values: impl Iterator<Item = u64>, place: usize) -> Option<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(place).copied()
}

/// How much of the schedule is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The challenger is cut off, the steps have happened.
    Isolated,
    /// The voters hear nothing of the leader until they are free.
    Lapsing,
    /// They have granted an early pre-vote.
    Lapsed,
    /// They hear the leader again.
    Heard,
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
    let rate = BILLION.saturating_add_signed(i128::from(setup.nodes[node].clock.slowest_ppb())).max(1);
    u64::try_from(u128::from(length.as_nanos()) * BILLION / rate + 1).unwrap_or(u64::MAX / 16)
}
