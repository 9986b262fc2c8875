//! Until when a value can matter: the last response that needs some operation to have written it.
//!
//! An operation of unknown outcome need not have happened. An order that contains one whose value no other operation
//! depends on explains the same responses without it. So once the last operation that can depend on a value has responded,
//! the unknown writers of that value need no further thought.

use super::history::{Action, Operation, Value};
use std::collections::{BTreeMap, BinaryHeap};

/// The last use of every value of one key.
#[derive(Debug)]
pub(super) struct Uses {
    by_value: BTreeMap<Value, u64>,
    any_value: Option<u64>,
}

impl Uses {
    /// Collects the uses in the operations of one key, given by their indices in `history`.
    pub(super) fn of(history: &[Operation], members: &[usize]) -> Uses {
        let mut uses = Uses { by_value: BTreeMap::new(), any_value: None };
        // Of the compare-and-swaps without a response: what they need, by what they write.
        let mut unknown_needs: BTreeMap<Value, Vec<Value>> = BTreeMap::new();
        for operation in members.iter().map(|&index| &history[index]) {
            match (operation.action, operation.responded) {
                (Action::Read { returned }, Some(at)) => uses.note(returned, at),
                (Action::Cas { swapped: true, .. }, Some(at)) => {
                    needs(operation.action).for_each(|value| uses.note(value, at));
                }
                // It did not swap: it needs any value but one, which is as good as any.
                (Action::Cas { swapped: false, .. }, Some(at)) => {
                    uses.any_value = uses.any_value.max(Some(at))
                }
                (Action::Cas { to, .. }, None) => {
                    unknown_needs.entry(to).or_default().extend(needs(operation.action));
                }
                (Action::Write { .. }, _) | (Action::Read { .. }, None) => {}
            }
        }
        uses.follow(&unknown_needs);
        uses
    }

    /// When the last operation responded that may depend on a write of `value`; `None` if none does.
    pub(super) fn last(&self, value: Value) -> Option<u64> {
        self.by_value.get(&value).copied().max(self.any_value)
    }

    fn note(&mut self, value: Value, at: u64) {
        let last = self.by_value.entry(value).or_insert(at);
        *last = (*last).max(at);
    }

    /// An unknown swap matters as long as what it writes does, and so does what it needs. Latest uses first, so that each
    /// value is final when it is taken.
    fn follow(&mut self, unknown_needs: &BTreeMap<Value, Vec<Value>>) {
        let mut open: BinaryHeap<(u64, Value)> =
            self.by_value.iter().map(|(&value, &at)| (at, value)).collect();
        while let Some((at, value)) = open.pop() {
            if self.by_value[&value] > at {
                continue;
            }
            for &needed in unknown_needs.get(&value).into_iter().flatten() {
                if self.by_value.get(&needed).is_none_or(|&last| last < at) {
                    self.by_value.insert(needed, at);
                    open.push((at, needed));
                }
            }
        }
    }
}

/// The values at which a compare-and-swap swaps.
fn needs(action: Action) -> impl Iterator<Item = Value> {
    let values = match action {
        Action::Cas { from, create_if_missing, .. } => {
            [Some(from), create_if_missing.then_some(Value::MISSING)]
        }
        Action::Read { .. } | Action::Write { .. } => [None, None],
    };
    values.into_iter().flatten()
}
