//! A setup as a scenario file that says what is not usual, as a person would write it: what is read from it is the same
//! setup.

use leasehold::lease::LeaseForm;
use leasehold::raft::LogBounds;
use leasehold::time::Span;

use super::faults::to_toml;
use super::units::{PARTS, Quantity};
use super::write::{delay, own_settings, span, trigger};
use crate::display::signed_span;
use crate::rules;
use crate::setup::{ClientSpec, ClockSpec, Delay, OperationKind, Pace, Setup, StampSource, Target};

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
        out.extend(table("[lease]", lease(setup)));
        out.extend(table("[timers]", timers(setup)));
        out.extend(table("[log]", log(setup)));
        clocks(setup, &mut out);
        for node in &setup.nodes {
            own_settings(setup, node, &mut |line| out.push(line));
        }
        network(setup, &mut out);
        for spec in &setup.clients {
            out.extend(table(&format!("[client.{}]", spec.name), client(setup, spec)));
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

fn lease(setup: &Setup) -> Vec<String> {
    let lease = &setup.lease;
    let lines = [
        unless(lease.form == LeaseForm::Elapsed, || "form = \"deadline\"".to_owned()),
        unless(setup.rules == rules::SOUND, || format!("rules = {:?}", setup.rules)),
        unless(lease.duration == Span::secs(3), || format!("duration = {}", span(lease.duration))),
        unless(lease.election_timeout == Span::secs(5), || {
            format!("election-timeout = {}", span(lease.election_timeout))
        }),
        unless(lease.max_clock_skew == Span::millis(500), || {
            format!("max-clock-skew = {}", span(lease.max_clock_skew))
        }),
    ];
    lines.into_iter().flatten().collect()
}

/// What is not as usual of the logs' bounds.
pub(super) fn log(setup: &Setup) -> Vec<String> {
    let (log, usual) = (&setup.log, LogBounds::default());
    let lines = [
        unless(log.entries_max == usual.entries_max, || format!("entries-max = {}", log.entries_max)),
        unless(log.bytes_max == usual.bytes_max, || format!("bytes-max = {}", log.bytes_max)),
        unless(log.chunk_bytes_max == usual.chunk_bytes_max, || {
            format!("chunk-bytes-max = {}", log.chunk_bytes_max)
        }),
    ];
    lines.into_iter().flatten().collect()
}

fn timers(setup: &Setup) -> Vec<String> {
    let timers = &setup.timers;
    let lines = [
        unless(timers.heartbeat == Span::millis(100), || format!("heartbeat = {}", span(timers.heartbeat))),
        unless(timers.election_jitter == Span::secs(1), || {
            format!("election-jitter = {}", span(timers.election_jitter))
        }),
        unless(timers.startup_grace == timers.heartbeat, || {
            format!("startup-grace = {}", span(timers.startup_grace))
        }),
        timers.request_deadline.map(|deadline| format!("request-deadline = {}", span(deadline))),
    ];
    lines.into_iter().flatten().collect()
}

/// Nodes with the same clocks together.
fn clocks(setup: &Setup, out: &mut Vec<String>) {
    let mut groups: Vec<(ClockSpec, Vec<&str>)> = Vec::new();
    for node in setup.nodes.iter().filter(|node| node.clock != ClockSpec::default()) {
        match groups.iter_mut().find(|(clock, _)| *clock == node.clock) {
            Some((_, members)) => members.push(&node.name),
            None => groups.push((node.clock, vec![&node.name])),
        }
    }
    for (number, (spec, members)) in (1..).zip(&groups) {
        let lines = clock(spec);
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

fn clock(spec: &ClockSpec) -> Vec<String> {
    let lines = [
        unless(spec.offset_ns == 0, || format!("offset = {:?}", signed_span(i128::from(spec.offset_ns)))),
        unless(spec.rate_ppb == 0, || format!("rate = {:?}", crate::display::rate(spec.rate_ppb))),
        unless(spec.wall_error == Span::ZERO, || format!("wall-error = {}", span(spec.wall_error))),
        unless(spec.synchronized, || "synchronized = false".to_owned()),
        match spec.stamp {
            StampSource::Both => None,
            StampSource::Raw => Some("stamp = \"raw\"".to_owned()),
            StampSource::Boot => Some("stamp = \"boot\"".to_owned()),
        },
    ];
    lines.into_iter().flatten().collect()
}

fn network(setup: &Setup, out: &mut Vec<String>) {
    let network = &setup.network;
    let share = |ppm: u32| format!("{:?}", Quantity::write(i128::from(ppm) * 1_000, &PARTS[1]));
    let usual = Delay::Fixed(Span::millis(1));
    let lines = [
        unless(network.delay == usual, || format!("delay = {}", delay(network.delay))),
        unless(network.client_delay == network.delay, || {
            format!("client-delay = {}", delay(network.client_delay))
        }),
        unless(network.loss_ppm == 0, || format!("loss = {}", share(network.loss_ppm))),
        unless(network.duplicate_ppm == 0, || format!("duplicate = {}", share(network.duplicate_ppm))),
    ];
    out.extend(table("[network]", lines.into_iter().flatten().collect()));
    for link in &network.links {
        let (from, to) = (&setup.nodes[link.from].name, &setup.nodes[link.to].name);
        let mut lines = vec![format!("from = {from:?}"), format!("to = {to:?}")];
        lines.extend(link.delay.map(|own| format!("delay = {}", delay(own))));
        lines.extend(link.loss_ppm.map(|own| format!("loss = {}", share(own))));
        lines.extend(link.duplicate_ppm.map(|own| format!("duplicate = {}", share(own))));
        out.extend(table("[[network.link]]", lines));
    }
}

fn client(setup: &Setup, client: &ClientSpec) -> Vec<String> {
    let words: Vec<&str> = client
        .operations
        .iter()
        .map(|operation| match operation {
            OperationKind::Read => "\"read\"",
            OperationKind::Write => "\"write\"",
            OperationKind::Cas => "\"cas\"",
        })
        .collect();
    let operations = match &words[..] {
        [only] => (*only).to_owned(),
        several => format!("[{}]", several.join(", ")),
    };
    let lines = [
        match client.target {
            Target::Node(node) => Some(format!("target = {:?}", setup.nodes[node].name)),
            Target::Leader => None,
            Target::Any => Some("target = \"any\"".to_owned()),
        },
        Some(format!("operations = {operations}")),
        unless(client.start == Span::ZERO, || format!("start = {}", span(client.start))),
        client.stop.map(|stop| format!("stop = {}", span(stop))),
        Some(match client.pace {
            Pace::Every(Delay::Fixed(pause)) if pause == Span::secs(3_600) => "every = \"1h\"".to_owned(),
            Pace::Every(pause) => format!("every = {}", delay(pause)),
            Pace::Think(pause) => format!("think = {}", delay(pause)),
        }),
        unless(client.first_key == 0, || format!("first-key = {}", client.first_key)),
        unless(client.keys == 1, || format!("keys = {}", client.keys)),
        unless(client.timeout == Span::secs(1), || format!("timeout = {}", span(client.timeout))),
        client.link.map(|own| format!("delay = {}", delay(own))),
    ];
    lines.into_iter().flatten().collect()
}
