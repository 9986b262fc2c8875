//! Three nodes in one process, on the machine's own clocks: they elect a leader, write a key and read it under the lease.
//!
//! `cargo run --example three_nodes`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::VecDeque;
use std::time::Duration;

use leasehold::kv::{Command, Scalar};
use leasehold::lease::{LeaseSettings, SoundRules};
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output, RequestId};
use leasehold::raft::{Configuration, Jitter, NodeId, Role, Settings};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::{Clock, OsClock, Span};

/// No extra wait for n1, a third of the longest for n2, two thirds for n3: no two candidates collide. A real host draws at random.
struct ByNumber(u64);

impl Jitter for ByNumber {
    fn jitter(&mut self, most: Span) -> Span {
        most.div(3) * self.0
    }
}

struct Cluster {
    clock: OsClock,
    nodes: Vec<(Node<SoundRules>, MemoryStorage, ByNumber)>,
    network: VecDeque<(NodeId, NodeId, Message)>,
    answer: Option<Answer>,
}

impl Cluster {
    /// Hands one input to a node, then does all that the node asks for.
    fn handle(&mut self, id: NodeId, input: Input) {
        let (node, storage, jitter) = &mut self.nodes[usize::from(id.0)];
        node.handle(&self.clock, jitter, input);
        while let Some(output) = node.poll_output() {
            match output {
                Output::Send { to, message } => self.network.push_back((id, to, message)),
                Output::Persist(write) => {
                    storage.write(write);
                    let Ok(ticket) = storage.sync();
                    node.handle(&self.clock, jitter, Input::Persisted { ticket });
                }
                Output::Reply { answer, .. } => self.answer = Some(answer),
                Output::Note(note) => println!("n{}: {note:?}", id.0 + 1),
                Output::HandoverEnded { .. } => {}
            }
        }
    }

    /// Delivers messages and fires timers until `done`. When no message is under way, it sleeps until the next timer.
    fn run_until(&mut self, done: impl Fn(&Cluster) -> bool) {
        while !done(self) {
            if let Some((from, to, message)) = self.network.pop_front() {
                self.handle(to, Input::Message { from, message });
                continue;
            }
            let now = self.clock.read();
            let next = self.nodes.iter().filter_map(|(node, ..)| Some(node.timers().next(&now)?.1)).min();
            let wait = next.expect("a cluster always waits for something");
            std::thread::park_timeout(Duration::from_nanos(wait.as_nanos()));
            for id in (0..3).map(NodeId) {
                // Does nothing where no timer is due.
                self.handle(id, Input::Wakeup);
            }
        }
    }

    fn leader(&self) -> Option<NodeId> {
        let raft =
            self.nodes.iter().map(|(node, ..)| node.raft()).find(|raft| raft.role() == Role::Leader)?;
        Some(raft.id())
    }

    fn ask(&mut self, id: NodeId, request: u64, operation: Operation) -> Option<Answer> {
        self.answer = None;
        self.handle(id, Input::Request { request: RequestId(request), operation });
        self.run_until(|cluster| cluster.answer.is_some());
        self.answer.take()
    }
}

fn main() {
    let lease = LeaseSettings {
        duration: Span::millis(300),
        election_timeout: Span::millis(500),
        max_clock_skew: Span::millis(50),
        ..LeaseSettings::default()
    };
    let clock = OsClock::monotonic();
    let start = |id: NodeId| {
        // The incarnation must differ from start to start; this process starts each node once.
        let identity = Identity::numbered(id, Configuration::new(3, 0), 1);
        let (mut storage, mut jitter) = (MemoryStorage::default(), ByNumber(u64::from(id.0)));
        let Ok(recovered) = storage.recover();
        let settings = Settings::for_lease(lease);
        (Node::start(identity, settings, SoundRules, recovered, &clock, &mut jitter), storage, jitter)
    };
    let nodes = (0..3).map(NodeId).map(start).collect();
    let mut cluster = Cluster { clock, nodes, network: VecDeque::new(), answer: None };

    cluster.run_until(|cluster| cluster.leader().is_some());
    let leader = cluster.leader().expect("one was just elected");

    let (key, value) = (Scalar::Text("x".into()), Scalar::Integer(42));
    let write = Operation::Update(Command::Write { key: key.clone(), value });
    println!("write: {:?}", cluster.ask(leader, 1, write));
    println!("lease read: {:?}", cluster.ask(leader, 2, Operation::Read { key }));
}
