//! The operations that are pending at one instant of the search, and the steps that a configuration can take with them.

use super::history::{Action, Operation, Value};
use super::slots::SlotSet;

/// How far one order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Configuration {
    /// The register's value.
    pub(super) value: Value,
    /// The pending operations that are linearized.
    pub(super) done: SlotSet,
    /// The pending plain writes that are not linearized and that a later plain write can absorb.
    pub(super) absorbable: SlotSet,
}

impl Configuration {
    /// Nothing is linearized and the key is missing.
    pub(super) const START: Configuration =
        Configuration { value: Value::MISSING, done: SlotSet::EMPTY, absorbable: SlotSet::EMPTY };
}

/// The pending operations: every occupied slot is in one of the four sets.
#[derive(Debug)]
pub(super) struct Pending<'a> {
    history: &'a [Operation],
    /// The operation in each slot; without a meaning where the slot is free.
    indices: Vec<usize>,
    /// Operations with a response that leave the value as it is.
    observers: SlotSet,
    /// Writes with a response.
    writes: SlotSet,
    /// Compare-and-swaps with a response that swapped.
    swaps: SlotSet,
    /// Operations of unknown outcome.
    unknown: SlotSet,
}

/// How many configurations a new one is compared with, so that pruning stays linear in their number.
const DOMINATORS_MAX: usize = 256;

