//! What no correct member sends, as far as a message alone shows it, whatever this node's own log says. It is told and
//! ignored, as a message that was lost: that costs time at most.
//!
//! Raft trusts its members, and a malicious one can do harm that nothing here prevents. This is for one that is faulty, or a
//! message that was damaged on its way: one such message must not do what cannot be undone.

use super::state::Raft;
use super::{Append, Message, Misbehaviour, NodeId};
use crate::lease::LeaseRules;

/// So many terms a node can be behind. Each of them took a campaign, which a majority had to be for (pre-vote): with one
/// every millisecond that is seven weeks of nothing else, with one every election timeout of 5 s some 680 years. A term that
/// is adopted is never taken back, so one near the end of counting would leave no room for any election after it.
const TERMS_BEHIND_MAX: u64 = 1 << 32;

impl<R: LeaseRules> Raft<R> {
    /// Could a correct member have sent this? Tells if not.
    pub(super) fn is_plausible(&mut self, peer: NodeId, message: &Message) -> bool {
        let fact = if message.term().0 > self.term().0.saturating_add(TERMS_BEHIND_MAX) {
            Misbehaviour::TermOutOfReach
        } else if matches!(message, Message::Append(append) if !terms_are_in_order(append)) {
            Misbehaviour::TermsOutOfOrder
        } else {
            return true;
        };
        self.misbehaves(peer, fact);
        false
    }
}

/// In a leader's log terms never decrease, and none is later than its own (Raft paper, section 5.3). A later one would pass
/// for an entry of this node's own once it leads that term, and its commit rule rests on those.
fn terms_are_in_order(append: &Append) -> bool {
    let entries = append.entries.as_deref().unwrap_or_default();
    let terms = std::iter::once(append.previous_term).chain(entries.iter().map(|entry| entry.term));
    terms.chain(std::iter::once(append.term)).is_sorted()
}
