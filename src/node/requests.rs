//! Clients' requests: answered at once under the lease, or waiting for a quorum, a commit, a leader, or their deadline.

use std::collections::BTreeMap;

use super::load::Load;
use super::machine::{Leadership, Node};
use super::waiting::WaitingRead;
use super::{Answer, Operation, Output, Refusal, RequestId};
use crate::kv::Scalar;
use crate::lease::LeaseRules;
use crate::raft::{NodeId, Payload, Term, Timer};
use crate::time::{Alarm, Reading, Stamp};

/// Requests of a node's own clients that wait for something ...
const REQUESTS_MAX: usize = 16_384;
/// ... and about how many bytes of them.
const REQUESTS_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// A leader takes no more updates while its oldest one has waited for so much of the request deadline: the half.
const OVERLOAD_DEADLINE_SHARE: u64 = 2;

/// Who is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A client of this node.
    Client(RequestId),
    /// Another node, which forwarded its client's request.
    Peer { node: NodeId, incarnation: u64, sequence: u64 },
}

/// How far a waiting request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// In no log and with no leader.
    Unsent,
    /// In this node's log, or waiting for this node's quorum.
    AtThisLeader,
    /// With the leader of that term.
    Forwarded { term: Term, sequence: u64 },
}

/// A request of one of this node's own clients.
#[derive(Debug, Clone)]
pub(super) struct PendingRequest {
    pub(super) operation: Operation,
    pub(super) stage: Stage,
    /// Times it was forwarded and came back.
    pub(super) round_trips: u32,
    /// When it was forwarded, the last time.
    pub(super) sent: Stamp,
    since: Stamp,
    bytes: usize,
}

/// Requests of this node's own clients that wait, oldest first.
#[derive(Debug, Clone)]
pub(super) struct PendingRequests {
    waiting: BTreeMap<RequestId, PendingRequest>,
    load: Load,
}

impl Default for PendingRequests {
    fn default() -> PendingRequests {
        PendingRequests { waiting: BTreeMap::new(), load: Load::new(REQUESTS_MAX, REQUESTS_BYTES_MAX) }
    }
}

impl PendingRequests {
    pub(super) fn get_mut(&mut self, request: RequestId) -> Option<&mut PendingRequest> {
        self.waiting.get_mut(&request)
    }

    fn unsent(&self) -> Vec<RequestId> {
        let unsent = self.waiting.iter().filter(|(_, pending)| pending.stage == Stage::Unsent);
        unsent.map(|(request, _)| *request).collect()
    }
}

impl<R: LeaseRules> Node<R> {
    pub(super) fn handle_request(&mut self, now: &Reading, request: RequestId, operation: Operation) {
        if let Operation::Read { key } = &operation
            && let Some(answer) = self.read_locally(now, key)
        {
            self.outputs.push_back(Output::Reply { request, answer });
            return;
        }
        let bytes = operation.weight();
        if !self.requests.load.has_room(bytes) {
            self.outputs.push_back(Output::Reply { request, answer: Answer::Refused(Refusal::Overloaded) });
            return;
        }
        let (sent, since) = (now.stamp, now.stamp);
        let pending = PendingRequest { operation, stage: Stage::Unsent, round_trips: 0, sent, since, bytes };
        if self.requests.waiting.is_empty() {
            self.set_deadline(now.stamp);
        }
        self.requests.load.add(bytes);
        let before = self.requests.waiting.insert(request, pending);
        assert!(before.is_none(), "a host gives each request a number of its own");
        self.dispatch(now, request);
    }

    /// The read that this whole project is about: no message, no write, no wait.
    pub(super) fn read_locally(&mut self, now: &Reading, key: &Scalar) -> Option<Answer> {
        self.raft.may_read_locally(now, self.applied).then(|| Answer::Value {
            value: self.state.values.read(key).cloned(),
            lease_valid: true,
            network_round_trips: 0,
        })
    }

    /// Sends an unsent request on its way, if there is a leader to send it to.
    pub(super) fn dispatch(&mut self, now: &Reading, request: RequestId) {
        let Some(pending) = self.requests.get_mut(request) else {
            return;
        };
        let operation = pending.operation.clone();
        let stage = if self.leads() {
            match self.execute(now, operation, Origin::Client(request)) {
                Ok(()) => Stage::AtThisLeader,
                // It is handing over.
                Err(Refusal::NoLeader) => Stage::Unsent,
                Err(refusal) => return self.answer_client(request, Answer::Refused(refusal)),
            }
        } else if let Some(leader) = self.raft.leader() {
            let sequence = self.forward(leader, request, operation);
            Stage::Forwarded { term: self.raft.term(), sequence }
        } else if let Some((leader, by)) = self.raft.unreachable_leader(now) {
            return self.answer_client(request, Answer::Refused(Refusal::Unreachable { leader, by }));
        } else {
            Stage::Unsent
        };
        // A read that was answered at once waits no more.
        if let Some(pending) = self.requests.get_mut(request) {
            pending.stage = stage;
            pending.sent = now.stamp;
        }
    }

