//! What the adversary looks for in a run.

use leasehold::node::Message;
use leasehold::raft;
use leasehold::raft::Note;
use leasehold::time::Span;

use leasehold_run::run::{ClusterView, Observer};
use leasehold_world::{Event, Happening};

/// Finds when a round is sent that asks for promises: no lease rests on another.
pub(super) struct Round {
    pub(super) leader: usize,
    pub(super) voter: usize,
    pub(super) from: u64,
    pub(super) sent: Option<u64>,
}

impl Observer for Round {
    fn observe(&mut self, event: &Event<'_, Message, Note>, _world: &dyn ClusterView) {
        if let Happening::Sent { from, to, message: Message::Raft(raft::Message::Append(append)), .. } =
            event.what
            && (from, to) == (self.leader, self.voter)
            && append.promise > Span::ZERO
            && event.at >= self.from
        {
            self.sent.get_or_insert(event.at);
        }
    }
}

/// Finds when a node's promises are over, on its own clock. They and it change no more after `from`.
pub(super) struct Freed {
    pub(super) node: usize,
    pub(super) from: u64,
    pub(super) free: Option<u64>,
}

impl Observer for Freed {
    fn observe(&mut self, event: &Event<'_, Message, Note>, world: &dyn ClusterView) {
        if event.at < self.from || self.free.is_some() {
            return;
        }
        if let Some(node) = world.raft(self.node) {
            let clock = world.clock(self.node);
            let ends = node.promise_ends().map(|end| clock.first_at(&end, self.from).unwrap_or(u64::MAX / 4));
            self.free = Some(ends.fold(self.from, u64::max));
        }
    }
}
