//! Margins of a live run: what the nodes noted, in the order in which it happened, told to the reader that measures the
//! simulator's runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::mailbox::Mailbox;
use super::phases::{Phase, phases};
use leasehold::raft::Note;
use leasehold::time::Alarm;
use leasehold_run::setup::Setup;
use leasehold_run::watch::{Broken, Invariant, Leaders, LeadershipChange, Margins};
use leasehold_world::{Choices, Happening, World};

/// Something that happened to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// True time, ns: by the node's own note, or when the signal had taken effect.
    pub(super) at: u64,
    pub(super) node: usize,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Noted(Note),
    Stopped,
    Resumed,
    Killed,
}

/// What follows from the notes.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) changes: Vec<LeadershipChange>,
    pub(super) overlap: Option<(u64, usize, usize)>,
    pub(super) broken: Vec<Broken>,
    pub(super) leaders: Leaders,
    pub(super) phases: Vec<Phase>,
}

/// Measures what happened up to `end`, in any order.
pub(super) fn measure(setup: &Arc<Setup>, mut moments: Vec<Moment>, end: u64) -> Measured {
    // Stable: what one node noted at one instant stays in its order.
    moments.sort_by_key(|moment| moment.at);
    let mailboxes = setup.nodes.iter().map(|node| Mailbox::new(&node.name)).collect();
    let mut world = World::new(Arc::new(setup.world()), Choices::seeded(setup.seed), mailboxes);
    let mut readers = (Margins::new(setup.nodes.len()), Leaders::new(setup.nodes.len()));
    for Moment { at, node, what } in &moments {
        let (at, node) = (*at, *node);
        let happening = match *what {
            What::Noted(note) => Happening::Noted { node, note },
            What::Stopped => Happening::Stopped { node, resumed: false },
            What::Resumed => Happening::Stopped { node, resumed: true },
            What::Killed => Happening::Crashed { node },
        };
        world.recount(at, happening, &mut readers);
    }
    let last = moments.last().map_or(0, |moment| moment.at);
    while world.step_at(end.max(last), &mut readers) {}
    let (margins, leaders) = readers;
    let overlap = margins.overlap();
    let over = |node: usize, alarm: &Alarm, at: u64| world.clock(node).first_at(alarm, at);
    let phases = phases(&moments, end, &over);
    Measured { changes: margins.finish(&world), overlap, broken: two_leaders(&moments), leaders, phases }
}

/// Election safety is the one invariant that shows from outside: at most one leader a term.
fn two_leaders(moments: &[Moment]) -> Vec<Broken> {
    let mut leaders = BTreeMap::new();
    let mut broken = Vec::new();
    for moment in moments {
        let What::Noted(Note::Elected { term }) = moment.what else { continue };
        let first = *leaders.entry(term).or_insert(moment.node);
        if first != moment.node {
            let detail = format!("term {term} was led by node {} before", first + 1);
            let invariant = Invariant::ElectionSafety;
            broken.push(Broken { at: moment.at, node: moment.node, invariant, detail });
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use leasehold::time::{Nanos, Reading, Span, Stamp};

    use super::*;
    use leasehold::raft::{Index, Term};
    use leasehold_run::scenario;
    use leasehold_world::MONOTONIC_BASE;

    fn setup() -> Arc<Setup> {
        let plan = scenario::load("t", "duration = '10s'", &[], &["sound"]).expect("a scenario");
        Arc::new(plan.rows[0].scenario.setup.clone())
    }

    fn ready(term: u64) -> Note {
        Note::LeaderReady { term: Term(term), commit: Index(1) }
    }

    fn noted(at: u64, node: usize, note: Note) -> Moment {
        Moment { at, node, what: What::Noted(note) }
    }

    fn renewed(term: u64, since: u64, span: u64) -> Note {
        let stamp = Stamp::new(Nanos(MONOTONIC_BASE + since), Nanos(MONOTONIC_BASE + since));
        let start = Reading { stamp, wall: None };
        Note::LeaseRenewed {
            term: Term(term),
            start,
            end: Alarm::First { since: stamp, span: Span::nanos(span) },
        }
    }

    #[test]
    fn a_margin_is_from_the_leases_end_to_the_next_leaders_first_write() {
        let moments = vec![
            noted(9_000, 1, ready(2)),
            noted(10, 0, ready(1)),
            noted(1_100, 0, renewed(1, 1_000, 5_000)),
        ];
        let found = measure(&setup(), moments, 20_000);
        let margins: Vec<_> = found.changes.iter().filter_map(LeadershipChange::margin).collect();
        assert_eq!((margins, found.overlap), (vec![3_000], None));
    }

    #[test]
    fn a_lease_ends_when_its_holder_is_killed_or_was_stopped() {
        for (what, margin) in [(What::Killed, 7_000), (What::Stopped, 7_000), (What::Resumed, 3_000)] {
            let moments = vec![
                noted(1_100, 0, renewed(1, 1_000, 5_000)),
                Moment { at: 2_000, node: 0, what },
                noted(9_000, 1, ready(2)),
            ];
            let found = measure(&setup(), moments, 20_000);
            let margins: Vec<_> = found.changes.iter().filter_map(LeadershipChange::margin).collect();
            assert_eq!(margins, vec![margin], "{what:?}");
        }
    }

    #[test]
    fn two_leases_at_once_and_two_leaders_of_a_term_are_found() {
        let moments = vec![
            noted(1_100, 0, renewed(1, 1_000, 5_000)),
            noted(1_200, 1, Note::Elected { term: Term(2) }),
            noted(1_300, 2, Note::Elected { term: Term(2) }),
            noted(2_000, 1, ready(2)),
            noted(2_000, 1, renewed(2, 1_900, 5_000)),
        ];
        let found = measure(&setup(), moments, 20_000);
        assert_eq!(found.overlap, Some((2_000, 0, 1)));
        assert_eq!(found.broken.len(), 1);
        assert_eq!(found.changes[0].margin(), Some(-4_000));
    }
}
