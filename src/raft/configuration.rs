//! Who is in the cluster, and what a quorum of it has reached.

use std::sync::Arc;

use super::NodeId;

/// The cluster's members by their numbers: some vote, the others are learners, which receive the log and count for nothing.
/// Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Sorted, as the learners are. No node is in both.
    voters: Arc<[NodeId]>,
    learners: Arc<[NodeId]>,
}

impl Configuration {
    /// The most members a cluster may have.
    pub const NODES_MAX: u16 = 1_000;

    /// The first `voters` nodes vote, the next `learners` do not. Panics when there is no voter or the sum exceeds
    /// [`Configuration::NODES_MAX`].
    pub fn new(voters: u16, learners: u16) -> Configuration {
        assert!(voters > 0, "a cluster without voters can decide nothing");
        let nodes = voters.checked_add(learners).filter(|nodes| *nodes <= Configuration::NODES_MAX);
        let nodes = nodes.expect("callers bound the number of nodes");
        let range = |from, to| (from..to).map(NodeId).collect();
        Configuration { voters: range(0, voters), learners: range(voters, nodes) }
    }

    /// Nobody: what a node knows of a cluster that has not named it yet.
    pub fn nobody() -> Configuration {
        Configuration { voters: Arc::new([]), learners: Arc::new([]) }
    }

    /// These voters and learners, none of them twice.
    pub(super) fn of(
        voters: impl Iterator<Item = NodeId>,
        learners: impl Iterator<Item = NodeId>,
    ) -> Configuration {
        let sorted = |mut nodes: Vec<NodeId>| {
            nodes.sort_unstable();
            nodes.into()
        };
        Configuration { voters: sorted(voters.collect()), learners: sorted(learners.collect()) }
    }

    /// All members, voters first.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + Clone {
        self.voters.iter().chain(&*self.learners).copied()
    }

    /// The members that vote.
    pub fn voting_nodes(&self) -> impl Iterator<Item = NodeId> + Clone {
        self.voters.iter().copied()
    }

    /// The members that do not.
    pub fn learning_nodes(&self) -> impl Iterator<Item = NodeId> + Clone {
        self.learners.iter().copied()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.voters.len() + self.learners.len()
    }

    /// Only that of a node which no log has named yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them vote.
    pub fn voters(&self) -> usize {
        self.voters.len()
    }

    /// Does this member vote?
    #[inline]
    pub fn is_voter(&self, node: NodeId) -> bool {
        // Asked at every message, and where the founders vote each stands at its own number.
        self.voters.get(node.index()) == Some(&node) || self.voters.binary_search(&node).is_ok()
    }

    /// Is this a member at all?
    pub fn contains(&self, node: NodeId) -> bool {
        self.is_voter(node) || self.learners.binary_search(&node).is_ok()
    }

    /// The votes that elect a leader, and the copies that commit an entry.
    pub fn majority(&self) -> usize {
        self.voters() / 2 + 1
    }
}

/// The largest value that at least `quorum` of the `reached` values have come to, if that is more than `floor`.
///
/// Called for every acknowledgement, nearly always in vain, so it counts before it looks for the value.
pub(super) fn quorum_value(
    reached: impl Iterator<Item = u64> + Clone,
    quorum: usize,
    floor: u64,
) -> Option<u64> {
    if quorum == 0 || reached.clone().filter(|value| *value > floor).count() < quorum {
        return None;
    }
    // From the largest value down: there are seldom more than a few different ones, and nothing is allocated.
    let mut value = reached.clone().max()?;
    while reached.clone().filter(|other| *other >= value).count() < quorum {
        value = reached.clone().filter(|other| *other < value).max()?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quorum_value_is_what_a_quorum_has_reached() {
        let value = |reached: &[u64], quorum, floor| quorum_value(reached.iter().copied(), quorum, floor);
        assert_eq!(value(&[5, 3, 9], 2, 0), Some(5));
        assert_eq!(value(&[5, 3, 9], 3, 0), Some(3));
        assert_eq!(value(&[5, 3, 9], 2, 5), None, "only one is above the floor");
        assert_eq!(value(&[1, 1, 9, 9], 3, 0), Some(1));
        assert_eq!(value(&[7], 1, 6), Some(7));
        assert_eq!(value(&[5, 9, 3], 1, 0), Some(9));
        assert_eq!(value(&[7], 2, 0), None, "fewer members than the quorum");
        assert_eq!(value(&[], 1, 0), None, "nobody");
        assert_eq!(value(&[4, 2, 8, 6, 2], 4, 0), Some(2));
        assert_eq!(value(&[4, 2, 8, 6, 2], 4, 2), None);
    }

    #[test]
    fn quorum_value_is_what_sorting_would_find() {
        for number in 0..4usize.pow(5) {
            let reached: Vec<u64> = (0..5).map(|place| (number / 4usize.pow(place) % 4) as u64).collect();
            for (quorum, floor) in (1..=6).flat_map(|quorum| (0..4).map(move |floor| (quorum, floor))) {
                let mut sorted = reached.clone();
                sorted.sort_by(|a, b| b.cmp(a));
                let expected = sorted.get(quorum - 1).copied().filter(|value| *value > floor);
                let found = quorum_value(reached.iter().copied(), quorum, floor);
                assert_eq!(found, expected, "{quorum} of {reached:?} above {floor}");
            }
        }
    }

    #[test]
    fn learners_are_members_that_do_not_vote() {
        let configuration = Configuration::new(3, 2);
        assert_eq!((configuration.len(), configuration.voters(), configuration.majority()), (5, 3, 2));
        assert!(configuration.is_voter(NodeId(2)) && !configuration.is_voter(NodeId(3)));
        assert!(configuration.contains(NodeId(4)) && !configuration.contains(NodeId(5)));
    }
}
