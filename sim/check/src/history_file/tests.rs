//! Small histories with known verdicts, and everything that can be wrong. Random ones are in `round_trip`. `refusals`:
//! failures that observe something. `readers`: what else a history may look like.

mod readers;
mod refusals;
mod round_trip;
mod verdicts;
mod wrong;

use super::{Format, HistoryFile, Options, ReadError, read};
use crate::{Limits, Outcome, Report, check};

fn options(format: Format) -> Options {
    Options { format: Some(format), ..Options::default() }
}

#[track_caller]
fn history(text: &str, options: &Options) -> HistoryFile {
    read(text.as_bytes(), options).unwrap_or_else(|error| panic!("{error:?} in {text}"))
}

fn checked(file: &HistoryFile) -> Report {
    check(&file.operations, Limits::default())
}

/// Asserts that a history is linearizable or that it is not.
#[track_caller]
fn verdict(text: &str, linearizable: bool) {
    let report = checked(&history(text, &Options::default()));
    let expected = if linearizable { Outcome::Linearizable } else { Outcome::NotLinearizable };
    assert_eq!(report.outcome, expected, "{text}");
}

/// What is wrong with a history.
#[track_caller]
fn problems(text: &[u8], options: &Options) -> Vec<String> {
    match read(text, options) {
        Err(ReadError::Problems(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?} of {}", String::from_utf8_lossy(text)),
    }
}
