//! Messages between nodes, each with a type of its own. Numbers are exact integers, lengths and stamps nanoseconds.
//!
//! Fields that are not known are ignored, so that a later version may add some. What a correct node cannot send (a term
//! near the end of counting, a promise of more than a year) is refused here, before it can do harm further in.

mod entries;
mod error;
mod forwarding;
pub(super) mod members;
mod numbers;
mod raft_messages;
mod snapshot;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::error::{NameError, PeerError};
use self::forwarding::{AnswerIn, AnswerOut, ForwardIn, ForwardOut};
use self::numbers::Count;
use self::raft_messages::{AppendIn, AppendOut, AppendReplyBody, TimeoutNowBody, VoteBody, VoteReplyBody};
use self::snapshot::{ChunkIn, ChunkOut, SnapshotReplyBody};
use crate::node::Message;
use crate::raft::{self, Term};

/// Reads the body of a fellow node's message; `None` when its type is not one of theirs.
pub(super) fn parse(kind: &str, json: &str) -> Option<Result<Message, PeerError>> {
    let message = match kind {
        "append" => read::<AppendIn>(json).map(|body| raft::Message::Append(body.into())),
        "append_reply" => {
            read::<AppendReplyBody>(json).and_then(AppendReplyBody::message).map(raft::Message::AppendReply)
        }
        "vote" => read::<VoteBody>(json).map(|body| raft::Message::Vote(body.into())),
        "vote_reply" => read::<VoteReplyBody>(json).map(|body| raft::Message::VoteReply(body.into())),
        "snapshot" => read::<ChunkIn>(json)
            .and_then(ChunkIn::message)
            .map(|chunk| raft::Message::Snapshot(Box::new(chunk))),
        "snapshot_reply" => {
            read::<SnapshotReplyBody>(json).map(|body| raft::Message::SnapshotReply(body.into()))
        }
        "timeout_now" => {
            read::<TimeoutNowBody>(json).map(|body| raft::Message::TimeoutNow { term: Term(body.term.0) })
        }
        "forward" => return Some(read::<ForwardIn>(json).and_then(ForwardIn::message)),
        "forward_answer" => return Some(read::<AnswerIn>(json).and_then(AnswerIn::message)),
        _ => return None,
    };
    Some(message.map(Message::Raft))
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, PeerError> {
    serde_json::from_str(json).map_err(|error| PeerError::Fields(error.to_string()))
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
    Snapshot(ChunkOut<'a>),
    SnapshotReply(SnapshotReplyBody),
    TimeoutNow(TimeoutNowBody),
    Forward(ForwardOut<'a>),
    Answer(AnswerOut<'a>),
}
