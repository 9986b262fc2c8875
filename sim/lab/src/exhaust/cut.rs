//! Where a search begins: with the round that carried the old leader's last lease.

use std::sync::Arc;

use leasehold::node::Message;
use leasehold::raft;
use leasehold::time::Reading;

use leasehold::raft::Note;
use leasehold_run::host::LeaseNode;
use leasehold_run::run::run_observed;
use leasehold_run::setup::Setup;
use leasehold_world::{Event, Happening, Reader, World};

/// An instant from which on decisions matter, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// True time, ns.
    pub at: u64,
    /// The leader whose lease it is.
    pub leader: usize,
    /// Who took over in the run of the setup's own seed; `None` if nobody did, and a fault stands in.
    pub successor: Option<usize>,
}

/// Runs the setup and finds the send of the round that carried the old leader's last lease: before the first change of
/// leadership, or without one, before the first fault. `None` if there is neither, or no lease before it.
pub fn find_cut(setup: &Arc<Setup>) -> Option<Cut> {
    let mut rounds = Rounds::new(setup.nodes.len());
    let outcome = run_observed(setup, &mut rounds);
    let change = outcome.changes.iter().find_map(|change| Some((change.old?.0, change.ready_at, change.new)));
    match change {
        Some((leader, ready_at, new)) => {
            let round = rounds.last_before(ready_at, Some(leader))?;
            Some(Cut { at: round.sent, leader, successor: Some(new) })
        }
        None => {
            let round = rounds.last_before(rounds.first_fault?, None)?;
            Some(Cut { at: round.sent, leader: round.leader, successor: None })
        }
    }
}

/// Notes the round behind every renewal of a lease.
struct Rounds {
    /// When each node sent rounds that have carried no lease yet, and what its clocks showed.
    sent: Vec<Vec<(u64, Reading)>>,
    renewals: Vec<Renewal>,
    first_fault: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Renewal {
    at: u64,
    leader: usize,
    sent: u64,
}

impl Rounds {
    fn new(nodes: usize) -> Rounds {
        Rounds { sent: vec![Vec::new(); nodes], renewals: Vec::new(), first_fault: None }
    }

    /// The last renewal, at the latest at `at`.
    fn last_before(&self, at: u64, leader: Option<usize>) -> Option<Renewal> {
        let of_leader = |renewal: &&Renewal| leader.is_none_or(|leader| leader == renewal.leader);
        self.renewals.iter().rev().filter(of_leader).find(|renewal| renewal.at <= at).copied()
    }

    fn renewed(&mut self, at: u64, leader: usize, start: Reading) {
        let sent = &mut self.sent[leader];
        let place = sent.iter().position(|(_, reading)| *reading == start);
        // Rules that count from somewhere else have no such round; of a lease that is counted from no send, the renewal.
        let round = place.map_or(at, |place| sent[place].0);
        sent.drain(..place.unwrap_or(0));
        self.renewals.push(Renewal { at, leader, sent: round });
    }
}

impl Reader<LeaseNode> for Rounds {
    fn read(&mut self, event: &Event<'_, Message, Note>, world: &World<LeaseNode>) {
        match event.what {
            Happening::Sent { from, message: Message::Raft(raft::Message::Append(_)), .. } => {
                let reading = world.clock(from).read(event.at);
                if self.sent[from].last().is_none_or(|(at, _)| *at != event.at) {
                    self.sent[from].push((event.at, reading));
                }
            }
            Happening::Noted { node, note: Note::LeaseRenewed { start, .. } } => {
                self.renewed(event.at, node, start);
            }
            Happening::Fault { undone: false, .. } => {
                self.first_fault.get_or_insert(event.at);
            }
            _ => {}
        }
    }
}
