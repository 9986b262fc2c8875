//! Entries that become keys and values, and snapshots that come in.

use super::super::test_disk::TestDisk;
use super::tests::fresh;
use super::*;
use crate::kv::{Cas, Command, Scalar};
use crate::lease::LeaseLengths;
use crate::raft::{Configured, HardState, Members, Payload, Position, SnapshotWrite, Term};
use crate::time::Span;

fn key(number: i64) -> Scalar {
    Scalar::Text(format!("key-{number}").into())
}

fn set(term: u64, number: i64, value: i64) -> Entry {
    let command = Command::Write { key: key(number), value: Scalar::Integer(value) };
    Entry { term: Term(term), payload: Payload::Command(command) }
}

fn swap(number: i64, from: i64, to: i64) -> Entry {
    let (from, to) = (Scalar::Integer(from), Scalar::Integer(to));
    let cas = Cas { key: key(number), from, to, create_if_not_exists: false };
    Entry { term: Term(2), payload: Payload::Command(Command::Cas(Box::new(cas))) }
}

/// What is on the disk: base, last index, keys with their values.
type Found = (u64, u64, Vec<(String, String)>);

fn found(recovered: &Recovered) -> Found {
    let pairs = recovered.state.values.iter().map(|(key, value)| (key.to_string(), value.to_string()));
    (recovered.log.base().index.0, recovered.log.last_index().0, pairs.collect())
}

fn reopened(bytes: Vec<u8>) -> Found {
    found(&DurableStorage::open(TestDisk::holding(bytes)).unwrap().recover().unwrap())
}

fn pairs(expected: &[(i64, i64)]) -> Vec<(String, String)> {
    expected.iter().map(|(number, value)| (key(*number).to_string(), value.to_string())).collect()
}

fn entries(ticket: u64, first: u64, entries: &[Entry]) -> Write {
    Write { ticket, entries: Some((Index(first), entries.into())), ..Write::default() }
}

fn part(offset: u64, numbers: &[i64]) -> SnapshotWrite {
    SnapshotWrite::Part { offset, pairs: numbers.iter().map(|number| (key(*number), Scalar::Null)).collect() }
}

fn install(at: Position, pairs: u64) -> SnapshotWrite {
    SnapshotWrite::Install { at, pairs, agreed: None, configured: None, cluster: None }
}

#[test]
fn entries_that_are_dropped_are_in_the_stored_state() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let noop = Entry { term: Term(2), payload: Payload::Noop };
    let five = [set(1, 1, 10), set(1, 2, 20), swap(1, 10, 11), swap(2, 99, 21), noop];
    storage.write(Write { compacted: Some(Index(2)), ..entries(1, 1, &five) });
    storage.sync().unwrap();
    assert_eq!(reopened(disk.bytes()), (2, 5, pairs(&[(1, 10), (2, 20)])));
    // A swap that looks at what is stored, one that fails, one of a key that is not there.
    storage.write(Write { compacted: Some(Index(6)), ..entries(2, 6, &[swap(3, 0, 1), set(2, 3, 30)]) });
    storage.sync().unwrap();
    drop(storage);
    let mut storage = DurableStorage::open(disk.clone()).unwrap();
    let recovered = storage.recover().unwrap();
    assert_eq!(found(&recovered), (6, 7, pairs(&[(1, 11), (2, 20)])));
    assert_eq!(recovered.log.base().term, Term(2));
    // Entries behind the base are replaced as ever.
    storage.write(Write { compacted: Some(Index(7)), ..entries(1, 7, &[set(3, 1, 12), set(3, 4, 40)]) });
    storage.sync().unwrap();
    assert_eq!(reopened(disk.bytes()), (7, 8, pairs(&[(1, 12), (2, 20)])));
}

