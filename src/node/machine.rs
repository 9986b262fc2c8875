//! The node's struct, its one way in and its one way out.

use std::collections::VecDeque;

use super::forwarding::Forwarding;
use super::handover::Handover;
use super::replicas::Replicas;
use super::requests::PendingRequests;
use super::waiting::{Proposals, WaitingReads};
use super::{Answer, Identity, Input, Message, Output, Refusal, RequestId};
use crate::kv::{KeyValues, Outcome};
use crate::lease::{LeaseLengths, LeaseRules};
use crate::raft::{
    AppliedState, Context, Index, Jitter, Message as RaftMessage, Name, Names, NodeId, Payload, Raft,
    RaftOutput, Recovered, Role, Settings, StateMachine, Term, TimerTable,
};
use crate::time::{Clock, Reading, Stamp};

/// A node of the cluster. The [module](super) has the contract between a node and its host.
///
/// ```
/// use leasehold::kv::{Command, Scalar};
/// use leasehold::lease::SoundRules;
/// use leasehold::node::{Answer, Identity, Input, Node, Operation, Output, RequestId};
/// use leasehold::raft::{Configuration, Jitter, NodeId, Settings};
/// use leasehold::storage::{MemoryStorage, Storage};
/// use leasehold::time::{Clock, Nanos, Reading, Span, Stamp};
///
/// /// A clock that stands still: both monotonic clocks say this many nanoseconds.
/// struct At(u64);
///
/// impl Clock for At {
///     fn read(&self) -> Reading {
///         Reading { stamp: Stamp::new(Nanos(self.0), Nanos(self.0)), wall: None }
///     }
/// }
///
/// struct NoJitter;
///
/// impl Jitter for NoJitter {
///     fn jitter(&mut self, _most: Span) -> Span {
///         Span::ZERO
///     }
/// }
///
/// let clock = At(1_000_000_000);
/// let identity = Identity::numbered(NodeId(0), Configuration::new(1, 0), 1);
/// let mut storage = MemoryStorage::default();
/// let Ok(recovered) = storage.recover();
/// let mut node = Node::start(identity, Settings::default(), SoundRules, recovered, &clock, &mut NoJitter);
///
/// // What a host does with outputs. A single node sends nothing.
/// let mut answers = Vec::new();
/// let mut settle = |node: &mut Node<SoundRules>| {
///     while let Some(output) = node.poll_output() {
///         match output {
///             Output::Persist(write) => {
///                 storage.write(write);
///                 let Ok(ticket) = storage.sync();
///                 node.handle(&clock, &mut NoJitter, Input::Persisted { ticket });
///             }
///             Output::Reply { answer, .. } => answers.push(answer),
///             Output::Send { .. } | Output::HandoverEnded { .. } | Output::Note(_) => {}
///         }
///     }
/// };
/// settle(&mut node);
///
/// let (key, value) = (Scalar::Text("x".into()), Scalar::Integer(42));
/// let write = Operation::Update(Command::Write { key: key.clone(), value: value.clone() });
/// node.handle(&clock, &mut NoJitter, Input::Request { request: RequestId(1), operation: write });
/// settle(&mut node);
/// let read = Operation::Read { key };
/// node.handle(&clock, &mut NoJitter, Input::Request { request: RequestId(2), operation: read });
/// settle(&mut node);
///
/// let read = Answer::Value { value: Some(value), lease_valid: true, network_round_trips: 0 };
/// assert_eq!(answers, [Answer::Done, read]);
/// ```
#[derive(Debug, Clone)]
pub struct Node<R> {
    pub(super) raft: Raft<R>,
    pub(super) state: StateMachine,
    pub(super) applied: Index,
    pub(super) requests: PendingRequests,
    pub(super) proposals: Proposals,
    pub(super) reads: WaitingReads,
    pub(super) forwarding: Forwarding,
    /// The transfer that somebody waits for.
    pub(super) handover: Option<Handover>,
    /// Hashes of the applied state, and how the others' compare.
    pub(super) replicas: Replicas,
    /// Since when another leader is known, while updates are in the hands of an earlier one that has not answered.
    pub(super) orphaned: Option<Stamp>,
    /// The leadership that requests were last dispatched under.
    pub(super) seen_leadership: Leadership,
    pub(super) outputs: VecDeque<Output>,
    /// The clocks as the last input found them.
    pub(super) reading: Reading,
}

/// Whom requests can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leadership {
    pub(super) term: Term,
    pub(super) leader: Option<NodeId>,
    /// The leader is this node, and it is handing over.
    pub(super) transferring: bool,
}

