//! What the checker says of a history from a file, for people: with the lines, processes, keys and values of the file.

use leasehold::time::Span;

use super::no_order;
use leasehold_check::history_file::{HistoryFile, Refusal, shown};
use leasehold_check::{
    Action, Bound, Evidence, KeyReport, Operation, Outcome, Precedence, Report, StaleRead, Value, Verdict,
    Violation,
};
use leasehold_run::display::count;
use leasehold_run::report::Style;

/// A history and what the checker says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HistorySubject<'a> {
    /// The file, as the user named it.
    pub name: &'a str,
    /// The history.
    pub file: &'a HistoryFile,
    /// What the checker says of its operations.
    pub report: &'a Report,
}

/// How many stale reads, keys, pending operations and values are told one by one.
pub(super) const TOLD_MAX: usize = 5;

/// The report for people.
pub(crate) fn history_text(subject: &HistorySubject<'_>, style: Style) -> String {
    let HistorySubject { name, file, report } = *subject;
    let mut lines = vec![
        format!("{}: {}", style.strong(&shown(name)), counts(subject)),
        match report.outcome {
            Outcome::Linearizable => style.good("✓ linearizable"),
            Outcome::NotLinearizable => style.bad("✗ NOT linearizable"),
            Outcome::Undecided => style.doubtful("? undecided: the checker gave up"),
        },
    ];
    if let Some(line) = file.time_backwards_line {
        let note =
            format!("  note: time goes back at line {line}; the order of the lines decides, not their times");
        lines.push(style.faint(&note));
    }
    if !file.ignored_fields.is_empty() {
        let note = format!("  note: these fields are ignored: {}", file.ignored_fields.join(", "));
        lines.push(style.faint(&note));
    }
    for stale in report.stale_reads.iter().take(TOLD_MAX) {
        lines.push(format!("  {} {}", style.bad("stale read:"), stale_read(file, stale)));
    }
    lines.extend(more(report.stale_reads.len(), "stale reads"));

    let stale = |key: &KeyReport| report.stale_reads.iter().any(|stale| stale.key == key.key);
    let violated: Vec<(&KeyReport, &Violation)> = report
        .keys
        .iter()
        .filter_map(|key| match &key.verdict {
            Verdict::NotLinearizable { violation } => Some((key, violation)),
            Verdict::Linearizable | Verdict::Undecided { .. } => None,
        })
        .filter(|(key, _)| !stale(key))
        .collect();
    for (_, violation) in violated.iter().take(TOLD_MAX) {
        lines.extend(explain(file, violation, style));
    }
    lines.extend(more(violated.len(), "keys that are not linearizable"));

    let undecided = report.keys.iter().filter_map(|key| match key.verdict {
        Verdict::Undecided { states, bound } => Some((key, states, bound)),
        Verdict::Linearizable | Verdict::NotLinearizable { .. } => None,
    });
    let undecided: Vec<(&KeyReport, usize, Bound)> = undecided.collect();
    for &(key, states, bound) in undecided.iter().take(TOLD_MAX) {
        let which = file.key(key.key).map_or("the register".to_owned(), |key| format!("key {}", shown(key)));
        lines.push(format!(
            "  undecided: {which}, with {} operations, {} of unknown outcome, after {} states; {}",
            count(key.operations as u64),
            count(key.unknown_outcomes as u64),
            count(states as u64),
            remedy(bound),
        ));
    }
    lines.extend(more(undecided.len(), "keys that are undecided"));
    lines.push(String::new());
    lines.join("\n")
}

/// `7 operations on 2 keys, 1 of unknown outcome, 2 refused with a fact about the value; 3 failed and left out`.
pub(super) fn counts(subject: &HistorySubject<'_>) -> String {
    let HistorySubject { file, report, .. } = *subject;
    let number = |number: usize, one: &str, many: &str| {
        format!("{} {}", count(number as u64), if number == 1 { one } else { many })
    };
    let mut text = number(report.counts.operations, "operation", "operations");
    if file.keyed {
        text.push_str(&format!(" on {}", number(report.counts.keys, "key", "keys")));
    } else {
        text.push_str(" on one register");
    }
    text.push_str(&format!(", {} of unknown outcome", count(report.counts.unknown_outcomes as u64)));
    if file.refused > 0 {
        text.push_str(&format!(", {} refused with a fact about the value", count(file.refused as u64)));
    }
    if file.failed > 0 {
        text.push_str(&format!("; {} failed and left out", count(file.failed as u64)));
    }
    if file.nil_reads > 0 {
        let reads = number(file.nil_reads, "read of nil", "reads of nil");
        text.push_str(&format!("; {reads} left out"));
    }
    text
}

