//! Who is called what: the names that came with `init`, and the node's own numbers for them.

use super::Fault;
use crate::raft::{Configuration, Names, NodeId};

/// The names of the nodes that this one was told of. Numbers are given in the order in which it was told the names; another
/// node may number them otherwise, since numbers never travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    names: Names,
    own: NodeId,
}

/// The longest name that a node or a client may have, in bytes. It bounds what a message takes beyond its contents.
pub const NAME_BYTES_MAX: usize = 256;

impl Directory {
    /// The directory of the node called `own`. Fails, with a text for whoever sent the names, when they are none, too
    /// many or not distinct, or when `own` is not one of them.
    pub fn new(own: &str, names: Vec<String>) -> Result<Directory, Fault> {
        let most = Configuration::NODES_MAX;
        if names.is_empty() {
            return Err(Fault::malformed("`node_ids` is empty: it lists all nodes, this one included"));
        }
        let mut known = Names::default();
        for (place, name) in (0..=most).zip(&names) {
            if place == most {
                let count = names.len();
                return Err(Fault::malformed(format!(
                    "`node_ids` has {count} names: a cluster has {most} nodes at most"
                )));
            }
            if name.is_empty() {
                return Err(Fault::malformed("`node_ids` has an empty name"));
            }
            if name.len() > NAME_BYTES_MAX {
                return Err(Fault::malformed(format!(
                    "`node_ids` has a name of {} bytes: a name has {NAME_BYTES_MAX} at most",
                    name.len()
                )));
            }
            if known.add(name) != Some(NodeId(place)) {
                return Err(Fault::malformed(format!("`node_ids` has {name:?} twice")));
            }
        }
        let Some(own) = known.id(own) else {
            return Err(Fault::malformed(format!(
                "`node_id` {own:?} is not one of `node_ids`: they name this node as well"
            )));
        };
        Ok(Directory { names: known, own })
    }

    /// The names of all nodes.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Is that the same node of the same nodes, in whatever order they are named?
    pub fn is_same_cluster(&self, other: &Directory) -> bool {
        self.own_name() == other.own_name() && self.names.sorted().eq(other.names.sorted())
    }

    /// The node of that name.
    pub fn id(&self, name: &str) -> Option<NodeId> {
        self.names.id(name)
    }

    /// The name of a node of this cluster. Panics for any other.
    pub fn name(&self, id: NodeId) -> &str {
        self.names.name(id)
    }

    /// The number that this node gives itself.
    pub fn own(&self) -> NodeId {
        self.own
    }

    /// The name that `init` gave this node.
    pub fn own_name(&self) -> &str {
        self.name(self.own)
    }

    /// The cluster that they found: all vote.
    pub fn configuration(&self) -> Configuration {
        let count = u16::try_from(self.names.len()).expect("bounded when the directory was made");
        Configuration::new(count, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn numbers_follow_the_order_of_the_names() {
        let directory = Directory::new("b", names(&["c", "b", "a"])).unwrap();
        assert_eq!((directory.own(), directory.own_name()), (NodeId(1), "b"));
        assert_eq!((directory.id("a"), directory.id("d")), (Some(NodeId(2)), None));
        assert_eq!(directory.configuration(), Configuration::new(3, 0));
    }

    #[test]
    fn names_that_make_no_cluster_are_refused() {
        let most = usize::from(Configuration::NODES_MAX);
        let many = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>();
        assert!(Directory::new("n0", many(most)).is_ok());
        for (names, part) in [
            (vec![], "is empty"),
            (names(&["n0", "n1", "n0"]), "\"n0\" twice"),
            (names(&["n1"]), "is not one of"),
            (names(&["n0", ""]), "an empty name"),
            (many(most + 1), "1001 names"),
            (vec!["n0".to_owned(), "n".repeat(257)], "a name of 257 bytes"),
        ] {
            let fault = Directory::new("n0", names).unwrap_err();
            assert!(fault.text.contains(part), "{fault}");
        }
    }
}
