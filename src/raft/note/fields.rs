//! A note as names and values: the one form from which logs and traces are written and read back.

use crate::lease::{Ballot, LeaseLengths};
use crate::raft::{Index, LeaseEndCause, Misbehaviour, NodeId, StepDownCause, Term};
use crate::time::{Alarm, Nanos, Reading, Span, Stamp};

/// The value of a field of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A term, an index, a count, or nanoseconds (then the field's name ends in `_ns`).
    Number(u64),
    /// One of a closed set of words.
    Word(&'a str),
    /// A node.
    Node(NodeId),
}

/// Takes a field.
pub(super) type Put<'a> = dyn FnMut(&'static str, Value<'static>) + 'a;

/// Finds a field; `None` where it is not given.
pub(super) type Get<'a, 'v> = dyn Fn(&str) -> Option<Value<'v>> + 'a;

/// A part of a note.
pub(super) trait Part: Sized {
    /// Names and values. Parts that are one value have the name that the table gives them.
    fn tell(&self, name: &'static str, put: &mut Put<'_>);
    /// The part again. `None` where a field is missing or is of another kind.
    fn hear(name: &'static str, get: &Get<'_, '_>) -> Option<Self>;
}

fn number(name: &str, get: &Get<'_, '_>) -> Option<u64> {
    match get(name)? {
        Value::Number(number) => Some(number),
        Value::Word(_) | Value::Node(_) => None,
    }
}

macro_rules! numbers {
    ($($type:ty: |$part:ident| $out:expr, |$number:ident| $in:expr;)+) => {
        $(impl Part for $type {
            fn tell(&self, name: &'static str, put: &mut Put<'_>) {
                let $part = self;
                put(name, Value::Number($out));
            }

            fn hear(name: &'static str, get: &Get<'_, '_>) -> Option<$type> {
                let $number = number(name, get)?;
                $in
            }
        })+
    };
}

numbers! {
    Term: |term| term.0, |number| Some(Term(number));
    Index: |index| index.0, |number| Some(Index(number));
    Span: |span| span.as_nanos(), |number| Some(Span::nanos(number));
    usize: |count| *count as u64, |number| usize::try_from(number).ok();
}

macro_rules! words {
    ($($type:ty),+) => {
        $(impl Part for $type {
            fn tell(&self, name: &'static str, put: &mut Put<'_>) {
                put(name, Value::Word(self.word()));
            }

            fn hear(name: &'static str, get: &Get<'_, '_>) -> Option<$type> {
                match get(name)? {
                    Value::Word(word) => <$type>::from_word(word),
                    Value::Number(_) | Value::Node(_) => None,
                }
            }
        })+
    };
}

words!(Ballot, LeaseEndCause, StepDownCause, Misbehaviour);

impl Part for NodeId {
    fn tell(&self, name: &'static str, put: &mut Put<'_>) {
        put(name, Value::Node(*self));
    }

    fn hear(name: &'static str, get: &Get<'_, '_>) -> Option<NodeId> {
        match get(name)? {
            Value::Node(node) => Some(node),
            Value::Number(_) | Value::Word(_) => None,
        }
    }
}

/// The start of a lease. The wall clock's part is not told: the end has it.
impl Part for Reading {
    fn tell(&self, _: &'static str, put: &mut Put<'_>) {
        put("start_raw_ns", Value::Number(self.stamp.raw().0));
        put("start_boot_ns", Value::Number(self.stamp.boot().0));
    }

    fn hear(_: &'static str, get: &Get<'_, '_>) -> Option<Reading> {
        let stamp = Stamp::new(Nanos(number("start_raw_ns", get)?), Nanos(number("start_boot_ns", get)?));
        Some(Reading { stamp, wall: None })
    }
}

/// The lease runs for so many nanoseconds from the stamp on by either monotonic clock, and in the deadline form no longer
/// than to that time of the wall clock.
impl Part for Alarm {
    fn tell(&self, _: &'static str, put: &mut Put<'_>) {
        let (since, span, deadline) = match *self {
            Alarm::First { since, span } | Alarm::Last { since, span } => (since, span, None),
            Alarm::WallLatest { deadline, since, span } | Alarm::WallEarliest { deadline, since, span } => {
                (since, span, Some(deadline.0))
            }
        };
        put("since_raw_ns", Value::Number(since.raw().0));
        put("since_boot_ns", Value::Number(since.boot().0));
        put("span_ns", Value::Number(span.as_nanos()));
        if let Some(deadline) = deadline {
            put("wall_deadline_ns", Value::Number(deadline));
        }
    }

    fn hear(_: &'static str, get: &Get<'_, '_>) -> Option<Alarm> {
        let since = Stamp::new(Nanos(number("since_raw_ns", get)?), Nanos(number("since_boot_ns", get)?));
        let span = Span::nanos(number("span_ns", get)?);
        Some(match number("wall_deadline_ns", get) {
            None => Alarm::First { since, span },
            Some(deadline) => Alarm::WallLatest { deadline: Nanos(deadline), since, span },
        })
    }
}

impl Part for LeaseLengths {
    fn tell(&self, _: &'static str, put: &mut Put<'_>) {
        put("lease_ns", Value::Number(self.duration.as_nanos()));
        put("election_timeout_ns", Value::Number(self.election_timeout.as_nanos()));
        put("max_clock_skew_ns", Value::Number(self.max_clock_skew.as_nanos()));
    }

    fn hear(_: &'static str, get: &Get<'_, '_>) -> Option<LeaseLengths> {
        let span = |name| number(name, get).map(Span::nanos);
        Some(LeaseLengths {
            duration: span("lease_ns")?,
            election_timeout: span("election_timeout_ns")?,
            max_clock_skew: span("max_clock_skew_ns")?,
        })
    }
}

/// The words of notes and the names of their fields: `"elected" => Elected { term: "term" }`.
macro_rules! table {
    ($($word:literal => $variant:ident { $($part:ident: $name:literal),* $(,)? }),+ $(,)?) => {
        impl Note {
            /// The words of all notes.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word by which logs and traces call it: lower case, with hyphens. Programs read it, so it never changes.
            pub const fn word(&self) -> &'static str {
                match self {
                    $(Note::$variant { .. } => $word,)+
                }
            }

            /// Gives every field: its name and value. Times are nanoseconds. A value that is not set has no field.
            pub fn fields(&self, put: &mut dyn FnMut(&'static str, Value<'static>)) {
                match self {
                    $(Note::$variant { $($part),* } => { $(Part::tell($part, $name, put);)* })+
                }
            }

            /// The note with this word and these fields; `None` where there is no such note, or a field is missing or is of
            /// another kind. The wall clock's reading in a lease's start is not among the fields, and is lost.
            pub fn from_fields<'v>(word: &str, get: &dyn Fn(&str) -> Option<Value<'v>>) -> Option<Note> {
                Some(match word {
                    $($word => Note::$variant { $($part: Part::hear($name, get)?),* },)+
                    _ => return None,
                })
            }
        }
    };
}
pub(super) use table;
