//! What went wrong, as bars in time.

use super::model::{FaultBar, Ns, narrow};
use crate::faults;
use crate::setup::{Action, Setup};

/// All faults so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// With the place in the setup.
    bars: Vec<(usize, FaultBar)>,
}

impl Faults {
    /// A fault happens, or is undone.
    pub(super) fn fault(&mut self, setup: &Setup, at: u64, fault: usize, undone: bool) {
        let action = &setup.faults[fault].action;
        let at = Ns::of(at);
        if undone {
            let open = self.bars.iter_mut().rev().find(|(of, bar)| *of == fault && bar.until.is_none());
            if let Some((_, bar)) = open {
                bar.until = Some(at);
            }
            return;
        }
        self.ends_others(setup, at, action);
        let (nodes, links) = faults::touched(setup, action);
        let bar = FaultBar {
            word: action.word().to_owned(),
            what: faults::action(setup, action, false),
            at,
            until: None,
            nodes: nodes.into_iter().map(narrow).collect(),
            links: links.into_iter().map(|(from, to)| (narrow(from), narrow(to))).collect(),
        };
        self.bars.push((fault, bar));
    }

    /// Some faults undo others.
    fn ends_others(&mut self, setup: &Setup, at: Ns, action: &Action) {
        let ended = |other: &Action| match action {
            Action::Heal => {
                matches!(other, Action::Partition { .. } | Action::Cut { .. } | Action::Isolate { .. })
            }
            Action::Restart { node } => matches!(other, Action::Crash { node: of } if of == node),
            Action::Release { from, to } => {
                matches!(other, Action::Hold { from: f, to: t, .. } if (f, t) == (from, to))
            }
            Action::Partition { .. }
            | Action::Cut { .. }
            | Action::Isolate { .. }
            | Action::Hold { .. }
            | Action::Pause { .. }
            | Action::Suspend { .. }
            | Action::HypervisorPause { .. }
            | Action::Crash { .. }
            | Action::DiskStall { .. }
            | Action::DiskError { .. }
            | Action::DiskFull { .. }
            | Action::DiskLie { .. }
            | Action::DiskCorrupt { .. }
            | Action::Step { .. }
            | Action::ClockJump { .. }
            | Action::Rate { .. }
            | Action::Unsynchronize { .. }
            | Action::Order(_) => false,
        };
        for (fault, bar) in &mut self.bars {
            if bar.until.is_none() && ended(&setup.faults[*fault].action) {
                bar.until = Some(at);
            }
        }
    }

    pub(super) fn bars(&self) -> Vec<FaultBar> {
        self.bars.iter().map(|(_, bar)| bar.clone()).collect()
    }
}