#[test]
fn a_snapshot_takes_the_place_of_everything_when_it_is_whole() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    storage.write(Write { compacted: Some(Index(1)), ..entries(1, 1, &[set(1, 1, 10), set(1, 2, 20)]) });
    storage.write(Write { ticket: 2, snapshot: vec![part(0, &[7, 8])], ..Write::default() });
    storage.sync().unwrap();
    let before = (1, 2, pairs(&[(1, 10)]));
    assert_eq!(reopened(disk.bytes()), before, "a part is no snapshot");
    let at = Position { index: Index(100), term: Term(5) };
    let all = vec![part(2, &[9]), install(at, 3)];
    storage.write(Write { snapshot: all, ..entries(3, 101, &[set(5, 7, 70)]) });
    storage.sync().unwrap();
    let mut copy = DurableStorage::open(TestDisk::holding(disk.bytes())).unwrap();
    assert_eq!(copy.recover().unwrap().log.base(), at, "its term as well");
    let (base, last, state) = reopened(disk.bytes());
    assert_eq!((base, last, state.len()), (100, 101, 3));
    storage.write(Write { compacted: Some(Index(101)), ..entries(4, 102, &[set(5, 1, 1)]) });
    storage.sync().unwrap();
    let (base, last, state) = reopened(disk.bytes());
    assert_eq!((base, last, &state[0]), (101, 102, &(key(7).to_string(), "70".to_owned())));
}

#[test]
fn what_was_set_aside_is_gone_after_a_restart_and_before_another_snapshot() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let at = Position { index: Index(10), term: Term(1) };
    storage.write(Write { ticket: 1, snapshot: vec![part(0, &[1, 2, 3])], ..Write::default() });
    storage.write(Write { ticket: 2, snapshot: vec![part(0, &[5])], ..Write::default() });
    storage.write(Write { ticket: 3, snapshot: vec![install(at, 1)], ..Write::default() });
    storage.sync().unwrap();
    assert_eq!(reopened(disk.bytes()).2.len(), 1);
    storage.write(Write { ticket: 4, snapshot: vec![part(0, &[1, 2, 3])], ..Write::default() });
    storage.sync().unwrap();
    drop(storage);
    let mut storage = DurableStorage::open(disk.clone()).unwrap();
    storage.join(super::tests::membership(), LeaseSettings::default()).unwrap();
    let later = Position { index: Index(20), term: Term(1) };
    // The process that starts has nothing set aside, and its storage agrees.
    let empty = install(later, 0);
    storage.write(Write { ticket: 1, snapshot: vec![empty], ..Write::default() });
    storage.sync().unwrap();
    assert_eq!(reopened(disk.bytes()), (20, 20, Vec::new()));
}

/// The power goes between any two writes to the disk, and any part of what was at risk may be there: what is found is the
/// state before a commit or the one behind it, as a whole.
#[test]
fn a_power_loss_during_compaction_and_install_leaves_the_old_or_the_new() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let mut acknowledged = vec![(disk.events(), reopened(disk.bytes()))];
    let many: Vec<Entry> = (0..300).map(|number| set(1, number % 50, number)).collect();
    let numbers: Vec<i64> = (100..600).collect();
    let at = Position { index: Index(900), term: Term(2) };
    let writes = [
        entries(1, 1, &many),
        Write { compacted: Some(Index(200)), ..entries(2, 301, &[set(1, 1, 1)]) },
        Write { ticket: 3, snapshot: vec![part(0, &numbers[..250])], ..Write::default() },
        Write { ticket: 4, snapshot: vec![part(250, &numbers[250..])], ..Write::default() },
        Write { ticket: 5, snapshot: vec![install(at, 500)], ..Write::default() },
        Write { compacted: Some(Index(902)), ..entries(6, 901, &[set(2, 1, 1), set(2, 2, 2)]) },
    ];
    for write in writes {
        storage.write(write);
        storage.sync().unwrap();
        acknowledged.push((disk.events(), reopened(disk.bytes())));
    }
    let (mut given_up, mut kept) = (0, 0u64);
    for events in acknowledged[0].0..=disk.events() {
        for odds in [0, 3, 8] {
            let bytes = disk.after_power_loss(events, |_| {
                kept = kept.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (kept >> 33) % 8 < odds
            });
            let found = reopened(bytes);
            let last = acknowledged.iter().rposition(|(at, _)| *at <= events).unwrap();
            let allowed: Vec<&Found> = acknowledged[last..].iter().take(2).map(|(_, found)| found).collect();
            assert!(allowed.contains(&&found), "after {events} events: base {} last {}", found.0, found.1);
            given_up += usize::from(*allowed[0] == found && allowed.last() != Some(&&found));
        }
    }
    assert!(given_up > 20, "commits were interrupted and given up");
}