/// The bound that a search reached, and what would help.
fn remedy(bound: Bound) -> &'static str {
    match bound {
        Bound::States => "--states-max allows more",
        Bound::Bytes => "it took all the memory that --memory-max allows",
        Bound::Time => "--time-limit allows no more",
        Bound::Pending => {
            "more than 1024 operations that ended were under way at once: check a history with fewer clients"
        }
    }
}

fn more(all: usize, what: &str) -> Option<String> {
    let more = all.checked_sub(TOLD_MAX).filter(|more| *more > 0)?;
    Some(format!("  and {} more {what}", count(more as u64)))
}

/// `line 812: process 3 read 4 of key x, but the write of 5 was acknowledged at line 790, 3ms before the read was invoked`.
fn stale_read(file: &HistoryFile, stale: &StaleRead) -> String {
    let value = |operation: &Operation| shown(file.value(value_left(operation.action)));
    let missed = &file.operations[stale.missed];
    let known = match (stale.evidence, missed.action) {
        (Evidence::Observed, _) if file.origins[stale.missed].refusal.is_some() => {
            format!("process {} had been told that it does not exist", shown(file.process(missed.client)))
        }
        (Evidence::Observed, _) => {
            format!("process {} had read {}", shown(file.process(missed.client)), value(missed))
        }
        (Evidence::Acknowledged, Action::Cas { .. }) => {
            format!("the cas to {} was acknowledged", value(missed))
        }
        (Evidence::Acknowledged, _) => format!("the write of {} was acknowledged", value(missed)),
    };
    let before =
        stale_by_ns(file, stale).map_or("before".to_owned(), |by| format!("{} before", Span::nanos(by)));
    let mut text = format!(
        "{}, but {known} at line {}, {before} the read was invoked at line {}",
        told(file, stale.read),
        file.origins[stale.missed].completed_line.unwrap_or(0),
        file.origins[stale.read].invoked_line,
    );
    if stale.overwritten_count > 1 {
        text.push_str(&format!("; it missed {} writes", count(stale.overwritten_count as u64)));
    }
    text
}

/// How long the newer value had been known, if the file has times and they agree with the order.
pub(super) fn stale_by_ns(file: &HistoryFile, stale: &StaleRead) -> Option<u64> {
    let (known, invoked) = (file.origins[stale.missed].completed_ns?, file.origins[stale.read].invoked_ns?);
    invoked.checked_sub(known).filter(|by| *by > 0)
}

