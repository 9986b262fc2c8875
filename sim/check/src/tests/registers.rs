//! Reads and writes, made by hand, each history named for what it shows.

use super::{NONE, cas, fine, lost, op, read, stale_reads, violation, write, wrong};
use crate::{
    Counts, Evidence, Key, Limits, Operation, Outcome, Precedence, StaleRead, Value, Verdict, Violation,
    check,
};

#[test]
fn nothing_happened() {
    let report = check(&[], Limits::default());
    assert_eq!(report.outcome, Outcome::Linearizable);
    assert_eq!(report.counts, Counts::default());
}

#[test]
fn a_key_starts_missing() {
    fine(&[op(1, 0, 1, read(NONE))]);
    assert_eq!(violation(&[op(1, 0, 1, read(7))]), Some(Violation::NeverWritten { observer: 0 }));
}

#[test]
fn a_read_concurrent_with_the_write_is_fine_either_way() {
    fine(&[op(1, 0, 10, write(1)), op(2, 2, 4, read(1))]);
    fine(&[op(1, 0, 10, write(1)), op(2, 2, 4, read(NONE))]);
}

#[test]
fn a_slow_read_linearizes_at_any_instant_inside_its_interval() {
    // Received before the write, answered long after it: a process pause, not a stale read.
    for returned in [NONE, 1, 2] {
        fine(&[op(1, 10, 20, write(1)), op(1, 30, 40, write(2)), op(2, 5, 90, read(returned))]);
    }
}

#[test]
fn a_read_after_the_acknowledgement_must_see_the_write() {
    assert_eq!(wrong(&[op(1, 0, 10, write(1)), op(2, 11, 12, read(NONE))]), [0, 1]);
    assert_eq!(wrong(&[op(1, 0, 10, write(1)), op(1, 20, 30, write(2)), op(2, 40, 50, read(1))]), [0, 1, 2]);
}

#[test]
fn equal_instants_are_concurrent() {
    fine(&[op(1, 0, 10, write(1)), op(2, 10, 12, read(NONE))]);
    fine(&[op(1, 0, 10, write(1)), op(1, 10, 10, write(2)), op(2, 10, 12, read(1))]);
    fine(&[op(1, 5, 9, write(1)), op(2, 0, 5, read(1))]);
    fine(&[op(1, 5, 5, write(1)), op(2, 5, 5, cas(1, 2, true)), op(3, 5, 5, read(2)), op(4, 5, 5, read(1))]);
}

#[test]
fn one_nanosecond_is_a_difference() {
    wrong(&[op(1, 0, 10, write(1)), op(2, 11, 11, read(NONE))]);
    wrong(&[op(1, 6, 9, write(1)), op(2, 0, 5, read(1))]);
    wrong(&[op(1, 0, 0, write(1)), op(2, 1, 1, read(NONE))]);
}

#[test]
fn a_read_cannot_see_a_write_from_the_future() {
    let history = [op(1, 0, 5, read(1)), op(2, 6, 9, write(1))];
    assert_eq!(violation(&history), Some(Violation::SeenBeforeWritten { observer: 0, writer: 1 }));
    assert_eq!(stale_reads(&history), []);
}

#[test]
fn an_unknown_write_may_be_read_at_any_later_time() {
    fine(&[lost(1, 0, write(1)), op(2, 5, 6, read(NONE)), op(2, 1000, 1001, read(1))]);
}

#[test]
fn an_unknown_write_may_never_happen() {
    fine(&[op(1, 0, 1, write(1)), lost(1, 2, write(2)), op(2, 5, 6, read(1)), op(2, 1000, 1001, read(1))]);
}

#[test]
fn an_unknown_write_that_was_read_has_happened() {
    let history = [op(1, 0, 1, write(1)), lost(1, 2, write(2)), op(2, 5, 6, read(2)), op(3, 8, 9, read(1))];
    // The write of 2 counts for both ends of its cluster only through its read.
    assert_eq!(wrong(&history), [0, 2, 3]);
    let explained = StaleRead {
        key: Key(1),
        read: 3,
        returned: Value(1),
        missed: 2,
        evidence: Evidence::Observed,
        known_at: 6,
        stale_by_ns: 2,
        overwritten_count: 0,
    };
    assert_eq!(stale_reads(&history), [explained]);
}

