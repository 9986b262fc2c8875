//! What stands in the tables, byte for byte.
//!
//! A record is a value in [postcard](https://postcard.jamesmunns.com/wire-format)'s encoding and, behind it, the XXH3
//! checksum of those bytes, eight bytes little-endian, seeded with the record's key: the index of a log entry, the XXH3
//! checksum of the key's name for the others. The order of fields and of variants is the format; the golden test below holds it.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::kv::{Cas, Command, Scalar};
use crate::lease::{LeaseForm, LeaseLengths, LeaseSettings};
use crate::raft::{Configured, Entry, HardState, Index, Members, Name, NodeId, Payload, Position, Term};
use crate::time::Span;

/// The keys of the records that are not log entries.
pub(super) const STATE: &str = "state";
pub(super) const MEMBERSHIP: &str = "membership";
pub(super) const LEASE: &str = "lease";
/// There only when the node was started to join a cluster that it is told of by that cluster's log. Holds nothing.
pub(super) const JOINS: &str = "joins";
pub(super) const BASE: &str = "base";
/// The commit index when something was stored last.
pub(super) const COMMIT: &str = "commit";
/// The cluster's id: given by the operator, or that of the entries that are dropped. There only when it is known.
pub(super) const CLUSTER: &str = "cluster";

fn seed_of(key: &str) -> u64 {
    xxh3_64(key.as_bytes())
}

/// What changes with every commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Commits so far, this one included.
    pub(super) commits: u64,
    /// The last entry of the log.
    pub(super) last_index: u64,
    term: u64,
    voted_for: Option<u16>,
    longest_promise_ns: u64,
}

impl State {
    pub(super) fn hard_state(&self) -> HardState {
        HardState {
            term: Term(self.term),
            voted_for: self.voted_for.map(NodeId),
            longest_promise: Span::nanos(self.longest_promise_ns),
        }
    }

    pub(super) fn set_hard_state(&mut self, hard_state: HardState) {
        self.term = hard_state.term.0;
        self.voted_for = hard_state.voted_for.map(|node| node.0);
        self.longest_promise_ns = hard_state.longest_promise.as_nanos();
    }
}

/// Where the log begins: the entries up to here are in the stored keys and values, and in the log no more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct BaseRecord {
    pub(super) index: u64,
    pub(super) term: u64,
    /// How many keys there are.
    pub(super) keys: u64,
    /// The lengths that were agreed on up to here.
    pub(super) agreed: Option<LengthsRecord>,
    /// The members there, unless they are those that the cluster began with.
    pub(super) configured: Option<ConfiguredRecord>,
}

/// Members, and their entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ConfiguredRecord {
    index: u64,
    voters: Vec<String>,
    learners: Vec<String>,
}

impl From<&Configured> for ConfiguredRecord {
    fn from(configured: &Configured) -> ConfiguredRecord {
        let names = |names: &[Name]| names.iter().map(ToString::to_string).collect();
        let Configured { index, members } = configured;
        ConfiguredRecord {
            index: index.0,
            voters: names(&members.voters),
            learners: names(&members.learners),
        }
    }
}

impl From<&ConfiguredRecord> for Configured {
    fn from(record: &ConfiguredRecord) -> Configured {
        let names = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
        let members = Members { voters: names(&record.voters), learners: names(&record.learners) };
        Configured { index: Index(record.index), members }
    }
}

impl BaseRecord {
    pub(super) fn position(&self) -> Position {
        Position { index: Index(self.index), term: Term(self.term) }
    }
}

/// Lengths that the cluster has agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LengthsRecord {
    duration_ns: u64,
    election_timeout_ns: u64,
    max_clock_skew_ns: u64,
}

impl From<LeaseLengths> for LengthsRecord {
    fn from(lengths: LeaseLengths) -> LengthsRecord {
        LengthsRecord {
            duration_ns: lengths.duration.as_nanos(),
            election_timeout_ns: lengths.election_timeout.as_nanos(),
            max_clock_skew_ns: lengths.max_clock_skew.as_nanos(),
        }
    }
}

