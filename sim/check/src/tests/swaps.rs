//! Compare-and-swap, repeated values and the bounds of the search, made by hand.

use super::{NONE, cas, fine, lost, op, read, upsert, violation, write, wrong};
use crate::{Attempt, Bound, Key, Limits, Operation, Outcome, Value, Verdict, Violation, check, check_until};

#[test]
fn a_swap_needs_the_expected_value() {
    fine(&[
        op(1, 0, 1, write(1)),
        op(1, 2, 3, cas(1, 2, true)),
        op(1, 4, 5, cas(2, 3, true)),
        op(1, 6, 7, read(3)),
    ]);
    fine(&[op(1, 0, 1, write(1)), op(1, 2, 3, cas(9, 2, false)), op(1, 4, 5, read(1))]);
    wrong(&[op(1, 0, 1, write(1)), op(1, 2, 3, cas(1, 2, false))]);
    assert_eq!(wrong(&[op(1, 0, 1, write(1)), op(1, 2, 3, cas(9, 2, true))]), [1]);
}

#[test]
fn only_one_of_two_concurrent_swaps_can_win() {
    let race = |first, second| {
        [op(1, 0, 1, write(1)), op(1, 5, 9, cas(1, 2, first)), op(2, 5, 9, cas(1, 3, second))]
    };
    fine(&race(true, false));
    fine(&race(false, true));
    wrong(&race(true, true));
    wrong(&race(false, false));
}

#[test]
fn a_swap_creates_a_missing_key_only_if_it_was_asked_to() {
    fine(&[op(1, 0, 1, upsert(5, 2, true)), op(1, 2, 3, read(2))]);
    fine(&[op(1, 0, 1, cas(5, 2, false)), op(1, 2, 3, read(NONE))]);
    wrong(&[op(1, 0, 1, upsert(5, 2, false))]);
    wrong(&[op(1, 0, 1, cas(5, 2, true))]);
    fine(&[op(1, 0, 1, cas(NONE, 2, true))]);
}

#[test]
fn an_unknown_swap_explains_a_chain_of_others() {
    fine(&[
        op(1, 0, 1, write(1)),
        lost(1, 2, cas(1, 2, true)),
        lost(2, 2, cas(2, 3, true)),
        op(3, 10, 11, read(3)),
    ]);
    wrong(&[
        op(1, 0, 1, write(1)),
        lost(1, 2, cas(1, 2, true)),
        lost(2, 2, cas(2, 3, true)),
        op(3, 10, 11, read(3)),
        op(3, 12, 13, read(2)),
    ]);
}

#[test]
fn an_unknown_swap_may_have_swapped_whatever_is_noted_of_it() {
    for noted in [true, false] {
        fine(&[op(1, 0, 1, write(1)), lost(2, 2, cas(1, 2, noted)), op(1, 5, 6, read(2))]);
        fine(&[op(1, 0, 1, write(1)), lost(2, 2, cas(1, 2, noted)), op(1, 5, 6, read(1))]);
    }
}

#[test]
fn an_unknown_write_matters_as_long_as_an_unknown_swap_may_need_it() {
    // The 1 is read early and overwritten; it must come back for the swap that explains the 2.
    fine(&[
        lost(1, 0, write(1)),
        lost(2, 0, write(1)),
        op(3, 2, 3, read(1)),
        op(3, 4, 5, write(5)),
        op(3, 6, 7, read(5)),
        lost(4, 0, cas(1, 2, true)),
        op(3, 8, 9, read(2)),
    ]);
    // The same with a deletion and a swap that creates the key.
    fine(&[
        op(3, 2, 3, write(1)),
        lost(1, 3, write(NONE)),
        op(3, 4, 5, write(5)),
        op(3, 6, 7, read(5)),
        lost(4, 0, upsert(9, 2, true)),
        op(3, 8, 9, read(2)),
    ]);
}

#[test]
fn an_unknown_operation_is_saved_for_what_only_it_explains() {
    // Both explain the first 3. Only the write explains the second one, and it must not be spent before.
    fine(&[
        op(1, 0, 1, write(1)),
        lost(2, 0, write(3)),
        lost(3, 0, cas(1, 3, true)),
        op(1, 2, 3, read(3)),
        op(1, 4, 5, write(2)),
        op(1, 6, 7, read(3)),
    ]);
}

#[test]
fn an_unknown_swap_happens_at_most_once() {
    let twice = |again: Operation| {
        [
            op(1, 0, 1, write(1)),
            lost(2, 0, cas(1, 2, true)),
            op(3, 5, 6, read(2)),
            again,
            op(3, 9, 9, read(2)),
        ]
    };
    wrong(&twice(op(1, 7, 8, write(1))));
    fine(&twice(lost(1, 7, write(1))));
}

#[test]
fn a_value_written_twice_may_come_back() {
    fine(&[
        op(1, 0, 1, write(1)),
        op(1, 2, 3, write(2)),
        lost(1, 4, write(1)),
        op(2, 5, 6, read(2)),
        op(2, 7, 8, read(1)),
    ]);
}

