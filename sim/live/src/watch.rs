//! What the hub wants to know of what the world decides.

use super::mailbox::Mailbox;
use super::wire::Line;
use leasehold::raft::Note;
use leasehold_run::watch::History;
use leasehold_world::{Event, Happening, Reader, World};

/// Watches the world: the history, and what is to be signalled.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) history: History,
    /// Nodes to be stopped, or (`true`) to go on.
    pub(super) signals: Vec<(usize, bool)>,
    /// How often each kind of fault has happened.
    pub(super) faults: Vec<(&'static str, u64)>,
    /// How often a node had fallen behind the log and took a snapshot.
    pub(super) snapshots: u64,
}

impl Reader<Mailbox> for Watch {
    fn read(&mut self, event: &Event<'_, Line, Note>, world: &World<Mailbox>) {
        match event.what {
            Happening::Stopped { node, resumed } => self.signals.push((node, resumed)),
            Happening::Fault { fault, undone: false } => {
                let word = world.setup().faults[fault].action.word();
                match self.faults.iter_mut().find(|(known, _)| *known == word) {
                    Some((_, count)) => *count += 1,
                    None => self.faults.push((word, 1)),
                }
            }
            Happening::Noted { note: Note::SnapshotInstalled { .. }, .. } => self.snapshots += 1,
            _ => self.history.read(event, world),
        }
    }
}
