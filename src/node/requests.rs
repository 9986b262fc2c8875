//! Clients' requests: answered at once under the lease, or waiting for a quorum, a commit, a leader, or their deadline.

use std::collections::{BTreeMap, VecDeque};

use super::machine::{Leadership, Node};
use super::{Answer, Operation, Output, Refusal, RequestId};
use crate::kv::Scalar;
use crate::lease::LeaseRules;
use crate::raft::{NodeId, Payload, ReadIndex, Term, Timer};
use crate::time::{Alarm, Reading, Stamp};

/// Requests of a node's own clients that wait for something.
const REQUESTS_MAX: usize = 16_384;

/// Who is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A client of this node.
    Client(RequestId),
    /// Another node, which forwarded its client's request.
    Peer { node: NodeId, incarnation: u64, sequence: u64 },
}

/// A read at the leader that waits for a quorum.
#[derive(Debug, Clone)]
pub(super) struct WaitingRead {
    term: Term,
    needs: ReadIndex,
    key: Scalar,
    origin: Origin,
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
    since: Stamp,
}

/// Requests of this node's own clients that wait, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct PendingRequests {
    waiting: BTreeMap<RequestId, PendingRequest>,
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
        if self.requests.waiting.len() >= REQUESTS_MAX {
            self.outputs.push_back(Output::Reply { request, answer: Answer::Refused(Refusal::Overloaded) });
            return;
        }
        let pending = PendingRequest { operation, stage: Stage::Unsent, round_trips: 0, since: now.stamp };
        if self.requests.waiting.is_empty() {
            self.set_deadline(now.stamp);
        }
        self.requests.waiting.insert(request, pending);
        self.dispatch(now, request);
    }

    /// The read that this whole project is about: no message, no write, no wait.
    pub(super) fn read_locally(&mut self, now: &Reading, key: &Scalar) -> Option<Answer> {
        self.raft.may_read_locally(now, self.applied).then(|| Answer::Value {
            value: self.state.read(key).cloned(),
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
            let accepted = self.execute(now, operation, Origin::Client(request));
            if accepted { Stage::AtThisLeader } else { Stage::Unsent }
        } else if let Some(leader) = self.raft.leader() {
            let sequence = self.forward(leader, request, operation);
            Stage::Forwarded { term: self.raft.term(), sequence }
        } else {
            Stage::Unsent
        };
        // A read that was answered at once waits no more.
        if let Some(pending) = self.requests.get_mut(request) {
            pending.stage = stage;
        }
    }

    /// Executes an operation as the leader; `false` while it is handing over.
    pub(super) fn execute(&mut self, now: &Reading, operation: Operation, origin: Origin) -> bool {
        match operation {
            Operation::Read { key } => {
                if let Some(answer) = self.read_locally(now, &key) {
                    self.answer(origin, answer);
                } else {
                    let needs = self.raft.begin_read_index();
                    self.reads.push_back(WaitingRead { term: self.raft.term(), needs, key, origin });
                }
                true
            }
            Operation::Update(command) => self.propose(Payload::Command(command), origin),
            Operation::Agree(lengths) if !lengths.may_be_agreed() => {
                self.answer(origin, Answer::Refused(Refusal::UnsafeLease));
                true
            }
            Operation::Agree(lengths) => self.propose(Payload::Lease(lengths), origin),
        }
    }

    fn propose(&mut self, payload: Payload, origin: Origin) -> bool {
        let Some(index) = self.raft.propose(payload) else {
            return false;
        };
        self.proposals.insert((index, self.raft.term()), origin);
        true
    }

    /// Answers reads whose round a quorum has confirmed. Those of a leadership that has ended look for the next leader.
    pub(super) fn serve_confirmed_reads(&mut self) {
        while let Some(read) = self.reads.front() {
            if !self.leads() || read.term != self.raft.term() {
                break;
            }
            if read.needs.round > self.raft.confirmed_round() || read.needs.index > self.applied {
                break;
            }
            let answer = Answer::Value {
                value: self.state.read(&read.key).cloned(),
                lease_valid: false,
                // A leader that is the whole electorate has asked nobody.
                network_round_trips: u32::from(!self.raft.leads_alone()),
            };
            let origin = read.origin;
            self.reads.pop_front();
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
        if let Answer::Value { network_round_trips, .. } = &mut answer {
            *network_round_trips += pending.round_trips;
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
                (Operation::Update(_) | Operation::Agree(_), _) => Refusal::TimedOut,
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
        if leadership == self.seen_leadership {
            return;
        }
        self.seen_leadership = leadership;
        if self.leads() {
            self.forwarding.begin_term(leadership.term);
        }
        self.abandon_reads();
        for request in self.requests.unsent() {
            self.dispatch(now, request);
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
        let (kept, over): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.reads).into_iter().partition(|read| leads && read.term == current);
        self.reads = kept;
        for read in over {
            if let Origin::Peer { .. } = read.origin {
                self.answer(read.origin, Answer::Refused(Refusal::NoLeader));
            }
        }
    }
}
