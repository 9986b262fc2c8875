//! How fast the simulator is, beside its floor: a bare loop over the same number of messages with the same delays, empty
//! handlers and no trace. Messages a second are printed by divan as items a second.
//!
//! `cargo bench --package leasehold-sim --bench throughput`

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use leasehold::lease::LeaseSettings;
use leasehold::raft::LogBounds;
use leasehold::time::Span;
use leasehold_run::run::run;
use leasehold_run::setup::{
    ClientSpec, Cluster, Delay, Network, NodeSpec, OperationKind, Pace, Setup, Timers,
};
use leasehold_world::{Choices, Point, Purpose};

fn main() {
    divan::main();
}

const DELAY: Delay = Delay::Uniform { least: Span::millis(1), most: Span::millis(10) };

/// A steady cluster: full nodes, a writer and a reader, no faults; history, margins, invariants, trace hash and the
/// linearizability check are all part of a run.
fn steady(nodes: usize, seconds: u64) -> Arc<Setup> {
    let lease = LeaseSettings::default();
    let node = |place: usize| NodeSpec {
        lease,
        election_jitter: Span::millis(500),
        ..NodeSpec::new(format!("n{}", place + 1))
    };
    let client = |name: &str, operation, every| ClientSpec {
        operations: vec![operation],
        pace: Pace::Every(Delay::Fixed(every)),
        start: Span::secs(7),
        timeout: Span::secs(10),
        ..ClientSpec::new(name)
    };
    Arc::new(Setup {
        seed: 42,
        duration: Span::secs(seconds),
        cluster: Cluster { voters: nodes, spares: 0, first_leader: Some(0) },
        lease,
        timers: Timers {
            heartbeat: Span::millis(1),
            election_jitter: Span::millis(500),
            startup_grace: Span::ZERO,
            request_deadline: lease.election_timeout * 2,
        },
        log: LogBounds::default(),
        rules: "sound".to_owned(),
        guest: None,
        nodes: (0..nodes).map(node).collect(),
        network: Network {
            delay: DELAY,
            client_delay: DELAY,
            loss_ppm: 0,
            duplicate_ppm: 0,
            links: Vec::new(),
        },
        clients: vec![
            client("reader", OperationKind::Read, Span::millis(20)),
            client("writer", OperationKind::Write, Span::millis(20)),
        ],
        faults: Vec::new(),
    })
}

const CLUSTERS: [(usize, u64); 2] = [(5, 40), (50, 12)];

/// The whole run.
#[divan::bench(args = CLUSTERS, sample_count = 7)]
fn steady_cluster(bencher: Bencher<'_, '_>, (nodes, seconds): (usize, u64)) {
    let setup = steady(nodes, seconds);
    let messages = run(&setup).messages;
    bencher.counter(ItemsCount::new(messages)).bench(|| run(&setup));
}

/// The floor: as many messages, drawn from the same streams, through the standard library's heap.
#[divan::bench(args = CLUSTERS, sample_count = 7)]
fn bare_loop(bencher: Bencher<'_, '_>, (nodes, seconds): (usize, u64)) {
    let messages = run(&steady(nodes, seconds)).messages;
    bencher.counter(ItemsCount::new(messages)).bench(|| bare(nodes, messages));
}

/// Two messages a round and follower, as heartbeats and their acknowledgements; nobody looks at them.
fn bare(nodes: usize, messages: u64) -> u64 {
    let mut choices = Choices::seeded(42);
    let mut queue: BinaryHeap<Reverse<(u64, u64, usize, usize)>> = BinaryHeap::new();
    let (mut sequence, mut sum) = (0u64, 0u64);
    let mut counts = vec![0u64; nodes * nodes];
    let mut send = |queue: &mut BinaryHeap<Reverse<(u64, u64, usize, usize)>>,
                    choices: &mut Choices,
                    now: u64,
                    from: usize,
                    to: usize| {
        let count = &mut counts[from * nodes + to];
        let narrow = |node: usize| u16::try_from(node).expect("a benchmark has few nodes");
        let point = Point { purpose: Purpose::Delay, of: narrow(from), to: narrow(to), index: *count };
        *count += 1;
        let at = now + choices.delay(point, DELAY).as_nanos();
        queue.push(Reverse((at, sequence, from, to)));
        sequence += 1;
    };
    let mut delivered = 0;
    let mut round_at = 0;
    while delivered < messages {
        match queue.peek() {
            Some(Reverse((at, ..))) if *at < round_at => {
                let Some(Reverse((at, _, from, to))) = queue.pop() else { break };
                delivered += 1;
                sum ^= at;
                if from == 0 {
                    send(&mut queue, &mut choices, at, to, 0);
                }
            }
            _ => {
                for peer in 1..nodes {
                    send(&mut queue, &mut choices, round_at, 0, peer);
                }
                round_at += 1_000_000;
            }
        }
    }
    sum
}
