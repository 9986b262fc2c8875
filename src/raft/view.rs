//! What a Raft node can tell about itself to whoever runs it. Nothing here changes anything.

use super::state::Raft;
use super::{Index, NodeId, Role};
use crate::lease::LeaseRules;
use crate::time::{Reading, Span};

/// A fellow member, as its leader knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerView {
    /// Who.
    pub node: NodeId,
    /// It votes.
    pub voter: bool,
    /// Its log is known to be ours up to here; 0 before it has said so in this term.
    pub match_index: Index,
    /// So long ago, on the leader's clocks, its last acknowledgement of a round came in; `None` before the first in this
    /// term.
    pub acknowledged: Option<Span>,
}

impl<R: LeaseRules> Raft<R> {
    /// For how long this node may still answer reads by itself if no quorum renews its lease; `None` without a lease.
    /// Says nothing about the other half of the matter, that an entry of the own term is applied.
    pub fn lease_remaining(&self, now: &Reading) -> Option<Span> {
        self.lease().filter(|_| self.lease_running(now)).map(|lease| lease.end.remaining(now))
    }

    /// For how long this node withholds votes, by the promises that are running; `None` if none is.
    pub fn votes_withheld(&self, now: &Reading) -> Option<Span> {
        let running = self.promise_ends().filter(|end| !end.reached(now));
        running.map(|end| end.remaining(now)).max()
    }

    /// For how long the oldest write that is not on stable storage yet has been under way; `None` when all are stored.
    pub fn disk_wait(&self, now: &Reading) -> Option<Span> {
        self.durability.oldest_since().map(|since| now.stamp.elapsed_max(since))
    }

    /// All other members, while this node leads; none otherwise.
    pub fn peers(&self, now: &Reading) -> impl Iterator<Item = PeerView> {
        let leads = self.role() == Role::Leader;
        let others = self.configuration().nodes().filter(move |node| leads && *node != self.id());
        others.map(|node| {
            let (match_index, heard) = self.leadership.standing(node);
            PeerView {
                node,
                voter: self.configuration().is_voter(node),
                match_index,
                acknowledged: heard.map(|heard| now.stamp.elapsed_max(heard)),
            }
        })
    }

    /// The voter that leadership had best go to: the one with most of the log, and of those the one that has acknowledged
    /// the newest round. `None` when no other voter [answers](Raft::answers).
    pub(crate) fn best_successor(&self, now: &Reading) -> Option<NodeId> {
        let voters = self.configuration().voting_nodes().filter(|node| *node != self.id());
        let heard = voters.filter(|node| self.answers(now, *node));
        heard.max_by_key(|node| (self.leadership.matched(*node), self.leadership.round(*node)))
    }
}
