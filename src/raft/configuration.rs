//! Who is in the cluster, and what a quorum of it has reached.

use super::NodeId;

/// The cluster's members: the first `voters` nodes vote, the others are learners, which receive the log and count for
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    nodes: u16,
    voters: u16,
}

impl Configuration {
    /// The most members a cluster may have.
    pub const NODES_MAX: u16 = 1_000;

    /// `voters` voters and `learners` learners. Panics when there is no voter or the sum exceeds
    /// [`Configuration::NODES_MAX`].
    pub fn new(voters: u16, learners: u16) -> Configuration {
        assert!(voters > 0, "a cluster without voters can decide nothing");
        let nodes = voters.checked_add(learners).filter(|nodes| *nodes <= Configuration::NODES_MAX);
        Configuration { nodes: nodes.expect("callers bound the number of nodes"), voters }
    }

    /// All members.
    pub fn nodes(self) -> impl Iterator<Item = NodeId> + Clone {
        (0..self.nodes).map(NodeId)
    }

    /// The members that vote.
    pub fn voting_nodes(self) -> impl Iterator<Item = NodeId> + Clone {
        (0..self.voters).map(NodeId)
    }

    /// How many members there are.
    pub const fn len(self) -> usize {
        self.nodes as usize
    }

    /// Never: a configuration has at least one voter.
    pub const fn is_empty(self) -> bool {
        false
    }

    /// How many of them vote.
    pub const fn voters(self) -> usize {
        self.voters as usize
    }

    /// Does this member vote?
    pub const fn is_voter(self, node: NodeId) -> bool {
        node.0 < self.voters
    }

    /// Is this a member at all?
    pub const fn contains(self, node: NodeId) -> bool {
        node.0 < self.nodes
    }

    /// The votes that elect a leader, and the copies that commit an entry.
    pub const fn majority(self) -> usize {
        self.voters() / 2 + 1
    }
}

/// The largest value that at least `quorum` of the `reached` values have come to, if that is more than `floor`.
///
/// Called for every acknowledgement, nearly always in vain, so it counts before it sorts.
pub(super) fn quorum_value(
    reached: impl Iterator<Item = u64> + Clone,
    quorum: usize,
    floor: u64,
) -> Option<u64> {
    if quorum == 0 || reached.clone().filter(|value| *value > floor).count() < quorum {
        return None;
    }
    let mut values: Vec<u64> = reached.collect();
    let (_, value, _) = values.select_nth_unstable_by(quorum - 1, |a, b| b.cmp(a));
    Some(*value)
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
        assert_eq!(value(&[7], 2, 0), None, "fewer members than the quorum");
    }

    #[test]
    fn learners_are_members_that_do_not_vote() {
        let configuration = Configuration::new(3, 2);
        assert_eq!((configuration.len(), configuration.voters(), configuration.majority()), (5, 3, 2));
        assert!(configuration.is_voter(NodeId(2)) && !configuration.is_voter(NodeId(3)));
        assert!(configuration.contains(NodeId(4)) && !configuration.contains(NodeId(5)));
    }
}
