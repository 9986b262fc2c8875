//! A setup as a scenario file that says what is not usual, as a person would write it: what is read from it is the same
//! setup.

use leasehold::time::Span;

use super::faults::to_toml;
use super::keys::Table;
use super::write::{delay, span, trigger};
use crate::setup::{ClockSpec, Pace, Setup};

/// A setup and what a file says about it.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// One line.
    pub title: &'a str,
    /// The comment that the file begins with.
    pub story: &'a [String],
    /// `none`, `some` or `any`: the stale reads that are expected.
    pub expect: &'a str,
    /// What to run.
    pub setup: &'a Setup,
}

impl Written<'_> {
    /// The scenario file.
    pub fn to_toml(&self) -> String {
        let setup = self.setup;
        let mut out: Vec<String> =
            self.story.iter().map(|line| format!("# {line}").trim_end().to_owned()).collect();
        out.push(format!("title = {:?}", self.title));
        // Numbers of TOML have a sign.
        let quotes = if setup.seed > i64::MAX.unsigned_abs() { "\"" } else { "" };
        out.push(format!("seed = {quotes}{}{quotes}", setup.seed));
        out.push(format!("duration = {}", span(setup.duration)));
        out.extend(table("[cluster]", cluster(setup)));
        out.extend(table("[lease]", unusual(setup, Table::Lease, 0)));
        out.extend(table("[timers]", unusual(setup, Table::Timers, 0)));
        out.extend(table("[log]", unusual(setup, Table::Log, 0)));
        out.extend(table("[guest]", unusual(setup, Table::Guest, 0)));
        clocks(setup, &mut out);
        for (node, spec) in setup.nodes.iter().enumerate() {
            out.extend(table(&format!("[node.{}]", spec.name), unusual(setup, Table::Node, node)));
        }
        network(setup, &mut out);
        for (client, spec) in setup.clients.iter().enumerate() {
            let pace = match spec.pace {
                _ if spec.times == Some(1) => None,
                Pace::Every(pause) => Some(format!("every = {}", delay(pause))),
                Pace::Think(pause) => Some(format!("think = {}", delay(pause))),
            };
            let mut lines = unusual(setup, Table::Client, client);
            lines.extend(pace);
            out.extend(table(&format!("[client.{}]", spec.name), lines));
        }
        for fault in &setup.faults {
            let mut lines = vec![trigger(setup, fault)];
            lines.extend(unless(fault.after == Span::ZERO, || format!("after = {}", span(fault.after))));
            lines.extend(fault.lasts.map(|lasts| format!("for = {}", span(lasts))));
            lines.push(to_toml(setup, &fault.action));
            out.extend(table("[[fault]]", lines));
        }
        out.extend(table("[expect]", vec![format!("stale-reads = {:?}", self.expect)]));
        out.push(String::new());
        out.join("\n")
    }
}

/// A table that says something, after an empty line.
fn table(header: &str, lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() { Vec::new() } else { [vec![String::new(), header.to_owned()], lines].concat() }
}

fn unless(usual: bool, line: impl FnOnce() -> String) -> Option<String> {
    (!usual).then(line)
}

fn cluster(setup: &Setup) -> Vec<String> {
    let (learners, spares) = (setup.learners(), setup.cluster.spares);
    let first = setup.cluster.first_leader;
    let lines = [
        unless(setup.cluster.voters == 3, || format!("nodes = {}", setup.cluster.voters)),
        unless(learners == 0, || format!("learners = {learners}")),
        unless(spares == 0, || format!("spares = {spares}")),
        first.map(|first| format!("first-leader = {:?}", setup.nodes[first].name)),
    ];
    lines.into_iter().flatten().collect()
}

/// What is not as usual in a table.
pub(super) fn unusual(setup: &Setup, table: Table, number: usize) -> Vec<String> {
    let keys = table.keys(number).filter(|key| !key.is_usual(setup));
    keys.filter_map(|key| Some(format!("{} = {}", key.name(), key.written(setup)?))).collect()
}

/// Nodes with the same clocks together.
fn clocks(setup: &Setup, out: &mut Vec<String>) {
    let mut groups: Vec<(usize, Vec<&str>)> = Vec::new();
    for (index, node) in setup.nodes.iter().enumerate().filter(|(_, node)| node.clock != ClockSpec::default())
    {
        match groups.iter_mut().find(|(first, _)| setup.nodes[*first].clock == node.clock) {
            Some((_, members)) => members.push(&node.name),
            None => groups.push((index, vec![&node.name])),
        }
    }
    for (number, (first, members)) in (1..).zip(&groups) {
        let lines = unusual(setup, Table::Clock, *first);
        out.extend(match &members[..] {
            [only] => table(&format!("[clock.{only}]"), lines),
            several => {
                let names: Vec<String> = several.iter().map(|name| format!("{name:?}")).collect();
                let nodes = vec![format!("nodes = [{}]", names.join(", "))];
                let leads = |member: &&str| {
                    setup.cluster.first_leader.is_some_and(|n| setup.nodes[n].name == **member)
                };
                let name = match groups.len() {
                    1 if !several.iter().any(leads) => "followers".to_owned(),
                    _ => format!("group-{number}"),
                };
                table(&format!("[clock.{name}]"), [nodes, lines].concat())
            }
        });
    }
}

fn network(setup: &Setup, out: &mut Vec<String>) {
    out.extend(table("[network]", unusual(setup, Table::Network, 0)));
    for (number, link) in setup.network.links.iter().enumerate() {
        let (from, to) = (&setup.nodes[link.from].name, &setup.nodes[link.to].name);
        let ends = vec![format!("from = {from:?}"), format!("to = {to:?}")];
        out.extend(table("[[network.link]]", [ends, unusual(setup, Table::Link, number)].concat()));
    }
}
