//! Damage, power loss, a full disk, a failed one.

use super::super::test_disk::{AtRisk, TestDisk};
use super::tests::{content, fresh, membership, write};
use super::*;

/// A database with a few commits, as a killed process leaves it, and what it holds.
fn small() -> (Vec<u8>, Vec<(u64, i64)>) {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    for ticket in 1..=5 {
        storage.write(write(ticket, ticket, ticket, &[10]));
        storage.sync().unwrap();
    }
    // Killed: the database is not closed.
    let bytes = disk.bytes();
    let Recovered { log, .. } = storage.recover().unwrap();
    (bytes, content(&log))
}

fn reopened(bytes: Vec<u8>) -> Result<Vec<(u64, i64)>, OpenError> {
    let mut storage = DurableStorage::open(TestDisk::holding(bytes))?;
    if storage.membership() != Some(&membership()) {
        return Ok(Vec::new());
    }
    Ok(content(&storage.recover()?.log))
}

/// Flips one byte after the other and cuts the file at every length: the database opens with everything or not at all.
fn flip_and_cut(bytes: &[u8], expected: &[(u64, i64)], stride: usize) -> (usize, usize) {
    let (mut refused, mut opened) = (0, 0);
    let mut check = |bytes: Vec<u8>, what: String| match reopened(bytes) {
        Ok(found) => {
            assert_eq!(found, expected, "{what}: opened with something else");
            opened += 1;
        }
        Err(OpenError::Foreign | OpenError::Fault(StorageFault::Damaged { .. })) => refused += 1,
        Err(fault) => panic!("{what}: {fault}"),
    };
    for place in (0..bytes.len()).step_by(stride) {
        for mask in [0x01, 0x80, 0xff] {
            let mut flipped = bytes.to_vec();
            flipped[place] ^= mask;
            check(flipped, format!("byte {place} ^ {mask:#x}"));
        }
        check(bytes[..place].to_vec(), format!("cut to {place}"));
    }
    (refused, opened)
}

#[test]
fn a_damaged_database_opens_with_everything_or_not_at_all() {
    let (bytes, expected) = small();
    assert_eq!(reopened(bytes.clone()), Ok(expected.clone()));
    let (refused, opened) = flip_and_cut(&bytes, &expected, 97);
    assert!(refused > 0);
    assert_eq!(opened, 0, "every sector that redb may look at is covered");
}

#[test]
#[ignore = "takes ten seconds: every byte and every length"]
fn every_damaged_byte_and_every_length() {
    let (bytes, expected) = small();
    assert_eq!(flip_and_cut(&bytes, &expected, 1), (4 * bytes.len(), 0));
}

#[test]
fn a_database_that_has_gone_back_is_refused() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    storage.write(write(1, 1, 1, &[10]));
    storage.sync().unwrap();
    let mut older = disk.bytes();
    storage.write(write(2, 1, 2, &[20]));
    storage.sync().unwrap();
    // Everything but the head is as it was one commit ago.
    older[..512].copy_from_slice(&disk.bytes()[..512]);
    let fault = reopened(older).unwrap_err();
    assert!(fault.to_string().contains("gone back to commit 3, and commit 4 was synced"), "{fault}");
}

#[test]
fn what_is_foreign_or_of_a_later_format_is_refused() {
    let (bytes, _) = small();
    assert_eq!(reopened(b"PNG and other things".repeat(100)), Err(OpenError::Foreign));
    let mut newer = bytes;
    newer[16] = 4;
    super::super::sector::seal(&mut newer[..512], 0);
    assert_eq!(reopened(newer), Err(OpenError::NewerFormat { found: 4, known: 3 }));
}

/// Numbers below a bound, the same in every run.
fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

