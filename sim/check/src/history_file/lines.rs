//! Lines of text with their numbers, from anything that can be read.

use std::io::{self, BufRead};

use super::problem::{Place, Problem};

/// Why reading stopped before the end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The input failed.
    Io(io::Error),
    /// The input is not what it should be, and what follows cannot be made out.
    Problem(Problem),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Io(error)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Stop {
        Stop::Problem(problem)
    }
}

/// One line at a time; only the current one is in memory.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    line: String,
    /// The number of `line`, from 1.
    number: u64,
    /// The place before which nothing was read.
    start: Place,
}

impl<R: BufRead> Lines<R> {
    /// All lines of the input.
    pub(super) fn new(input: R) -> Lines<R> {
        Lines::at(input, Place { line: 1, column: 1 })
    }

    /// Lines that stand at some place of a larger text.
    pub(super) fn at(input: R, start: Place) -> Lines<R> {
        Lines { input, line: String::new(), number: start.line - 1, start }
    }

    /// Goes to the next line. False at the end of the input.
    pub(super) fn advance(&mut self) -> Result<bool, Stop> {
        let mut bytes = std::mem::take(&mut self.line).into_bytes();
        bytes.clear();
        let length = self.input.read_until(b'\n', &mut bytes)?;
        self.number += 1;
        match String::from_utf8(bytes) {
            Ok(line) => self.line = line,
            Err(error) => {
                let place = self.place(error.utf8_error().valid_up_to());
                return Err(Problem::new(place, "not UTF-8", "text in UTF-8").into());
            }
        }
        Ok(length > 0)
    }

    /// The current line, with the line break that ends it.
    pub(super) fn line(&self) -> &str {
        &self.line
    }

    /// The place of a byte of the current line.
    pub(super) fn place(&self, position: usize) -> Place {
        let first = if self.number == self.start.line { self.start.column } else { 1 };
        Place { line: self.number, column: first + position as u64 }
    }
}
