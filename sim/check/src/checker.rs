//! Splits a history by key, sends each key down the path that fits it, and collects the answers.

use super::chains::{self, Chains};
use super::history::{Action, Key, Operation};
use super::report::{Counts, KeyReport, Limits, Outcome, Report, Verdict};
use super::stale::{self, StaleRead};
use super::{search, zones};

/// Checks every key's history for linearizability and explains its stale reads.
///
/// Indices in the report are positions in `history`, which need not be sorted. Keys with reads and writes of values
/// that are all different take O(n log n); the others are searched within `limits`.
///
/// ```
/// use leasehold_check::{Action, Key, Limits, Operation, Outcome, Value, check};
///
/// let operation = |invoked, responded, action| Operation {
///     client: 0,
///     key: Key(1),
///     invoked,
///     responded: Some(responded),
///     action,
/// };
/// let mut history = vec![
///     operation(0, 10, Action::Write { value: Value(1) }),
///     operation(20, 30, Action::Write { value: Value(2) }),
///     operation(25, 28, Action::Read { returned: Value(1) }),
/// ];
/// assert_eq!(check(&history, Limits::default()).outcome, Outcome::Linearizable);
///
/// // The write of 2 was acknowledged at 30 ns. This read started 45 ns later.
/// history.push(operation(75, 80, Action::Read { returned: Value(1) }));
/// let report = check(&history, Limits::default());
/// assert_eq!(report.outcome, Outcome::NotLinearizable);
/// assert_eq!((report.stale_reads[0].read, report.stale_reads[0].stale_by_ns), (3, 45));
/// ```
///
/// # Panics
///
/// If an operation responded before it was invoked, or later than 2^64 - 3 nanoseconds.
pub fn check(history: &[Operation], limits: Limits) -> Report {
    check_until(history, limits, &mut || false)
}

/// The same, until `stop` says so: what is not decided by then is undecided, with [`Bound::Time`](crate::Bound::Time).
/// `stop` is asked every few milliseconds while a key is searched.
///
/// # Panics
///
/// As [`check`].
pub fn check_until(history: &[Operation], limits: Limits, stop: &mut dyn FnMut() -> bool) -> Report {
    for operation in history {
        let ordered = operation.responded.is_none_or(|responded| operation.invoked <= responded);
        assert!(ordered, "an operation responds after its invocation: {operation:?}");
    }

    let mut keys = Vec::new();
    let mut stale_reads = Vec::new();
    for (key, members) in partition(history) {
        let (verdict, stale) = judge(history, &members, &limits, stop);
        keys.push(KeyReport {
            key,
            operations: members.len(),
            unknown_outcomes: members.iter().filter(|&&i| history[i].responded.is_none()).count(),
            verdict,
        });
        stale_reads.extend(stale);
    }
    stale_reads.sort_unstable_by_key(|stale| (history[stale.read].invoked, stale.read));

    let counts = Counts {
        operations: history.len(),
        keys: keys.len(),
        unknown_outcomes: keys.iter().map(|key| key.unknown_outcomes).sum(),
    };
    Report { outcome: worst(&keys), keys, stale_reads, counts }
}

/// The indices of each key's operations, ascending, by key.
fn partition(history: &[Operation]) -> Vec<(Key, Vec<usize>)> {
    let mut order: Vec<(Key, usize)> = history.iter().enumerate().map(|(i, op)| (op.key, i)).collect();
    order.sort_unstable();
    order
        .chunk_by(|a, b| a.0 == b.0)
        .map(|chunk| (chunk[0].0, chunk.iter().map(|&(_, index)| index).collect()))
        .collect()
}

fn judge(
    history: &[Operation],
    members: &[usize],
    limits: &Limits,
    stop: &mut dyn FnMut() -> bool,
) -> (Verdict, Vec<StaleRead>) {
    let zones = zones::examine(history, members);
    match zones.violation {
        // A stale read is two zones that each need to come first (see `stale`), so no key without a violation has one.
        Some(violation) => {
            let stale = if zones.distinct { stale::find(history, members) } else { Vec::new() };
            (Verdict::NotLinearizable { violation }, stale)
        }
        None if zones.distinct && !has_cas(history, members) => (Verdict::Linearizable, Vec::new()),
        None if zones.distinct => match chains::examine(history, members) {
            Chains::Linearizable => (Verdict::Linearizable, Vec::new()),
            Chains::Violated(violation) => (Verdict::NotLinearizable { violation }, Vec::new()),
            Chains::Unknown => (search::search(history, members, limits, stop), Vec::new()),
        },
        None => (search::search(history, members, limits, stop), Vec::new()),
    }
}

fn has_cas(history: &[Operation], members: &[usize]) -> bool {
    members.iter().any(|&index| matches!(history[index].action, Action::Cas { .. }))
}

fn worst(keys: &[KeyReport]) -> Outcome {
    let mut worst = Outcome::Linearizable;
    for key in keys {
        match key.verdict {
            Verdict::NotLinearizable { .. } => return Outcome::NotLinearizable,
            Verdict::Undecided { .. } => worst = Outcome::Undecided,
            Verdict::Linearizable => {}
        }
    }
    worst
}
