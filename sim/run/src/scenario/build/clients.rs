//! Clients: when they ask, whom, and for how long.

use super::super::keys::{self, Table};
use super::super::model::{ClientSpec, Delay, Pace, Target};
use super::super::report::Problem;
use super::super::walk::{Found, Section};
use super::Builder;
use crate::setup::Setup;
use leasehold::time::Span;

const NO_DELAY: Delay = Delay::Fixed(Span::ZERO);

impl Builder<'_> {
    pub(super) fn clients(&mut self, setup: &mut Setup) {
        for (number, (name, section)) in self.file.named("client").iter().enumerate() {
            setup.clients.push(ClientSpec::new(name));
            keys::fill(setup, Table::Client, number, |field| section.leaf(field.name));
            let spec = &setup.clients[number];
            if let (Target::Node(node), Some(found)) = (spec.target, section.leaf("target"))
                && (setup.cluster.voters..self.names.len() - setup.cluster.spares).contains(&node)
            {
                let message = format!("`{name}` asks `{}`, which is a learner", found.text);
                let problem = Problem::warning(found.place, message);
                self.error(problem.help("a learner never leads: it forwards every question"));
            }
            self.life(section);
            let link = spec.link.unwrap_or(setup.network.client_delay);
            setup.clients[number].pace = self.pace(name, section, link);
        }
    }

    /// It starts before it stops, and both within the run.
    fn life(&mut self, section: &Section) {
        let (start, stop) = (section.leaf("start"), section.leaf("stop"));
        if let Some(start) = start {
            self.within_run(start, Span::ZERO, "the start at");
        }
        if let Some(stop) = stop {
            self.within_run(stop, Span::ZERO, "the stop at");
        }
        if let (Some(start), Some(stop)) = (start, stop)
            && stop.span() <= start.span()
        {
            let message = format!("the client stops at {} and starts at {}", stop.text, start.text);
            let problem = Problem::error(stop.place, message).label("not after its start");
            self.error(problem.context(start.place, "the start"));
        }
    }

    fn pace(&mut self, name: &str, section: &Section, link: Delay) -> Pace {
        match (section.given("every"), section.given("think")) {
            (Some(_), Some(think)) => {
                let problem = Problem::error(Some(think), format!("client `{name}` has `every` and `think`"));
                self.error(
                    problem.context(section.given("every"), "the other one").help(
                        "`every` asks whether or not it was answered; `think` waits for the answer first",
                    ),
                );
            }
            // A `times` that is wrong is told as that.
            (None, None)
                if section
                    .leaf("times")
                    .map_or(section.given("times").is_none(), |times| times.count() > 1) =>
            {
                let problem = Problem::error(section.place, format!("client `{name}` never asks"));
                self.error(problem.help(
                    r#"say when: `every = "100ms"`, `think = "100ms"` after each answer, or `times = 1`"#,
                ));
            }
            _ => {}
        }
        let (every, think) = (section.leaf("every"), section.leaf("think"));
        if let Some(every) = every.filter(|every| always_zero(every.delay())) {
            let problem =
                Problem::error(every.place, format!("client `{name}` would ask for ever at one instant"));
            self.error(problem.help(r#"make it longer than zero, such as "1ms""#));
        }
        if let Some(think) = think.filter(|think| always_zero(think.delay()) && always_zero(link)) {
            let problem =
                Problem::error(think.place, format!("client `{name}` would ask for ever at one instant"));
            self.error(problem.help("its messages take no time: make `think` or its delay longer than zero"));
        }
        match (every, think) {
            (Some(every), _) => Pace::Every(every.delay()),
            (None, think) => Pace::Think(think.map_or(NO_DELAY, Found::delay)),
        }
    }
}

/// It can never be anything but zero.
fn always_zero(delay: Delay) -> bool {
    match delay {
        Delay::Fixed(span) => span == Span::ZERO,
        Delay::Uniform { most, .. } | Delay::LogNormal { most, .. } => most == Span::ZERO,
    }
}
