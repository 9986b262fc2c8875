//! What the adversary looks for in a run.

use leasehold::node::Message;
use leasehold::raft;
use leasehold::raft::{Note, Timer};
use leasehold::time::Span;

use leasehold_run::host::LeaseNode;
use leasehold_world::{Event, Happening, Reader, World};

/// Finds when a round is sent; `asking`: one that asks for promises. No lease rests on another.
pub(super) struct Round {
    pub(super) leader: usize,
    pub(super) voter: usize,
    pub(super) from: u64,
    pub(super) asking: bool,
    pub(super) sent: Option<u64>,
}

impl Reader<LeaseNode> for Round {
    fn read(&mut self, event: &Event<'_, Message, Note>, _world: &World<LeaseNode>) {
        if let Happening::Sent { from, to, message: Message::Raft(raft::Message::Append(append)), .. } =
            event.what
            && (from, to) == (self.leader, self.voter)
            && (append.promise > Span::ZERO || !self.asking)
            && event.at >= self.from
        {
            self.sent.get_or_insert(event.at);
        }
    }
}

/// Finds when nodes' promises are over, on their own clocks. They and the clocks change no more after an instant each.
pub(super) struct Freed {
    pub(super) nodes: Vec<(usize, u64)>,
    pub(super) free: Vec<Option<u64>>,
}

impl Reader<LeaseNode> for Freed {
    fn read(&mut self, event: &Event<'_, Message, Note>, world: &World<LeaseNode>) {
        for ((node, from), free) in self.nodes.iter().zip(&mut self.free) {
            if event.at < *from || free.is_some() {
                continue;
            }
            if let Some(raft) = world.process(*node).raft() {
                let clock = world.clock(*node);
                let ends = raft.promise_ends();
                let ends = ends.map(|end| clock.first_at(&end, *from).unwrap_or(u64::MAX / 4));
                *free = Some(ends.fold(*from, u64::max));
            }
        }
    }
}

/// Finds when a node's lease ends and when one of its timers goes off. Neither changes any more after `from`.
pub(super) struct Ends {
    node: usize,
    from: u64,
    which: Timer,
    pub(super) timer: Option<u64>,
    pub(super) lease: Option<u64>,
    looked: bool,
}

impl Ends {
    pub(super) fn of_timer(node: usize, from: u64, which: Timer) -> Ends {
        Ends { node, from, which, timer: None, lease: None, looked: false }
    }
}

impl Reader<LeaseNode> for Ends {
    fn read(&mut self, event: &Event<'_, Message, Note>, world: &World<LeaseNode>) {
        if event.at < self.from || self.looked {
            return;
        }
        if let Some(raft) = world.process(self.node).raft() {
            self.looked = true;
            let clock = world.clock(self.node);
            self.timer = raft.timers().alarm(self.which).and_then(|alarm| clock.first_at(&alarm, self.from));
            self.lease = raft.lease().and_then(|lease| clock.first_at(&lease.end, self.from));
        }
    }
}

/// Finds when a node is elected, from an instant on.
pub(super) struct Elected {
    pub(super) node: usize,
    pub(super) from: u64,
    pub(super) at: Option<u64>,
}

impl Reader<LeaseNode> for Elected {
    fn read(&mut self, event: &Event<'_, Message, Note>, _world: &World<LeaseNode>) {
        if let Happening::Noted { node, note: Note::Elected { .. } } = event.what
            && node == self.node
            && event.at >= self.from
        {
            self.at.get_or_insert(event.at);
        }
    }
}
