//! The general path: a search over all orders that could matter, for keys with compare-and-swap or repeated values.
//!
//! Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) try every order; Lowe ("Testing for Linearizability",
//! 2017) remembers the configurations already seen, a configuration being the set of linearized operations together with
//! the register's value, and linearizes just in time: only when an operation's response requires it. This search walks
//! the events in the order of time, invocations before responses at equal instants, and keeps the set of all
//! configurations that explain the responses so far. All members of that set agree on the operations that have responded,
//! so a configuration need only tell which of the pending ones are linearized. When the set becomes empty, the response
//! at hand is the first one that nothing explains.
//!
//! Four rules keep the set small. Each leaves out only orders for which another one does as well:
//!
//! 1. An operation that leaves the value as it is (a read, a swap that did not happen) is linearized as soon as the value
//!    fits.
//! 2. A plain write that another plain write follows at once is invisible. It is not linearized there; it is marked
//!    absorbable by the other, and at its response a mark is as good as a place. Hence before its response a write is
//!    linearized only if a pending operation depends on it.
//! 3. An operation of unknown outcome is linearized only if it changes something and a pending operation depends on the
//!    value; it is forgotten after its value's last use (`uses`). Of two that do the same, the one in the lower slot goes
//!    first. (To write the value that is already there does change something if it absorbs another write.)
//! 4. A configuration that can do all that another one can makes the other one superfluous (`Pending::dominates`).

use super::history::{Operation, Value};
use super::pending::{Configuration, Pending};
use super::report::{Limits, Verdict, Violation};
use super::uses::Uses;
use std::collections::BTreeSet;

/// Decides whether the operations of one key, given by their indices in `history`, can be ordered.
pub(super) fn search(history: &[Operation], members: &[usize], limits: Limits) -> Verdict {
    let mut search = Search::new(history, members, limits);
    for event in events(history, members) {
        let step = match event.kind {
            EventKind::Invocation => search.invoke(event.index, event.at),
            EventKind::Response => search.respond(event.index, event.at),
        };
        if let Err(verdict) = step {
            return verdict;
        }
    }
    Verdict::Linearizable
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: u64,
    kind: EventKind,
    index: usize,
}

/// Invocations sort first: operations that touch in one instant are concurrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum EventKind {
    Invocation,
    Response,
}

fn events(history: &[Operation], members: &[usize]) -> Vec<Event> {
    let mut events = Vec::with_capacity(2 * members.len());
    for &index in members {
        let operation = &history[index];
        events.push(Event {
            at: operation.invoked,
            kind: EventKind::Invocation,
            index,
        });
        events.extend(operation.responded.map(|at| Event {
            at,
            kind: EventKind::Response,
            index,
        }));
    }
    events.sort_unstable();
    events
}

struct Search<'a> {
    history: &'a [Operation],
    uses: Uses,
    states_max: usize,
    states: usize,
    /// The configurations that explain every response so far.
    level: Vec<Configuration>,
    pending: Pending<'a>,
}

impl<'a> Search<'a> {
    fn new(history: &'a [Operation], members: &[usize], limits: Limits) -> Search<'a> {
        Search {
            history,
            uses: Uses::of(history, members),
            states_max: limits.states_max,
            states: 0,
            level: vec![Configuration::START],
            pending: Pending::new(history),
        }
    }

    /// Makes the operation pending, unless its outcome is unknown and nothing can depend on it.
    fn invoke(&mut self, index: usize, at: u64) -> Result<(), Verdict> {
        let operation = &self.history[index];
        let superfluous = operation.responded.is_none()
            && operation
                .written()
                .is_none_or(|value| self.uses.last(value) < Some(at));
        if superfluous || self.pending.admit(index) {
            Ok(())
        } else {
            Err(Verdict::Undecided { states: self.states })
        }
    }

    /// Replaces the level by the configurations that follow from it and have the operation linearized.
    fn respond(&mut self, index: usize, at: u64) -> Result<(), Verdict> {
        let target = self.pending.slot_of(index);
        let mut next = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = Vec::new();
        for configuration in std::mem::take(&mut self.level) {
            let configuration = self.pending.settle(configuration);
            if configuration.absorbable.contains(target) {
                next.push(configuration);
            }
            if seen.insert(configuration) {
                open.push(configuration);
            }
        }
        while let Some(configuration) = open.pop() {
            if self.states == self.states_max {
                return Err(Verdict::Undecided { states: self.states });
            }
            self.states += 1;
            if configuration.done.contains(target) {
                next.push(configuration);
            } else {
                let successors = self.pending.successors(configuration, target);
                open.extend(successors.filter(|&successor| seen.insert(successor)));
            }
        }
        if next.is_empty() {
            let possible: BTreeSet<Value> = seen.iter().map(|configuration| configuration.value).collect();
            let pending = self.pending.indices().filter(|&other| other != index).collect();
            let violation = Violation::NoOrder {
                blocked: index,
                pending,
                possible: possible.into_iter().collect(),
            };
            return Err(Verdict::NotLinearizable { violation });
        }
        self.pending.release(target, &mut next);
        for slot in self.pending.unknown() {
            if self.uses.last(self.pending.written(slot)) < Some(at) {
                self.pending.release(slot, &mut next);
            }
        }
        self.level = self.pending.prune(next);
        Ok(())
    }
}
