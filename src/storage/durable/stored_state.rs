//! The state machine on disk, as it was at the log's base.
//!
//! Compaction brings it forward by the entries that it drops, in the transaction that drops them: there is no second copy of
//! a million keys to be written, and nothing in between that a crash could leave. A snapshot that comes in is set aside in
//! a table of its own, part by part, which takes the other's name in the transaction that empties the log.

use std::sync::Arc;

use redb::{
    ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition, TableError,
    WriteTransaction,
};

use super::StorageFault;
use super::records::{self, BaseRecord, ConfiguredRecord, LengthsRecord, State, entry_from_bytes};
use crate::kv::{Command, KeyValues, Scalar};
use crate::lease::LeaseLengths;
use crate::raft::{Index, Name, Payload, SnapshotWrite, StateMachine};

/// Index of a log entry to its record.
pub(super) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const KEYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keys");
const SET_ASIDE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keys.new");

/// What stops a transaction.
#[derive(Debug)]
pub(super) enum Stop {
    /// redb, or what is below it.
    Redb(redb::Error),
    /// What is stored is not as it was written.
    Fault(StorageFault),
}

impl<E: Into<redb::Error>> From<E> for Stop {
    fn from(error: E) -> Stop {
        Stop::Redb(error.into())
    }
}

/// Throws away a snapshot that did not come in as a whole.
pub(super) fn clear_aside(transaction: &WriteTransaction) -> Result<(), Stop> {
    transaction.delete_table(SET_ASIDE)?;
    Ok(())
}

/// Does what a snapshot that comes in asks for.
pub(super) fn take_snapshot(
    transaction: &WriteTransaction,
    write: &SnapshotWrite,
    state: &mut State,
    base: &mut BaseRecord,
    cluster: &mut Option<Name>,
) -> Result<(), Stop> {
    match write {
        SnapshotWrite::Part { offset, pairs } => {
            if *offset == 0 {
                clear_aside(transaction)?;
            }
            let mut aside = transaction.open_table(SET_ASIDE)?;
            assert_eq!(aside.len()?, *offset, "a part of a snapshot is missing");
            for (key, value) in pairs.iter() {
                insert(&mut aside, key, value)?;
            }
        }
        SnapshotWrite::Install { at, pairs, agreed, configured, cluster: id } => {
            assert_eq!(transaction.open_table(SET_ASIDE)?.len()?, *pairs, "a part of a snapshot is missing");
            transaction.delete_table(KEYS)?;
            transaction.rename_table(SET_ASIDE, KEYS)?;
            transaction.delete_table(LOG)?;
            state.last_index = at.index.0;
            *cluster = id.clone().or(cluster.take());
            let agreed = agreed.map(LengthsRecord::from);
            let configured = configured.as_deref().map(ConfiguredRecord::from);
            *base = BaseRecord { index: at.index.0, term: at.term.0, keys: *pairs, agreed, configured };
        }
    }
    Ok(())
}

fn insert(table: &mut Table<'_, &[u8], &[u8]>, key: &Scalar, value: &Scalar) -> Result<(), Stop> {
    let key = records::key_to_bytes(key);
    table.insert(&*key, &*records::value_to_bytes(&key, value))?;
    Ok(())
}

/// Applies the entries up to `index` to the stored state and drops them.
pub(super) fn compact(
    transaction: &WriteTransaction,
    index: Index,
    base: &mut BaseRecord,
    cluster: &mut Option<Name>,
) -> Result<(), Stop> {
    let mut log = transaction.open_table(LOG)?;
    let mut keys = transaction.open_table(KEYS)?;
    // What the entries change; of what is stored, a compare-and-set alone wants to know something.
    let (agreed, id) = (base.agreed.map(LeaseLengths::from), cluster.clone());
    let mut changed = StateMachine { agreed, cluster: id, ..StateMachine::default() };
    while base.index < index.0 {
        base.index += 1;
        let at = base.index;
        let bytes = log.remove(at)?;
        let bytes =
            bytes.ok_or_else(|| Stop::Fault(StorageFault::damaged(format!("log entry {at} is missing"))))?;
        let entry = entry_from_bytes(Index(at), bytes.value());
        let entry = entry.ok_or_else(|| Stop::Fault(unfit(format!("log entry {at}"))))?;
        base.term = entry.term.0;
        if let Payload::Command(Command::Cas(cas)) = &entry.payload
            && changed.values.read(&cas.key).is_none()
            && let Some(value) = read(&keys, &cas.key)?
        {
            changed.values.set(&cas.key, &value);
        }
        changed.apply(Index(at), &entry.payload);
    }
    cluster.clone_from(&changed.cluster);
    base.agreed = changed.agreed.map(LengthsRecord::from);
    if let Some(configured) = &changed.configured {
        base.configured = Some(ConfiguredRecord::from(&**configured));
    }
    for (key, value) in changed.values.iter() {
        insert(&mut keys, key, value)?;
    }
    base.keys = keys.len()?;
    Ok(())
}

fn read(keys: &Table<'_, &[u8], &[u8]>, key: &Scalar) -> Result<Option<Scalar>, Stop> {
    let bytes = records::key_to_bytes(key);
    let Some(value) = keys.get(&*bytes)? else {
        return Ok(None);
    };
    let value = records::value_from_bytes(&bytes, value.value());
    value.map(Some).ok_or_else(|| Stop::Fault(unfit(format!("the value of {key}"))))
}

/// The state machine at the base.
pub(super) fn read_state(
    transaction: &ReadTransaction,
    base: &BaseRecord,
    cluster: Option<Name>,
) -> Result<StateMachine, Stop> {
    let mut values = KeyValues::default();
    match transaction.open_table(KEYS) {
        Err(TableError::TableDoesNotExist(_)) => {}
        Err(error) => return Err(error.into()),
        Ok(keys) => {
            for found in keys.iter()? {
                let (key, value) = found?;
                let pair = records::pair_from_bytes(key.value(), value.value());
                let (key, value) = pair.ok_or_else(|| Stop::Fault(unfit("a key's value".to_owned())))?;
                values.set(&key, &value);
            }
        }
    }
    if values.len() != base.keys {
        let (found, expected) = (values.len(), base.keys);
        return Err(Stop::Fault(StorageFault::damaged(format!(
            "there are {found} keys and were {expected}"
        ))));
    }
    let configured = base.configured.as_ref().map(|record| Arc::new(record.into()));
    Ok(StateMachine { values, agreed: base.agreed.map(LeaseLengths::from), configured, cluster })
}

fn unfit(what: String) -> StorageFault {
    StorageFault::damaged(format!("{what} does not fit its checksum"))
}
