//! Log entries and commands: `{"term":3}` is a leader's first entry, `{"term":3,"write":[key,value]}` and
//! `{"term":3,"cas":[key,from,to,create]}` carry commands.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Count;
use crate::kv::{Cas, Command};
use crate::maelstrom::scalar::{ScalarIn, ScalarOut};
use crate::raft::{Entry, Payload, Term};

/// Key and value.
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

/// A command that came in: one of the two, or neither.
pub(super) struct CommandIn {
    pub(super) write: Option<Write>,
    pub(super) cas: Option<Swap>,
}

impl CommandIn {
    pub(super) fn command(self) -> Result<Option<Command>, String> {
        match (self.write, self.cas) {
            (None, None) => Ok(None),
            (Some((key, value)), None) => Ok(Some(Command::Write { key: key.0, value: value.0 })),
            (None, Some((key, from, to, create_if_not_exists))) => Ok(Some(Command::Cas(Box::new(Cas {
                key: key.0,
                from: from.0,
                to: to.0,
                create_if_not_exists,
            })))),
            (Some(_), Some(_)) => Err("`write` and `cas` at once".to_owned()),
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
}

impl<'de> Deserialize<'de> for EntryIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EntryIn, D::Error> {
        let EntryFields { term, write, cas } = EntryFields::deserialize(deserializer)?;
        let command = CommandIn { write, cas }.command().map_err(de::Error::custom)?;
        Ok(EntryIn(Entry { term: Term(term.0), payload: command.map_or(Payload::Noop, Payload::Command) }))
    }
}
