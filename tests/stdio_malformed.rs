//! What is wrong gets an error where there is somebody to tell, a log line otherwise, and the node goes on.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod process;

use process::{INIT_ALONE, body_of, run};
use xxhash_rust::xxh3::xxh3_64;

const QUESTION: &str = r#"{"src":"c9","dest":"n1","body":{"type":"lease_read_config","msg_id":99,"lease_duration_ms":3000,"election_timeout_ms":5000,"max_clock_skew_ms":500}}"#;

/// What becomes of a line.
enum Fate {
    /// An error with this code and this part of its text.
    Error(u16, &'static str),
    /// A log line with this part.
    Logged(&'static str),
}

use Fate::{Error, Logged};

/// A fellow node's line, from its beginning up to the last field: with its checksum.
fn sealed(line: &str) -> String {
    format!(r#"{line},"sum":"{:016x}"}}}}"#, xxh3_64(line.as_bytes()))
}

/// Sends `line` in the middle of a sane exchange and checks what becomes of it and that the exchange goes on.
fn check(before: &[&str], flags: &[&str], line: &[u8], fate: &Fate) {
    let shown = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
    let mut input = Vec::new();
    for sane in before {
        input.extend_from_slice(sane.as_bytes());
        input.push(b'\n');
    }
    input.extend_from_slice(line);
    input.push(b'\n');
    if before.is_empty() {
        input.extend_from_slice(INIT_ALONE.as_bytes());
        input.push(b'\n');
    }
    input.extend_from_slice(QUESTION.as_bytes());
    let finished = run(flags, &input);
    let types: Vec<String> =
        finished.lines.iter().map(|line| body_of(line)["type"].as_str().unwrap().to_owned()).collect();
    let (error, expected) = match fate {
        Error(..) if before.is_empty() => (Some(0), vec!["error", "init_ok", "lease_read_config_ok"]),
        Error(..) => (Some(before.len()), vec!["init_ok", "error", "lease_read_config_ok"]),
        Logged(_) => (None, vec!["init_ok", "lease_read_config_ok"]),
    };
    assert_eq!(types, expected, "{shown}: {finished:?}");
    match (fate, error.map(|place| body_of(&finished.lines[place]))) {
        (Error(code, part), Some(error)) => {
            assert_eq!(error["code"], *code, "{shown}: {error}");
            assert!(error["text"].as_str().unwrap().contains(part), "{shown}: {error}");
        }
        (Logged(part), _) => assert!(finished.log.contains(part), "{shown}: {}", finished.log),
        (Error(..), None) => unreachable!(),
    }
    assert_eq!(finished.status, Some(0), "{shown}");
}

#[test]
fn lines_that_are_no_messages() {
    for (line, part) in [
        (&b"hello"[..], "no JSON object"),
        (b"{", "no JSON object"),
        (b"[1,2,3]", "no JSON object"),
        (br#"["c1","n1",{"type":"read","msg_id":1,"key":1}]"#, "no JSON object"),
        (b"null", "no JSON object"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"{\"src\":\"c1\xff\"}", "not UTF-8"),
        (b"{}", "`src` is missing"),
        (br#"{"dest":"n1","body":{"type":"read","msg_id":1,"key":1}}"#, "`src` is missing"),
        (br#"{"src":7,"dest":"n1","body":{"type":"read","msg_id":1,"key":1}}"#, "`src` is 7"),
        (br#"{"src":"c1","dest":"n1"}"#, "no `body`"),
        (br#"{"src":"c1","dest":"n1","body":"read"}"#, "no object"),
        (br#"{"src":"c1","dest":"n1","body":[]}"#, "no object"),
        (br#"{"src":"c1","dest":"n1","body":{"type":"read","key":1}}"#, "without msg_id"),
        (br#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":1.5,"key":1}}"#, "`msg_id` 1.5"),
        (br#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":"1","key":1}}"#, "`msg_id` \"1\""),
        (
            br#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":18446744073709551616,"key":1}}"#,
            "no integer of 64 bits",
        ),
        (br#"{"src":"c1","dest":"n1","body":{"type":"read","type":"x","msg_id":1}}"#, "duplicate field"),
        (br#"{"src":"n2","dest":"n1","body":{"type":"timeout_now","term":1}}"#, "it has no checksum"),
        (
            br#"{"src":"n2","dest":"n1","body":{"type":"timeout_now","msg_id":1,"term":1,"sum":"0123456789abcdef"}}"#,
            "it was damaged on its way",
        ),
        (
            br#"{"src":"n7","dest":"n1","body":{"type":"vote","term":"1"}}"#,
            "dropped a message of \"n7\": `vote`",
        ),
        (br#"{"src":"c1","dest":"n1","body":{"type":"error","in_reply_to":1,"code":10}}"#, "had been asked"),
    ] {
        check(&[INIT_ALONE], &["-v"], line, &Logged(part));
    }
    for (line, part) in [
        (
            r#"{"src":"n1","dest":"n1","body":{"type":"timeout_now","cluster":"plum","term":1"#,
            "does not write to itself",
        ),
        (
            r#"{"src":"n7","dest":"n1","body":{"type":"timeout_now","cluster":"plum","term":1"#,
            "no node of this cluster",
        ),
        (
            r#"{"src":"n7","dest":"n1","body":{"type":"timeout_now","cluster":"fig","term":1"#,
            "it is of \"fig\", and this is",
        ),
        (r#"{"src":"n7","dest":"n1","body":{"type":"timeout_now","term":1"#, "it is of no cluster yet"),
    ] {
        check(&[INIT_ALONE], &["-v", "--cluster=plum"], sealed(line).as_bytes(), &Logged(part));
    }
}

#[test]
fn requests_that_are_wrong() {
    for (body, fate) in [
        (r#""msg_id":1"#, Error(12, "`type` is missing")),
        (r#""msg_id":1,"type":null"#, Error(12, "`type` is null")),
        (r#""msg_id":1,"type":"lease_write""#, Error(10, "\"lease_write\" is not known")),
        (r#""msg_id":1,"type":"read""#, Error(12, "`key` is missing")),
        (r#""msg_id":1,"type":"read","key":{}"#, Error(12, "`key` is an object")),
        (r#""msg_id":1,"type":"lease_read","key":[1]"#, Error(12, "`key` is an array")),
        (r#""msg_id":1,"type":"read","key":"\ud800""#, Error(12, "`key` is a string that is no Unicode")),
        (r#""msg_id":1,"type":"read","key":1,"key":2"#, Error(12, "duplicate field `key`")),
        (r#""msg_id":1,"type":"write","key":1"#, Error(12, "`value` is missing")),
        (r#""msg_id":1,"type":"write","key":1,"value":[]"#, Error(12, "`value` is an array")),
        (r#""msg_id":1,"type":"cas","key":1,"to":1"#, Error(12, "`from` is missing")),
        (r#""msg_id":1,"type":"cas","key":1,"from":1"#, Error(12, "`to` is missing")),
        (
            r#""msg_id":1,"type":"cas","key":1,"from":1,"to":2,"create_if_not_exists":1"#,
            Error(12, "`create_if_not_exists` is 1"),
        ),
        (
            r#""msg_id":1,"type":"init","node_id":"n1","node_ids":["n1","n2"]"#,
            Error(14, "initialised already"),
        ),
    ] {
        let line = format!(r#"{{"src":"c1","dest":"n1","body":{{{body}}}}}"#);
        check(&[INIT_ALONE], &[], line.as_bytes(), &fate);
    }
    let elsewhere = br#"{"src":"c1","dest":"n2","body":{"type":"read","msg_id":1,"key":1}}"#;
    check(&[INIT_ALONE], &[], elsewhere, &Error(12, "`dest` is \"n2\" and this is \"n1\""));
    let nowhere = br#"{"src":"c1","body":{"type":"read","msg_id":1,"key":1}}"#;
    check(&[INIT_ALONE], &[], nowhere, &Error(12, "`dest`"));
}

#[test]
fn before_init() {
    for (body, fate) in [
        (r#""msg_id":1,"type":"read","key":1"#, Error(11, "send init first")),
        (
            r#""msg_id":1,"type":"lease_read_config","lease_duration_ms":1,"election_timeout_ms":2,"max_clock_skew_ms":0"#,
            Error(11, "send init first"),
        ),
        (r#""msg_id":1,"type":"hello""#, Error(10, "not known")),
        (r#""msg_id":1,"type":"init""#, Error(12, "`node_id` is missing")),
        (r#""msg_id":1,"type":"init","node_id":"n1""#, Error(12, "`node_ids` is missing")),
        (r#""msg_id":1,"type":"init","node_id":"n1","node_ids":"n1""#, Error(12, "not an array of strings")),
        (r#""msg_id":1,"type":"init","node_id":"n1","node_ids":[]"#, Error(12, "is empty")),
        (r#""msg_id":1,"type":"init","node_id":"n1","node_ids":["n2"]"#, Error(12, "not one of `node_ids`")),
        (r#""msg_id":1,"type":"init","node_id":"n1","node_ids":["n1","n1"]"#, Error(12, "twice")),
        (r#""type":"init","node_id":"n1","node_ids":["n1"]"#, Logged("without msg_id")),
    ] {
        let line = format!(r#"{{"src":"c1","dest":"n1","body":{{{body}}}}}"#);
        check(&[], &["-v"], line.as_bytes(), &fate);
    }
    let early = sealed(r#"{"src":"n2","dest":"n1","body":{"type":"timeout_now","term":1"#);
    check(&[], &["-v"], early.as_bytes(), &Logged("before init"));
}

#[test]
fn a_line_that_is_too_long_is_dropped_and_the_next_one_read() {
    let long = format!(
        r#"{{"src":"c1","dest":"n1","body":{{"type":"write","msg_id":1,"key":"x","value":"{}"}}}}"#,
        "y".repeat(3_000_000)
    );
    check(&[INIT_ALONE], &[], long.as_bytes(), &Logged("more than --line-max"));
    // As long as a fellow node's line might be, it is read, and whoever sent it can be told.
    let longish = long.replace(&"y".repeat(3_000_000), &"y".repeat(300));
    check(&[INIT_ALONE], &["--line-max=300"], longish.as_bytes(), &Error(12, "300 at most (--line-max)"));
    let name = long.replace("c1", &"c".repeat(257)).replace(&"y".repeat(3_000_000), "y");
    check(&[INIT_ALONE], &[], name.as_bytes(), &Error(12, "`src` has 257 bytes"));
    let deep = format!(
        r#"{{"src":"c1","dest":"n1","body":{{"type":"read","msg_id":1,"key":{}"#,
        "[".repeat(500_000)
    );
    check(&[INIT_ALONE], &[], deep.as_bytes(), &Logged("no JSON object"));
}

#[test]
fn the_same_init_again_gets_the_same_answer() {
    let finished = run(&[], format!("{INIT_ALONE}\n{INIT_ALONE}\n\n \r\n{QUESTION}\r\n").as_bytes());
    let types: Vec<_> = finished.lines.iter().map(|line| body_of(line)["type"].take()).collect();
    assert_eq!(types, ["init_ok", "init_ok", "lease_read_config_ok"]);
}
