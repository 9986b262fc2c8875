//! What the checker says of a history from a file, for machines: `"schema": 1`, described in docs/reference/histories.md.

use serde_json::{Value, json};

use super::history::{HistorySubject, stale_by_ns};
use leasehold_check::history_file::{Format, HistoryFile, Refusal};
use leasehold_check::{Action, Bound, Evidence, Outcome, Precedence, Verdict, Violation};

/// The version of the report's shape. It changes when a field goes or changes its meaning.
const SCHEMA: u32 = 1;

/// How many operations at the end of an order are told.
const ORDER_END_MAX: usize = 32;

/// The exit code that says the verdict.
pub(crate) fn history_exit_code(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Linearizable => 0,
        Outcome::NotLinearizable => 1,
        Outcome::Undecided => 3,
    }
}

/// The report as one JSON object.
pub(crate) fn history_json(subject: &HistorySubject<'_>) -> Value {
    let HistorySubject { name, file, report } = *subject;
    let stale_reads = report.stale_reads.iter().map(|stale| {
        json!({
            "key": file.key(stale.key),
            "read": operation(file, stale.read),
            "missed": operation(file, stale.missed),
            "evidence": match stale.evidence {
                Evidence::Acknowledged => "acknowledged",
                Evidence::Observed => "observed",
            },
            "stale_by_ns": stale_by_ns(file, stale),
            "overwritten_count": stale.overwritten_count,
        })
    });
    let violations = report.keys.iter().filter_map(|key| match &key.verdict {
        Verdict::NotLinearizable { violation } => Some(self::violation(file, file.key(key.key), violation)),
        Verdict::Linearizable | Verdict::Undecided { .. } => None,
    });
    let undecided = report.keys.iter().filter_map(|key| match key.verdict {
        Verdict::Undecided { states, bound } => Some(json!({
            "key": file.key(key.key),
            "operations": key.operations,
            "unknown_outcomes": key.unknown_outcomes,
            "states": states,
            "bound": match bound {
                Bound::States => "states",
                Bound::Bytes => "memory",
                Bound::Time => "time",
                Bound::Pending => "pending",
            },
        })),
        Verdict::Linearizable | Verdict::NotLinearizable { .. } => None,
    });
    json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "history": name,
        "format": match file.format {
            Format::JsonLines => "jsonl",
            Format::Edn => "edn",
            Format::Log => "log",
        },
        "operations": report.counts.operations,
        "keys": report.counts.keys,
        "keyed": file.keyed,
        "unknown_outcomes": report.counts.unknown_outcomes,
        "failed": file.failed,
        "refused": file.refused,
        "nil_reads": file.nil_reads,
        "ignored_fields": file.ignored_fields,
        "time_backwards_line": file.time_backwards_line,
        "verdict": match report.outcome {
            Outcome::Linearizable => "linearizable",
            Outcome::NotLinearizable => "not-linearizable",
            Outcome::Undecided => "undecided",
        },
        "exit_code": history_exit_code(report.outcome),
        "stale_reads": stale_reads.collect::<Vec<Value>>(),
        "violations": violations.collect::<Vec<Value>>(),
        "undecided": undecided.collect::<Vec<Value>>(),
    })
}

fn violation(file: &HistoryFile, key: Option<&str>, violation: &Violation) -> Value {
    let one = |index: &usize| operation(file, *index);
    let order =
        |order: &Precedence| json!({ "before": order.before.as_ref().map(one), "after": one(&order.after) });
    match violation {
        Violation::NeverWritten { observer } => {
            json!({ "key": key, "kind": "never-written", "observer": one(observer) })
        }
        Violation::SeenBeforeWritten { observer, writer } => {
            json!({ "key": key, "kind": "seen-before-written", "observer": one(observer), "writer": one(writer) })
        }
        Violation::OrderCycle { forth, back } => {
            json!({ "key": key, "kind": "order-cycle", "forth": order(forth), "back": order(back) })
        }
        Violation::SwappedTwice { first, second } => {
            json!({ "key": key, "kind": "swapped-twice", "first": one(first), "second": one(second) })
        }
        Violation::SwapOrder { earlier, later, swaps } => json!({
            "key": key,
            "kind": "swap-order",
            "earlier": one(earlier),
            "later": one(later),
            "swaps": swaps.iter().map(one).collect::<Vec<Value>>(),
        }),
        Violation::NoOrder { blocked, pending, possible, order, attempts } => json!({
            "key": key,
            "kind": "no-order",
            "blocked": one(blocked),
            "pending": pending.iter().map(one).collect::<Vec<Value>>(),
            "possible_values": possible.iter().map(|value| file.value(*value)).collect::<Vec<&str>>(),
            "order_length": order.len(),
            "order_end": order[order.len().saturating_sub(ORDER_END_MAX)..].iter().map(one).collect::<Vec<Value>>(),
            "attempts": attempts.iter().map(|attempt| json!({
                "value": file.value(attempt.value),
                "linearized": attempt.linearized.iter().map(one).collect::<Vec<Value>>(),
                "spent": attempt.spent.iter().map(one).collect::<Vec<Value>>(),
            })).collect::<Vec<Value>>(),
        }),
    }
}

fn operation(file: &HistoryFile, index: usize) -> Value {
    let (operation, origin) = (&file.operations[index], &file.origins[index]);
    let known = operation.responded.is_some();
    let (function, values) = match operation.action {
        Action::Read { returned } => ("read", json!({ "value": known.then(|| file.value(returned)) })),
        Action::Write { value } => ("write", json!({ "value": file.value(value) })),
        Action::Cas { from, to, swapped, .. } => {
            let swapped = known.then_some(swapped);
            ("cas", json!({ "from": file.value(from), "to": file.value(to), "swapped": swapped }))
        }
    };
    let mut whole = json!({
        "process": file.process(operation.client),
        "f": function,
        "outcome": if known { "ok" } else { "unknown" },
        "refusal": origin.refusal.map(|refusal| match refusal {
            Refusal::Absent => "key-does-not-exist",
            Refusal::Mismatch => "precondition-failed",
        }),
        "invoked_line": origin.invoked_line,
        "completed_line": origin.completed_line,
        "invoked_ns": origin.invoked_ns,
        "completed_ns": origin.completed_ns,
    });
    if let (Some(whole), Value::Object(values)) = (whole.as_object_mut(), values) {
        whole.extend(values);
    }
    whole
}
