//! Messages between nodes, each with a type of its own. Numbers are exact integers, lengths and stamps nanoseconds.
//!
//! Fields that are not known are ignored, so that a later version may add some. What a correct node cannot send (a term
//! near the end of counting, a promise of more than a year) is refused here, before it can do harm further in.

mod entries;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::entries::{CommandIn, CommandOut, EntriesOut, EntryIn, keep_present};
use super::scalar::{ScalarIn, ScalarOut};
use crate::lease::Ballot;
use crate::node::{Answer, Forward, ForwardAnswer, Message, Operation, Refusal};
use crate::raft::{self, Append, AppendOutcome, AppendReply, Index, Term, VoteReply, VoteRequest};
use crate::time::{Nanos, Span};

/// Reads the body of a fellow node's message; `None` when its type is not one of theirs.
pub(super) fn parse(kind: &str, json: &str) -> Option<Result<Message, String>> {
    let message = match kind {
        "append" => read::<AppendIn>(json).map(|body| raft::Message::Append(body.into())),
        "append_reply" => read::<AppendReplyBody>(json)
            .and_then(AppendReplyBody::message)
            .map(raft::Message::AppendReply),
        "vote" => read::<VoteBody>(json).map(|body| raft::Message::Vote(body.into())),
        "vote_reply" => read::<VoteReplyBody>(json).map(|body| raft::Message::VoteReply(body.into())),
        "timeout_now" => read::<TimeoutNowBody>(json).map(|body| raft::Message::TimeoutNow {
            term: Term(body.term.0),
        }),
        "forward" => return Some(read::<ForwardIn>(json).and_then(ForwardIn::message)),
        "forward_answer" => return Some(read::<AnswerIn>(json).and_then(AnswerIn::message)),
        _ => return None,
    };
    Some(message.map(Message::Raft))
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// A message's body, as it is written.
pub(super) fn body(message: &Message, msg_id: u64) -> Body<'_> {
    let (kind, fields) = match message {
        Message::Raft(raft::Message::Append(append)) => ("append", Fields::Append(AppendOut::from(append))),
        Message::Raft(raft::Message::AppendReply(reply)) => {
            ("append_reply", Fields::AppendReply(AppendReplyBody::from(reply)))
        }
        Message::Raft(raft::Message::Vote(request)) => ("vote", Fields::Vote(VoteBody::from(request))),
        Message::Raft(raft::Message::VoteReply(reply)) => {
            ("vote_reply", Fields::VoteReply(VoteReplyBody::from(reply)))
        }
        Message::Raft(raft::Message::TimeoutNow { term }) => (
            "timeout_now",
            Fields::TimeoutNow(TimeoutNowBody { term: Count(term.0) }),
        ),
        Message::Forward(forward) => ("forward", Fields::Forward(ForwardOut::from(forward))),
        Message::Answer(answer) => ("forward_answer", Fields::Answer(AnswerOut::from(answer))),
    };
    Body { kind, msg_id, fields }
}

/// What every message has, and its own fields.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    msg_id: u64,
    #[serde(flatten)]
    fields: Fields<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fields<'a> {
    Append(AppendOut<'a>),
    AppendReply(AppendReplyBody),
    Vote(VoteBody),
    VoteReply(VoteReplyBody),
    TimeoutNow(TimeoutNowBody),
    Forward(ForwardOut<'a>),
    Answer(AnswerOut<'a>),
}

/// A term, an index, a round: one can always be added to it.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
struct Count(u64);

impl TryFrom<u64> for Count {
    type Error = &'static str;
    fn try_from(number: u64) -> Result<Count, &'static str> {
        if number <= i64::MAX.unsigned_abs() {
            Ok(Count(number))
        } else {
            Err("a term, an index or a round above 9223372036854775807")
        }
    }
}

impl From<Count> for u64 {
    fn from(count: Count) -> u64 {
        count.0
    }
}

/// The length of a promise.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
struct Promise(u64);

impl TryFrom<u64> for Promise {
    type Error = &'static str;
    fn try_from(nanos: u64) -> Result<Promise, &'static str> {
        if Span::nanos(nanos) <= Span::millis(super::CONFIG_MILLIS_MAX) {
            Ok(Promise(nanos))
        } else {
            Err("a promise of more than a year")
        }
    }
}

impl From<Promise> for u64 {
    fn from(promise: Promise) -> u64 {
        promise.0
    }
}

#[derive(Serialize)]
struct AppendOut<'a> {
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
struct AppendIn {
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
struct AppendReplyBody {
    term: Count,
    round: Count,
    outcome: OutcomeName,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_index: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Count>,
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
        }
    }
}

