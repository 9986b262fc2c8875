//! The reader that follows a run and keeps what a picture needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use leasehold::lease::LeaseForm;
use leasehold::raft::{Message as RaftMessage, Note};
use leasehold::time::Alarm;

use super::bars::{Bars, Promised};
use super::clocks::Clocks;
use super::faults::Faults;
use super::model::{NodeLane, narrow};
use super::traffic::Sent;
use crate::blame::clocks::ClockLog;
use crate::guest;
use crate::hosted::Hosted;
use crate::setup::Setup;
use crate::watch::Traced;
use leasehold_world::{Event, Happening, Reader, World};

/// Follows a run.
#[derive(Debug)]
pub(super) struct Sketch {
    setup: Arc<Setup>,
    clocks: Clocks,
    pub(super) logs: Vec<ClockLog>,
    pub(super) bars: Bars,
    pub(super) faults: Faults,
    /// Every message, in the order of sending.
    pub(super) sent: Vec<Sent>,
    /// The words of message kinds, in the order of their first message.
    pub(super) kinds: Vec<String>,
    /// Those that are under way: (sender, receiver, number) to the place in `sent`.
    under_way: BTreeMap<(usize, usize, u64), usize>,
    /// The append that each node was given last: its sender, term and when it was sent.
    last_append: Vec<Option<(usize, u64, u64)>>,
    /// The ends of each node's promises, as they were when it was looked at last.
    promised: Vec<Vec<Alarm>>,
    started: Vec<u64>,
    end: u64,
}

impl Sketch {
    pub(super) fn new(setup: &Arc<Setup>) -> Sketch {
        let nodes = setup.nodes.len();
        Sketch {
            clocks: Clocks::new(setup),
            logs: setup.nodes.iter().map(|node| ClockLog::new(&node.clock)).collect(),
            bars: Bars::new(nodes),
            faults: Faults::default(),
            sent: Vec::new(),
            kinds: Vec::new(),
            under_way: BTreeMap::new(),
            last_append: vec![None; nodes],
            promised: vec![Vec::new(); nodes],
            started: vec![0; nodes],
            end: 0,
            setup: setup.clone(),
        }
    }

    /// True time at the end of the run, ns.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn nodes(&self) -> Vec<NodeLane> {
        let lane = |(place, spec): (usize, &crate::setup::NodeSpec)| NodeLane {
            name: spec.name.clone(),
            voter: place < self.setup.cluster.voters,
            clocks: self.clocks.of(place),
        };
        self.setup.nodes.iter().enumerate().map(lane).collect()
    }

    fn kind(&mut self, word: &str) -> u16 {
        let place = self.kinds.iter().position(|known| known == word).unwrap_or_else(|| {
            self.kinds.push(word.to_owned());
            self.kinds.len() - 1
        });
        u16::try_from(place).expect("a protocol has a few kinds of messages")
    }

    fn noted<P: Hosted>(&mut self, node: usize, note: &Note, world: &World<P>) {
        let at = world.now();
        match *note {
            Note::LeaseRenewed { term, start, end } => {
                let clock = world.clock(node);
                let effective = match self.setup.guest {
                    None => self.setup.nodes[node].lease.effective(),
                    Some(_) => guest::lease_length(&start, &end),
                };
                let reading = clock.read(at);
                let (start, mark) = (clock.true_time_of(start.stamp), self.logs[node].mark(at));
                self.bars.renewed(node, term.0, at, start, effective, end, mark, |before| {
                    !before.reached(&reading)
                });
            }
            Note::LeaseEnded { .. } => self.bars.cut_lease(node, at, "given-up"),
            _ => {}
        }
        self.bars.noted(node, at, note);
    }

    /// What a node has promised by what it has just handled.
    fn promises<P: Hosted>(&mut self, node: usize, world: &World<P>) {
        let Some(raft) = world.process(node).node().map(|node| node.raft()) else { return };
        if raft.promise_ends().eq(self.promised[node].iter().copied()) {
            return;
        }
        let ends: Vec<Alarm> = raft.promise_ends().collect();
        let before = std::mem::replace(&mut self.promised[node], ends.clone());
        let at = world.now();
        let reading = world.clock(node).read(at);
        for end in ends.into_iter().filter(|end| !before.contains(end) && !end.reached(&reading)) {
            let (Alarm::First { span, .. }
            | Alarm::Last { span, .. }
            | Alarm::WallLatest { span, .. }
            | Alarm::WallEarliest { span, .. }) = end;
            let given = self.last_append[node].filter(|_| self.started[node] != at);
            let (to, sent) = match given {
                Some((leader, term, sent)) => (Some((leader, term)), sent),
                None => (None, at),
            };
            let from = match self.setup.lease.form {
                // The stamp of the sender's clock, were it perfect.
                LeaseForm::Deadline if to.is_some() => sent,
                LeaseForm::Deadline | LeaseForm::Elapsed => at,
            };
            let true_end = from.saturating_add(span.as_nanos());
            let made = Promised { node, to, sent, end, true_end };
            self.bars.promised(made, at, self.logs[node].mark(at), |before| !before.reached(&reading));
        }
    }
}

impl<P: Hosted> Reader<P> for Sketch {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, world: &World<P>) {
        let at = event.at;
        match &event.what {
            Happening::Sent { from, to, number, message } => {
                let kind = self.kind(message.kind());
                self.under_way.insert((*from, *to, *number), self.sent.len());
                let (from, to) = (narrow(*from), narrow(*to));
                self.sent.push(Sent { from, to, kind, sent: at, got: None, lost: None });
            }
            Happening::Delivered { from, to, number, message } => {
                // A duplicate finds the first one delivered, and is not drawn.
                let place = self.under_way.remove(&(*from, *to, *number));
                let sent = place.map(|place| {
                    self.sent[place].got = Some(at);
                    self.sent[place].sent
                });
                if let Some(RaftMessage::Append(append)) = P::as_raft(message) {
                    self.last_append[*to] = Some((*from, append.term.0, sent.unwrap_or(at)));
                }
            }
            Happening::Lost { from, to, number, .. } => {
                if let Some(place) = self.under_way.remove(&(*from, *to, *number)) {
                    self.sent[place].lost = Some(at);
                }
            }
            Happening::Noted { node, note } => self.noted(*node, note, world),
            Happening::Fault { fault, undone } => {
                let spec = &self.setup.faults[*fault];
                self.clocks.fault(at, spec, *undone);
                ClockLog::note(&mut self.logs, at, spec, *undone);
                self.faults.fault(&self.setup, at, *fault, *undone);
            }
            Happening::Started { node, .. } => {
                self.started[*node] = at;
                self.last_append[*node] = None;
                self.promised[*node].clear();
                self.bars.started(*node, at);
            }
            Happening::Crashed { node } => self.bars.crashed(*node, at),
            Happening::Stopped { node, resumed } => self.bars.stopped(*node, at, *resumed),
            _ => {}
        }
    }

    fn settled(&mut self, node: usize, world: &World<P>) {
        self.promises(node, world);
    }

    fn finished(&mut self, world: &World<P>) {
        self.end = world.now();
    }
}