impl From<LengthsRecord> for LeaseLengths {
    fn from(record: LengthsRecord) -> LeaseLengths {
        LeaseLengths {
            duration: Span::nanos(record.duration_ns),
            election_timeout: Span::nanos(record.election_timeout_ns),
            max_clock_skew: Span::nanos(record.max_clock_skew_ns),
        }
    }
}

/// Whose database it is. Nodes are numbered, in a vote as well, by their place among the names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MembershipRecord {
    pub(super) own: String,
    pub(super) names: Vec<String>,
}

/// The lengths that the node was last started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeaseRecord {
    deadline_form: bool,
    duration_ns: u64,
    election_timeout_ns: u64,
    max_clock_skew_ns: u64,
}

impl From<LeaseSettings> for LeaseRecord {
    fn from(lease: LeaseSettings) -> LeaseRecord {
        LeaseRecord {
            deadline_form: lease.form == LeaseForm::Deadline,
            duration_ns: lease.duration.as_nanos(),
            election_timeout_ns: lease.election_timeout.as_nanos(),
            max_clock_skew_ns: lease.max_clock_skew.as_nanos(),
        }
    }
}

impl From<LeaseRecord> for LeaseSettings {
    fn from(record: LeaseRecord) -> LeaseSettings {
        LeaseSettings {
            form: if record.deadline_form { LeaseForm::Deadline } else { LeaseForm::Elapsed },
            duration: Span::nanos(record.duration_ns),
            election_timeout: Span::nanos(record.election_timeout_ns),
            max_clock_skew: Span::nanos(record.max_clock_skew_ns),
        }
    }
}

#[derive(Serialize, Deserialize)]
enum ScalarRecord<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    /// As it was written.
    Number(&'a str),
    Text(&'a str),
}

impl<'a> From<&'a Scalar> for ScalarRecord<'a> {
    fn from(scalar: &'a Scalar) -> ScalarRecord<'a> {
        match scalar {
            Scalar::Null => ScalarRecord::Null,
            Scalar::Bool(value) => ScalarRecord::Bool(*value),
            Scalar::Integer(value) => ScalarRecord::Integer(*value),
            Scalar::Number(text) => ScalarRecord::Number(text),
            Scalar::Text(text) => ScalarRecord::Text(text),
        }
    }
}

impl From<ScalarRecord<'_>> for Scalar {
    fn from(record: ScalarRecord<'_>) -> Scalar {
        match record {
            ScalarRecord::Null => Scalar::Null,
            ScalarRecord::Bool(value) => Scalar::Bool(value),
            ScalarRecord::Integer(value) => Scalar::Integer(value),
            ScalarRecord::Number(text) => Scalar::Number(text.into()),
            ScalarRecord::Text(text) => Scalar::Text(text.into()),
        }
    }
}

#[derive(Serialize, Deserialize)]
enum PayloadRecord<'a> {
    Noop,
    Write(#[serde(borrow)] ScalarRecord<'a>, #[serde(borrow)] ScalarRecord<'a>),
    Cas {
        #[serde(borrow)]
        key: ScalarRecord<'a>,
        from: ScalarRecord<'a>,
        to: ScalarRecord<'a>,
        create: bool,
    },
    Lease(LengthsRecord),
    Configuration {
        #[serde(borrow)]
        voters: Vec<&'a str>,
        #[serde(borrow)]
        learners: Vec<&'a str>,
    },
    Cluster(&'a str),
}

#[derive(Serialize, Deserialize)]
struct EntryRecord<'a> {
    term: u64,
    #[serde(borrow)]
    payload: PayloadRecord<'a>,
}

impl<'a> From<&'a Entry> for EntryRecord<'a> {
    fn from(entry: &'a Entry) -> EntryRecord<'a> {
        let payload = match &entry.payload {
            Payload::Noop => PayloadRecord::Noop,
            Payload::Command(Command::Write { key, value }) => PayloadRecord::Write(key.into(), value.into()),
            Payload::Command(Command::Cas(cas)) => PayloadRecord::Cas {
                key: (&cas.key).into(),
                from: (&cas.from).into(),
                to: (&cas.to).into(),
                create: cas.create_if_not_exists,
            },
            Payload::Lease(lengths) => PayloadRecord::Lease(LengthsRecord::from(*lengths)),
            Payload::Cluster(id) => PayloadRecord::Cluster(id),
            Payload::Configuration(members) => PayloadRecord::Configuration {
                voters: members.voters.iter().map(|name| &**name).collect(),
                learners: members.learners.iter().map(|name| &**name).collect(),
            },
        };
        EntryRecord { term: entry.term.0, payload }
    }
}

