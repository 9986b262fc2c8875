//! The cluster's id: the first that is committed counts, and every node has that one.

use leasehold::lease::SoundRules;
use leasehold::node::{Identity, Node};
use leasehold::raft::{ClusterOrigin, Configuration, LogBounds, Recovered, Settings};
use leasehold::storage::Storage;

use crate::cluster::{Cluster, id, write};
use crate::time::{At, ByName};

fn drawing(log: LogBounds) -> Cluster {
    let settings = Settings { log, ..Settings::default() };
    // n1 would call it "by-0", and so on.
    let origin = |id: leasehold::raft::NodeId| ClusterOrigin::Drawn(format!("by-{}", id.0).as_str().into());
    Cluster::with_origins(Configuration::new(3, 0), settings, origin)
}

fn known(cluster: &Cluster) -> Vec<(Option<&str>, bool)> {
    cluster
        .nodes
        .iter()
        .map(|(node, _)| (node.cluster().map(|id| &**id), node.cluster_is_settled()))
        .collect()
}

#[test]
fn the_first_leader_draws_it_and_later_leaders_keep_it() {
    let mut cluster = drawing(LogBounds::default());
    assert_eq!(known(&cluster), [(None, false); 3]);
    cluster.pass(7_000);
    assert!(cluster.leads(0));
    assert_eq!(known(&cluster), [(Some("by-0"), true); 3]);
    let entries = cluster.nodes[0].0.raft().log().last_index();
    cluster.hand_over(0, Some(1));
    cluster.pass(1_000);
    assert!(cluster.leads(1));
    assert_eq!(known(&cluster), [(Some("by-0"), true); 3]);
    assert_eq!(
        cluster.nodes[1].0.raft().log().last_index(),
        entries.next(),
        "its own first entry, and no other id"
    );
}

#[test]
fn of_two_that_were_drawn_the_committed_one_counts() {
    let mut cluster = drawing(LogBounds::default());
    // n1 is elected, and its first entry reaches nobody.
    while !cluster.leads(0) {
        cluster.now += 1_000_000;
        for place in 0..3 {
            cluster.give(id(place), leasehold::node::Input::Wakeup);
        }
        while let Some((from, to, message)) = cluster.network.pop_front() {
            if !cluster.leads(0) {
                cluster.give(to, leasehold::node::Input::Message { from, message });
            }
        }
    }
    assert_eq!(known(&cluster), [(Some("by-0"), false), (None, false), (None, false)]);
    cluster.network.clear();
    cluster.pass_without(0, 20_000);
    assert!(cluster.leads(1) || cluster.leads(2));
    cluster.pass(15_000);
    let agreed = known(&cluster)[1];
    assert!(agreed.1 && agreed.0 != Some("by-0"), "{agreed:?}");
    assert_eq!(known(&cluster), [agreed; 3], "n1 has taken its own back");
}

#[test]
fn it_is_in_what_compaction_and_snapshots_leave() {
    let mut cluster = drawing(LogBounds { entries_max: 1, ..LogBounds::default() });
    cluster.pass_without(2, 7_000);
    for number in 0..20 {
        cluster.ask(0, number, write(1));
        cluster.pass_without(2, 20);
    }
    assert!(cluster.nodes[0].0.raft().log().base().index.0 > 1, "its entry is dropped");
    cluster.pass(20_000);
    assert!(cluster.nodes[2].0.raft().log().base().index.0 > 1, "n3 got a snapshot");
    assert_eq!(known(&cluster), [(Some("by-0"), true); 3]);
    // And each has it after a restart, from its disk alone.
    for place in 0..3 {
        let Ok(recovered): Result<Recovered, _> = cluster.nodes[place].1.recover();
        let mut identity = Identity::numbered(id(place), Configuration::new(3, 0), 2);
        identity.cluster = ClusterOrigin::Drawn("another".into());
        let node = Node::start(identity, Settings::default(), SoundRules, recovered, &At(0), &mut ByName(0));
        assert_eq!((node.cluster().map(|id| &**id), node.cluster_is_settled()), (Some("by-0"), true));
    }
}
