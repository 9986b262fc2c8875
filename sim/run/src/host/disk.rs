//! A file on a simulated disk: a page cache, what is on the platter, and what a power loss leaves of the difference.
//!
//! A sector of 512 bytes is on the platter as a whole or not at all. Nothing else is promised before a sync has ended: any
//! of the sectors that were written since may be there, and any change of the file's length.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use leasehold::storage::durable::StorageBackend;
use xxhash_rust::xxh3::xxh3_64;

use crate::setup::Unsynced;
use leasehold_world::{DiskChance, DiskFaults};

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// The file. Clones are the same file; see [`SimDisk::copy`].
#[derive(Debug, Clone, Default)]
pub(super) struct SimDisk(Arc<Mutex<File>>);

#[derive(Debug, Clone, Default)]
struct File {
    /// What whoever reads now sees.
    seen: Vec<u8>,
    /// What was synced.
    platter: Vec<u8>,
    /// Sectors that take room: a file that grows has holes, which take none.
    taken: Vec<bool>,
    /// What has happened since the last sync that has ended.
    at_risk: Vec<Event>,
    faults: DiskFaults,
    /// The machine is off: whoever still holds the file changes nothing.
    off: bool,
}

#[derive(Debug, Clone)]
enum Event {
    Length(usize),
    Bytes(usize, Vec<u8>),
    Sync,
}

impl Event {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Event::Length(length) => content.resize(*length, 0),
            Event::Bytes(offset, data) => content[*offset..offset + data.len()].copy_from_slice(data),
            Event::Sync => {}
        }
    }
}

