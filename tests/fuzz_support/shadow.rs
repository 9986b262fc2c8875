//! What an observer knows of a node: what went in and what came out, and what follows from that.

mod leading;
mod promises;
pub(crate) mod reached;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use leasehold::lease::{Ballot, LeaseRules, LeaseSettings};
use leasehold::node::{Forward, HandoverOutcome, Input, Message, Node, Operation, Output};
use leasehold::raft::{
    AppendOutcome, Configuration, Entry, Index, Lease, LeaseEndCause, Message as RaftMessage, Misbehaviour,
    NodeId, Note, Payload, Received, Recovered, Role, StepDownCause, Term, VoteRequest,
};
use leasehold::time::{Alarm, Reading};

use self::leading::Leading;
use self::promises::Promises;
use self::reached::Reached;
use self::requests::{Judged, Requests};
use super::snapshots::Disk;

/// Outputs that one input may have: every member's messages, and an answer to whatever waits.
const OUTPUTS_MAX: usize = 10_000;

/// From one input to the next a term grows by no more than this: a message's step, and a campaign's.
const TERMS_AT_ONCE_MAX: u64 = (1 << 32) + 1;

/// A message that may go out only when what it says is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Vow {
    /// A round of that term is accepted.
    Round(NodeId, Term, u64),
    /// A vote is given.
    Vote(NodeId, Term),
}

/// The node before an input, and the input.
struct Before {
    input: Option<Input>,
    term: Term,
    role: Role,
    commit: Index,
    configuration: Configuration,
    last: (Term, Index),
    /// The entry of its members.
    configured: Index,
    lengths: LeaseSettings,
    /// A promise, by this account, or a lease is running.
    bound: bool,
    /// A promise, by the node's own account.
    withholds: bool,
    promises: Vec<Alarm>,
    lease: Option<Lease>,
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Shadow {
    term: Term,
    last_index: Index,
    commit: Index,
    /// What is committed, as far as the log still has it.
    committed: BTreeMap<Index, Entry>,
    /// What was behind that when the last input had been handled.
    tail: BTreeMap<Index, Entry>,
    /// By term: whom it voted for.
    voted: BTreeMap<Term, NodeId>,
    /// The write that must be synced before a message goes out.
    vows: BTreeMap<Vow, u64>,
    promises: Promises,
    leading: Leading,
    requests: Requests,
    before: Option<Before>,
    pub(crate) reached: BTreeSet<Reached>,
}

impl Shadow {
    /// An input is about to be handled; or the node has started.
    pub(crate) fn before<R: LeaseRules>(&mut self, node: &Node<R>, now: &Reading, input: Option<&Input>) {
        let raft = node.raft();
        let running = raft.lease().is_some_and(|lease| !lease.end.reached(now));
        self.before = Some(Before {
            input: input.cloned(),
            term: raft.term(),
            role: raft.role(),
            commit: raft.commit(),
            configuration: raft.configuration().clone(),
            last: (raft.log().last_term(), raft.log().last_index()),
            configured: raft.configuration_index(),
            lengths: raft.settings().lease,
            bound: self.promises.running(now) || running,
            withholds: raft.promise_ends().any(|end| !end.reached(now)),
            promises: raft.promise_ends().collect(),
            lease: raft.lease().copied(),
        });
        match input {
            Some(Input::Request { request, operation }) => {
                self.requests.asked(*request, operation, raft.commit(), &self.leading);
            }
            Some(Input::Handover { request, .. }) => self.requests.handover_asked(*request),
            Some(Input::Message { from, message: Message::Raft(RaftMessage::AppendReply(reply)) }) => {
                self.leading.answered(raft, *from, reply);
            }
            Some(Input::Message { from, message: Message::Raft(RaftMessage::SnapshotReply(reply)) })
                if reply.received == Received::All && reply.term == raft.term() =>
            {
                self.leading.has_stored(raft, *from, reply.index);
            }
            _ => {}
        }
    }

