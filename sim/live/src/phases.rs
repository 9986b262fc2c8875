//! What is known of real processes, phase by phase: who led, who had a lease, who was down or stood still.

use std::collections::BTreeMap;

use super::margins::{Moment, What};
use leasehold::raft::Note;
use leasehold::time::Alarm;

/// What a node was or had for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Was {
    /// It led this term and could acknowledge writes.
    Leader(u64),
    /// It believed in a lease of this term.
    Lease(u64),
    /// It was killed and not yet back.
    Down,
    /// It was stopped.
    Still,
}

/// For how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// The node's place in the setup.
    pub node: usize,
    /// What it was.
    pub was: Was,
    /// From when, true time in ns.
    pub from: u64,
    /// Until when.
    pub to: u64,
}

/// What follows from what nodes noted and what was done to them, by time. `end` is the end of the run; `over` says when a
/// node's clock reaches an alarm.
pub(super) fn phases(
    moments: &[Moment],
    end: u64,
    over: &dyn Fn(usize, &Alarm, u64) -> Option<u64>,
) -> Vec<Phase> {
    let mut found = Found { open: BTreeMap::new(), done: Vec::new() };
    let mut leases: BTreeMap<(usize, u64), (u64, u64)> = BTreeMap::new();
    for Moment { at, node, what } in moments {
        let (at, node) = (*at, *node);
        match what {
            What::Killed => {
                found.close(node, at);
                found.open(node, Was::Down, at);
            }
            What::Stopped => found.open(node, Was::Still, at),
            What::Resumed => found.end(node, at, |was| was == Was::Still),
            What::Noted(note) => {
                // Who notes anything is up again.
                found.end(node, at, |was| was == Was::Down);
                if let Note::LeaderReady { term, .. } = note {
                    found.open(node, Was::Leader(term.0), at);
                }
                if let Note::SteppedDown { .. } = note {
                    found.end(node, at, |was| matches!(was, Was::Leader(_)));
                }
                if let Note::LeaseRenewed { term, end: alarm, .. } = note {
                    let until = over(node, alarm, at).unwrap_or(end).min(end);
                    let lease = leases.entry((node, term.0)).or_insert((at, until));
                    lease.1 = lease.1.max(until);
                }
            }
        }
        if matches!(what, What::Killed | What::Noted(Note::LeaseEnded { .. } | Note::SteppedDown { .. })) {
            leases.retain(|(holder, term), (from, until)| {
                let to = (*until).min(at).max(*from);
                if *holder == node {
                    found.done.push(Phase { node, was: Was::Lease(*term), from: *from, to });
                }
                *holder != node
            });
        }
    }
    let nodes: Vec<usize> = found.open.keys().map(|(node, _)| *node).collect();
    nodes.into_iter().for_each(|node| found.close(node, end));
    found.done.extend(leases.into_iter().map(|((node, term), (from, to))| Phase {
        node,
        was: Was::Lease(term),
        from,
        to: to.min(end),
    }));
    found.done.retain(|one| one.to > one.from);
    found.done.sort_by_key(|one| (one.from, one.node, one.to));
    found.done
}

struct Found {
    /// By node and kind.
    open: BTreeMap<(usize, u8), (Was, u64)>,
    done: Vec<Phase>,
}

impl Found {
    fn open(&mut self, node: usize, was: Was, at: u64) {
        self.open.entry((node, kind(was))).or_insert((was, at));
    }

    fn end(&mut self, node: usize, at: u64, which: impl Fn(Was) -> bool) {
        self.open.retain(|(of, _), (was, from)| {
            let ends = *of == node && which(*was);
            if ends {
                self.done.push(Phase { node, was: *was, from: *from, to: at });
            }
            !ends
        });
    }

    fn close(&mut self, node: usize, at: u64) {
        self.end(node, at, |_| true);
    }
}

const fn kind(was: Was) -> u8 {
    match was {
        Was::Leader(_) => 0,
        Was::Lease(_) => 1,
        Was::Down => 2,
        Was::Still => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold::lease::Ballot;
    use leasehold::raft::{Index, Term};
    use leasehold::time::{Nanos, Reading, Span, Stamp};

    fn noted(at: u64, node: usize, note: Note) -> Moment {
        Moment { at, node, what: What::Noted(note) }
    }

    fn renewed(at: u64, span: u64) -> Moment {
        let stamp = Stamp::new(Nanos(at), Nanos(at));
        let end = Alarm::First { since: stamp, span: Span::nanos(span) };
        noted(at, 0, Note::LeaseRenewed { term: Term(1), start: Reading { stamp, wall: None }, end })
    }

    #[test]
    fn leads_leases_and_stops_are_phases() {
        let ready =
            |at, node, term| noted(at, node, Note::LeaderReady { term: Term(term), commit: Index(1) });
        let moments = [
            ready(10, 0, 1),
            renewed(20, 100),
            renewed(90, 100),
            Moment { at: 150, node: 0, what: What::Stopped },
            Moment { at: 170, node: 0, what: What::Resumed },
            Moment { at: 300, node: 0, what: What::Killed },
            ready(400, 1, 2),
            noted(500, 0, Note::Campaign { term: Term(3), ballot: Ballot::Vote }),
        ];
        let over = |_: usize, alarm: &Alarm, at: u64| match alarm {
            Alarm::First { span, .. } => Some(at + span.as_nanos()),
            Alarm::Last { .. } | Alarm::WallLatest { .. } | Alarm::WallEarliest { .. } => None,
        };
        let found = phases(&moments, 600, &over);
        let told: Vec<_> = found.iter().map(|one| (one.node, one.was, one.from, one.to)).collect();
        assert_eq!(
            told,
            [
                (0, Was::Leader(1), 10, 300),
                (0, Was::Lease(1), 20, 190),
                (0, Was::Still, 150, 170),
                (0, Was::Down, 300, 500),
                (1, Was::Leader(2), 400, 600),
            ]
        );
    }
}