#[test]
fn a_directory_stays_as_large_as_its_log_and_its_keys() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let mut sizes = Vec::new();
    for ticket in 1..=200u64 {
        let first = (ticket - 1) * 100 + 1;
        let batch: Vec<Entry> =
            (0..100).map(|number| set(1, number, i64::try_from(first).unwrap())).collect();
        let compacted = first.checked_sub(201).map(Index).filter(|index| *index > Index::ZERO);
        storage.write(Write { compacted, ..entries(ticket, first, &batch) });
        storage.sync().unwrap();
        sizes.push(disk.bytes().len());
    }
    assert!(
        sizes[199] <= 2 * sizes[20],
        "20 000 entries of 100 keys: {} bytes, then {}",
        sizes[20],
        sizes[199]
    );
}

/// What is folded twice would end elsewhere: the first swap fails, and would not the second time.
#[test]
fn an_entry_is_applied_to_the_stored_state_once() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    storage.write(entries(1, 1, &[set(1, 1, 1), swap(1, 2, 3), swap(1, 1, 2), set(1, 2, 20)]));
    storage.write(Write { ticket: 2, compacted: Some(Index(1)), ..Write::default() });
    storage.sync().unwrap();
    storage.write(Write { ticket: 3, compacted: Some(Index(3)), ..Write::default() });
    storage.sync().unwrap();
    let expected = (3, 4, pairs(&[(1, 2)]));
    assert_eq!(reopened(disk.bytes()), expected);
    // Neither does a restart in between fold anything again.
    drop(storage);
    let mut storage = DurableStorage::open(disk.clone()).unwrap();
    storage.write(Write { ticket: 1, compacted: Some(Index(4)), ..Write::default() });
    storage.sync().unwrap();
    assert_eq!(reopened(disk.bytes()), (4, 4, pairs(&[(1, 2), (2, 20)])));
}

fn lengths(seconds: u64) -> LeaseLengths {
    let election_timeout = Span::secs(seconds);
    LeaseLengths { duration: Span::secs(1), election_timeout, max_clock_skew: Span::ZERO }
}

#[test]
fn lengths_that_were_agreed_on_are_part_of_the_stored_state_and_promises_are_not() {
    let agreed = |disk: &TestDisk| {
        let mut storage = DurableStorage::open(TestDisk::holding(disk.bytes())).unwrap();
        let recovered = storage.recover().unwrap();
        assert_eq!(recovered.hard_state.longest_promise, Span::secs(30), "whatever becomes of the log");
        recovered.state.agreed
    };
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let agree = |seconds| Entry { term: Term(1), payload: Payload::Lease(lengths(seconds)) };
    let hard_state = HardState { term: Term(1), voted_for: None, longest_promise: Span::secs(30) };
    // No lease may be as long as the election timeout: that entry changes nothing.
    let three = [agree(7), agree(1), set(1, 1, 1)];
    storage.write(Write { hard_state: Some(hard_state), ..entries(1, 1, &three) });
    storage.sync().unwrap();
    assert_eq!(agreed(&disk), None, "it is still in the log");
    for compacted in [1, 2, 3] {
        storage.write(Write { ticket: compacted + 1, compacted: Some(Index(compacted)), ..Write::default() });
        storage.sync().unwrap();
        assert_eq!(agreed(&disk), Some(lengths(7)), "up to entry {compacted}");
    }
    for (ticket, installed) in [(5, Some(lengths(9))), (6, None)] {
        let at = Position { index: Index(ticket * 100), term: Term(1) };
        let install =
            SnapshotWrite::Install { at, pairs: 0, agreed: installed, configured: None, cluster: None };
        storage.write(Write { ticket, snapshot: vec![part(0, &[]), install], ..Write::default() });
        storage.sync().unwrap();
        assert_eq!(agreed(&disk), installed);
    }
}

