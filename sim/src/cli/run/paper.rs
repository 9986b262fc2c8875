//! The page of `sim run`: the row with the told stale read, or the one that came closest to one.

use std::sync::Arc;

use leasehold_run::picture::{Bounds, Picture, draw, inevitable};
use leasehold_run::report::{Style, Subject, headline, json_report, text_report};
use leasehold_run::scenario::UnitKind;
use serde_json::{Value, json};

use super::super::page::Paper;

/// `None` where no row was run to its end.
pub(super) fn paper(subject: &Subject<'_>, marks_max: usize) -> Option<Paper> {
    let rows = &subject.study.rows;
    let closest = (0..rows.len()).min_by_key(|place| (rows[*place].margin.unwrap_or(i64::MAX), *place));
    let place = subject.explanation.map(|(place, _)| *place).or(closest)?;
    let setup = Arc::new(subject.plan.rows[place].scenario.setup.clone());
    let mut picture = draw(&setup, Bounds { marks_max });
    picture.inevitable = inevitable::point_of_no_return(&setup, &picture);
    Some(of(subject, place, &picture))
}

/// A function of its arguments alone.
fn of(subject: &Subject<'_>, place: usize, picture: &Picture) -> Paper {
    let mut report = json_report(subject);
    let replay = report["rows"][place]["replay"].take();
    let values = subject.study.rows.iter().map(|row| row.value.map(|value| value.to_string()));
    let sweep = subject.plan.sweep.as_ref();
    let data = json!({
        "scenario": subject.file,
        "title": subject.plan.title,
        "label": subject.study.rows[place].label,
        "version": env!("CARGO_PKG_VERSION"),
        "replay": replay,
        "unexpected": headline(subject, Style::PLAIN).map(|(words, _)| words),
        "picture": picture,
        "rows": report["rows"].as_array_mut().into_iter().flatten().map(brief).collect::<Vec<_>>(),
        "values": values.collect::<Vec<_>>(),
        "swept": sweep.map(|sweep| sweep.paths.join(", ")).unwrap_or_default(),
        "unit": match sweep.map(|sweep| sweep.unit) {
            Some(UnitKind::Span) => "span",
            Some(UnitKind::Rate) => "rate",
            Some(UnitKind::Number | UnitKind::Ratio) | None => "number",
        },
    });
    Paper {
        title: format!("{} {} {}", picture.verdict.word, subject.plan.title, subject.study.rows[place].label),
        text: text_report(subject, Style { all_rows: true, ..Style::PLAIN }),
        data,
    }
}

/// What the curve and the table need of a row's report.
fn brief(row: &mut Value) -> Value {
    let keys =
        ["label", "margin_ns_min", "stale_reads", "reads", "stale_by_ns_max", "finding", "safety", "theory"];
    keys.into_iter().map(|key| (key.to_owned(), row[key].take())).collect::<serde_json::Map<_, _>>().into()
}
