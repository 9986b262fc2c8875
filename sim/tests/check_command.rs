//! `sim check` as its users meet it: what it prints and how it exits, on small histories and on ones from real systems.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn sim(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sim"))
        .arg("check")
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/check/tests/histories"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sim was built");
    // It may end before it has read everything.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("sim ends")
}

#[track_caller]
fn check(arguments: &[&str], input: &str, code: i32, stdout: &str, stderr: &str) {
    let output = sim(arguments, input.as_bytes());
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "{arguments:?} {input}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), stderr, "{arguments:?} {input}");
    assert_eq!(output.status.code(), Some(code), "{arguments:?} {input}");
}

const STALE: &str = r#"{"process":0,"type":"invoke","f":"write","key":"x","value":4,"time_ns":1000}
{"process":0,"type":"ok","f":"write","time_ns":2000}
{"process":0,"type":"invoke","f":"write","key":"x","value":5,"time_ns":3000}
{"process":0,"type":"ok","f":"write","time_ns":4000}
{"process":3,"type":"invoke","f":"read","key":"x","time_ns":5500}
{"process":3,"type":"ok","f":"read","value":4,"time_ns":6000}
{"process":3,"type":"invoke","f":"write","key":"y","value":1,"time_ns":7000}
"#;

#[test]
fn a_stale_read() {
    check(
        &["-"],
        STALE,
        1,
        "stdin: 4 operations on 2 keys, 1 of unknown outcome
✗ NOT linearizable
  stale read: line 6: process 3 read 4 of key \"x\", but the write of 5 was acknowledged at line 4, 1.5us before the read was invoked at line 5
",
        "",
    );
}

#[test]
fn a_stale_read_for_machines() {
    let output = sim(&["-", "--json"], STALE.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["verdict"], "not-linearizable");
    assert_eq!(report["exit_code"], 1);
    assert_eq!(report["operations"], 4);
    let stale = &report["stale_reads"][0];
    assert_eq!(stale["stale_by_ns"], 1500);
    assert_eq!((&stale["read"]["completed_line"], &stale["read"]["value"]), (&6.into(), &"4".into()));
    assert_eq!((&stale["missed"]["completed_line"], &stale["missed"]["f"]), (&4.into(), &"write".into()));
    assert_eq!(report["violations"][0]["kind"], "order-cycle");
}

#[test]
fn other_violations() {
    let register = |events: &str| -> String {
        let event = |event: &str| format!("{{:type {event}}}\n");
        events.split(';').map(|text| event(text.trim())).collect()
    };
    for (events, violation) in [
        (
            ":invoke :f :read :process 1; :ok :f :read :value 7 :process 1",
            "  violation: line 2: process 1 read 7; no operation can have written 7\n",
        ),
        (
            ":invoke :f :read :process 1; :ok :f :read :value 7 :process 1; :invoke :f :write :value 7 :process 1",
            "  violation: line 2: process 1 read 7, before anything that writes 7 was invoked; the first is at line 3\n",
        ),
        (
            ":invoke :f :write :value 1 :process 1; :ok :f :write :value 1 :process 1; \
             :invoke :f :write :value 2 :process 2; :invoke :f :cas :value [1 3] :process 1; \
             :ok :f :cas :value [1 3] :process 1; :invoke :f :read :process 1; :ok :f :read :value 1 :process 1",
            "  stale read: line 7: process 1 read 1, but the cas to 3 was acknowledged at line 5, before the read was \
             invoked at line 6\n",
        ),
        (
            ":invoke :f :write :value 1 :process 1; :ok :f :write :value 1 :process 1; \
             :invoke :f :cas :value [1 2] :process 1; :invoke :f :cas :value [1 3] :process 2; \
             :ok :f :cas :value [1 2] :process 1; :ok :f :cas :value [1 3] :process 2",
            "  violation: 1 was written once, and two swaps replaced it\n    line 5: process 1 changed 1 to 2\n    \
             line 6: process 2 changed 1 to 3\n",
        ),
        (
            ":invoke :f :write :value 1 :process 1; :invoke :f :cas :value [1 2] :process 2; \
             :invoke :f :read :process 3; :ok :f :read :value 2 :process 3; :invoke :f :read :process 3; \
             :ok :f :read :value 1 :process 3; :ok :f :write :value 1 :process 1; :ok :f :cas :value [1 2] :process 2",
            "  violation: swaps put one operation before another that ended earlier\n    line 4: process 3 read 2; only \
             then, process 3 read 1 was invoked at line 5\n    but line 8: process 2 changed 1 to 2\n",
        ),
        // The 1 was there once, and its unknown write is used for the first read.
        (
            ":invoke :f :write :value 1 :process 1; :info :f :write :value 1 :process 1; \
             :invoke :f :write :value 2 :process 2; :ok :f :write :value 2 :process 2; \
             :invoke :f :read :process 2; :ok :f :read :value 1 :process 2; \
             :invoke :f :write :value 2 :process 2; :ok :f :write :value 2 :process 2; \
             :invoke :f :write :value 3 :process 4; :invoke :f :read :process 2; :ok :f :read :value 1 :process 2",
            "  violation: line 11: process 2 read 1; no order of the operations explains it\n    \
             the longest order that works:\n      line 4: process 2 wrote 2\n      line 1: process 1 may have written 1\n      \
             line 6: process 2 read 1\n      line 8: process 2 wrote 2\n    then the value is 2; it must be 1\n    \
             source: line 1: process 1 may have written 1; used for line 6: process 2 read 1\n    \
             meanwhile: line 1: process 1 may have written 1\n",
        ),
    ] {
        let output = sim(&["-"], register(events).as_bytes());
        assert_eq!(output.status.code(), Some(1), "{events}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.ends_with(violation), "{text} does not end with {violation}");
    }
}

#[test]
fn a_refusal_that_cannot_be_true() {
    let history = "\
{:index 0, :time 1000, :type :invoke, :process 0, :f :write, :value [0 1], :rev 7}
{:index 1, :time 2000, :type :ok, :process 0, :f :write, :value [0 1]}
{:index 2, :time 3000, :type :invoke, :process 1, :f :read, :value [0 nil]}
{:index 3, :time 4000, :type :fail, :process 1, :f :read, :value [0 nil], :error [:key-does-not-exist \"none\"]}
";
    check(
        &["-"],
        history,
        1,
        "stdin: 2 operations on 1 key, 0 of unknown outcome, 1 refused with a fact about the value
✗ NOT linearizable
  note: these fields are ignored: rev
  stale read: line 4: process 1 was told that key 0 does not exist, but the write of 1 was acknowledged at line 2, 1us \
         before the read was invoked at line 3
",
        "",
    );
    let ignored = sim(&["-", "--ignore-refusals"], history.as_bytes());
    assert_eq!(ignored.status.code(), Some(0));
    let report = sim(&["-", "--json"], history.as_bytes());
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["refused"], &report["failed"]), (&1.into(), &0.into()));
    assert_eq!(report["stale_reads"][0]["read"]["refusal"], "key-does-not-exist");
}

#[test]
fn reads_of_nil_and_what_is_no_history() {
    let history = "{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":1}\n\
                   {\"process\":0,\"type\":\"ok\",\"f\":\"write\"}\n{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\n\
                   {\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":null}\n";
    assert_eq!(sim(&["-"], history.as_bytes()).status.code(), Some(1));
    check(
        &["-", "--nil-read", "anything"],
        history,
        0,
        "stdin: 1 operation on one register, 0 of unknown outcome; 1 read of nil left out\n✓ linearizable\n",
        "",
    );
    check(
        &["-"],
        "process,type,f,value\n",
        2,
        "",
        "error: stdin:1:1: a table of values with commas or semicolons; expected JSON lines, EDN, or Jepsen's \
         history.txt or jepsen.log, as `sim help history` describes them\n",
    );
}

