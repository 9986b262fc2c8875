//! A process and its data directory: what a restart finds, and what stops it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod process;

use std::fs;
use std::path::Path;

use process::{Finished, INIT_ALONE, Process, body_of, run};
use serde_json::Value;

fn flags(dir: &Path) -> [&str; 2] {
    ["--data-dir", dir.to_str().unwrap()]
}

/// A directory with one write in it, that of x.
fn used(dir: &Path) {
    let mut node = Process::alone(&flags(dir));
    assert_eq!(node.ask(r#"{"type":"write","msg_id":1,"key":"x","value":1.50}"#)["type"], "write_ok");
    // Killed when it is dropped.
}

fn read_x(node: &mut Process) -> Value {
    node.ask(r#"{"type":"lease_read","msg_id":9,"key":"x"}"#)
}

/// The process stops by itself, before it is asked anything, with one error line that has all these parts.
fn refused(flags: &[&str], parts: &[&str]) {
    let finished = Process::start(&[flags, &["-qq"]].concat()).ended();
    stopped(&finished, parts);
    assert_eq!(finished.lines.len(), 0);
}

fn stopped(finished: &Finished, parts: &[&str]) {
    assert_eq!(finished.status, Some(74), "{finished:?}");
    assert_eq!(finished.log.lines().count(), 1, "{}", finished.log);
    for part in parts {
        assert!(finished.log.contains(part), "{part}: {}", finished.log);
    }
}

#[test]
fn a_killed_process_goes_on_with_everything_it_has_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let dir = &dir.path().join("new");
    used(dir);
    for turn in 1..=3 {
        let mut node = Process::alone(&flags(dir));
        let found = read_x(&mut node);
        assert_eq!((found["value"].to_string(), &found["lease_valid"]), ("1.5".to_owned(), &true.into()));
        let write = format!(r#"{{"type":"write","msg_id":1,"key":{turn},"value":{turn}}}"#);
        assert_eq!(node.ask(&write)["type"], "write_ok");
    }
    let mut node = Process::alone(&flags(dir));
    for turn in 1..=3 {
        let read = format!(r#"{{"type":"read","msg_id":2,"key":{turn}}}"#);
        assert_eq!(node.ask(&read)["value"], turn);
    }
    let finished = node.finish();
    assert_eq!(finished.status, Some(0));
    assert!(finished.log.contains("goes on from term"), "{}", finished.log);
}

#[test]
fn what_was_written_before_the_end_of_input_is_acknowledged_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let write = r#"{"src":"c1","dest":"n1","body":{"type":"write","msg_id":2,"key":"x","value":7}}"#;
    let read = r#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":3,"key":"x"}}"#;
    let finished = run(&flags(dir.path()), format!("{INIT_ALONE}\n{write}\n{read}\n").as_bytes());
    assert_eq!((finished.status, finished.lines.len()), (Some(0), 3), "{finished:?}");
    assert!(finished.lines[2].contains(r#""value":7"#), "in the order in which they came: {finished:?}");
    let finished = run(&flags(dir.path()), format!("{INIT_ALONE}\n{read}").as_bytes());
    assert!(finished.lines[1].contains(r#""value":7"#), "{finished:?}");
}

#[test]
fn a_directory_belongs_to_one_node() {
    let dir = tempfile::tempdir().unwrap();
    used(dir.path());
    let init = INIT_ALONE.replace("n1", "n7");
    let finished = run(&[&flags(dir.path())[..], &["-qq"]].concat(), init.as_bytes());
    stopped(&finished, &[r#"belongs to node "n1""#, r#"init says node "n7""#, "first started"]);
    assert_eq!(finished.lines.len(), 1, "and whoever sent init is told");
    assert!(finished.lines[0].contains(r#""code":14"#), "{finished:?}");
}

#[test]
fn one_process_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Process::alone(&flags(dir.path()));
    refused(&flags(dir.path()), &["another process is using it", "stop that one first"]);
    let answer = first.ask(r#"{"type":"write","msg_id":1,"key":"x","value":1}"#);
    assert_eq!(answer["type"], "write_ok", "the first one is not disturbed");
    drop(first);
    Process::alone(&flags(dir.path()));
}

#[test]
fn one_process_a_database_whichever_way_leads_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Process::alone(&flags(dir.path()));
    assert_eq!(first.ask(r#"{"type":"write","msg_id":1,"key":"x","value":1}"#)["type"], "write_ok");
    let database = dir.path().join("leasehold.db");
    let (soft, hard) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(&database, soft.path().join("leasehold.db")).unwrap();
    fs::hard_link(&database, hard.path().join("leasehold.db")).unwrap();
    fs::remove_file(dir.path().join("lock")).unwrap();
    for place in [dir.path(), soft.path(), hard.path()] {
        // The end of input would end a process that started.
        let second = run(&[&flags(place)[..], &["-qq"]].concat(), b"");
        stopped(&second, &["another process is using this leasehold.db", "stop that process first"]);
    }
    assert_eq!(first.ask(r#"{"type":"write","msg_id":2,"key":"x","value":2}"#)["type"], "write_ok");
    drop(first);
    assert_eq!(read_x(&mut Process::alone(&flags(dir.path())))["value"], 2, "nothing is lost");
}

#[test]
fn a_place_that_will_not_do_is_named_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    refused(&flags(&file), &["file: this is a file", "name a directory"]);
    refused(&flags(&dir.path().join("a/b")), &["a/b: there is no directory to create it in"]);
    refused(&flags(dir.path()), &[r#"it holds "file" and no leasehold.db"#, "name an empty one"]);
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["file"], "nothing was left in somebody else's directory");
}

#[test]
fn a_directory_that_is_not_as_it_was_stops_the_node() {
    let dir = tempfile::tempdir().unwrap();
    used(dir.path());
    let database = dir.path().join("leasehold.db");
    let bytes = fs::read(&database).unwrap();
    let there = dir.path().to_str().unwrap();

    let mut flipped = bytes.clone();
    flipped[2_000] ^= 1;
    fs::write(&database, &flipped).unwrap();
    refused(&flags(dir.path()), &[there, "bytes 1536 to 2047 of the file", "nothing was repaired"]);
    fs::write(&database, &bytes[..bytes.len() - 1]).unwrap();
    refused(&flags(dir.path()), &["the file was cut"]);
    fs::write(&database, b"").unwrap();
    refused(&flags(dir.path()), &["the file was cut: it has 0 bytes"]);
    fs::write(&database, b"SQLite format 3\0".repeat(64)).unwrap();
    refused(&flags(dir.path()), &["this is no leasehold database"]);
    fs::remove_file(&database).unwrap();
    refused(&flags(dir.path()), &["leasehold.db is gone", "forgotten its votes"]);

    fs::write(&database, &bytes).unwrap();
    assert_eq!(read_x(&mut Process::alone(&flags(dir.path())))["value"].to_string(), "1.5");
}

#[test]
fn a_first_start_that_was_interrupted_is_a_first_start() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lock"), b"").unwrap();
    fs::write(dir.path().join("leasehold.db.new"), b"half a databa").unwrap();
    used(dir.path());
    assert_eq!(read_x(&mut Process::alone(&flags(dir.path())))["value"].to_string(), "1.5");
}

#[test]
fn a_node_that_keeps_nothing_says_so_unless_that_was_asked_for() {
    assert!(run(&["-q"], b"").log.contains("WARN keeps nothing"));
    assert_eq!(run(&["-q", "--in-memory"], b"").log, "");
    let finished = run(&["--in-memory", "--data-dir", "somewhere"], b"");
    assert_eq!(finished.status, Some(2));
    assert!(finished.log.contains("cannot be used with"), "{}", finished.log);
}

#[test]
fn the_directory_may_be_named_for_the_node() {
    let root = tempfile::tempdir().unwrap();
    let flag = format!("--data-dir={}/{{node}}", root.path().display());
    let init = |name: &str| {
        let name = serde_json::to_string(name).unwrap();
        format!(
            r#"{{"src":"c0","dest":{name},"body":{{"type":"init","msg_id":1,"node_id":{name},"node_ids":[{name}]}}}}"#
        )
    };
    for name in ["n1", "node-2_b.c"] {
        let finished = run(&[&flag], init(name).as_bytes());
        assert_eq!(finished.status, Some(0), "{finished:?}");
        assert!(root.path().join(name).join("leasehold.db").exists());
    }
    // A name is no way out of the directory.
    for name in ["../n1", "a/b", "..", ".hidden", "ü"] {
        let finished = run(&[&flag], init(name).as_bytes());
        let answer = body_of(&finished.lines[0]);
        assert_eq!(
            (finished.status, &answer["code"]),
            (Some(74), &serde_json::json!(14)),
            "{name}: {finished:?}"
        );
        assert!(answer["text"].as_str().unwrap().contains("makes no part of a path"), "{answer}");
    }
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 2);
}
