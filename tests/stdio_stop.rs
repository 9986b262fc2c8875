//! How a node stops: a leader hands over first, waiting requests are answered, and nothing holds the process up.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "stdio_support/members.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod members;
#[path = "stdio_support/process.rs"]
#[allow(dead_code, unreachable_pub, reason = "each test uses what it needs of it")]
mod process;

use std::io::{ErrorKind, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use leasehold::time::{Clock, OsClock, Span, Stamp};
use members::{Cluster, NAMES};
use process::{INIT_ALONE, Process, body_of};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

const T: Span = Span::secs(4);

fn now() -> Stamp {
    OsClock::monotonic().read().stamp
}

/// The leader, once an update has passed through it and its followers know it.
fn leader(cluster: &mut Cluster) -> &'static str {
    for _ in 0..100 {
        for name in NAMES {
            if !cluster.children.contains_key(name) {
                continue;
            }
            let status = cluster.admin.ask(name, json!({"type": "status"}));
            let status = status.unwrap_or_default();
            let peers = status["peers"].as_array().cloned().unwrap_or_default();
            if status["role"] == "leader" && peers.iter().all(|peer| peer["lag"] == 0) {
                return name;
            }
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("no leader");
}

/// The time until another node acknowledges a write.
fn until_a_write_is_acknowledged(cluster: &mut Cluster, since: Stamp) -> Span {
    for _ in 0..200 {
        for name in NAMES {
            if !cluster.children.contains_key(name) {
                continue;
            }
            let write = json!({"type": "write", "key": "x", "value": 1});
            if cluster.admin.ask(name, write).is_some_and(|answer| answer["type"] == "write_ok") {
                return now().elapsed_max(since);
            }
        }
    }
    panic!("no write was acknowledged");
}

#[test]
fn a_leader_that_is_stopped_hands_over_before_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster =
        Cluster::new(&["--election-timeout=4s", "--lease=2s", "--heartbeat=100ms", "--jitter=200ms"]);
    for name in NAMES {
        cluster.start(name, dir.path());
    }
    let began = now();
    until_a_write_is_acknowledged(&mut cluster, began);
    for how in ["SIGTERM", "SIGINT", "end of input"] {
        let old = leader(&mut cluster);
        let since = now();
        let code = match how {
            "SIGTERM" => cluster.signal(old, Signal::TERM),
            "SIGINT" => cluster.signal(old, Signal::INT),
            _ => cluster.end_input(old),
        };
        assert_eq!(code, Some(0), "{how}");
        let ended = now().elapsed_max(since);
        let took = until_a_write_is_acknowledged(&mut cluster, since);
        // An election would have waited for T.
        assert!(took < T, "{how}: {took} until a write, {ended} until the end");
        cluster.start(old, dir.path());
    }
}

/// Sends one request after the other until one is refused. A request that comes before the signal waits for a leader.
fn first_refused(node: &mut Process) -> serde_json::Value {
    for id in 10.. {
        node.send(&format!(r#"{{"src":"c1","dest":"n1","body":{{"type":"read","msg_id":{id},"key":"x"}}}}"#));
        if let Some(line) = node.receive_within(Duration::from_millis(50)) {
            return body_of(&line);
        }
    }
    unreachable!("there are more numbers than that")
}

#[test]
fn requests_that_wait_are_refused_when_the_grace_is_over_and_new_ones_at_once() {
    let mut node = Process::start(&["--stop-grace=1s"]);
    node.send(&INIT_ALONE.replace(r#"["n1"]"#, r#"["n1","n2"]"#));
    node.receive();
    for body in [
        r#"{"type":"lease_read","msg_id":1,"key":"x"}"#,
        r#"{"type":"write","msg_id":2,"key":"x","value":1}"#,
    ] {
        node.send(&format!(r#"{{"src":"c1","dest":"n1","body":{body}}}"#));
    }
    // Answered: what came before was handled.
    assert_eq!(node.ask(r#"{"type":"status","msg_id":3}"#)["in_reply_to"], 3);
    node.signal(Signal::TERM);
    let refused = first_refused(&mut node);
    assert_eq!(refused["code"], 11, "{refused}");
    assert!(refused["in_reply_to"].as_u64() >= Some(10), "the earlier ones wait: {refused}");
    let finished = node.ended();
    assert_eq!(finished.status, Some(0), "{finished:?}");
    let rest: Vec<_> = finished.lines.iter().map(|line| body_of(line)).collect();
    let code = |id: u64| rest.iter().find(|body| body["in_reply_to"] == id).map(|body| body["code"].clone());
    assert_eq!((code(1), code(2)), (Some(json!(11)), Some(json!(0))), "{rest:?}");
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let mut node = Process::start(&["--stop-grace=10m", "--request-deadline=10m"]);
    node.send(&INIT_ALONE.replace(r#"["n1"]"#, r#"["n1","n2"]"#));
    node.receive();
    node.send(r#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":1,"key":"x"}}"#);
    node.ask(r#"{"type":"status","msg_id":2}"#);
    node.signal(Signal::INT);
    assert_eq!(first_refused(&mut node)["code"], 11);
    // It waits for the read, and works.
    node.send(r#"{"src":"c1","dest":"n1","body":{"type":"status","msg_id":4}}"#);
    while body_of(&node.receive())["in_reply_to"] != 4 {}
    node.signal(Signal::TERM);
    let finished = node.ended();
    assert_eq!(finished.status, None, "killed by the signal: {finished:?}");
}

#[test]
fn a_signal_that_the_process_was_started_to_ignore_is_ignored() {
    // As a shell starts a job in the background of a script.
    let script = format!("trap '' INT; exec {} --in-memory -qqq", env!("CARGO_BIN_EXE_leasehold"));
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut answers = std::io::BufRead::lines(std::io::BufReader::new(stdout));
    writeln!(stdin, "{INIT_ALONE}").unwrap();
    answers.next().unwrap().unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    writeln!(stdin, r#"{{"src":"c1","dest":"n1","body":{{"type":"write","msg_id":1,"key":"x","value":1}}}}"#)
        .unwrap();
    assert_eq!(body_of(&answers.next().unwrap().unwrap())["type"], "write_ok");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A process that nobody reads, in one of its streams.
fn unread(flags: &[&str], stdout: Stdio, stderr: Stdio) -> std::process::Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.args(flags).stdin(Stdio::piped()).stdout(stdout).stderr(stderr).spawn().unwrap()
}

#[test]
fn a_standard_output_that_is_not_read_does_not_hold_a_stop_up() {
    let mut child = unread(&["--in-memory", "--stop-grace=200ms", "-qqq"], Stdio::piped(), Stdio::null());
    let mut stdin = child.stdin.take().unwrap();
    rustix::io::ioctl_fionbio(&stdin, true).unwrap();
    writeln!(stdin, "{INIT_ALONE}").unwrap();
    // Until nothing more is read from standard input, since nothing more can be written to standard output.
    let mut refused = 0;
    while refused < 40 {
        match stdin.write(b"{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"type\":\"status\",\"msg_id\":1}}\n") {
            Ok(_) => refused = 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                refused += 1;
                std::thread::park_timeout(Duration::from_millis(10));
            }
            Err(error) => panic!("{error}"),
        }
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(74), None));
}

#[test]
fn a_standard_error_that_is_not_read_never_stops_the_node() {
    let mut child = unread(&["--in-memory", "-v"], Stdio::piped(), Stdio::piped());
    let mut stdin = child.stdin.take().unwrap();
    let stdout = child.stdout.take().unwrap();
    let (sender, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let lines = std::io::BufRead::lines(std::io::BufReader::new(stdout));
        lines.map_while(Result::ok).for_each(|line| sender.send(line).unwrap());
    });
    writeln!(stdin, "{INIT_ALONE}").unwrap();
    // Each is refused, and with -v each refusal is a line of the log.
    const REFUSED: u64 = 8_000;
    for id in 0..REFUSED {
        writeln!(stdin, r#"{{"src":"c1","dest":"n1","body":{{"type":"read","msg_id":{id}}}}}"#).unwrap();
    }
    writeln!(stdin, r#"{{"src":"c1","dest":"n1","body":{{"type":"metrics","msg_id":9999}}}}"#).unwrap();
    let all: Vec<_> =
        (0..REFUSED + 2).map(|_| answers.recv_timeout(Duration::from_secs(60)).expect("an answer")).collect();
    let dropped = body_of(&all[all.len() - 1])["log_lines_dropped"].as_u64().unwrap();
    assert!(dropped > 0);
    drop(stdin);
    let log = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    let told = log.lines().filter_map(|line| line.split_once("dropped ")?.1.split_once(" log lines")).count();
    assert!(told > 0, "the log says that lines are missing");
    let refused = log.lines().filter(|line| line.contains("refused a request")).count() as u64;
    assert!(refused + dropped >= REFUSED, "{refused} and {dropped}: each line is there or counted");
}

#[test]
fn a_stranger_causes_few_log_lines_and_all_are_counted() {
    const LINES: usize = 20_000;
    let mut node = Process::alone(&[]);
    for _ in 0..LINES / 100 {
        // send() adds the last newline.
        node.send(&"x\n".repeat(100)[..199]);
    }
    node.ask(r#"{"type":"status","msg_id":1}"#);
    let log = node.finish().log;
    let logged = log.lines().filter(|line| line.contains("dropped a line")).count();
    assert!((10..200).contains(&logged), "{logged}");
    let held_back = log.lines().filter_map(|line| {
        let (before, _) = line.split_once(" complaints were not logged")?;
        before.rsplit(|character: char| !character.is_ascii_digit()).next()?.parse::<usize>().ok()
    });
    assert_eq!(logged + held_back.sum::<usize>(), LINES, "{log}");
}
