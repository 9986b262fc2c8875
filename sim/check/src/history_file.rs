//! Histories in files: ours (JSON lines), Jepsen's (EDN), and the old Jepsen's logs.
//!
//! A history is a sequence of events. Every client process is busy with at most one operation: it invokes it, and the
//! operation ends `ok` (it happened), `fail` (it did not) or `info` (nobody knows). An operation that is not known to
//! have ended may still happen at any time. [`read()`] turns the events into the operations that the checker wants, and
//! keeps what is needed to name them to the user: lines, processes, keys and values as they are written in the file.
//! docs/reference/histories.md describes the formats.
//!
//! * `lines`, `problem`, `intern`: text with places, what is wrong with it, and numbers instead of it.
//! * `fields`: the names of fields, and what is done with others.
//! * `json_lines` and `edn`, `jepsen`, `log` make events; `assemble` makes operations of them.
//!
//! **Architecture Invariant:** a file is read once, from front to back, so that it may be a pipe. Memory grows with the
//! operations and the different keys and values in it, not with its bytes.

mod assemble;
mod edn;
mod fields;
mod intern;
mod jepsen;
mod json_lines;
mod json_write;
mod lines;
mod log;
mod problem;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use crate::{Key, Operation, Value};
use assemble::Names;

pub use assemble::Refusal;
pub use json_write::{sequential, write_json_lines};
pub use problem::{Place, Problem, ReadError, shown};

/// How a history is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// Jepsen's histories.
    Edn,
    /// What Jepsen logged before it wrote histories.
    Log,
}

/// What the user says about a history.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How it is written; `None`: as its first line that is not blank looks.
    pub format: Option<Format>,
    /// Whether every value is a pair of a key and a value for that key. If not, the history itself tells.
    pub independent: bool,
    /// What every key has at the beginning, as the format writes it, if that is not nil.
    pub initial: Option<String>,
    /// Whether a failed operation is left out even if its error says something about the value. If not, "the key does not
    /// exist" is an observation that the key was absent, and "the precondition failed" one that a compare-and-swap found
    /// another value than it expected.
    pub ignore_refusals: bool,
}

/// A history that was read.
#[derive(Debug)]
pub struct HistoryFile {
    /// How it was written.
    pub format: Format,
    /// The operations to check, in the order of their invocations.
    pub operations: Vec<Operation>,
    /// Where each of them was in the file.
    pub origins: Vec<Origin>,
    /// How many operations are left out because they failed: they did not happen.
    pub failed: usize,
    /// How many operations failed with an error that says something about the value, and are checked as observations.
    pub refused: usize,
    /// The names of fields that were ignored: the first 16 different ones, sorted.
    pub ignored_fields: Vec<String>,
    /// Whether the operations have keys. If not, they are all on one register.
    pub keyed: bool,
    /// The first line whose time is before that of an earlier line, if the order of the lines decides.
    pub time_backwards_line: Option<u64>,
    names: Names,
}

/// Where an operation was in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The line of its invocation.
    pub invoked_line: u64,
    /// The line that says how it ended.
    pub completed_line: Option<u64>,
    /// What it observed, if it failed and is checked as an observation.
    pub refusal: Option<Refusal>,
    /// The time of its invocation, if the file says.
    pub invoked_ns: Option<u64>,
    /// The time at which it ended, if the file says.
    pub completed_ns: Option<u64>,
}

impl HistoryFile {
    /// A process as the file names it.
    pub fn process(&self, client: u32) -> &str {
        self.names.process(client)
    }

    /// A key as the file writes it; `None` if the operations have no keys.
    pub fn key(&self, key: Key) -> Option<&str> {
        self.names.key(key)
    }

    /// A value as the file writes it.
    pub fn value(&self, value: Value) -> &str {
        self.names.value(value)
    }
}

/// Reads a history to its end.
///
/// # Errors
///
/// The input failed, or it is not a history of the format; then the first few things that are wrong are told.
pub fn read(mut input: impl BufRead, options: &Options) -> Result<HistoryFile, ReadError> {
    let (format, skipped) = match options.format {
        Some(format) => (format, Vec::new()),
        None => detect(&mut input).map_err(ReadError::Io)?,
    };
    let input = std::io::Read::chain(&skipped[..], input);
    match format {
        Format::JsonLines => json_lines::read(input, options),
        Format::Edn => jepsen::read(input, options),
        Format::Log => log::read(input, options),
    }
}

/// How the first line that says something looks, and what had to be read to see it.
fn detect(input: &mut impl BufRead) -> std::io::Result<(Format, Vec<u8>)> {
    let mut read = Vec::new();
    let mut line_start = 0;
    while input.read_until(b'\n', &mut read)? > 0 {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let mut said = read[line_start..].iter().filter(|byte| !blank(byte));
        match (said.next(), said.next()) {
            (None, _) => line_start = read.len(),
            (Some(b'{'), Some(b'"')) => return Ok((Format::JsonLines, read)),
            (Some(b'{' | b'[' | b'(' | b'#' | b';'), _) => return Ok((Format::Edn, read)),
            _ => break,
        }
    }
    // A line that is none of these is an error in ours, or the head of a log.
    let log = read[line_start..].first().is_some_and(u8::is_ascii_alphabetic);
    Ok((if log { Format::Log } else { Format::JsonLines }, read))
}
