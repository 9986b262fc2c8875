//! The wire: Maelstrom's JSON lines to and from the node's own types.
//!
//! Every message is one line, `{"src": .., "dest": .., "body": {"type": .., "msg_id": .., ..}}`. [`Incoming::parse`] reads
//! one, [`Outbox`] writes them. Requests of clients become [`Content::Operation`], messages of fellow nodes become
//! [`Content::Peer`], and what is wrong becomes a [`Fault`] with the error code and a text for whoever sent it.
//!
//! The hot path borrows: an envelope is split into slices of the line, its type is looked at, and only the fields of that
//! type are read. Numbers keep their text, so that keys and values come back as they went in.
//!
//! **Architecture Invariant:** pure: bytes and values, no I/O, no clock, no state but a counter. Knows neither the
//! simulator nor how the bytes come and go. No input makes it panic.
//!
//! **Architecture Invariant:** a [`NodeId`](crate::raft::NodeId) never travels. It is a place in one node's own list of
//! names; the [`Directory`] translates.

mod admin;
mod directory;
mod error_code;
mod fields;
mod incoming;
mod lease_config;
mod limits;
mod outgoing;
mod peer;
mod reply;
mod scalar;

pub use admin::{
    ElectionCounts, KernelClock, MetricsFormat, MetricsReply, ReadCounts, RefusalCounts, StatusReply,
    StepDownCounts, TimesReply,
};
pub use directory::{Directory, NAME_BYTES_MAX};
pub use error_code::{ErrorCode, Fault};
pub use fields::MsgId;
pub use incoming::{Content, Incoming, LineError, RequestKind};
pub use lease_config::{CONFIG_MILLIS_MAX, ConfigQuestion, LENGTHEN_FACTOR_MAX};
pub use limits::{FORWARD_SLACK_BYTES, message_line_bytes_max, peer_line_bytes_max};
pub use outgoing::Outbox;
pub use peer::members::{CLUSTER_BYTES_MAX, cluster_id};
pub use peer::{NameError, PeerContent, PeerContentRef, PeerError};
pub use reply::{Reply, Survived, transfer_reply};
