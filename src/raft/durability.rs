//! What must survive a crash, and what waits until it does.
//!
//! The node hands its host numbered writes and is told when they are synced. Messages that depend on a write are held
//! until then. One write carries everything that has changed since the last one, so a batch of inputs costs one sync.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Entry, Index, Message, NodeId, SnapshotWrite, Term};
use crate::time::{Span, Stamp};

/// Messages held while the disk stands still. Later ones are lost, as messages may be.
const HELD_MAX: usize = 65_536;

/// Writes under way while the disk stands still. What changes then goes into the next write, which waits for one of these.
const UNDER_WAY_MAX: usize = 1_024;

/// The part of the durable state that is not the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HardState {
    /// The latest term this node has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub voted_for: Option<NodeId>,
    /// The longest promise it has given that may still run: after a restart it withholds votes for that long, since it
    /// cannot know when the last promise began. Goes down when those of that length are over.
    pub longest_promise: Span,
}

/// A durable write. The host applies writes in order, syncs, and confirms the ticket of the last one synced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Write {
    /// Counts up from 1.
    pub ticket: u64,
    /// The new hard state, if it has changed.
    pub hard_state: Option<HardState>,
    /// What a snapshot that comes in asks for, in order.
    pub snapshot: Vec<SnapshotWrite>,
    /// Then, entries to be stored from this index on; whatever the log held there and behind is dropped.
    pub entries: Option<(Index, Arc<[Entry]>)>,
    /// The commit index, if it has grown since the last write. It is stored with what there is to store anyway, so it may be
    /// behind; a node that starts knows that it must not give up what is committed.
    pub commit: Option<Index>,
    /// Then, the entries up to here, all of them committed, are applied to the stored state and dropped: this is the log's
    /// new base.
    pub compacted: Option<Index>,
}

/// Tickets issued and synced, and the messages that wait for them.
#[derive(Debug, Clone, Default)]
pub(super) struct Durability {
    issued: u64,
    synced: u64,
    /// The last index that each ticket under way makes durable, and when the ticket was issued.
    under_way: VecDeque<(u64, Index, Stamp)>,
    /// Up to here the log is on stable storage.
    synced_index: Index,
    held: VecDeque<(u64, NodeId, Message)>,
}

impl Durability {
    pub(super) fn recovered(last_index: Index) -> Durability {
        Durability { synced_index: last_index, ..Durability::default() }
    }

    pub(super) fn synced_index(&self) -> Index {
        self.synced_index
    }

    /// The last ticket that is synced.
    pub(super) fn synced(&self) -> u64 {
        self.synced
    }

    pub(super) fn is_synced(&self, ticket: u64) -> bool {
        ticket <= self.synced
    }

    /// The ticket that covers everything changed so far; `dirty` tells whether something has changed since the last
    /// write was issued.
    pub(super) fn ticket_for(&self, dirty: bool) -> u64 {
        self.issued + u64::from(dirty)
    }

    /// May another write be issued now?
    pub(super) fn has_room(&self) -> bool {
        self.under_way.len() < UNDER_WAY_MAX
    }

    pub(super) fn issue(&mut self, last_index: Index, now: Stamp) -> u64 {
        self.issued += 1;
        self.under_way.push_back((self.issued, last_index, now));
        self.issued
    }

    /// Since when the oldest write that is not synced yet has been under way.
    pub(super) fn oldest_since(&self) -> Option<Stamp> {
        self.under_way.front().map(|(_, _, since)| *since)
    }

    /// The log was cut: entries from `first` on are not those that earlier tickets made durable.
    pub(super) fn cut(&mut self, first: Index) {
        let kept = first.previous();
        self.synced_index = self.synced_index.min(kept);
        for (_, last, _) in &mut self.under_way {
            *last = kept.min(*last);
        }
    }

    /// Holds a message until `ticket` is synced. Tickets never decrease from one call to the next.
    pub(super) fn hold(&mut self, ticket: u64, to: NodeId, message: Message) {
        debug_assert!(self.held.back().is_none_or(|(last, _, _)| *last <= ticket));
        if self.held.len() < HELD_MAX {
            self.held.push_back((ticket, to, message));
        }
    }

    pub(super) fn confirm(&mut self, ticket: u64) {
        assert!(ticket <= self.issued, "the host confirmed write {ticket}, which was never issued");
        self.synced = self.synced.max(ticket);
        while let Some((first, last_index, _)) = self.under_way.front().copied() {
            if first > self.synced {
                break;
            }
            self.synced_index = last_index;
            self.under_way.pop_front();
        }
    }

    /// The next held message whose write is synced.
    pub(super) fn release(&mut self) -> Option<(NodeId, Message)> {
        if self.held.front()?.0 > self.synced {
            return None;
        }
        self.held.pop_front().map(|(_, to, message)| (to, message))
    }
}
