//! How a result is printed: one argument and one trait for every command that reports.
//!
//! A new format is a variant of [`Format`] and an arm in [`Output::render`]. What a report says as JSON is enough to
//! write most formats; people get a text that each report writes itself.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use anstream::stream::RawStream;
use clap::{Args, ValueEnum};
use leasehold_run::report::{Style, Subject, finding};
use leasehold_run::sheet::{Block, Part, Sheet, Table, Tone};
use leasehold_run::study::{RowResult, expectation};
use serde_json::Value;

use super::args::Color;
use super::errors::Failure;
use super::page::{Page, Paper};
use super::{guests, print};

#[derive(Debug, Clone, Args)]
pub(super) struct Output {
    /// How to report, on standard output.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,
    /// Show every row of a sweep, not only those around its boundary.
    #[arg(long)]
    all_rows: bool,
    /// Report nothing on standard output; failures still go to standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) page: Page,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
    /// One JSON object for each part (a row, a column, a cause), then one for the whole.
    Jsonl,
    /// JUnit's XML, one test case for each part, for continuous integration.
    Junit,
    /// Markdown: the test cases as a table, and the report for people below it.
    Md,
}

/// The result of a command.
pub(super) trait Report {
    /// The key of the array in [`Report::json`] whose items are its parts.
    const PARTS: Option<&'static str> = None;

    /// For people.
    fn human(&self, style: Style) -> String;

    /// For programs: an object with its `schema`.
    fn json(&self) -> Value;

    /// What passed and what failed, for formats that know only these two. A report that judges nothing has passed.
    fn cases(&self) -> Vec<Case> {
        vec![Case { name: "report".to_owned(), failure: None }]
    }

    /// What its page shows. Default: what passed and what failed, and the report for people.
    fn sheet(&self) -> Sheet {
        sheet_of_cases(&self.cases(), &self.human(Style::PLAIN))
    }

    /// Its page, unless there is nothing to draw. A report whose viewer is not that of sheets says so here.
    fn paper(&self) -> Option<Paper> {
        Some(Paper::of(&self.sheet(), self.human(Style::PLAIN)))
    }
}

/// One thing that passed or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    /// The row's label or the like.
    pub(super) name: String,
    /// Why it failed, in a sentence.
    pub(super) failure: Option<String>,
}

/// The rows of a study.
pub(super) fn rows_as_cases(subject: &Subject<'_>) -> Vec<Case> {
    let case = |row: &RowResult| {
        let name = if row.label.is_empty() { subject.plan.title.clone() } else { row.label.clone() };
        let failure = (!row.as_expected()).then(|| {
            let found = format!("{}; expected {}", finding(row), expectation(subject.plan));
            std::iter::once(found).chain(row.missed.iter().cloned()).collect::<Vec<_>>().join("; ")
        });
        Case { name, failure: row.our_bug().map(|bug| format!("a bug of ours: {bug}")).or(failure) }
    };
    subject.study.rows.iter().map(case).collect()
}

/// How a report looks on a stream: on a terminal as wide as that is, elsewhere always the same.
pub(super) fn style(stream: &(impl RawStream + AsFd), color: Color) -> Style {
    let columns = terminal_size::terminal_size_of(stream).map(|(columns, _)| usize::from(columns.0));
    let width = columns.map_or(Style::PLAIN.width, |columns| columns.clamp(60, 200));
    Style { color: color.wanted(stream), width, ..Style::PLAIN }
}

/// Does a terminal's locale lack UTF-8? A file or a pipe gets the same bytes everywhere.
fn ascii(stream: &impl IsTerminal) -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    stream.is_terminal() && !(locale.contains("utf-8") || locale.contains("utf8"))
}

/// Every sign has a word beside it, so that a plain sign loses nothing.
fn in_ascii(text: &str) -> String {
    let sign = |sign: char| match sign {
        '✓' => '+',
        '✗' => 'x',
        // The lanes of a drawing.
        '═' => '=',
        '─' => '-',
        '·' => '.',
        '●' => 'o',
        sign if sign.is_ascii() => sign,
        _ => '?',
    };
    text.chars().map(sign).collect()
}

impl Output {
    /// Is one JSON object asked for?
    pub(super) fn wants_json(&self) -> bool {
        self.json || matches!(self.format, Format::Json | Format::Jsonl)
    }

