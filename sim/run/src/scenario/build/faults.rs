//! Faults: one trigger, one action, all within the run.

use super::super::faults;
use super::super::model::{Action, DiskKind, FaultSpec, NodeSpec, Trigger};
use super::super::report::Problem;
use super::super::schema::quoted;
use super::super::walk::{Found, Part, Section};
use super::Builder;
use crate::note::EVENT_KINDS;
use crate::setup::Setup;
use leasehold::time::Span;

impl Builder<'_> {
    pub(super) fn faults(&mut self, voters: usize) -> Vec<FaultSpec> {
        let sections = self.file.list("fault");
        let faults: Vec<FaultSpec> =
            sections.iter().filter_map(|section| self.fault(section, voters)).collect();
        if faults.len() == sections.len() {
            self.pointless(&faults, sections);
        }
        faults
    }

    fn fault(&mut self, section: &Section, voters: usize) -> Option<FaultSpec> {
        let after = section.leaf("after").map_or(Span::ZERO, Found::span);
        let trigger = self.trigger(section, after);
        let action = self.action(section, voters);
        Some(FaultSpec {
            trigger: trigger?,
            after,
            lasts: section.leaf("for").map(Found::span),
            action: action?,
        })
    }

    fn trigger(&mut self, section: &Section, after: Span) -> Option<Trigger> {
        match (section.given("at"), section.given("when")) {
            (Some(at), Some(when)) => {
                let problem = Problem::error(Some(when), format!("`{}` has `at` and `when`", section.path));
                self.error(problem.context(Some(at), "the other one").help("a fault has one trigger"));
            }
            (None, None) => {
                let problem = Problem::error(section.place, format!("`{}` has no trigger", section.path));
                self.error(
                    problem
                        .help(r#"say when: `at = "10s"`, or `when = { event = "campaign", node = "n2" }`"#),
                );
            }
            _ => {}
        }
        if let Some(at) = section.leaf("at") {
            self.within_run(at, after, "the fault at");
            let first = at.span();
            let Some(every) = section.leaf("every") else { return Some(Trigger::At(first)) };
            self.ends_before_the_next(section, every);
            return Some(Trigger::Every { first, every: every.span() });
        }
        if let Some(every) = section.given("every") {
            let message = format!("`{}` has `every` without `at`", section.path);
            let help = r#"say when it happens first: `at = "10s"`; an event sets a fault off once"#;
            self.error(Problem::error(Some(every), message).help(help));
        }
        let when = section.section("when")?;
        let (event, from, nth) = (when.leaf("event")?, when.leaf("from")?, when.leaf("nth")?);
        self.within_run(from, after, "the wait from");
        Some(Trigger::When {
            event: EVENT_KINDS.into_iter().find(|kind| kind.word() == event.word())?,
            node: when.leaf("node").map(Found::node),
            from: from.span(),
            nth: u32::try_from(nth.count()).ok()?,
        })
    }

    /// A fault that is still in force when it happens again would be undone too early, by the first time's end.
    fn ends_before_the_next(&mut self, section: &Section, every: &Found) {
        let Some(lasts) = section.leaf("for").filter(|lasts| lasts.span() >= every.span()) else { return };
        let message = format!("it lasts {} and happens again every {}", lasts.text, every.text);
        let problem = Problem::error(lasts.place, message).context(every.place, "again after this");
        self.error(problem.help("make `for` shorter than `every`"));
    }

    fn action(&mut self, section: &Section, voters: usize) -> Option<Action> {
        let mut given = section.parts().filter(|(key, _)| !faults::FAULT_CONTROLS.contains(key));
        let (first, second) = (given.next(), given.next());
        let Some((key, part)) = first else {
            let problem = Problem::error(section.place, format!("`{}` does nothing", section.path));
            self.error(problem.help(r#"say what happens, such as `crash = { node = "n1" }`"#));
            return None;
        };
        if let Some((other, _)) = second {
            let problem = Problem::error(
                section.given(other),
                format!("`{}` does two things: `{key}` and `{other}`", section.path),
            );
            self.error(problem.context(section.given(key), "the first").help("write a `[[fault]]` for each"));
            return None;
        }
        if let Some(place) = section.given("for").filter(|_| faults::INSTANT.contains(&key)) {
            let problem = Problem::error(Some(place), format!("`{key}` cannot last: it is over at once"));
            self.error(
                problem.label("remove this").help(format!("these cannot last: {}", quoted(faults::INSTANT))),
            );
        }
        let Part::Section(action) = part else { return None };
        faults::read(self, key, action, voters)
    }

    /// Some faults need a disk that there is something to say about.
    pub(super) fn disk_faults(&mut self, setup: &Setup) {
        let sections = self.file.list("fault");
        if setup.faults.len() != sections.len() {
            return;
        }
        for (fault, section) in setup.faults.iter().zip(sections) {
            let (key, node) = match fault.action {
                Action::DiskLie { node } => ("disk-lie", node),
                Action::DiskCorrupt { node } => ("disk-corrupt", node),
                _ => continue,
            };
            let named = |spec: &&NodeSpec| spec.disk.kind == DiskKind::Memory;
            if let Some(spec) = setup.nodes.get(node).filter(named) {
                let message = format!("`{key}` needs a durable disk, and that of `{}` is a model", spec.name);
                let problem = Problem::error(section.given(key), message);
                self.error(
                    problem.help("say `disk.kind = \"durable\"`, or `disk = \"durable\"` for the node"),
                );
            }
        }
    }

    /// Warns about a release of what is never held and a restart of what never ends.
    fn pointless(&mut self, faults: &[FaultSpec], sections: &[Section]) {
        for (fault, section) in faults.iter().zip(sections) {
            let (message, key) = match fault.action {
                Action::Release { from, to }
                    if !faults.iter().any(|other| {
                        matches!(other.action, Action::Hold { from: f, to: t, .. } if (f, t) == (from, to))
                    }) =>
                {
                    let (from, to) = (&self.names[from], &self.names[to]);
                    (format!("nothing holds messages from `{from}` to `{to}`"), "release")
                }
                Action::Restart { node }
                    if !faults.iter().any(|other| {
                        matches!(other.action,
                            Action::Crash { node: n } | Action::DiskError { node: n } if n == node)
                    }) =>
                {
                    (format!("nothing crashes `{}`", self.names[node]), "restart")
                }
                _ => continue,
            };
            self.error(Problem::warning(section.given(key), message));
        }
    }
}
