//! Three real nodes whose lines go over TLS.

mod support;

use serde_json::{Value, json};
use support::{Certificates, Client, Relay, leasehold, ports, until};

const NAMES: [&str; 3] = ["n1", "n2", "n3"];

struct Cluster {
    certificates: Certificates,
    data: tempfile::TempDir,
    listen: [u16; 3],
    clients: [u16; 3],
    relays: [Option<Relay>; 3],
}

impl Cluster {
    fn start() -> Self {
        let [a, b, c, d, e, f] = ports();
        let mut cluster = Self {
            certificates: Certificates::of(&NAMES),
            data: tempfile::tempdir().unwrap(),
            listen: [a, b, c],
            clients: [d, e, f],
            relays: [None, None, None],
        };
        for node in 0..3 {
            cluster.start_node(node);
        }
        cluster
    }

    fn start_node(&mut self, node: usize) {
        let mut options = vec![
            "--name".to_owned(),
            NAMES[node].to_owned(),
            format!("--listen=127.0.0.1:{}", self.listen[node]),
            format!("--clients=127.0.0.1:{}", self.clients[node]),
            "--init=n1,n2,n3".to_owned(),
        ];
        options.extend(self.certificates.options(NAMES[node]));
        for other in (0..3).filter(|&other| other != node) {
            options.push(format!("--peer={}=127.0.0.1:{}", NAMES[other], self.listen[other]));
        }
        let (binary, data) =
            (leasehold().display().to_string(), self.data.path().join("{node}").display().to_string());
        let lengths = ["--lease=600ms", "--election-timeout=1s", "--max-clock-skew=100ms"];
        let node_options = [&*binary, "--data-dir", &data, lengths[0], lengths[1], lengths[2]];
        self.relays[node] = Some(Relay::start(&options, &node_options));
    }

    fn client(&self, node: usize) -> Client {
        Client::of(self.clients[node])
    }

    /// A node that leads, by its own word.
    fn leader(&self) -> usize {
        let mut found = None;
        until(
            || "a node leads".to_owned(),
            || {
                found = (0..3).filter(|&node| self.relays[node].is_some()).find(|&node| {
                    let status = self.client(node).ask(json!({ "type": "status" }));
                    status["role"] == "leader" && status["lease_remaining_ms"].is_number()
                });
                found.is_some()
            },
        );
        found.unwrap()
    }
}

fn value(client: &mut Client) -> Value {
    client.insist(&json!({ "type": "read", "key": "x" }))["value"].take()
}

#[test]
fn writes_reach_every_node_reads_cost_nothing_and_a_killed_node_comes_back() {
    let mut cluster = Cluster::start();
    cluster.client(0).insist(&json!({ "type": "write", "key": "x", "value": 1 }));
    for node in 0..3 {
        assert_eq!(value(&mut cluster.client(node)), 1);
    }
    let leader = cluster.leader();
    let read = cluster.client(leader).insist(&json!({ "type": "lease_read", "key": "x" }));
    assert_eq!((&read["lease_valid"], &read["network_round_trips"]), (&json!(true), &json!(0)), "{read}");

    // SIGKILL: of the relay. The node loses its input and its output.
    cluster.relays[leader].as_ref().unwrap().signal("KILL");
    cluster.relays[leader] = None;
    let other = (leader + 1) % 3;
    cluster.client(other).insist(&json!({ "type": "write", "key": "x", "value": 2 }));
    let third = cluster.relays[(leader + 2) % 3].as_ref().unwrap();
    third.until_logged(&format!("{} at 127.0.0.1:{}: ", NAMES[leader], cluster.listen[leader]));

    cluster.start_node(leader);
    let mut back = cluster.client(leader);
    until(
        || "the node that came back knows the second write".to_owned(),
        || value(&mut back) == 2 && back.ask(json!({ "type": "status" }))["applied"].as_u64() > Some(0),
    );
}

#[test]
fn a_stop_by_signal_hands_over_and_the_others_need_no_election_timeout() {
    let mut cluster = Cluster::start();
    cluster.client(0).insist(&json!({ "type": "write", "key": "x", "value": 1 }));
    let leader = cluster.leader();
    // No follower campaigns by itself within the test's patience.
    for timeout in [10_000, 100_000] {
        cluster.client(leader).insist(&json!({
            "type": "lease_read_config", "apply": true,
            "lease_duration_ms": 900, "election_timeout_ms": timeout, "max_clock_skew_ms": 100,
        }));
    }
    let mut relay = cluster.relays[leader].take().unwrap();
    relay.signal("TERM");
    assert_eq!(relay.ended().code(), Some(0), "{}", relay.log());
    let next = cluster.leader();
    assert_ne!(next, leader);
    assert_eq!(value(&mut cluster.client(next)), 1);
}
