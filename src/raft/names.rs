//! What the nodes are called, and the numbers that this node has given them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::NodeId;

/// A node's name, as the log and the messages have it.
pub type Name = Arc<str>;

/// Names and numbers. Numbers are given in the order in which names become known, never taken back and never told to
/// anybody: another node may number the same names otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    names: Vec<Name>,
    ids: BTreeMap<Name, NodeId>,
}

impl Names {
    /// The most names that are given numbers.
    pub const COUNT_MAX: usize = NodeId::NOBODY.index();

    /// `n1`, `n2` and so on: for nodes that have no other names.
    pub fn numbered(count: u16) -> Names {
        let mut names = Names::default();
        for number in 1..=count {
            names.add(&format!("n{number}")).expect("distinct, and fewer than may be");
        }
        names
    }

    /// A name's number, which it gets now if it has none; `None` when [`Names::COUNT_MAX`] others have one.
    pub fn add(&mut self, name: &str) -> Option<NodeId> {
        if let Some(known) = self.id(name) {
            return Some(known);
        }
        let id = u16::try_from(self.names.len()).ok().map(NodeId).filter(|id| *id != NodeId::NOBODY)?;
        let name: Name = name.into();
        self.names.push(Arc::clone(&name));
        self.ids.insert(name, id);
        Some(id)
    }

    /// The node of that name.
    pub fn id(&self, name: &str) -> Option<NodeId> {
        self.ids.get(name).copied()
    }

    /// The name of a node. Panics for one that has none.
    pub fn name(&self, id: NodeId) -> &Name {
        &self.names[id.index()]
    }

    /// Has this number been given to anybody?
    pub fn contains(&self, id: NodeId) -> bool {
        id.index() < self.names.len()
    }

    /// All names, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Name> {
        self.names.iter()
    }

    /// All names, in their own order.
    pub fn sorted(&self) -> impl Iterator<Item = &Name> {
        self.ids.keys()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number() {
        let mut names = Names::numbered(2);
        assert_eq!((names.add("n2"), names.add("x"), names.add("x")), {
            let (n2, x) = (Some(NodeId(1)), Some(NodeId(2)));
            (n2, x, x)
        });
        assert_eq!((&**names.name(NodeId(2)), names.len()), ("x", 3));
        assert!(names.contains(NodeId(2)) && !names.contains(NodeId(3)) && !names.contains(NodeId::NOBODY));
    }

    #[test]
    fn names_are_bounded() {
        let mut names = Names::default();
        let given = (0..=Names::COUNT_MAX).filter_map(|number| names.add(&number.to_string())).count();
        assert_eq!(given, Names::COUNT_MAX);
        assert_eq!(names.add("0"), Some(NodeId(0)), "a known one is found all the same");
    }
}
