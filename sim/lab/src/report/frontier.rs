//! The phase diagram in a terminal, and for machines.

use serde_json::{Value, json};

use crate::frontier::{Cell, Column, Frontier, Judge, Verdict};
use crate::threshold::Search;
use leasehold_run::report::Style;

use leasehold_run::scenario::{Knob, UnitKind};

/// What a diagram is of, beside its result.
#[derive(Debug)]
pub struct FrontierSubject<'a> {
    /// The scenario file, as the user named it.
    pub file: &'a str,
    /// The scenario's title.
    pub title: &'a str,
    /// What the x axis turns.
    pub x: &'a Knob,
    /// What the y axis turns.
    pub y: &'a Knob,
    /// What was found.
    pub found: &'a Frontier,
}

/// Columns of which the numbers are shown: every so many-eth.
const NUMBERS_MAX: usize = 9;

/// The report for people.
pub fn frontier_text(subject: &FrontierSubject<'_>, style: Style) -> String {
    let FrontierSubject { x, y, found, .. } = *subject;
    let question = found.question;
    let mut lines = vec![
        style.strong(subject.title),
        format!("x: {} from {} to {}", x.keys().join(", "), x.show(question.x.from), x.show(question.x.to)),
        format!("y: {} from {} to {}", y.keys().join(", "), y.show(question.y.from), y.show(question.y.to)),
        String::new(),
    ];
    lines.extend(diagram(subject, style));
    lines.push(String::new());
    let judge = match question.judge {
        Judge::Adversary => "the adversary makes a stale read".to_owned(),
        Judge::Seeds(seeds) => format!("one of {seeds} seeds has a stale read"),
    };
    lines.push(format!("  x {judge}   . none   o the line by arithmetic"));
    lines.push(String::new());
    lines.extend(numbers(subject));
    lines.push(String::new());
    lines.extend(conclusion(subject, style));
    lines.push(String::new());
    lines.join("\n")
}

fn diagram(subject: &FrontierSubject<'_>, style: Style) -> Vec<String> {
    /// A value of the y axis is written beside every so many-eth line.
    const LABEL_EVERY: usize = 5;
    let FrontierSubject { x, y, found, .. } = *subject;
    let values = found.question.y.values();
    let labels: Vec<String> = values.iter().map(|value| y.show(*value)).collect();
    let labelled = |place: usize| place.is_multiple_of(LABEL_EVERY) || place + 1 == values.len();
    let shown = labels.iter().enumerate().filter(|(place, _)| labelled(*place));
    let width = shown.map(|(_, label)| label.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for place in (0..values.len()).rev() {
        let label = if labelled(place) { labels[place].as_str() } else { "" };
        let tick = if labelled(place) { '+' } else { '|' };
        let signs = found.columns.iter().map(|column| sign(column, place));
        let painted: String = signs
            .map(|sign| match sign {
                'x' => style.bad("x"),
                'o' => style.strong("o"),
                other => other.to_string(),
            })
            .collect();
        lines.push(format!("  {label:>width$} {tick}{painted}"));
    }
    let (left, right) = (x.show(found.question.x.from), x.show(found.question.x.to));
    let columns = found.columns.len();
    lines.push(format!("  {:>width$} +{}", "", "-".repeat(columns)));
    let gap = columns.saturating_sub(left.chars().count()).max(right.chars().count() + 1);
    lines.push(format!("  {:>width$}  {left}{right:>gap$}", ""));
    lines
}

/// A cell's sign; where the line by arithmetic passes nearest to it, the line's.
fn sign(column: &Column, place: usize) -> char {
    if let Ok(Search::Found(edge)) = &column.theory {
        let distance = |cell: &Cell| (cell.y - edge.stale).abs();
        let nearest = (0..column.cells.len()).min_by_key(|place| distance(&column.cells[*place]));
        if nearest == Some(place) {
            return 'o';
        }
    }
    if column.cells[place].stale { 'x' } else { '.' }
}

/// A place on the line in words.
pub(super) fn value(knob: &Knob, search: &Search) -> String {
    match search {
        Search::Found(edge) => knob.show(edge.stale),
        Search::None { stale: true } => "stale throughout".to_owned(),
        Search::None { stale: false } => "none".to_owned(),
        Search::Mixed { .. } => "several".to_owned(),
    }
}

/// The line at some of the columns, its head first.
pub(super) fn numbers_of(subject: &FrontierSubject<'_>) -> Vec<[String; 4]> {
    let FrontierSubject { x, y, found, .. } = *subject;
    let every = found.columns.len().saturating_sub(1).div_ceil(NUMBERS_MAX - 1).max(1);
    let judge = match found.question.judge {
        Judge::Adversary => "adversary",
        Judge::Seeds(_) => "seeds",
    };
    let head = ["x".to_owned(), judge.to_owned(), "theory".to_owned(), "apart".to_owned()];
    let rows = found.columns.iter().step_by(every).map(|column| {
        let theory = column.theory.as_ref().map_or("-".to_owned(), |said| value(y, said));
        let apart = match found.question.judge {
            Judge::Adversary => column.apart(found.question.y),
            Judge::Seeds(_) => None,
        };
        let apart = apart.map_or("-".to_owned(), |apart| y.show(apart));
        [x.show(column.x), value(y, &column.measured), theory, apart]
    });
    std::iter::once(head).chain(rows).collect()
}

fn numbers(subject: &FrontierSubject<'_>) -> Vec<String> {
    let rows = numbers_of(subject);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |row: &[String; 4]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("  {cell:>width$}"));
        cells.collect::<String>()
    };
    rows.iter().map(line).collect()
}

