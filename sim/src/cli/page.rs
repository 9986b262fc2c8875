//! Self-contained pages: `--html FILE`.
//!
//! A page holds its data as JSON, and the viewer of `sim/page` (built by Vite, kept in `sim/page/dist`, checked by
//! `.ci/page`). It loads nothing: its content security policy forbids it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_run::picture::{Bounds, Picture, draw, inevitable};
use leasehold_run::report::{Style, Subject, headline, json_report, text_report};
use leasehold_run::scenario::UnitKind;
use serde_json::{Value, json};

use super::errors::Failure;

const SCRIPT: &str = include_str!("../../page/dist/page.js");
const STYLE: &str = include_str!("../../page/dist/page.css");

/// A page that is to be written.
pub(super) struct Page {
    path: PathBuf,
    /// The file was not there before.
    is_new: bool,
}

impl Page {
    /// Before anything is run: a file that cannot be written is known before the user has waited. What is in it stays until
    /// the page is whole.
    pub(super) fn create(path: &Path, scenario: &Path) -> Result<Page, Failure> {
        let same = fs::canonicalize(path).ok();
        if same.is_some() && same == fs::canonicalize(scenario).ok() {
            return Err(Failure::usage(format!(
                "error: the page would overwrite the scenario {}\n  name another file after --html",
                scenario.display()
            )));
        }
        let page = Page { path: path.to_owned(), is_new: !path.exists() };
        let opened = fs::OpenOptions::new().append(true).create(true).open(path);
        opened.map(|_| page).map_err(|error| failed(path, &error))
    }

    /// There is nothing to write: takes away what [`Page::create`] made.
    pub(super) fn give_up(self) {
        if self.is_new {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Writes the page of a study: the row with the told stale read, or the one that came closest to one.
    pub(super) fn write(&self, subject: &Subject<'_>, marks_max: usize) -> Result<(), Failure> {
        let rows = &subject.study.rows;
        let closest = (0..rows.len()).min_by_key(|place| (rows[*place].margin.unwrap_or(i64::MAX), *place));
        let Some(place) = subject.explanation.map(|(place, _)| *place).or(closest) else { return Ok(()) };
        let setup = Arc::new(subject.plan.rows[place].scenario.setup.clone());
        let mut picture = draw(&setup, Bounds { marks_max });
        picture.inevitable = inevitable::point_of_no_return(&setup, &picture);
        let text = page(subject, place, &picture);
        replace(&self.path, &text).map_err(|error| failed(&self.path, &error))
    }
}

/// Writes a regular file as a whole or not at all, behind the links that lead to it. A pipe or a device is written as it is.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = fs::canonicalize(path)?;
    if !fs::metadata(&path)?.is_file() {
        return fs::write(&path, text);
    }
    let mut part = path.clone().into_os_string();
    part.push(".part");
    fs::write(&part, text)?;
    fs::rename(&part, &path)
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::io(&format!("cannot write the page to {}", path.display()), error)
}

/// The page as text: a function of its arguments alone.
fn page(subject: &Subject<'_>, place: usize, picture: &Picture) -> String {
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
    let title = escaped(&format!(
        "{} {} {}",
        picture.verdict.word, subject.plan.title, subject.study.rows[place].label
    ));
    let text = escaped(&text_report(subject, Style { all_rows: true, ..Style::PLAIN }));
    // No `<` in the data: nothing in it can end the element that holds it.
    let data = data.to_string().replace('<', "\\u003c");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src data:\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main id=\"page\">\n\
         <noscript><pre>{text}</pre></noscript>\n</main>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// What the curve and the table need of a row's report.
fn brief(row: &mut Value) -> Value {
    let keys =
        ["label", "margin_ns_min", "stale_reads", "reads", "stale_by_ns_max", "finding", "safety", "theory"];
    keys.into_iter().map(|key| (key.to_owned(), row[key].take())).collect::<serde_json::Map<_, _>>().into()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
