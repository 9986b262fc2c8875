//! Answers to clients: what an [`Answer`] of the node looks like to whoever asked.

use serde::Serialize;

use super::fields::shown;
use super::peer::members::MembersOut;
use super::scalar::ScalarOut;
use super::{ErrorCode, Fault, MetricsReply, MsgId, RequestKind, StatusReply};
use crate::kv::Scalar;
use crate::lease::{Judgement, LeaseSettings};
use crate::node::{Answer, HandoverOutcome, Refusal};
use crate::raft::{Members, MembershipFault, Names};

/// An answer to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To `init`: the node knows its cluster.
    InitOk,
    /// To `read`: the value and nothing else.
    ReadOk {
        /// The key's value, spelled as it was written.
        value: Scalar,
    },
    /// To `lease_read`: the value, and how it was confirmed.
    LeaseReadOk {
        /// The key's value, spelled as it was written.
        value: Scalar,
        /// The leader answered by itself, under its lease.
        lease_valid: bool,
        /// Round trips that the read waited for.
        network_round_trips: u32,
    },
    /// To `write`: the value is committed.
    WriteOk,
    /// To `cas`: the new value is committed.
    CasOk,
    /// To `lease_read_config` without `apply`: nothing was changed. What would be survived is there if it was asked for.
    ConfigOk(Judgement, Option<Survived>),
    /// To `lease_read_config` with `apply`: the cluster uses them.
    ConfigApplied(Judgement),
    /// To `transfer`: the successor leads.
    TransferOk {
        /// The name of the new leader.
        leader: Box<str>,
        /// The term that it leads.
        term: u64,
    },
    /// To `membership`: the change is committed.
    MembershipOk {
        /// The members after the change.
        members: Box<Members>,
        /// The entry that made them so.
        index: u64,
    },
    /// To `status`: the node as it sees itself.
    Status(Box<StatusReply>),
    /// To `metrics`: counts since the process started.
    Metrics(Box<MetricsReply>),
    /// To `metrics` in a format that is one text.
    MetricsText(String),
    /// To any request: what is wrong, and whether it may have happened.
    Error(Fault),
}

/// What lengths would survive beyond what they declare (docs/clock-assumption.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survived {
    /// `T - (D - s)` in milliseconds: how far clocks may be apart or diverge, the declared skew included.
    pub margin_ms: i64,
    /// Clock rates within one plus or minus this are survived in the elapsed form, in millionths.
    pub rate_ppm: u64,
    /// A pause of a leader's machine that none of its clocks counts is survived up to this, in milliseconds.
    pub pause_ms: u64,
}

impl From<LeaseSettings> for Survived {
    fn from(settings: LeaseSettings) -> Survived {
        let margin_ms = settings.margin_ms();
        let pause_ms = u64::try_from(margin_ms).unwrap_or(0);
        Survived { margin_ms, rate_ppm: settings.rate_survived_ppm(), pause_ms }
    }
}

impl Reply {
    /// The node's answer to a request of that kind.
    pub fn to_request(kind: RequestKind, answer: Answer) -> Reply {
        match (kind, answer) {
            (_, Answer::Refused(refusal)) => Reply::Error(fault(&refusal)),
            (_, Answer::Value { value: None, .. }) => Reply::Error(fault(&Refusal::KeyMissing)),
            (
                RequestKind::LeaseRead,
                Answer::Value { value: Some(value), lease_valid, network_round_trips },
            ) => Reply::LeaseReadOk { value, lease_valid, network_round_trips },
            (_, Answer::Value { value: Some(value), .. }) => Reply::ReadOk { value },
            (RequestKind::Cas, Answer::Done) => Reply::CasOk,
            (RequestKind::Write, Answer::Done) => Reply::WriteOk,
            (RequestKind::Apply(settings), Answer::Done) => Reply::ConfigApplied(settings.judge()),
            (RequestKind::Membership, Answer::Configured { index, members }) => {
                Reply::MembershipOk { members, index: index.0 }
            }
            (RequestKind::Membership, Answer::Done) | (_, Answer::Configured { .. }) => Reply::Error(
                Fault::new(ErrorCode::Crash, "the leader answered something else than was asked"),
            ),
            // Only a faulty fellow node's answer to a forwarded read can look like this.
            (RequestKind::Read | RequestKind::LeaseRead, Answer::Done) => {
                Reply::Error(Fault::new(ErrorCode::Crash, "the leader answered a read as if it were a write"))
            }
        }
    }

