//! A follower's side of a snapshot's way: chunks come in, are set aside, and take the place of log and state at once.
//!
//! A chunk is looked at only if it comes from the leader that this node follows by its rounds. It changes neither term nor
//! promise. Whatever is lost, comes twice or comes late costs time only: the answer says how much this node has, and the
//! leader goes on from there.

use super::state::Raft;
use super::{
    Configured, Index, Message, Misbehaviour, NodeId, Note, Position, Received, Role, SnapshotChunk,
    SnapshotReply, SnapshotWrite, StateMachine, Term,
};
use crate::kv::KeyValues;
use crate::lease::{LeaseLengths, LeaseRules};
use crate::time::Reading;

/// A snapshot that comes in. What it takes in memory is what has come in: no message announces a size.
#[derive(Debug, Clone)]
pub(super) struct Assembly {
    /// The leader's term. Two snapshots of one leader at one index are the same.
    term: Term,
    at: Position,
    state: StateMachine,
}

/// What this node does with snapshots, but for those that it sends.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshots {
    /// Entries up to here have been dropped, and the next write is to say so.
    pub(super) compacted: Option<Index>,
    /// What the next write is to say of the snapshot that comes in.
    pub(super) writes: Vec<SnapshotWrite>,
    /// The one that comes in.
    pub(super) assembly: Option<Box<Assembly>>,
    /// One that has come in, until the node takes it.
    installed: Option<StateMachine>,
}

impl<R: LeaseRules> Raft<R> {
    #[cold]
    pub(super) fn handle_snapshot(&mut self, now: &Reading, leader: NodeId, chunk: SnapshotChunk) {
        if chunk.term != self.term() || self.leader != Some(leader) || self.role != Role::Follower {
            return;
        }
        let fit = |lengths: &LeaseLengths| lengths.may_be_agreed();
        let placed = |configured: &Configured| (Index(1)..=chunk.at.index).contains(&configured.index);
        let members = chunk.configured.as_deref();
        let nameable = self.can_name(members.map(|configured| &configured.members).into_iter());
        // What is committed here is in the leader's log as well, and terms never decrease in that.
        let later = chunk.at.index <= self.commit || Some(chunk.at.term) >= self.log.term_at(self.commit);
        let index = members.map_or(Index::ZERO, |configured| configured.index);
        let fits = chunk.at.index <= self.commit
            || index > self.commit
            || index == self.committed_configuration_index();
        let possible =
            later && fits && chunk.agreed.iter().all(fit) && members.into_iter().all(placed) && nameable;
        if chunk.at.term > chunk.term || chunk.at.term == Term(0) || !possible {
            self.misbehaves(leader, Misbehaviour::BadSnapshot);
            return;
        }
        let index = chunk.at.index;
        if let Some(received) = self.receive(now, leader, chunk) {
            let reply = SnapshotReply { term: self.term(), index, received };
            self.send_when_durable(leader, Message::SnapshotReply(reply));
        }
    }

    /// What this node has of the snapshot once it has looked at the chunk; `None` when there is nothing to say.
    fn receive(&mut self, now: &Reading, leader: NodeId, chunk: SnapshotChunk) -> Option<Received> {
        let at = chunk.at;
        if at.index <= self.commit {
            return Some(Received::All);
        }
        if self.log.term_at(at.index) == Some(at.term) {
            // The leader has applied that entry, and everything before it is the same here (log matching).
            self.commit_up_to(at.index);
            self.drop_needless_assembly();
            return Some(Received::All);
        }
        let under_way = self.snapshots.assembly.as_ref().filter(|assembly| assembly.term == chunk.term);
        match under_way.map(|assembly| assembly.at.index.cmp(&at.index)) {
            // An older one, late.
            Some(std::cmp::Ordering::Greater) => return None,
            Some(std::cmp::Ordering::Equal) => {}
            _ if chunk.offset == 0 => {
                let (agreed, configured) = (chunk.agreed, chunk.configured.clone());
                let (values, cluster) = (KeyValues::default(), chunk.cluster.clone());
                let state = StateMachine { values, agreed, configured, cluster };
                self.snapshots.assembly = Some(Box::new(Assembly { term: chunk.term, at, state }));
                self.forget_parts();
            }
            _ => return Some(Received::Pairs(0)),
        }
        let assembly = self.snapshots.assembly.as_mut()?;
        let held = assembly.state.values.len();
        if chunk.offset != held {
            return Some(Received::Pairs(held));
        }
        let StateMachine { agreed, configured, cluster, .. } = &assembly.state;
        let same = (assembly.at, *agreed, configured, cluster)
            == (at, chunk.agreed, &chunk.configured, &chunk.cluster);
        if !same || !assembly.state.values.append(&chunk.pairs) {
            self.misbehaves(leader, Misbehaviour::BadSnapshot);
            return None;
        }
        let pairs = assembly.state.values.len();
        self.snapshots.writes.push(SnapshotWrite::Part { offset: held, pairs: chunk.pairs });
        if !chunk.last {
            return Some(Received::Pairs(pairs));
        }
        self.install(now);
        Some(Received::All)
    }

    /// Everything has come in: it takes the place of log and state. The log has something else where the snapshot ends, or
    /// nothing, so all of it is void or part of the snapshot.
    fn install(&mut self, now: &Reading) {
        let Some(assembly) = self.snapshots.assembly.take() else {
            return;
        };
        let Assembly { term, at, state } = *assembly;
        let (pairs, agreed) = (state.values.len(), state.agreed);
        let (configured, cluster) = (state.configured.clone(), state.cluster.clone());
        self.log.install(at);
        self.configurations_installed(now, configured.as_deref());
        self.snapshots.writes.push(SnapshotWrite::Install { at, pairs, agreed, configured, cluster });
        // Entries and compactions that no write has carried yet are void with the log.
        self.snapshots.compacted = None;
        self.durability.cut(Index::ZERO.next());
        self.commit_up_to(at.index);
        self.snapshots.installed = Some(state);
        self.note(Note::SnapshotInstalled { index: at.index, term });
    }

    /// The state of a snapshot that has taken the place of what was applied so far.
    pub(crate) fn take_installed(&mut self) -> Option<StateMachine> {
        self.snapshots.installed.take()
    }

    /// Parts of an earlier snapshot that no write has carried yet are void: a new one begins. So while the disk stands still
    /// they do not add up.
    fn forget_parts(&mut self) {
        let installed = |write: &SnapshotWrite| matches!(write, SnapshotWrite::Install { .. });
        let kept = self.snapshots.writes.iter().rposition(installed).map_or(0, |place| place + 1);
        self.snapshots.writes.truncate(kept);
    }

    /// A snapshot of what is committed here anyway is of no use.
    pub(super) fn drop_needless_assembly(&mut self) {
        if self.snapshots.assembly.as_ref().is_some_and(|assembly| assembly.at.index <= self.commit) {
            self.snapshots.assembly = None;
        }
    }
}
