//! A [`StorageBackend`] that seals every sector and shows redb none that is not as it was sealed.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use super::sector::{CONTENT_BYTES, SECTOR_BYTES, file_length, is_intact, is_sealed, pieces, seal};
use super::{OpenError, StorageFault};

/// At the beginning of the file.
const MAGIC: &[u8; 16] = b"leasehold store\n";
/// The format of everything in the file: the head, sectors, tables and records.
/// Format 2 is format 1 with keys and values, and a log that begins behind them. Format 3 is format 2 with the cluster's id,
/// as an entry and as a record. An older file becomes one of format 3 with the first commit.
const FORMAT: u32 = 3;
/// Read at once when the whole file is verified, in sectors.
const VERIFY_SECTORS: usize = 2_048;

/// The head of the file, sector 0: magic (16 bytes), format (4), zeros (4), length (8), commits (8), little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Head {
    /// The length of redb's own file in bytes. The file is never shorter than that takes.
    length: u64,
    /// At least so many commits were synced.
    commits: u64,
}

impl Head {
    fn sector(self) -> [u8; SECTOR_BYTES] {
        let mut sector = [0; SECTOR_BYTES];
        sector[..16].copy_from_slice(MAGIC);
        sector[16..20].copy_from_slice(&FORMAT.to_le_bytes());
        sector[24..32].copy_from_slice(&self.length.to_le_bytes());
        sector[32..40].copy_from_slice(&self.commits.to_le_bytes());
        seal(&mut sector, 0);
        sector
    }

    fn parse(sector: &[u8; SECTOR_BYTES]) -> Result<Head, OpenError> {
        if sector[..16] != *MAGIC {
            return Err(OpenError::Foreign);
        }
        if !is_sealed(sector, 0) {
            return Err(StorageFault::damaged("the first 512 bytes do not fit their checksum").into());
        }
        let number = |at: usize| {
            let bytes = sector[at..at + 8].try_into().expect("eight bytes");
            u64::from_le_bytes(bytes)
        };
        let format = u32::from_le_bytes(sector[16..20].try_into().expect("four bytes"));
        if !(1..=FORMAT).contains(&format) {
            return Err(OpenError::NewerFormat { found: format, known: FORMAT });
        }
        Ok(Head { length: number(24), commits: number(32) })
    }
}

/// The sectors of a file.
#[derive(Debug)]
pub(super) struct Sectors<B> {
    inner: B,
    head: Mutex<Head>,
    /// The first thing that went wrong since it was last asked for: redb passes errors on in its own words.
    fault: Mutex<Option<StorageFault>>,
}

impl<B: StorageBackend> Sectors<B> {
    /// Begins an empty file.
    pub(super) fn create(inner: B) -> Result<Sectors<B>, OpenError> {
        let sectors = Sectors { inner, head: Mutex::default(), fault: Mutex::default() };
        let created = sectors.inner.set_len(0).and_then(|()| sectors.resize(0));
        created.map_err(|error| fault_of("creating the file", &error))?;
        Ok(sectors)
    }

    /// Opens a file and verifies every sector that redb may look at.
    pub(super) fn open(inner: B) -> Result<Sectors<B>, OpenError> {
        let found = inner.len().map_err(|error| fault_of("opening the file", &error))?;
        let mut sector = [0; SECTOR_BYTES];
        if found < sector.len() as u64 {
            let what =
                format!("the file was cut: it has {found} bytes, and never has less than {SECTOR_BYTES}");
            return Err(StorageFault::damaged(what).into());
        }
        inner.read(0, &mut sector).map_err(|error| fault_of("reading", &error))?;
        let head = Head::parse(&sector)?;
        if found < file_length(head.length) {
            let expected = file_length(head.length);
            let what = format!("the file was cut: it has {found} bytes and had at least {expected}");
            return Err(StorageFault::damaged(what).into());
        }
        let sectors = Sectors { inner, head: Mutex::new(head), fault: Mutex::default() };
        sectors.verify(head.length)?;
        Ok(sectors)
    }

    fn verify(&self, length: u64) -> Result<(), StorageFault> {
        let mut chunk = vec![0; VERIFY_SECTORS * SECTOR_BYTES];
        let end = file_length(length) / SECTOR_BYTES as u64;
        for first in (0..end).step_by(VERIFY_SECTORS) {
            let count = usize::try_from(end - first).map_or(VERIFY_SECTORS, |left| left.min(VERIFY_SECTORS));
            let bytes = &mut chunk[..count * SECTOR_BYTES];
            self.read_sectors(first, bytes).map_err(|error| fault_of("reading", &error))?;
        }
        Ok(())
    }

    /// So many commits are synced. This is written behind a sync and not synced by itself: the next commit's sync does, and
    /// a killed process loses nothing that it has written.
    pub(super) fn put_down_commits(&self, commits: u64) -> Result<(), StorageFault> {
        let head = Head { commits, ..*lock(&self.head) };
        self.write_head(head).map_err(|error| fault_of("writing", &error))
    }

    /// At least so many commits were synced.
    pub(super) fn commits(&self) -> u64 {
        lock(&self.head).commits
    }

    pub(super) fn backend(&self) -> &B {
        &self.inner
    }

    /// What went wrong first since this was last asked.
    pub(super) fn take_fault(&self) -> Option<StorageFault> {
        lock(&self.fault).take()
    }

    fn write_head(&self, head: Head) -> io::Result<()> {
        self.inner.write(0, &head.sector())?;
        *lock(&self.head) = head;
        Ok(())
    }