impl<'a> Pending<'a> {
    /// No operation is pending.
    pub(super) fn new(history: &'a [Operation]) -> Pending<'a> {
        let none = SlotSet::EMPTY;
        Pending { history, indices: Vec::new(), observers: none, writes: none, swaps: none, unknown: none }
    }

    /// Gives an operation the lowest free slot. False if there is none.
    #[must_use]
    pub(super) fn admit(&mut self, index: usize) -> bool {
        let Some(slot) = self.occupied().lowest_absent() else {
            return false;
        };
        if slot == self.indices.len() {
            self.indices.push(index);
        } else {
            self.indices[slot] = index;
        }
        let operation = &self.history[index];
        let role = match operation.action {
            _ if operation.responded.is_none() => &mut self.unknown,
            Action::Read { .. } | Action::Cas { swapped: false, .. } => &mut self.observers,
            Action::Write { .. } => &mut self.writes,
            Action::Cas { swapped: true, .. } => &mut self.swaps,
        };
        role.insert(slot);
        true
    }

    /// Frees a slot, in the given configurations too.
    pub(super) fn release(&mut self, slot: usize, configurations: &mut [Configuration]) {
        for role in [&mut self.observers, &mut self.writes, &mut self.swaps, &mut self.unknown] {
            role.remove(slot);
        }
        for configuration in configurations {
            configuration.done.remove(slot);
            configuration.absorbable.remove(slot);
        }
    }

    /// The slot of a pending operation.
    pub(super) fn slot_of(&self, index: usize) -> usize {
        let mut occupied = self.occupied().iter();
        occupied.find(|&slot| self.indices[slot] == index).expect("it was invoked and has not responded")
    }

    /// The pending operations.
    pub(super) fn indices(&self) -> impl Iterator<Item = usize> {
        self.occupied().iter().map(|slot| self.indices[slot])
    }

    /// The slots of the operations of unknown outcome.
    pub(super) fn unknown(&self) -> impl Iterator<Item = usize> + use<> {
        self.unknown.iter()
    }

    /// The value that an operation of unknown outcome may write.
    pub(super) fn written(&self, slot: usize) -> Value {
        self.operation(slot).written().expect("reads of unknown outcome are never admitted")
    }

    /// Linearizes every observer that fits the value (rule 1).
    pub(super) fn settle(&self, mut configuration: Configuration) -> Configuration {
        for slot in self.observers.minus(configuration.done).iter() {
            if self.effect(slot, configuration.value).is_some() {
                configuration.done.insert(slot);
            }
        }
        configuration
    }

    /// How many unknown operations a configuration has linearized.
    pub(super) fn spent(&self, configuration: &Configuration) -> usize {
        self.unknown.and(configuration.done).iter().count()
    }

    /// The settled configurations that one more operation leads to, on the way to linearizing `target`.
    pub(super) fn successors(
        &self,
        configuration: Configuration,
        target: usize,
    ) -> impl Iterator<Item = Configuration> {
        // No observer is among them: this one is settled, so those left do not fit its value.
        let steps = self.occupied().minus(self.observers).minus(configuration.done);
        steps.iter().filter_map(move |slot| {
            let value = self.effect(slot, configuration.value)?;
            let mut done = configuration.done;
            done.insert(slot);
            let absorbed = if self.is_write(slot) { self.writes } else { SlotSet::EMPTY };
            let absorbable = configuration.absorbable.or(absorbed).minus(done);
            if self.unknown.contains(slot) {
                let changes = value != configuration.value || absorbable != configuration.absorbable;
                if !changes || self.has_lower_twin(slot, configuration) {
                    return None;
                }
            }
            let after = self.settle(Configuration { value, done, absorbable });

            let needed = slot == target || self.swaps.contains(slot);
            (needed || after.done != done || self.some_swap_fits(&after)).then_some(after)
        })
    }

    /// Sorts the configurations and drops those that another one makes superfluous (rule 4).
    pub(super) fn prune(&self, mut configurations: Vec<Configuration>) -> Vec<Configuration> {
        configurations.sort_unstable();
        configurations.dedup();
        let mut kept: Vec<Configuration> = Vec::with_capacity(configurations.len());
        for same_value in configurations.chunk_by(|a, b| a.value == b.value) {
            let first = kept.len();
            for configuration in same_value {
                let rivals = &kept[first..kept.len().min(first + DOMINATORS_MAX)];
                if rivals.iter().any(|rival| self.dominates(rival, configuration)) {
                    continue;
                }
                if kept.len() < first + DOMINATORS_MAX {
                    let mut position = 0;
                    kept.retain(|rival| {
                        position += 1;
                        position <= first || !self.dominates(configuration, rival)
                    });
                }
                kept.push(*configuration);
            }
        }
        kept
    }

    /// Whether `a`, which has the same value, can do all that `b` can: it has spent no unknown operation that `b` still
    /// has, owes no observer that `b` does not owe, has linearized the same swaps, and every write is as good in it. A
    /// write that can be absorbed is best, for it may still be seen and need not be.
    fn dominates(&self, a: &Configuration, b: &Configuration) -> bool {
        let same_swaps = self.swaps.and(a.done).minus(b.done).or(self.swaps.and(b.done).minus(a.done));
        let as_good_writes = a.absorbable.or(a.done.and(b.done)).or(self
            .writes
            .minus(a.done)
            .minus(b.done)
            .minus(b.absorbable));
        self.unknown.and(a.done).is_subset(b.done)
            && self.observers.and(b.done).is_subset(a.done)
            && same_swaps.is_empty()
            && self.writes.is_subset(as_good_writes)
    }

    /// Whether a pending swap, certain or not, can follow at once.
    fn some_swap_fits(&self, configuration: &Configuration) -> bool {
        let open = self.swaps.or(self.unknown).minus(configuration.done);
        open.iter().any(|slot| !self.is_write(slot) && self.effect(slot, configuration.value).is_some())
    }

    /// Whether an unknown operation that does the same waits in a lower slot.
    fn has_lower_twin(&self, slot: usize, configuration: Configuration) -> bool {
        let action = self.operation(slot).action;
        let open = self.unknown.minus(configuration.done);
        open.iter().take_while(|&lower| lower < slot).any(|lower| self.operation(lower).action == action)
    }

    fn is_write(&self, slot: usize) -> bool {
        matches!(self.operation(slot).action, Action::Write { .. })
    }

    fn effect(&self, slot: usize, value: Value) -> Option<Value> {
        let operation = self.operation(slot);
        operation.action.effect(value, operation.responded.is_some())
    }

    fn operation(&self, slot: usize) -> &Operation {
        &self.history[self.indices[slot]]
    }

    fn occupied(&self) -> SlotSet {
        self.observers.or(self.writes).or(self.swaps).or(self.unknown)
    }
}