impl SimDisk {
    fn file(&self) -> MutexGuard<'_, File> {
        // No change is ever half made: what can fail is checked before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another file with the same content, on a machine that is on.
    pub(super) fn copy(&self) -> SimDisk {
        let file = File { off: false, ..self.file().clone() };
        SimDisk(Arc::new(Mutex::new(file)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.file().seen.is_empty()
    }

    /// What is wrong with the disk from now on.
    pub(super) fn set_faults(&self, faults: DiskFaults) {
        self.file().faults = faults;
    }

    /// The syncs so far have ended.
    pub(super) fn settle(&self) {
        let mut file = self.file();
        let synced =
            file.at_risk.iter().rposition(|event| matches!(event, Event::Sync)).map_or(0, |last| last + 1);
        let File { platter, at_risk, .. } = &mut *file;
        at_risk.drain(..synced).for_each(|event| event.apply(platter));
    }

    /// The machine stops. Gives what is on the disk when it is on again. Of the syncs since the last
    /// [settling](SimDisk::settle) some have ended, but not the last; what was written behind that one is as if it had never
    /// been.
    pub(super) fn power_loss(&self, unsynced: Unsynced, chance: &mut dyn DiskChance) -> SimDisk {
        let mut file = self.file();
        let at_risk = std::mem::take(&mut file.at_risk);
        let mut platter = std::mem::take(&mut file.platter);
        file.off = true;
        let syncs = at_risk.iter().filter(|event| matches!(event, Event::Sync)).count() as u64;
        let mut ended = match unsynced {
            Unsynced::Torn if syncs > 1 => chance.below(syncs),
            Unsynced::Torn | Unsynced::Lost => 0,
            Unsynced::Kept => syncs,
        };
        let mut stopped = false;
        for event in &at_risk {
            match event {
                Event::Sync if ended == 0 => stopped = true,
                Event::Sync => ended -= 1,
                _ if stopped => break,
                _ if ended > 0 => event.apply(&mut platter),
                Event::Length(_) => {
                    if kept(unsynced, chance) {
                        event.apply(&mut platter);
                    }
                }
                Event::Bytes(offset, data) => {
                    for (place, sector) in data.chunks(SECTOR_BYTES).enumerate() {
                        let at = offset + place * SECTOR_BYTES;
                        if at + sector.len() <= platter.len() && kept(unsynced, chance) {
                            platter[at..at + sector.len()].copy_from_slice(sector);
                        }
                    }
                }
            }
        }
        let taken = platter.chunks(SECTOR_BYTES).map(|sector| sector.iter().any(|byte| *byte != 0)).collect();
        let next = File { seen: platter.clone(), platter, taken, ..File::default() };
        SimDisk(Arc::new(Mutex::new(next)))
    }

    /// How long the file is that is on the platter, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.file().platter.len()
    }

    /// A hash of the file on the platter.
    pub(super) fn hash(&self) -> u64 {
        xxh3_64(&self.file().platter)
    }

    /// A bit changes, on the platter and for whoever reads.
    pub(super) fn flip(&self, byte: usize, bit: u8) {
        let mut file = self.file();
        let File { seen, platter, .. } = &mut *file;
        for content in [seen, platter] {
            if let Some(byte) = content.get_mut(byte) {
                *byte ^= 1 << bit;
            }
        }
    }
}

fn kept(unsynced: Unsynced, chance: &mut dyn DiskChance) -> bool {
    match unsynced {
        Unsynced::Torn => chance.below(2) == 1,
        Unsynced::Lost => false,
        Unsynced::Kept => true,
    }
}

impl File {
    fn happen(&mut self, event: Event) -> io::Result<()> {
        if self.off {
            return Err(io::Error::other("the machine is off"));
        }
        if let Event::Bytes(offset, data) = &event {
            let sectors = offset / SECTOR_BYTES..(offset + data.len()).div_ceil(SECTOR_BYTES);
            if self.faults.full && sectors.clone().any(|sector| !self.taken[sector]) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.taken[sectors].fill(true);
        }
        if let Event::Length(length) = event {
            self.taken.resize(length.div_ceil(SECTOR_BYTES), false);
        }
        event.apply(&mut self.seen);
        self.at_risk.push(event);
        Ok(())
    }
}

impl StorageBackend for SimDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = place(offset)?;
        let file = self.file();
        let bytes = file.seen.get(offset..offset + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.file().happen(Event::Length(place(length)?))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut file = self.file();
        match file.faults {
            DiskFaults { error: true, .. } => Err(io::Error::other("input/output error")),
            DiskFaults { lie: true, .. } => Ok(()),
            _ => file.happen(Event::Sync),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = place(offset)?;
        let mut file = self.file();
        if offset + data.len() > file.seen.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.happen(Event::Bytes(offset, data.to_vec()))
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says the same every time.
    struct Always(u64);

    impl DiskChance for Always {
        fn below(&mut self, count: u64) -> u64 {
            self.0.min(count - 1)
        }
    }

    fn written(disk: &SimDisk) -> Vec<u8> {
        let mut bytes = vec![0; 2 * SECTOR_BYTES];
        disk.read(0, &mut bytes).unwrap();
        vec![bytes[0], bytes[SECTOR_BYTES]]
    }

    fn disk() -> SimDisk {
        let disk = SimDisk::default();
        disk.set_len(2 * SECTOR_BYTES as u64).unwrap();
        disk.write(0, &[1; SECTOR_BYTES]).unwrap();
        disk.sync_data().unwrap();
        disk.settle();
        disk.write(0, &[2; 2 * SECTOR_BYTES]).unwrap();
        disk
    }

    #[test]
    fn what_was_synced_is_there_and_what_was_not_is_drawn() {
        assert_eq!(written(&disk()), [2, 2], "as the process sees it");
        let left = |unsynced, chance| written(&disk().power_loss(unsynced, &mut Always(chance)));
        assert_eq!(left(Unsynced::Lost, 1), [1, 0]);
        assert_eq!(left(Unsynced::Kept, 0), [2, 2]);
        assert_eq!(left(Unsynced::Torn, 0), [1, 0]);
        assert_eq!(left(Unsynced::Torn, 1), [2, 2]);
    }

    #[test]
    fn a_sync_that_has_not_ended_promises_nothing_and_nothing_happened_behind_it() {
        let disk = disk();
        disk.sync_data().unwrap();
        disk.write(0, &[3; SECTOR_BYTES]).unwrap();
        assert_eq!(written(&disk.power_loss(Unsynced::Torn, &mut Always(1))), [2, 2]);
        assert!(disk.write(0, &[4; SECTOR_BYTES]).is_err(), "the machine is off");
    }

    #[test]
    fn a_lie_is_found_out_when_power_is_lost() {
        let disk = disk();
        disk.set_faults(DiskFaults { lie: true, ..DiskFaults::default() });
        disk.sync_data().unwrap();
        disk.settle();
        assert_eq!(written(&disk.copy()), [2, 2]);
        assert_eq!(written(&disk.power_loss(Unsynced::Lost, &mut Always(0))), [1, 0]);
    }

    #[test]
    fn a_full_disk_takes_what_needs_no_room() {
        let disk = SimDisk::default();
        disk.set_len(4 * SECTOR_BYTES as u64).unwrap();
        disk.write(0, &[1; SECTOR_BYTES]).unwrap();
        disk.set_faults(DiskFaults { full: true, ..DiskFaults::default() });
        disk.write(0, &[2; SECTOR_BYTES]).unwrap();
        let refused = disk.write(SECTOR_BYTES as u64, &[2; SECTOR_BYTES]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
    }
}
