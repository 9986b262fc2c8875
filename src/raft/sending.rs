//! A leader's side of a snapshot's way to a follower that has fallen behind the log.
//!
//! The snapshot is a copy of the applied state, which costs nothing. One chunk is under way at a time; it is sent again when
//! no answer has come for two heartbeats, and the follower has answered a round since. Rounds go on meanwhile, without entries, so the follower goes on promising and
//! the leader's lease goes on counting it.

use super::progress::{Progress, Sending};
use super::state::{AppliedState, Context, Raft};
use super::{
    Index, LogBounds, Message, Misbehaviour, NodeId, Position, Received, Role, SnapshotChunk, SnapshotReply,
    StateMachine,
};
use crate::kv::Scalar;
use crate::lease::LeaseRules;
use crate::time::{Reading, Stamp};

/// While a snapshot is on its way, the entries behind it are kept, or else it would end before the log begins; until the log
/// is so many times as long as it may be otherwise.
const OVER_BOUND_MAX: u64 = 4;

/// A snapshot on its way to one follower.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) at: Position,
    state: StateMachine,
    /// So many pairs the follower has ...
    received: u64,
    /// ... and this is the last one's key.
    after: Option<Scalar>,
    /// So many it has once it has the chunk under way, and that one's last key.
    under_way: Option<(u64, Scalar)>,
    /// When the chunk behind them was sent last; `None` when it is to be sent.
    sent: Option<Stamp>,
}

impl Outgoing {
    /// The follower has so many pairs.
    fn seek(&mut self, received: u64) {
        self.received = received;
        self.after = match self.under_way.take() {
            Some((count, key)) if count == received => Some(key),
            // It has begun anew, or somewhere else than was thought: the place is counted out, which takes a while.
            _ => {
                let before = received.checked_sub(1).and_then(|place| usize::try_from(place).ok());
                before.and_then(|place| Some(self.state.values.iter().nth(place)?.0.clone()))
            }
        };
        self.sent = None;
    }
}

impl<R: LeaseRules> Raft<R> {
    /// Drops what the log has too much of, as far as it is applied.
    pub(crate) fn compact(&mut self, applied: Index) {
        let LogBounds { entries_max, bytes_max, .. } = self.settings.log;
        let Some(excess) = self.log.excess(&self.settings.log) else {
            return;
        };
        let far_over =
            self.log.len() / OVER_BOUND_MAX > entries_max || self.log.bytes() / OVER_BOUND_MAX > bytes_max;
        let mut index = excess.min(applied);
        if self.role == Role::Leader && !far_over {
            for progress in &self.leadership.progress {
                index = progress.holds().map_or(index, |first| index.min(first));
            }
        }
        if let Some(index) = self.log.compact(index) {
            self.snapshots.compacted = Some(index);
        }
    }

    /// Sends the chunks that are due.
    pub(super) fn send_snapshots(&mut self, now: &Reading, applied: AppliedState<'_>) {
        // Asked after every input, and nobody gets one most of the time.
        if self.role != Role::Leader || !self.leadership.may_owe_snapshots {
            return;
        }
        let gets_one = |progress: &Progress| progress.sending.is_snapshot();
        self.leadership.may_owe_snapshots = self.leadership.progress.iter().any(gets_one);
        let term = self.term();
        let configuration = self.configuration.clone();
        for peer in configuration.nodes().chain(self.member_to_dismiss()) {
            let progress = &mut self.leadership.progress[peer.index()];
            if matches!(progress.sending, Sending::Wanted) {
                let (index, state) = (applied.index, applied.state.clone());
                let term = self.log.term_at(index).expect("what is applied is not before the base");
                let at = Position { index, term };
                let outgoing = Outgoing { at, state, received: 0, after: None, under_way: None, sent: None };
                progress.sending = Sending::Snapshot(Box::new(outgoing));
            }
            let Sending::Snapshot(outgoing) = &mut progress.sending else {
                continue;
            };
            if let Some(sent) = outgoing.sent {
                let passed = |since: Stamp| now.stamp.elapsed_max(since);
                let answers = progress.heard.is_some_and(|heard| passed(heard) <= passed(sent));
                if !answers || passed(sent) < self.settings.heartbeat * 2 {
                    continue;
                }
            }
            outgoing.sent = Some(now.stamp);
            let StateMachine { values, agreed, configured, cluster } = &outgoing.state;
            let (pairs, last) = values.chunk(outgoing.after.as_ref(), self.settings.log.chunk_bytes_max);
            let (at, agreed, offset) = (outgoing.at, *agreed, outgoing.received);
            let key = pairs.last().map(|(key, _)| key.clone());
            outgoing.under_way = key.map(|key| (offset + pairs.len() as u64, key));
            let (configured, cluster) = (configured.clone(), cluster.clone());
            let chunk = SnapshotChunk { term, at, agreed, configured, cluster, offset, pairs, last };
            self.send(peer, Message::Snapshot(Box::new(chunk)));
        }
    }

    #[cold]
    pub(super) fn handle_snapshot_reply(&mut self, cx: &mut Context<'_>, from: NodeId, reply: SnapshotReply) {
        self.see_term(cx, reply.term);
        if self.role != Role::Leader || reply.term != self.term() {
            return;
        }
        let Some(progress) = self.leadership.progress.get_mut(from.index()) else {
            return;
        };
        let Sending::Snapshot(outgoing) = &mut progress.sending else {
            return;
        };
        if outgoing.at.index != reply.index {
            // About an earlier one.
            return;
        }
        match reply.received {
            Received::Pairs(count) if count > outgoing.state.values.len() => {
                self.misbehaves(from, Misbehaviour::AcknowledgesUnsent);
            }
            // More than before; or nothing, after a restart. A number between the two is an older answer.
            Received::Pairs(count) if count > outgoing.received || count == 0 && outgoing.received > 0 => {
                outgoing.seek(count);
            }
            Received::Pairs(_) => {}
            Received::All => {
                let latest = self.leadership.rounds.latest();
                progress.match_up_to(reply.index.max(progress.matched), self.log.last_index(), latest);
                progress.next = progress.matched.next();
                progress.probe();
                progress.sending = Sending::Tail { until: self.log.last_index() };
                self.leadership.flushed = self.leadership.flushed.min(progress.matched);
                self.continue_transfer(&cx.now);
            }
        }
    }
}
