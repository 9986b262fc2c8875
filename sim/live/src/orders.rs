//! What faults have an administrator ask of leaders, and what came of it: transfers, changes of members, other lengths.
//!
//! The simulator gives such an input to the node itself. A real node is asked in the protocol's words, and may refuse: that is
//! no failure of the run, and is counted and told.

use leasehold_run::setup;
use std::collections::BTreeMap;

/// Faults that ask a leader for something.
const ASKED_FOR: [&str; 5] = ["transfer", "add", "promote", "remove", "apply"];

/// What an administrator asks. Nodes are named by their places in the setup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// What a fault asks of the leader.
    Asked(setup::Order),
    /// `membership` with `add`, for a learner that is there from the beginning in the simulator.
    Join { node: usize },
}

impl Order {
    /// The fault that asks for it; for a learner of the beginning, the key that names it.
    fn word(self) -> &'static str {
        match self {
            Order::Asked(asked) => leasehold_world::Order::word(&asked),
            Order::Join { .. } => "learners",
        }
    }
}

/// A node's answer to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obeyed {
    /// It was done. A change of members says who they are then.
    Done(Option<Members>),
    /// The protocol's error.
    Error { code: u16, text: String },
}

/// Who the members of the cluster are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// By this entry of the log.
    pub index: u64,
    /// They vote.
    pub voters: Vec<String>,
    /// They do not.
    pub learners: Vec<String>,
}

/// What became of the requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// The word of the fault that asks; `learners` for those that the cluster begins with.
    pub word: &'static str,
    /// So many were handed to a process. A fault that finds nobody who leads, or only one that is down, asks nobody.
    pub asked: u64,
    /// Done, and said to be.
    pub done: u64,
    /// Answered with an error, by its code, with the text of the last one.
    pub errors: BTreeMap<u16, (u64, String)>,
}

impl Requests {
    /// So many were never answered: whoever was asked died, or the run was over.
    pub fn unanswered(&self) -> u64 {
        self.asked - self.done - self.errors.values().map(|(count, _)| count).sum::<u64>()
    }
}

/// The orders of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders {
    next: u64,
    /// Not answered yet: who was asked what.
    waiting: BTreeMap<u64, (usize, Order)>,
    requests: Vec<Requests>,
    members: Option<Members>,
}

impl Orders {
    /// An order goes to a node. Gives its number.
    pub(super) fn give(&mut self, node: usize, order: Order) -> u64 {
        self.next += 1;
        self.waiting.insert(self.next, (node, order));
        self.of(order).asked += 1;
        self.next
    }

    /// A node has answered. Gives what it was asked; `None` when it was asked nothing of that number.
    pub(super) fn answered(&mut self, node: usize, number: u64, answer: &Obeyed) -> Option<Order> {
        let (_, order) = self.waiting.remove(&number).filter(|(asked, _)| *asked == node)?;
        match answer {
            Obeyed::Done(members) => {
                self.of(order).done += 1;
                let newer = |known: &Members, found: &Members| found.index > known.index;
                if let Some(found) = members
                    && self.members.as_ref().is_none_or(|known| newer(known, found))
                {
                    self.members = Some(found.clone());
                }
            }
            Obeyed::Error { code, text } => {
                let (count, last) = self.of(order).errors.entry(*code).or_default();
                *count += 1;
                last.clone_from(text);
            }
        }
        Some(order)
    }

    /// A process is gone: what it was asked it will not answer.
    pub(super) fn forget(&mut self, node: usize) {
        self.waiting.retain(|_, (asked, _)| *asked != node);
    }

    /// Is somebody still to answer? `joins`: to one that lets a learner in.
    pub(super) fn waits(&self, joins: bool) -> bool {
        self.waiting.values().any(|(_, order)| !joins || matches!(order, Order::Join { .. }))
    }

    /// What became of all, each kind by itself, those of these faults even if nobody could be asked; and the members that the
    /// last change says.
    pub(super) fn finish(mut self, faults: &[(&'static str, u64)]) -> (Vec<Requests>, Option<Members>) {
        for (word, _) in faults.iter().filter(|(word, _)| ASKED_FOR.contains(word)) {
            self.named(word);
        }
        (self.requests, self.members)
    }

    fn of(&mut self, order: Order) -> &mut Requests {
        self.named(order.word())
    }

    fn named(&mut self, word: &'static str) -> &mut Requests {
        let place = self.requests.iter().position(|known| known.word == word).unwrap_or_else(|| {
            self.requests.push(Requests { word, asked: 0, done: 0, errors: BTreeMap::new() });
            self.requests.len() - 1
        });
        &mut self.requests[place]
    }
}

#[cfg(test)]
mod tests {
    use leasehold::raft::MemberAction;

    use super::*;

    fn members(index: u64, voters: &[&str]) -> Obeyed {
        let voters = voters.iter().map(|name| (*name).to_owned()).collect();
        Obeyed::Done(Some(Members { index, voters, learners: Vec::new() }))
    }

    fn refused(text: &str) -> Obeyed {
        Obeyed::Error { code: 11, text: text.to_owned() }
    }

    #[test]
    fn every_order_is_done_refused_or_unanswered() {
        let (add, transfer) = (
            Order::Asked(setup::Order::Member { change: MemberAction::Add, node: 3 }),
            Order::Asked(setup::Order::Transfer { to: 1 }),
        );
        let mut orders = Orders::default();
        let numbers: Vec<u64> = (0..4).map(|_| orders.give(0, add)).collect();
        let handed = orders.give(2, transfer);
        assert_eq!(orders.answered(0, numbers[0], &refused("not yet")), Some(add));
        assert_eq!(orders.answered(0, numbers[1], &refused("still not")), Some(add));
        assert_eq!(orders.answered(0, numbers[2], &members(9, &["n1", "n4"])), Some(add));
        assert_eq!(orders.answered(0, numbers[2], &members(9, &[])), None, "it was answered");
        assert_eq!(orders.answered(1, handed, &Obeyed::Done(None)), None, "another node was asked");
        assert!(orders.waits(false) && !orders.waits(true));
        orders.forget(0);
        orders.forget(2);
        assert!(!orders.waits(false));
        let (requests, members) = orders.finish(&[("add", 4), ("crash", 1), ("apply", 2)]);
        let told: Vec<_> = requests.iter().map(|of| (of.word, of.asked, of.done, of.unanswered())).collect();
        assert_eq!(told, [("add", 4, 1, 1), ("transfer", 1, 0, 1), ("apply", 0, 0, 0)]);
        assert_eq!(requests[0].errors[&11], (2, "still not".to_owned()));
        assert_eq!(members.map(|members| members.index), Some(9));
    }

    #[test]
    fn the_newest_change_says_who_the_members_are() {
        let change = Order::Asked(setup::Order::Member { change: MemberAction::Remove, node: 0 });
        let mut orders = Orders::default();
        let (first, second) = (orders.give(0, change), orders.give(1, change));
        orders.answered(1, second, &members(12, &["n2", "n3"]));
        orders.answered(0, first, &members(7, &["n1", "n2", "n3"]));
        assert_eq!(orders.finish(&[]).1.map(|members| members.voters.len()), Some(2));
    }
}