fn conclusion(subject: &FrontierSubject<'_>, style: Style) -> Vec<String> {
    let FrontierSubject { x, y, found, .. } = *subject;
    let mut lines = Vec::new();
    if let Some((apart, place)) = found.farthest() {
        let (apart, at) = (y.show(apart), x.show(found.columns[place].x));
        let tolerance = y.show(found.question.tolerance);
        let text =
            format!("theory and adversary are at most {apart} apart, at {at}; the tolerance is {tolerance}");
        lines.extend(style.wrapped("", &text));
    }
    if let Some(why) = found.columns.iter().find_map(|column| column.theory.as_ref().err()) {
        lines.extend(style.wrapped("", &format!("theory does not cover all of it: {why}")));
    }
    lines.push(match found.verdict() {
        Verdict::Found if found.farthest().is_some() => style.good("theory and adversary agree"),
        Verdict::Found => style.doubtful("the measured line stands alone"),
        Verdict::NotFound => style.doubtful("no line in this plane; try other ranges"),
        Verdict::Interrupted => style.doubtful(&format!(
            "interrupted: {} of {} columns are done",
            found.columns.len(),
            found.question.x.steps + 1
        )),
        Verdict::Apart(place) => style.bad(&format!(
            "A BUG OF OURS: theory and measurement disagree at {}; one of them is wrong",
            x.show(found.columns[place].x)
        )),
    });
    lines
}

/// The word for a unit in machines' reports.
pub(super) fn unit(knob: &Knob) -> &'static str {
    match knob.unit() {
        UnitKind::Span => "ns",
        UnitKind::Rate => "ppb",
        UnitKind::Number => "number",
        UnitKind::Ratio => "billionths",
    }
}

/// The report for machines.
pub fn frontier_json(subject: &FrontierSubject<'_>) -> Value {
    let FrontierSubject { x, y, found, .. } = *subject;
    let number = |value: i128| i64::try_from(value).ok();
    let axis = |knob: &Knob, extent: crate::frontier::Extent| {
        json!({
            "keys": knob.keys(),
            "unit": unit(knob),
            "from": number(extent.from),
            "to": number(extent.to),
            "steps": extent.steps,
        })
    };
    let search = |search: &Search| match search {
        Search::Found(edge) => json!({ "stale": number(edge.stale), "clean": number(edge.clean) }),
        Search::None { stale } => json!({ "none": true, "stale_throughout": stale }),
        Search::Mixed { at } => json!({ "mixed_at": number(*at) }),
    };
    let column = |column: &Column| {
        json!({
            "x": number(column.x),
            "measured": search(&column.measured),
            "theory": match &column.theory {
                Ok(said) => search(said),
                Err(why) => json!({ "not_covered": why }),
            },
            "apart": column.apart(found.question.y).and_then(number),
            "cells": column.cells.iter().map(|cell| json!({
                "y": number(cell.y),
                "stale": cell.stale,
                "margin_ns": cell.margin_ns,
                "theory_stale": cell.theory,
            })).collect::<Vec<_>>(),
        })
    };
    let (judge, seeds) = match found.question.judge {
        Judge::Adversary => ("adversary", None),
        Judge::Seeds(seeds) => ("seeds", Some(seeds)),
    };
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "scenario": subject.file,
        "x": axis(x, found.question.x),
        "y": axis(y, found.question.y),
        "tolerance": number(found.question.tolerance),
        "by": judge,
        "seeds": seeds,
        "columns": found.columns.iter().map(column).collect::<Vec<_>>(),
        "apart_most": found.farthest().and_then(|(apart, _)| number(apart)),
        "verdict": match found.verdict() {
            Verdict::Found => "found",
            Verdict::NotFound => "not-found",
            Verdict::Apart(_) => "apart",
            Verdict::Interrupted => "interrupted",
        },
    })
}
