//! Linearizability by definition: try every order, remember nothing.

use crate::{Operation, Value};

/// Whether some order of all operations with a response and some of the others is the work of one register. For a
/// handful of operations.
pub(super) fn linearizable(history: &[Operation]) -> bool {
    let all = (1_usize << history.len()) - 1;
    extend(history, all, Value::MISSING)
}

fn extend(history: &[Operation], remaining: usize, value: Value) -> bool {
    let left = || (0..history.len()).filter(|i| remaining & (1 << i) != 0);
    if left().all(|i| history[i].responded.is_none()) {
        return true;
    }
    left().any(|i| {
        let first =
            left().all(|j| history[j].responded.is_none_or(|responded| responded >= history[i].invoked));
        let effect = history[i].action.effect(value, history[i].responded.is_some());
        first && effect.is_some_and(|value| extend(history, remaining & !(1 << i), value))
    })
}
