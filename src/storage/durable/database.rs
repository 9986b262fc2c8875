//! The database: what the node wrote, one transaction a batch.

use std::sync::Arc;

use redb::{
    Builder, Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, TableError,
    WriteTransaction,
};

use super::records::{
    self, BASE, BaseRecord, CLUSTER, COMMIT, JOINS, LEASE, LeaseRecord, MEMBERSHIP, MembershipRecord, STATE,
    State, entry_from_bytes, entry_to_bytes,
};
use super::sectors::{Sectors, Shared};
use super::stored_state::{self, LOG, Stop};
use super::{JoinError, OpenError, StorageFault};
use crate::lease::LeaseSettings;
use crate::raft::{Entry, Index, Log, Name, Recovered, StateMachine, Write};
use crate::storage::Storage;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Memory that redb may use for pages. The log is read once, at the start; what is written stays in use for a moment only.
const CACHE_BYTES: usize = 32 * 1_024 * 1_024;

/// Whose database it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The name of the node that the database belongs to.
    pub own: String,
    /// The nodes that it was told of at first, in the order in which they are numbered.
    pub names: Vec<String>,
    /// It is no founding member: the cluster's log tells it who is.
    pub joins: bool,
    /// The cluster's id, if the operator gives it. What is stored is found by [`recover`](Storage::recover), in the state.
    pub cluster: Option<String>,
}

/// A node's durable state in a database. See the [module](super).
#[derive(Debug)]
pub struct DurableStorage<B> {
    sectors: Arc<Sectors<B>>,
    /// `None` after a fault, until it is opened anew.
    database: Option<Database>,
    state: State,
    base: BaseRecord,
    /// Entries up to here are known to be committed.
    commit: u64,
    /// The cluster's id, if it is known.
    cluster: Option<Name>,
    /// Where the number of commits is put down a second time, beside the database.
    #[cfg(unix)]
    witness: Option<super::data_dir::Witness>,
    membership: Option<Membership>,
    lease: Option<LeaseSettings>,
    /// The membership and the lease are to be written with the next commit.
    joined: bool,
    /// Written and not synced.
    pending: Vec<Write>,
    synced_ticket: u64,
}

impl<B: StorageBackend> DurableStorage<B> {
    /// An empty database in the place of whatever the backend held.
    pub fn create(backend: B) -> Result<DurableStorage<B>, OpenError> {
        let mut storage = DurableStorage::over(Sectors::create(backend)?);
        storage.open_database()?;
        storage.commit()?;
        Ok(storage)
    }

    /// The database as it was left. Everything in it is verified, but for the log entries' own checksums, which
    /// [`recover`](Storage::recover) looks at.
    pub fn open(backend: B) -> Result<DurableStorage<B>, OpenError> {
        let mut storage = DurableStorage::over(Sectors::open(backend)?);
        if StorageBackend::len(&Shared(Arc::clone(&storage.sectors))).unwrap_or(0) == 0 {
            return Err(StorageFault::damaged("there is nothing in it").into());
        }
        storage.open_database()?;
        storage.read_meta()?;
        Ok(storage)
    }

    fn over(sectors: Sectors<B>) -> DurableStorage<B> {
        DurableStorage {
            sectors: Arc::new(sectors),
            database: None,
            state: State::default(),
            base: BaseRecord::default(),
            commit: 0,
            cluster: None,
            #[cfg(unix)]
            witness: None,
            membership: None,
            lease: None,
            joined: false,
            pending: Vec::new(),
            synced_ticket: 0,
        }
    }

    /// What the database lies on.
    pub fn backend(&self) -> &B {
        self.sectors.backend()
    }

    /// Whose it is; `None` before the first [`join`](DurableStorage::join).
    pub fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// The lease that the node was last started with.
    pub fn lease(&self) -> Option<LeaseSettings> {
        self.lease
    }

    /// Makes this the database of a node and puts down the lease it starts with. The first call settles whose it is. Later
    /// ones must be for the same node of the same nodes, which may be named in another order; the first order stays, and so
    /// does whether it joins.
    pub fn join(&mut self, membership: Membership, lease: LeaseSettings) -> Result<(), JoinError> {
        if let Some(stored) = &self.membership {
            let sorted = |membership: &Membership| {
                let mut names = membership.names.clone();
                names.sort();
                names
            };
            if stored.own != membership.own || sorted(stored) != sorted(&membership) {
                let said =
                    |membership: &Membership| format!("node {:?} of {:?}", membership.own, membership.names);
                return Err(JoinError::OtherNode { stored: said(stored), given: said(&membership) });
            }
        }
        if let (Some(stored), Some(given)) = (&self.cluster, &membership.cluster)
            && **stored != **given
        {
            let (stored, given) = (stored.to_string(), given.clone());
            return Err(JoinError::OtherCluster { stored, given });
        }
        if let Some(given) = &membership.cluster {
            self.cluster = Some(given.as_str().into());
        }
        self.membership.get_or_insert(membership);
        self.lease = Some(lease);
        self.joined = true;
        Ok(self.commit()?)
    }

