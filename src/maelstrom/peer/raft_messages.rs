//! Raft's own messages: rounds and votes, and the answers to them.

use serde::{Deserialize, Serialize};

use super::entries::{EntriesOut, EntryIn};
use super::error::PeerError;
use super::members::checked_name;
use super::numbers::{Count, Hex, Promise};
use crate::lease::Ballot;
use crate::raft::{Append, AppendOutcome, AppendReply, Index, StateDigest, Term, VoteReply, VoteRequest};
use crate::time::{Nanos, Span};

#[derive(Serialize)]
pub(super) struct AppendOut<'a> {
    term: u64,
    round: u64,
    promise_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stamp_ns: Option<u64>,
    previous_index: u64,
    previous_term: u64,
    commit: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<EntriesOut<'a>>,
}

impl<'a> From<&'a Append> for AppendOut<'a> {
    fn from(append: &'a Append) -> AppendOut<'a> {
        AppendOut {
            term: append.term.0,
            round: append.round,
            promise_ns: append.promise.as_nanos(),
            stamp_ns: append.stamp.map(|stamp| stamp.0),
            previous_index: append.previous_index.0,
            previous_term: append.previous_term.0,
            commit: append.commit.0,
            entries: append.entries.as_deref().map(EntriesOut),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct AppendIn {
    term: Count,
    round: Count,
    promise_ns: Promise,
    stamp_ns: Option<u64>,
    previous_index: Count,
    previous_term: Count,
    commit: Count,
    #[serde(default)]
    entries: Vec<EntryIn>,
}

impl From<AppendIn> for Append {
    fn from(body: AppendIn) -> Append {
        let entries = body.entries;
        Append {
            term: Term(body.term.0),
            round: body.round.0,
            promise: Span::nanos(body.promise_ns.0),
            stamp: body.stamp_ns.map(Nanos),
            previous_index: Index(body.previous_index.0),
            previous_term: Term(body.previous_term.0),
            commit: Index(body.commit.0),
            entries: (!entries.is_empty()).then(|| entries.into_iter().map(|entry| entry.0).collect()),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct AppendReplyBody {
    term: Count,
    round: Count,
    outcome: OutcomeName,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_index: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_hash: Option<Hex>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeName {
    Accepted,
    Rejected,
    StaleTerm,
}

impl From<&AppendReply> for AppendReplyBody {
    fn from(reply: &AppendReply) -> AppendReplyBody {
        let (outcome, matched, previous_index, hint) = match reply.outcome {
            AppendOutcome::Accepted { matched } => (OutcomeName::Accepted, Some(matched), None, None),
            AppendOutcome::Rejected { previous_index, hint } => {
                (OutcomeName::Rejected, None, Some(previous_index), Some(hint))
            }
            AppendOutcome::StaleTerm => (OutcomeName::StaleTerm, None, None, None),
        };
        let count = |index: Option<Index>| index.map(|index| Count(index.0));
        AppendReplyBody {
            term: Count(reply.term.0),
            round: Count(reply.round),
            outcome,
            matched: count(matched),
            previous_index: count(previous_index),
            hint: count(hint),
            applied: count(reply.state.map(|state| state.index)),
            state_hash: reply.state.map(|state| Hex(state.hash)),
        }
    }
}

impl AppendReplyBody {
    pub(super) fn message(self) -> Result<AppendReply, PeerError> {
        let index = |name, count: Option<Count>| match count {
            Some(count) => Ok(Index(count.0)),
            None => Err(PeerError::Missing(name)),
        };
        let outcome = match self.outcome {
            OutcomeName::Accepted => AppendOutcome::Accepted { matched: index("matched", self.matched)? },
            OutcomeName::Rejected => AppendOutcome::Rejected {
                previous_index: index("previous_index", self.previous_index)?,
                hint: index("hint", self.hint)?,
            },
            OutcomeName::StaleTerm => AppendOutcome::StaleTerm,
        };
        let state = match (self.applied, self.state_hash) {
            (Some(index), Some(hash)) => Some(StateDigest { index: Index(index.0), hash: hash.0 }),
            (None, None) => None,
            (Some(_), None) => return Err(PeerError::Missing("state_hash")),
            (None, Some(_)) => return Err(PeerError::Missing("applied")),
        };
        Ok(AppendReply { term: Term(self.term.0), round: self.round.0, outcome, state })
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(remote = "Ballot", rename_all = "snake_case")]
enum BallotName {
    PreVote,
    Vote,
    TransferVote,
}

#[derive(Serialize, Deserialize)]
pub(super) struct VoteBody {
    #[serde(with = "BallotName")]
    ballot: Ballot,
    term: Count,
    last_index: Count,
    last_term: Count,
}

impl From<&VoteRequest> for VoteBody {
    fn from(request: &VoteRequest) -> VoteBody {
        VoteBody {
            ballot: request.ballot,
            term: Count(request.term.0),
            last_index: Count(request.last_index.0),
            last_term: Count(request.last_term.0),
        }
    }
}

impl From<VoteBody> for VoteRequest {
    fn from(body: VoteBody) -> VoteRequest {
        VoteRequest {
            ballot: body.ballot,
            term: Term(body.term.0),
            last_index: Index(body.last_index.0),
            last_term: Term(body.last_term.0),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct VoteReplyBody {
    #[serde(with = "BallotName")]
    ballot: Ballot,
    term: Count,
    granted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<String>,
}

impl From<&VoteReply> for VoteReplyBody {
    fn from(reply: &VoteReply) -> VoteReplyBody {
        let leader = reply.leader.as_deref().map(str::to_owned);
        VoteReplyBody { ballot: reply.ballot, term: Count(reply.term.0), granted: reply.granted, leader }
    }
}

impl VoteReplyBody {
    pub(super) fn message(self) -> Result<VoteReply, PeerError> {
        let leader = self.leader.as_deref().map(checked_name).transpose()?;
        Ok(VoteReply { ballot: self.ballot, term: Term(self.term.0), granted: self.granted, leader })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct TimeoutNowBody {
    pub(super) term: Count,
}
