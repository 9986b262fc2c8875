//! What the sound rules would have made of the messages that were sent: which round each lease rests on, until when it
//! runs, and who has accepted a round.

use std::collections::{BTreeMap, VecDeque};

use leasehold::lease::{LeaseRules, LeaseSettings, SoundRules};
use leasehold::node::Message;
use leasehold::raft::{
    Append, AppendOutcome, AppendReply, Configuration, LeaseEndCause, Message as RaftMessage, NodeId, Note,
    Role, Term,
};
use leasehold::time::{Nanos, Reading, Span};

use super::chain::Chain;
use super::clocks::Mark;
use crate::host::LeaseNode;
use crate::setup::Setup;
use crate::watch::Margins;
use leasehold_world::{Event, Happening, World};

/// Rounds whose sending instants a leader remembers, as the node has it.
const ROUNDS_MAX: u64 = 4_096;

/// A round of a leader.
#[derive(Debug, Clone, Copy)]
struct Round {
    number: u64,
    sent: Mark,
    start: Reading,
}

/// A round that a follower has accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accepted {
    number: u64,
    /// When it was sent, on the leader's machine.
    pub(super) sent: Mark,
    /// When it came, on the follower's.
    pub(super) received: Mark,
}

/// One leader in one term.
#[derive(Debug, Clone)]
pub(super) struct Leadership {
    /// From the one that carries the lease on.
    rounds: VecDeque<Round>,
    /// What each node has accepted, from the same round on.
    accepted: Vec<VecDeque<Accepted>>,
    /// The newest round that each voter has acknowledged.
    progress: Vec<u64>,
    quorum_round: u64,
    /// Rounds up to this one renew no lease.
    forgotten: u64,
    last_stamp: Option<Nanos>,
    /// When the round was sent that carries the last lease.
    pub(super) carried: Option<Mark>,
    /// That lease was over before its acknowledgements came, and no other had been there before.
    pub(super) stillborn: bool,
    /// TimeoutNow was sent.
    pub(super) handed_over: bool,
}

impl Leadership {
    fn new(nodes: usize) -> Leadership {
        Leadership {
            rounds: VecDeque::new(),
            accepted: vec![VecDeque::new(); nodes],
            progress: vec![0; nodes],
            quorum_round: 0,
            forgotten: 0,
            last_stamp: None,
            carried: None,
            stillborn: false,
            handed_over: false,
        }
    }

    /// The newest round that the node has accepted by that time, of those that carry the last lease and newer ones.
    pub(super) fn newest_accepted(&self, node: usize, by: u64) -> Option<&Accepted> {
        self.accepted[node].iter().rev().find(|accepted| accepted.received.at <= by)
    }

    /// The newest round that a majority of the voters has acknowledged, if it is newer than the last. `own` is the newest one
    /// that the leader acknowledges itself; it does not count if it is being removed.
    fn newer_quorum_round(&mut self, leader: usize, own: u64, members: &Configuration) -> Option<u64> {
        let voting: Vec<usize> = members.voting_nodes().map(NodeId::index).collect();
        // A leader that is a majority alone has nobody after it whose margin could be split.
        if voting == [leader] {
            return None;
        }
        let mut reached: Vec<u64> =
            voting.iter().map(|node| if *node == leader { own } else { self.progress[*node] }).collect();
        reached.sort_unstable_by(|a, b| b.cmp(a));
        let needed = SoundRules.lease_quorum(members.voters()).checked_sub(1)?;
        let round = reached.get(needed).copied().filter(|round| *round > self.quorum_round)?;
        self.quorum_round = round;
        Some(round)
    }

    /// The lease now rests on this round; older ones are of no more use.
    fn carry(&mut self, round: &Round) {
        self.carried = Some(round.sent);
        while self.rounds.front().is_some_and(|old| old.number < round.number) {
            self.rounds.pop_front();
        }
        for accepted in &mut self.accepted {
            while accepted.front().is_some_and(|old| old.number < round.number) {
                accepted.pop_front();
            }
        }
    }
}

/// All leaders, in all terms.
#[derive(Debug, Clone)]
pub(super) struct Sound {
    leases: Vec<LeaseSettings>,
    led: BTreeMap<(usize, u64), Leadership>,
}

impl Sound {
    pub(super) fn new(setup: &Setup) -> Sound {
        Sound { leases: setup.nodes.iter().map(|node| node.lease).collect(), led: BTreeMap::new() }
    }

    pub(super) fn leadership(&self, leader: usize, term: u64) -> Option<&Leadership> {
        self.led.get(&(leader, term))
    }

    #[inline]
    pub(super) fn observe(
        &mut self,
        event: &Event<'_, Message, Note>,
        world: &World<LeaseNode>,
        chain: &Chain,
        margins: &mut Margins,
    ) {
        match &event.what {
            Happening::Sent { from, message: Message::Raft(RaftMessage::Append(append)), .. } => {
                self.sent(*from, append, world, chain, margins);
            }
            Happening::Sent { from, message: Message::Raft(RaftMessage::TimeoutNow { term }), .. } => {
                if let Some(led) = self.led.get_mut(&(*from, term.0)) {
                    led.handed_over = true;
                    end_lease(*from, term.0, world, margins);
                }
            }
            Happening::Delivered { from, to, message: Message::Raft(message), .. } => match message {
                RaftMessage::Append(append) => self.received(*from, *to, append, world, chain),
                RaftMessage::AppendReply(reply) => self.acknowledged(*from, *to, reply, world, margins),
                _ => {}
            },
            Happening::Synced { node, ticket } => self.synced(*node, *ticket, world, margins),
            Happening::Noted { node, note: Note::Elected { term } } => {
                self.led.insert((*node, term.0), Leadership::new(self.leases.len()));
            }
            Happening::Noted { node, note: Note::SteppedDown { term, .. } } => {
                end_lease(*node, term.0, world, margins);
            }
            Happening::Noted { note: Note::LeaderReady { .. }, .. } => margins.note(event, world),
            Happening::ClockChanges { .. } | Happening::Stopped { .. } | Happening::Crashed { .. } => {
                margins.note(event, world);
            }
            _ => {}
        }
    }

