//! The paths against each other and against the definition, on random histories.

use super::brute;
use super::generate::{self, Shape};
use crate::chains::{self, Chains};
use crate::{Action, Limits, Operation, Outcome, Value, Verdict, Violation, check, search, zones};
use proptest::prelude::*;

/// Few enough operations for `brute`.
const SMALL: Shape = Shape { operations_max: 7, clients: 3, distinct: true, cas: false, unknown_one_in: 6 };

/// Larger than `brute` can take.
const MEDIUM: Shape = Shape { operations_max: 60, clients: 5, ..SMALL };

fn search(history: &[Operation]) -> Verdict {
    let members: Vec<usize> = (0..history.len()).collect();
    let mut never = || false;
    let verdict = search::search(history, &members, &Limits::default(), &mut never);
    // However narrow it is, it must come to the same end.
    for width in [1, 2, usize::MAX] {
        let other = search::search_wide(history, &members, &Limits::default(), &mut never, width);
        match (&verdict, &other) {
            (
                Verdict::NotLinearizable { violation: Violation::NoOrder { blocked, .. } },
                Verdict::NotLinearizable { violation: Violation::NoOrder { blocked: other, .. } },
            ) => assert_eq!(blocked, other),
            _ => assert_eq!(verdict, other),
        }
    }
    verdict
}

/// So many cases, or as many as the variable PROPTEST_CASES says if that is more.
fn config(cases: u32) -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    ProptestConfig { cases: cases.max(config.cases), ..config }
}

/// What the chains say, if the zones leave it to them.
fn chains(history: &[Operation]) -> Option<Chains> {
    let members: Vec<usize> = (0..history.len()).collect();
    let zones = zones(history);
    (zones.distinct && zones.violation.is_none()).then(|| chains::examine(history, &members))
}

fn zones(history: &[Operation]) -> zones::Zones {
    let members: Vec<usize> = (0..history.len()).collect();
    zones::examine(history, &members)
}

fn is_linearizable(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Linearizable => true,
        Verdict::NotLinearizable { .. } => false,
        Verdict::Undecided { states, bound } => panic!("undecided after {states} states: {bound:?}"),
    }
}

proptest! {
    #![proptest_config(config(4000))]

    #[test]
    fn both_paths_agree_with_the_definition_on_reads_and_writes(history in generate::history(SMALL)) {
        let expected = brute::linearizable(&history);
        let zones = zones(&history);
        prop_assert!(zones.distinct);
        prop_assert_eq!(zones.violation.is_none(), expected);
        prop_assert_eq!(is_linearizable(&search(&history)), expected);
    }

    #[test]
    fn the_search_agrees_with_the_definition_on_repeated_values(
        history in generate::history(Shape { distinct: false, unknown_one_in: 3, ..SMALL }),
    ) {
        prop_assert_eq!(is_linearizable(&search(&history)), brute::linearizable(&history));
    }

    #[test]
    fn the_search_agrees_with_the_definition_on_swaps(
        history in generate::history(Shape { distinct: false, cas: true, unknown_one_in: 4, ..SMALL }),
    ) {
        let expected = brute::linearizable(&history);
        prop_assert_eq!(is_linearizable(&search(&history)), expected);
        prop_assert_eq!(check(&history, Limits::default()).outcome == Outcome::Linearizable, expected);
    }

    #[test]
    fn chains_agree_with_the_definition(
        history in generate::history(Shape { cas: true, unknown_one_in: 4, ..SMALL }),
    ) {
        let expected = brute::linearizable(&history);
        match chains(&history) {
            Some(Chains::Linearizable) => prop_assert!(expected),
            Some(Chains::Violated(_)) => prop_assert!(!expected),
            Some(Chains::Unknown) | None => {}
        }
    }

    #[test]
    fn chains_always_decide_swaps_that_happened(
        history in generate::history(Shape { cas: true, unknown_one_in: 4, ..SMALL }),
    ) {
        let happens = |operation: &&Operation| match operation.action {
            Action::Cas { create_if_missing, swapped, .. } => {
                !create_if_missing && (swapped || operation.responded.is_none())
            }
            _ => true,
        };
        let history: Vec<Operation> = history.iter().filter(happens).copied().collect();
        let is_circle = |a: &Operation| history.iter().any(|b| match (a.action, b.action) {
            (Action::Cas { from, .. }, Action::Cas { to, .. }) => from == to && a.invoked <= b.invoked,
            _ => false,
        });
        match chains(&history) {
            Some(Chains::Unknown) => prop_assert!(history.iter().any(is_circle), "{history:?}"),
            Some(Chains::Linearizable) => prop_assert!(brute::linearizable(&history)),
            Some(Chains::Violated(_)) => prop_assert!(!brute::linearizable(&history)),
            None => {}
        }
    }

    #[test]
    fn zones_refute_swaps_only_where_the_definition_does(
        history in generate::history(Shape { cas: true, ..SMALL }),
    ) {
        let expected = brute::linearizable(&history);
        prop_assert!(zones(&history).violation.is_none() || !expected);
        prop_assert_eq!(check(&history, Limits::default()).outcome == Outcome::Linearizable, expected);
    }

    #[test]
    fn many_clients_at_once_change_nothing(
        history in generate::history(Shape { clients: 7, distinct: false, cas: true, ..SMALL }),
    ) {
        prop_assert_eq!(is_linearizable(&search(&history)), brute::linearizable(&history));
    }
}