impl<R: LeaseRules> Node<R> {
    /// A node that starts with what its storage held. It may have output at once.
    pub fn start(
        identity: Identity,
        settings: Settings,
        rules: R,
        recovered: Recovered,
        clock: &impl Clock,
        jitter: &mut dyn Jitter,
    ) -> Node<R> {
        let now = clock.read();
        let cx = &mut Context { now, jitter };
        // A single voter leads its next term before it is asked anything.
        let forwarding = Forwarding::new(identity.incarnation, recovered.hard_state.term);
        let (state, applied) = (recovered.state.clone(), recovered.log.base().index);
        let replicas = Replicas::at(applied, &state);
        let cluster = (identity.names, identity.configuration, identity.cluster);
        let raft = Raft::start(cx, identity.id, cluster, settings, rules, recovered);
        let seen_leadership = Leadership { term: raft.term(), leader: None, transferring: false };
        let mut node = Node {
            forwarding,
            raft,
            state,
            applied,
            requests: PendingRequests::default(),
            proposals: Proposals::default(),
            reads: WaitingReads::default(),
            handover: None,
            replicas,
            orphaned: None,
            seen_leadership,
            outputs: VecDeque::new(),
            reading: now,
        };
        // What was known to be committed.
        node.apply_committed(&now);
        node
    }

    /// The consensus part, for reading.
    pub fn raft(&self) -> &Raft<R> {
        &self.raft
    }

    /// The number of the node that sent something under that name. A node that is no member as far as this one knows gets
    /// one as well: it may lead by entries that have not come here yet. `None` when too many names are known.
    pub fn introduce(&mut self, name: &str) -> Option<NodeId> {
        self.raft.introduce(name)
    }

    /// What the nodes are called, this one included.
    pub fn names(&self) -> &Names {
        self.raft.names()
    }

    /// The cluster's id as far as this node knows it: committed, given at the start, or of an entry in its log.
    pub fn cluster(&self) -> Option<&Name> {
        self.raft.cluster()
    }

    /// Is [the cluster's id](Node::cluster) certain: committed, or given at the start?
    pub fn cluster_is_settled(&self) -> bool {
        self.raft.cluster_is_settled()
    }

    /// The state machine.
    pub fn state(&self) -> &KeyValues {
        &self.state.values
    }

    /// The lengths that the cluster has agreed on, if it has.
    pub fn agreed(&self) -> Option<LeaseLengths> {
        self.state.agreed
    }

    /// Entries up to here are applied.
    pub fn applied(&self) -> Index {
        self.applied
    }

    /// What this node waits for. Changes with every input and every output.
    pub fn timers(&self) -> &TimerTable {
        self.raft.timers()
    }

    /// See [`TimerTable::take_hastened`].
    pub fn take_hastened(&mut self) -> bool {
        self.raft.timers_mut().take_hastened()
    }

    /// Handles one input. The clock is read once, now that the input is here.
    pub fn handle(&mut self, clock: &impl Clock, jitter: &mut dyn Jitter, input: Input) {
        let request = matches!(input, Input::Request { .. });
        let now = self.raft.rules().reading(clock.read(), self.reading, request);
        self.reading = now;
        let cx = &mut Context { now, jitter };
        match input {
            Input::Message { from, message } => match message {
                Message::Raft(message) => {
                    self.compare_state(from, &message);
                    let round = matches!(message, RaftMessage::Append(_));
                    let refusal = matches!(&message, RaftMessage::VoteReply(reply) if !reply.granted);
                    self.raft.handle(cx, from, message);
                    if round {
                        self.retransmit(&now, from);
                        self.give_up_orphans(&now);
                    }
                    if refusal {
                        self.refuse_unreachable(&now);
                    }
                }
                Message::Forward(forward) => self.handle_forward(&now, from, *forward),
                Message::Answer(answer) => self.handle_forward_answer(&now, answer),
            },
            Input::Request { request, operation } => self.handle_request(&now, request, operation),
            Input::Wakeup => {
                self.raft.handle_wakeup(cx);
                self.expire_requests(&now);
                self.give_up_orphans(&now);
            }
            Input::Persisted { ticket } => self.raft.handle_persisted(cx, ticket),
            Input::StorageFull => self.raft.handle_storage_full(cx),
            Input::Handover { request, to } => self.handle_handover(cx, request, to),
            Input::ProposeLengths(lengths) => {
                if lengths.may_be_agreed() {
                    self.raft.propose(&now, Payload::Lease(lengths));
                }
            }
            Input::ProposeChange(change) => {
                if self.leads()
                    && let Ok(payload) = self.raft.plan_change(&now, &change)
                {
                    self.raft.propose(&now, payload);
                }
            }
            Input::TransferLeadership { to } => self.raft.transfer_leadership(cx, to),
        }
        self.take_installed(&now);
        self.apply_committed(&now);
        self.notice_leadership(&now);
        self.notice_handover(&now);
        self.serve_confirmed_reads();
    }