#[test]
fn everything_wrong_is_told_at_once() {
    check(
        &["-"],
        "{\"process\":0,\"type\":\"ok\",\"f\":\"read\"}\n{\"process\":0}\n",
        2,
        "",
        "error: stdin:1:1: process 0 ends a read; expected an invocation of it on an earlier line
error: stdin:2:1: no type; expected invoke, ok, fail or info
",
    );
}

#[test]
fn nothing_to_check() {
    check(&["-"], "", 4, "", "error: stdin: no operation, read as JSON lines\n");
    check(&["-"], "[]", 4, "", "error: stdin: no operation, read as EDN\n");
    check(
        &["README.md", "--history-format", "log"],
        "",
        4,
        "",
        "error: README.md: no operation, read as a log of Jepsen's\n",
    );
}

#[test]
fn a_file_that_cannot_be_read() {
    assert_eq!(sim(&["nowhere.edn"], b"").status.code(), Some(74));
}

#[test]
fn a_bound_that_is_too_low() {
    let output = sim(&["etcd_099.log", "--states-max", "1"], b"");
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("? undecided") && text.contains("--states-max"), "{text}");
}

/// The verdicts are those of histories/README.md.
#[test]
fn bounds_of_memory_and_time_and_what_would_help() {
    for (arguments, told) in [
        (["--memory-max", "0"], "--memory-max allows"),
        (["--time-limit", "0s"], "--time-limit allows no more"),
        (["--states-max", "1"], "--states-max allows more"),
    ] {
        let output = sim(&["etcd_099.log", arguments[0], arguments[1]], b"");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains(told), "{text}");
    }
    let output = sim(&["etcd_099.log", "--time-limit", "soon"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--time-limit"), "{output:?}");
}

#[test]
fn a_page_draws_the_violation() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let output = sim(&["etcd_099.log", "--html", page.to_str().unwrap()], b"");
    let text = std::fs::read_to_string(&page).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    for part in ["\"is\":\"timeline\"", "\"style\":\"bad\"", "no order of the operations"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    // Nothing of a history is taken for markup.
    let output = sim(
        &["-", "--html", page.to_str().unwrap()],
        br#"{"process":"<script>","type":"invoke","f":"read"}
{"process":"<script>","type":"ok","f":"read","value":"<b>"}
"#,
    );
    assert_eq!(output.status.code(), Some(1));
    let text = std::fs::read_to_string(&page).unwrap();
    // The viewer's own script, and no other one.
    assert!(text.contains("&lt;script&gt;") && text.matches("<script>").count() == 1, "{text}");
    assert!(!text.contains("<b>"), "{text}");
}

#[test]
fn histories_of_real_systems() {
    let table = include_str!("../check/tests/histories/README.md");
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| etcd_")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let code = if cells[2] == "yes" { 0 } else { 1 };
        let output = sim(&[cells[1]], b"");
        assert_eq!(output.status.code(), Some(code), "{row}: {}", String::from_utf8_lossy(&output.stdout));
        rows += 1;
    }
    assert_eq!(rows, 8);
}
