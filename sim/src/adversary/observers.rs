//! What the adversary looks for in a run.

use leasehold::lease::LeaseRules;
use leasehold::node::Message;
use leasehold::raft;

use crate::host::LeaseNode;
use crate::run::Observer;
use crate::world::{Choices, Event, Happening, World};

/// Finds when a round is sent.
pub(super) struct Round {
    pub(super) leader: usize,
    pub(super) voter: usize,
    pub(super) from: u64,
    pub(super) sent: Option<u64>,
}

impl Observer for Round {
    fn observe<R: LeaseRules + Clone, C: Choices>(
        &mut self,
        event: &Event<'_, Message>,
        _world: &World<LeaseNode<R>, C>,
    ) {
        if let Happening::Sent { from, to, message: Message::Raft(raft::Message::Append(_)), .. } = event.what
            && (from, to) == (self.leader, self.voter)
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
    fn observe<R: LeaseRules + Clone, C: Choices>(
        &mut self,
        event: &Event<'_, Message>,
        world: &World<LeaseNode<R>, C>,
    ) {
        if event.at < self.from || self.free.is_some() {
            return;
        }
        if let Some(node) = world.process(self.node).node() {
            let clock = world.clock(self.node);
            let ends =
                node.raft().promise_ends().map(|end| clock.first_at(&end, self.from).unwrap_or(u64::MAX / 4));
            self.free = Some(ends.fold(self.from, u64::max));
        }
    }
}
