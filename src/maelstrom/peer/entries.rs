//! Log entries and commands: `{"term":3}` is a leader's first entry, `{"term":3,"write":[key,value]}` and
//! `{"term":3,"cas":[key,from,to,create]}` carry commands, `{"term":3,"lease":[D,T,s]}` the lengths of leases, and
//! `{"term":3,"configuration":{"voters":[..],"learners":[..]}}` the members. `{"term":1,"cluster":".."}` is the first entry of
//! a cluster's first leader.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::error::PeerError;
use super::members::{ChangeOut, MembersIn, MembersOut, cluster_id};
use super::numbers::{Count, Promise};
use crate::kv::{Cas, Command};
use crate::lease::LeaseLengths;
use crate::maelstrom::scalar::{ScalarIn, ScalarOut};
use crate::raft::{Entry, Payload, Term};
use crate::time::Span;

/// A `write` entry: the key, then its new value.
pub(super) type Write = (ScalarIn, ScalarIn);
/// Key, the value it must hold, the value it then gets, and whether a missing key is created.
pub(super) type Swap = (ScalarIn, ScalarIn, ScalarIn, bool);

/// A scalar that may be missing, told apart from one that is `null`.
pub(super) fn keep_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ScalarIn>, D::Error> {
    ScalarIn::deserialize(deserializer).map(Some)
}

/// Entries on their way out.
pub(super) struct EntriesOut<'a>(pub(super) &'a [Entry]);

impl Serialize for EntriesOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|entry| EntryOut {
            term: entry.term.0,
            command: match &entry.payload {
                Payload::Noop => None,
                Payload::Command(command) => Some(CommandOut::from(command)),
                Payload::Lease(lengths) => Some(CommandOut::from(lengths)),
                Payload::Configuration(members) => {
                    Some(CommandOut::Configuration(MembersOut::from(&**members)))
                }
                Payload::Cluster(id) => Some(CommandOut::Cluster(id)),
            },
        }))
    }
}

#[derive(Serialize)]
struct EntryOut<'a> {
    term: u64,
    #[serde(flatten)]
    command: Option<CommandOut<'a>>,
}

/// A command on its way out: a field named for what it does.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CommandOut<'a> {
    Write(ScalarOut<'a>, ScalarOut<'a>),
    Cas(ScalarOut<'a>, ScalarOut<'a>, ScalarOut<'a>, bool),
    /// `D`, `T` and `s`, in nanoseconds.
    Lease(u64, u64, u64),
    Configuration(MembersOut<'a>),
    /// The cluster's id.
    Cluster(&'a str),
    /// Of members: not in the log, but asked for.
    Change(ChangeOut<'a>),
}

impl From<&LeaseLengths> for CommandOut<'_> {
    fn from(lengths: &LeaseLengths) -> Self {
        let LeaseLengths { duration, election_timeout, max_clock_skew } = lengths;
        CommandOut::Lease(duration.as_nanos(), election_timeout.as_nanos(), max_clock_skew.as_nanos())
    }
}

impl<'a> From<&'a Command> for CommandOut<'a> {
    fn from(command: &'a Command) -> CommandOut<'a> {
        match command {
            Command::Write { key, value } => CommandOut::Write(ScalarOut(key), ScalarOut(value)),
            Command::Cas(cas) => CommandOut::Cas(
                ScalarOut(&cas.key),
                ScalarOut(&cas.from),
                ScalarOut(&cas.to),
                cas.create_if_not_exists,
            ),
        }
    }
}

/// `D`, `T` and `s`, each at most as long as a promise may be.
pub(super) type Lengths = (Promise, Promise, Promise);

pub(super) fn lengths_from((duration, election_timeout, max_clock_skew): Lengths) -> LeaseLengths {
    LeaseLengths {
        duration: Span::nanos(duration.0),
        election_timeout: Span::nanos(election_timeout.0),
        max_clock_skew: Span::nanos(max_clock_skew.0),
    }
}

/// A command that came in: one of the three, or none.
pub(super) struct CommandIn {
    pub(super) write: Option<Write>,
    pub(super) cas: Option<Swap>,
    pub(super) lease: Option<Lengths>,
}

impl CommandIn {
    pub(super) fn payload(self) -> Result<Payload, PeerError> {
        match (self.write, self.cas, self.lease) {
            (None, None, None) => Ok(Payload::Noop),
            (Some((key, value)), None, None) => {
                Ok(Payload::Command(Command::Write { key: key.0, value: value.0 }))
            }
            (None, Some((key, from, to, create_if_not_exists)), None) => {
                let (key, from, to) = (key.0, from.0, to.0);
                Ok(Payload::Command(Command::Cas(Box::new(Cas { key, from, to, create_if_not_exists }))))
            }
            (None, None, Some(lengths)) => Ok(Payload::Lease(lengths_from(lengths))),
            _ => Err(PeerError::TwoCommands),
        }
    }
}

/// An entry that came in.
pub(super) struct EntryIn(pub(super) Entry);

#[derive(Deserialize)]
struct EntryFields {
    term: Count,
    write: Option<Write>,
    cas: Option<Swap>,
    lease: Option<Lengths>,
    configuration: Option<MembersIn>,
    cluster: Option<String>,
}

impl<'de> Deserialize<'de> for EntryIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EntryIn, D::Error> {
        let EntryFields { term, write, cas, lease, configuration, cluster } =
            EntryFields::deserialize(deserializer)?;
        let payload = match (CommandIn { write, cas, lease }.payload(), configuration, cluster) {
            (Ok(payload), None, None) => Ok(payload),
            (Ok(Payload::Noop), Some(members), None) => {
                members.members().map(|members| Payload::Configuration(Box::new(members)))
            }
            (Ok(Payload::Noop), None, Some(id)) => cluster_id(&id).map(Payload::Cluster),
            (Ok(_), _, _) => Err(PeerError::ConfigurationAndMore),
            (Err(error), _, _) => Err(error),
        };
        let payload = payload.map_err(de::Error::custom)?;
        Ok(EntryIn(Entry { term: Term(term.0), payload }))
    }
}
