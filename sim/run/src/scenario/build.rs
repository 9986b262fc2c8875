//! Typed values into the model, with the checks that need more than one value. All of them, not just up to the first
//! that fails: what is missing or broken is replaced by something harmless, and the model is thrown away.

mod clients;
mod faults;
mod nodes;

use super::keys::{self, Table};
use super::model::{
    Cluster, Delay, DiskKind, Exhibit, Expectation, LinkSpec, Network, NodeSpec, Requirements, Scenario,
    Timers,
};
use super::path::node_names;
use super::read::{Context, Value};
use super::report::Problem;
use super::tree::{self, Item};
use super::walk::{Found, Section, below, walk};
use crate::setup::Setup;
use leasehold::lease::LeaseSettings;
use leasehold::raft::LogBounds;
use leasehold::time::Span;
pub(super) use nodes::NodeSettings;

/// What is the same for every row.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Used when the file gives no title.
    pub(super) file_name: &'a str,
    pub(super) story: &'a str,
    pub(super) rules_known: &'a [&'a str],
}

/// A tree, read.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) file: Section,
    pub(super) names: Vec<String>,
    /// `None` when there were errors.
    pub(super) scenario: Option<Scenario>,
    pub(super) problems: Vec<Problem>,
}

/// Reads and checks a tree.
pub(super) fn build(tree: &tree::Table, frame: &Frame<'_>) -> Built {
    let mut problems = Vec::new();
    let context = Context { names: node_names(tree), rules_known: frame.rules_known };
    let file = walk(tree, &context, &mut problems);
    let names = context.names.clone().unwrap_or_else(|| vec!["n1".to_owned()]);
    let scenario = Builder { file: &file, names: &names, problems: &mut problems }.scenario(frame, &context);
    let sound = !problems.iter().any(Problem::is_error);
    Built { scenario: sound.then_some(scenario), file, names, problems }
}

static EMPTY: Section = Section::EMPTY;

pub(super) struct Builder<'a> {
    pub(super) file: &'a Section,
    pub(super) names: &'a [String],
    problems: &'a mut Vec<Problem>,
}

impl<'a> Builder<'a> {
    fn scenario(&mut self, frame: &Frame<'_>, context: &Context<'_>) -> Scenario {
        let title = self.file.leaf("title").map(|found| found.text.clone());
        let settings = NodeSettings::new(self.file, self.names, context, self.problems);
        let cluster = self.cluster();
        let mut setup = Setup {
            seed: self.file.leaf("seed").map_or(0, Found::count),
            duration: self.file.leaf("duration").map_or(Span::ZERO, Found::span),
            rules: String::new(),
            guest: None,
            nodes: self.names.iter().map(NodeSpec::new).collect(),
            clients: Vec::new(),
            faults: self.faults(cluster.voters),
            cluster,
            lease: LeaseSettings::default(),
            timers: Timers::default(),
            log: LogBounds::default(),
            network: Network::default(),
        };
        for (name, table) in [
            ("lease", Table::Lease),
            ("timers", Table::Timers),
            ("log", Table::Log),
            ("guest", Table::Guest),
            ("network", Table::Network),
        ] {
            keys::fill(&mut setup, table, 0, |field| self.file.at(&below(name, field.name)));
        }
        self.nodes(&settings, &mut setup);
        self.links(&mut setup);
        self.clients(&mut setup);
        self.disk_faults(&setup);
        self.guest(&setup);
        let expect = self.expectation();
        let required = self.required();
        let exhibit = self.exhibit();
        if !self.problems.iter().any(Problem::is_error) {
            self.doubts(&setup);
        }
        Scenario {
            title: title.unwrap_or_else(|| frame.file_name.to_owned()),
            story: frame.story.to_owned(),
            setup,
            expect,
            required,
            exhibit,
        }
    }

