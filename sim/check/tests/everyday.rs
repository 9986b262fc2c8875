//! The everyday register of Jepsen is decided by default, in work that grows linearly.

#[path = "../benches/support/mix.rs"]
mod mix;

use leasehold_check::{Action, Bound, Limits, Outcome, Verdict, check};
use mix::{Mix, history};

fn register(operations: u64, clients: usize, unknown: u64) -> Mix {
    Mix { operations, values: 5, swaps: true, clients, unknown_one_in: operations / unknown, ..Mix::USUAL }
}

#[test]
fn an_everyday_register_takes_a_few_states_for_each_operation() {
    for (operations, clients) in [(10_000, 10), (40_000, 10), (10_000, 100)] {
        let history = history(register(operations, clients, 5));
        let limits = Limits { states_max: Some(10 * history.len()), ..Limits::default() };
        assert_eq!(
            check(&history, limits).outcome,
            Outcome::Linearizable,
            "{operations} of {clients} clients"
        );
    }
}

#[test]
fn one_client_needs_no_more_than_a_state_or_two_for_each_operation() {
    let history = history(Mix { unknown_one_in: u64::MAX, ..register(200_000, 1, 1) });
    let limits = Limits { states_max: Some(2 * history.len()), bytes_max: 64 << 20 };
    assert_eq!(check(&history, limits).outcome, Outcome::Linearizable);
}

#[test]
fn a_wrong_answer_late_in_an_everyday_register_is_found_by_default() {
    let mut history = history(register(10_000, 10, 5));
    let reads = (0..history.len()).filter(|&index| {
        matches!(history[index].action, Action::Read { .. }) && history[index].responded.is_some()
    });
    // From some place on every read returns a value that is one too high: no register explains that for long.
    let falsified: Vec<usize> = reads.skip(3000).collect();
    for index in falsified {
        if let Action::Read { returned } = &mut history[index].action {
            returned.0 = 1 + returned.0 % 5;
        }
    }
    let report = check(&history, Limits::default());
    match &report.keys[0].verdict {
        Verdict::NotLinearizable { .. } => {}
        other => panic!("{other:?}"),
    }
    let too_few = Limits { states_max: Some(100), ..Limits::default() };
    let report = check(&history, too_few);
    assert_eq!(report.keys[0].verdict, Verdict::Undecided { states: 100, bound: Bound::States });
}