    /// Executes an operation as the leader. Refuses it while it is handing over, and when too much is waiting.
    pub(super) fn execute(
        &mut self,
        now: &Reading,
        operation: Operation,
        origin: Origin,
    ) -> Result<(), Refusal> {
        match operation {
            Operation::Read { key } => {
                if let Some(answer) = self.read_locally(now, &key) {
                    self.answer(origin, answer);
                } else if self.reads.has_room(&key) {
                    let needs = self.raft.begin_read_index(self.reads.newest());
                    self.reads.push(WaitingRead { term: self.raft.term(), needs, key, origin });
                } else {
                    return Err(Refusal::Overloaded);
                }
            }
            Operation::Update(command) => {
                let bytes = command.weight();
                self.propose(now, Payload::Command(command), bytes, origin)?;
            }
            Operation::Agree(lengths) if !lengths.may_be_agreed() => {
                self.answer(origin, Answer::Refused(Refusal::UnsafeLease));
            }
            Operation::Agree(lengths) => self.propose(now, Payload::Lease(lengths), 0, origin)?,
            Operation::Change(_) if self.raft.is_transferring() => return Err(Refusal::NoLeader),
            Operation::Change(change) => match self.raft.plan_change(now, &change) {
                Ok(payload) => self.propose(now, payload, 0, origin)?,
                Err(fault) => self.answer(origin, Answer::Refused(Refusal::Membership(fault))),
            },
        }
        Ok(())
    }

    pub(super) fn waits_to_read(&self, origin: Origin) -> bool {
        self.reads.holds(origin)
    }

    fn propose(
        &mut self,
        now: &Reading,
        payload: Payload,
        bytes: usize,
        origin: Origin,
    ) -> Result<(), Refusal> {
        // One that is proposed now is done after all that wait. If those are slow, it would be done past its deadline, and so
        // would all that come after it: whoever asks is told at once, and what waits is done in time.
        let patience = self.raft.settings().request_deadline.div(OVERLOAD_DEADLINE_SHARE);
        if !self.proposals.has_room(bytes) || self.proposals.oldest_age(now) > patience {
            return Err(Refusal::Overloaded);
        }
        let index = self.raft.propose(now, payload).ok_or(Refusal::NoLeader)?;
        self.proposals.add((index, self.raft.term()), origin, bytes, now.stamp);
        Ok(())
    }

    /// Answers reads whose round a quorum has confirmed. Those of a leadership that has ended look for the next leader.
    #[inline]
    pub(super) fn serve_confirmed_reads(&mut self) {
        // After every input, and before a node has nothing more to say.
        if self.reads.front().is_some() {
            self.serve_waiting_reads();
        }
    }

    fn serve_waiting_reads(&mut self) {
        while let Some(read) = self.reads.front() {
            if !self.leads() || read.term != self.raft.term() {
                break;
            }
            if !self.raft.is_confirmed(read.needs) || read.needs.index > self.applied {
                break;
            }
            let answer = Answer::Value {
                value: self.state.values.read(&read.key).cloned(),
                lease_valid: false,
                // A leader that is the whole electorate has asked nobody.
                network_round_trips: u32::from(!self.raft.leads_alone()),
            };
            let origin = read.origin;
            self.reads.pop();
            self.answer(origin, answer);
        }
    }

    pub(super) fn answer(&mut self, origin: Origin, answer: Answer) {
        match origin {
            Origin::Client(request) => self.answer_client(request, answer),
            Origin::Peer { node, incarnation, sequence } => {
                self.answer_peer(node, incarnation, sequence, answer);
            }
        }
    }

    /// Answers a client, once: an answer that comes after the deadline has nobody to go to.
    pub(super) fn answer_client(&mut self, request: RequestId, mut answer: Answer) {
        let Some(pending) = self.requests.waiting.remove(&request) else {
            return;
        };
        self.requests.load.remove(pending.bytes);
        if let Answer::Value { network_round_trips, .. } = &mut answer {
            // A faulty leader may have sent any number.
            *network_round_trips = network_round_trips.saturating_add(pending.round_trips);
        }
        if let Stage::Forwarded { sequence, .. } = pending.stage {
            self.forwarding.close(sequence);
        }
        match self.requests.waiting.first_key_value() {
            Some((_, oldest)) => self.set_deadline(oldest.since),
            None => self.raft.timers_mut().clear(Timer::RequestDeadline),
        }
        self.outputs.push_back(Output::Reply { request, answer });
    }