    /// A table of the kind that always exists; an empty one where something else was written.
    fn table(&self, key: &str) -> &'a Section {
        self.file.section(key).unwrap_or(&EMPTY)
    }

    pub(super) fn error(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn cluster(&mut self) -> Cluster {
        let cluster = self.table("cluster");
        let count = |key| cluster.leaf(key).and_then(|found| usize::try_from(found.count()).ok());
        let voters = count("nodes").unwrap_or(1);
        let first = cluster.leaf("first-leader");
        if let Some(first) = first.filter(|first| first.node() >= voters) {
            let problem =
                Problem::error(first.place, format!("`{}` is a learner and cannot lead", first.text));
            self.error(problem.help(format!("the voters are `n1` to `n{voters}`")));
        }
        let spares = count("spares").unwrap_or(0);
        Cluster { voters, spares, first_leader: first.map(Found::node) }
    }

    /// What is our node's alone, and so cannot be asked of a guest.
    fn guest(&mut self, setup: &Setup) {
        let Some(place) = self.table("guest").given("command").filter(|_| setup.guest.is_some()) else {
            return;
        };
        if setup.guest.as_ref().is_some_and(|guest| guest.command().trim().is_empty()) {
            let problem = Problem::error(Some(place), "the guest's command is empty");
            self.error(problem.help("write `command = \"python3 guest.py\"`, or remove `[guest]`"));
        }
        if let Some(rules) = self.table("lease").given("rules") {
            let problem = Problem::error(Some(rules), "a guest follows rules of its own");
            self.error(problem.context(Some(place), "the guest").help("remove `rules`"));
        }
        if let Some(node) = setup.nodes.iter().find(|node| node.disk.kind == DiskKind::Durable) {
            let message =
                format!("the disk of `{}` is our node's database, which a guest has not", node.name);
            let problem = Problem::error(Some(place), message);
            self.error(problem.help("leave `disk` away: what a guest writes is kept by a model of a disk"));
        }
    }

    /// One a pair of nodes, though a table may name many.
    fn links(&mut self, setup: &mut Setup) {
        for section in self.table("network").list("link") {
            let (Some(from), Some(to)) = (section.leaf("from"), section.leaf("to")) else {
                continue;
            };
            for (sender, receiver) in
                from.nodes().iter().flat_map(|f| to.nodes().iter().map(move |t| (*f, *t)))
            {
                let (sender_name, receiver_name) = (&self.names[sender], &self.names[receiver]);
                let links = &mut setup.network.links;
                if sender == receiver {
                    let message = format!("`{sender_name}` has no link to itself");
                    self.error(Problem::error(to.place, message));
                } else if links.iter().any(|link| (link.from, link.to) == (sender, receiver)) {
                    let message =
                        format!("the link from `{sender_name}` to `{receiver_name}` is given twice");
                    self.error(Problem::error(to.place, message));
                } else {
                    let number = links.len();
                    links.push(LinkSpec::new(sender, receiver));
                    keys::fill(setup, Table::Link, number, |field| section.leaf(field.name));
                }
            }
        }
    }

    /// `begin-above` waits for the sweep to say what it means.
    fn expectation(&mut self) -> Expectation {
        let expect = self.table("expect");
        if let (Some(_), Some(place)) = (expect.given("stale-reads"), expect.given("begin-above")) {
            let problem = Problem::error(Some(place), "`begin-above` and `stale-reads` exclude each other");
            self.error(problem.context(expect.given("stale-reads"), "the other one"));
        }
        match expect.leaf("stale-reads").map(|found| found.text.as_str()) {
            Some("some") => Expectation::Some,
            Some("any") => Expectation::Any,
            _ => Expectation::None,
        }
    }

    fn required(&self) -> Requirements {
        let expect = self.table("expect");
        let span = |key| expect.leaf(key).map(Found::span);
        Requirements {
            safe: expect.leaf("safe").is_some_and(Found::flag),
            margin_at_least: span("margin-at-least"),
            lease_over_at: span("lease-over-at"),
            leader_ready_at: span("leader-ready-at"),
            leader_within: span("leader-within"),
            answered_at_least: expect.leaf("answered-at-least").map(Found::share),
            read_gap_at_most: span("read-gap-at-most"),
            write_gap_at_most: span("write-gap-at-most"),
        }
    }

    fn exhibit(&self) -> Option<Exhibit> {
        let plate = self.file.section("exhibit")?;
        // In the file a text may have several lines.
        let text =
            |key| plate.leaf(key).map(|found| found.text.split_whitespace().collect::<Vec<_>>().join(" "));
        Some(Exhibit {
            system: text("system")?,
            year: plate.leaf("year")?.count(),
            evidence: plate.leaf("evidence")?.word(),
            url: text("url"),
            mechanism: text("mechanism")?,
            clock_fault: plate.leaf("clock-fault")?.flag(),
            believed: text("believed")?,
            happened: text("happened")?,
            note: text("note"),
            question: text("question"),
            question_url: text("question-url"),
        })
    }

    /// Complains when `more` after this time is past the end of the run.
    fn within_run(&mut self, time: &Found, more: Span, what: &str) {
        let Some(end) = self.file.leaf("duration") else {
            return;
        };
        if time.span() + more > end.span() {
            let message = match more {
                Span::ZERO => format!("{what} {} is past the end of the run", time.text),
                _ => format!("{what} {} and {more} more is past the end of the run", time.text),
            };
            let problem = Problem::error(time.place, message).context(end.place, "the run ends here");
            self.error(problem.help(format!("the run ends at {}", end.text)));
        }
    }

    /// What can be run and may not show what its author thinks.
    fn doubts(&mut self, setup: &Setup) {
        let heartbeat = self.table("timers").leaf("heartbeat").and_then(|found| found.place);
        let duration = self.table("lease").leaf("duration").and_then(|found| found.place);
        let mut said: Vec<Span> = Vec::new();
        for node in &setup.nodes {
            let effective = node.lease.effective();
            if said.contains(&effective) {
                continue;
            }
            said.push(effective);
            let (d, t) = (node.lease.duration, node.lease.election_timeout);
            if effective > Span::ZERO && d >= t {
                let message = format!(
                    "the lease of `{}` is not shorter than its election timeout: D is {d}, T is {t}; a node calls this unsafe",
                    node.name
                );
                let problem = Problem::warning(duration, message);
                self.error(problem.help("make `lease.duration` shorter than `lease.election-timeout`"));
            }
            if effective == Span::ZERO {
                let message = format!("`{}` has no lease: max-clock-skew uses it up", node.name);
                let problem = Problem::warning(duration, message);
                self.error(problem.help("every read takes a round trip; make `lease.duration` longer"));
            } else if effective <= setup.timers.heartbeat {
                let message = format!(
                    "the lease of `{}` ends between two heartbeats: it lasts {effective}, a heartbeat comes every {}",
                    node.name, setup.timers.heartbeat
                );
                self.error(Problem::warning(heartbeat.or(duration), message));
            }
        }
    }
}

