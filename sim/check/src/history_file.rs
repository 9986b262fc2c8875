//! Histories in files: ours (JSON lines), Jepsen's (EDN), and Jepsen's logs.
//!
//! A history is a sequence of events. Every client process is busy with at most one operation: it invokes it, and the
//! operation ends `ok` (it happened), `fail` (it did not) or `info` (nobody knows). An operation that is not known to
//! have ended may still happen at any time. [`read()`] turns the events into the operations that the checker wants, and
//! keeps what is needed to name them to the user: lines, processes, keys and values as they are written in the file.
//! docs/reference/histories.md describes the formats.
//!
//! * `lines`, `problem`, `intern`: text with places, what is wrong with it, and numbers instead of it.
//! * `fields`: the names of fields, and what is done with others.
//! * `json_lines` and `edn`, `words`, `jepsen`, `log` make events; `assemble` makes operations of them.
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
mod words;

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

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
    /// What Jepsen logged before it wrote histories, and its history.txt and jepsen.log.
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
    /// Whether a read of nil (`null`) may have found anything. If not, it found no value.
    pub nil_reads_say_nothing: bool,
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
    /// How many reads of nil are left out because they say nothing.
    pub nil_reads: usize,
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

/// Reads a history to its end. It may be compressed with gzip, and may begin with a byte order mark.
///
/// # Errors
///
/// The input failed, or it is not a history of the format; then the first few things that are wrong are told.
pub fn read(mut input: impl BufRead, options: &Options) -> Result<HistoryFile, ReadError> {
    let head = take_head(&mut input, GZIP.len()).map_err(ReadError::Io)?;
    let is_compressed = head == GZIP;
    let input = Read::chain(&head[..], input);
    if !is_compressed {
        return read_text(input, options);
    }
    let unpacked = BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(input));
    read_text(unpacked, options).map_err(|error| match error {
        ReadError::Io(error) if is_damage(&error) => {
            let what = format!("a gzip file that cannot be unpacked ({error})");
            let place = Place { line: 1, column: 1 };
            ReadError::Problems(vec![Problem::new(place, what, "a whole gzip file, or none")])
        }
        other => other,
    })
}

const GZIP: [u8; 2] = [0x1F, 0x8B];
const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
/// How much is unpacked at once.
const BUFFER_BYTES: usize = 1 << 16;

fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

/// The first bytes, fewer if the input ends before.
fn take_head(input: &mut impl Read, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(bytes as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn read_text(mut input: impl BufRead, options: &Options) -> Result<HistoryFile, ReadError> {
    let mut head = take_head(&mut input, BYTE_ORDER_MARK.len()).map_err(ReadError::Io)?;
    if head == BYTE_ORDER_MARK {
        head.clear();
    }
    let mut input = Read::chain(&head[..], input);
    let (format, skipped) = match options.format {
        Some(format) => (format, Vec::new()),
        None => detect(&mut input)?,
    };
    let input = Read::chain(&skipped[..], input);
    match format {
        Format::JsonLines => json_lines::read(input, options),
        Format::Edn => jepsen::read(input, options),
        Format::Log => log::read(input, options),
    }
}

/// What can be read, for those who have something else.
const READABLE: &str =
    "JSON lines, EDN, or Jepsen's history.txt or jepsen.log, as `sim help history` describes them";

/// How the first line that says something looks, and what had to be read to see it.
fn detect(input: &mut impl BufRead) -> Result<(Format, Vec<u8>), ReadError> {
    let mut read = Vec::new();
    let (mut line_start, mut line) = (0, 1);
    while input.read_until(b'\n', &mut read).map_err(ReadError::Io)? > 0 {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let mut said = read[line_start..].iter().filter(|byte| !blank(byte));
        match (said.next(), said.next()) {
            (None, _) => {
                line_start = read.len();
                line += 1;
            }
            (Some(b'{'), Some(b'"')) => return Ok((Format::JsonLines, read)),
            (Some(b'{' | b'[' | b'(' | b'#' | b';'), _) => return Ok((Format::Edn, read)),
            _ => break,
        }
    }
    let first = &read[line_start..];
    if looks_like_a_table(first) {
        let problem =
            Problem::new(Place { line, column: 1 }, "a table of values with commas or semicolons", READABLE);
        return Err(ReadError::Problems(vec![problem]));
    }
    // A line that is none of these is an error in ours, or the head of a log.
    let log = first.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b':');
    Ok((if log { Format::Log } else { Format::JsonLines }, read))
}

/// Whether a line is a row of CSV: several fields between commas or semicolons, and nothing of a log.
fn looks_like_a_table(line: &[u8]) -> bool {
    let count = |byte: u8| line.iter().filter(|&&other| other == byte).count();
    let is_log = line.contains(&b'\t') || line.windows(6).any(|word| word.eq_ignore_ascii_case(b"jepsen"));
    !is_log && (count(b',') >= 2 || count(b';') >= 2) && !line.contains(&b'{')
}
