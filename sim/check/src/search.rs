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
//!
//! An unknown operation on a repeated value can be spent or saved at every turn, and the set still explodes. So the search
//! first keeps only the configurations that have spent the fewest: an order that they lead to is an order. If they lead
//! nowhere it starts again with more of them, and only an attempt that left none out can prove that there is no order.

use super::history::{Operation, Value};
use super::pending::{Configuration, Pending};
use super::report::{Limits, Verdict, Violation};
use super::uses::Uses;
use std::collections::BTreeSet;

/// How many configurations the first attempt keeps.
const LEVEL_FIRST: usize = 8;
/// How many times more each further attempt keeps.
const LEVEL_GROWTH: usize = 8;

/// Decides whether the operations of one key, given by their indices in `history`, can be ordered.
pub(super) fn search(history: &[Operation], members: &[usize], limits: Limits) -> Verdict {
    search_from(history, members, limits, LEVEL_FIRST)
}

/// The same, the first attempt keeping `level_max` configurations.
pub(super) fn search_from(
    history: &[Operation],
    members: &[usize],
    limits: Limits,
    mut level_max: usize,
) -> Verdict {
    let events = events(history, members);
    let uses = Uses::of(history, members);
    let mut states = 0;
    loop {
        let mut attempt = Attempt {
            history,
            uses: &uses,
            level_max,
            states_max: limits.states_max,
            states,
            level: vec![Configuration::START],
            truncated: false,
            pending: Pending::new(history),
        };
        match attempt.run(&events) {
            Ok(()) => return Verdict::Linearizable,
            Err(Stop::NoOrder(violation)) if !attempt.truncated => {
                return Verdict::NotLinearizable { violation };
            }
            Err(Stop::NoOrder(_)) => {
                states = attempt.states;
                level_max = level_max.saturating_mul(LEVEL_GROWTH);
            }
            Err(Stop::OutOfBounds) => {
                return Verdict::Undecided { states: attempt.states };
            }
        }
    }
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
        events.push(Event { at: operation.invoked, kind: EventKind::Invocation, index });
        events.extend(operation.responded.map(|at| Event { at, kind: EventKind::Response, index }));
    }
    events.sort_unstable();
    events
}

/// One walk over the events.
struct Attempt<'a> {
    history: &'a [Operation],
    uses: &'a Uses,
    level_max: usize,
    states_max: usize,
    /// Explored so far, by earlier attempts too.
    states: usize,
    /// The configurations that explain every response so far.
    level: Vec<Configuration>,
    /// Whether some were left out, other than those that others make superfluous.
    truncated: bool,
    pending: Pending<'a>,
}

/// Why an attempt ended early.
enum Stop {
    /// None of the configurations that were kept explains a response.
    NoOrder(Violation),
    /// Too many states, or too many operations pending at once.
    OutOfBounds,
}

impl Attempt<'_> {
    fn run(&mut self, events: &[Event]) -> Result<(), Stop> {
        for event in events {
            match event.kind {
                EventKind::Invocation => self.invoke(event.index, event.at)?,
                EventKind::Response => self.respond(event.index, event.at)?,
            }
        }
        Ok(())
    }

    /// Makes the operation pending, unless its outcome is unknown and nothing can depend on it.
    fn invoke(&mut self, index: usize, at: u64) -> Result<(), Stop> {
        let operation = &self.history[index];
        let superfluous = operation.responded.is_none()
            && operation.written().is_none_or(|value| self.uses.last(value) < Some(at));
        if superfluous || self.pending.admit(index) { Ok(()) } else { Err(Stop::OutOfBounds) }
    }

    /// Replaces the level by configurations that follow from it and have the operation linearized.
    fn respond(&mut self, index: usize, at: u64) -> Result<(), Stop> {
        let target = self.pending.slot_of(index);
        let mut next = Vec::new();
        let mut seen = BTreeSet::new();
        // Those that have spent the fewest unknown operations come first.
        let mut open = BTreeSet::new();
        for configuration in std::mem::take(&mut self.level) {
            let configuration = self.pending.settle(configuration);
            if configuration.absorbable.contains(target) {
                next.push(configuration);
            }
            if seen.insert(configuration) {
                open.insert((self.pending.spent(&configuration), configuration));
            }
        }
        while let Some((_, configuration)) = open.pop_first() {
            if next.len() >= self.level_max {
                self.truncated = true;
                break;
            }
            if self.states == self.states_max {
                return Err(Stop::OutOfBounds);
            }
            self.states += 1;
            if configuration.done.contains(target) {
                next.push(configuration);
                continue;
            }
            for successor in self.pending.successors(configuration, target) {
                if seen.insert(successor) {
                    open.insert((self.pending.spent(&successor), successor));
                }
            }
        }
        if next.is_empty() {
            return Err(Stop::NoOrder(self.no_order(index, &seen)));
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

    fn no_order(&self, blocked: usize, seen: &BTreeSet<Configuration>) -> Violation {
        let pending = self.pending.indices().filter(|&other| other != blocked).collect();
        let possible: BTreeSet<Value> = seen.iter().map(|configuration| configuration.value).collect();
        Violation::NoOrder { blocked, pending, possible: possible.into_iter().collect() }
    }
}