    fn set_deadline(&mut self, since: Stamp) {
        let span = self.raft.settings().request_deadline;
        self.raft.timers_mut().set(Timer::RequestDeadline, Alarm::First { since, span });
    }

    pub(super) fn expire_requests(&mut self, now: &Reading) {
        let span = self.raft.settings().request_deadline;
        while let Some((request, pending)) = self.requests.waiting.first_key_value() {
            if now.stamp.elapsed_max(pending.since) < span {
                break;
            }
            // A read does no harm by being done later; an update that somebody may still commit is not refused.
            let refusal = match (&pending.operation, pending.stage) {
                (Operation::Read { .. }, _) | (_, Stage::Unsent) => Refusal::NoLeader,
                (Operation::Update(_) | Operation::Agree(_) | Operation::Change(_), _) => Refusal::TimedOut,
            };
            self.answer_client(*request, Answer::Refused(refusal));
        }
    }

    /// Somebody else leads now, or nobody, or this node has stopped handing over: what waits for a leader tries again.
    pub(super) fn notice_leadership(&mut self, now: &Reading) {
        let leadership = Leadership {
            term: self.raft.term(),
            leader: self.raft.leader(),
            transferring: self.raft.is_transferring(),
        };
        if leadership != self.seen_leadership {
            self.dispatch_anew(now, leadership);
        }
    }

    #[cold]
    fn dispatch_anew(&mut self, now: &Reading, leadership: Leadership) {
        self.seen_leadership = leadership;
        if self.leads() {
            self.forwarding.begin_term(leadership.term);
            self.proposals.lead_again(self.raft.log().last_index());
        }
        self.abandon_reads();
        for request in self.requests.unsent() {
            self.dispatch(now, request);
        }
        let orphans = leadership.leader.is_some() && self.orphans(leadership.term).next().is_some();
        self.orphaned = orphans.then_some(now.stamp);
    }

    /// Updates that were passed on to the leader of an earlier term.
    fn orphans(&self, current: Term) -> impl Iterator<Item = RequestId> {
        let orphans = self.requests.waiting.iter().filter(move |(_, pending)| {
            let update = !matches!(pending.operation, Operation::Read { .. });
            update && matches!(pending.stage, Stage::Forwarded { term, .. } if term < current)
        });
        orphans.map(|(request, _)| *request)
    }

    /// Another leader has been known for two heartbeats, and the earlier one has not said what became of the updates that it
    /// was given. If it lives it would have: one that it has not done goes to the next leader. What it has done may be
    /// committed or not, and only the log knows. So clients hear now that the outcome is unknown, and not at the deadline.
    /// (To send them on would do some of them twice: a log has no numbers of requests.)
    pub(super) fn give_up_orphans(&mut self, now: &Reading) {
        let patience = self.raft.settings().heartbeat * 2;
        if self.orphaned.is_some_and(|since| now.stamp.elapsed_max(since) >= patience) {
            self.orphaned = None;
            let orphans: Vec<RequestId> = self.orphans(self.raft.term()).collect();
            for request in orphans {
                self.answer_client(request, Answer::Refused(Refusal::TimedOut));
            }
        }
    }

    /// Somebody has told which leader it follows, and this node does not hear that one: what waits need not wait longer.
    #[cold]
    pub(super) fn refuse_unreachable(&mut self, now: &Reading) {
        if self.raft.unreachable_leader(now).is_some() {
            for request in self.requests.unsent() {
                self.dispatch(now, request);
            }
        }
    }

    /// Reads that waited for a leadership that has ended go back to where they came from. Reads may be done twice.
    fn abandon_reads(&mut self) {
        let (leads, current) = (self.leads(), self.raft.term());
        for pending in self.requests.waiting.values_mut() {
            let read = matches!(pending.operation, Operation::Read { .. });
            let over = match pending.stage {
                Stage::Unsent => false,
                Stage::AtThisLeader => !leads,
                Stage::Forwarded { term, .. } => term < current,
            };
            if read && over {
                if let Stage::Forwarded { sequence, .. } = pending.stage {
                    self.forwarding.close(sequence);
                }
                pending.stage = Stage::Unsent;
            }
        }
        for read in self.reads.take_all_but(leads.then_some(current)) {
            if let Origin::Peer { .. } = read.origin {
                self.answer(read.origin, Answer::Refused(Refusal::NoLeader));
            }
        }
    }
}
