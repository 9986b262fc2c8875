//! A client's request on its way to the leader, and the leader's answer.

use serde::{Deserialize, Serialize};

use super::entries::{CommandIn, CommandOut, Lengths, Swap, Write, keep_present};
use super::error::PeerError;
use super::members::{ChangeIn, MembersIn, MembersOut};
use super::numbers::{Count, Hex};
use crate::maelstrom::scalar::{ScalarIn, ScalarOut};
use crate::node::{Answer, Forward, ForwardAnswer, Message, Operation, Refusal};
use crate::raft::{Index, MembershipFault, Payload, Term};

#[derive(Serialize)]
pub(super) struct ForwardOut<'a> {
    /// First, since pictures of message flows show how a message begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<ScalarOut<'a>>,
    #[serde(flatten)]
    command: Option<CommandOut<'a>>,
    incarnation: Hex,
    sequence: u64,
    floor: u64,
    term: u64,
}

impl<'a> From<&'a Forward> for ForwardOut<'a> {
    fn from(forward: &'a Forward) -> ForwardOut<'a> {
        let (read, command) = match &forward.operation {
            Operation::Read { key } => (Some(ScalarOut(key)), None),
            Operation::Update(command) => (None, Some(CommandOut::from(command))),
            Operation::Agree(lengths) => (None, Some(CommandOut::from(lengths))),
            Operation::Change(change) => (None, Some(CommandOut::Change(change.into()))),
        };
        ForwardOut {
            read,
            command,
            incarnation: Hex(forward.incarnation),
            sequence: forward.sequence,
            floor: forward.floor,
            term: forward.term.0,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ForwardIn {
    incarnation: Hex,
    sequence: Count,
    floor: Count,
    term: Count,
    #[serde(default, deserialize_with = "keep_present")]
    read: Option<ScalarIn>,
    write: Option<Write>,
    cas: Option<Swap>,
    lease: Option<Lengths>,
    change: Option<ChangeIn>,
}

impl ForwardIn {
    pub(super) fn message(self) -> Result<Message, PeerError> {
        let command = CommandIn { write: self.write, cas: self.cas, lease: self.lease };
        let operation = match (self.read, command.payload()?, self.change) {
            (Some(ScalarIn(key)), Payload::Noop, None) => Operation::Read { key },
            (None, Payload::Command(command), None) => Operation::Update(command),
            (None, Payload::Lease(lengths), None) => Operation::Agree(lengths),
            (None, Payload::Noop, Some(change)) => Operation::Change(change.change()?),
            _ => {
                return Err(PeerError::NoOperation);
            }
        };
        Ok(Message::Forward(Box::new(Forward {
            incarnation: self.incarnation.0,
            sequence: self.sequence.0,
            floor: self.floor.0,
            term: Term(self.term.0),
            operation,
        })))
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
    Configured,
    ChangeUnderWay,
    Behind,
    NoQuorum,
    IsLearner,
    IsVoter,
    NotMember,
    LastVoter,
    TooMany,
}

#[derive(Serialize)]
pub(super) struct AnswerOut<'a> {
    answer: AnswerName,
    /// The value read, or the one found where a condition failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<ScalarOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_valid: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_round_trips: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<MembersOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<u64>,
    incarnation: Hex,
    sequence: u64,
}

impl<'a> From<&'a ForwardAnswer> for AnswerOut<'a> {
    fn from(message: &'a ForwardAnswer) -> AnswerOut<'a> {
        let mut body = AnswerOut {
            incarnation: Hex(message.incarnation),
            sequence: message.sequence,
            answer: AnswerName::Done,
            value: None,
            lease_valid: None,
            network_round_trips: None,
            index: None,
            configuration: None,
            lag: None,
        };
        body.answer = match &message.answer {
            Answer::Value { value, lease_valid, network_round_trips } => {
                body.value = value.as_ref().map(ScalarOut);
                body.lease_valid = Some(*lease_valid);
                body.network_round_trips = Some(*network_round_trips);
                AnswerName::Value
            }
            Answer::Done => AnswerName::Done,
            Answer::Configured { index, members } => {
                body.index = Some(index.0);
                body.configuration = Some(MembersOut::from(&**members));
                AnswerName::Configured
            }
            Answer::Refused(Refusal::Membership(fault)) => {
                if let MembershipFault::Behind { lag } = fault {
                    body.lag = Some(*lag);
                }
                name_of(*fault)
            }
            Answer::Refused(Refusal::PreconditionFailed { found }) => {
                body.value = Some(ScalarOut(found));
                AnswerName::PreconditionFailed
            }
            Answer::Refused(Refusal::KeyMissing) => AnswerName::KeyMissing,
            // A leader hears itself.
            Answer::Refused(Refusal::NoLeader | Refusal::Unreachable { .. }) => AnswerName::NoLeader,
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
    incarnation: Hex,
    sequence: Count,
    answer: AnswerName,
    #[serde(default, deserialize_with = "keep_present")]
    value: Option<ScalarIn>,
    lease_valid: Option<bool>,
    /// 16 bits leave room to add our own to it.
    network_round_trips: Option<u16>,
    index: Option<Count>,
    configuration: Option<MembersIn>,
    lag: Option<Count>,
}

fn name_of(fault: MembershipFault) -> AnswerName {
    match fault {
        MembershipFault::UnderWay => AnswerName::ChangeUnderWay,
        MembershipFault::Behind { .. } => AnswerName::Behind,
        MembershipFault::NoQuorum => AnswerName::NoQuorum,
        MembershipFault::IsLearner => AnswerName::IsLearner,
        MembershipFault::IsVoter => AnswerName::IsVoter,
        MembershipFault::NotMember => AnswerName::NotMember,
        MembershipFault::LastVoter => AnswerName::LastVoter,
        MembershipFault::TooMany => AnswerName::TooMany,
    }
}

impl AnswerIn {
    pub(super) fn message(self) -> Result<Message, PeerError> {
        let value = self.value.map(|value| value.0);
        let refused = |refusal| Ok(Answer::Refused(refusal));
        let unchanged = |fault| refused(Refusal::Membership(fault));
        let answer = match self.answer {
            AnswerName::Value => Ok(Answer::Value {
                value,
                lease_valid: self.lease_valid.ok_or(PeerError::Missing("lease_valid"))?,
                network_round_trips: self
                    .network_round_trips
                    .ok_or(PeerError::Missing("network_round_trips"))?
                    .into(),
            }),
            AnswerName::Done => Ok(Answer::Done),
            AnswerName::PreconditionFailed => {
                refused(Refusal::PreconditionFailed { found: value.ok_or(PeerError::Missing("value"))? })
            }
            AnswerName::KeyMissing => refused(Refusal::KeyMissing),
            AnswerName::NoLeader => refused(Refusal::NoLeader),
            AnswerName::Overloaded => refused(Refusal::Overloaded),
            AnswerName::Superseded => refused(Refusal::Superseded),
            AnswerName::TimedOut => refused(Refusal::TimedOut),
            AnswerName::UnsafeLease => refused(Refusal::UnsafeLease),
            AnswerName::Configured => Ok(Answer::Configured {
                index: Index(self.index.ok_or(PeerError::Missing("index"))?.0),
                members: Box::new(self.configuration.ok_or(PeerError::Missing("configuration"))?.members()?),
            }),
            AnswerName::ChangeUnderWay => unchanged(MembershipFault::UnderWay),
            AnswerName::Behind => {
                unchanged(MembershipFault::Behind { lag: self.lag.ok_or(PeerError::Missing("lag"))?.0 })
            }
            AnswerName::NoQuorum => unchanged(MembershipFault::NoQuorum),
            AnswerName::IsLearner => unchanged(MembershipFault::IsLearner),
            AnswerName::IsVoter => unchanged(MembershipFault::IsVoter),
            AnswerName::NotMember => unchanged(MembershipFault::NotMember),
            AnswerName::LastVoter => unchanged(MembershipFault::LastVoter),
            AnswerName::TooMany => unchanged(MembershipFault::TooMany),
        };
        answer.map(|answer| {
            Message::Answer(ForwardAnswer {
                incarnation: self.incarnation.0,
                sequence: self.sequence.0,
                answer,
            })
        })
    }
}
