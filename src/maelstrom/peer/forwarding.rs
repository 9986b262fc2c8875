//! A client's request on its way to the leader, and the leader's answer.

use serde::{Deserialize, Serialize};

use super::Count;
use super::entries::{CommandIn, CommandOut, Lengths, Swap, Write, keep_present};
use crate::maelstrom::scalar::{ScalarIn, ScalarOut};
use crate::node::{Answer, Forward, ForwardAnswer, Message, Operation, Refusal};
use crate::raft::{Payload, Term};

#[derive(Serialize)]
pub(super) struct ForwardOut<'a> {
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
            Operation::Agree(lengths) => (None, Some(CommandOut::from(lengths))),
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
pub(super) struct ForwardIn {
    incarnation: u64,
    sequence: Count,
    floor: Count,
    term: Count,
    #[serde(default, deserialize_with = "keep_present")]
    read: Option<ScalarIn>,
    write: Option<Write>,
    cas: Option<Swap>,
    lease: Option<Lengths>,
}

impl ForwardIn {
    pub(super) fn message(self) -> Result<Message, String> {
        let command = CommandIn { write: self.write, cas: self.cas, lease: self.lease };
        let operation = match (self.read, command.payload()?) {
            (Some(ScalarIn(key)), Payload::Noop) => Operation::Read { key },
            (None, Payload::Command(command)) => Operation::Update(command),
            (None, Payload::Lease(lengths)) => Operation::Agree(lengths),
            _ => return Err("one of `read`, `write`, `cas` and `lease` says what is asked for".to_owned()),
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
    UnsafeLease,
}

#[derive(Serialize)]
pub(super) struct AnswerOut<'a> {
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
            Answer::Value { value, lease_valid, network_round_trips } => {
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
            Answer::Refused(Refusal::UnsafeLease) => AnswerName::UnsafeLease,
        };
        body
    }
}

#[derive(Deserialize)]
pub(super) struct AnswerIn {
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
    pub(super) fn message(self) -> Result<Message, String> {
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
            AnswerName::PreconditionFailed => {
                refused(Refusal::PreconditionFailed { found: value.ok_or("`value` is missing")? })
            }
            AnswerName::KeyMissing => refused(Refusal::KeyMissing),
            AnswerName::NoLeader => refused(Refusal::NoLeader),
            AnswerName::Overloaded => refused(Refusal::Overloaded),
            AnswerName::Superseded => refused(Refusal::Superseded),
            AnswerName::TimedOut => refused(Refusal::TimedOut),
            AnswerName::UnsafeLease => refused(Refusal::UnsafeLease),
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