/// Why a key is not linearizable.
pub(super) fn explain(file: &HistoryFile, violation: &Violation, style: Style) -> Vec<String> {
    let head = |text: String| format!("  {} {text}", style.bad("violation:"));
    match violation {
        Violation::NeverWritten { observer } => {
            let seen = shown(file.value(value_needed(file.operations[*observer].action)));
            vec![head(format!("{}; no operation can have written {seen}", told(file, *observer)))]
        }
        Violation::SeenBeforeWritten { observer, writer } => {
            let seen = shown(file.value(value_needed(file.operations[*observer].action)));
            let line = file.origins[*writer].invoked_line;
            vec![head(format!(
                "{}, before anything that writes {seen} was invoked; the first is at line {line}",
                told(file, *observer)
            ))]
        }
        Violation::OrderCycle { forth, back } => {
            let key = violation.operations().first().map_or(String::new(), |first| of_key(file, *first));
            vec![
                head(format!("each of two values{key} had to be there before the other one")),
                format!("    {}", precedence(file, *forth)),
                format!("    {}", precedence(file, *back)),
            ]
        }
        Violation::SwappedTwice { first, second } => {
            let value = shown(file.value(value_needed(file.operations[*first].action)));
            vec![
                head(format!("{value} was written once{}, and two swaps replaced it", of_key(file, *first))),
                format!("    {}", told(file, *first)),
                format!("    {}", told(file, *second)),
            ]
        }
        Violation::SwapOrder { earlier, later, swaps } => {
            let line = file.origins[*earlier].invoked_line;
            let mut lines = vec![
                head(format!(
                    "swaps put one operation before another that ended earlier{}",
                    of_key(file, *later)
                )),
                format!(
                    "    {}; only then, {} was invoked at line {line}",
                    told(file, *later),
                    phrase(file, *earlier)
                ),
            ];
            for &swap in swaps.iter().take(TOLD_MAX) {
                lines.push(format!("    but {}", told(file, swap)));
            }
            lines.extend(more(swaps.len(), "swaps").map(|more| format!("  {more}")));
            lines
        }
        Violation::NoOrder { blocked, pending, .. } => {
            let mut lines =
                vec![head(format!("{}; no order of the operations explains it", told(file, *blocked)))];
            lines.extend(no_order::lines(file, violation));
            for &index in pending.iter().take(TOLD_MAX) {
                lines.push(format!("    meanwhile: {}", told(file, index)));
            }
            let more = pending.len().saturating_sub(TOLD_MAX);
            if more > 0 {
                lines.push(format!("    and {} more operations", count(more as u64)));
            }
            lines
        }
    }
}

fn precedence(file: &HistoryFile, precedence: Precedence) -> String {
    let after = format!(
        "{} was invoked at line {}",
        phrase(file, precedence.after),
        file.origins[precedence.after].invoked_line
    );
    match precedence.before {
        None => format!("at the beginning it was {}; later, {after}", shown(file.value(Value::MISSING))),
        Some(before) => format!("{}; only then, {after}", told(file, before)),
    }
}

/// An operation with the line that says how it ended, or that of its invocation.
pub(super) fn told(file: &HistoryFile, index: usize) -> String {
    let origin = &file.origins[index];
    match (file.operations[index].responded, origin.completed_line) {
        (Some(_), Some(line)) => format!("line {line}: {}", phrase(file, index)),
        _ => format!("line {}: {}", origin.invoked_line, phrase(file, index)),
    }
}

/// `process 3 read 4 of key x`.
pub(super) fn phrase(file: &HistoryFile, index: usize) -> String {
    let operation = &file.operations[index];
    let value = |value: Value| shown(file.value(value));
    let known = operation.responded.is_some();
    let what = match (operation.action, known) {
        (Action::Read { .. }, true) if file.origins[index].refusal.is_some() => {
            "was told that the key does not exist".to_owned()
        }
        (Action::Read { returned }, true) => format!("read {}", value(returned)),
        (Action::Read { .. }, false) => "may have read".to_owned(),
        (Action::Write { value: new }, true) => format!("wrote {}", value(new)),
        (Action::Write { value: new }, false) => format!("may have written {}", value(new)),
        (Action::Cas { from, to, swapped: true, .. }, true) => {
            format!("changed {} to {}", value(from), value(to))
        }
        (Action::Cas { from, to, .. }, true) => {
            format!("did not find {} to change to {}", value(from), value(to))
        }
        (Action::Cas { from, to, .. }, false) => format!("may have changed {} to {}", value(from), value(to)),
    };
    let told = match file.origins[index].refusal {
        Some(Refusal::Absent) => file
            .key(operation.key)
            .map_or(what, |key| format!("was told that key {} does not exist", shown(key))),
        Some(Refusal::Mismatch) | None => format!("{what}{}", of_key(file, index)),
    };
    format!("process {} {told}", shown(file.process(operation.client)))
}

fn of_key(file: &HistoryFile, index: usize) -> String {
    file.key(file.operations[index].key).map_or(String::new(), |key| format!(" of key {}", shown(key)))
}

/// The value that was there when the operation had happened.
fn value_left(action: Action) -> Value {
    match action {
        Action::Read { returned: value } | Action::Write { value } | Action::Cas { to: value, .. } => value,
    }
}

/// The value that must have been there for the operation to happen.
fn value_needed(action: Action) -> Value {
    match action {
        Action::Read { returned: value } | Action::Write { value } | Action::Cas { from: value, .. } => value,
    }
}
