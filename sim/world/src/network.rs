//! Links: their delays, what they lose, whether they are cut, what they hold back.

use crate::setup::{Delay, Network};

/// One way from one node to another.
#[derive(Debug, Clone)]
pub(super) struct Link<M> {
    pub(super) delay: Delay,
    pub(super) loss_ppm: u32,
    pub(super) duplicate_ppm: u32,
    /// How many messages have been sent.
    pub(super) sent: u64,
    /// How many partitions cut it at the moment.
    cuts: u32,
    hold: Option<Hold>,
    pub(super) held: Vec<(u64, M)>,
}

/// Messages to be kept back.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    pub(super) kind: Option<String>,
    pub(super) left: u32,
}

/// All links of a world.
#[derive(Debug, Clone)]
pub(super) struct Links<M> {
    nodes: usize,
    links: Vec<Link<M>>,
    /// The links that each partition in force cuts, by the fault it came from.
    partitions: Vec<(usize, Vec<(usize, usize)>)>,
}

impl<M> Links<M> {
    pub(super) fn new(nodes: usize, network: &Network) -> Links<M> {
        let usual = || Link {
            delay: network.delay,
            loss_ppm: network.loss_ppm,
            duplicate_ppm: network.duplicate_ppm,
            sent: 0,
            cuts: 0,
            hold: None,
            held: Vec::new(),
        };
        let mut links: Vec<Link<M>> = (0..nodes * nodes).map(|_| usual()).collect();
        for spec in &network.links {
            let link = &mut links[spec.from * nodes + spec.to];
            link.delay = spec.delay.unwrap_or(link.delay);
            link.loss_ppm = spec.loss_ppm.unwrap_or(link.loss_ppm);
            link.duplicate_ppm = spec.duplicate_ppm.unwrap_or(link.duplicate_ppm);
        }
        Links { nodes, links, partitions: Vec::new() }
    }

    pub(super) fn link(&mut self, from: usize, to: usize) -> &mut Link<M> {
        &mut self.links[from * self.nodes + to]
    }

    pub(super) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.links[from * self.nodes + to].is_cut()
    }

    /// Cuts links until the partition of that fault is lifted.
    pub(super) fn cut(&mut self, fault: usize, pairs: Vec<(usize, usize)>) {
        for (from, to) in &pairs {
            self.link(*from, *to).cuts += 1;
        }
        self.partitions.push((fault, pairs));
    }

    /// Lifts the partitions that came from `fault`, or all.
    pub(super) fn lift(&mut self, fault: Option<usize>) {
        let (lifted, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.partitions)
            .into_iter()
            .partition(|(of, _)| fault.is_none_or(|fault| *of == fault));
        self.partitions = kept;
        for (from, to) in lifted.into_iter().flat_map(|(_, pairs)| pairs) {
            self.link(from, to).cuts -= 1;
        }
    }
}

impl<M> Link<M> {
    pub(super) fn is_cut(&self) -> bool {
        self.cuts > 0
    }

    pub(super) fn hold(&mut self, hold: Option<Hold>) {
        self.hold = hold;
    }

    /// Is a message of this kind to be kept back?
    pub(super) fn holds<'k>(&mut self, kind: impl FnOnce() -> &'k str) -> bool {
        let Some(hold) = &mut self.hold else { return false };
        if hold.left == 0 || hold.kind.as_deref().is_some_and(|only| only != kind()) {
            return false;
        }
        hold.left -= 1;
        true
    }
}

/// All pairs of nodes that a partition into groups separates, both ways.
pub(super) fn separated(groups: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (place, group) in groups.iter().enumerate() {
        for other in groups.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, group)| group) {
            pairs.extend(group.iter().flat_map(|from| other.iter().map(move |to| (*from, *to))));
        }
    }
    pairs
}