    /// Prints a report on standard output, and writes its page if one is wanted.
    pub(super) fn print<R: Report>(&self, report: &R, color: Color) -> Result<(), Failure> {
        if !self.quiet {
            print(&self.render(report, color))?;
        }
        self.page.write(|| {
            let paper = report.paper();
            // A page plays runs again; what a guest that failed shows is nothing.
            guests::failed().map(|()| paper)
        })
    }

    fn render<R: Report>(&self, report: &R, color: Color) -> String {
        match if self.json { Format::Json } else { self.format } {
            Format::Human => {
                let style = Style { all_rows: self.all_rows, ..style(&std::io::stdout(), color) };
                let text = report.human(style);
                if ascii(&std::io::stdout()) { in_ascii(&text) } else { text }
            }
            Format::Json => format!("{:#}\n", report.json()),
            Format::Jsonl => {
                let mut whole = report.json();
                let parts = R::PARTS.and_then(|key| whole.as_object_mut()?.remove(key));
                let parts = parts.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                parts.iter().chain([&whole]).map(|line| format!("{line}\n")).collect()
            }
            Format::Junit => junit(&report.cases()),
            Format::Md => markdown(&report.cases(), &report.human(Style::PLAIN)),
        }
    }
}

/// The page of a report that says no more than what passed and what failed.
fn sheet_of_cases(cases: &[Case], human: &str) -> Sheet {
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    let (tone, word) = if failed == 0 { (Tone::Good, "Passed") } else { (Tone::Bad, "Failed") };
    let result = |case: &Case| case.failure.clone().map_or("✓ passed".to_owned(), |why| format!("✗ {why}"));
    let rows = cases.iter().map(|case| vec![case.name.clone(), result(case)]).collect();
    let columns = vec!["what".to_owned(), "result".to_owned()];
    Sheet {
        asked: command_to_repeat(),
        tone,
        word: format!("{word}."),
        sentence: format!("{} of {} as they should be.", cases.len() - failed, cases.len()),
        parts: vec![
            Part::new("Results", vec![Block::Table(Table { name: "results".to_owned(), columns, rows })]),
            Part::new("The report", vec![Block::Code { name: "report".to_owned(), text: human.to_owned() }]),
        ],
        foot: format!("sim {}", env!("CARGO_PKG_VERSION")),
        ..Sheet::default()
    }
}

/// The command without its path, as the name of what was tested.
fn command() -> String {
    let words = std::env::args_os().skip(1).map(|word| super::errors::quoted(&word.to_string_lossy()));
    std::iter::once("sim".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The command without its path, without the page, and aloud: what is on a page does not depend on where it lies, and who
/// repeats it wants to see something.
pub(super) fn command_to_repeat() -> String {
    let mut words = vec!["sim".to_owned()];
    let mut all = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = all.next() {
        match word.as_str() {
            "--html" => drop(all.next()),
            "-q" | "--quiet" => {}
            word if word.starts_with("--html=") => {}
            word => words.push(super::errors::quoted(word)),
        }
    }
    words.join(" ")
}

fn junit(cases: &[Case]) -> String {
    let mut suite = quick_junit::TestSuite::new(command());
    for case in cases {
        let status = match &case.failure {
            None => quick_junit::TestCaseStatus::success(),
            Some(why) => {
                let mut failed =
                    quick_junit::TestCaseStatus::non_success(quick_junit::NonSuccessKind::Failure);
                failed.set_message(why.as_str());
                failed
            }
        };
        suite.add_test_case(quick_junit::TestCase::new(case.name.as_str(), status));
    }
    let mut report = quick_junit::Report::new("sim");
    report.add_test_suite(suite);
    let text = report.to_string().expect("what is written in memory is written");
    text.trim_end().to_owned() + "\n"
}

fn markdown(cases: &[Case], human: &str) -> String {
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    let verdict = match failed {
        0 => format!("**passed**: {} of {}", cases.len(), cases.len()),
        failed => format!("**FAILED**: {failed} of {}", cases.len()),
    };
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let mut text = format!("### `{}`\n\n{verdict}\n\n| | result |\n|---|---|\n", command());
    for case in cases {
        let result =
            case.failure.as_deref().map_or("passed".to_owned(), |why| format!("**failed**: {}", cell(why)));
        text.push_str(&format!("| {} | {result} |\n", cell(&case.name)));
    }
    text.push_str(&format!(
        "\n<details><summary>report</summary>\n\n```\n{}\n```\n\n</details>\n",
        human.trim_end()
    ));
    text
}
