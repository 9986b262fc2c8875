//! Jepsen's logs. All have a line for each event, with process, type, function, value and perhaps an error:
//!
//! * its first ones, among lines about other things: `INFO  jepsen.util - 0 :invoke :write 3`,
//! * jepsen.log: `2024-05-01 10:00:00,000{GMT} INFO [jepsen worker 0] jepsen.util: 0 :invoke :write 3`,
//! * history.txt: `0 :invoke :write 3`.

use std::io::BufRead;

use super::assemble::Kind;
use super::edn::{Datum, Reader};
use super::fields::refusal_named;
use super::jepsen::{Interpreter, Raw, error_name, known_function, known_kind};
use super::lines::{Lines, Stop};
use super::problem::{Place, Problem, ReadError};
use super::words::Word;
use super::{Format, HistoryFile, Options, READABLE};

/// What stands before an event, but in history.txt.
const MARKS: [&str; 2] = ["jepsen.util - ", "jepsen.util: "];

/// Reads the events of a log. Lines without an event of a client are about other things. If the user did not say that it
/// is a log, something in it must.
pub(super) fn read(input: impl BufRead, options: &Options) -> Result<HistoryFile, ReadError> {
    let mut interpreter = Interpreter::new(options)?;
    let mut lines = Lines::new(input);
    let mut is_log = options.format == Some(Format::Log);
    while !interpreter.is_hopeless() {
        let event = match lines.advance() {
            Ok(true) => event(&lines),
            Ok(false) => break,
            Err(stop) => Err(stop),
        };
        is_log = is_log || !matches!(event, Ok(None)) || lines.line().contains("jepsen");
        match event {
            Ok(None) => {}
            Ok(Some(raw)) => interpreter.push(raw),
            Err(Stop::Io(error)) => return Err(ReadError::Io(error)),
            Err(Stop::Problem(problem)) => interpreter.problem(problem),
        }
    }
    if !is_log {
        interpreter.problem(Problem::new(Place { line: 1, column: 1 }, "no event on any line", READABLE));
    }
    interpreter.finish(Format::Log)
}

/// Where an event begins in a line, if it has one of a client.
fn start_of_event(line: &str) -> Option<usize> {
    let marked = MARKS.iter().find_map(|mark| line.find(mark).map(|position| position + mark.len()));
    let start = marked.unwrap_or(0);
    let after = line[start..].trim_start_matches(|c: char| c.is_ascii_digit());
    let is_process = after.len() < line.len() - start;
    // A date is no process.
    let is_event = after.starts_with([' ', '\t']) && after.trim_start().starts_with(':');
    (is_process && (marked.is_some() || is_event)).then_some(start)
}

/// The event of the current line, if it is one of a client.
fn event<R: BufRead>(lines: &Lines<R>) -> Result<Option<Raw>, Stop> {
    let line = lines.line();
    let Some(start) = start_of_event(line) else { return Ok(None) };
    let place = lines.place(start);
    let mut reader = Reader::new(Lines::at(&line.as_bytes()[start..], place));
    let Datum::Number(process) = reader.form()? else {
        return Ok(None);
    };
    let kind = known_kind(Some(reader.named(Kind::named)?), place)?;
    let word = known_function(Some(reader.named(Word::named)?), place)?;
    let mut key = None;
    let (function, value, refusal) = match kind {
        Kind::Invoke | Kind::Ok => {
            let (function, value) = word.meaning(reader.form()?, &mut key, place)?;
            (function, value, None)
        }
        // How an operation failed may be told in any words, after its value or instead.
        Kind::Fail | Kind::Info => {
            let mut told: Vec<Datum> = Vec::new();
            while let Ok(datum) = reader.form() {
                told.push(datum);
            }
            let refusal = told.iter().find_map(|datum| refusal_named(kind, error_name(datum)?));
            let first = told.into_iter().next().unwrap_or(Datum::Nil);
            let (function, _) = word.meaning(first, &mut key, place)?;
            (function, Datum::Nil, refusal)
        }
    };
    Ok(Some(Raw {
        place,
        process,
        kind,
        function,
        value,
        key,
        refusal,
        swapped: None,
        create_if_missing: None,
        time_ns: None,
    }))
}
