//! The rows of a report: a table that fits.

use std::collections::BTreeSet;

use comfy_table::{CellAlignment, Table};
use leasehold::time::Span;

use super::style::Style;
use crate::display::{count, signed_span};
use crate::scenario::Plan;
use crate::study::{Finding, RowResult, Safety, Study};

/// Rows of a sweep that are shown, unless all are asked for.
const ROWS_MAX: usize = 7;

/// Columns from left to right, and the order in which they give way on a narrow terminal: the last first.
const HEADER: [&str; 6] = ["reads", "under lease", "stale", "stale by up to", "margin", "history"];
const GIVE_WAY: [usize; 3] = [1, 0, 3];

/// The table, and how many rows are not in it.
pub(super) fn table(plan: &Plan, study: &Study, style: Style) -> Vec<String> {
    let shown = shown(plan, study, style);
    let rows: Vec<&RowResult> = shown.iter().map(|place| &study.rows[*place]).collect();
    let first = match &plan.sweep {
        Some(sweep) => sweep.paths.join(" "),
        None if rows.len() > 1 => "variant".to_owned(),
        None => String::new(),
    };
    let labels = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    // Names of many keys are longer than their values; the line above the table has them.
    let most = if style.width < 80 { labels } else { labels.max(24) };
    let first = if first.chars().count() > most && plan.sweep.is_some() { "value" } else { first.as_str() };
    let mut dropped = Vec::new();
    let mut lines = laid_out(first, &rows, plan.sweep.is_some(), &dropped);
    for column in GIVE_WAY {
        if lines.iter().all(|line| line.chars().count() <= style.width) {
            break;
        }
        dropped.push(column);
        lines = laid_out(first, &rows, plan.sweep.is_some(), &dropped);
    }
    let mut lines: Vec<String> = colour(&lines.join("\n"), style).lines().map(str::to_owned).collect();
    match study.rows.len() - shown.len() {
        0 => {}
        1 => lines.push("  one more row: --all-rows shows it".to_owned()),
        more => lines.push(format!("  {more} more rows: --all-rows shows them")),
    }
    lines
}

/// Places of the rows to show: of a long sweep the two ends, what is not as expected, and what is nearest to the boundary.
fn shown(plan: &Plan, study: &Study, style: Style) -> Vec<usize> {
    let all = study.rows.len();
    if style.all_rows || plan.sweep.is_none() || all <= ROWS_MAX {
        return (0..all).collect();
    }
    let mut shown = BTreeSet::from([0, all - 1]);
    let surprising = (0..all).filter(|place| !study.rows[*place].as_expected());
    shown.extend(surprising.take(ROWS_MAX - 2));
    let middle = study.boundary.as_ref().map_or(all / 2, |boundary| boundary.stale);
    // Alternately below and above: the last clean row, the first stale one, and so on outwards.
    for distance in 0..all {
        for place in [middle.checked_sub(distance + 1), Some(middle + distance)].into_iter().flatten() {
            if shown.len() < ROWS_MAX && place < all {
                shown.insert(place);
            }
        }
    }
    shown.into_iter().collect()
}

fn laid_out(first: &str, rows: &[&RowResult], sweep: bool, dropped: &[usize]) -> Vec<String> {
    let kept = |place: &usize| !dropped.contains(place);
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let header = (0..HEADER.len()).filter(kept).map(|place| HEADER[place]);
    table.set_header(std::iter::once(first).chain(header));
    for row in rows {
        let cells = [
            count(row.reads as u64),
            count(row.reads_under_lease as u64),
            count(row.stale as u64),
            if row.stale == 0 { "-".to_owned() } else { Span::nanos(row.stale_by_most).to_string() },
            margin(row.margin),
            finding(row),
        ];
        let cells = cells.into_iter().enumerate().filter(|(place, _)| kept(place)).map(|(_, cell)| cell);
        table.add_row(std::iter::once(row.label.clone()).chain(cells));
    }
    let last = HEADER.len() - dropped.len();
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if place == 0 { 2 } else { 1 }, 1));
        // Numbers to the right, words to the left.
        if place < last && (place > 0 || sweep) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The table is laid out without escape codes, which would count as width.
pub fn colour(table: &str, style: Style) -> String {
    let line = |line: &str| {
        for (word, painted) in [
            ("✓ linearizable", style.good("✓ linearizable")),
            ("✗ stale reads", style.bad("✗ stale reads")),
            ("✗ not linearizable", style.bad("✗ not linearizable")),
            ("? undecided", style.doubtful("? undecided")),
            ("! linearizable, but not safe", style.doubtful("! linearizable, but not safe")),
        ] {
            if let Some(rest) = line.split_once(word) {
                return format!("{}{painted}{}", rest.0, rest.1);
            }
        }
        line.to_owned()
    };
    table.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A margin with its sign; `-` for none.
pub fn margin(margin: Option<i64>) -> String {
    match margin {
        None => "-".to_owned(),
        Some(i64::MIN) => "never ends".to_owned(),
        Some(margin) => signed_span(i128::from(margin)),
    }
}

/// What a row showed, in two words and a mark.
pub fn finding(row: &RowResult) -> String {
    let mut text = match row.finding {
        Finding::Clean if row.safety() == Safety::NotSafe => "! linearizable, but not safe",
        Finding::Clean => "✓ linearizable",
        Finding::Stale if row.stale > 0 => "✗ stale reads",
        Finding::Stale => "✗ not linearizable",
        Finding::Undecided => "? undecided",
    }
    .to_owned();
    if !row.broken.is_empty() {
        text.push_str("; an invariant is broken");
    }
    if !row.as_expected() {
        text.push_str("  <- not as expected");
    }
    text
}