#[test]
fn a_deleted_key_is_missing_again() {
    fine(&[op(1, 0, 1, write(1)), op(1, 2, 3, write(NONE)), op(2, 4, 5, read(NONE))]);
    wrong(&[op(1, 0, 1, write(1)), op(1, 2, 3, write(NONE)), op(2, 4, 5, read(1))]);
}

#[test]
fn an_unknown_write_of_the_value_that_is_there_hides_another_write() {
    // The write of 2 must be over before the swap, which needs a 1 after it: the unknown one puts it there.
    fine(&[
        op(1, 0, 1, write(1)),
        lost(2, 2, write(1)),
        op(3, 5, 9, write(2)),
        op(4, 5, 7, cas(1, 3, true)),
        op(4, 10, 11, read(3)),
    ]);
}

#[test]
fn a_search_names_the_first_response_that_nothing_explains() {
    let history = [
        op(1, 0, 1, write(1)),
        op(1, 2, 3, write(2)),
        lost(4, 2, write(1)),
        op(2, 4, 9, cas(2, 3, true)),
        op(3, 4, 8, cas(2, 1, true)),
        op(3, 20, 30, read(2)),
    ];
    let found = Violation::NoOrder {
        blocked: 3,
        pending: vec![],
        possible: vec![Value(1)],
        order: vec![0, 1, 4],
        attempts: vec![Attempt { value: Value(1), linearized: vec![], spent: vec![] }],
    };
    assert_eq!(violation(&history), Some(found));
}

#[test]
fn a_search_past_its_bound_is_undecided_and_hides_no_other_key() {
    let mut history: Vec<Operation> = (0..8).map(|n| op(n, 0, 100, cas(1, 1, true))).collect();
    history.push(op(9, 0, 100, write(1)));
    let bounded = Limits { states_max: Some(5), ..Limits::default() };
    let report = check(&history, bounded);
    assert_eq!(report.outcome, Outcome::Undecided);
    assert_eq!(report.keys[0].verdict, Verdict::Undecided { states: 5, bound: Bound::States });

    history.push(Operation { key: Key(2), ..op(1, 0, 1, read(5)) });
    assert_eq!(check(&history, bounded).outcome, Outcome::NotLinearizable);
}

#[test]
fn unknown_operations_that_ask_the_same_are_counted() {
    let mut history: Vec<Operation> = (0..3000).map(|n| lost(n, 0, write(1 + u64::from(n % 2)))).collect();
    history.extend([op(0, 5, 6, read(1)), op(0, 7, 8, read(2))]);
    assert_eq!(check(&history, Limits::default()).outcome, Outcome::Linearizable);
    history.push(op(0, 9, 10, read(3)));
    assert_eq!(check(&history, Limits::default()).outcome, Outcome::NotLinearizable);
}

#[test]
fn more_operations_at_once_than_there_is_room_for_leave_it_undecided() {
    let at_once = |count: u32| {
        let history: Vec<Operation> = (0..count).map(|n| op(n, 0, 10, write(1 + u64::from(n % 2)))).collect();
        check(&history, Limits::default())
    };
    assert_eq!(at_once(1024).outcome, Outcome::Linearizable);
    assert_eq!(at_once(1025).keys[0].verdict, Verdict::Undecided { states: 0, bound: Bound::Pending });
}

#[test]
fn what_the_caller_stops_is_undecided() {
    let history = [op(1, 0, 1, write(1)), op(1, 2, 3, write(1)), op(2, 4, 5, read(1))];
    let report = check_until(&history, Limits::default(), &mut || true);
    assert_eq!(report.keys[0].verdict, Verdict::Undecided { states: 0, bound: Bound::Time });
    let no_memory = Limits { bytes_max: 0, ..Limits::default() };
    let report = check(&history, no_memory);
    assert!(matches!(report.keys[0].verdict, Verdict::Undecided { bound: Bound::Bytes, .. }), "{report:?}");
}

#[test]
fn many_unknown_writes_of_few_values_stay_cheap() {
    let mut history: Vec<Operation> = (0..60).map(|n| lost(n, 0, write(1 + u64::from(n % 3)))).collect();
    for n in 0..40 {
        history.push(op(100, 10 + 2 * n, 10 + 2 * n, read(1 + n % 3)));
    }
    assert_eq!(
        check(&history, Limits { states_max: Some(10_000), ..Limits::default() }).outcome,
        Outcome::Linearizable
    );
    // Each value was written twenty times; here it is read for the thirtieth time, another one in between.
    for n in 0..50 {
        history.push(op(100, 200 + 2 * n, 200 + 2 * n, read(1 + n % 3)));
    }
    assert_eq!(
        check(&history, Limits { states_max: Some(10_000), ..Limits::default() }).outcome,
        Outcome::NotLinearizable
    );
}