    /// Ends the use of the database, so that the next start need not look for a commit that was interrupted.
    pub fn close(mut self) -> Result<(), StorageFault> {
        match self.database.take().map(Database::close) {
            Some(Err(error)) => Err(self.fault(error)),
            _ => Ok(()),
        }
    }

    /// Opens what the sectors hold. Whatever redb finds out about pages that do not belong together stops it here.
    fn open_database(&mut self) -> Result<(), StorageFault> {
        let opened = Builder::new()
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(true)
            .create_with_backend(Shared(Arc::clone(&self.sectors)));
        self.database = Some(opened.map_err(|error| self.fault(error))?);
        Ok(())
    }

    fn read_meta(&mut self) -> Result<(), StorageFault> {
        let meta = self.database().begin_read().map_err(redb::Error::from).and_then(|transaction| {
            let table = transaction.open_table(META)?;
            let bytes = |key| Ok::<_, redb::Error>(table.get(key)?.map(|value| value.value().to_vec()));
            let whose = (bytes(MEMBERSHIP)?, bytes(LEASE)?, bytes(JOINS)?, bytes(CLUSTER)?);
            Ok((bytes(STATE)?, bytes(BASE)?, bytes(COMMIT)?, whose))
        });
        let (state, base, commit, (membership, lease, joins, cluster)) =
            meta.map_err(|error| self.fault(error))?;
        self.state = record(STATE, state)?.ok_or_else(|| StorageFault::damaged("it has no state record"))?;
        let put_down = self.sectors.commits();
        if self.state.commits < put_down {
            let found = self.state.commits;
            let what = format!("it has gone back to commit {found}, and commit {put_down} was synced");
            return Err(StorageFault::damaged(what));
        }
        self.base = record(BASE, base)?.unwrap_or_default();
        self.commit = record(COMMIT, commit)?.unwrap_or_default();
        if self.commit > self.state.last_index {
            let (commit, last) = (self.commit, self.state.last_index);
            let what = format!("the log ends at {last}, and entries up to {commit} were committed");
            return Err(StorageFault::damaged(what));
        }
        let membership = record::<MembershipRecord>(MEMBERSHIP, membership)?;
        let joins = record::<()>(JOINS, joins)?.is_some();
        let cluster = record::<String>(CLUSTER, cluster)?;
        self.cluster = cluster.as_deref().map(Name::from);
        self.membership =
            membership.map(|MembershipRecord { own, names }| Membership { own, names, joins, cluster });
        self.lease = record::<LeaseRecord>(LEASE, lease)?.map(LeaseSettings::from);
        Ok(())
    }

    fn database(&self) -> &Database {
        self.database.as_ref().expect("opened before it is used")
    }

    /// One transaction and one sync for everything pending. Then, and not before, the number of commits is put down.
    fn commit(&mut self) -> Result<(), StorageFault> {
        if self.database.is_none() {
            // After a fault that is over: the database as the last commit left it.
            self.open_database()?;
            self.read_meta()?;
        }
        let (mut state, mut base, mut cluster) = (self.state, self.base.clone(), self.cluster.clone());
        let commit = self.pending.iter().filter_map(|write| write.commit).max();
        let commit = commit.map_or(self.commit, |commit| commit.0.max(self.commit));
        state.commits += 1;
        if let Err(stop) = self.transact(&mut state, &mut base, commit, &mut cluster) {
            let fault = self.stopped(stop);
            // redb refuses everything after an error. What is on the disk is the last commit, or this one.
            self.database = None;
            return Err(fault);
        }
        (self.state, self.base, self.commit, self.cluster) = (state, base, commit, cluster);
        self.joined = false;
        if let Some(last) = self.pending.last() {
            self.synced_ticket = last.ticket;
        }
        self.pending.clear();
        self.sectors.put_down_commits(state.commits)?;
        #[cfg(unix)]
        if let Some(witness) = &self.witness {
            witness.put_down(state.commits)?;
        }
        Ok(())
    }

    /// From now on the number of commits is put down there as well, now and after every commit.
    #[cfg(unix)]
    pub(super) fn set_witness(&mut self, witness: super::data_dir::Witness) -> Result<(), StorageFault> {
        witness.put_down(self.state.commits)?;
        self.witness = Some(witness);
        Ok(())
    }

    /// Commits so far.
    #[cfg(unix)]
    pub(super) fn commits(&self) -> u64 {
        self.state.commits
    }

