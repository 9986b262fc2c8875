//! What an operator should hear of once, and then in numbers: a member that does not answer its leader, and a node that asks
//! for votes in vain.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use leasehold::lease::{Ballot, LeaseRules};
use leasehold::node::Node;
use leasehold::raft::{NodeId, Note, Role};
use leasehold::time::{Span, Stamp};
use tracing::{info, warn};

/// Members are looked at this often.
const LOOK_PERIOD: Span = Span::secs(1);
/// A node that asks in vain says so again after this time.
const VAIN_PERIOD: Span = Span::secs(60);

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Watch {
    looked: Option<Stamp>,
    /// Since when this node leads.
    leads: Option<Stamp>,
    /// Members that do not answer, and since when.
    silent: BTreeMap<NodeId, Stamp>,
    /// Since when this node asks for votes in vain, how often, and when it said so last.
    vain: Option<(Stamp, u64, Stamp)>,
}

impl Watch {
    /// Looks at the members, once a second. Says which of them have not answered for an election timeout, and which answer
    /// again.
    pub(super) fn look<R: LeaseRules>(&mut self, node: &Node<R>, now: Stamp) {
        if self.looked.is_some_and(|looked| now.elapsed_max(looked) < LOOK_PERIOD) {
            return;
        }
        self.looked = Some(now);
        if node.raft().role() != Role::Leader {
            self.leads = None;
            self.silent.clear();
            return;
        }
        let leads = *self.leads.get_or_insert(now);
        let status = node.status(&leasehold::time::Reading { stamp: now, wall: None });
        let patience = status.lease.election_timeout;
        let voters = status.members.voters.len();
        let answers = |quiet: Option<Span>| quiet.unwrap_or(now.elapsed_max(leads)) < patience;
        let answering =
            1 + status.peers.iter().filter(|peer| peer.voter && answers(peer.acknowledged)).count();
        for peer in &status.peers {
            let name = node.names().name(peer.node);
            if answers(peer.acknowledged) {
                if let Some(since) = self.silent.remove(&peer.node) {
                    info!("{name} answers again, after {}", now.elapsed_max(since) + patience);
                }
            } else if let Entry::Vacant(silent) = self.silent.entry(peer.node) {
                silent.insert(now);
                let majority = voters / 2 + 1;
                warn!(
                    "{name} has not answered for {patience}: of {voters} voters {answering} answer, and {majority} are needed"
                );
            }
        }
        // Members that were removed.
        self.silent.retain(|silent, _| status.peers.iter().any(|peer| peer.node == *silent));
    }

    /// Is this note to be logged? A node without a quorum asks for votes again and again: that is told once, then counted.
    pub(super) fn is_news(&mut self, note: &Note, now: Stamp) -> bool {
        match note {
            Note::Campaign { ballot: Ballot::PreVote, .. } => {}
            Note::Elected { .. } | Note::Follows { .. } => {
                if let Some((since, asked @ 2.., _)) = self.vain.take() {
                    info!("asked for votes {asked} times in {}", now.elapsed_max(since));
                }
                return true;
            }
            _ => return true,
        }
        let Some((since, asked, told)) = &mut self.vain else {
            self.vain = Some((now, 1, now));
            return true;
        };
        *asked += 1;
        if now.elapsed_max(*told) >= VAIN_PERIOD {
            *told = now;
            warn!(
                "has asked for votes {asked} times in {}, in vain: no majority of the voters answers it, or they follow a leader \
                 that it does not hear",
                now.elapsed_max(*since)
            );
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use leasehold::raft::Term;
    use leasehold::time::Nanos;

    use super::*;

    fn at(secs: u64) -> Stamp {
        Stamp::new(Nanos(secs * 1_000_000_000), Nanos(secs * 1_000_000_000))
    }

    #[test]
    fn campaigns_in_vain_are_told_once_until_there_is_a_leader() {
        let mut watch = Watch::default();
        let asks = Note::Campaign { term: Term(2), ballot: Ballot::PreVote };
        let told = (0..1_000).filter(|secs| watch.is_news(&asks, at(*secs))).count();
        assert_eq!(told, 1);
        let votes = Note::Campaign { term: Term(2), ballot: Ballot::Vote };
        assert!(watch.is_news(&votes, at(1_000)), "an election that is held is always told");
        assert!(watch.is_news(&Note::Elected { term: Term(2) }, at(1_001)));
        assert!(watch.is_news(&asks, at(1_002)), "and the next trouble as well");
    }
}
