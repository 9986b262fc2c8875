//! First starts and restarts: who has promised something, and how long it takes until somebody leads.

use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Node};
use leasehold::raft::{Configuration, HardState, Recovered, Settings, Term};
use leasehold::storage::Storage;
use leasehold::time::{Clock, Span};

use crate::cluster::{Cluster, id, read, value, write};
use crate::time::{At, ByName};

#[test]
fn a_new_cluster_that_need_not_wait_serves_within_a_few_round_trips() {
    let settings = Settings { first_start: Span::millis(10), ..Settings::default() };
    let mut cluster = Cluster::with_settings(Configuration::new(3, 0), settings);
    cluster.ask(1, 1, write(7));
    cluster.pass(9);
    assert_eq!(cluster.sent, 0);
    cluster.pass(3);
    assert_eq!(cluster.answer(1), Some(&Answer::Done), "nobody has promised anything, so nobody withholds");
    cluster.ask(0, 2, read());
    assert_eq!(cluster.answer(2), Some(&value(7, true, 0)));
}

#[test]
fn by_default_a_new_node_sends_nothing_for_an_election_timeout() {
    let mut cluster = Cluster::new(3);
    cluster.pass(5_499);
    assert_eq!(cluster.sent, 0);
    cluster.pass(100);
    assert!(cluster.leads(0));
}

#[test]
fn a_node_with_a_past_withholds_its_vote_after_a_restart_and_one_without_does_not() {
    let mut cluster = Cluster::elected();
    let now = At(cluster.now);
    let start = |recovered: Recovered| {
        let identity = Identity::numbered(id(1), Configuration::new(3, 0), 2);
        Node::start(identity, Settings::default(), SoundRules, recovered, &now, &mut ByName(1))
    };
    let withholds = |node: &Node<SoundRules>| node.raft().promise_ends().any(|end| !end.reached(&now.read()));
    let Ok(found) = cluster.nodes[1].1.recover();
    assert!(withholds(&start(found)), "it has acknowledged rounds");
    // The least that there can be of a past: a term it has heard of.
    let hard_state = HardState { term: Term(1), ..HardState::default() };
    assert!(withholds(&start(Recovered { hard_state, ..Recovered::default() })));
    assert!(!withholds(&start(Recovered::default())));
}
