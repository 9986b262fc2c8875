use super::super::test_disk::TestDisk;
use super::*;
use crate::kv::{Command, Scalar};
use crate::raft::{HardState, NodeId, Payload, Term};
use crate::time::Span;

pub(super) fn entry(term: u64, value: i64) -> Entry {
    let key = Scalar::Text("key".into());
    let command = Command::Write { key, value: Scalar::Integer(value) };
    Entry { term: Term(term), payload: Payload::Command(command) }
}

pub(super) fn write(ticket: u64, term: u64, first: u64, values: &[i64]) -> Write {
    let entries = values.iter().map(|value| entry(term, *value)).collect();
    let hard_state =
        HardState { term: Term(term), voted_for: Some(NodeId(1)), longest_promise: Span::millis(term) };
    let (hard_state, entries) = (Some(hard_state), Some((Index(first), entries)));
    Write { ticket, hard_state, entries, ..Write::default() }
}

pub(super) fn membership() -> Membership {
    Membership {
        own: "n1".to_owned(),
        names: vec!["n1".to_owned(), "n2".to_owned(), "n3".to_owned()],
        joins: false,
        cluster: None,
    }
}

pub(super) fn fresh(disk: &TestDisk) -> DurableStorage<TestDisk> {
    let mut storage = DurableStorage::create(disk.clone()).unwrap();
    storage.join(membership(), LeaseSettings::default()).unwrap();
    storage
}

/// Terms and values of a log.
pub(super) fn content(log: &Log) -> Vec<(u64, i64)> {
    let entries = (1..=log.last_index().0).map(|index| log.entry(Index(index)).unwrap());
    let content = entries.map(|entry| match &entry.payload {
        Payload::Command(Command::Write { value: Scalar::Integer(value), .. }) => (entry.term.0, *value),
        payload => panic!("never written: {payload:?}"),
    });
    content.collect()
}

#[test]
fn what_was_synced_is_found_again_and_nothing_else() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    storage.write(write(1, 1, 1, &[10, 20, 30]));
    storage.write(write(2, 2, 3, &[31, 40]));
    assert_eq!(storage.sync(), Ok(2));
    storage.write(write(3, 3, 2, &[99]));
    drop(storage);

    let mut storage = DurableStorage::open(disk).unwrap();
    let Recovered { hard_state, log, .. } = storage.recover().unwrap();
    assert_eq!(content(&log), [(1, 10), (1, 20), (2, 31), (2, 40)]);
    assert_eq!((hard_state.term, hard_state.voted_for), (Term(2), Some(NodeId(1))));
    assert_eq!(hard_state.longest_promise, Span::millis(2));
    assert_eq!(storage.membership(), Some(&membership()));
    assert_eq!(storage.lease(), Some(LeaseSettings::default()));

    storage.write(write(1, 3, 2, &[99]));
    assert_eq!(storage.sync(), Ok(1), "a new process counts its tickets from 1");
    assert_eq!(content(&storage.recover().unwrap().log), [(1, 10), (3, 99)]);
}

#[test]
fn a_batch_of_writes_costs_one_sync() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let before = disk.syncs();
    for ticket in 1..=20 {
        storage.write(write(ticket, 1, ticket, &[0]));
    }
    storage.sync().unwrap();
    assert_eq!(disk.syncs() - before, 1);
    storage.sync().unwrap();
    assert_eq!(disk.syncs() - before, 1, "nothing was written");
}

#[test]
fn a_hard_state_alone_is_kept() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    storage.write(Write { entries: None, ..write(1, 5, 1, &[]) });
    storage.sync().unwrap();
    storage.close().unwrap();
    let Recovered { hard_state, log, .. } = DurableStorage::open(disk).unwrap().recover().unwrap();
    assert_eq!((hard_state.term, log.last_index()), (Term(5), Index(0)));
}

#[test]
fn a_long_log_outgrows_its_file_and_comes_back() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let begun = disk.bytes().len();
    let values: Vec<i64> = (0..20_000).collect();
    storage.write(write(1, 1, 1, &values));
    storage.sync().unwrap();
    assert!(disk.bytes().len() > 2 * begun);
    // Nearly all of it goes again, and the file may shrink.
    storage.write(write(2, 2, 3, &[7]));
    storage.sync().unwrap();
    storage.close().unwrap();
    let mut storage = DurableStorage::open(disk).unwrap();
    assert_eq!(content(&storage.recover().unwrap().log), [(1, 0), (1, 1), (2, 7)]);
}

#[test]
fn the_same_nodes_in_another_order_are_the_same_cluster_and_numbers_stay() {
    let disk = TestDisk::default();
    drop(fresh(&disk));
    let mut storage = DurableStorage::open(disk).unwrap();
    let mut reordered = membership();
    reordered.names.reverse();
    storage.join(reordered, LeaseSettings::default()).unwrap();
    assert_eq!(storage.membership(), Some(&membership()));

    let other = |own: &str, names: &[&str]| Membership {
        own: own.to_owned(),
        names: names.iter().map(ToString::to_string).collect(),
        joins: false,
        cluster: None,
    };
    for given in [other("n2", &["n1", "n2", "n3"]), other("n1", &["n1"]), other("n1", &["n1", "n2", "n4"])] {
        let fault = storage.join(given.clone(), LeaseSettings::default()).unwrap_err();
        let text = fault.to_string();
        for part in [r#"belongs to node "n1" of ["n1", "n2", "n3"]"#, &format!("{:?}", given.own)] {
            assert!(text.contains(part), "{text}");
        }
    }
}

#[test]
fn the_id_that_the_operator_gives_is_kept_and_another_one_refused() {
    let disk = TestDisk::default();
    drop(fresh(&disk));
    let join = |cluster: Option<&str>| {
        let mut storage = DurableStorage::open(disk.clone()).unwrap();
        let membership = Membership { cluster: cluster.map(str::to_owned), ..membership() };
        storage.join(membership, LeaseSettings::default()).map(|()| {
            let recovered = storage.recover().unwrap();
            assert!(!recovered.has_past(), "an id is no promise");
            recovered.state.cluster
        })
    };
    assert_eq!(join(None), Ok(None));
    assert_eq!(join(Some("plum")), Ok(Some("plum".into())));
    assert_eq!(join(None), Ok(Some("plum".into())), "need not be given again");
    let fault = join(Some("fig")).unwrap_err();
    assert_eq!(fault, JoinError::OtherCluster { stored: "plum".to_owned(), given: "fig".to_owned() });
}

#[test]
fn the_id_of_the_log_outlives_the_entries() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let id = |id: &str| Entry { term: Term(1), payload: Payload::Cluster(id.into()) };
    let entries = [id("plum"), id("a-later-one")].into();
    storage.write(Write { ticket: 1, entries: Some((Index(1), entries)), ..Write::default() });
    storage.sync().unwrap();
    assert_eq!(storage.recover().unwrap().state.cluster, None, "not applied");
    storage.write(Write { ticket: 2, compacted: Some(Index(2)), ..Write::default() });
    storage.sync().unwrap();
    drop(storage);
    let mut storage = DurableStorage::open(disk).unwrap();
    assert_eq!(storage.recover().unwrap().state.cluster, Some("plum".into()));
}
