//! Hand-made histories in `registers` and `swaps`, random ones in `random` and `stale`; `brute` is the definition,
//! executed.

mod brute;
mod generate;
mod random;
mod registers;
mod stale;
mod swaps;

use super::{Action, Key, Limits, Operation, StaleRead, Value, Verdict, Violation, check};

/// An operation on key 1 that responded.
fn op(client: u32, invoked: u64, responded: u64, action: Action) -> Operation {
    Operation { client, key: Key(1), invoked, responded: Some(responded), action }
}

/// An operation on key 1 whose outcome is unknown.
fn lost(client: u32, invoked: u64, action: Action) -> Operation {
    Operation { client, key: Key(1), invoked, responded: None, action }
}

fn read(returned: u64) -> Action {
    Action::Read { returned: Value(returned) }
}

fn write(value: u64) -> Action {
    Action::Write { value: Value(value) }
}

fn cas(from: u64, to: u64, swapped: bool) -> Action {
    Action::Cas { from: Value(from), to: Value(to), create_if_missing: false, swapped }
}

fn upsert(from: u64, to: u64, swapped: bool) -> Action {
    Action::Cas { from: Value(from), to: Value(to), create_if_missing: true, swapped }
}

/// What a read of a missing key returns.
const NONE: u64 = Value::MISSING.0;

/// Checks a history on key 1 and returns why it is not linearizable, if so.
fn violation(history: &[Operation]) -> Option<Violation> {
    let report = check(history, Limits::default());
    let violation = match &report.keys[0].verdict {
        Verdict::Linearizable => None,
        Verdict::NotLinearizable { violation } => Some(violation.clone()),
        Verdict::Undecided { states, bound } => panic!("undecided after {states} states: {bound:?}"),
    };
    assert_eq!(violation.is_none(), brute::linearizable(history), "the definition disagrees: {report:?}");
    violation
}

/// Asserts that the history is linearizable.
fn fine(history: &[Operation]) {
    assert_eq!(violation(history), None);
}

/// Returns the operations involved in the violation.
fn wrong(history: &[Operation]) -> Vec<usize> {
    violation(history).expect("the history is not linearizable").operations()
}

/// The stale reads of a history.
fn stale_reads(history: &[Operation]) -> Vec<StaleRead> {
    check(history, Limits::default()).stale_reads
}
