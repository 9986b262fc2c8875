//! One event of a history: what a reader makes of a line, and what an answer says of what was asked.

use super::problem::Place;
use crate::{Action, Key, Value};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A process asks.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen.
    Fail,
    /// Nobody knows whether it happened, or ever will.
    Info,
}

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Read,
    Write,
    Cas,
}

impl Function {
    /// By the word for it.
    pub(super) fn named(name: &str) -> Option<Function> {
        match name {
            "read" | "get" => Some(Function::Read),
            "write" | "put" => Some(Function::Write),
            "cas" => Some(Function::Cas),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Function::Read => "read",
            Function::Write => "write",
            Function::Cas => "cas",
        }
    }
}

/// What a definite refusal says about the value, and so observes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The key did not exist.
    Absent,
    /// The value was another one than a compare-and-swap expected.
    Mismatch,
}

/// The values that an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    One(Value),
    /// What a compare-and-swap expects and writes.
    Two(Value, Value),
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) place: Place,
    pub(super) process: u32,
    pub(super) kind: Kind,
    pub(super) function: Function,
    /// `None` if the event does not say.
    pub(super) key: Option<Key>,
    pub(super) told: Told,
    pub(super) time_ns: Option<u64>,
    /// What a failed operation says about the value.
    pub(super) refusal: Option<Refusal>,
    /// Of a compare-and-swap that is ok: whether the value was replaced. `None`: it was.
    pub(super) swapped: Option<bool>,
    /// Of the invocation of a compare-and-swap: whether a missing key is created. `None`: it is not.
    pub(super) create_if_missing: Option<bool>,
}

impl Kind {
    /// By the word for it.
    pub(super) fn named(name: &str) -> Option<Kind> {
        match name {
            "invoke" => Some(Kind::Invoke),
            "ok" => Some(Kind::Ok),
            "fail" => Some(Kind::Fail),
            "info" => Some(Kind::Info),
            _ => None,
        }
    }
}

/// What a refused operation observed, as the operation that observes it. `None` if the refusal says nothing about the
/// value. An error: what is wrong, and what was expected.
pub(super) fn refused(
    asked: Action,
    refusal: Refusal,
    absent: Value,
) -> Result<Option<Action>, (&'static str, &'static str)> {
    match (refusal, asked) {
        (Refusal::Absent, Action::Cas { create_if_missing: true, .. }) => {
            Err(("a cas that failed because the key does not exist", "a cas that creates it"))
        }
        (Refusal::Absent, _) => Ok(Some(Action::Read { returned: absent })),
        (Refusal::Mismatch, Action::Cas { from, to, create_if_missing, .. }) => {
            Ok(Some(Action::Cas { from, to, create_if_missing, swapped: false }))
        }
        (Refusal::Mismatch, Action::Read { .. } | Action::Write { .. }) => Ok(None),
    }
}

pub(super) fn function_of(action: Action) -> Function {
    match action {
        Action::Read { .. } => Function::Read,
        Action::Write { .. } => Function::Write,
        Action::Cas { .. } => Function::Cas,
    }
}

/// The action with what the answer says, or what is wrong with the answer.
pub(super) fn answered(asked: Action, event: &Event) -> Result<Action, String> {
    match (asked, event.told) {
        (Action::Read { .. }, Told::One(returned)) => Ok(Action::Read { returned }),
        (Action::Read { .. }, _) => Err("a read of nothing".to_owned()),
        (Action::Write { .. }, Told::Nothing) => Ok(asked),
        (Action::Write { value }, Told::One(told)) if told == value => Ok(asked),
        (Action::Write { .. }, _) => Err("a write of another value".to_owned()),
        (Action::Cas { from, to, create_if_missing, .. }, told) => {
            if told != Told::Nothing && told != Told::Two(from, to) {
                return Err("a cas of other values".to_owned());
            }
            Ok(Action::Cas { from, to, create_if_missing, swapped: event.swapped.unwrap_or(true) })
        }
    }
}
