//! What a margin is made of, in a line and for machines.

use serde_json::{Value, json};

use super::style::Style;
use super::text::Subject;
use crate::blame::Blame;
use crate::display::{length, signed_span};
use crate::study::{Finding, RowResult};

/// `slack 2s: offset -2.001s, messages and waits +135.214us => -864.786us`.
pub fn blame_line(blame: &Blame) -> String {
    let part = |(part, nanos): &(crate::blame::Part, i64)| {
        format!("{} {}", part.word(), signed_span(i128::from(*nanos)))
    };
    let parts: Vec<String> = blame.parts.iter().map(part).collect();
    let parts = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    let (slack, margin) = (i128::from(blame.slack_ns), i128::from(blame.margin()));
    format!("slack {}: {parts} => {}", length(slack), signed_span(margin))
}

/// The split for machines: the slack and every part that is not zero.
pub(super) fn blame_json(blame: &Blame) -> Value {
    let parts = blame.parts.iter().map(|(part, nanos)| (part.key(), Value::from(*nanos)));
    json!({ "slack_ns": blame.slack_ns, "parts": parts.collect::<serde_json::Map<_, _>>() })
}

/// The lines below the table: of a single row its smallest margin, of variants that of each, of a sweep that of the first
/// row with a stale read, or else of the row that came closest to one.
pub(super) fn margin_lines(subject: &Subject<'_>, style: Style) -> Vec<String> {
    /// More variants than this are a list that nobody reads.
    const VARIANTS_MAX: usize = 6;
    let rows = &subject.study.rows;
    let split = rows.iter().filter(|row| row.blame().is_some());
    let shown: Vec<&RowResult> = if subject.plan.sweep.is_some() {
        let stale = split.clone().find(|row| row.finding == Finding::Stale);
        stale.or_else(|| split.clone().min_by_key(|row| row.margin)).into_iter().collect()
    } else {
        split.take(VARIANTS_MAX).collect()
    };
    let lines = shown.iter().enumerate().flat_map(|(place, row)| {
        let label = if rows.len() == 1 { String::new() } else { format!("{}: ", row.label) };
        let line = row.blame().map(blame_line).unwrap_or_default();
        let name = if place == 0 { "margin" } else { "" };
        style.wrapped(&format!("  {name:<9} "), &format!("{label}{line}"))
    });
    lines.collect()
}
