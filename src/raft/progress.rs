//! What a leader knows of one member, and what is on its way there.

use std::collections::VecDeque;

use super::Index;
use super::sending::Outgoing;
use crate::time::Stamp;

/// Entries sent to a follower and not yet acknowledged by it ...
const PIPELINE_ENTRIES_MAX: u64 = 4_096;
/// ... and about how many bytes of them; a single message may be larger.
const PIPELINE_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// How far one member has come, as its leader knows it.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    /// Its log matches up to here, on stable storage.
    pub(super) matched: Index,
    /// The newest round that had been sent to anybody when that came to be known. It holds the entries when it gets a later
    /// one, unless it has lost them.
    matched_before: u64,
    /// The next entry to send.
    pub(super) next: Index,
    /// It is not known where its log and ours part: one message at a time until one is accepted.
    pub(super) probing: bool,
    /// A probe is under way.
    pub(super) probe_sent: bool,
    /// It lacks entries that are dropped here, so it gets a snapshot and, until it has that, no entries.
    pub(super) sending: Sending,
    /// The newest round it has acknowledged, as far as the lease rules count it.
    pub(super) round: u64,
    /// The newest round that was sent to it. A round is opened for all, and may have nothing for some.
    pub(super) round_sent: u64,
    /// The last entry of each message under way, and the message's bytes.
    in_flight: VecDeque<(Index, usize)>,
    in_flight_bytes: usize,
    /// The newest round that it has acknowledged in this term, whether or not that counts for a lease ...
    pub(super) heard_round: u64,
    /// ... and when that came in.
    pub(super) heard: Option<Stamp>,
}

impl Progress {
    /// Nothing is known of it, and `next` is tried first.
    pub(super) fn unknown(next: Index) -> Progress {
        Progress {
            matched: Index::ZERO,
            matched_before: 0,
            next,
            probing: true,
            probe_sent: false,
            sending: Sending::Nothing,
            round: 0,
            round_sent: 0,
            in_flight: VecDeque::new(),
            in_flight_bytes: 0,
            heard_round: 0,
            heard: None,
        }
    }

    /// Its log matches up to `index`, which no acknowledgement takes back. A leader's own log ends at `last`, and its newest
    /// round is `latest`.
    pub(super) fn match_up_to(&mut self, index: Index, last: Index, latest: u64) {
        assert!(index >= self.matched, "what a member holds of a leader's log only grows in its term");
        assert!(index <= last, "a member's log matches no further than the leader's own log goes");
        self.matched = index;
        self.matched_before = latest;
    }

    /// It says, in answer to that round, that it lacks the entry at `index`. Has it had that one? An answer to an older round
    /// is no proof: messages overtake each other.
    pub(super) fn has_lost(&self, index: Index, round: u64) -> bool {
        Index::ZERO < index && index <= self.matched && round > self.matched_before
    }

    pub(super) fn has_room(&self) -> bool {
        self.next.0 - self.matched.0 <= PIPELINE_ENTRIES_MAX && self.in_flight_bytes < PIPELINE_BYTES_MAX
    }

    pub(super) fn sent(&mut self, last: Index, bytes: usize) {
        self.in_flight.push_back((last, bytes));
        self.in_flight_bytes += bytes;
    }

    /// What was sent up to `matched` has arrived.
    pub(super) fn arrived(&mut self, matched: Index) {
        while self.in_flight.front().is_some_and(|(last, _)| *last <= matched) {
            let (_, bytes) = self.in_flight.pop_front().expect("the front was looked at");
            self.in_flight_bytes -= bytes;
        }
    }

    /// It is not known what arrives of what was sent.
    pub(super) fn probe(&mut self) {
        self.probing = true;
        self.probe_sent = false;
        self.in_flight.clear();
        self.in_flight_bytes = 0;
    }

    /// Where the entries begin that a snapshot would be in vain without.
    pub(super) fn holds(&self) -> Option<Index> {
        match &self.sending {
            Sending::Nothing | Sending::Wanted => None,
            Sending::Snapshot(outgoing) => Some(outgoing.at.index),
            Sending::Tail { .. } => Some(self.matched),
        }
    }

    /// It has caught up with what gathered while it got a snapshot.
    pub(super) fn end_tail(&mut self) {
        if matches!(self.sending, Sending::Tail { until } if self.matched >= until) {
            self.sending = Sending::Nothing;
        }
    }
}

/// Does a follower get a snapshot?
#[derive(Debug, Clone)]
pub(super) enum Sending {
    /// No.
    Nothing,
    /// As soon as it is made.
    Wanted,
    /// It is on its way.
    Snapshot(Box<Outgoing>),
    /// It has got one, and now the entries behind that, up to here: those that gathered meanwhile.
    Tail {
        /// The last of them.
        until: Index,
    },
}

impl Sending {
    /// Is it of no use to send entries?
    pub(super) fn is_snapshot(&self) -> bool {
        matches!(self, Sending::Wanted | Sending::Snapshot(_))
    }
}
