//! Lease reads over standard input and output, beside their floor: a loop that parses the same line with serde_json and writes
//! an answer that is always the same.
//!
//! `cargo bench --bench stdio`
//!
//! All processes are fed by the same driver, with as many requests under way as pipes hold, and take turns. What is
//! compared is the processor time that the process itself used, which other work on the machine changes least; the rate by
//! the wall clock, driver included, stands beside it.

#![allow(clippy::float_arithmetic, clippy::print_stdout, reason = "a report for people")]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use memchr::memchr_iter;
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::Value;

/// Requests of a turn.
const REQUESTS: usize = 300_000;
/// Turns of each process.
const TURNS: usize = 7;
const READ_BYTES: usize = 64 * 1024;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("floor-typed") => floor(|line| {
            let message: Message<'_> = serde_json::from_slice(line).expect("a request");
            message.body.msg_id
        }),
        Some("floor-tree") => floor(|line| {
            let message: Value = serde_json::from_slice(line).expect("a request");
            message["body"]["msg_id"].as_u64().expect("a number")
        }),
        _ => report(),
    }
}

/// The request, as somebody would declare it who wants nothing else.
#[derive(Deserialize)]
#[allow(dead_code, reason = "parsed, as everything else")]
struct Message<'a> {
    src: &'a str,
    dest: &'a str,
    #[serde(borrow)]
    body: Body<'a>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "parsed, as everything else")]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    msg_id: u64,
    key: &'a str,
}

const ANSWER: &[u8] = br#"{"src":"n1","dest":"c1","body":{"type":"lease_read_ok","in_reply_to":300000,"msg_id":300000,"value":"some value","lease_valid":true,"network_round_trips":0}}"#;

/// Reads what there is, answers each line, writes all answers at once.
fn floor(parse: impl Fn(&[u8]) -> u64) {
    let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
    let (mut input, mut output) = (Vec::new(), Vec::new());
    let mut chunk = vec![0; READ_BYTES];
    let mut sum = 0;
    loop {
        let count = rustix::io::read(&stdin, &mut chunk[..]).expect("standard input can be read");
        if count == 0 {
            assert_ne!(sum, 1, "what was parsed is used");
            return;
        }
        input.extend_from_slice(&chunk[..count]);
        let mut start = 0;
        for end in memchr_iter(b'\n', &input) {
            sum ^= parse(&input[start..end]);
            output.extend_from_slice(ANSWER);
            output.push(b'\n');
            start = end + 1;
        }
        input.drain(..start);
        stdout.lock().write_all(&output).and_then(|()| stdout.lock().flush()).expect("it is read");
        output.clear();
    }
}

fn report() {
    let this = std::env::current_exe().expect("this program has a path");
    let this = this.to_str().expect("a path in Unicode");
    let floor_of =
        |kind: &'static str| Subject { name: kind, program: this.to_owned(), arguments: vec![kind] };
    let node = env!("CARGO_BIN_EXE_leasehold").to_owned();
    let subjects = [
        floor_of("floor-typed"),
        floor_of("floor-tree"),
        Subject { name: "leasehold", program: node, arguments: vec!["--in-memory"] },
    ];
    let mut turns: Vec<Vec<Turn>> = vec![Vec::new(); subjects.len()];
    for _ in 0..TURNS {
        for (subject, turns) in subjects.iter().zip(&mut turns) {
            turns.push(subject.take_turn());
        }
    }
    println!(
        "               processor time a request   beside typed   beside tree   requests/s   calls a request"
    );
    let median = |turns: &[Turn], of: fn(&Turn) -> f64| {
        let mut values: Vec<f64> = turns.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let processor: Vec<f64> = turns.iter().map(|turns| median(turns, |turn| turn.processor)).collect();
    for (place, (subject, turns)) in subjects.iter().zip(&turns).enumerate() {
        println!(
            "{:<12}  {:>21.0} ns  {:>13.2}  {:>12.2}  {:>11.0}  {:>16.4}",
            subject.name,
            processor[place] * 1e9,
            processor[0] / processor[place],
            processor[1] / processor[place],
            1.0 / median(turns, |turn| turn.wall),
            median(turns, |turn| turn.calls),
        );
    }
}

struct Subject {
    name: &'static str,
    program: String,
    arguments: Vec<&'static str>,
}

/// What a request took, on the average of a turn.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Seconds of the process, its own and the kernel's on its behalf.
    processor: f64,
    /// Seconds by the wall clock.
    wall: f64,
    /// Reads and writes.
    calls: f64,
}

impl Subject {
    fn take_turn(&self) -> Turn {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be started");
        let mut requests = String::new();
        let _ = writeln!(
            requests,
            r#"{{"src":"c0","dest":"n1","body":{{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"],"key":""}}}}"#
        );
        let _ = writeln!(
            requests,
            r#"{{"src":"c0","dest":"n1","body":{{"type":"write","msg_id":2,"key":"some key","value":"some value"}}}}"#
        );
        exchange(&mut child, requests.into_bytes(), 2);

        let mut requests = String::new();
        for number in 3..REQUESTS + 3 {
            let _ = writeln!(
                requests,
                r#"{{"src":"c1","dest":"n1","body":{{"type":"lease_read","msg_id":{number},"key":"some key"}}}}"#
            );
        }
        let (used, calls) = (processor_time(&child), calls(&child));
        let begun = now();
        exchange(&mut child, requests.into_bytes(), REQUESTS);
        let count = REQUESTS as f64;
        let turn = Turn {
            wall: (now() - begun).as_secs_f64() / count,
            processor: (processor_time(&child) - used).as_secs_f64() / count,
            calls: (self::calls(&child) - calls) as f64 / count,
        };
        drop(child.stdin.take());
        assert!(child.wait().expect("it ends").success(), "{}", self.name);
        turn
    }
}

/// Sends the lines, and waits for so many answers.
fn exchange(child: &mut Child, lines: Vec<u8>, answers: usize) {
    let mut stdin = child.stdin.take().expect("it is piped");
    let feeder = thread::spawn(move || {
        stdin.write_all(&lines).expect("it reads");
        stdin
    });
    let stdout = child.stdout.as_mut().expect("it is piped");
    let mut chunk = vec![0; READ_BYTES];
    let mut left = answers;
    let mut last = Vec::new();
    while left > 0 {
        let count = stdout.read(&mut chunk).expect("it writes");
        assert!(count > 0, "{left} answers are missing");
        left -= memchr_iter(b'\n', &chunk[..count]).count();
        last.clear();
        last.extend_from_slice(&chunk[count.saturating_sub(200)..count]);
    }
    assert!(!String::from_utf8_lossy(&last).contains("error"), "{}", String::from_utf8_lossy(&last));
    child.stdin = Some(feeder.join().expect("the feeder does not panic"));
}

fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::MonotonicRaw)).expect("it starts at zero")
}

/// What the scheduler says that the process has run, in nanoseconds.
fn processor_time(child: &Child) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).expect("it lives");
    let times = tasks.map(|task| {
        let text =
            fs::read_to_string(task.expect("a thread").path().join("schedstat")).expect("Linux has it");
        text.split_whitespace().next().and_then(|time| time.parse().ok()).unwrap_or(0)
    });
    Duration::from_nanos(times.sum())
}

/// Reads and writes of the process so far.
fn calls(child: &Child) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/io", child.id())).expect("Linux has it");
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("it is there");
        line.trim().parse::<u64>().expect("a number")
    };
    value("syscr:") + value("syscw:")
}