    /// An input was handled and these are its outputs. Writes up to `synced` of those `issued` are on the disk.
    pub(crate) fn after<R: LeaseRules>(
        &mut self,
        node: &Node<R>,
        now: &Reading,
        outputs: &[Output],
        (disk, synced, issued): (&Disk, u64, u64),
    ) {
        assert!(outputs.len() <= OUTPUTS_MAX, "{} outputs", outputs.len());
        let before = self.before.take().expect("the node was looked at before");
        let raft = node.raft();
        assert!(raft.term() >= self.term, "terms only grow");
        assert!(raft.term().0 - before.term.0 <= TERMS_AT_ONCE_MAX, "no term is adopted that leaves no room");
        self.term = raft.term();
        self.check_order(node);
        let commit = raft.commit();
        assert!(commit <= raft.log().last_index() && node.applied() == commit);
        if commit > self.commit && before.role == Role::Leader && raft.role() == Role::Leader {
            let synced = disk.synced_index();
            self.leading.check_commit(raft, &before.configuration, synced);
        }
        self.check_change(node, &before);
        if outputs.iter().any(|output| matches!(output, Output::Note(Note::SnapshotInstalled { .. }))) {
            // Of its entries nobody knows, and those that were here are void.
            self.commit = self.commit.max(raft.log().base().index);
            self.tail.clear();
        }
        self.check_committed(node);
        let declined = outputs.iter().any(|output| {
            matches!(output, Output::Note(Note::Misbehaviour { fact: Misbehaviour::AsksTooLong, .. }))
        });
        self.take_input(node, now, &before, (issued, declined));
        for output in outputs {
            self.see(node, now, &before, output, (synced, issued));
        }
        let about_snapshot = matches!(
            before.input,
            Some(Input::Message {
                message: Message::Raft(RaftMessage::Snapshot(_) | RaftMessage::SnapshotReply(_)),
                ..
            })
        );
        if about_snapshot {
            assert_eq!(raft.promise_ends().collect::<Vec<_>>(), before.promises, "only rounds promise");
            // What a snapshot's end sets free to be sent is a round, which a sole voter acknowledges by sending it.
            let kept = raft.lease().is_none() || raft.lease() == before.lease.as_ref();
            assert!(kept || raft.leads_alone(), "and only they renew a lease");
            assert!(raft.term() == before.term || raft.role() == Role::Follower);
        }
        if raft.log().last_index() < self.last_index {
            self.reached.insert(Reached::Truncated);
        }
        self.last_index = raft.log().last_index();
        let agreed = outputs.iter().filter_map(|output| match output {
            Output::Note(Note::LengthsInForce { lengths }) => Some(before.lengths.with(*lengths)),
            _ => None,
        });
        self.leading.check_lease(node, std::iter::once(before.lengths).chain(agreed));
    }

    /// What follows from the input itself.
    fn take_input<R: LeaseRules>(
        &mut self,
        node: &Node<R>,
        now: &Reading,
        before: &Before,
        (issued, declined): (u64, bool),
    ) {
        let raft = node.raft();
        let Some(Input::Message { from, message }) = &before.input else {
            return;
        };
        match message {
            Message::Raft(RaftMessage::Append(append)) => {
                let follows = raft.term() == append.term && raft.leader() == Some(*from);
                // A round whose log has terms out of order is ignored, and so promises nothing.
                let entries = append.entries.as_deref().unwrap_or_default();
                let terms =
                    std::iter::once(append.previous_term).chain(entries.iter().map(|entry| entry.term));
                let in_order = terms.chain(std::iter::once(append.term)).is_sorted();
                if follows && in_order && raft.role() == Role::Follower {
                    let compared = Index(append.previous_index.0 + entries.len() as u64);
                    let committed = append.commit.min(compared).max(before.commit);
                    assert!(
                        raft.commit() <= committed,
                        "it commits what the leader has, as far as it is the same"
                    );
                    let round = if declined {
                        let own = before.lengths.election_timeout;
                        assert!(append.promise > own, "what is as long as the own promises is promised");
                        0
                    } else {
                        self.promises.accepted(*from, append, now);
                        append.round
                    };
                    self.vows.entry(Vow::Round(*from, append.term, round)).or_insert(issued);
                }
            }
            Message::Raft(RaftMessage::Vote(request)) => {
                self.vows.entry(Vow::Vote(*from, request.term)).or_insert(issued);
            }
            Message::Forward(forward) => self.check_executed(node, before, *from, forward),
            _ => {}
        }
    }

    /// A request that was passed on becomes an entry at most once.
    fn check_executed<R: LeaseRules>(
        &mut self,
        node: &Node<R>,
        before: &Before,
        from: NodeId,
        forward: &Forward,
    ) {
        let last = node.raft().log().last_index();
        if before.role == Role::Leader && last > before.last.1 {
            assert_eq!(last, before.last.1.next());
            assert_eq!(forward.term, node.raft().term(), "it is done in the term that it was sent in");
            assert!(!matches!(forward.operation, Operation::Read { .. }), "a read is no entry");
            self.requests.executed(from, forward, last);
        }
    }

