//! What Raft nodes say to each other.

use std::sync::Arc;

use super::{Entry, Index, Name, SnapshotChunk, SnapshotReply, StateDigest, Term};
use crate::lease::Ballot;
use crate::time::{Nanos, Span};

/// A message between Raft nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A candidate asks for a vote.
    Vote(VoteRequest),
    /// A voter's answer.
    VoteReply(VoteReply),
    /// A leader's round: entries, or none (a heartbeat).
    Append(Append),
    /// A follower's answer.
    AppendReply(AppendReply),
    /// A part of a snapshot. Boxed, as it is large and rare, and every message is as large as the largest.
    Snapshot(Box<SnapshotChunk>),
    /// A follower's answer.
    SnapshotReply(SnapshotReply),
    /// The leader of `term` tells the receiver to campaign at once.
    TimeoutNow {
        /// The sender's term.
        term: Term,
    },
}

impl Message {
    /// The term it speaks of.
    pub fn term(&self) -> Term {
        match self {
            Message::Vote(request) => request.term,
            Message::VoteReply(reply) => reply.term,
            Message::Append(append) => append.term,
            Message::AppendReply(reply) => reply.term,
            Message::Snapshot(chunk) => chunk.term,
            Message::SnapshotReply(reply) => reply.term,
            Message::TimeoutNow { term } => *term,
        }
    }
}

/// A candidate's request for a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoteRequest {
    /// What is asked for.
    pub ballot: Ballot,
    /// The term the candidate wants to lead.
    pub term: Term,
    /// The candidate's last entry.
    pub last_index: Index,
    /// Its term.
    pub last_term: Term,
}

/// A voter's answer to a [`VoteRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteReply {
    /// What was asked for.
    pub ballot: Ballot,
    /// The term voted in when granted, else the voter's own term.
    pub term: Term,
    /// Granted or refused.
    pub granted: bool,
    /// With the refusal of a pre-vote: the leader that the voter follows and has heard in the last heartbeats.
    pub leader: Option<Name>,
}

/// A leader's round, to one follower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The leader's term.
    pub term: Term,
    /// The round's number, counted from 1 in each term; comes back in the acknowledgement.
    pub round: u64,
    /// `T`: for how long the receiver promises not to vote by accepting this. Zero from a leader that hears no quorum: no
    /// promise is asked for, and those given before stay as they are.
    pub promise: Span,
    /// The leader's wall-clock stamp (the earliest time it could be) in the deadline form of lease.
    pub stamp: Option<Nanos>,
    /// The entry before `entries`.
    pub previous_index: Index,
    /// Its term.
    pub previous_term: Term,
    /// The leader's commit index.
    pub commit: Index,
    /// Entries, shared between the followers they go to; `None` for a bare heartbeat.
    pub entries: Option<Arc<[Entry]>>,
}

/// A follower's answer to an [`Append`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendReply {
    /// The follower's term.
    pub term: Term,
    /// The round that is acknowledged: the follower has promised.
    pub round: u64,
    /// What became of the entries.
    pub outcome: AppendOutcome,
    /// The follower's applied state; not in every answer.
    pub state: Option<StateDigest>,
}

/// What became of an [`Append`]'s entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendOutcome {
    /// The follower's log is the leader's up to here, on stable storage.
    Accepted {
        /// Last index known to match.
        matched: Index,
    },
    /// The entry before the new ones is not in the follower's log.
    Rejected {
        /// The `previous_index` that was refused.
        previous_index: Index,
        /// Where the leader should try next.
        hint: Index,
    },
    /// The sender is not the leader of the follower's term.
    StaleTerm,
}
