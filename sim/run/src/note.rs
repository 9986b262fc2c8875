//! What faults may wait for, among what our nodes tell of themselves in a run.

use leasehold::raft::Note;
use leasehold_world::setup::EventKind;

/// The notes that a fault may wait for: the word for each, and how a sentence about a node goes on.
pub const AWAITED: [(&str, &str); 6] = [
    ("lease-renewed", "renews its lease"),
    ("lease-ended", "gives up its lease"),
    ("campaign", "campaigns"),
    ("elected", "is elected"),
    ("leader-ready", "may acknowledge writes"),
    ("stepped-down", "steps down"),
];

/// Everything that a fault may wait for, in the order of the documentation.
pub const EVENT_KINDS: [EventKind; 9] = [
    EventKind::Note(AWAITED[0].0),
    EventKind::Note(AWAITED[1].0),
    EventKind::Note(AWAITED[2].0),
    EventKind::Note(AWAITED[3].0),
    EventKind::Note(AWAITED[4].0),
    EventKind::Note(AWAITED[5].0),
    EventKind::Served,
    EventKind::WriteAcknowledged,
    EventKind::Restarted,
];

/// The word by which a fault may wait for a note; one of [`AWAITED`].
pub fn awaited_as(note: &Note) -> Option<&'static str> {
    AWAITED.iter().map(|(word, _)| *word).find(|word| *word == note.word())
}

/// The term in which a note says that the node was elected.
pub const fn elected_in(note: &Note) -> Option<u64> {
    if let Note::Elected { term } = note { Some(term.0) } else { None }
}
