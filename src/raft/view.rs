//! What a Raft node can tell about itself to whoever runs it. Nothing here changes anything.

use super::state::Raft;
use super::{Index, NodeId, Role};
use crate::lease::LeaseRules;
use crate::time::{Reading, Span};

/// A promise that is running: until it is over, the node neither votes nor campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromiseView {
    /// The length that a leader's round asked for; `None` for the promise that the node made to itself when it restarted.
    pub length: Option<Span>,
    /// How long it still lasts.
    pub remaining: Span,
}

/// A fellow member, as its leader knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerView {
    /// Who.
    pub node: NodeId,
    /// It votes.
    pub voter: bool,
    /// Its log is known to be ours up to here; 0 before it has said so in this term.
    pub match_index: Index,
    /// It has lost entries that it had acknowledged, and is counted no more.
    pub lost_entries: bool,
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

    /// Its promises that are running.
    pub fn running_promises(&self, now: &Reading) -> impl Iterator<Item = PromiseView> {
        self.promises.running(now).map(|(length, end)| PromiseView { length, remaining: end.remaining(now) })
    }

    /// For how long it would withhold votes if it restarted now: its longest promise, or the election timeout.
    pub fn withholds_after_restart(&self) -> Span {
        let own = self.configured.lease.election_timeout.max(self.settings.lease.election_timeout);
        self.hard_state.longest_promise.max(own)
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
                lost_entries: self.has_lost_entries(node),
                acknowledged: heard.map(|heard| now.stamp.elapsed_max(heard)),
            }
        })
    }

    /// The voter that leadership had best go to: the one with most of the log, and of those the one that has acknowledged
    /// the newest round. `None` when no other voter [answers](Raft::answers).
    pub(crate) fn best_successor(&self, now: &Reading) -> Option<NodeId> {
        let voters = self.configuration().voting_nodes().filter(|node| *node != self.id());
        let heard = voters.filter(|node| self.answers(now, *node) && !self.has_lost_entries(*node));
        heard.max_by_key(|node| (self.leadership.matched(*node), self.leadership.round(*node)))
    }
}
