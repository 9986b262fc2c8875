//! Where this process keeps what the node writes: nowhere but in memory, or in a directory.

use std::os::fd::BorrowedFd;

use leasehold::lease::LeaseSettings;
use leasehold::maelstrom::{Directory, Fault};
use leasehold::raft::{Recovered, Write};
use leasehold::storage::durable::{Membership, StorageFault};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::Span;
use tracing::warn;

use super::data_dir::{DataDir, DirStorage};
use super::disk::{Disk, Report};

/// What was chosen, before the node knows who it is.
#[derive(Debug)]
pub(super) enum Keeper {
    /// Nothing survives the process.
    Memory,
    /// A directory.
    Directory(DataDir, Box<DirStorage>),
}

/// A store and what was found in it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) store: Store,
    /// The node's number and names as they were stored.
    pub(super) directory: Directory,
    /// It is no founding member of its cluster.
    pub(super) joins: bool,
    pub(super) recovered: Recovered,
}

/// A member's store.
#[derive(Debug)]
pub(super) enum Store {
    /// Safe as soon as it is written, as far as memory is.
    Memory(MemoryStorage),
    /// Safe when the writer says so.
    Disk {
        disk: Disk,
        /// `None` in tests.
        place: Option<DataDir>,
    },
}

impl Keeper {
    /// Closes what no node has come to use.
    pub(super) fn close(self) {
        if let Keeper::Directory(place, storage) = self
            && let Err(fault) = storage.close()
        {
            warn!("{}", place.say(&fault));
        }
    }

    /// Makes this the store of the node that `directory` calls its own; or says why that cannot be. What was stored at the
    /// first start goes before `joins`.
    pub(super) fn join(
        self,
        directory: Directory,
        joins: bool,
        lease: LeaseSettings,
    ) -> Result<Found, String> {
        match self {
            Keeper::Memory => {
                let mut storage = MemoryStorage::default();
                let Ok(recovered) = storage.recover();
                Ok(Found { store: Store::Memory(storage), directory, joins, recovered })
            }
            Keeper::Directory(place, mut storage) => {
                let names = directory.names().iter().map(ToString::to_string).collect();
                let membership = Membership { own: directory.own_name().to_owned(), names, joins };
                if let Some(last) = storage.lease().filter(|last| *last != lease) {
                    warn!(
                        "started with other lengths than last time (lease {}, election timeout {}, skew {}): all nodes \
                         should have the same",
                        last.duration, last.election_timeout, last.max_clock_skew
                    );
                }
                let joined = storage.join(membership, lease).and_then(|()| storage.recover());
                let recovered = joined.map_err(|fault| place.say(&fault))?;
                let stored = storage.membership().expect("joined").clone();
                let directory =
                    Directory::new(&stored.own, stored.names).map_err(|Fault { text, .. }| {
                        format!("its membership record makes no cluster: {text}")
                    })?;
                let disk =
                    Disk::start(*storage).map_err(|error| format!("cannot start the writer: {error}"))?;
                let store = Store::Disk { disk, place: Some(place) };
                Ok(Found { store, directory, joins: stored.joins, recovered })
            }
        }
    }
}

impl Store {
    pub(super) fn write(&mut self, write: Write) {
        match self {
            Store::Memory(storage) => storage.write(write),
            Store::Disk { disk, .. } => disk.write(write),
        }
    }

    /// What has become of the writes, if something has.
    pub(super) fn report(&mut self) -> Option<Report> {
        match self {
            Store::Memory(storage) => {
                if storage.is_synced() {
                    return None;
                }
                let Ok(ticket) = storage.sync();
                Some(Report::Synced { ticket, took: Span::ZERO })
            }
            Store::Disk { disk, .. } => disk.try_report(),
        }
    }

    /// Like [`Store::report`], but waits while a write is under way.
    pub(super) fn wait_report(&mut self) -> Option<Report> {
        match self {
            Store::Memory(_) => self.report(),
            Store::Disk { disk, .. } => disk.wait_report(),
        }
    }

    /// Does a sync take time at all?
    pub(super) fn is_disk(&self) -> bool {
        matches!(self, Store::Disk { .. })
    }

    pub(super) fn is_idle(&self) -> bool {
        match self {
            Store::Memory(storage) => storage.is_synced(),
            Store::Disk { disk, .. } => disk.is_idle(),
        }
    }

    /// See [`Disk::hush`].
    pub(super) fn hush(&self) {
        if let Store::Disk { disk, .. } = self {
            disk.hush();
        }
    }

    /// Readable when there is a report.
    pub(super) fn wake(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Store::Memory(_) => None,
            Store::Disk { disk, .. } => Some(disk.wake()),
        }
    }

    pub(super) fn say(&self, fault: &StorageFault) -> String {
        match self {
            Store::Disk { place: Some(place), .. } => place.say(fault),
            Store::Disk { place: None, .. } | Store::Memory(_) => fault.to_string(),
        }
    }

    /// Waits until everything has come to an end.
    pub(super) fn close(&mut self) {
        if let Store::Disk { disk, .. } = self {
            disk.close();
        }
    }
}
