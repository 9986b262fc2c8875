//! What a node tells whoever runs it: its own view, which a message under way may have overtaken already.

use super::machine::Node;
use super::replicas::Comparison;
use crate::lease::{LeaseRules, LeaseSettings};
use crate::raft::{Index, Members, Name, NodeId, PeerView, PromiseView, Role, Term};
use crate::time::{Reading, Span};

/// A node's view of itself and, while it leads, of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub role: Role,
    /// The latest term it has seen.
    pub term: Term,
    /// The cluster's id, as far as it knows it.
    pub cluster: Option<Name>,
    /// Whom it follows (itself while it leads), if anybody.
    pub leader: Option<NodeId>,
    /// Entries up to here are committed, as far as it knows.
    pub commit: Index,
    /// Entries up to here are applied.
    pub applied: Index,
    /// A hash of the state there: see [`crate::raft::StateMachine::hash`].
    pub state_hash: u64,
    /// The first entry that its log still has, or would have: those before it were applied and dropped.
    pub first_index: Index,
    /// The last entry of its log, dropped or not; 0 when there never was one.
    pub last_index: Index,
    /// For how long its lease still runs, if it holds one and nobody renews it.
    pub lease_remaining: Option<Span>,
    /// For how long it withholds votes, by the promises that are running, if one is.
    pub votes_withheld: Option<Span>,
    /// The promises that are running.
    pub promises: Vec<PromiseView>,
    /// For how long it would withhold votes after a restart now.
    pub withholds_after_restart: Span,
    /// For how long the oldest write that is not on stable storage yet has been under way, if there is one.
    pub disk_wait: Option<Span>,
    /// The lengths in force on this node.
    pub lease: LeaseSettings,
    /// The members in force on this node.
    pub members: Members,
    /// Their entry in the log, 0 when they are those that it was started with.
    pub configuration_index: Index,
    /// The other members, while it leads.
    pub peers: Vec<PeerView>,
    /// The last comparison of each of these with this node's own state; `None` before there was one.
    pub comparisons: Vec<Option<Comparison>>,
}

impl<R: LeaseRules> Node<R> {
    /// The node as it is, on clocks that read `now`. Changes nothing.
    pub fn status(&self, now: &Reading) -> Status {
        let raft = self.raft();
        Status {
            role: raft.role(),
            term: raft.term(),
            cluster: raft.cluster().cloned(),
            leader: raft.leader(),
            commit: raft.commit(),
            applied: self.applied(),
            state_hash: self.replicas.newest().hash,
            first_index: raft.log().base().index.next(),
            last_index: raft.log().last_index(),
            lease_remaining: raft.lease_remaining(now),
            votes_withheld: raft.votes_withheld(now),
            promises: raft.running_promises(now).collect(),
            withholds_after_restart: raft.withholds_after_restart(),
            disk_wait: raft.disk_wait(now),
            lease: raft.settings().lease,
            members: raft.members(),
            configuration_index: raft.configuration_index(),
            comparisons: raft.peers(now).map(|peer| self.replicas.comparison(peer.node)).collect(),
            peers: raft.peers(now).collect(),
        }
    }
}