/// Asserts that an order respects time, that a register could have worked in it, and that it has every operation that
/// responded before the one that is blocked.
fn assert_order(history: &[Operation], blocked: usize, order: &[usize]) {
    let mut value = Value::MISSING;
    for (place, &index) in order.iter().enumerate() {
        let operation = &history[index];
        assert!(!order[..place].contains(&index), "{index} is there twice");
        let later = order[place..].iter().map(|&later| &history[later]);
        let mut responses = later.filter_map(|later| later.responded);
        assert!(
            !responses.any(|at| at < operation.invoked),
            "{index} is before one that responded before it"
        );
        let effect = operation.action.effect(value, operation.responded.is_some());
        value = effect.unwrap_or_else(|| panic!("{index} is impossible after {value:?} in {order:?}"));
    }
    let end = (history[blocked].responded.expect("it responded"), blocked);
    let responded = |(index, it): &(usize, &Operation)| it.responded.is_some_and(|at| (at, *index) < end);
    for (index, _) in history.iter().enumerate().filter(responded) {
        assert!(order.contains(&index), "{index} is not in the order");
    }
}

/// The history cut after the response of one operation. Of the later responses nothing is known yet, so the operations
/// that were pending may have had an effect or not. With `blocked` false that operation is one of them.
fn until_response(history: &[Operation], index: usize, blocked: bool) -> Vec<Operation> {
    let end = (history[index].responded.unwrap(), index);
    let cut = |(i, operation): (usize, &Operation)| {
        let has_responded =
            operation.responded.is_some_and(|responded| (responded, i) < end || (blocked && i == index));
        let invoked = operation.invoked <= end.0;
        let responded = operation.responded.filter(|_| has_responded);
        let matters = has_responded || operation.written().is_some();
        (invoked && matters).then_some(Operation { responded, ..*operation })
    };
    history.iter().enumerate().filter_map(cut).collect()
}

proptest! {
    #![proptest_config(config(4000))]

    #[test]
    fn the_operations_of_a_violation_and_the_writers_of_their_values_are_enough_for_it(
        history in generate::history(Shape { operations_max: 12, ..SMALL }),
    ) {
        if let Some(violation) = zones(&history).violation {
            let involved = violation.operations();
            let value = |operation: &Operation| operation.written().or(operation.observed());
            let enough: Vec<Operation> = history
                .iter()
                .enumerate()
                .filter(|(index, operation)| {
                    let written = operation.written();
                    involved.contains(index)
                        || written.is_some() && involved.iter().any(|&i| value(&history[i]) == written)
                })
                .map(|(_, operation)| *operation)
                .collect();
            prop_assert!(enough.len() <= 6);
            prop_assert!(!brute::linearizable(&enough));
        }
    }

    #[test]
    fn the_longest_order_is_the_work_of_a_register_up_to_what_it_does_not_explain(
        history in generate::history(Shape { operations_max: 30, distinct: false, cas: true, unknown_one_in: 4, ..SMALL }),
    ) {
        if let Verdict::NotLinearizable { violation: Violation::NoOrder { blocked, order, attempts, pending, .. } } =
            search(&history)
        {
            assert_order(&history, blocked, &order);
            prop_assert!(!attempts.is_empty());
            for attempt in attempts {
                prop_assert!(attempt.linearized.iter().all(|index| pending.contains(index)));
                prop_assert!(attempt.spent.iter().all(|&index| history[index].responded.is_none()));
            }
        }
    }

    #[test]
    fn a_search_blames_the_first_response_that_has_no_explanation(
        history in generate::history(Shape { distinct: false, cas: true, ..SMALL }),
    ) {
        if let Verdict::NotLinearizable { violation: Violation::NoOrder { blocked, .. } } = search(&history) {
            prop_assert!(!brute::linearizable(&until_response(&history, blocked, true)));
            prop_assert!(brute::linearizable(&until_response(&history, blocked, false)));
        }
    }
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn the_paths_agree_on_longer_histories(history in generate::history(MEDIUM)) {
        prop_assert_eq!(zones(&history).violation.is_none(), is_linearizable(&search(&history)));
    }

    #[test]
    fn chains_agree_with_the_search_on_longer_histories(
        history in generate::history(Shape { cas: true, ..MEDIUM }),
    ) {
        match chains(&history) {
            Some(Chains::Linearizable) => prop_assert!(is_linearizable(&search(&history))),
            Some(Chains::Violated(_)) => prop_assert!(!is_linearizable(&search(&history))),
            Some(Chains::Unknown) | None => {}
        }
    }

    #[test]
    fn what_a_register_did_is_linearizable(
        history in generate::linearizable(Shape { distinct: false, cas: true, ..MEDIUM }),
    ) {
        prop_assert_eq!(check(&history, Limits::default()).outcome, Outcome::Linearizable);
    }

    #[test]
    fn the_order_in_the_slice_changes_no_verdict(
        history in generate::history(Shape { cas: true, distinct: false, ..MEDIUM }),
    ) {
        let reversed: Vec<Operation> = history.iter().rev().copied().collect();
        prop_assert_eq!(
            check(&history, Limits::default()).outcome,
            check(&reversed, Limits::default()).outcome
        );
    }
}
