//! What can be wrong with a history, and where.

use std::fmt;
use std::io;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: u64,
    /// In bytes, from 1.
    pub column: u64,
}

/// One thing that is wrong with a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What should be there instead.
    pub expected: String,
}

impl Problem {
    /// What is wrong, and what should be there.
    pub(super) fn new(place: Place, what: impl Into<String>, expected: impl Into<String>) -> Problem {
        Problem { place, what: what.into(), expected: expected.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; expected {}", self.place.line, self.place.column, self.what, self.expected)
    }
}

/// Why there is no history to check.
#[derive(Debug)]
pub enum ReadError {
    /// The input failed.
    Io(io::Error),
    /// The input is not a history: the first few things that are wrong, in the order of their places.
    Problems(Vec<Problem>),
    /// The initial value that was asked for is not a value of the format. Why.
    Initial(String),
}

/// How many problems are told before the reader gives up.
pub(super) const PROBLEMS_MAX: usize = 5;

/// A foreign text as it may be shown on a terminal: cut to 60 characters, none of which controls anything.
pub fn shown(text: &str) -> String {
    shown_up_to(text, 60)
}

/// The same, of another length.
pub(super) fn shown_up_to(text: &str, characters_max: usize) -> String {
    let mut shown = String::new();
    for (place, character) in text.chars().enumerate() {
        if place == characters_max {
            shown.push_str("...");
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}
