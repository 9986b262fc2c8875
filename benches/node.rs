//! The node by itself, without a process around it: what a lease read costs, what a heartbeat round costs, and what each of them
//! allocates. The floor of a read is a look into the state machine alone.
//!
//! `cargo bench --bench node`

#![allow(clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/node_support/time.rs"]
#[allow(dead_code, unreachable_pub, reason = "each uses what it needs of it")]
mod time;

use std::collections::VecDeque;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use leasehold::kv::{Command, KeyValues, Scalar};
use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output, RequestId};
use leasehold::raft::{Configuration, NodeId, Role, Settings};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::Span;
use time::{At, ByName};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// Keys that the state machine holds.
const KEYS: usize = 1_000;
/// Operations of one sample.
const BATCH: usize = 1_000;

fn main() {
    divan::main();
}

struct Cluster {
    now: At,
    nodes: Vec<(Node<SoundRules>, MemoryStorage)>,
    network: VecDeque<(NodeId, NodeId, Message)>,
    answers: usize,
    requests: u64,
}

impl Cluster {
    /// Node 0 leads, and has a lease; all keys are written.
    fn leading(voters: u16) -> Cluster {
        let configuration = Configuration::new(voters, 0);
        let start = |id: NodeId| {
            let identity = Identity::numbered(id, configuration.clone(), 1);
            let mut storage = MemoryStorage::default();
            let Ok(recovered) = storage.recover();
            let node =
                Node::start(identity, Settings::default(), SoundRules, recovered, &At(0), &mut ByName(id.0));
            (node, storage)
        };
        let nodes = configuration.nodes().map(start).collect();
        let mut cluster = Cluster { now: At(0), nodes, network: VecDeque::new(), answers: 0, requests: 0 };
        for _ in 0..6_000 {
            cluster.pass(Span::millis(1));
        }
        assert_eq!(cluster.nodes[0].0.raft().role(), Role::Leader);
        for place in 0..KEYS {
            let command = Command::Write { key: key(place), value: Scalar::Text("some value".into()) };
            cluster.ask(Operation::Update(command));
            cluster.deliver();
        }
        cluster.answers = 0;
        cluster
    }

    fn pass(&mut self, span: Span) {
        self.now.0 += span.as_nanos();
        for node in 0..self.nodes.len() {
            self.give(node, Input::Wakeup);
        }
        self.deliver();
    }

    fn ask(&mut self, operation: Operation) {
        let request = RequestId(self.requests);
        self.requests += 1;
        self.give(0, Input::Request { request, operation });
    }

    fn give(&mut self, node: usize, input: Input) {
        let (running, storage) = &mut self.nodes[node];
        let id = NodeId(u16::try_from(node).unwrap());
        let mut jitter = ByName(id.0);
        running.handle(&self.now, &mut jitter, input);
        while let Some(output) = running.poll_output() {
            match output {
                Output::Send { to, message } => self.network.push_back((id, to, message)),
                Output::Reply { answer, .. } => {
                    assert!(matches!(answer, Answer::Done | Answer::Value { .. }));
                    self.answers += 1;
                }
                Output::Persist(write) => {
                    storage.write(write);
                    let Ok(ticket) = storage.sync();
                    running.handle(&self.now, &mut jitter, Input::Persisted { ticket });
                }
                _ => {}
            }
        }
    }

    /// Until nothing is under way.
    fn deliver(&mut self) {
        while let Some((from, to, message)) = self.network.pop_front() {
            self.give(to.index(), Input::Message { from, message });
        }
    }
}

fn key(place: usize) -> Scalar {
    Scalar::Text(format!("key-{place}").into())
}

/// A read's floor: the same keys, looked up in the same state machine.
#[divan::bench]
fn state_machine_alone(bencher: Bencher<'_, '_>) {
    let mut state = KeyValues::default();
    for place in 0..KEYS {
        state.apply(&Command::Write { key: key(place), value: Scalar::Text("some value".into()) });
    }
    let keys: Vec<Scalar> = (0..KEYS).map(key).collect();
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        for key in keys.iter().cycle().take(BATCH) {
            black_box(state.read(black_box(key)).cloned());
        }
    });
}

/// A request in, an answer out.
#[divan::bench(args = [3, 5])]
fn lease_read(bencher: Bencher<'_, '_>, voters: u16) {
    let mut cluster = Cluster::leading(voters);
    let keys: Vec<Scalar> = (0..KEYS).map(key).collect();
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        for key in keys.iter().cycle().take(BATCH) {
            cluster.ask(Operation::Read { key: key.clone() });
        }
        assert_eq!(std::mem::take(&mut cluster.answers), BATCH);
        assert!(cluster.network.is_empty(), "a lease read sends nothing");
    });
}

/// The leader's timer, a message to each follower, each one's acknowledgement, and the lease renewed.
#[divan::bench(args = [3, 5])]
fn heartbeat_round(bencher: Bencher<'_, '_>, voters: u16) {
    let mut cluster = Cluster::leading(voters);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        for _ in 0..BATCH {
            let before = cluster.nodes[0].0.raft().lease().unwrap().start;
            cluster.pass(Span::millis(500));
            assert_ne!(cluster.nodes[0].0.raft().lease().unwrap().start, before);
        }
    });
}

/// A write: the entry to each follower, its acknowledgement, the commit, the state machine of every node.
#[divan::bench(args = [3, 5])]
fn update(bencher: Bencher<'_, '_>, voters: u16) {
    let mut cluster = Cluster::leading(voters);
    let commands: Vec<Command> = (0..KEYS)
        .map(|place| Command::Write { key: key(place), value: Scalar::Text("another value".into()) })
        .collect();
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        for command in commands.iter().cycle().take(BATCH) {
            cluster.ask(Operation::Update(command.clone()));
            cluster.deliver();
        }
        assert_eq!(std::mem::take(&mut cluster.answers), BATCH);
    });
}
