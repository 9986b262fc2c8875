//! Snapshots: `{"term":3,"index":900,"index_term":2,"offset":500,"pairs":[[key,value],...],"last":true}`, and the answer,
//! `{"term":3,"index":900,"received":700}`, without `received` when there is all of it. `"lease":[D,T,s]`, in nanoseconds,
//! is there when the cluster has agreed on lengths, `"configuration"` and `"configuration_index"` when members have changed.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::entries::{Lengths, lengths_from};
use super::error::PeerError;
use super::members::{MembersIn, MembersOut, cluster_id};
use super::numbers::Count;
use crate::kv::Scalar;
use crate::lease::LeaseLengths;
use crate::maelstrom::scalar::{ScalarIn, ScalarOut};
use crate::raft::{Configured, Index, Position, Received, SnapshotChunk, SnapshotReply, Term};

#[derive(Serialize)]
pub(super) struct ChunkOut<'a> {
    term: u64,
    index: u64,
    index_term: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<(u64, u64, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<MembersOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<&'a str>,
    offset: u64,
    pairs: PairsOut<'a>,
    last: bool,
}

impl<'a> From<&'a SnapshotChunk> for ChunkOut<'a> {
    fn from(chunk: &'a SnapshotChunk) -> ChunkOut<'a> {
        ChunkOut {
            term: chunk.term.0,
            index: chunk.at.index.0,
            index_term: chunk.at.term.0,
            lease: chunk.agreed.map(|LeaseLengths { duration, election_timeout, max_clock_skew }| {
                (duration.as_nanos(), election_timeout.as_nanos(), max_clock_skew.as_nanos())
            }),
            configuration_index: chunk.configured.as_ref().map(|configured| configured.index.0),
            configuration: chunk.configured.as_ref().map(|configured| (&configured.members).into()),
            cluster_id: chunk.cluster.as_deref(),
            offset: chunk.offset,
            pairs: PairsOut(&chunk.pairs),
            last: chunk.last,
        }
    }
}

struct PairsOut<'a>(&'a [(Scalar, Scalar)]);

impl Serialize for PairsOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(key, value)| (ScalarOut(key), ScalarOut(value))))
    }
}

#[derive(Deserialize)]
pub(super) struct ChunkIn {
    term: Count,
    index: Count,
    index_term: Count,
    lease: Option<Lengths>,
    configuration_index: Option<Count>,
    configuration: Option<MembersIn>,
    cluster_id: Option<String>,
    offset: Count,
    pairs: Vec<(ScalarIn, ScalarIn)>,
    last: bool,
}

impl ChunkIn {
    pub(super) fn message(self) -> Result<SnapshotChunk, PeerError> {
        let body = self;
        let configured = match (body.configuration_index, body.configuration) {
            (None, None) => None,
            (Some(index), Some(members)) => {
                Some(Arc::new(Configured { index: Index(index.0), members: members.members()? }))
            }
            _ => return Err(PeerError::HalfConfiguration),
        };
        Ok(SnapshotChunk {
            term: Term(body.term.0),
            at: Position { index: Index(body.index.0), term: Term(body.index_term.0) },
            agreed: body.lease.map(lengths_from),
            configured,
            cluster: body.cluster_id.as_deref().map(cluster_id).transpose()?,
            offset: body.offset.0,
            pairs: body.pairs.into_iter().map(|(key, value)| (key.0, value.0)).collect(),
            last: body.last,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct SnapshotReplyBody {
    term: Count,
    index: Count,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<Count>,
}

impl From<&SnapshotReply> for SnapshotReplyBody {
    fn from(reply: &SnapshotReply) -> SnapshotReplyBody {
        let received = match reply.received {
            Received::Pairs(count) => Some(Count(count)),
            Received::All => None,
        };
        SnapshotReplyBody { term: Count(reply.term.0), index: Count(reply.index.0), received }
    }
}

impl From<SnapshotReplyBody> for SnapshotReply {
    fn from(body: SnapshotReplyBody) -> SnapshotReply {
        SnapshotReply {
            term: Term(body.term.0),
            index: Index(body.index.0),
            received: body.received.map_or(Received::All, |count| Received::Pairs(count.0)),
        }
    }
}