    /// In a log terms never decrease, and none is later than the node's own.
    fn check_order<R: LeaseRules>(&self, node: &Node<R>) {
        let (raft, log) = (node.raft(), node.raft().log());
        let indices = (log.base().index.0..=log.last_index().0).map(Index);
        let terms = indices.filter_map(|index| log.term_at(index)).chain([raft.term()]);
        assert!(terms.is_sorted(), "the log's terms are in order");
    }

    /// A leader changes the members again only when the last change, and something of its own term, is committed, and a
    /// majority has acknowledged a round that was sent since.
    fn check_change<R: LeaseRules>(&mut self, node: &Node<R>, before: &Before) {
        let raft = node.raft();
        if raft.configuration_index() == before.configured || raft.role() != Role::Leader {
            return;
        }
        if before.role == Role::Leader {
            assert!(before.configured <= raft.commit(), "members change one after another");
            assert_eq!(raft.log().term_at(raft.commit()), Some(raft.term()), "of the own term, too");
            let confirmed = self.leading.confirmed(raft.id(), &before.configuration);
            let since = self.leading.configured_round();
            assert!(confirmed.is_some_and(|round| round > since), "{confirmed:?} is since round {since}");
        }
        self.leading.configured();
    }

    fn check_committed<R: LeaseRules>(&mut self, node: &Node<R>) {
        let (log, commit) = (node.raft().log(), node.raft().commit());
        assert!(commit >= self.commit, "the commit index only grows");
        let base = log.base();
        if let Some(entry) = self.committed.get(&base.index) {
            assert_eq!(entry.term, base.term, "what is dropped was committed");
            self.reached.insert(Reached::Compacted);
        }
        for (index, entry) in self.committed.range(base.index.next()..) {
            assert_eq!(log.entry(*index), Some(entry), "what is committed stays");
        }
        self.committed = self.committed.split_off(&base.index.next());
        while self.commit < commit {
            self.commit = self.commit.next();
            // It may have been dropped at once.
            let known = log.entry(self.commit).or_else(|| self.tail.get(&self.commit));
            let Some(entry) = known.cloned() else {
                continue;
            };
            if matches!(entry.payload, Payload::Configuration(_)) {
                self.reached.insert(Reached::MembersChanged);
            }
            self.reached.insert(Reached::Committed);
            if self.commit > base.index {
                self.committed.insert(self.commit, entry.clone());
            }
            self.requests.committed(self.commit, entry);
        }
        let tail = (commit.0 + 1..=log.last_index().0).map(Index);
        self.tail = tail.filter_map(|index| Some((index, log.entry(index)?.clone()))).collect();
    }

    /// The process ends and another one starts with that. What it had not synced it has told nobody.
    pub(crate) fn restart(&mut self, recovered: &Recovered) {
        assert!(recovered.hard_state.term >= self.leading.term(), "a leader's term is on its disk");
        self.term = recovered.hard_state.term;
        self.last_index = recovered.log.last_index();
        self.commit = recovered.log.base().index;
        self.committed.clear();
        self.tail.clear();
        self.vows.clear();
        self.promises.restart();
        self.requests.restart();
        self.reached.insert(Reached::Restarted);
    }

    fn see<R: LeaseRules>(
        &mut self,
        node: &Node<R>,
        now: &Reading,
        before: &Before,
        output: &Output,
        (synced, issued): (u64, u64),
    ) {
        let judged = |leading| Judged { node, now, configuration: &before.configuration, leading };
        match output {
            Output::Send { to, message } => {
                assert!(node.names().contains(*to) && *to != node.raft().id(), "to another node");
                if let Message::Answer(answer) = message {
                    let number = (answer.incarnation, answer.sequence);
                    self.requests.peer_answered(*to, number, &answer.answer, &judged(&self.leading));
                }
                if let (Message::Raft(RaftMessage::SnapshotReply(_)), Some(Input::Message { .. })) =
                    (message, &before.input)
                {
                    assert_eq!(
                        synced, issued,
                        "a chunk is acknowledged at once if nothing waits for the disk"
                    );
                }
                self.see_message(message, *to, now, synced);
            }
            Output::Reply { request, answer } => {
                let passed_on =
                    matches!(before.input, Some(Input::Message { message: Message::Answer(_), .. }));
                let (judged, reached) = (judged(&self.leading), &mut self.reached);
                self.requests.answered(*request, answer, &judged, passed_on, reached);
            }
            Output::HandoverEnded { request, outcome } => {
                self.requests.handover_ended(*request);
                if let HandoverOutcome::Done { leader, .. } = outcome
                    && *leader != node.raft().id()
                {
                    self.reached.insert(Reached::HandedOver);
                }
            }
            Output::Note(note) => self.see_note(node, before, note),
            Output::Persist(_) => {}
        }
    }

