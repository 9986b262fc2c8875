//! Requests that a follower passes on to its leader, executed at most once although messages may be duplicated.
//!
//! A forwarded request names the term in which its receiver is believed to lead. A node leads a term in one incarnation
//! at most and never again once it has stopped, so what it remembers of the requests it has seen in that term is enough to
//! recognise every duplicate. It says "not executed" only where it knows: where it may have forgotten, it says nothing,
//! and the request's client is told in the end that the outcome is unknown.
//!
//! A request or its answer may be lost. While the same leader is heard, what it has not answered for two heartbeats is sent
//! again, under the same number. An update that the leader has seen before is not executed again: its answer is given
//! again if the leader still knows it. A read is done again.

mod received;

use std::collections::BTreeMap;

use self::received::{Received, Sight};
use super::machine::Node;
use super::requests::{Origin, Stage};
use super::{Answer, Forward, ForwardAnswer, Message, Operation, Refusal, RequestId};
use crate::lease::LeaseRules;
use crate::raft::{NodeId, Term};
use crate::time::{Reading, Stamp};

/// Requests that are sent again at once; the others' turn comes a heartbeat later.
const RETRANSMITTED_MAX: usize = 256;

/// Both sides of forwarding.
#[derive(Debug, Clone)]
pub(super) struct Forwarding {
    /// As a sender: ours.
    incarnation: u64,
    next_sequence: u64,
    /// At most one for each request that waits.
    open: BTreeMap<u64, RequestId>,
    /// When it was last looked whether something has to be sent again.
    looked: Option<Stamp>,
    /// As a receiver.
    received: Received,
}

impl Forwarding {
    pub(super) fn new(incarnation: u64, started_in: Term) -> Forwarding {
        Forwarding {
            incarnation,
            next_sequence: 0,
            open: BTreeMap::new(),
            looked: None,
            received: Received::new(started_in),
        }
    }

    /// Nobody waits for this request's answer any more.
    pub(super) fn close(&mut self, sequence: u64) {
        self.open.remove(&sequence);
    }

    /// This node leads a new term.
    pub(super) fn begin_term(&mut self, term: Term) {
        self.received.begin_term(term);
    }
}

impl<R: LeaseRules> Node<R> {
    /// Passes a request on and tells the number it goes by.
    pub(super) fn forward(&mut self, leader: NodeId, request: RequestId, operation: Operation) -> u64 {
        let sequence = self.forwarding.next_sequence;
        self.forwarding.next_sequence += 1;
        self.forwarding.open.insert(sequence, request);
        self.send_forward(leader, sequence, operation);
        sequence
    }

    fn send_forward(&mut self, leader: NodeId, sequence: u64, operation: Operation) {
        let floor = self.forwarding.open.first_key_value().map_or(sequence, |(first, _)| *first);
        let incarnation = self.forwarding.incarnation;
        let forward = Forward { incarnation, sequence, floor, term: self.raft.term(), operation };
        self.send(leader, Message::Forward(Box::new(forward)));
    }

    /// A leader was heard: if it is the one that requests were passed on to, those that it has not answered for two
    /// heartbeats are sent again, the oldest first.
    pub(super) fn retransmit(&mut self, now: &Reading, leader: NodeId) {
        if self.forwarding.open.is_empty() || self.leads() || self.raft.leader() != Some(leader) {
            return;
        }
        let heartbeat = self.raft.settings().heartbeat;
        let passed = |since: Stamp| now.stamp.elapsed_max(since);
        if self.forwarding.looked.is_some_and(|looked| passed(looked) < heartbeat) {
            return;
        }
        self.forwarding.looked = Some(now.stamp);
        let current = self.raft.term();
        let mut overdue = Vec::new();
        for (sequence, request) in &self.forwarding.open {
            let Some(pending) = self.requests.get_mut(*request) else {
                continue;
            };
            let here = pending.stage == Stage::Forwarded { term: current, sequence: *sequence };
            if here && passed(pending.sent) >= heartbeat + heartbeat {
                pending.sent = now.stamp;
                overdue.push((*sequence, pending.operation.clone()));
                if overdue.len() == RETRANSMITTED_MAX {
                    break;
                }
            }
        }
        for (sequence, operation) in overdue {
            self.send_forward(leader, sequence, operation);
        }
    }

    pub(super) fn handle_forward(&mut self, now: &Reading, from: NodeId, forward: Forward) {
        // It need be no member: one that was removed may still have clients.
        if !self.raft.names().contains(from) || from == self.raft.id() {
            return;
        }
        let Forward { incarnation, sequence, term, .. } = forward;
        if let Some(answer) = self.forwarding.received.answer((from, incarnation, sequence)) {
            let answer = answer.clone();
            self.send_answer(from, incarnation, sequence, answer);
        } else if self.leads() && term == self.raft.term() {
            let origin = Origin::Peer { node: from, incarnation, sequence };
            let wanted = match self.forwarding.received.note(from, &forward) {
                Sight::First => true,
                // The answer may have been lost.
                Sight::Again => {
                    matches!(forward.operation, Operation::Read { .. }) && !self.waits_to_read(origin)
                }
                Sight::Unknown => false,
            };
            if wanted && let Err(refusal) = self.execute(now, forward.operation, origin) {
                self.answer(origin, Answer::Refused(refusal));
            }
        } else if term <= self.raft.term() && self.forwarding.received.surely_unexecuted(from, &forward) {
            self.send_answer(from, incarnation, sequence, Answer::Refused(Refusal::NoLeader));
        }
    }

    /// Answers a request that was executed, or refused for good.
    pub(super) fn answer_peer(&mut self, node: NodeId, incarnation: u64, sequence: u64, answer: Answer) {
        self.forwarding.received.keep_answer((node, incarnation, sequence), &answer);
        self.send_answer(node, incarnation, sequence, answer);
    }

    fn send_answer(&mut self, node: NodeId, incarnation: u64, sequence: u64, answer: Answer) {
        self.send(node, Message::Answer(ForwardAnswer { incarnation, sequence, answer }));
    }

    pub(super) fn handle_forward_answer(&mut self, now: &Reading, answer: ForwardAnswer) {
        if answer.incarnation != self.forwarding.incarnation {
            return;
        }
        let Some(request) = self.forwarding.open.remove(&answer.sequence) else {
            return;
        };
        let Some(pending) = self.requests.get_mut(request) else {
            return;
        };
        pending.round_trips += 1;
        match answer.answer {
            // It was never executed: it goes to the next leader, which may be known already.
            Answer::Refused(Refusal::NoLeader) => {
                let asked = std::mem::replace(&mut pending.stage, Stage::Unsent);
                if matches!(asked, Stage::Forwarded { term, .. } if term < self.raft.term()) {
                    self.dispatch(now, request);
                }
            }
            answer => self.answer_client(request, answer),
        }
    }
}
