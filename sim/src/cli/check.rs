//! `sim check`.

use std::fs::File;
use std::io::BufReader;

use crate::report::{HistorySubject, history_exit_code, history_json, history_sheet, history_text};
use leasehold_check::Limits;
use leasehold_check::history_file::{self, Format, HistoryFile, Options, ReadError};
use leasehold_run::report::Style;
use leasehold_run::scenario::units;
use leasehold_run::sheet::Sheet;

use super::args::{CheckArguments, HistoryFormat, NilRead};
use super::errors::{Failure, quoted};
use super::output::{Case, Report};
use super::run::now;

/// How much is read at once, in bytes.
const BUFFER_BYTES: usize = 1 << 18;

/// Checks a history and reports.
pub(super) fn check(asked: &CheckArguments) -> Result<u8, Failure> {
    let time_limit = match &asked.time_limit {
        None => None,
        Some(text) => {
            let limit = units::span(text)
                .map_err(|error| Failure::usage(format!("error: --time-limit {}: {error}", quoted(text))))?;
            Some(std::time::Duration::from_nanos(limit.as_nanos()))
        }
    };
    let standard_input = asked.history.as_os_str() == "-";
    let name = if standard_input { "stdin".to_owned() } else { asked.history.display().to_string() };
    let file = read(asked, &name, standard_input)?;
    if file.operations.is_empty() {
        let format = match file.format {
            Format::JsonLines => "JSON lines",
            Format::Edn => "EDN",
            Format::Log => "a log of Jepsen's",
        };
        let failed = if file.failed == 0 { "" } else { " but those that failed" };
        return Err(Failure::nothing(format!("error: {name}: no operation{failed}, read as {format}")));
    }
    let limits = Limits { states_max: asked.states_max, bytes_max: asked.memory_max.saturating_mul(1 << 20) };
    let began = now();
    let mut is_over = || time_limit.is_some_and(|limit| now().duration_since(began) >= limit);
    let report = leasehold_check::check_until(&file.operations, limits, &mut is_over);
    let subject = HistorySubject { name: &name, file: &file, report: &report };
    asked.output.print(&subject, asked.color)?;
    Ok(history_exit_code(report.outcome))
}

impl Report for HistorySubject<'_> {
    const PARTS: Option<&'static str> = Some("violations");

    fn human(&self, style: Style) -> String {
        history_text(self, style)
    }

    fn json(&self) -> serde_json::Value {
        history_json(self)
    }

    fn sheet(&self) -> Sheet {
        history_sheet(self)
    }

    fn cases(&self) -> Vec<Case> {
        let failure = match history_exit_code(self.report.outcome) {
            0 => None,
            _ => Some(self.json()["verdict"].as_str().unwrap_or("not linearizable").to_owned()),
        };
        vec![Case { name: self.name.to_owned(), failure }]
    }
}

fn read(asked: &CheckArguments, name: &str, standard_input: bool) -> Result<HistoryFile, Failure> {
    let options = Options {
        format: match asked.history_format {
            HistoryFormat::Auto => None,
            HistoryFormat::Jsonl => Some(Format::JsonLines),
            HistoryFormat::Edn => Some(Format::Edn),
            HistoryFormat::Log => Some(Format::Log),
        },
        independent: asked.independent,
        initial: asked.initial.clone(),
        ignore_refusals: asked.ignore_refusals,
        nil_reads_say_nothing: asked.nil_read == NilRead::Anything,
    };
    let read = if standard_input {
        history_file::read(BufReader::with_capacity(BUFFER_BYTES, std::io::stdin()), &options)
    } else {
        let file = File::open(&asked.history).map_err(|error| Failure::io(name, &error))?;
        history_file::read(BufReader::with_capacity(BUFFER_BYTES, file), &options)
    };
    read.map_err(|error| match error {
        ReadError::Io(error) => Failure::io(name, &error),
        ReadError::Initial(why) => Failure::usage(format!("error: --initial: {why}")),
        ReadError::Problems(problems) => {
            let lines: Vec<String> =
                problems.iter().map(|problem| format!("error: {name}:{problem}")).collect();
            Failure::usage(lines.join("\n"))
        }
    })
}
