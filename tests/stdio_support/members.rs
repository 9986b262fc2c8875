//! Three processes of the real binary, joined by a network of the test's. They can be killed and started again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

pub const NAMES: [&str; 3] = ["n1", "n2", "n3"];
/// Somebody who is killed does not answer.
const PATIENCE: Duration = Duration::from_millis(700);

/// Whom a line goes to: nodes' standard inputs, and clients.
#[derive(Default)]
pub struct Network {
    /// Each is written by a thread of its own: a node whose output is not read reads nothing, and two that waited for each
    /// other through here would wait for ever.
    inputs: Mutex<BTreeMap<String, Sender<String>>>,
    clients: Mutex<BTreeMap<String, Sender<Value>>>,
    /// Chunks of snapshots, on their way to whomever.
    pub chunks: Gate,
    /// Lines between nodes, while they are recorded.
    recorded: Mutex<Vec<String>>,
    records: AtomicBool,
    /// Lines are written anew, as Maelstrom does.
    rewrites: AtomicBool,
}

/// Lets so many through and loses the others.
#[derive(Default)]
pub struct Gate {
    passed: AtomicUsize,
    most: AtomicUsize,
}

impl Gate {
    /// From now on: `most` more.
    pub fn open(&self, most: usize) {
        self.most.store(most, Ordering::SeqCst);
        self.passed.store(0, Ordering::SeqCst);
    }

    /// So many went through since then.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    fn pass(&self) -> bool {
        let most = self.most.load(Ordering::SeqCst);
        let more = |passed| (passed < most).then_some(passed + 1);
        self.passed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }
}

impl Network {
    /// From now on: fields in another order, spaces, and one field more.
    pub fn rewrite(&self) {
        self.rewrites.store(true, Ordering::SeqCst);
    }

    /// Begins or ends the record of lines between nodes.
    pub fn record(&self, records: bool) {
        self.records.store(records, Ordering::SeqCst);
    }

    /// What was recorded.
    pub fn recorded(&self) -> Vec<String> {
        self.recorded.lock().unwrap().clone()
    }

    /// Puts a line into a node's standard input, whatever it says.
    pub fn put(&self, node: &str, line: &str) {
        let _ = self.inputs.lock().unwrap()[node].send(format!("{line}\n"));
    }

    pub fn carry(&self, line: &str) {
        let message: Value = serde_json::from_str(line).expect("only JSON on standard output");
        let dest = message["dest"].as_str().unwrap();
        if message["body"]["type"] == "snapshot" && !self.chunks.pass() {
            return;
        }
        if let Some(input) = self.inputs.lock().unwrap().get(dest) {
            if self.records.load(Ordering::SeqCst) && message["src"].as_str().unwrap().starts_with('n') {
                self.recorded.lock().unwrap().push(line.to_owned());
            }
            let mut line = line.to_owned();
            if self.rewrites.load(Ordering::SeqCst) {
                let mut anew = message.clone();
                anew["id"] = json!(7);
                line = anew.to_string().replace(",\"", " , \"");
            }
            // A killed process reads nothing.
            let _ = input.send(format!("{line}\n"));
        } else if let Some(client) = self.clients.lock().unwrap().get(dest) {
            let _ = client.send(message);
        }
    }

    pub fn client(self: &Arc<Network>, name: &str) -> Client {
        let (sender, answers) = channel();
        self.clients.lock().unwrap().insert(name.to_owned(), sender);
        Client { network: Arc::clone(self), name: name.to_owned(), answers, next_msg_id: 0 }
    }
}

pub struct Client {
    pub network: Arc<Network>,
    pub name: String,
    pub answers: Receiver<Value>,
    next_msg_id: u64,
}

impl Client {
    /// The answer's body, if there is one in time.
    pub fn ask(&mut self, node: &str, mut body: Value) -> Option<Value> {
        self.next_msg_id += 1;
        body["msg_id"] = json!(self.next_msg_id);
        let request = json!({"src": self.name, "dest": node, "body": body});
        self.network.carry(&request.to_string());
        loop {
            match self.answers.recv_timeout(PATIENCE) {
                Ok(mut answer) if answer["body"]["in_reply_to"] == self.next_msg_id => {
                    return Some(answer["body"].take());
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Writes a key of its own after the other until it is told to stop; gives those that were acknowledged.
    pub fn write_on(mut self, node: &str, stop: &AtomicBool) -> Vec<String> {
        let mut acknowledged = Vec::new();
        for number in 0u64.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let key = format!("{}-{number}", self.name);
            let answer = self.ask(node, json!({"type": "write", "key": key, "value": number}));
            if answer.is_some_and(|answer| answer["type"] == "write_ok") {
                acknowledged.push(key);
            }
        }
        acknowledged
    }

    /// Asks until there is an answer, of a node that is there. A busy machine may take long.
    pub fn insist(&mut self, node: &str, body: &Value) -> Value {
        (0..60).find_map(|_| self.ask(node, body.clone())).expect("an answer")
    }
}

pub struct Cluster {
    pub network: Arc<Network>,
    flags: Vec<&'static str>,
    pub children: BTreeMap<&'static str, Child>,
    pub admin: Client,
}

impl Cluster {
    /// Nobody runs yet.
    pub fn new(flags: &[&'static str]) -> Cluster {
        let network = Arc::new(Network::default());
        let admin = network.client("c0");
        Cluster { network, flags: flags.to_vec(), children: BTreeMap::new(), admin }
    }

    pub fn start(&mut self, name: &'static str, dir: &Path) {
        self.start_as(name, &NAMES, &[], dir);
    }

    /// Starts a node that is told of these nodes, with these flags as well.
    pub fn start_as(&mut self, name: &'static str, node_ids: &[&str], flags: &[&str], dir: &Path) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_leasehold"))
            .args(&self.flags)
            .args(flags)
            .arg("--data-dir")
            .arg(dir.join(name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (input, lines) = channel();
        let mut stdin = child.stdin.take().unwrap();
        thread::spawn(move || lines.iter().try_for_each(|line: String| stdin.write_all(line.as_bytes())));
        self.network.inputs.lock().unwrap().insert(name.to_owned(), input);
        let network = Arc::clone(&self.network);
        thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(|line| network.carry(&line)));
        self.children.insert(name, child);
        let init = json!({"type": "init", "node_id": name, "node_ids": node_ids});
        let answer = (0..20).find_map(|_| self.admin.ask(name, init.clone()));
        assert_eq!(answer.expect("it starts")["type"], "init_ok");
    }

    /// Sends a signal and waits for the end. Gives the exit code, if the process was not killed.
    pub fn signal(&mut self, name: &str, signal: rustix::process::Signal) -> Option<i32> {
        let mut child = self.children.remove(name).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        child.wait().unwrap().code()
    }

    /// Ends a node's input and waits for its end. Gives the exit code.
    pub fn end_input(&mut self, name: &str) -> Option<i32> {
        // The thread that writes to the node ends with the last sender.
        drop(self.network.inputs.lock().unwrap().remove(name));
        self.children.remove(name).unwrap().wait().unwrap().code()
    }

    /// SIGKILL.
    pub fn kill(&mut self, name: &str) {
        let mut child = self.children.remove(name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