    fn transact(
        &self,
        state: &mut State,
        base: &mut BaseRecord,
        commit: u64,
        cluster: &mut Option<Name>,
    ) -> Result<(), Stop> {
        let transaction = self.database().begin_write()?;
        for write in &self.pending {
            if let Some(hard_state) = write.hard_state {
                state.set_hard_state(hard_state);
            }
            for part in &write.snapshot {
                stored_state::take_snapshot(&transaction, part, state, base, cluster)?;
            }
            if let Some((first, entries)) = &write.entries {
                store_entries(&transaction, *first, entries, state)?;
            }
            if let Some(index) = write.compacted {
                stored_state::compact(&transaction, index, base, cluster)?;
            }
        }
        if self.joined {
            stored_state::clear_aside(&transaction)?;
        }
        {
            let mut meta = transaction.open_table(META)?;
            meta.insert(STATE, &*records::to_bytes(STATE, state))?;
            if *base != self.base {
                meta.insert(BASE, &*records::to_bytes(BASE, base))?;
            }
            if commit != self.commit {
                meta.insert(COMMIT, &*records::to_bytes(COMMIT, &commit))?;
            }
            if let Some(id) = cluster.as_deref().filter(|_| self.joined || *cluster != self.cluster) {
                meta.insert(CLUSTER, &*records::to_bytes(CLUSTER, &id))?;
            }
            if self.joined {
                if let Some(Membership { own, names, joins, .. }) = self.membership.clone() {
                    if joins {
                        meta.insert(JOINS, &*records::to_bytes(JOINS, &()))?;
                    }
                    meta.insert(
                        MEMBERSHIP,
                        &*records::to_bytes(MEMBERSHIP, &MembershipRecord { own, names }),
                    )?;
                }
                if let Some(lease) = self.lease {
                    meta.insert(LEASE, &*records::to_bytes(LEASE, &LeaseRecord::from(lease)))?;
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn read_log(&self) -> Result<(StateMachine, Vec<Entry>), Stop> {
        let damaged = |what: String| Stop::Fault(StorageFault::damaged(what));
        let transaction = self.database().begin_read()?;
        let state = stored_state::read_state(&transaction, &self.base, self.cluster.clone())?;
        let mut entries = Vec::new();
        let mut expected = self.base.index + 1;
        match transaction.open_table(LOG) {
            // A snapshot has taken its place.
            Err(TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(table) => {
                for found in table.iter()? {
                    let (index, bytes) = found?;
                    let index = index.value();
                    if index != expected {
                        return Err(damaged(format!("log entry {expected} is missing")));
                    }
                    let entry = entry_from_bytes(Index(index), bytes.value());
                    entries
                        .push(entry.ok_or_else(|| {
                            damaged(format!("log entry {index} does not fit its checksum"))
                        })?);
                    expected += 1;
                }
            }
        }
        if expected - 1 != self.state.last_index {
            let last = self.state.last_index;
            return Err(damaged(format!("the log ends at {} and went up to {last}", expected - 1)));
        }
        Ok((state, entries))
    }

    fn stopped(&self, stop: Stop) -> StorageFault {
        match stop {
            Stop::Redb(error) => self.fault(error),
            Stop::Fault(fault) => fault,
        }
    }

    /// What was wrong below, or what redb says is wrong with the database.
    fn fault(&self, error: impl Into<redb::Error>) -> StorageFault {
        self.sectors.take_fault().unwrap_or_else(|| match error.into() {
            redb::Error::Io(error) => {
                StorageFault::Io { during: "using the database", error: error.to_string() }
            }
            error => StorageFault::damaged(error.to_string()),
        })
    }
}

/// What a record says, if there is one.
fn record<T: for<'a> serde::Deserialize<'a>>(
    key: &str,
    bytes: Option<Vec<u8>>,
) -> Result<Option<T>, StorageFault> {
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let value = records::from_bytes(key, &bytes);
    let fault = || StorageFault::damaged(format!("the {key} record does not fit its checksum"));
    value.map(Some).ok_or_else(fault)
}

impl<B: StorageBackend> Storage for DurableStorage<B> {
    type Error = StorageFault;

    fn write(&mut self, write: Write) {
        let last = self.pending.last().map_or(self.synced_ticket, |write| write.ticket);
        assert_eq!(write.ticket, last + 1, "writes are taken in order");
        self.pending.push(write);
    }

    /// One commit. After [`StorageFault::Full`] nothing is lost and this may be tried again; after any other fault what is
    /// on the disk is known only to the next [`DurableStorage::open`].
    fn sync(&mut self) -> Result<u64, StorageFault> {
        if !self.pending.is_empty() {
            self.commit()?;
        }
        Ok(self.synced_ticket)
    }

    fn recover(&mut self) -> Result<Recovered, StorageFault> {
        let (state, entries) = self.read_log().map_err(|stop| self.stopped(stop))?;
        let log = Log::recovered(self.base.position(), entries);
        let commit = Index(self.commit.max(self.base.index));
        Ok(Recovered { hard_state: self.state.hard_state(), state, log, commit })
    }
}

/// Stores entries from `first` on; whatever stood there and behind goes.
fn store_entries(
    transaction: &WriteTransaction,
    first: Index,
    entries: &[Entry],
    state: &mut State,
) -> Result<(), Stop> {
    let mut log = transaction.open_table(LOG)?;
    assert!(first.0 <= state.last_index + 1, "a write leaves a gap before index {first}");
    for index in first.0..=state.last_index {
        log.remove(index)?;
    }
    state.last_index = first.0 - 1;
    for entry in entries {
        state.last_index += 1;
        log.insert(state.last_index, &*entry_to_bytes(Index(state.last_index), entry))?;
    }
    Ok(())
}

#[cfg(test)]
mod compaction_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod tests;