impl From<EntryRecord<'_>> for Entry {
    fn from(record: EntryRecord<'_>) -> Entry {
        let payload = match record.payload {
            PayloadRecord::Noop => Payload::Noop,
            PayloadRecord::Write(key, value) => {
                Payload::Command(Command::Write { key: key.into(), value: value.into() })
            }
            PayloadRecord::Cas { key, from, to, create } => Payload::Command(Command::Cas(Box::new(Cas {
                key: key.into(),
                from: from.into(),
                to: to.into(),
                create_if_not_exists: create,
            }))),
            PayloadRecord::Lease(record) => Payload::Lease(record.into()),
            PayloadRecord::Cluster(id) => Payload::Cluster(id.into()),
            PayloadRecord::Configuration { voters, learners } => {
                let names = |names: Vec<&str>| names.into_iter().map(Into::into).collect();
                Payload::Configuration(Box::new(Members { voters: names(voters), learners: names(learners) }))
            }
        };
        Entry { term: Term(record.term), payload }
    }
}

/// The record of a log entry, sealed with a checksum that is seeded with its index.
pub(super) fn entry_to_bytes(index: Index, entry: &Entry) -> Vec<u8> {
    sealed(index.0, &EntryRecord::from(entry))
}

/// The entry of a record; `None` when the record is not as it was written.
pub(super) fn entry_from_bytes(index: Index, bytes: &[u8]) -> Option<Entry> {
    unsealed::<EntryRecord<'_>>(index.0, bytes).map(Entry::from)
}

/// A key of the state machine. It has no checksum: a value's is seeded with its key.
pub(super) fn key_to_bytes(key: &Scalar) -> Vec<u8> {
    postcard::to_allocvec(&ScalarRecord::from(key)).expect("memory takes every byte")
}

/// The value's record under a key.
pub(super) fn value_to_bytes(key: &[u8], value: &Scalar) -> Vec<u8> {
    sealed(xxh3_64(key), &ScalarRecord::from(value))
}

/// The value of a record; `None` when it or the key is not as it was written.
pub(super) fn value_from_bytes(key: &[u8], bytes: &[u8]) -> Option<Scalar> {
    unsealed::<ScalarRecord<'_>>(xxh3_64(key), bytes).map(Scalar::from)
}

/// A key and its value; `None` when they are not as they were written.
pub(super) fn pair_from_bytes(key: &[u8], value: &[u8]) -> Option<(Scalar, Scalar)> {
    let value = value_from_bytes(key, value)?;
    match postcard::take_from_bytes::<ScalarRecord<'_>>(key) {
        Ok((key, [])) => Some((key.into(), value)),
        _ => None,
    }
}

/// The record under a key.
pub(super) fn to_bytes(key: &str, record: &impl Serialize) -> Vec<u8> {
    sealed(seed_of(key), record)
}

/// What a record under a key says; `None` when it is not as it was written.
pub(super) fn from_bytes<'a, T: Deserialize<'a>>(key: &str, bytes: &'a [u8]) -> Option<T> {
    unsealed(seed_of(key), bytes)
}

fn sealed(seed: u64, record: &impl Serialize) -> Vec<u8> {
    let mut bytes =
        postcard::to_allocvec(record).expect("memory takes every byte, and every type has a length");
    let checksum = xxh3_64_with_seed(&bytes, seed);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn unsealed<'a, T: Deserialize<'a>>(seed: u64, bytes: &'a [u8]) -> Option<T> {
    let (record, checksum) = bytes.split_last_chunk::<8>()?;
    if xxh3_64_with_seed(record, seed).to_le_bytes() != *checksum {
        return None;
    }
    match postcard::take_from_bytes(record) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
