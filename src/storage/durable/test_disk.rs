//! A disk in memory that can lose power, fill up and fail.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;

use super::sector::SECTOR_BYTES;

/// The disk. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub(super) struct TestDisk(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    /// What whoever reads now sees.
    seen: Vec<u8>,
    /// Everything that has happened since the disk was empty.
    events: Vec<Event>,
    bytes_max: Option<usize>,
    failing: bool,
}

#[derive(Debug, Clone)]
enum Event {
    Length(usize),
    Bytes(usize, Vec<u8>),
    Sync,
}

/// What a power loss may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtRisk {
    /// A change of the file's length.
    Length,
    /// The bytes of one sector.
    Sector,
}

impl Event {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Event::Length(length) => content.resize(*length, 0),
            Event::Bytes(offset, data) => {
                assert!(offset + data.len() <= content.len(), "nothing is written behind the end");
                content[*offset..offset + data.len()].copy_from_slice(data);
            }
            Event::Sync => {}
        }
    }
}

impl TestDisk {
    /// A disk that holds these bytes.
    pub(super) fn holding(bytes: Vec<u8>) -> TestDisk {
        TestDisk(Arc::new(Mutex::new(Content { seen: bytes, ..Content::default() })))
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap()
    }

    /// What a killed process leaves behind: everything it wrote.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.content().seen.clone()
    }

    pub(super) fn syncs(&self) -> usize {
        self.content().events.iter().filter(|event| matches!(event, Event::Sync)).count()
    }

    /// How much has happened.
    pub(super) fn events(&self) -> usize {
        self.content().events.len()
    }

    /// After how many events the file's length was changed.
    pub(super) fn changes_of_length(&self) -> Vec<usize> {
        let content = self.content();
        let events = (1..).zip(&content.events);
        events.filter(|(_, event)| matches!(event, Event::Length(_))).map(|(number, _)| number).collect()
    }

    /// What a power loss after so many events leaves behind: what was synced, and of later changes, in sectors, those that
    /// `kept` says.
    pub(super) fn after_power_loss(&self, events: usize, mut kept: impl FnMut(AtRisk) -> bool) -> Vec<u8> {
        let content = self.content();
        let happened = &content.events[..events];
        let last_sync = happened.iter().rposition(|event| matches!(event, Event::Sync)).unwrap_or(0);
        let (synced, at_risk) = happened.split_at(last_sync);
        let mut bytes = Vec::new();
        for event in synced {
            event.apply(&mut bytes);
        }
        for event in at_risk {
            let Event::Bytes(offset, data) = event else {
                if kept(AtRisk::Length) {
                    event.apply(&mut bytes);
                }
                continue;
            };
            assert_eq!(
                (offset % SECTOR_BYTES, data.len() % SECTOR_BYTES),
                (0, 0),
                "whole sectors are written"
            );
            for (place, sector) in data.chunks(SECTOR_BYTES).enumerate() {
                let at = offset + place * SECTOR_BYTES;
                if at + SECTOR_BYTES <= bytes.len() && kept(AtRisk::Sector) {
                    bytes[at..at + SECTOR_BYTES].copy_from_slice(sector);
                }
            }
        }
        bytes
    }

    /// From now on the disk takes so many bytes; `None`: as many as come.
    pub(super) fn limit(&self, bytes_max: Option<usize>) {
        self.content().bytes_max = bytes_max;
    }

    /// From now on syncs fail.
    pub(super) fn fail(&self) {
        self.content().failing = true;
    }

    fn happen(&self, event: Event) -> io::Result<()> {
        let mut content = self.content();
        let end = match &event {
            Event::Bytes(offset, data) => offset + data.len(),
            // A file that grows has holes, which take no room.
            Event::Length(_) | Event::Sync => 0,
        };
        if content.bytes_max.is_some_and(|most| end > most) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        event.apply(&mut content.seen);
        content.events.push(event);
        Ok(())
    }
}

impl StorageBackend for TestDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.content().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.content().seen[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.happen(Event::Length(usize::try_from(length).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.content().failing {
            return Err(io::Error::other("the disk is gone"));
        }
        self.happen(Event::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.happen(Event::Bytes(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}
