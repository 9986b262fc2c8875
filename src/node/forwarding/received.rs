//! What a leader remembers of the requests that fellow nodes have passed on to it: which ones it has seen, and how it
//! answered the latest of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::node::{Answer, Forward, Refusal};
use crate::raft::{NodeId, Term};

/// Incarnations of all peers together whose requests are remembered within one term.
const INCARNATIONS_MAX: usize = 4_096;
/// Requests of one incarnation that may be open at once.
const OPEN_MAX: usize = 65_536;
/// Requests of all incarnations together.
const OPEN_TOTAL_MAX: usize = 1_048_576;
/// Answers that are kept, so that they can be given again.
const ANSWERS_MAX: usize = 4_096;
/// An answer that holds a larger value than this is not kept: it would keep the value alive.
const ANSWER_BYTES_MAX: usize = 1_024;

/// Whose request: node, incarnation, sequence.
pub(super) type Key = (NodeId, u64, u64);

/// See the [module](self).
#[derive(Debug, Clone)]
pub(super) struct Received {
    /// What was seen in the latest term that this node led.
    seen: BTreeMap<(NodeId, u64), Seen>,
    seen_term: Term,
    /// What was seen in this term and before is forgotten.
    forgotten: Term,
    /// Numbers in all of `seen` together.
    open: usize,
    answers: BTreeMap<Key, Answer>,
    /// The keys of `answers`, oldest first.
    answered: VecDeque<Key>,
}

/// Which requests of one incarnation have been seen: all below the floor, and these.
#[derive(Debug, Clone, Default)]
struct Seen {
    floor: u64,
    above: BTreeSet<u64>,
}

/// Has a request been seen before?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It has not, and will be recognised from now on.
    First,
    /// It has, and its sender may still be waiting.
    Again,
    /// Its sender waits for it no more, or there is no room to remember it.
    Unknown,
}

impl Received {
    pub(super) fn new(started_in: Term) -> Received {
        Received {
            seen: BTreeMap::new(),
            seen_term: started_in,
            forgotten: started_in,
            open: 0,
            answers: BTreeMap::new(),
            answered: VecDeque::new(),
        }
    }

    /// This node leads a new term.
    pub(super) fn begin_term(&mut self, term: Term) {
        if term > self.seen_term {
            self.forgotten = self.seen_term;
            self.seen_term = term;
            self.seen.clear();
            self.open = 0;
        }
    }

    /// Takes note of a request.
    pub(super) fn note(&mut self, from: NodeId, forward: &Forward) -> Sight {
        let key = (from, forward.incarnation);
        if !self.seen.contains_key(&key) && self.seen.len() >= INCARNATIONS_MAX {
            return Sight::Unknown;
        }
        let seen = self.seen.entry(key).or_default();
        let before = seen.above.len();
        seen.raise_floor(forward.floor);
        self.open -= before - seen.above.len();
        if seen.above.contains(&forward.sequence) {
            return Sight::Again;
        }
        let full = seen.above.len() >= OPEN_MAX || self.open >= OPEN_TOTAL_MAX;
        if forward.sequence < seen.floor || full {
            return Sight::Unknown;
        }
        seen.above.insert(forward.sequence);
        self.open += 1;
        Sight::First
    }

    /// Does this node know that it has not executed and will not execute the request?
    pub(super) fn surely_unexecuted(&self, from: NodeId, forward: &Forward) -> bool {
        let seen = self.seen.get(&(from, forward.incarnation));
        forward.term > self.forgotten
            && (forward.term != self.seen_term || !seen.is_some_and(|seen| seen.contains(forward.sequence)))
    }

    /// Keeps the answer to a request. Not a read's value: a read can be done again, and then tells what is true then.
    pub(super) fn keep_answer(&mut self, key: Key, answer: &Answer) {
        match answer {
            Answer::Value { .. } => return,
            Answer::Refused(Refusal::PreconditionFailed { found }) if found.weight() > ANSWER_BYTES_MAX => {
                return;
            }
            Answer::Configured { members, .. } if members.weight() > ANSWER_BYTES_MAX => return,
            Answer::Done | Answer::Configured { .. } | Answer::Refused(_) => {}
        }
        if self.answers.insert(key, answer.clone()).is_none() {
            self.answered.push_back(key);
        }
        if self.answered.len() > ANSWERS_MAX
            && let Some(oldest) = self.answered.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }

    /// How a request was answered, if that is still known.
    pub(super) fn answer(&self, key: Key) -> Option<&Answer> {
        self.answers.get(&key)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::Scalar;
    use crate::node::Operation;

    fn noted(received: &mut Received, incarnation: u64, sequence: u64, floor: u64) -> Sight {
        let operation = Operation::Read { key: Scalar::Null };
        let forward = Forward { incarnation, sequence, floor, term: Term(1), operation };
        received.note(NodeId(1), &forward)
    }

    #[test]
    fn a_full_memory_drains_when_the_sender_waits_for_nothing_old_any_more() {
        let mut received = Received::new(Term(0));
        received.begin_term(Term(1));
        let max = OPEN_MAX as u64;
        assert!((0..max).all(|sequence| noted(&mut received, 1, sequence, 0) == Sight::First));
        assert_eq!(noted(&mut received, 1, max, 0), Sight::Unknown, "it could not be recognised again");
        assert_eq!(noted(&mut received, 1, max, max), Sight::First, "the sender gave up on the oldest");
        assert_eq!(noted(&mut received, 1, max, max), Sight::Again);
        assert_eq!(noted(&mut received, 1, 5, max), Sight::Unknown, "a late one");
        assert_eq!(received.open, 1);
    }

    #[test]
    fn what_all_incarnations_take_together_is_bounded() {
        let mut received = Received::new(Term(0));
        received.begin_term(Term(1));
        let per_incarnation = OPEN_MAX as u64;
        let incarnations = (OPEN_TOTAL_MAX / OPEN_MAX) as u64;
        for incarnation in 0..incarnations {
            for sequence in 0..per_incarnation {
                assert_eq!(noted(&mut received, incarnation, sequence, 0), Sight::First);
            }
        }
        assert_eq!(noted(&mut received, incarnations, 0, 0), Sight::Unknown);
        received.begin_term(Term(2));
        assert_eq!(noted(&mut received, incarnations, 0, 0), Sight::First);
    }

    #[test]
    fn the_latest_answers_are_kept_and_the_oldest_ones_forgotten() {
        let mut received = Received::new(Term(0));
        let key = |sequence| (NodeId(1), 1, sequence);
        let most = ANSWERS_MAX as u64;
        (0..=most).for_each(|sequence| received.keep_answer(key(sequence), &Answer::Done));
        assert_eq!(received.answer(key(0)), None);
        assert_eq!(received.answer(key(1)), Some(&Answer::Done));
        assert_eq!((received.answers.len(), received.answered.len()), (ANSWERS_MAX, ANSWERS_MAX));
        let value = Answer::Value { value: None, lease_valid: true, network_round_trips: 0 };
        received.keep_answer(key(most + 1), &value);
        assert_eq!(received.answer(key(most + 1)), None, "a read is done again");
    }
}