/// The power goes at any instant, in the middle of commits that also make the file grow and shrink: any part of what was
/// not synced may be there. The database opens with all that was acknowledged, and at most what was being written.
#[test]
fn after_a_power_loss_everything_acknowledged_is_there() {
    let mut number = numbers(42);
    let mut interrupted = 0;
    for _ in 0..4 {
        let disk = TestDisk::default();
        let mut storage = fresh(&disk);
        let mut current = Vec::new();
        // After how many events which log was acknowledged.
        let mut acknowledged = vec![(disk.events(), current.clone())];
        for ticket in 1..=8 {
            let first = 1 + number(current.len() as u64 + 1);
            let count = if number(3) == 0 { 1_500 } else { 1 + number(5) };
            let values = vec![i64::try_from(count).unwrap(); usize::try_from(count).unwrap()];
            storage.write(write(ticket, ticket, first, &values));
            storage.sync().unwrap();
            current.truncate(usize::try_from(first - 1).unwrap());
            current.extend(values.iter().map(|value| (ticket, *value)));
            acknowledged.push((disk.events(), current.clone()));
        }
        storage.close().unwrap();
        let (begun, ended) = (acknowledged[0].0, disk.events());
        for _ in 0..150 {
            let events = begun + usize::try_from(number((ended - begun) as u64 + 1)).unwrap();
            // From nearly nothing to nearly everything of what was at risk.
            let odds = number(9);
            let bytes = disk.after_power_loss(events, |_| number(8) < odds);
            let last = acknowledged.iter().rposition(|(at, _)| *at <= events).unwrap();
            let found =
                reopened(bytes).unwrap_or_else(|fault| panic!("after {events} of {ended} events: {fault}"));
            let next = acknowledged.get(last + 1);
            if found != acknowledged[last].1 {
                assert_eq!(Some(&found), next.map(|(_, log)| log), "after {events} of {ended} events");
            } else if next.is_some_and(|(at, _)| events < *at) {
                interrupted += 1;
            }
        }
    }
    assert!(interrupted > 50, "the power went in the middle of a commit, and it was given up");
}

/// The sectors are on the disk and the new length is not, or the other way round.
#[test]
fn a_power_loss_while_the_file_changes_its_length_costs_nothing() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    let begun = disk.events();
    let mut acknowledged = vec![(begun, Vec::new())];
    let sizes = [1, 3_000, 3, 6_000, 1, 2];
    for (ticket, count) in (1..).zip(sizes) {
        let values = vec![1; count];
        storage.write(write(ticket, ticket, 1, &values));
        storage.sync().unwrap();
        acknowledged.push((disk.events(), vec![(ticket, 1); count]));
    }
    let changes: Vec<usize> = disk.changes_of_length().into_iter().filter(|at| *at > begun).collect();
    assert!(!changes.is_empty(), "the file grows");
    for change in changes {
        for events in (change..change + 4).filter(|events| *events <= disk.events()) {
            for kept in [AtRisk::Length, AtRisk::Sector] {
                let bytes = disk.after_power_loss(events, |at_risk| at_risk == kept);
                let found = reopened(bytes).unwrap_or_else(|fault| panic!("after {events} events: {fault}"));
                let last = acknowledged.iter().rposition(|(at, _)| *at <= events).unwrap();
                let logs = acknowledged[last..].iter().take(2).map(|(_, log)| log);
                assert!(logs.into_iter().any(|log| *log == found), "after {events} events");
            }
        }
    }
}

/// A power loss and then a flipped byte: refused, or everything that was acknowledged.
#[test]
fn damage_after_a_power_loss_is_no_torn_commit() {
    let mut number = numbers(7);
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    storage.write(write(1, 1, 1, &[10]));
    storage.sync().unwrap();
    storage.write(write(2, 1, 2, &[20]));
    storage.sync().unwrap();
    // The number of commits that is put down behind the last sync is lost.
    let bytes = disk.after_power_loss(disk.events(), |_| false);
    assert_eq!(reopened(bytes.clone()), Ok(vec![(1, 10), (1, 20)]));
    for _ in 0..500 {
        let mut damaged = bytes.clone();
        let place = usize::try_from(number(bytes.len() as u64)).unwrap();
        damaged[place] ^= 0x04;
        assert!(matches!(
            reopened(damaged),
            Err(OpenError::Fault(StorageFault::Damaged { .. }) | OpenError::Foreign)
        ));
    }
}

#[test]
fn a_full_disk_loses_nothing_and_is_used_again_when_there_is_room() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    storage.write(write(1, 1, 1, &[10]));
    storage.sync().unwrap();
    disk.limit(Some(disk.bytes().len() / 2));
    let values = [20; 5_000];
    storage.write(write(2, 2, 2, &values));
    for _ in 0..3 {
        assert_eq!(storage.sync(), Err(StorageFault::Full));
    }
    assert_eq!(reopened(disk.bytes()), Ok(vec![(1, 10)]), "what was acknowledged is there");

    disk.limit(None);
    storage.write(write(3, 3, 3, &[30]));
    assert_eq!(storage.sync(), Ok(3));
    let expected = [(1, 10), (2, 20), (3, 30)];
    assert_eq!(content(&storage.recover().unwrap().log), expected);
    drop(storage);
    assert_eq!(reopened(disk.bytes()), Ok(expected.to_vec()));
}

#[test]
fn a_failed_sync_is_an_error_and_acknowledges_nothing() {
    let disk = TestDisk::default();
    let mut storage = fresh(&disk);
    disk.fail();
    storage.write(write(1, 1, 1, &[10]));
    let fault = storage.sync().unwrap_err();
    assert_eq!(fault, StorageFault::Io { during: "syncing", error: "the disk is gone".to_owned() });
}