    /// A leader sends a round; of its messages the first counts.
    fn sent(
        &mut self,
        leader: usize,
        append: &Append,
        world: &World<LeaseNode>,
        chain: &Chain,
        margins: &mut Margins,
    ) {
        let Some(led) = self.led.get_mut(&(leader, append.term.0)) else { return };
        let last = led.rounds.back().map_or(0, |round| round.number);
        if append.round <= last {
            return;
        }
        if append.stamp.zip(led.last_stamp).is_some_and(|(stamp, last)| stamp < last) {
            // Its clock was set back: what rests on the earlier rounds is over.
            led.forgotten = last;
            end_lease(leader, append.term.0, world, margins);
        }
        led.last_stamp = append.stamp.or(led.last_stamp);
        let start = world.clock(leader).read(world.now());
        let sent = chain.mark(leader, world.now());
        led.rounds.push_back(Round { number: append.round, sent, start });
        if append.promise == Span::ZERO {
            // Nobody promises anything for it, and who answers it may have missed those before it.
            led.forgotten = append.round;
        }
    }

    /// A round is about to be handled by a follower.
    fn received(
        &mut self,
        leader: usize,
        follower: usize,
        append: &Append,
        world: &World<LeaseNode>,
        chain: &Chain,
    ) {
        let Some(raft) = world.process(follower).raft() else { return };
        if append.term < raft.term() || (append.term == raft.term() && raft.role() == Role::Leader) {
            return;
        }
        if append.promise == Span::ZERO {
            return;
        }
        let Some(led) = self.led.get_mut(&(leader, append.term.0)) else { return };
        // Searched from the end: what comes is new, most of the time.
        let Some(round) = led.rounds.iter().rev().find(|round| round.number == append.round) else { return };
        let accepted = &mut led.accepted[follower];
        if accepted.back().is_none_or(|last| last.number < round.number) {
            let received = chain.mark(follower, world.now());
            accepted.push_back(Accepted { number: round.number, sent: round.sent, received });
        }
    }

    /// An acknowledgement is about to be handled by a leader.
    fn acknowledged(
        &mut self,
        voter: usize,
        leader: usize,
        reply: &AppendReply,
        world: &World<LeaseNode>,
        margins: &mut Margins,
    ) {
        let Some(node) = world.process(leader).raft() else { return };
        let leads = node.role() == Role::Leader && node.term() == reply.term;
        let members = node.configuration();
        let votes = members.voting_nodes().any(|node| node.index() == voter);
        if !leads || !votes || reply.outcome == AppendOutcome::StaleTerm {
            return;
        }
        let term = reply.term.0;
        let Some(led) = self.led.get_mut(&(leader, term)) else { return };
        let latest = led.rounds.back().map_or(0, |round| round.number);
        if reply.round > latest || reply.round <= led.progress[voter] {
            return;
        }
        led.progress[voter] = reply.round;
        self.renew(leader, term, node.own_round(0), world, margins);
    }

    /// A leader is about to be told that its writes up to `ticket` are synced: it may acknowledge more of its rounds.
    fn synced(&mut self, leader: usize, ticket: u64, world: &World<LeaseNode>, margins: &mut Margins) {
        let Some(node) = world.process(leader).raft() else { return };
        if node.role() == Role::Leader {
            self.renew(leader, node.term().0, node.own_round(ticket), world, margins);
        }
    }

    /// The lease of a leader that acknowledges its own rounds up to `own` now rests on the newest that a majority has
    /// acknowledged.
    fn renew(&mut self, leader: usize, term: u64, own: u64, world: &World<LeaseNode>, margins: &mut Margins) {
        let Some(node) = world.process(leader).raft() else { return };
        let Some(led) = self.led.get_mut(&(leader, term)) else { return };
        let latest = led.rounds.back().map_or(0, |round| round.number);
        let Some(number) = led.newer_quorum_round(leader, own, node.configuration()) else { return };
        if led.handed_over || number <= led.forgotten || latest.saturating_sub(number) >= ROUNDS_MAX {
            return;
        }
        let Some(round) = led.rounds.iter().find(|round| round.number == number).copied() else { return };
        let settings = &self.leases[leader];
        let Some(end) = SoundRules.lease_end(settings, &round.start, None) else { return };
        let served = !end.reached(&world.clock(leader).read(world.now()));
        if served || led.carried.is_none() {
            led.stillborn = !served;
            led.carry(&round);
        }
        let note = Note::LeaseRenewed { term: Term(term), start: round.start, end };
        let what: Happening<'_, Message, Note> = Happening::Noted { node: leader, note };
        margins.note(&Event { at: world.now(), what }, world);
    }
}

/// Tells the margins of sound leases that one is given up.
fn end_lease(node: usize, term: u64, world: &World<LeaseNode>, margins: &mut Margins) {
    let note = Note::LeaseEnded { term: Term(term), cause: LeaseEndCause::Settings };
    let what: Happening<'_, Message, Note> = Happening::Noted { node, note };
    margins.note(&Event { at: world.now(), what }, world);
}
