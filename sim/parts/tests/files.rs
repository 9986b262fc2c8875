//! A part is whole or not there, and damage is noticed wherever it is.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::fs;
use std::ops::Range;
use std::path::Path;

use leasehold_parts::{Build, Header, Part, PartError, Slice, Writer, coverage, survey};
use serde_json::json;

fn header(part: Range<u64>) -> Header {
    Header {
        what: "explore".to_owned(),
        question: json!({ "arguments": ["explore"], "text": "x = 1" }),
        build: Build { version: "0.1.0".to_owned(), commit: None, draw: 5, canary: "cafe".to_owned() },
        point: None,
        slices: vec![Slice { name: "seeds".to_owned(), whole: 0..100, part }],
        shard: (1, 2),
        label: "-".to_owned(),
    }
}

fn write(folder: &Path, part: Range<u64>) -> Part {
    let mut writer = Writer::create(folder, &header(part.clone())).unwrap();
    part.for_each(|seed| writer.row(&json!({ "seed": seed }).to_string()).unwrap());
    writer.finish(&json!({ "findings": 0 })).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_part_reads_back_and_the_same_rows_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let part = write(folder.path(), 0..50);
    let mut rows = Vec::new();
    let footer = part
        .read(&mut |row| {
            rows.push(row.to_owned());
            Ok::<(), PartError>(())
        })
        .unwrap();
    assert_eq!((footer.rows, rows.len(), rows[49].as_str()), (50, 50, "{\"seed\":49}"));
    assert_eq!(footer.found, json!({ "findings": 0 }));
    let bytes = fs::read(&part.path).unwrap();
    assert_eq!(write(folder.path(), 0..50), part);
    assert_eq!(fs::read(&part.path).unwrap(), bytes);
    assert_eq!(names(folder.path()).len(), 1);
}

#[test]
fn a_part_that_is_cut_off_anywhere_or_changed_anywhere_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let part = write(folder.path(), 0..20);
    let bytes = fs::read(&part.path).unwrap();
    let noticed = |bytes: &[u8]| {
        fs::write(&part.path, bytes).unwrap();
        let read = Part::open(&part.path).and_then(|part| part.check());
        matches!(read, Err(PartError::Damaged { .. }))
    };
    for length in 0..bytes.len() {
        assert!(noticed(&bytes[..length]), "cut off after {length} bytes");
    }
    // The first ten bytes are gzip's own header. Some of them carry no meaning: a time, a system.
    // The last byte before the eight of its trailer ends with bits that nothing reads.
    let padded = bytes.len() - 9;
    for place in (10..bytes.len()).filter(|place| *place != padded) {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(noticed(&changed), "byte {place}");
    }
    assert!(noticed(&[&bytes[..], b"x"].concat()), "something behind it");
    fs::write(&part.path, &bytes).unwrap();
    assert!(part.check().is_ok());
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &header(0..50)).unwrap();
    writer.row("{}").unwrap();
    assert_eq!(names(folder.path()).len(), 1);
    drop(writer);
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn a_survey_tells_parts_from_damage_and_from_what_a_killed_process_left() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let (first, second) = (write(place, 0..50), write(place, 50..100));
    fs::write(place.join(".part-abc.tmp"), "half").unwrap();
    fs::write(place.join("notes.txt"), "not ours").unwrap();
    let found = survey(&[place.to_owned(), first.path.clone()]).unwrap();
    assert_eq!(found.parts, [first.clone(), second.clone()], "a file that is named twice counts once");
    assert_eq!(found.unfinished, [place.join(".part-abc.tmp")]);
    assert!(coverage(&first.header.slices, &found.parts).complete());

    fs::write(&first.path, "half").unwrap();
    let found = survey(&[place.to_owned()]).unwrap();
    assert_eq!(found.damaged.len(), 1);
    let lacks = coverage(&second.header.slices, &found.parts).missing;
    assert_eq!(lacks, [("seeds".to_owned(), 0..50)]);
}

#[test]
fn parts_of_another_build_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..50);
    let mut other = header(50..100);
    other.build.draw = 6;
    Writer::create(folder.path(), &other).unwrap().finish(&json!(null)).unwrap();
    let refused = survey(&[folder.path().to_owned()]).unwrap_err().to_string();
    assert!(refused.contains("the draw is"), "{refused}");
}
