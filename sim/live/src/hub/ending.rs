//! The end of a live run: all faults are over, a majority has acknowledged a write, and every key is read once more.

use std::collections::BTreeSet;

use super::super::{LastReads, Problem};
use super::{Hub, SECOND};
use leasehold_world::{Reply, Request};

/// Each of the things that have to happen does so within this.
const END_NS_MAX: u64 = 60 * SECOND;
/// Keys that are asked for at once.
const KEYS_AT_ONCE: usize = 32;

impl Hub<'_> {
    /// Ends all faults, has a majority acknowledge a write, and reads every key that was asked for.
    pub(super) fn read_all_keys(&mut self) -> Result<LastReads, Problem> {
        let now = self.now();
        self.world.recover(now, &mut self.watch);
        self.carry_out()?;
        self.outside.clear();
        self.wait_for_clients()?;
        self.wait_for_orders()?;
        let keys: BTreeSet<u64> =
            self.watch.history.operations().iter().map(|operation| operation.request.key()).collect();
        let mut left: Vec<u64> = keys.iter().copied().collect();
        let unused = keys.last().map_or(0, |last| last + 1);
        let until = self.now() + END_NS_MAX;
        let mut tries = 0;
        let mut acknowledged = false;
        while self.now() < until && !(acknowledged && left.is_empty()) {
            // Whoever leads, and in between another node each time: one that is no member any more, or not yet, has nobody
            // to ask.
            let any = tries / 2 % self.names.len();
            let node = self.leader.filter(|_| tries % 2 == 0).map_or(any, |(leader, _)| leader);
            tries += 1;
            if !acknowledged {
                let value = self.world.unwritten_value();
                let written = self.ask_all(node, &[Request::Write { key: unused, value }])?;
                acknowledged = written == [Some(Reply::Done)];
                continue;
            }
            let batch: Vec<u64> = left.iter().copied().take(KEYS_AT_ONCE).collect();
            let asked: Vec<Request> = batch.iter().map(|key| Request::Read { key: *key }).collect();
            let answers = self.ask_all(node, &asked)?;
            let answered = batch.iter().zip(answers);
            let answered: BTreeSet<u64> = answered
                .filter(|(_, answer)| matches!(answer, Some(Reply::Value { .. })))
                .map(|(key, _)| *key)
                .collect();
            left.retain(|key| !answered.contains(key));
        }
        Ok(LastReads { keys: keys.len(), answered: keys.len() - left.len(), lost: 0 })
    }

    /// Asks a node all that and waits for the answers.
    fn ask_all(&mut self, node: usize, requests: &[Request]) -> Result<Vec<Option<Reply>>, Problem> {
        let client = self.setup.clients.len() - 1;
        let mut asked = Vec::with_capacity(requests.len());
        for request in requests {
            let now = self.now();
            asked.push(self.world.ask(now, client, node, *request, &mut self.watch));
        }
        self.wait_for_clients()?;
        let answer = |operation: u64| self.watch.history.get(operation)?.completed.map(|(_, reply)| reply);
        Ok(asked.into_iter().map(answer).collect())
    }

    /// Until each order has an answer. A node answers by its deadline for requests, if it does at all.
    fn wait_for_orders(&mut self) -> Result<(), Problem> {
        let until = self.now() + END_NS_MAX;
        while self.orders.waits(false) && self.now() < until {
            self.turn(until)?;
        }
        Ok(())
    }

    /// Until each operation has an answer or is given up.
    fn wait_for_clients(&mut self) -> Result<(), Problem> {
        let until = self.now() + END_NS_MAX;
        while self.world.clients_wait() && self.now() < until {
            self.turn(until)?;
        }
        Ok(())
    }
}
