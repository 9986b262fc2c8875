//! Each node's own settings: its own table, else its group's, else the cluster's.

use super::super::keys::{self, Table};
use super::super::read::Context;
use super::super::report::Problem;
use super::super::schema::{CLOCK, Default, NODE, find, quoted};
use super::super::walk::{Found, Section, defaults};
use super::Builder;
use crate::setup::Setup;

/// Answers what holds for a node, and where that was written.
#[derive(Debug)]
pub(in super::super) struct NodeSettings<'a> {
    file: &'a Section,
    names: &'a [String],
    groups: Vec<(Vec<usize>, &'a Section)>,
    clock_defaults: Section,
    node_defaults: Section,
}

impl<'a> NodeSettings<'a> {
    pub(in super::super) fn new(
        file: &'a Section,
        names: &'a [String],
        context: &Context<'_>,
        problems: &mut Vec<Problem>,
    ) -> NodeSettings<'a> {
        let mut groups: Vec<(Vec<usize>, &Section)> = Vec::new();
        for (name, section) in file.named("clock") {
            let is_node = names.contains(name);
            match section.leaf("nodes") {
                Some(nodes) if is_node => {
                    let problem = Problem::error(nodes.place, format!("`{name}` is a node, not a group"));
                    problems.push(problem.help("give the group another name, or remove `nodes`"));
                }
                Some(nodes) => groups.push((nodes.nodes().to_vec(), section)),
                None if is_node || section.given("nodes").is_some() || context.names.is_none() => {}
                None => {
                    let problem =
                        Problem::error(section.place, format!("`{name}` is no node and names no nodes"));
                    problems.push(
                        problem
                            .help(r#"a group says whose clocks these are: nodes = ["n2", "n3"]"#)
                            .help(format!("the nodes are {}", quoted(names))),
                    );
                }
            }
        }
        let settings = NodeSettings {
            file,
            names,
            groups,
            clock_defaults: defaults(CLOCK, context),
            node_defaults: defaults(NODE, context),
        };
        settings.contradictions(problems);
        settings
    }

    /// Two groups that set the same key of the same node, which has no clock table of its own to decide.
    fn contradictions(&self, problems: &mut Vec<Problem>) {
        for (node, name) in self.names.iter().enumerate() {
            for field in CLOCK.iter().filter(|field| field.name != "nodes") {
                if self.own("clock", node, field.name).is_some() {
                    continue;
                }
                let mut given = self.groups.iter().filter_map(|(nodes, section)| {
                    let found = section.leaf(field.name).filter(|found| found.place.is_some())?;
                    nodes.contains(&node).then_some(found)
                });
                if let (Some(first), Some(second)) = (given.next(), given.next()) {
                    let message = format!("two groups set the clock `{}` of `{name}`", field.name);
                    let problem = Problem::error(second.place, message).label("here");
                    let problem = problem.context(first.place, "and here");
                    problems
                        .push(problem.help(format!("set it once, or in `[clock.{name}]`, which decides")));
                    return;
                }
            }
        }
    }

    fn own(&self, table: &str, node: usize, key: &str) -> Option<&Found> {
        let (_, section) = self.file.named(table).iter().find(|(name, _)| *name == self.names[node])?;
        section.leaf(key).filter(|found| found.place.is_some())
    }

    /// A key of the node's clock.
    pub(in super::super) fn clock(&self, node: usize, key: &str) -> Option<&Found> {
        let groups = self.groups.iter().filter(|(nodes, _)| nodes.contains(&node));
        let mut given =
            groups.filter_map(|(_, section)| section.leaf(key).filter(|found| found.place.is_some()));
        self.own("clock", node, key).or_else(|| given.next()).or_else(|| self.clock_defaults.leaf(key))
    }

    /// A key of the node's table.
    pub(in super::super) fn node(&self, node: usize, key: &str) -> Option<&Found> {
        let of_cluster = || match find(NODE, key)?.default {
            Default::Same(path) => self.file.at(path),
            _ => self.node_defaults.leaf(key),
        };
        self.own("node", node, key).or_else(of_cluster)
    }
}

impl Builder<'_> {
    pub(super) fn nodes(&mut self, settings: &NodeSettings<'_>, setup: &mut Setup) {
        for (index, name) in self.names.iter().enumerate() {
            let (least, most) =
                (settings.node(index, "election-jitter-least"), settings.node(index, "election-jitter"));
            if let (Some(least), Some(most)) = (least, most)
                && least.span() > most.span()
            {
                let message = format!("the least jitter of `{name}` is above its most, {}", most.span());
                let problem = Problem::error(least.place, message);
                self.problems.push(problem.help("make `election-jitter` of this node at least as long"));
            }
        }
        let form = setup.lease.form;
        for node in 0..self.names.len() {
            keys::fill(setup, Table::Node, node, |field| settings.node(node, field.name));
            keys::fill(setup, Table::Clock, node, |field| settings.clock(node, field.name));
            setup.nodes[node].lease.form = form;
        }
    }
}