    /// The body, as an answer to the message of that number.
    pub(super) fn body(&self, in_reply_to: MsgId, msg_id: u64) -> ReplyBody<'_> {
        let body = ReplyBody { in_reply_to: Some(in_reply_to), msg_id, ..ReplyBody::default() };
        match self {
            Reply::InitOk => ReplyBody { kind: "init_ok", ..body },
            Reply::WriteOk => ReplyBody { kind: "write_ok", ..body },
            Reply::CasOk => ReplyBody { kind: "cas_ok", ..body },
            Reply::ReadOk { value } => ReplyBody { kind: "read_ok", value: Some(ScalarOut(value)), ..body },
            Reply::LeaseReadOk { value, lease_valid, network_round_trips } => ReplyBody {
                kind: "lease_read_ok",
                value: Some(ScalarOut(value)),
                lease_valid: Some(*lease_valid),
                network_round_trips: Some(*network_round_trips),
                ..body
            },
            Reply::ConfigOk(judgement, survived) => ReplyBody {
                kind: "lease_read_config_ok",
                safe: Some(judgement.safe),
                effective_lease_ms: Some(judgement.effective.as_millis()),
                reason: Some(&judgement.reason),
                margin_ms: survived.map(|survived| survived.margin_ms),
                rate_survived_ppm: survived.map(|survived| survived.rate_ppm),
                pause_survived_ms: survived.map(|survived| survived.pause_ms),
                ..body
            },
            Reply::ConfigApplied(judgement) => ReplyBody {
                kind: "lease_read_config_ok",
                safe: Some(judgement.safe),
                effective_lease_ms: Some(judgement.effective.as_millis()),
                reason: Some(&judgement.reason),
                applied: Some(true),
                ..body
            },
            Reply::TransferOk { leader, term } => {
                ReplyBody { kind: "transfer_ok", leader: Some(leader), term: Some(*term), ..body }
            }
            Reply::MembershipOk { members, index } => {
                let MembersOut { voters, learners } = MembersOut::from(&**members);
                ReplyBody {
                    kind: "membership_ok",
                    voters: Some(voters),
                    learners: Some(learners),
                    index: Some(*index),
                    ..body
                }
            }
            Reply::MetricsText(text) => ReplyBody { kind: "metrics_ok", text: Some(text), ..body },
            Reply::Status(_) | Reply::Metrics(_) => unreachable!("reports have bodies of their own"),
            Reply::Error(fault) => {
                ReplyBody { kind: "error", code: Some(fault.code.number()), text: Some(&fault.text), ..body }
            }
        }
    }
}

/// What became of a transfer, as an answer.
pub fn transfer_reply(outcome: HandoverOutcome, names: &Names) -> Reply {
    let unavailable = |text: String| Reply::Error(Fault::new(ErrorCode::TemporarilyUnavailable, text));
    match outcome {
        HandoverOutcome::Done { leader, term } => {
            Reply::TransferOk { leader: (&**names.name(leader)).into(), term: term.0 }
        }
        HandoverOutcome::NotLeader { leader: Some(leader) } => {
            let leader = names.name(leader);
            unavailable(format!("this node does not lead: send the transfer to {leader:?}, which does"))
        }
        HandoverOutcome::NotLeader { leader: None } => unavailable(
            "this node does not lead and knows nobody who does: ask again after the election".to_owned(),
        ),
        HandoverOutcome::Busy => {
            unavailable("another transfer is under way: ask again when it is over".to_owned())
        }
        HandoverOutcome::NoSuccessor => unavailable(
            "no other voter has answered this leader: there is nobody that leadership could go to".to_owned(),
        ),
        HandoverOutcome::Silent { successor } => Reply::Error(Fault::new(
            ErrorCode::Abort,
            format!("{:?} has not answered this leader for a few heartbeats", names.name(successor)),
        )),
        HandoverOutcome::GivenUp => Reply::Error(Fault::new(
            ErrorCode::Abort,
            "the successor did not answer or catch up in time; this node goes on leading, with a lease",
        )),
        HandoverOutcome::Elsewhere { leader, term } => Reply::Error(Fault::new(
            ErrorCode::Abort,
            format!("{:?} was elected in term {} instead", names.name(leader), term.0),
        )),
        HandoverOutcome::Unknown => Reply::Error(Fault::new(
            ErrorCode::Timeout,
            "the successor was told to campaign, and no leader is known since: ask for the status",
        )),
    }
}

