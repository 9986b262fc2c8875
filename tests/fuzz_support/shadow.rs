//! What an observer knows of a node: what went in and what came out, and what follows from that.

use std::collections::{BTreeMap, BTreeSet};

use leasehold::lease::{Ballot, LeaseRules, SoundRules};
use leasehold::node::{Answer, Input, Message, Node, Output, RequestId};
use leasehold::raft::{
    AppendOutcome, Entry, Index, Lease, Message as RaftMessage, NodeId, Note, Recovered, Role, Term,
};
use leasehold::time::{Alarm, Reading};

/// Outputs that one input may have: every member's messages, and an answer to whatever waits.
const OUTPUTS_MAX: usize = 10_000;

/// How far an input has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reached {
    VoteGranted,
    Elected,
    LeaseRenewed,
    LeaseRead,
    Committed,
    Truncated,
    Forwarded,
    AnsweredPeer,
    Misbehaviour,
    Compacted,
    SnapshotSent,
    SnapshotTaken,
    LengthsTaken,
}

impl Reached {
    pub(crate) const ALL: [Reached; 13] = [
        Reached::VoteGranted,
        Reached::Elected,
        Reached::LeaseRenewed,
        Reached::LeaseRead,
        Reached::Committed,
        Reached::Truncated,
        Reached::Forwarded,
        Reached::AnsweredPeer,
        Reached::Misbehaviour,
        Reached::Compacted,
        Reached::SnapshotSent,
        Reached::SnapshotTaken,
        Reached::LengthsTaken,
    ];
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Shadow {
    term: Term,
    last_index: Index,
    commit: Index,
    /// What is committed, as far as the log still has it.
    committed: BTreeMap<Index, Entry>,
    /// By term: whom it voted for.
    voted: BTreeMap<Term, NodeId>,
    /// Rounds of the term it leads, and the reading at which each was sent.
    sent: BTreeMap<u64, Reading>,
    sent_in: Term,
    /// The newest round that was sent to each.
    sent_to: BTreeMap<NodeId, u64>,
    /// The newest round that each voter has acknowledged in that term.
    acknowledged: BTreeMap<NodeId, u64>,
    waiting: BTreeSet<RequestId>,
    /// A promise or a lease that was running before the input.
    bound: bool,
    /// The lease that was looked at last.
    seen_lease: Option<Lease>,
    /// Promises and lease as they were before a message about a snapshot, which changes none of them.
    held: Option<(Term, Vec<Alarm>, Option<Lease>)>,
    /// TimeoutNow was sent in this term.
    transferred_in: Option<Term>,
    pub(crate) reached: BTreeSet<Reached>,
}

impl Shadow {
    /// An input is about to be handled.
    pub(crate) fn before(&mut self, node: &Node<SoundRules>, now: &Reading, input: &Input) {
        let raft = node.raft();
        let lease = raft.lease().is_some_and(|lease| !lease.end.reached(now));
        let snapshot = matches!(
            input,
            Input::Message {
                message: Message::Raft(RaftMessage::Snapshot(_) | RaftMessage::SnapshotReply(_)),
                ..
            }
        );
        self.held = snapshot.then(|| (raft.term(), raft.promise_ends().collect(), raft.lease().copied()));
        self.bound = lease || raft.promise_ends().any(|end| !end.reached(now));
        match input {
            Input::Request { request, .. } => {
                self.waiting.insert(*request);
            }
            Input::Message { from, message: Message::Raft(RaftMessage::AppendReply(reply)) } => {
                let counts = raft.role() == Role::Leader
                    && reply.term == raft.term()
                    && self.sent_in == reply.term
                    && reply.outcome != AppendOutcome::StaleTerm
                    && raft.configuration().is_voter(*from)
                    && *from != raft.id()
                    && self.sent_to.get(from).is_some_and(|latest| reply.round <= *latest);
                if counts {
                    let round = self.acknowledged.entry(*from).or_default();
                    *round = reply.round.max(*round);
                }
            }
            _ => {}
        }
    }

    /// An input was handled and these are its outputs.
    pub(crate) fn after(
        &mut self,
        node: &Node<SoundRules>,
        now: &Reading,
        request: Option<RequestId>,
        outputs: &[Output],
    ) {
        assert!(outputs.len() <= OUTPUTS_MAX, "{} outputs", outputs.len());
        for output in outputs {
            self.see(node, now, request, output);
        }
        let raft = node.raft();
        assert!(raft.term() >= self.term, "terms only grow");
        self.term = raft.term();
        let commit = raft.commit();
        assert!(commit <= raft.log().last_index() && node.applied() == commit);
        self.check_committed(node);
        if let Some((term, promises, lease)) = self.held.take() {
            assert_eq!(raft.promise_ends().collect::<Vec<_>>(), promises, "only rounds promise");
            assert!(raft.lease().is_none() || raft.lease() == lease.as_ref(), "and only they renew a lease");
            assert!(raft.term() == term || raft.role() == Role::Follower);
        }
        if raft.log().last_index() < self.last_index {
            self.reached.insert(Reached::Truncated);
        }
        self.last_index = raft.log().last_index();
        self.check_lease(node);
    }

