//! Clients: when they ask, whom, and for how long.

use super::super::model::{ClientSpec, Cluster, Delay, Network, OperationKind, Pace, Target};
use super::super::read::Value;
use super::super::report::Problem;
use super::super::walk::{Found, Section};
use super::Builder;
use leasehold::time::Span;

const NO_DELAY: Delay = Delay::Fixed(Span::ZERO);

impl Builder<'_> {
    pub(super) fn clients(&mut self, network: &Network, cluster: &Cluster) -> Vec<ClientSpec> {
        let clients = self.file.named("client");
        clients.iter().map(|(name, section)| self.client(name, section, network, cluster)).collect()
    }

    fn client(&mut self, name: &str, section: &Section, network: &Network, cluster: &Cluster) -> ClientSpec {
        let link = section.leaf("delay").map(Found::delay);
        let target = match section.leaf("target").map(|found| &found.value) {
            Some(Value::Target(target)) => *target,
            _ => Target::Leader,
        };
        if let (Target::Node(node), Some(found)) = (target, section.leaf("target"))
            && (cluster.voters..self.names.len() - cluster.spares).contains(&node)
        {
            let message = format!("`{name}` asks `{}`, which is a learner", found.text);
            let problem = Problem::warning(found.place, message);
            self.error(problem.help("a learner never leads: it forwards every question"));
        }
        let operations = match section.leaf("operations").map(|found| &found.value) {
            Some(Value::Operations(operations)) => operations.clone(),
            _ => vec![OperationKind::Read],
        };
        self.life(section);
        ClientSpec {
            name: name.to_owned(),
            target,
            operations,
            pace: self.pace(name, section, link.unwrap_or(network.client_delay)),
            first_key: section.leaf("first-key").map_or(0, Found::count),
            keys: section.leaf("keys").map_or(1, Found::count),
            start: section.leaf("start").map_or(Span::ZERO, Found::span),
            stop: section.leaf("stop").map(Found::span),
            timeout: section.leaf("timeout").map_or(Span::ZERO, Found::span),
            link,
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
            (None, None) => {
                let problem = Problem::error(section.place, format!("client `{name}` never asks"));
                self.error(
                    problem.help(r#"say when: `every = "100ms"`, or `think = "100ms"` after each answer"#),
                );
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
