//! Messages between nodes, each with a type of its own. Numbers are exact integers, lengths and stamps nanoseconds.
//!
//! Each line has the cluster's id, as far as its sender knows it, and ends with a checksum ([`seal`]).
//!
//! Fields that are not known are ignored, so that a later version may add some. What a correct node cannot send (a term
//! near the end of counting, a promise of more than a year) is refused here, before it can do harm further in.

mod entries;
mod error;
mod forwarding;
pub(super) mod members;
mod numbers;
mod raft_messages;
mod seal;
mod snapshot;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::error::{NameError, PeerError};
use self::forwarding::{AnswerIn, AnswerOut, ForwardIn, ForwardOut};
use self::members::{MembersIn, MembersOut};
use self::numbers::Count;
use self::raft_messages::{AppendIn, AppendOut, AppendReplyBody, TimeoutNowBody, VoteBody, VoteReplyBody};
pub(super) use self::seal::{SealedLine, seal};
use self::snapshot::{ChunkIn, ChunkOut, SnapshotReplyBody};
use crate::node::Message;
use crate::raft::{self, Members, Term};

/// What a fellow node's line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerContent {
    /// A message for the node.
    Message(Message),
    /// It asks who the members are: somebody whom it does not know has sent it a message.
    AskMembers,
    /// The answer: the members in force on its sender.
    Members(Members),
}

/// The same, on its way out.
#[derive(Debug, Clone, Copy)]
pub enum PeerContentRef<'a> {
    /// As [`PeerContent::Message`].
    Message(&'a Message),
    /// As [`PeerContent::AskMembers`].
    AskMembers,
    /// As [`PeerContent::Members`].
    Members(&'a Members),
}

impl<'a> From<&'a Message> for PeerContentRef<'a> {
    fn from(message: &'a Message) -> PeerContentRef<'a> {
        PeerContentRef::Message(message)
    }
}

impl<'a> From<&'a PeerContent> for PeerContentRef<'a> {
    fn from(content: &'a PeerContent) -> PeerContentRef<'a> {
        match content {
            PeerContent::Message(message) => PeerContentRef::Message(message),
            PeerContent::AskMembers => PeerContentRef::AskMembers,
            PeerContent::Members(members) => PeerContentRef::Members(members),
        }
    }
}

/// Reads the body of a fellow node's message; `None` when its type is not one of theirs.
pub(super) fn parse(kind: &str, json: &str) -> Option<Result<PeerContent, PeerError>> {
    let message = match kind {
        "append" => read::<AppendIn>(json).map(|body| raft::Message::Append(body.into())),
        "append_reply" => {
            read::<AppendReplyBody>(json).and_then(AppendReplyBody::message).map(raft::Message::AppendReply)
        }
        "vote" => read::<VoteBody>(json).map(|body| raft::Message::Vote(body.into())),
        "vote_reply" => {
            read::<VoteReplyBody>(json).and_then(VoteReplyBody::message).map(raft::Message::VoteReply)
        }
        "snapshot" => read::<ChunkIn>(json)
            .and_then(ChunkIn::message)
            .map(|chunk| raft::Message::Snapshot(Box::new(chunk))),
        "snapshot_reply" => {
            read::<SnapshotReplyBody>(json).map(|body| raft::Message::SnapshotReply(body.into()))
        }
        "timeout_now" => {
            read::<TimeoutNowBody>(json).map(|body| raft::Message::TimeoutNow { term: Term(body.term.0) })
        }
        "forward" => {
            return Some(read::<ForwardIn>(json).and_then(ForwardIn::message).map(PeerContent::Message));
        }
        "forward_answer" => {
            return Some(read::<AnswerIn>(json).and_then(AnswerIn::message).map(PeerContent::Message));
        }
        "ask_members" => return Some(Ok(PeerContent::AskMembers)),
        "members" => {
            return Some(read::<MembersIn>(json).and_then(MembersIn::members).map(PeerContent::Members));
        }
        _ => return None,
    };
    Some(message.map(|message| PeerContent::Message(Message::Raft(message))))
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, PeerError> {
    serde_json::from_str(json).map_err(|error| PeerError::Fields(error.to_string()))
}

/// A message's body, as it is written.
pub(super) fn body<'a>(content: PeerContentRef<'a>, msg_id: u64, cluster: Option<&'a str>) -> Body<'a> {
    let message = match content {
        PeerContentRef::Message(message) => message,
        PeerContentRef::AskMembers => {
            return Body { kind: "ask_members", msg_id, cluster, fields: Fields::Nothing {} };
        }
        PeerContentRef::Members(members) => {
            return Body { kind: "members", msg_id, cluster, fields: Fields::Members(members.into()) };
        }
    };
    let (kind, fields) = match message {
        Message::Raft(raft::Message::Append(append)) => ("append", Fields::Append(AppendOut::from(append))),
        Message::Raft(raft::Message::AppendReply(reply)) => {
            ("append_reply", Fields::AppendReply(AppendReplyBody::from(reply)))
        }
        Message::Raft(raft::Message::Vote(request)) => ("vote", Fields::Vote(VoteBody::from(request))),
        Message::Raft(raft::Message::VoteReply(reply)) => {
            ("vote_reply", Fields::VoteReply(VoteReplyBody::from(reply)))
        }
        Message::Raft(raft::Message::Snapshot(chunk)) => {
            ("snapshot", Fields::Snapshot(ChunkOut::from(&**chunk)))
        }
        Message::Raft(raft::Message::SnapshotReply(reply)) => {
            ("snapshot_reply", Fields::SnapshotReply(SnapshotReplyBody::from(reply)))
        }
        Message::Raft(raft::Message::TimeoutNow { term }) => {
            ("timeout_now", Fields::TimeoutNow(TimeoutNowBody { term: Count(term.0) }))
        }
        Message::Forward(forward) => ("forward", Fields::Forward(ForwardOut::from(&**forward))),
        Message::Answer(answer) => ("forward_answer", Fields::Answer(AnswerOut::from(answer))),
    };
    Body { kind, msg_id, cluster, fields }
}

/// What every message has, and its own fields.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    msg_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
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
    Snapshot(ChunkOut<'a>),
    SnapshotReply(SnapshotReplyBody),
    TimeoutNow(TimeoutNowBody),
    Forward(ForwardOut<'a>),
    Answer(AnswerOut<'a>),
    Members(MembersOut<'a>),
    Nothing {},
}
