//! How long a line may be, so that whatever a client may ask for also fits into the lines that nodes send each other about
//! it: otherwise an entry could be in a leader's log and reach nobody.
//!
//! `--line-max` bounds what clients send. An operation never takes more bytes in a message than it took in the client's line:
//! what is escaped on the way out had to be escaped on the way in. What comes on top is bounded: two names of
//! [`NAME_BYTES_MAX`] bytes, each up to six times as long when it is escaped, and fewer than 900 bytes of numbers and field
//! names. So a request that is passed on fits into `--line-max` plus [`FORWARD_SLACK_BYTES`], and the `append` that then
//! carries it into twice as much slack. An `append` of many entries is bounded by Raft itself, and so
//! are the members that a snapshot's chunk has beside its keys and values.
//!
//! All nodes of a cluster need the same `--line-max`.

use super::directory::NAME_BYTES_MAX;
use crate::node::Message;
use crate::raft::{BATCH_BYTES_MAX, MEMBERS_BYTES_MAX};

/// By how much a passed-on request may be longer than a client's line.
pub const FORWARD_SLACK_BYTES: usize = 12 * NAME_BYTES_MAX + 1_024;

/// The longest line that a fellow node may send, in bytes, when clients may send `line_bytes_max`.
pub fn peer_line_bytes_max(line_bytes_max: usize) -> usize {
    let contents = line_bytes_max.max(BATCH_BYTES_MAX);
    contents.saturating_add(MEMBERS_BYTES_MAX).saturating_add(2 * FORWARD_SLACK_BYTES)
}

/// The longest line that may carry this message of a fellow node, in bytes.
pub fn message_line_bytes_max(message: &Message, line_bytes_max: usize) -> usize {
    match message {
        Message::Forward(_) => line_bytes_max.saturating_add(FORWARD_SLACK_BYTES),
        Message::Raft(_) | Message::Answer(_) => peer_line_bytes_max(line_bytes_max),
    }
}