#[test]
fn an_unknown_write_cannot_be_read_before_it_is_invoked() {
    assert_eq!(wrong(&[op(1, 0, 1, read(1)), lost(2, 5, write(1))]), [0, 1]);
}

#[test]
fn an_unknown_read_constrains_nothing() {
    fine(&[op(1, 0, 1, write(1)), lost(2, 5, read(99)), op(1, 7, 8, read(1))]);
}

#[test]
fn two_readers_that_disagree_on_the_order_of_two_writes() {
    let history = [
        op(1, 0, 50, write(1)),
        op(2, 0, 50, write(2)),
        op(3, 10, 11, read(1)),
        op(4, 10, 11, read(2)),
        op(3, 20, 22, read(2)),
        op(4, 20, 22, read(1)),
    ];
    let cycle = Violation::OrderCycle {
        forth: Precedence { before: Some(2), after: 4 },
        back: Precedence { before: Some(3), after: 5 },
    };
    assert_eq!(violation(&history), Some(cycle));
    // Each of the last two reads is as good as the other: neither provably returned the old value.
    assert_eq!(stale_reads(&history), []);
}

#[test]
fn two_readers_that_agree_on_the_order_of_two_writes() {
    fine(&[
        op(1, 0, 50, write(1)),
        op(2, 0, 50, write(2)),
        op(3, 10, 11, read(1)),
        op(4, 10, 12, read(2)),
        op(3, 13, 22, read(2)),
    ]);
}

#[test]
fn a_stale_read_missed_the_first_write_to_be_acknowledged() {
    let history = [
        op(1, 0, 10, write(1)),
        op(1, 20, 30, write(2)),
        op(3, 22, 25, read(2)),
        op(1, 40, 50, write(3)),
        op(2, 100, 110, read(1)),
    ];
    let explained = StaleRead {
        key: Key(1),
        read: 4,
        returned: Value(1),
        missed: 1,
        evidence: Evidence::Acknowledged,
        known_at: 30,
        stale_by_ns: 70,
        overwritten_count: 2,
    };
    assert_eq!(stale_reads(&history), [explained]);
    wrong(&history);
}

#[test]
fn correct_reads_after_a_stale_one_are_not_blamed() {
    let history = [
        op(1, 0, 10, write(1)),
        op(1, 20, 30, write(2)),
        op(2, 40, 50, read(1)),
        op(3, 60, 70, read(2)),
        op(2, 80, 90, read(NONE)),
        op(3, 95, 99, read(2)),
    ];
    let reads: Vec<usize> = stale_reads(&history).iter().map(|stale| stale.read).collect();
    assert_eq!(reads, [2, 4]);
}

#[test]
fn a_read_that_began_before_its_write_is_evidence_from_the_write_on() {
    let history =
        [op(1, 0, 10, write(1)), op(1, 11, 100, write(2)), op(2, 5, 20, read(2)), op(3, 30, 40, read(1))];
    let found = stale_reads(&history);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].read, found[0].missed, found[0].evidence), (3, 2, Evidence::Observed));
    wrong(&history);
}

#[test]
fn keys_are_judged_alone_and_reported_in_order() {
    let elsewhere = |key, operation: Operation| Operation { key: Key(key), ..operation };
    let history = [
        elsewhere(3, op(1, 0, 1, write(1))),
        elsewhere(3, op(2, 5, 6, read(NONE))),
        elsewhere(2, op(1, 0, 1, write(1))),
        elsewhere(2, lost(2, 5, write(2))),
        elsewhere(1, op(1, 3, 4, read(NONE))),
    ];
    let report = check(&history, Limits::default());
    assert_eq!(report.outcome, Outcome::NotLinearizable);
    assert_eq!(report.counts, Counts { operations: 5, keys: 3, unknown_outcomes: 1 });
    let linearizable: Vec<(u64, bool)> =
        report.keys.iter().map(|key| (key.key.0, key.verdict == Verdict::Linearizable)).collect();
    assert_eq!(linearizable, [(1, true), (2, true), (3, false)]);
    assert_eq!(
        report.stale_reads.iter().map(|stale| (stale.key, stale.read)).collect::<Vec<_>>(),
        [(Key(3), 1)]
    );
}

#[test]
#[should_panic(expected = "an operation responds after its invocation")]
fn a_response_before_the_invocation_is_a_programmers_error() {
    check(&[op(1, 5, 4, read(NONE))], Limits::default());
}
