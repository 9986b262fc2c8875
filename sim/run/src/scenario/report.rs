//! What is wrong with a scenario, shown as rustc shows it: where, what, and what to do about it.

use super::tree::{Place, Source};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt;

/// The most findings that are shown; the rest are counted.
const SHOWN_MAX: usize = 50;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// It can be run, and may not show what its author thinks.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    severity: Severity,
    /// One line, without a full stop.
    message: String,
    place: Option<Place>,
    details: Box<Details>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Details {
    /// Stands at the caret.
    label: String,
    /// Other places that matter.
    context: Vec<(Place, String)>,
    notes: Vec<String>,
    help: Vec<String>,
}

impl Problem {
    pub(super) fn error(place: Option<Place>, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Error, message: message.into(), place, details: Box::default() }
    }

    pub(super) fn warning(place: Option<Place>, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(place, message) }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Problem {
        self.details.label = label.into();
        self
    }

    /// Does nothing without a place.
    pub(super) fn context(mut self, place: Option<Place>, label: impl Into<String>) -> Problem {
        self.details.context.extend(place.map(|place| (place, label.into())));
        self
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Problem {
        self.details.notes.push(note.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Problem {
        self.details.help.push(help.into());
        self
    }

    /// It says the same about the same place, if perhaps with other numbers.
    pub(super) fn same_place(&self, other: &Problem) -> bool {
        self.place == other.place && (self.place.is_some() || self.message == other.message)
    }

    pub(super) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// All findings about one scenario, in the order of the places that they point at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    sources: Vec<Source>,
    problems: Vec<Problem>,
}

/// One finding, for machine-readable output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: &'a str,
    /// What stands at the caret; may be empty.
    pub label: &'a str,
    /// The file, or `--set`; with the line and the column, both from 1. `None` when it is nowhere in particular.
    pub at: Option<(&'a str, usize, usize)>,
    /// What to do about it.
    pub help: &'a [String],
}

impl Diagnostics {
    pub(super) fn new(sources: Vec<Source>, mut problems: Vec<Problem>) -> Diagnostics {
        problems.sort_by_key(|problem| (problem.place.is_none(), problem.place, problem.severity));
        problems.dedup();
        Diagnostics { sources, problems }
    }

    /// Nothing was found.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many findings there are.
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// The findings one by one.
    pub fn findings(&self) -> impl Iterator<Item = Finding<'_>> {
        self.problems.iter().map(|problem| Finding {
            severity: problem.severity,
            message: &problem.message,
            label: &problem.details.label,
            at: problem.place.and_then(|place| {
                let source = self.sources.get(place.source)?;
                let (line, column) = line_and_column(&source.text, place.start);
                Some((source.name.as_str(), line, column))
            }),
            help: &problem.details.help,
        })
    }

    /// All findings with excerpts of the file; with escape codes if the caller asks for colour.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let shown = self.problems.iter().take(SHOWN_MAX);
        let mut text: Vec<String> =
            shown.map(|problem| renderer.render(&[self.group(problem)]).to_string()).collect();
        if self.problems.len() > SHOWN_MAX {
            text.push(format!("... and {} more", self.problems.len() - SHOWN_MAX));
        }
        text.join("\n\n")
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(&problem.message));
        match problem.place.and_then(|place| self.sources.get(place.source).map(|source| (place, source))) {
            Some((place, source)) => {
                let mut snippet = Snippet::source(&source.text).path(&source.name).annotation(
                    AnnotationKind::Primary.span(within(&source.text, place)).label(&problem.details.label),
                );
                for (other, label) in
                    problem.details.context.iter().filter(|(other, _)| other.source == place.source)
                {
                    let span = within(&source.text, *other);
                    snippet = snippet.annotation(AnnotationKind::Context.span(span).label(label));
                }
                group = group.element(snippet);
            }
            None => {
                if let Some(source) = self.sources.first() {
                    group = group.element(Origin::path(&source.name));
                }
            }
        }
        for (other, label) in &problem.details.context {
            let elsewhere = problem.place.is_none_or(|place| place.source != other.source);
            if let (true, Some(source)) = (elsewhere, self.sources.get(other.source)) {
                let span = within(&source.text, *other);
                let annotation = AnnotationKind::Context.span(span).label(label);
                group =
                    group.element(Snippet::source(&source.text).path(&source.name).annotation(annotation));
            }
        }
        let notes = problem.details.notes.iter().map(|note| Level::NOTE.message(note));
        group.elements(notes).elements(problem.details.help.iter().map(|help| Level::HELP.message(help)))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// Line and column of a byte, both from 1; the column counts characters.
pub(super) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..floor(text, byte)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The place as a range that is surely inside of the text and cuts no character. A table's place may be long: it ends
/// with its line.
fn within(text: &str, place: Place) -> std::ops::Range<usize> {
    let start = floor(text, place.start);
    let end = floor(text, place.end).max(start);
    let first_line = text[start..end].find(['\n', '\r']).map_or(end, |at| start + at);
    start..first_line
}

fn floor(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
