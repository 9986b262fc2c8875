//! Why no order explains an operation: the longest order that works, what the operation needs, and which operations
//! could have provided that and were used for something else.

use leasehold_check::history_file::{HistoryFile, shown};
use leasehold_check::{Action, Operation, Value, Violation};
use leasehold_run::display::count;

use super::history::{TOLD_MAX, told};

/// What is told of a violation without an order.
#[derive(Debug)]
pub(super) struct NoOrder {
    /// The value after the order.
    pub(super) value: Value,
    /// The value that `blocked` needs, or must not find.
    pub(super) needs: Needs,
    /// Who wrote the needed value, and what it was used for.
    pub(super) sources: Vec<Source>,
    /// How many more operations wrote it.
    pub(super) sources_more: usize,
    /// What the value can be in other orders.
    pub(super) others: Vec<Value>,
}

/// What an operation needs of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// This one.
    This(Value),
    /// Any but this one.
    NotThis(Value),
}

/// An operation that wrote, or may have written, the needed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) writer: usize,
    /// What the order needed it for: the first operation after it that observes its value.
    pub(super) used_for: Option<usize>,
    /// What replaced its value in the order.
    pub(super) replaced_by: Option<usize>,
    /// Whether it is in the order.
    pub(super) in_order: bool,
}

/// Looks into a violation without an order.
pub(super) fn look_into(file: &HistoryFile, violation: &Violation) -> Option<NoOrder> {
    let Violation::NoOrder { blocked, possible, order, .. } = violation else { return None };
    let operations = &file.operations;
    let needs = match operations[*blocked].action {
        Action::Read { returned: value } | Action::Cas { from: value, swapped: true, .. } => {
            Needs::This(value)
        }
        Action::Cas { from, .. } => Needs::NotThis(from),
        // A write needs nothing of the value, so it is never blocked.
        Action::Write { value } => Needs::This(value),
    };
    let value = order.iter().rev().find_map(|&index| leaves(&operations[index]));
    let value = value.unwrap_or(Value::MISSING);
    let mut sources = match needs {
        Needs::This(needed) => sources(file, *blocked, needed, order),
        Needs::NotThis(_) => Vec::new(),
    };
    let sources_more = sources.len().saturating_sub(TOLD_MAX);
    sources.truncate(TOLD_MAX);
    let others = possible.iter().copied().filter(|other| *other != value).collect();
    Some(NoOrder { value, needs, sources, sources_more, others })
}

/// Those that are not in the order come first, then the last ones in it.
fn sources(file: &HistoryFile, blocked: usize, needed: Value, order: &[usize]) -> Vec<Source> {
    let operations = &file.operations;
    let key = operations[blocked].key;
    let mut place_of = vec![None; operations.len()];
    for (place, &index) in order.iter().enumerate() {
        place_of[index] = Some(place);
    }
    let end = operations[blocked].responded;
    let may_write = |&index: &usize| {
        let it = &operations[index];
        let writes = leaves(it) == Some(needed);
        writes && it.key == key && end.is_none_or(|end| it.invoked <= end)
    };
    let mut found: Vec<Source> = (0..operations.len())
        .filter(may_write)
        .map(|writer| {
            let after = place_of[writer].map_or(&[][..], |place| &order[place + 1..]);
            let replaces = |index: &&usize| leaves(&operations[**index]).is_some();
            let until = after.iter().position(|index| replaces(&index)).map_or(after.len(), |at| at + 1);
            let observes = |index: &&usize| !matches!(operations[**index].action, Action::Write { .. });
            Source {
                writer,
                used_for: after[..until].iter().find(observes).copied(),
                replaced_by: after.iter().find(replaces).copied(),
                in_order: place_of[writer].is_some(),
            }
        })
        .collect();
    found.sort_by_key(|source| (place_of[source.writer].map(std::cmp::Reverse), source.writer));
    found
}

/// The value that an operation leaves if it changes the value. Of unknown outcome: if it happened.
fn leaves(operation: &Operation) -> Option<Value> {
    match operation.action {
        Action::Read { .. } => None,
        Action::Write { value } => Some(value),
        Action::Cas { to, swapped, .. } => (swapped || operation.responded.is_none()).then_some(to),
    }
}

/// The lines below the head of the violation.
pub(super) fn lines(file: &HistoryFile, violation: &Violation) -> Vec<String> {
    let Violation::NoOrder { order, .. } = violation else { return Vec::new() };
    let mut lines = Vec::new();
    let tail = &order[order.len().saturating_sub(TOLD_MAX)..];
    match order.len() {
        0 => {}
        all if all == tail.len() => lines.push("the longest order that works:".to_owned()),
        all => {
            lines.push(format!("the longest order that works has {} operations; its end:", count(all as u64)))
        }
    }
    lines.extend(tail.iter().map(|&index| format!("  {}", told(file, index))));
    lines.extend(why(file, violation));
    lines.into_iter().map(|line| format!("    {line}")).collect()
}

/// What the value is after the order, what it would have to be, and what became of those who wrote that.
pub(super) fn why(file: &HistoryFile, violation: &Violation) -> Vec<String> {
    let Some(NoOrder { value, needs, sources, sources_more, others }) = look_into(file, violation) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let name = |value: Value| shown(file.value(value));
    lines.push(match needs {
        Needs::This(needed) => format!("then the value is {}; it must be {}", name(value), name(needed)),
        Needs::NotThis(avoided) => {
            format!("then the value is {}; it must not be {}", name(value), name(avoided))
        }
    });
    let mut values: Vec<String> = others.iter().take(TOLD_MAX).map(|value| name(*value)).collect();
    if others.len() > TOLD_MAX {
        values.push(format!("{} others", count((others.len() - TOLD_MAX) as u64)));
    }
    if !values.is_empty() {
        lines.push(format!("other orders lead to {}", values.join(", ")));
    }
    for source in &sources {
        let mut line = format!("source: {}", told(file, source.writer));
        match (source.in_order, source.used_for, source.replaced_by) {
            (false, ..) => line.push_str("; this order has no place for it"),
            (true, Some(used), _) => line.push_str(&format!("; used for {}", told(file, used))),
            (true, None, Some(by)) => line.push_str(&format!("; replaced by {}", told(file, by))),
            (true, None, None) => {}
        }
        lines.push(line);
    }
    if sources_more > 0 {
        lines.push(format!("and {} more sources", count(sources_more as u64)));
    }
    lines
}
