//! The fields of an event, in JSON lines and in EDN: which are known, which look like one that is known, and which are
//! ignored and named in the report.
//!
//! A field that would change the verdict is honoured or refused. So a known name in another spelling is an error: a key
//! that is not read makes one register of many.

use std::collections::BTreeSet;

use super::assemble::{Kind, Refusal};
use super::problem::shown;

/// A field that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Type,
    Function,
    Process,
    Value,
    Key,
    Time,
    Index,
    Error,
    Swapped,
    CreateIfMissing,
    /// Of a whole operation on one line: when it was invoked, and when it ended.
    InvokedNs,
    CompletedNs,
}

impl Field {
    /// The fields of our own format, as they are spelled.
    pub(super) fn of_json(name: &str) -> Option<Field> {
        Some(match name {
            "type" => Field::Type,
            "f" => Field::Function,
            "process" => Field::Process,
            "value" => Field::Value,
            "key" => Field::Key,
            "time_ns" => Field::Time,
            "index" => Field::Index,
            "error" => Field::Error,
            "swapped" => Field::Swapped,
            "invoked_ns" => Field::InvokedNs,
            "completed_ns" => Field::CompletedNs,
            "create_if_missing" | "create_if_not_exists" => Field::CreateIfMissing,
            _ => return None,
        })
    }

    /// Jepsen's fields, and ours in Clojure's spelling.
    pub(super) fn of_edn(name: &str) -> Option<Field> {
        Some(match name {
            "time" => Field::Time,
            "create-if-missing" | "create-if-not-exists" => Field::CreateIfMissing,
            "time_ns" | "invoked_ns" | "completed_ns" => return None,
            name => return Field::of_json(name),
        })
    }
}

/// What a name that is not known looks like: the known field that a reader may have meant.
pub(super) fn resembled(name: &str) -> Option<&'static str> {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    Some(match letters.to_ascii_lowercase().as_str() {
        "key" | "keys" | "k" | "register" => "key",
        "value" | "values" => "value",
        "process" => "process",
        "type" => "type",
        "f" => "f",
        "swapped" => "swapped",
        "createifmissing" | "createifnotexists" => "create_if_missing",
        _ => return None,
    })
}

/// How many names of ignored fields are kept.
const IGNORED_MAX: usize = 16;

/// The names of the fields that were ignored, each once, as they may be shown.
#[derive(Debug, Default)]
pub(super) struct Ignored(BTreeSet<String>);

impl Ignored {
    /// Notes a field. What Jepsen adds to many events and no verdict needs is not noted.
    pub(super) fn note(&mut self, name: &str) {
        let harmless = matches!(name, "node" | "exception" | "debug" | "time");
        if !harmless && self.0.len() < IGNORED_MAX {
            self.0.insert(shown(name));
        }
    }

    /// The names in their order.
    pub(super) fn into_names(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}

/// What a failed operation says about the value, by the name of its error: those of Maelstrom, which Jepsen's histories
/// carry. Any other error says nothing.
pub(super) fn refusal_named(kind: Kind, name: &str) -> Option<Refusal> {
    match (kind, name) {
        (Kind::Fail, "key-does-not-exist") => Some(Refusal::Absent),
        (Kind::Fail, "precondition-failed") => Some(Refusal::Mismatch),
        _ => None,
    }
}
