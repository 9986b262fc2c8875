//! Numbers of peer messages that are refused before they can do harm further in.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::maelstrom::CONFIG_MILLIS_MAX;
use crate::time::Span;

/// A term, an index or a round, up to 9223372036854775807: one can always be added to it.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub(super) struct Count(pub(super) u64);

impl TryFrom<u64> for Count {
    type Error = &'static str;
    fn try_from(number: u64) -> Result<Count, &'static str> {
        if number <= i64::MAX.unsigned_abs() {
            Ok(Count(number))
        } else {
            Err("a term, an index or a round above 9223372036854775807")
        }
    }
}

impl From<Count> for u64 {
    fn from(count: Count) -> u64 {
        count.0
    }
}

/// A number of 64 bits as 16 hexadecimal digits, since not every carrier keeps an integer of this size.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub(super) struct Hex(pub(super) u64);

impl TryFrom<Cow<'_, str>> for Hex {
    type Error = &'static str;
    fn try_from(text: Cow<'_, str>) -> Result<Hex, &'static str> {
        let digits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let hash = u64::from_str_radix(&text, 16).ok().filter(|_| digits);
        hash.map(Hex).ok_or("a number that is not 16 hexadecimal digits")
    }
}

impl From<Hex> for String {
    fn from(number: Hex) -> String {
        format!("{:016x}", number.0)
    }
}

/// The length of a promise in nanoseconds, up to a year.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub(super) struct Promise(pub(super) u64);

impl TryFrom<u64> for Promise {
    type Error = &'static str;
    fn try_from(nanos: u64) -> Result<Promise, &'static str> {
        if Span::nanos(nanos) <= Span::millis(CONFIG_MILLIS_MAX) {
            Ok(Promise(nanos))
        } else {
            Err("a promise of more than a year")
        }
    }
}

impl From<Promise> for u64 {
    fn from(promise: Promise) -> u64 {
        promise.0
    }
}