    fn check_committed(&mut self, node: &Node<SoundRules>) {
        let (log, commit) = (node.raft().log(), node.raft().commit());
        assert!(commit >= self.commit, "the commit index only grows");
        let base = log.base();
        if let Some(entry) = self.committed.get(&base.index) {
            assert_eq!(entry.term, base.term, "what is dropped was committed");
            self.reached.insert(Reached::Compacted);
        }
        self.committed.retain(|index, _| *index > base.index);
        for (index, entry) in &self.committed {
            assert_eq!(log.entry(*index), Some(entry), "what is committed stays");
        }
        self.commit = self.commit.max(base.index);
        while self.commit < commit {
            self.commit = self.commit.next();
            self.committed.insert(self.commit, log.entry(self.commit).unwrap().clone());
            self.reached.insert(Reached::Committed);
        }
    }

    /// The process ends and another one starts with that. What it had not synced it has told nobody.
    pub(crate) fn restart(&mut self, recovered: &Recovered) {
        assert!(recovered.hard_state.term >= self.sent_in, "a leader's term is on its disk");
        self.term = recovered.hard_state.term;
        self.last_index = recovered.log.last_index();
        self.commit = recovered.log.base().index;
        self.committed.clear();
        self.waiting.clear();
        self.bound = false;
    }

    fn see(&mut self, node: &Node<SoundRules>, now: &Reading, request: Option<RequestId>, output: &Output) {
        match output {
            Output::Send { to, message } => {
                assert!(node.names().contains(*to) && *to != node.raft().id(), "to another node");
                self.see_message(message, *to, now);
            }
            Output::Reply { request: answered, answer } => {
                assert!(self.waiting.remove(answered), "each request is answered once");
                if let (Answer::Value { network_round_trips: 0, lease_valid: true, .. }, true) =
                    (answer, request == Some(*answered))
                {
                    let lease = node.raft().lease().expect("a lease read has a lease");
                    assert!(!lease.end.reached(now), "and it is running");
                    self.reached.insert(Reached::LeaseRead);
                }
            }
            Output::Note(Note::VoteGranted { ballot, .. }) => {
                assert!(*ballot == Ballot::TransferVote || !self.bound, "a promise is kept");
                self.reached.insert(Reached::VoteGranted);
            }
            Output::Note(Note::Elected { .. }) => {
                self.reached.insert(Reached::Elected);
            }
            Output::Note(Note::LeaseRenewed { .. }) => {
                self.reached.insert(Reached::LeaseRenewed);
            }
            Output::Note(Note::SnapshotInstalled { .. }) => {
                self.reached.insert(Reached::SnapshotTaken);
                if node.agreed().is_some() {
                    assert_eq!(Some(node.raft().settings().lease.lengths()), node.agreed());
                    self.reached.insert(Reached::LengthsTaken);
                }
            }
            Output::Note(Note::Misbehaviour { .. }) => {
                self.reached.insert(Reached::Misbehaviour);
            }
            Output::Note(_) | Output::Persist(_) | Output::HandoverEnded { .. } => {}
        }
    }

    fn see_message(&mut self, message: &Message, to: NodeId, now: &Reading) {
        match message {
            Message::Raft(RaftMessage::Append(append)) => {
                if append.term != self.sent_in {
                    assert!(append.term > self.sent_in, "it leads no earlier term");
                    self.sent_in = append.term;
                    self.sent.clear();
                    self.sent_to.clear();
                    self.acknowledged.clear();
                }
                self.sent.entry(append.round).or_insert(*now);
                self.sent_to.insert(to, append.round);
            }
            Message::Raft(RaftMessage::VoteReply(reply))
                if reply.granted && reply.ballot != Ballot::PreVote =>
            {
                let voted_for = *self.voted.entry(reply.term).or_insert(to);
                assert_eq!(voted_for, to, "one vote a term");
            }
            Message::Raft(RaftMessage::TimeoutNow { term }) => self.transferred_in = Some(*term),
            Message::Forward(_) => {
                self.reached.insert(Reached::Forwarded);
            }
            Message::Answer(_) => {
                self.reached.insert(Reached::AnsweredPeer);
            }
            Message::Raft(RaftMessage::Snapshot(_)) => {
                self.reached.insert(Reached::SnapshotSent);
            }
            Message::Raft(_) => {}
        }
    }

    /// A lease rests on a round that was sent in this term and that a majority has acknowledged since, and on no later
    /// instant than that of its sending.
    fn check_lease(&mut self, node: &Node<SoundRules>) {
        let raft = node.raft();
        let before = std::mem::replace(&mut self.seen_lease, raft.lease().copied());
        let Some(lease) = raft.lease() else {
            return;
        };
        assert_eq!(raft.role(), Role::Leader);
        assert_ne!(self.transferred_in, Some(raft.term()), "no lease after a transfer");
        assert_eq!(Some(lease.end), SoundRules.lease_end(&raft.settings().lease, &lease.start));
        let configuration = raft.configuration();
        // One that was granted under other members stays until it runs out.
        if raft.leads_alone() || before == Some(*lease) {
            return;
        }
        assert_eq!(self.sent_in, raft.term());
        let voters = self.acknowledged.iter().filter(|(node, _)| configuration.is_voter(**node));
        let mut rounds: Vec<u64> = voters.map(|(_, round)| *round).collect();
        rounds.sort_unstable_by(|a, b| b.cmp(a));
        // The leader is one of the majority itself, unless it is being removed.
        let others = configuration.majority() - usize::from(configuration.is_voter(raft.id()));
        let confirmed = *rounds.get(others - 1).expect("a majority has acknowledged something");
        let known = self.sent.range(..=confirmed).any(|(_, sent)| *sent == lease.start);
        assert!(known, "the lease is counted from a confirmed round: {lease:?}, round {confirmed}");
    }
}