impl Found {
    pub(super) fn mismatch(&self) -> ! {
        unreachable!("the table of keys says another kind than the builder: {:?}", self.value)
    }
}

macro_rules! accessors {
    ($($name:ident -> $type:ty: $pattern:pat => $value:expr;)*) => {
        impl Found {
            $(pub(super) fn $name(&self) -> $type {
                match &self.value {
                    $pattern => $value,
                    _ => self.mismatch(),
                }
            })*
        }
    };
}

accessors! {
    flag -> bool: Value::Flag(flag) => *flag;
    count -> u64: Value::Count(count) => *count;
    span -> Span: Value::Span(span) => *span;
    offset -> i64: Value::Offset(offset) => *offset;
    rate -> i64: Value::Rate(rate) => *rate;
    share -> u32: Value::Share(share) => *share;
    delay -> Delay: Value::Delay(delay) => *delay;
    node -> usize: Value::Node(node) => *node;
    word -> &'static str: Value::Word(word) => word;
}

impl Found {
    pub(super) fn items(&self) -> &[Item] {
        match &self.value {
            Value::Items(items) => items,
            _ => self.mismatch(),
        }
    }

    pub(super) fn nodes(&self) -> &[usize] {
        match &self.value {
            Value::Nodes(nodes) => nodes,
            _ => self.mismatch(),
        }
    }
}
