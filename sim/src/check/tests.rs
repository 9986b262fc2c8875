//! Hand-made histories in `table`, random ones in `random`; `brute` is the definition, executed.

mod brute;
mod generate;
mod random;
mod stale;
mod table;

use super::{Action, Key, Operation, Value};

/// An operation on key 1 that responded.
fn op(client: u32, invoked: u64, responded: u64, action: Action) -> Operation {
    Operation {
        client,
        key: Key(1),
        invoked,
        responded: Some(responded),
        action,
    }
}

/// An operation on key 1 whose outcome is unknown.
fn lost(client: u32, invoked: u64, action: Action) -> Operation {
    Operation {
        client,
        key: Key(1),
        invoked,
        responded: None,
        action,
    }
}

fn read(returned: u64) -> Action {
    Action::Read {
        returned: Value(returned),
    }
}

fn write(value: u64) -> Action {
    Action::Write { value: Value(value) }
}

fn cas(from: u64, to: u64, swapped: bool) -> Action {
    Action::Cas {
        from: Value(from),
        to: Value(to),
        create_if_missing: false,
        swapped,
    }
}

fn upsert(from: u64, to: u64, swapped: bool) -> Action {
    Action::Cas {
        from: Value(from),
        to: Value(to),
        create_if_missing: true,
        swapped,
    }
}

/// What a read of a missing key returns.
const NONE: u64 = Value::MISSING.0;
