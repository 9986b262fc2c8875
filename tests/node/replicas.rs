//! Replicas that differ are noticed by their leader.

use std::sync::Arc;

use leasehold::kv::{Command, Scalar};
use leasehold::node::{Comparison, Input, Message};
use leasehold::raft::{self, Index, LogBounds, Note, Payload, Settings};
use leasehold::time::Clock;

use crate::cluster::{Cluster, id, key, write};
use crate::time::At;

/// What the leader knows of n2 and n3.
fn compared(cluster: &Cluster) -> Vec<Option<Comparison>> {
    cluster.nodes[0].0.status(&At(cluster.now).read()).comparisons
}

fn differs(cluster: &Cluster) -> Vec<(leasehold::raft::NodeId, Index)> {
    let differs = cluster.notes.iter().filter_map(|note| match note {
        Note::StateDiffers { peer, index } => Some((*peer, *index)),
        _ => None,
    });
    differs.collect()
}

/// The next write of the leader arrives at n2 with another value.
fn damage_next_write(cluster: &mut Cluster, number: u64) {
    cluster.ask(0, number, write(41));
    for (_, to, message) in &mut cluster.network {
        if let Message::Raft(raft::Message::Append(append)) = message
            && *to == id(1)
            && let Some(entries) = &append.entries
        {
            let mut damaged = entries.to_vec();
            for entry in &mut damaged {
                if matches!(entry.payload, Payload::Command(_)) {
                    let value = Scalar::Integer(47);
                    entry.payload = Payload::Command(Command::Write { key: key(), value });
                }
            }
            append.entries = Some(Arc::from(damaged));
        }
    }
    cluster.deliver_all();
}

#[test]
fn replicas_that_are_the_same_are_found_to_be() {
    let mut cluster = Cluster::elected();
    for number in 0..30 {
        cluster.ask(0, number, write(i64::try_from(number).unwrap()));
        cluster.pass(100);
    }
    cluster.pass(1_000);
    let index = cluster.nodes[0].0.applied();
    assert_eq!(compared(&cluster), [Some(Comparison { index, same: true }); 2]);
    assert_eq!(differs(&cluster), []);
    let hash = |node: usize| cluster.nodes[node].0.status(&At(cluster.now).read()).state_hash;
    assert_eq!((hash(0), hash(0)), (hash(1), hash(2)));
}

#[test]
fn one_damaged_digit_is_told_within_a_heartbeat_or_two_and_once() {
    let mut cluster = Cluster::elected();
    damage_next_write(&mut cluster, 1);
    let index = cluster.nodes[0].0.applied();
    cluster.pass(1_100);
    assert_eq!(differs(&cluster), [(id(1), index)]);
    assert_eq!(compared(&cluster)[0], Some(Comparison { index, same: false }));
    assert_eq!(compared(&cluster)[1], Some(Comparison { index, same: true }));
    cluster.pass(20_000);
    assert_eq!(differs(&cluster).len(), 1, "once");
    // A later write of the same key makes them the same again.
    cluster.ask(0, 2, write(50));
    cluster.pass(1_100);
    assert!(compared(&cluster)[0].unwrap().same);
    damage_next_write(&mut cluster, 3);
    cluster.pass(1_100);
    assert_eq!(differs(&cluster).len(), 2, "and that is told again");
}

#[test]
fn a_state_from_a_snapshot_is_compared_as_well() {
    let log = LogBounds { entries_max: 1, ..LogBounds::default() };
    let settings = Settings { log, ..Settings::default() };
    let mut cluster = Cluster::with_settings(leasehold::raft::Configuration::new(3, 0), settings);
    cluster.pass(6_000);
    for number in 0..30 {
        cluster.ask(0, number, write(i64::try_from(number).unwrap()));
        cluster.pass_without(2, 20);
    }
    cluster.pass(4_000);
    assert!(cluster.nodes[2].0.raft().log().base().index > Index(20), "n3 has a snapshot");
    let index = cluster.nodes[0].0.applied();
    assert_eq!(compared(&cluster), [Some(Comparison { index, same: true }); 2]);
    // And a new leader's own history reaches as far back as it needs.
    cluster.hand_over(0, Some(2));
    cluster.give(id(2), Input::Wakeup);
    cluster.pass(1_500);
    assert!(cluster.leads(2));
    let all = cluster.nodes[2].0.status(&At(cluster.now).read()).comparisons;
    assert!(all.iter().all(|comparison| comparison.unwrap().same), "{all:?}");
}
