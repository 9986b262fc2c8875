//! What the clients did and saw: the input of the checker.

/// A register of the key-value state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

/// An interned value: equal numbers are equal values, and nothing else is known of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u64);

impl Value {
    /// "The key does not exist". Every key starts with it; writing it is a deletion.
    pub const MISSING: Value = Value(0);
}

/// One operation of one client on one key.
///
/// `a` precedes `b` iff `a` responded strictly before `b` was invoked; equal instants are concurrent.
///
/// An operation that definitely failed has no effect and is left out of the history. One that failed with a fact about
/// the state ("the key does not exist") may be entered as the read that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Who asked. The checker does not need it; an explanation for people does.
    pub client: u32,
    /// The register that it acts on.
    pub key: Key,
    /// Invocation, in nanoseconds of true time.
    pub invoked: u64,
    /// Response, in nanoseconds of true time, never before the invocation. `None`: the outcome is unknown, and the
    /// operation may take effect at any instant after its invocation, or never.
    pub responded: Option<u64>,
    /// What was asked and, if there was a response, what it said.
    pub action: Action,
}

/// What an operation does to the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Returns the value. A read without a response constrains nothing.
    Read {
        /// What the read returned; without a meaning if there was no response.
        returned: Value,
    },
    /// Replaces the value.
    Write {
        /// The new value.
        value: Value,
    },
    /// Replaces the value if it is the expected one (compare-and-swap).
    Cas {
        /// The value that the register must have.
        from: Value,
        /// The new value.
        to: Value,
        /// Whether a missing key is created with `to`, whatever `from` says.
        create_if_missing: bool,
        /// Whether the value was replaced; without a meaning if there was no response.
        swapped: bool,
    },
}

impl Action {
    /// The value that the register has after this action took effect on `current`, or `None` if what the response said
    /// is impossible there. Without a response (`responded` false) a compare-and-swap is the one that swapped: the one
    /// that did not has no effect, as if it had never happened.
    #[cfg(test)]
    pub(super) fn effect(self, current: Value, responded: bool) -> Option<Value> {
        match self {
            Action::Read { returned } => (!responded || returned == current).then_some(current),
            Action::Write { value } => Some(value),
            Action::Cas { from, to, create_if_missing, swapped } => {
                let swaps = current == from || (create_if_missing && current == Value::MISSING);
                match (swaps, swapped || !responded) {
                    (true, true) => Some(to),
                    (false, false) => Some(current),
                    _ => None,
                }
            }
        }
    }
}

impl Operation {
    /// The value that this operation wrote, or may have written if its outcome is unknown.
    pub(super) fn written(&self) -> Option<Value> {
        match self.action {
            Action::Write { value } => Some(value),
            Action::Cas { to, swapped, .. } => (swapped || self.responded.is_none()).then_some(to),
            Action::Read { .. } => None,
        }
    }

    /// The value that this operation proves to have been current inside its interval. A swap that may have created the
    /// key proves none.
    pub(super) fn observed(&self) -> Option<Value> {
        self.responded?;
        match self.action {
            Action::Read { returned } => Some(returned),
            Action::Cas { from, swapped: true, create_if_missing: false, .. } => Some(from),
            Action::Write { .. } | Action::Cas { .. } => None,
        }
    }
}

/// An instant of true time with the two ends that no operation has: nanoseconds plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    /// Before every invocation: where a key becomes missing.
    pub(super) const START: Moment = Moment(0);
    /// After every response: where an operation of unknown outcome responds.
    pub(super) const NEVER: Moment = Moment(u64::MAX);

    /// The instant `ns` nanoseconds into the run.
    pub(super) fn at(ns: u64) -> Moment {
        assert!(ns < u64::MAX - 1, "true time ends two nanoseconds before 2^64");
        Moment(ns + 1)
    }

    /// The response, or [`Moment::NEVER`].
    pub(super) fn response(operation: &Operation) -> Moment {
        operation.responded.map_or(Moment::NEVER, Moment::at)
    }
}