/// Definite codes only where the node is sure that the operation did not happen and never will.
fn fault(refusal: &Refusal) -> Fault {
    match refusal {
        Refusal::KeyMissing => Fault::new(
            ErrorCode::KeyDoesNotExist,
            "there is no such key: write it, or use cas with create_if_not_exists",
        ),
        Refusal::PreconditionFailed { found } => Fault::new(
            ErrorCode::PreconditionFailed,
            format!("the key holds {}, which is not what `from` expects", shown(&found.to_string())),
        ),
        Refusal::NoLeader => Fault::new(
            ErrorCode::TemporarilyUnavailable,
            "no leader was found in time (an election is under way, or no majority can be reached); nothing was done, \
             try again",
        ),
        Refusal::Unreachable { leader, by } => Fault::new(
            ErrorCode::TemporarilyUnavailable,
            format!(
                "{leader:?} leads and {by:?} hears it, but this node does not; nothing was done, ask another node"
            ),
        ),
        Refusal::Overloaded => Fault::new(
            ErrorCode::TemporarilyUnavailable,
            "too many requests are waiting at this node; nothing was done, try again later",
        ),
        Refusal::UnsafeLease => Fault::new(
            ErrorCode::PreconditionFailed,
            "the leader calls these lengths unsafe; nothing was changed. Ask without `apply` for the reason",
        ),
        Refusal::Membership(fault) => membership_fault(*fault),
        Refusal::Superseded => Fault::new(
            ErrorCode::Abort,
            "the leader lost its office before the change was committed, and another one's took its place; nothing \
             was done, try again",
        ),
        Refusal::TimedOut => Fault::new(
            ErrorCode::Timeout,
            "no answer in time: the change may have taken effect, may yet, or never; read before trying again",
        ),
    }
}

fn membership_fault(fault: MembershipFault) -> Fault {
    let (code, text) = match fault {
        MembershipFault::UnderWay => (
            ErrorCode::TemporarilyUnavailable,
            "the last change of members is not settled yet, or the leader has only just been elected; nothing was \
             changed, try again"
                .to_owned(),
        ),
        MembershipFault::Behind { lag } => (
            ErrorCode::TemporarilyUnavailable,
            format!(
                "the learner has not caught up: it lacks {lag} entries of the leader's log, or has not answered lately; \
                 nothing was changed, try again when `status` shows a small lag"
            ),
        ),
        MembershipFault::NoQuorum => (
            ErrorCode::TemporarilyUnavailable,
            "of the voters that there would be, no majority has answered the leader lately: the cluster would stand \
             still; nothing was changed, bring voters back first"
                .to_owned(),
        ),
        MembershipFault::IsLearner => {
            (ErrorCode::PreconditionFailed, "it is a member already, a learner: promote it".to_owned())
        }
        MembershipFault::IsVoter => (ErrorCode::PreconditionFailed, "it votes already".to_owned()),
        MembershipFault::NotMember => (
            ErrorCode::PreconditionFailed,
            "no member is called so: `status` shows the members; a new node is added first".to_owned(),
        ),
        MembershipFault::LastVoter => (
            ErrorCode::PreconditionFailed,
            "it is the last voter: a cluster without one can decide nothing".to_owned(),
        ),
        MembershipFault::TooMany => (
            ErrorCode::PreconditionFailed,
            "there are too many members, or their names are too long together to travel".to_owned(),
        ),
    };
    Fault { code, text }
}

/// All fields that an answer may have; which ones it has follows from its type.
#[derive(Debug, Default, Serialize)]
pub(super) struct ReplyBody<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    in_reply_to: Option<MsgId>,
    msg_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<ScalarOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_valid: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_round_trips: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safe: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_lease_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    margin_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_survived_ppm: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_survived_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voters: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learners: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}
