//! What the node tells about itself, as log lines: a sentence for people, or a name with numbers for programs.
//!
//! `raw_ns` and `boot_ns` are the machine's two monotonic clocks after what is told was decided and before anything that
//! follows from it has left the process. Processes of one machine share these clocks, so their lines can be compared.
//! docs/reference/protocol.md lists the names.

use leasehold::raft::{Names, Note, NoteValue, Weight};
use leasehold::time::{Clock, OsClock, Stamp};
use tracing::{debug, info, trace, warn};

use super::logging;
use super::options::LogFormat;

/// At the level that fits a weight: what changes who leads at `info`, what happens all the time further down.
macro_rules! at_level {
    ($weight:expr, $($arguments:tt)+) => {
        match $weight {
            Weight::Warning => warn!($($arguments)+),
            Weight::Change => info!($($arguments)+),
            Weight::Step => debug!($($arguments)+),
            Weight::Routine => trace!($($arguments)+),
        }
    };
}

/// Logs a note.
pub(super) fn log(note: &Note, own: &str, names: &Names, clock: &OsClock) {
    match logging::format() {
        LogFormat::Text => {
            at_level!(note.weight(), "{}", note.sentence(|node| names.name(node).to_string()));
        }
        LogFormat::Json => for_programs(note, own, names, clock.read().stamp),
    }
}

fn for_programs(note: &Note, node: &str, names: &Names, now: Stamp) {
    let mut fields: Vec<(&str, NoteValue<'_>)> = Vec::new();
    note.fields(&mut |name, value| fields.push((name, value)));
    let get = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let number = |name: &str| match get(name) {
        Some(NoteValue::Number(number)) => Some(number),
        Some(NoteValue::Word(_) | NoteValue::Node(_)) | None => None,
    };
    let text = |name: &str| match get(name) {
        Some(NoteValue::Word(word)) => Some(word),
        Some(NoteValue::Node(node)) => Some(&**names.name(node)),
        Some(NoteValue::Number(_)) | None => None,
    };
    // The library takes names that are known when the program is built. A field that is not set leaves no trace.
    macro_rules! line {
        ($($name:ident = $kind:ident),+ $(,)?) => {{
            debug_assert!(
                fields.iter().all(|(name, _)| [$(stringify!($name)),+].contains(name)),
                "a field of {note:?} has no place in the log"
            );
            at_level!(
                note.weight(),
                note = note.word(),
                node,
                raw_ns = now.raw().0,
                boot_ns = now.boot().0,
                $($name = $kind(stringify!($name))),+
            );
        }};
    }
    line!(
        term = number,
        ballot = text,
        to = text,
        commit = number,
        leader = text,
        start_raw_ns = number,
        start_boot_ns = number,
        since_raw_ns = number,
        since_boot_ns = number,
        span_ns = number,
        wall_deadline_ns = number,
        cause = text,
        lease_ns = number,
        election_timeout_ns = number,
        max_clock_skew_ns = number,
        index = number,
        voters = number,
        learners = number,
        asked_ns = number,
        own_ns = number,
        waited_ns = number,
        peer = text,
        fact = text,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold::raft::NodeId;
    use leasehold::time::Nanos;

    /// `for_programs` asserts it.
    #[test]
    fn every_field_of_every_note_has_a_place_in_the_log() {
        let names = Names::numbered(2);
        for word in Note::WORDS {
            let get = |name: &str| {
                Some(match name {
                    "ballot" => NoteValue::Word("vote"),
                    "cause" if *word == "lease-ended" => NoteValue::Word("transfer"),
                    "cause" => NoteValue::Word("removed"),
                    "fact" => NoteValue::Word("bad-snapshot"),
                    "to" | "leader" | "peer" => NoteValue::Node(NodeId(1)),
                    _ => NoteValue::Number(1),
                })
            };
            let note = Note::from_fields(word, &get).expect(word);
            for_programs(&note, "n1", &names, Stamp::new(Nanos(1), Nanos(1)));
        }
    }
}
