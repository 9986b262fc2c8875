//! Durable commits beside their floor: redb alone, on a file of its own, doing the same commits. Entries a second are printed
//! by divan as items a second.
//!
//! `cargo bench --bench storage`

use divan::Bencher;
use divan::counter::ItemsCount;
use leasehold::kv::{Command, Scalar};
use leasehold::raft::{Entry, HardState, Index, Payload, Term, Write};
use leasehold::storage::Storage;
use leasehold::storage::durable::{DurableStorage, FileBackend};
use redb::{Database, TableDefinition};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// Entries a commit: a single client that waits for each write, and what gathers during a sync under load.
const BATCHES: [u64; 3] = [1, 32, 256];
/// The least a bench must commit for its median to mean something.
const SAMPLES: u32 = 400;

/// On the disk that the build is on: a temporary directory may be in memory, where a sync costs nothing.
fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build directory can be written")
}

fn entry(number: u64) -> Entry {
    let key = Scalar::Text(format!("key-{}", number % 1_000).into());
    let value = Scalar::Text(format!("a value of some length, {number:08}").into());
    Entry { term: Term(3), payload: Payload::Command(Command::Write { key, value }) }
}

#[divan::bench(args = BATCHES, sample_count = SAMPLES, sample_size = 1)]
fn leasehold(bencher: Bencher<'_, '_>, batch: u64) {
    let directory = directory();
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(true);
    let file = file.open(directory.path().join("leasehold.db")).expect("a new file");
    let backend = FileBackend::new(file).expect("a file is a backend");
    let mut storage = DurableStorage::create(backend).expect("a new database");
    let (mut ticket, mut last) = (0, 0);
    bencher.counter(ItemsCount::new(batch)).bench_local(|| {
        ticket += 1;
        let entries = (last + 1..=last + batch).map(entry).collect();
        let hard_state = Some(HardState { term: Term(3), ..HardState::default() });
        storage.write(Write { ticket, hard_state, entries: Some((Index(last + 1), entries)) });
        last += batch;
        storage.sync().expect("the disk works")
    });
}

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

#[divan::bench(args = BATCHES, sample_count = SAMPLES, sample_size = 1)]
fn redb_alone(bencher: Bencher<'_, '_>, batch: u64) {
    let directory = directory();
    let database = Database::create(directory.path().join("redb")).expect("a new database");
    let mut last = 0;
    bencher.counter(ItemsCount::new(batch)).bench_local(|| {
        let transaction = database.begin_write().expect("nobody else writes");
        {
            let mut log = transaction.open_table(LOG).expect("a table");
            for index in last + 1..=last + batch {
                // As long as a record is.
                let record = format!("key-{}a value of some length, {index:08}0123456789ab", index % 1_000);
                log.insert(index, record.as_bytes()).expect("the disk works");
            }
            let mut meta = transaction.open_table(META).expect("a table");
            let state = [last.to_le_bytes(), batch.to_le_bytes()].concat();
            meta.insert("state", &*state).expect("the disk works");
        }
        last += batch;
        transaction.commit().expect("the disk works");
    });
}
