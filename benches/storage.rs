//! Durable commits beside their floor: redb alone, on a file of its own, doing the same commits.
//!
//! `cargo bench --bench storage`
//!
//! The two take turns, commit by commit, so that both meet the same disk: on a machine where others use it too, a sync takes
//! twenty times as long at one moment as at another, and two measurements one after the other compare nothing.

#![allow(clippy::float_arithmetic, clippy::print_stdout, reason = "a report for people")]

use std::path::Path;
use std::time::Duration;

use leasehold::kv::{Command, Scalar};
use leasehold::raft::{Entry, HardState, Index, Payload, Term, Write};
use leasehold::storage::Storage;
use leasehold::storage::durable::{DataDir, DurableStorage};
use redb::{Database, TableDefinition};
use rustix::time::{ClockId, clock_gettime};

/// Entries a commit: a single client that waits for each write, and what gathers during a sync under load.
const BATCHES: [u64; 3] = [1, 32, 256];
/// Commits of each of the two.
const COMMITS: usize = 1_000;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

fn main() {
    println!(
        "entries   leasehold, a commit        redb alone, a commit      leasehold/redb, entries a second"
    );
    println!("a commit  median       mean          median       mean         by medians  by means");
    for batch in BATCHES {
        // On the disk that the build is on: a temporary directory may be in memory, where a sync costs nothing.
        let directory =
            tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build directory can be written");
        let (mut ours, mut floor) = (Ours::new(directory.path()), Floor::new(directory.path()));
        let (mut our_times, mut floor_times) = (Vec::new(), Vec::new());
        for _ in 0..COMMITS {
            let write = ours.write(batch);
            our_times.push(timed(|| ours.commit(write)));
            let records = floor.records(batch);
            floor_times.push(timed(|| floor.commit(&records)));
        }
        let (ours, floor) = (Summary::of(our_times), Summary::of(floor_times));
        println!(
            "{batch:>8}  {:>10.3?}  {:>10.3?}    {:>10.3?}  {:>10.3?}   {:>9.2}  {:>9.2}",
            ours.median,
            ours.mean,
            floor.median,
            floor.mean,
            floor.median.as_secs_f64() / ours.median.as_secs_f64(),
            floor.mean.as_secs_f64() / ours.mean.as_secs_f64(),
        );
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::MonotonicRaw)).expect("it starts at zero");
    let begun = now();
    work();
    now() - begun
}

struct Summary {
    median: Duration,
    mean: Duration,
}

impl Summary {
    fn of(mut times: Vec<Duration>) -> Summary {
        times.sort();
        let count = u32::try_from(times.len()).expect("a thousand");
        Summary { median: times[times.len() / 2], mean: times.iter().sum::<Duration>() / count }
    }
}

/// What the node does.
struct Ours {
    storage: DurableStorage<DataDir>,
    ticket: u64,
    last: u64,
}

impl Ours {
    fn new(directory: &Path) -> Ours {
        let storage = DurableStorage::open_dir(&directory.join("leasehold")).expect("a new directory");
        Ours { storage, ticket: 0, last: 0 }
    }

    fn write(&mut self, batch: u64) -> Write {
        self.ticket += 1;
        let first = self.last + 1;
        self.last += batch;
        let entries = (first..=self.last).map(|index| {
            let key = Scalar::Text(format!("key-{}", index % 1_000).into());
            let value = Scalar::Text(format!("a value of some length, {index:08}").into());
            Entry { term: Term(3), payload: Payload::Command(Command::Write { key, value }) }
        });
        let hard_state = Some(HardState { term: Term(3), ..HardState::default() });
        let entries = Some((Index(first), entries.collect()));
        Write { ticket: self.ticket, hard_state, entries, ..Write::default() }
    }

    fn commit(&mut self, write: Write) {
        self.storage.write(write);
        self.storage.sync().expect("the disk works");
    }
}

/// redb alone: tables and records as ours, and nothing around them.
struct Floor {
    database: Database,
    last: u64,
}

impl Floor {
    fn new(directory: &Path) -> Floor {
        Floor { database: Database::create(directory.join("redb")).expect("a new database"), last: 0 }
    }

    fn records(&mut self, batch: u64) -> Vec<(u64, String)> {
        let first = self.last + 1;
        self.last += batch;
        // As long as a record is.
        let record = |index| {
            format!("\x03\x01\x04\x07key-{}\x04\x20a value of some length, {index:08}checksum", index % 1_000)
        };
        (first..=self.last).map(|index| (index, record(index))).collect()
    }

    fn commit(&mut self, records: &[(u64, String)]) {
        let transaction = self.database.begin_write().expect("nobody else writes");
        {
            let mut log = transaction.open_table(LOG).expect("a table");
            for (index, record) in records {
                log.insert(index, record.as_bytes()).expect("the disk works");
            }
            let mut meta = transaction.open_table(META).expect("a table");
            let state = [self.last.to_le_bytes(), [3; 8]].concat();
            meta.insert("state", &*state).expect("the disk works");
        }
        transaction.commit().expect("the disk works");
    }
}
