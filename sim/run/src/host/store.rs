//! Where a simulated node keeps its state: in a model of a disk, or in the database that production runs, on a simulated one.

use std::error::Error;
use std::sync::Arc;

use leasehold::lease::LeaseSettings;
use leasehold::raft::{HardState, Index, Recovered, SnapshotWrite, Write};
use leasehold::storage::durable::{DurableStorage, Membership, StorageFault};
use leasehold::storage::{MemoryStorage, Storage};

use super::disk::SimDisk;
use crate::setup::Unsynced;
use leasehold_world::{DiskChance, DiskFaults, Recovery, SyncEnd};

/// What a start finds.
pub(super) type Found = Recovered;

/// A node's storage.
#[derive(Debug, Clone)]
pub(super) enum Store {
    /// Nothing but what was synced and what was not.
    Memory(Box<MemoryStorage>),
    /// The database.
    Durable(Box<Durable>),
}

/// The database on its disk.
#[derive(Debug)]
pub(super) struct Durable {
    membership: Membership,
    lease: LeaseSettings,
    unsynced: Unsynced,
    disk: SimDisk,
    /// There has been a database. Production puts that down in a file of its own.
    created: bool,
    /// Open while the machine is on.
    storage: Option<DurableStorage<SimDisk>>,
    /// Written, and in no batch yet.
    waiting: Vec<Write>,
    /// Being synced.
    batch: Vec<Write>,
    /// What the disk has reported as safe, and so must be found again.
    reported: Summary,
    /// The same with the batch under way, which may be found or not.
    with_batch: Summary,
    found: Option<Found>,
    /// The disk as it was when the machine came up, and what has been done to it since: a copy of the database is made by
    /// doing the same again.
    image: SimDisk,
    was_created: bool,
    life: Vec<Deed>,
}

#[derive(Debug, Clone)]
enum Deed {
    Write(Arc<[Write]>),
    Sync(DiskFaults),
    Flip(usize, u8),
}

/// A durable state in as many words as tell it from others: what is in a log up to an entry follows from that entry's term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Summary {
    hard_state: HardState,
    /// Entries up to here are in the state machine, and dropped.
    base: Index,
    last: (Index, leasehold::raft::Term),
}

impl Summary {
    fn of(Recovered { hard_state, log, .. }: &Found) -> Summary {
        Summary { hard_state: *hard_state, base: log.base().index, last: (log.last_index(), log.last_term()) }
    }

    fn apply(&mut self, write: &Write) {
        self.hard_state = write.hard_state.unwrap_or(self.hard_state);
        for snapshot in &write.snapshot {
            if let SnapshotWrite::Install { at, .. } = snapshot {
                self.base = at.index;
                self.last = (at.index, at.term);
            }
        }
        if let Some((first, entries)) = &write.entries
            && let Some(last) = entries.last()
        {
            self.last = (Index(first.previous().0 + entries.len() as u64), last.term);
        }
        self.base = write.compacted.unwrap_or(self.base);
    }

    /// What is in `self` and not in `found`, in words.
    fn missing_from(&self, found: &Summary) -> String {
        let (was, is) = (&self.hard_state, &found.hard_state);
        let mut words = Vec::new();
        if was.term != is.term {
            words.push(format!("term {} (now {})", was.term.0, is.term.0));
        }
        match was.voted_for {
            Some(node) if was.term != is.term || is.voted_for != was.voted_for => {
                words.push(format!("its vote for n{} in term {}", node.index() + 1, was.term.0));
            }
            _ => {}
        }
        if was.longest_promise > is.longest_promise {
            words.push(format!("that it had promised for {}", was.longest_promise));
        }
        if self.last != found.last {
            words.push(format!(
                "log entries behind {} (it had {} of them, the last one of term {})",
                found.last.0.0, self.last.0.0, self.last.1.0
            ));
        }
        if self.base != found.base {
            words
                .push(format!("that entries up to {} are applied (now up to {})", self.base.0, found.base.0));
        }
        words.join(", ")
    }
}

impl Durable {
    pub(super) fn new(membership: Membership, lease: LeaseSettings, unsynced: Unsynced) -> Durable {
        Durable {
            membership,
            lease,
            unsynced,
            disk: SimDisk::default(),
            created: false,
            storage: None,
            waiting: Vec::new(),
            batch: Vec::new(),
            reported: Summary::default(),
            with_batch: Summary::default(),
            found: None,
            image: SimDisk::default(),
            was_created: false,
            life: Vec::new(),
        }
    }

    /// Opens the database on `disk`, as production does at its start.
    fn open(&self, disk: &SimDisk, created: bool) -> Result<DurableStorage<SimDisk>, Box<dyn Error>> {
        let mut storage = match disk.is_empty() {
            true if created => {
                let what = "the database is gone, and there was one".to_owned();
                return Err(StorageFault::Damaged { what }.into());
            }
            true => DurableStorage::create(disk.clone())?,
            false => DurableStorage::open(disk.clone())?,
        };
        storage.join(self.membership.clone(), self.lease)?;
        disk.settle();
        Ok(storage)
    }

    pub(super) fn recover(&mut self, faults: DiskFaults) -> Result<Recovery, String> {
        self.image = self.disk.copy();
        self.was_created = self.created;
        self.disk.set_faults(faults);
        self.image.set_faults(faults);
        let opened =
            self.open(&self.disk, self.created).and_then(|mut storage| Ok((storage.recover()?, storage)));
        let (found, storage) = opened.map_err(|fault| {
            // What the attempt wrote is still there for the next one; nothing is held open.
            self.disk = self.disk.copy();
            fault.to_string()
        })?;
        let summary = Summary::of(&found);
        let known = summary == self.reported || summary == self.with_batch;
        let forgotten = (!known).then(|| self.reported.missing_from(&summary));
        self.reported = summary;
        self.with_batch = summary;
        self.storage = Some(storage);
        self.created = true;
        self.found = Some(found);
        self.life.clear();
        Ok(Recovery { forgotten })
    }

