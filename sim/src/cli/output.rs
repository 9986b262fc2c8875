//! How a result is printed: one argument and one trait for every command that reports.
//!
//! A new format is a variant of [`Format`] and an arm in [`Output::render`]. What a report says as JSON is enough to
//! write most formats; people get a text that each report writes itself.

use clap::{Args, ValueEnum};
use leasehold_run::report::Style;
use serde_json::Value;

use super::args::Color;
use super::errors::Failure;
use super::print;

#[derive(Debug, Clone, Args)]
pub(super) struct Output {
    /// How to report, on standard output.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,
    /// Report nothing on standard output; failures still go to standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
    /// One JSON object for each part (a row, a column, a cause), then one for the whole.
    Jsonl,
}

/// The result of a command.
pub(super) trait Report {
    /// The key of the array in [`Report::json`] whose items are its parts.
    const PARTS: Option<&'static str> = None;

    /// For people.
    fn human(&self, style: Style) -> String;

    /// For programs: an object with its `schema`.
    fn json(&self) -> Value;
}

impl Output {
    /// Prints a report on standard output.
    pub(super) fn print<R: Report>(&self, report: &R, color: Color) -> Result<(), Failure> {
        if !self.quiet {
            print(&self.render(report, color))?;
        }
        Ok(())
    }

    fn render<R: Report>(&self, report: &R, color: Color) -> String {
        match if self.json { Format::Json } else { self.format } {
            Format::Human => report.human(Style { color: color.wanted(&std::io::stdout()) }),
            Format::Json => format!("{:#}\n", report.json()),
            Format::Jsonl => {
                let mut whole = report.json();
                let parts = R::PARTS.and_then(|key| whole.as_object_mut()?.remove(key));
                let parts = parts.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                parts.iter().chain([&whole]).map(|line| format!("{line}\n")).collect()
            }
        }
    }
}