impl AppendReplyBody {
    fn message(self) -> Result<AppendReply, String> {
        let index = |name, count: Option<Count>| match count {
            Some(count) => Ok(Index(count.0)),
            None => Err(format!("`{name}` is missing")),
        };
        let outcome = match self.outcome {
            OutcomeName::Accepted => AppendOutcome::Accepted {
                matched: index("matched", self.matched)?,
            },
            OutcomeName::Rejected => AppendOutcome::Rejected {
                previous_index: index("previous_index", self.previous_index)?,
                hint: index("hint", self.hint)?,
            },
            OutcomeName::StaleTerm => AppendOutcome::StaleTerm,
        };
        Ok(AppendReply {
            term: Term(self.term.0),
            round: self.round.0,
            outcome,
        })
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
struct VoteBody {
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
struct VoteReplyBody {
    #[serde(with = "BallotName")]
    ballot: Ballot,
    term: Count,
    granted: bool,
}

impl From<&VoteReply> for VoteReplyBody {
    fn from(reply: &VoteReply) -> VoteReplyBody {
        VoteReplyBody {
            ballot: reply.ballot,
            term: Count(reply.term.0),
            granted: reply.granted,
        }
    }
}

impl From<VoteReplyBody> for VoteReply {
    fn from(body: VoteReplyBody) -> VoteReply {
        VoteReply {
            ballot: body.ballot,
            term: Term(body.term.0),
            granted: body.granted,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct TimeoutNowBody {
    term: Count,
}

#[derive(Serialize)]
struct ForwardOut<'a> {
    incarnation: u64,
    sequence: u64,
    floor: u64,
    term: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<ScalarOut<'a>>,
    #[serde(flatten)]
    command: Option<CommandOut<'a>>,
}

impl<'a> From<&'a Forward> for ForwardOut<'a> {
    fn from(forward: &'a Forward) -> ForwardOut<'a> {
        let (read, command) = match &forward.operation {
            Operation::Read { key } => (Some(ScalarOut(key)), None),
            Operation::Update(command) => (None, Some(CommandOut::from(command))),
        };
        ForwardOut {
            incarnation: forward.incarnation,
            sequence: forward.sequence,
            floor: forward.floor,
            term: forward.term.0,
            read,
            command,
        }
    }
}

#[derive(Deserialize)]
struct ForwardIn {
    incarnation: u64,
    sequence: Count,
    floor: Count,
    term: Count,
    #[serde(default, deserialize_with = "keep_present")]
    read: Option<ScalarIn>,
    write: Option<entries::Write>,
    cas: Option<entries::Swap>,
}

impl ForwardIn {
    fn message(self) -> Result<Message, String> {
        let command = CommandIn {
            write: self.write,
            cas: self.cas,
        };
        let operation = match (self.read, command.command()?) {
            (Some(ScalarIn(key)), None) => Operation::Read { key },
            (None, Some(command)) => Operation::Update(command),
            _ => return Err("one of `read`, `write` and `cas` says what is asked for".to_owned()),
        };
        Ok(Message::Forward(Forward {
            incarnation: self.incarnation,
            sequence: self.sequence.0,
            floor: self.floor.0,
            term: Term(self.term.0),
            operation,
        }))
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnswerName {
    Value,
    Done,
    KeyMissing,
    PreconditionFailed,
    NoLeader,
    Overloaded,
    Superseded,
    TimedOut,
}

#[derive(Serialize)]
struct AnswerOut<'a> {
    incarnation: u64,
    sequence: u64,
    answer: AnswerName,
    /// The value read, or the one found where a condition failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<ScalarOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_valid: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_round_trips: Option<u32>,
}

impl<'a> From<&'a ForwardAnswer> for AnswerOut<'a> {
    fn from(message: &'a ForwardAnswer) -> AnswerOut<'a> {
        let mut body = AnswerOut {
            incarnation: message.incarnation,
            sequence: message.sequence,
            answer: AnswerName::Done,
            value: None,
            lease_valid: None,
            network_round_trips: None,
        };
        body.answer = match &message.answer {
            Answer::Value {
                value,
                lease_valid,
                network_round_trips,
            } => {
                body.value = value.as_ref().map(ScalarOut);
                body.lease_valid = Some(*lease_valid);
                body.network_round_trips = Some(*network_round_trips);
                AnswerName::Value
            }
            Answer::Done => AnswerName::Done,
            Answer::Refused(Refusal::PreconditionFailed { found }) => {
                body.value = Some(ScalarOut(found));
                AnswerName::PreconditionFailed
            }
            Answer::Refused(Refusal::KeyMissing) => AnswerName::KeyMissing,
            Answer::Refused(Refusal::NoLeader) => AnswerName::NoLeader,
            Answer::Refused(Refusal::Overloaded) => AnswerName::Overloaded,
            Answer::Refused(Refusal::Superseded) => AnswerName::Superseded,
            Answer::Refused(Refusal::TimedOut) => AnswerName::TimedOut,
        };
        body
    }
}

#[derive(Deserialize)]
struct AnswerIn {
    incarnation: u64,
    sequence: Count,
    answer: AnswerName,
    #[serde(default, deserialize_with = "keep_present")]
    value: Option<ScalarIn>,
    lease_valid: Option<bool>,
    /// 16 bits leave room to add our own to it.
    network_round_trips: Option<u16>,
}

impl AnswerIn {
    fn message(self) -> Result<Message, String> {
        let value = self.value.map(|value| value.0);
        let refused = |refusal| Ok(Answer::Refused(refusal));
        let answer = match self.answer {
            AnswerName::Value => Ok(Answer::Value {
                value,
                lease_valid: self.lease_valid.ok_or("`lease_valid` is missing")?,
                network_round_trips: self
                    .network_round_trips
                    .ok_or("`network_round_trips` is missing")?
                    .into(),
            }),
            AnswerName::Done => Ok(Answer::Done),
            AnswerName::PreconditionFailed => refused(Refusal::PreconditionFailed {
                found: value.ok_or("`value` is missing")?,
            }),
            AnswerName::KeyMissing => refused(Refusal::KeyMissing),
            AnswerName::NoLeader => refused(Refusal::NoLeader),
            AnswerName::Overloaded => refused(Refusal::Overloaded),
            AnswerName::Superseded => refused(Refusal::Superseded),
            AnswerName::TimedOut => refused(Refusal::TimedOut),
        };
        answer.map(|answer| {
            Message::Answer(ForwardAnswer {
                incarnation: self.incarnation,
                sequence: self.sequence.0,
                answer,
            })
        })
    }
}