    /// Reads sectors from `first` on, all of them intact.
    fn read_sectors(&self, first: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read(first * SECTOR_BYTES as u64, bytes)?;
        for (number, sector) in (first..).zip(bytes.chunks_exact(SECTOR_BYTES)) {
            if !is_intact(sector, number) {
                let at = number * SECTOR_BYTES as u64;
                let end = at + SECTOR_BYTES as u64 - 1;
                let text = format!("bytes {at} to {end} of the file do not fit their checksum");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        Ok(())
    }

    /// A file that grows is long enough before its head says so, one that shrinks only after: whatever instant the machine
    /// stops at, the head asks for no more than there is.
    fn resize(&self, length: u64) -> io::Result<()> {
        let head = *lock(&self.head);
        let old = file_length(head.length);
        if length >= head.length {
            // What a stop left behind the end is not zeros.
            if self.inner.len()? > old {
                self.inner.set_len(old)?;
            }
            self.inner.set_len(file_length(length))?;
            self.inner.sync_data()?;
            self.write_head(Head { length, ..head })
        } else {
            self.write_head(Head { length, ..head })?;
            self.inner.sync_data()?;
            self.inner.set_len(file_length(length))
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let Some(first) = pieces(offset, out.len()).next() else {
            return Ok(());
        };
        let count = pieces(offset, out.len()).count();
        let mut bytes = vec![0; count * SECTOR_BYTES];
        self.read_sectors(first.number, &mut bytes)?;
        for (piece, sector) in pieces(offset, out.len()).zip(bytes.chunks_exact(SECTOR_BYTES)) {
            out[piece.place].copy_from_slice(&sector[piece.content]);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let Some(first) = pieces(offset, data.len()).next() else {
            return Ok(());
        };
        let count = pieces(offset, data.len()).count();
        let mut bytes = vec![0; count * SECTOR_BYTES];
        for (piece, sector) in pieces(offset, data.len()).zip(bytes.chunks_exact_mut(SECTOR_BYTES)) {
            if !piece.whole {
                self.read_sectors(piece.number, sector)?;
            }
            debug_assert!(piece.content.end <= CONTENT_BYTES);
            sector[piece.content].copy_from_slice(&data[piece.place]);
            seal(sector, piece.number);
        }
        self.inner.write(first.number * SECTOR_BYTES as u64, &bytes)
    }

    /// Remembers what went wrong, in our own words.
    fn watch<T>(&self, during: &'static str, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            lock(&self.fault).get_or_insert_with(|| fault_of(during, error));
        }
        result
    }
}

/// The sectors as redb gets them. It closes its backend when an error has stopped it; the file stays open all the same, for
/// the next attempt.
#[derive(Debug)]
pub(super) struct Shared<B>(pub(super) Arc<Sectors<B>>);

impl<B: StorageBackend> StorageBackend for Shared<B> {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.0.head).length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.watch("reading", self.0.read(offset, out))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.watch("changing the file's length", self.0.resize(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.watch(SYNCING, self.0.inner.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.watch("writing", self.0.write(offset, data))
    }
}

const SYNCING: &str = "syncing";

fn fault_of(during: &'static str, error: &io::Error) -> StorageFault {
    match error.kind() {
        io::ErrorKind::InvalidData => StorageFault::damaged(error.to_string()),
        // A sync that failed may have thrown away what it was to write: trying again would prove nothing.
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded if during != SYNCING => StorageFault::Full,
        _ => StorageFault::Io { during, error: error.to_string() },
    }
}

/// A thread that panicked has left no half-made change behind: each is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::test_disk::TestDisk;
    use super::*;

    #[test]
    fn damage_that_is_met_while_running_is_named() {
        let disk = TestDisk::default();
        let shared = Shared(Arc::new(Sectors::create(disk.clone()).unwrap()));
        shared.set_len(8_192).unwrap();
        shared.write(4_096, &[7; 4_096]).unwrap();
        shared.write(100, b"a part of a sector").unwrap();
        let mut bytes = [0; 4_096];
        shared.read(4_096, &mut bytes).unwrap();
        assert_eq!(bytes, [7; 4_096]);

        StorageBackend::write(&disk, 10 * 512, &[1; 512]).unwrap();
        assert!(shared.read(4_096, &mut bytes).is_err());
        let what = "bytes 5120 to 5631 of the file do not fit their checksum".to_owned();
        assert_eq!(shared.0.take_fault(), Some(StorageFault::Damaged { what }));
        shared.read(100, &mut bytes[..18]).unwrap();
        assert_eq!(&bytes[..18], b"a part of a sector");
    }

    #[test]
    fn what_a_stop_left_behind_the_end_does_not_come_back() {
        let disk = TestDisk::default();
        let shared = Shared(Arc::new(Sectors::create(disk.clone()).unwrap()));
        shared.set_len(8_192).unwrap();
        shared.write(4_096, &[7; 4_096]).unwrap();
        shared.set_len(4_096).unwrap();
        StorageBackend::set_len(&disk, 30 * 512).unwrap();
        StorageBackend::write(&disk, 10 * 512, &[1; 512]).unwrap();
        let shared = Shared(Arc::new(Sectors::open(disk).unwrap()));
        shared.set_len(8_192).unwrap();
        let mut bytes = [1; 4_096];
        shared.read(4_096, &mut bytes).unwrap();
        assert_eq!(bytes, [0; 4_096]);
    }
}