    pub(super) fn write(&mut self, write: Write) {
        self.waiting.push(write);
    }

    pub(super) fn begin_sync(&mut self) -> bool {
        let Some(storage) = self.storage.as_mut().filter(|_| !self.waiting.is_empty()) else {
            return false;
        };
        let writes = std::mem::take(&mut self.waiting);
        for write in &writes {
            storage.write(write.clone());
            self.with_batch.apply(write);
        }
        self.life.push(Deed::Write(writes.as_slice().into()));
        self.batch.extend(writes);
        true
    }

    pub(super) fn end_sync(&mut self, faults: DiskFaults) -> SyncEnd {
        // What has come while the disk was full goes along.
        self.begin_sync();
        let Some(storage) = self.storage.as_mut() else {
            return SyncEnd::Failed("the database is closed".to_owned());
        };
        self.life.push(Deed::Sync(faults));
        self.disk.set_faults(faults);
        match storage.sync() {
            Ok(ticket) => {
                self.disk.settle();
                self.batch.clear();
                self.reported = self.with_batch;
                SyncEnd::Synced { ticket }
            }
            Err(StorageFault::Full) => SyncEnd::Full,
            Err(fault) => SyncEnd::Failed(fault.to_string()),
        }
    }

    /// The machine stops. A commit that is under way has come as far as is drawn.
    fn crash(&mut self, chance: &mut dyn DiskChance) {
        if let Some(storage) = self.storage.as_mut().filter(|_| !self.batch.is_empty()) {
            // How it ends is of no interest: the last of its syncs never does.
            let _ = storage.sync();
        }
        self.disk = self.disk.power_loss(self.unsynced, chance);
        self.storage = None;
        self.found = None;
        self.waiting.clear();
        self.batch.clear();
        self.life.clear();
    }

    fn corrupt(&mut self, chance: &mut dyn DiskChance) -> Option<String> {
        let bytes = self.disk.bytes();
        let byte =
            usize::try_from(chance.below(u64::try_from(bytes).ok().filter(|bytes| *bytes > 0)?)).ok()?;
        let bit = u8::try_from(chance.below(8)).ok()?;
        self.disk.flip(byte, bit);
        self.life.push(Deed::Flip(byte, bit));
        Some(format!("bit {bit} of byte {byte} of the {bytes} bytes of its file"))
    }
}

impl Clone for Durable {
    /// The same database, the same disk, in the same state: made by doing everything again that was done since the machine
    /// came up.
    fn clone(&self) -> Durable {
        let image = self.image.copy();
        let disk = if self.storage.is_some() { self.image.copy() } else { self.disk.copy() };
        let mut storage = self.storage.as_ref().and_then(|_| self.open(&disk, self.was_created).ok());
        for deed in &self.life {
            match (deed, &mut storage) {
                (Deed::Write(writes), Some(storage)) => {
                    writes.iter().for_each(|write| storage.write(write.clone()));
                }
                (Deed::Sync(faults), Some(storage)) => {
                    disk.set_faults(*faults);
                    if storage.sync().is_ok() {
                        disk.settle();
                    }
                }
                (Deed::Flip(byte, bit), Some(_)) => disk.flip(*byte, *bit),
                (_, None) => {}
            }
        }
        Durable {
            membership: self.membership.clone(),
            disk,
            storage,
            waiting: self.waiting.clone(),
            batch: self.batch.clone(),
            found: self.found.clone(),
            image,
            life: self.life.clone(),
            ..*self
        }
    }
}

impl Store {
    /// See [`leasehold_world::Process::recover`].
    pub(super) fn recover(&mut self, faults: DiskFaults) -> Result<Recovery, String> {
        match self {
            Store::Memory(_) => Ok(Recovery::default()),
            Store::Durable(durable) => durable.recover(faults),
        }
    }

    /// What the start that comes now is to go on from.
    pub(super) fn found(&mut self) -> Found {
        match self {
            Store::Memory(storage) => {
                let Ok(found) = storage.recover();
                found
            }
            Store::Durable(durable) => durable.found.take().expect("a process starts on what was recovered"),
        }
    }

    #[inline]
    pub(super) fn write(&mut self, write: Write) {
        match self {
            Store::Memory(storage) => storage.write(write),
            Store::Durable(durable) => durable.write(write),
        }
    }

    /// The node is told that writes up to `ticket` are safe.
    #[inline]
    pub(super) fn synced(&mut self, ticket: u64) {
        if let Store::Memory(storage) = self {
            storage.sync_up_to(ticket);
        }
    }

    pub(super) fn crash(&mut self, chance: &mut dyn DiskChance) {
        match self {
            Store::Memory(storage) => storage.crash(),
            Store::Durable(durable) => durable.crash(chance),
        }
    }

    pub(super) fn disk_hash(&self) -> u64 {
        match self {
            Store::Memory(_) => 0,
            Store::Durable(durable) => durable.disk.hash(),
        }
    }

    pub(super) fn corrupt(&mut self, chance: &mut dyn DiskChance) -> Option<String> {
        match self {
            Store::Memory(_) => None,
            Store::Durable(durable) => durable.corrupt(chance),
        }
    }
}
