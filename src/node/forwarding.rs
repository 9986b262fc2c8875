//! Requests that a follower passes on to its leader, executed at most once although messages may be duplicated.
//!
//! A forwarded request names the term in which its receiver is believed to lead. A node leads a term in one incarnation
//! at most and never again once it has stopped, so what it remembers of the requests it has seen in that term is enough to
//! recognise every duplicate. It says "not executed" only where it knows: where it may have forgotten, it says nothing,
//! and the request's client is told in the end that the outcome is unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::Node;
use super::requests::{Origin, Stage};
use super::{Answer, Forward, ForwardAnswer, Message, Operation, Refusal, RequestId};
use crate::lease::LeaseRules;
use crate::raft::{NodeId, Term};
use crate::time::Reading;

/// Incarnations of all peers together whose requests are remembered within one term.
const INCARNATIONS_MAX: usize = 4_096;
/// Requests of one incarnation that may be open at once.
const OPEN_MAX: usize = 65_536;

/// Both sides of forwarding.
#[derive(Debug, Clone)]
pub(super) struct Forwarding {
    /// As a sender: ours.
    incarnation: u64,
    next_sequence: u64,
    open: BTreeMap<u64, RequestId>,
    /// As a receiver: what was seen in the latest term that this node led.
    seen: BTreeMap<(NodeId, u64), Seen>,
    seen_term: Term,
    /// What was seen in this term and before is forgotten.
    forgotten: Term,
}

/// Which requests of one incarnation have been seen: all below the floor, and these.
#[derive(Debug, Clone, Default)]
struct Seen {
    floor: u64,
    above: BTreeSet<u64>,
}

impl Seen {
    fn contains(&self, sequence: u64) -> bool {
        sequence < self.floor || self.above.contains(&sequence)
    }

    /// Nothing below `floor` is open any more.
    fn raise_floor(&mut self, floor: u64) {
        if floor > self.floor {
            self.floor = floor;
            self.above = self.above.split_off(&floor);
        }
    }
}

impl Forwarding {
    pub(super) fn new(incarnation: u64, started_in: Term) -> Forwarding {
        Forwarding {
            incarnation,
            next_sequence: 0,
            open: BTreeMap::new(),
            seen: BTreeMap::new(),
            seen_term: started_in,
            forgotten: started_in,
        }
    }

    /// Nobody waits for this request's answer any more.
    pub(super) fn close(&mut self, sequence: u64) {
        self.open.remove(&sequence);
    }

    /// This node leads a new term.
    pub(super) fn begin_term(&mut self, term: Term) {
        if term > self.seen_term {
            self.forgotten = self.seen_term;
            self.seen_term = term;
            self.seen.clear();
        }
    }

    /// Takes note of a request; `false` if it was seen before or cannot be remembered.
    fn note(&mut self, from: NodeId, forward: &Forward) -> bool {
        let key = (from, forward.incarnation);
        if !self.seen.contains_key(&key) && self.seen.len() >= INCARNATIONS_MAX {
            return false;
        }
        let seen = self.seen.entry(key).or_default();
        seen.raise_floor(forward.floor);
        if seen.contains(forward.sequence) || seen.above.len() >= OPEN_MAX {
            return false;
        }
        seen.above.insert(forward.sequence);
        true
    }

    /// Does this node know that it has not executed and will not execute the request?
    fn surely_unexecuted(&self, from: NodeId, forward: &Forward) -> bool {
        let seen = self.seen.get(&(from, forward.incarnation));
        forward.term > self.forgotten
            && (forward.term != self.seen_term || !seen.is_some_and(|seen| seen.contains(forward.sequence)))
    }
}

impl<R: LeaseRules> Node<R> {
    /// Passes a request on and tells the number it goes by.
    pub(super) fn forward(&mut self, leader: NodeId, request: RequestId, operation: Operation) -> u64 {
        let sequence = self.forwarding.next_sequence;
        self.forwarding.next_sequence += 1;
        self.forwarding.open.insert(sequence, request);
        let floor = self.forwarding.open.first_key_value().map_or(sequence, |(first, _)| *first);
        let incarnation = self.forwarding.incarnation;
        let forward = Forward { incarnation, sequence, floor, term: self.raft.term(), operation };
        self.send(leader, Message::Forward(forward));
        sequence
    }

    pub(super) fn handle_forward(&mut self, now: &Reading, from: NodeId, forward: Forward) {
        if !self.raft.configuration().contains(from) {
            return;
        }
        let Forward { incarnation, sequence, term, .. } = forward;
        if self.leads() && term == self.raft.term() {
            if self.forwarding.note(from, &forward) {
                let origin = Origin::Peer { node: from, incarnation, sequence };
                if !self.execute(now, forward.operation, origin) {
                    self.answer(origin, Answer::Refused(Refusal::NoLeader));
                }
            }
        } else if term <= self.raft.term() && self.forwarding.surely_unexecuted(from, &forward) {
            self.answer_peer(from, incarnation, sequence, Answer::Refused(Refusal::NoLeader));
        }
    }

    pub(super) fn answer_peer(&mut self, node: NodeId, incarnation: u64, sequence: u64, answer: Answer) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::Scalar;

    fn noted(forwarding: &mut Forwarding, sequence: u64, floor: u64) -> bool {
        let operation = Operation::Read { key: Scalar::Null };
        let forward = Forward { incarnation: 1, sequence, floor, term: Term(1), operation };
        forwarding.note(NodeId(1), &forward)
    }

    #[test]
    fn a_full_memory_drains_when_the_sender_waits_for_nothing_old_any_more() {
        let mut forwarding = Forwarding::new(7, Term(0));
        forwarding.begin_term(Term(1));
        let open_max = OPEN_MAX as u64;
        assert!((0..open_max).all(|sequence| noted(&mut forwarding, sequence, 0)));
        assert!(!noted(&mut forwarding, open_max, 0), "full: it could not be recognised again");
        assert!(noted(&mut forwarding, open_max, open_max), "the sender gave up on the oldest");
        assert!(!noted(&mut forwarding, open_max, open_max), "a duplicate");
        assert!(!noted(&mut forwarding, 5, open_max), "a late one");
    }
}