    fn see_note<R: LeaseRules>(&mut self, node: &Node<R>, before: &Before, note: &Note) {
        let reached = match note {
            Note::VoteGranted { candidate, ballot, term } => {
                let bound = before.bound || before.withholds;
                assert!(*ballot == Ballot::TransferVote || !bound, "a promise is kept");
                let Some(Input::Message { from, message: Message::Raft(RaftMessage::Vote(request)) }) =
                    &before.input
                else {
                    panic!("a vote that nobody asked for");
                };
                let asked = VoteRequest { ballot: *ballot, term: *term, ..*request };
                assert_eq!((from, &asked), (candidate, request), "it is given as it was asked for");
                assert!((request.last_term, request.last_index) >= before.last, "to no older log");
                assert!(*term >= before.term);
                Reached::VoteGranted
            }
            Note::Campaign { ballot: Ballot::TransferVote, .. } => {
                let told = matches!(&before.input, Some(Input::Message {
                    message: Message::Raft(RaftMessage::TimeoutNow { term }), ..
                }) if *term == before.term);
                // Or it has told somebody itself, and its lease is over.
                let told_another = before.role == Role::Leader
                    && self.leading.has_told(before.term)
                    && before.lease.is_none();
                assert!(told || told_another, "a leader has told somebody to");
                return;
            }
            Note::Campaign { .. } => {
                assert!(!before.bound, "a promise binds the candidate as well");
                return;
            }
            Note::SnapshotInstalled { .. } => {
                if node.agreed().is_some() {
                    assert_eq!(Some(node.raft().settings().lease.lengths()), node.agreed());
                    self.reached.insert(Reached::LengthsTaken);
                }
                Reached::SnapshotTaken
            }
            Note::SteppedDown { cause: StepDownCause::NoQuorum, .. } => Reached::LostQuorum,
            Note::SteppedDown { cause: StepDownCause::StorageFull, .. } => Reached::StorageFull,
            Note::SteppedDown { cause: StepDownCause::Removed, .. } => Reached::Removed,
            Note::LeaseEnded { cause: LeaseEndCause::ClockSetBack, .. } => Reached::ClockSetBack,
            Note::Elected { .. } => Reached::Elected,
            Note::LeaseRenewed { .. } => Reached::LeaseRenewed,
            Note::Misbehaviour { .. } => Reached::Misbehaviour,
            Note::LengthsInForce { .. } => Reached::LengthsAgreed,
            _ => return,
        };
        self.reached.insert(reached);
    }

    fn see_message(&mut self, message: &Message, to: NodeId, now: &Reading, synced: u64) {
        let kept = |vow: Vow| self.vows.get(&vow).is_some_and(|ticket| *ticket <= synced);
        let reached = match message {
            Message::Raft(RaftMessage::Append(append)) => return self.leading.sends(to, append, now),
            Message::Raft(RaftMessage::AppendReply(reply)) => {
                if reply.outcome != AppendOutcome::StaleTerm {
                    assert!(kept(Vow::Round(to, reply.term, reply.round)), "it is on the disk: {reply:?}");
                    self.promises.told(to, reply);
                }
                return;
            }
            Message::Raft(RaftMessage::VoteReply(reply))
                if reply.granted && reply.ballot != Ballot::PreVote =>
            {
                assert!(kept(Vow::Vote(to, reply.term)), "it is on the disk: {reply:?}");
                let voted_for = *self.voted.entry(reply.term).or_insert(to);
                assert_eq!(voted_for, to, "one vote a term");
                return;
            }
            Message::Raft(RaftMessage::TimeoutNow { term }) => {
                self.leading.tells_to_campaign(*term);
                Reached::TransferTold
            }
            Message::Forward(_) => Reached::Forwarded,
            Message::Answer(_) => Reached::AnsweredPeer,
            Message::Raft(RaftMessage::Snapshot(_)) => Reached::SnapshotSent,
            Message::Raft(_) => return,
        };
        self.reached.insert(reached);
    }
}
