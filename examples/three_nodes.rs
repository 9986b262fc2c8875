//! Three nodes in one process, on the machine's own clocks and disk: they elect a leader, write a key and read it under the
//! lease. Then the leader restarts, finds its state again, and the value is still there.
//!
//! `cargo run --example three_nodes`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::VecDeque;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use leasehold::kv::{Command, Scalar};
use leasehold::lease::{LeaseSettings, SoundRules};
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output, RequestId};
use leasehold::raft::{Configuration, Jitter, NodeId, Role, Settings};
use leasehold::storage::Storage;
use leasehold::storage::durable::{DataDir, DurableStorage, Membership, StorageFault};
use leasehold::time::{Clock, OsClock, Span};

/// No extra wait for n1, a third of the longest for n2, two thirds for n3: no two candidates collide. A real host draws at random.
struct ByNumber(u64);

impl Jitter for ByNumber {
    fn jitter(&mut self, most: Span) -> Span {
        most.div(3) * self.0
    }
}

/// A node and what it needs around it.
struct Seat {
    node: Node<SoundRules>,
    storage: DurableStorage<DataDir>,
    jitter: ByNumber,
}

impl Seat {
    /// Starts a node from its directory, which is created at the first start. `incarnation` differs from start to start.
    fn start(root: &Path, id: NodeId, incarnation: u64) -> Result<Seat, Box<dyn Error>> {
        let lease = LeaseSettings {
            duration: Span::millis(300),
            election_timeout: Span::millis(500),
            max_clock_skew: Span::millis(50),
            ..LeaseSettings::default()
        };
        let name = |place: u16| format!("n{}", place + 1);
        // Fails while another process, or another part of this one, uses the directory.
        let mut storage = DurableStorage::open_dir(&root.join(name(id.0)))?;
        let names = (0..3).map(name).collect();
        storage.join(Membership { own: name(id.0), names, joins: false, cluster: None }, lease)?;
        let recovered = storage.recover()?;
        println!("{} starts with {} log entries", name(id.0), recovered.log.len());
        let identity = Identity::numbered(id, Configuration::new(3, 0), incarnation);
        let mut jitter = ByNumber(u64::from(id.0));
        let settings = Settings::for_lease(lease);
        let node = Node::start(identity, settings, SoundRules, recovered, &OsClock::monotonic(), &mut jitter);
        Ok(Seat { node, storage, jitter })
    }
}

struct Cluster {
    root: PathBuf,
    clock: OsClock,
    seats: Vec<Seat>,
    network: VecDeque<(NodeId, NodeId, Message)>,
    answer: Option<Answer>,
}

impl Cluster {
    /// Hands one input to a node, then does all that the node asks for.
    fn handle(&mut self, id: NodeId, input: Input) -> Result<(), StorageFault> {
        let Seat { node, storage, jitter } = &mut self.seats[usize::from(id.0)];
        node.handle(&self.clock, jitter, input);
        while let Some(output) = node.poll_output() {
            match output {
                Output::Send { to, message } => self.network.push_back((id, to, message)),
                Output::Persist(write) => {
                    storage.write(write);
                    let ticket = storage.sync()?;
                    node.handle(&self.clock, jitter, Input::Persisted { ticket });
                }
                Output::Reply { answer, .. } => self.answer = Some(answer),
                Output::Note(note) => println!("n{}: {note:?}", id.0 + 1),
                Output::HandoverEnded { .. } => {}
            }
        }
        Ok(())
    }

    /// Delivers messages and fires timers until `done`. When no message is under way, it sleeps until the next timer.
    fn run_until(&mut self, done: impl Fn(&Cluster) -> bool) -> Result<(), StorageFault> {
        while !done(self) {
            if let Some((from, to, message)) = self.network.pop_front() {
                self.handle(to, Input::Message { from, message })?;
                continue;
            }
            let now = self.clock.read();
            let next = self.seats.iter().filter_map(|seat| Some(seat.node.timers().next(&now)?.1)).min();
            let wait = next.expect("a cluster always waits for something");
            std::thread::park_timeout(Duration::from_nanos(wait.as_nanos()));
            for id in (0..3).map(NodeId) {
                // Does nothing where no timer is due.
                self.handle(id, Input::Wakeup)?;
            }
        }
        Ok(())
    }

    /// Stops a node in the middle of its work, as a kill would, and starts it from its directory.
    fn restart(&mut self, id: NodeId, incarnation: u64) -> Result<(), Box<dyn Error>> {
        // The directory is in use until the old storage is dropped.
        drop(self.seats.remove(usize::from(id.0)));
        self.seats.insert(usize::from(id.0), Seat::start(&self.root, id, incarnation)?);
        Ok(())
    }

    fn leader(&self) -> Option<NodeId> {
        let raft = self.seats.iter().map(|seat| seat.node.raft()).find(|raft| raft.role() == Role::Leader)?;
        Some(raft.id())
    }

    fn ask(
        &mut self,
        id: NodeId,
        request: u64,
        operation: Operation,
    ) -> Result<Option<Answer>, StorageFault> {
        self.answer = None;
        self.handle(id, Input::Request { request: RequestId(request), operation })?;
        self.run_until(|cluster| cluster.answer.is_some())?;
        Ok(self.answer.take())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Removed at the end of `main`.
    let directory = tempfile::tempdir()?;
    let root = directory.path().to_owned();
    let seats = (0..3).map(|id| Seat::start(&root, NodeId(id), 1)).collect::<Result<_, _>>()?;
    let mut cluster =
        Cluster { root, clock: OsClock::monotonic(), seats, network: VecDeque::new(), answer: None };

    cluster.run_until(|cluster| cluster.leader().is_some())?;
    let leader = cluster.leader().expect("one was just elected");

    let (key, value) = (Scalar::Text("x".into()), Scalar::Integer(42));
    let write = Operation::Update(Command::Write { key: key.clone(), value });
    println!("write: {:?}", cluster.ask(leader, 1, write)?);
    println!("lease read: {:?}", cluster.ask(leader, 2, Operation::Read { key: key.clone() })?);

    cluster.restart(leader, 2)?;
    cluster.run_until(|cluster| cluster.leader().is_some())?;
    let leader = cluster.leader().expect("one was just elected");
    println!("lease read: {:?}", cluster.ask(leader, 3, Operation::Read { key })?);
    Ok(())
}
