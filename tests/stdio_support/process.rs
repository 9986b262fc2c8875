//! The real binary, its standard input and output in a test's hands.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Long enough for any machine; a test that waits for it has failed.
pub const GENEROUS: Duration = Duration::from_secs(60);

/// The line by which n1 learns that it is alone.
pub const INIT_ALONE: &str =
    r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}"#;

/// A running process.
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    log: Option<thread::JoinHandle<String>>,
}

/// What a process that has ended left behind.
#[derive(Debug)]
pub struct Finished {
    pub status: Option<i32>,
    pub lines: Vec<String>,
    pub log: String,
}

impl Process {
    pub fn start(flags: &[&str]) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_leasehold"))
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let log = thread::spawn(move || {
            let mut log = Vec::new();
            stderr.read_to_end(&mut log).unwrap();
            String::from_utf8_lossy(&log).into_owned()
        });
        Process { child, stdin, lines, log: Some(log) }
    }

    /// A process that knows that it is alone.
    pub fn alone(flags: &[&str]) -> Process {
        let mut process = Process::start(flags);
        process.send(INIT_ALONE);
        process.receive();
        process
    }

    pub fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line, which must come.
    pub fn receive(&mut self) -> String {
        self.lines.recv_timeout(GENEROUS).expect("an answer")
    }

    /// The next line, or `None` when none comes for so long.
    pub fn receive_within(&mut self, wait: Duration) -> Option<String> {
        match self.lines.recv_timeout(wait) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the process closed its standard output"),
        }
    }

    /// Sends a request of c1 and gives the body of its answer.
    pub fn ask(&mut self, body: &str) -> Value {
        self.send(&format!(r#"{{"src":"c1","dest":"n1","body":{body}}}"#));
        body_of(&self.receive())
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends the input and waits for the process to end.
    pub fn finish(mut self) -> Finished {
        drop(self.stdin.take());
        self.ended()
    }

    /// Waits for the process to end by itself.
    pub fn ended(mut self) -> Finished {
        let lines = self.lines.iter().collect();
        let status = self.child.wait().unwrap().code();
        let log = self.log.take().unwrap().join().unwrap();
        Finished { status, lines, log }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the binary on the whole of an input.
pub fn run(flags: &[&str], input: &[u8]) -> Finished {
    let mut process = Process::start(flags);
    let (mut stdin, input) = (process.stdin.take().unwrap(), input.to_vec());
    // The process may end before it has read everything.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let finished = process.ended();
    writer.join().unwrap();
    finished
}

pub fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

pub fn body_of(line: &str) -> Value {
    json(line)["body"].take()
}
