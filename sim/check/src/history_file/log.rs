//! The log of an old Jepsen: `INFO  jepsen.util - 0 :invoke :write 3`, among lines about other things.

use std::io::BufRead;

use super::assemble::{Function, Kind};
use super::edn::{Datum, Reader};
use super::jepsen::{Interpreter, Raw, known_function, known_kind};
use super::lines::{Lines, Stop};
use super::problem::ReadError;
use super::{Format, HistoryFile, Options};

/// What stands before an event.
const MARK: &str = "jepsen.util - ";

/// Reads the events of a log. Lines without the mark, or without a process's number after it, are about other things.
pub(super) fn read(input: impl BufRead, options: &Options) -> Result<HistoryFile, ReadError> {
    let mut interpreter = Interpreter::new(options)?;
    let mut lines = Lines::new(input);
    while !interpreter.is_hopeless() {
        let event = match lines.advance() {
            Ok(true) => event(&lines),
            Ok(false) => break,
            Err(stop) => Err(stop),
        };
        match event {
            Ok(None) => {}
            Ok(Some(raw)) => interpreter.push(raw),
            Err(Stop::Io(error)) => return Err(ReadError::Io(error)),
            Err(Stop::Problem(problem)) => interpreter.problem(problem),
        }
    }
    interpreter.finish(Format::Log)
}

/// The event of the current line, if it is one of a client.
fn event<R: BufRead>(lines: &Lines<R>) -> Result<Option<Raw>, Stop> {
    let line = lines.line();
    let Some(start) = line.find(MARK).map(|position| position + MARK.len()) else {
        return Ok(None);
    };
    if !line[start..].starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(None);
    }
    let place = lines.place(start);
    let mut reader = Reader::new(Lines::at(&line.as_bytes()[start..], place));
    let Datum::Number(process) = reader.form()? else {
        return Ok(None);
    };
    let kind = known_kind(Some(reader.named(Kind::named)?), place)?;
    let function = known_function(Some(reader.named(Function::named)?), place)?;
    // How an operation failed may be told in any words.
    let told = matches!(kind, Kind::Invoke | Kind::Ok);
    let value = if told { reader.form()? } else { Datum::Nil };
    Ok(Some(Raw {
        place,
        process,
        kind,
        function,
        value,
        key: None,
        refusal: None,
        swapped: None,
        create_if_missing: None,
        time_ns: None,
    }))
}
