//! Members that have lost what they had acknowledged: somebody has put an older copy of their directory back, or they came
//! back with none.
//!
//! Such a member has forgotten entries, and perhaps a vote. It is told the entries again, so that it votes for no candidate
//! that lacks them. But what it says is on its disk may be gone tomorrow, and this leader has no second way to know. So it is
//! counted neither for commits nor for leases until it is removed from the cluster, which is what the operator is told to do.
//!
//! The proof is a follower that lacks an entry in answer to a round that was sent after it had acknowledged that entry.

use super::state::Raft;
use super::{NodeId, Note};
use crate::lease::LeaseRules;

impl<R: LeaseRules> Raft<R> {
    /// Has this node, while it led, seen that member lose what it had acknowledged? Forgotten when it is removed.
    #[inline]
    pub(super) fn has_lost_entries(&self, node: NodeId) -> bool {
        // Asked for every member at every acknowledgement, and nearly always there is none.
        !self.lost.is_empty() && self.lost.contains(&node)
    }

    /// It is proved that a member has lost entries: nothing is known any more of what it holds.
    #[cold]
    pub(super) fn loses_entries(&mut self, node: NodeId) {
        let held = self.leadership.matched(node);
        if !self.lost.contains(&node) {
            self.lost.push(node);
        }
        self.note(Note::EntriesLost { peer: node, index: held });
        let last = self.log.last_index();
        self.leadership.forget_progress(node, last);
        self.leadership.expect_probe_at(node, held);
    }

    /// Other members are in force. One that is none of them may come back with an empty directory.
    pub(super) fn forgive_removed(&mut self) {
        let configuration = &self.configuration;
        self.lost.retain(|node| configuration.contains(*node));
    }
}
