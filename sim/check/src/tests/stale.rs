//! The explanations against a quadratic reading of their definition, and against the verdicts.

use super::generate::{self, Shape};
use crate::stale::{self, Evidence, StaleRead};
use crate::{Action, Limits, Operation, Outcome, Value, Verdict, Violation, check};
use proptest::prelude::*;

const SHAPE: Shape = Shape { operations_max: 25, clients: 4, distinct: true, cas: true, unknown_one_in: 8 };

/// True time with the beginning before zero and no end.
fn responded(operation: &Operation) -> i128 {
    operation.responded.map_or(i128::MAX, i128::from)
}

fn write_invoked(history: &[Operation], value: Value) -> i128 {
    let writer = history.iter().find(|op| op.written() == Some(value));
    match writer {
        _ if value == Value::MISSING => -1,
        Some(writer) => i128::from(writer.invoked),
        None => i128::MAX,
    }
}

fn proven(history: &[Operation], value: Value) -> i128 {
    let touches = |op: &&Operation| op.written() == Some(value) || op.observed() == Some(value);
    let credible = |&at: &i128| write_invoked(history, value) <= at;
    let first = history.iter().filter(touches).map(responded).filter(credible).min();
    if value == Value::MISSING { -1 } else { first.unwrap_or(i128::MAX) }
}

/// The definition at the head of `stale`, word for word.
fn by_definition(history: &[Operation]) -> Vec<StaleRead> {
    let mut order: Vec<usize> = (0..history.len()).collect();
    order.sort_by_key(|&index| (history[index].invoked, index));
    let mut stale: Vec<StaleRead> = Vec::new();
    for read in order {
        let operation = history[read];
        let Action::Read { returned } = operation.action else {
            continue;
        };
        let at = write_invoked(history, returned);
        if operation.responded.is_none() || at > responded(&operation) {
            continue;
        }
        let after = proven(history, returned);
        let before = |op: &Operation| responded(op) < i128::from(operation.invoked);
        let writes = |&index: &usize| {
            let op = &history[index];
            op.written().is_some_and(|v| v != returned) && i128::from(op.invoked) > after && before(op)
        };
        let reads = |&index: &usize| {
            let op = &history[index];
            let Action::Read { returned: other } = op.action else {
                return false;
            };
            let written = write_invoked(history, other);
            other != returned
                && written <= responded(op)
                && written.max(i128::from(op.invoked)) > after
                && before(op)
                && !stale.iter().any(|s| s.read == index)
        };
        let missed_writes: Vec<usize> = (0..history.len()).filter(writes).collect();
        let first =
            |among: &[usize]| among.iter().copied().min_by_key(|&index| (responded(&history[index]), index));
        let missed_reads: Vec<usize> = (0..history.len()).filter(reads).collect();
        let write = first(&missed_writes).map(|index| (index, Evidence::Acknowledged));
        let found = write.or_else(|| first(&missed_reads).map(|index| (index, Evidence::Observed)));
        if let Some((missed, evidence)) = found {
            let known_at = history[missed].responded.unwrap();
            stale.push(StaleRead {
                key: operation.key,
                read,
                returned,
                missed,
                evidence,
                known_at,
                stale_by_ns: operation.invoked - known_at,
                overwritten_count: missed_writes.len(),
            });
        }
    }
    stale
}

fn find(history: &[Operation]) -> Vec<StaleRead> {
    let members: Vec<usize> = (0..history.len()).collect();
    stale::find(history, &members)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn explanations_follow_the_definition(history in generate::history(SHAPE)) {
        prop_assert_eq!(find(&history), by_definition(&history));
    }

    #[test]
    fn what_a_register_did_has_no_stale_read(history in generate::linearizable(SHAPE)) {
        prop_assert_eq!(find(&history), []);
    }

    #[test]
    fn a_stale_read_is_a_violation_and_is_reported(history in generate::history(SHAPE)) {
        let found = find(&history);
        let report = check(&history, Limits::default());
        prop_assert!(found.is_empty() || report.outcome == Outcome::NotLinearizable);
        prop_assert_eq!(report.stale_reads, found);
    }

    /// The claim at the end of the header of `stale`: where reads and writes contradict each other and no read is stale,
    /// a value was seen too early or two reads at one time disagree.
    #[test]
    fn an_order_that_cannot_be_has_a_stale_read_or_two_concurrent_ones(
        history in generate::history(Shape { cas: false, ..SHAPE }),
    ) {
        let report = check(&history, Limits::default());
        let Verdict::NotLinearizable { violation } = &report.keys[0].verdict else {
            return Ok(());
        };
        if report.stale_reads.is_empty() {
            match violation {
                Violation::NeverWritten { .. } | Violation::SeenBeforeWritten { .. } => {}
                Violation::OrderCycle { forth, back } => {
                    let (a, b) = (&history[forth.after], &history[back.after]);
                    let is_read = |op: &Operation| matches!(op.action, Action::Read { .. });
                    prop_assert!(is_read(a) && is_read(b), "{a:?} {b:?}");
                    let concurrent = a.responded.unwrap() >= b.invoked && b.responded.unwrap() >= a.invoked;
                    prop_assert!(concurrent, "{a:?} {b:?}");
                }
                Violation::SwappedTwice { .. } | Violation::SwapOrder { .. } | Violation::NoOrder { .. } => {
                    prop_assert!(false, "reads and writes of distinct values need no search")
                }
            }
        }
    }
}
