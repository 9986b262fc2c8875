//! What a node tells of itself.

use leasehold::time::{Clock, Span};

use crate::cluster::{Cluster, id, write};
use crate::time::At;

#[test]
fn a_leaders_status_tells_who_lags_and_for_how_long_it_was_not_heard() {
    let mut cluster = Cluster::elected();
    cluster.pass(20);
    cluster.ask(0, 1, write(1));
    cluster.network.retain(|(_, to, _)| *to != id(2));
    cluster.deliver_all();
    cluster.now += 7_000_000;
    let status = cluster.nodes[0].0.status(&At(cluster.now).read());
    assert_eq!((status.commit.0, status.applied.0, status.last_index.0), (2, 2, 2));
    let [current, late] = status.peers[..] else { panic!("two others: {status:?}") };
    assert_eq!((current.node, current.match_index.0), (id(1), 2));
    assert_eq!(current.acknowledged, Some(Span::millis(7)));
    assert_eq!((late.node, late.match_index.0), (id(2), 1));
    assert_eq!(late.acknowledged, Some(Span::millis(27)));
    assert!(status.lease_remaining <= Some(Span::millis(2_493)), "{status:?}");
    let follower = cluster.nodes[1].0.status(&At(cluster.now).read());
    assert_eq!((follower.leader, follower.peers.len(), follower.lease_remaining), (Some(id(0)), 0, None));
}