    /// The answer to this request, if it was the last input and was answered at once. A host that asks need not remember
    /// whom an answer is for; else the answer comes as an output.
    pub fn take_answer(&mut self, request: RequestId) -> Option<Answer> {
        match self.outputs.pop_back() {
            Some(Output::Reply { request: answered, answer }) if answered == request => Some(answer),
            Some(other) => {
                self.outputs.push_back(other);
                None
            }
            None => None,
        }
    }

    /// The next output, until there is none. What can be batched is: handle all inputs at hand first.
    pub fn poll_output(&mut self) -> Option<Output> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            let applied = AppliedState { index: self.applied, state: &self.state };
            match self.raft.poll_output(&self.reading, applied) {
                Some(RaftOutput::Send(to, mut message)) => {
                    self.tell_state(&mut message);
                    return Some(Output::Send { to, message: Message::Raft(message) });
                }
                Some(RaftOutput::Persist(write)) => return Some(Output::Persist(write)),
                Some(RaftOutput::Note(note)) => return Some(Output::Note(note)),
                None => {
                    // A quorum of one has confirmed its round by sending it.
                    self.serve_confirmed_reads();
                    if self.outputs.is_empty() {
                        return None;
                    }
                }
            }
        }
    }

    /// A snapshot takes the place of what was applied. Nobody can tell what became of the proposals it skips.
    fn take_installed(&mut self, now: &Reading) {
        if let Some(state) = self.raft.take_installed() {
            self.install(now, state);
        }
    }

    #[cold]
    fn install(&mut self, now: &Reading, state: StateMachine) {
        if let Some(lengths) = state.agreed {
            self.raft.use_lengths(now, lengths);
        }
        self.raft.settle_cluster(state.cluster.as_ref());
        self.state = state;
        self.applied = self.raft.log().base().index;
        self.replicas.applied(self.applied, &self.state);
        while let Some((_, origin)) = self.proposals.take_up_to(self.applied) {
            self.answer(origin, Answer::Refused(Refusal::TimedOut));
        }
    }

    fn apply_committed(&mut self, now: &Reading) {
        if self.applied < self.raft.commit() {
            self.apply_entries(now);
        }
    }

    #[inline(never)]
    fn apply_entries(&mut self, now: &Reading) {
        while self.applied < self.raft.commit() {
            let index = self.applied.next();
            let entry = self.raft.log().entry(index).expect("what is committed is in the log");
            let term = entry.term;
            let outcome = self.state.apply(index, &entry.payload);
            let answer = match &entry.payload {
                // In force since it was appended.
                Payload::Configuration(members) => Answer::Configured { index, members: members.clone() },
                Payload::Noop | Payload::Command(_) | Payload::Lease(_) | Payload::Cluster(_) => {
                    answer_to(outcome)
                }
            };
            match &entry.payload {
                Payload::Lease(lengths) => {
                    let lengths = *lengths;
                    self.raft.use_lengths(now, lengths);
                }
                Payload::Cluster(_) => self.raft.settle_cluster(self.state.cluster.as_ref()),
                Payload::Noop | Payload::Command(_) | Payload::Configuration(_) => {}
            }
            self.applied = index;
            self.replicas.applied(index, &self.state);
            self.answer_proposals(index, term, &answer);
        }
        assert!(self.applied <= self.raft.commit(), "only what is committed is applied");
        self.raft.compact(self.applied);
    }

    /// Answers whoever proposed an entry at `index`: with this if it is theirs that was applied.
    fn answer_proposals(&mut self, index: Index, applied: Term, answer: &Answer) {
        while let Some((term, origin)) = self.proposals.take_up_to(index) {
            let answer = if term == applied { answer.clone() } else { Answer::Refused(Refusal::Superseded) };
            self.answer(origin, answer);
        }
    }

    pub(super) fn leads(&self) -> bool {
        self.raft.role() == Role::Leader
    }

    pub(super) fn send(&mut self, to: NodeId, message: Message) {
        self.outputs.push_back(Output::Send { to, message });
    }
}

fn answer_to(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Done => Answer::Done,
        Outcome::KeyMissing => Answer::Refused(Refusal::KeyMissing),
        Outcome::PreconditionFailed { found } => Answer::Refused(Refusal::PreconditionFailed { found }),
    }
}