#[test]
fn members_that_have_changed_are_part_of_the_stored_state() {
    let configured = |disk: &TestDisk| {
        let mut storage = DurableStorage::open(TestDisk::holding(disk.bytes())).unwrap();
        storage.recover().unwrap().state.configured.map(|configured| (*configured).clone())
    };
    let members =
        |voter: &str| Members { voters: vec![voter.into(), "n2".into()], learners: vec!["n9".into()] };
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let change = |voter| Entry { term: Term(1), payload: Payload::Configuration(Box::new(members(voter))) };
    storage.write(entries(1, 1, &[change("n1"), set(1, 1, 1), change("n3")]));
    storage.sync().unwrap();
    assert_eq!(configured(&disk), None, "they are still in the log");
    for (compacted, index, voter) in [(1, 1, "n1"), (2, 1, "n1"), (3, 3, "n3")] {
        storage.write(Write { ticket: compacted + 1, compacted: Some(Index(compacted)), ..Write::default() });
        storage.sync().unwrap();
        let expected = Configured { index: Index(index), members: members(voter) };
        assert_eq!(configured(&disk), Some(expected), "up to entry {compacted}");
    }
    let at = Position { index: Index(100), term: Term(1) };
    let other = Configured { index: Index(90), members: members("n7") };
    let of = Some(std::sync::Arc::new(other.clone()));
    let install = SnapshotWrite::Install { at, pairs: 0, agreed: None, configured: of, cluster: None };
    storage.write(Write { ticket: 5, snapshot: vec![part(0, &[]), install], ..Write::default() });
    storage.sync().unwrap();
    assert_eq!(configured(&disk), Some(other));
}

/// A file of format 1 is one of a later format without anything new in it, but for the number in its head.
#[test]
fn a_directory_of_an_older_format_becomes_one_of_the_newest_with_its_first_commit() {
    use super::super::sector::{SECTOR_BYTES, seal};
    let format_of = |bytes: &[u8]| u32::from_le_bytes(bytes[16..20].try_into().unwrap());
    let as_format = |format: u32, mut bytes: Vec<u8>| {
        bytes[16..20].copy_from_slice(&format.to_le_bytes());
        seal(&mut bytes[..SECTOR_BYTES], 0);
        bytes
    };
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    storage.write(entries(1, 1, &[set(1, 1, 10), set(1, 2, 20)]));
    storage.sync().unwrap();
    drop(storage);
    assert_eq!(format_of(&disk.bytes()), 3);

    let old = TestDisk::holding(as_format(1, disk.bytes()));
    let mut storage = DurableStorage::open(old.clone()).unwrap();
    assert_eq!(found(&storage.recover().unwrap()), (0, 2, Vec::new()), "all of it is in the log");
    storage.join(super::tests::membership(), LeaseSettings::default()).unwrap();
    assert_eq!(format_of(&old.bytes()), 3, "an older program refuses it from now on");
    storage.write(Write { ticket: 1, compacted: Some(Index(1)), ..Write::default() });
    storage.sync().unwrap();
    assert_eq!(reopened(old.bytes()), (1, 2, pairs(&[(1, 10)])));

    for unknown in [0, 4] {
        let opened = DurableStorage::open(TestDisk::holding(as_format(unknown, disk.bytes())));
        assert_eq!(opened.unwrap_err(), OpenError::NewerFormat { found: unknown, known: 3 });
    }
}
