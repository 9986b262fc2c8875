//! Are the replicas the same? Every node that has applied the log up to an index has the same state there. A damaged entry,
//! or a bug, can make them differ, and no rule of Raft would ever notice.
//!
//! Each node keeps a hash of its applied state at each of its latest indexes. A follower puts one of them into an
//! acknowledgement, once in a heartbeat. The leader compares it with its own. It cannot tell which of the two is right, so
//! it says that they differ and goes on.

use std::collections::{BTreeMap, VecDeque};

use super::Output;
use super::machine::Node;
use crate::lease::LeaseRules;
use crate::raft::{Index, Message as RaftMessage, NodeId, Note, StateDigest, StateMachine};
use crate::time::Stamp;

/// So many of the latest hashes are kept. A follower whose applied index is further behind is compared later.
const KEPT_MAX: usize = 1_024;

/// See the [module](self).
#[derive(Debug, Clone)]
pub(super) struct Replicas {
    /// Of consecutive indexes, the latest last.
    latest: VecDeque<StateDigest>,
    /// When this node told its leader last.
    told: Option<Stamp>,
    /// What is known of the others: the index of the last comparison, and whether it came out the same.
    compared: BTreeMap<NodeId, Comparison>,
}

/// The outcome of a comparison with another node's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// The states that were compared are those at this index.
    pub index: Index,
    /// They were the same.
    pub same: bool,
}

impl Replicas {
    /// Those of a node whose state is this.
    pub(super) fn at(index: Index, state: &StateMachine) -> Replicas {
        let latest = VecDeque::from([StateDigest { index, hash: state.hash() }]);
        Replicas { latest, told: None, compared: BTreeMap::new() }
    }

    /// An entry was applied, or a snapshot installed.
    pub(super) fn applied(&mut self, index: Index, state: &StateMachine) {
        let follows = self.latest.back().is_some_and(|last| last.index.next() == index);
        if !follows {
            self.latest.clear();
        } else if self.latest.len() == KEPT_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back(StateDigest { index, hash: state.hash() });
    }

    /// The newest.
    pub(super) fn newest(&self) -> StateDigest {
        *self.latest.back().expect("there is one from the start")
    }

    fn own(&self, index: Index) -> Option<u64> {
        let first = self.latest.front()?.index;
        let place = usize::try_from(index.0.checked_sub(first.0)?).ok()?;
        self.latest.get(place).map(|digest| digest.hash)
    }

    /// The last comparison with that node.
    pub(super) fn comparison(&self, node: NodeId) -> Option<Comparison> {
        self.compared.get(&node).copied()
    }
}

impl<R: LeaseRules> Node<R> {
    /// An acknowledgement is about to leave: once in a heartbeat it says what this node's state is.
    pub(super) fn tell_state(&mut self, message: &mut RaftMessage) {
        let RaftMessage::AppendReply(reply) = message else {
            return;
        };
        let (now, heartbeat) = (self.reading, self.raft.settings().heartbeat);
        if self.replicas.told.is_none_or(|told| now.stamp.elapsed_max(told) >= heartbeat) {
            self.replicas.told = Some(now.stamp);
            reply.state = Some(self.replicas.newest());
        }
    }

    /// A fellow node says what its state is. A leader compares.
    pub(super) fn compare_state(&mut self, from: NodeId, message: &RaftMessage) {
        let RaftMessage::AppendReply(reply) = message else {
            return;
        };
        let Some(StateDigest { index, hash }) = reply.state.filter(|_| self.leads()) else {
            return;
        };
        let Some(own) = self.replicas.own(index) else {
            return;
        };
        let same = own == hash;
        let before = self.replicas.compared.insert(from, Comparison { index, same });
        if !same && before.is_none_or(|before| before.same) {
            self.outputs.push_back(Output::Note(Note::StateDiffers { peer: from, index }));
        }
    }
}
