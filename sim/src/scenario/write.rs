//! A setup as a scenario file: what is read from it is the same setup.

use std::fmt::Write;

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use super::units::{PARTS, Quantity};
use crate::display::signed_span;
use crate::setup::{
    Action, ClientSpec, ClockSpec, Delay, FaultSpec, NodeSpec, OperationKind, Pace, Setup, StampSource,
    Target, Trigger,
};

/// A scenario file that says `title`, begins with `story` as its comment, expects stale reads or none, and reads as
/// `setup`.
pub fn to_toml(title: &str, story: &[String], stale: bool, setup: &Setup) -> String {
    let mut text = String::new();
    for line in story {
        text.push_str(format!("# {line}").trim_end());
        text.push('\n');
    }
    let mut line = |written: String| {
        text.push_str(&written);
        text.push('\n');
    };
    line(format!("title = {title:?}\nseed = {}\nduration = {}", setup.seed, span(setup.duration)));
    cluster(setup, &mut line);
    for node in &setup.nodes {
        clock(node, &mut line);
        own_settings(setup, node, &mut line);
    }
    network(setup, &mut line);
    for client in &setup.clients {
        asks(setup, client, &mut line);
    }
    for fault in &setup.faults {
        happens(setup, fault, &mut line);
    }
    line(format!("\n[expect]\nstale-reads = {:?}", if stale { "some" } else { "none" }));
    text
}

fn cluster(setup: &Setup, line: &mut impl FnMut(String)) {
    line(format!("\n[cluster]\nnodes = {}", setup.cluster.voters));
    if setup.nodes.len() > setup.cluster.voters {
        line(format!("learners = {}", setup.nodes.len() - setup.cluster.voters));
    }
    if let Some(first) = setup.cluster.first_leader {
        line(format!("first-leader = {:?}", setup.nodes[first].name));
    }
    let lease = &setup.lease;
    let form = if lease.form == LeaseForm::Deadline { "deadline" } else { "elapsed" };
    line(format!("\n[lease]\nform = {form:?}\nrules = {:?}", setup.rules));
    line(format!("duration = {}", span(lease.duration)));
    line(format!("election-timeout = {}", span(lease.election_timeout)));
    line(format!("max-clock-skew = {}", span(lease.max_clock_skew)));
    let timers = &setup.timers;
    line(format!("\n[timers]\nheartbeat = {}", span(timers.heartbeat)));
    line(format!("election-jitter = {}", span(timers.election_jitter)));
    line(format!("startup-grace = {}", span(timers.startup_grace)));
    if let Some(deadline) = timers.request_deadline {
        line(format!("request-deadline = {}", span(deadline)));
    }
    let log = super::brief::log(setup);
    if !log.is_empty() {
        line(format!("\n[log]\n{}", log.join("\n")));
    }
}

fn clock(node: &NodeSpec, line: &mut impl FnMut(String)) {
    let (clock, perfect) = (&node.clock, ClockSpec::default());
    if *clock == perfect {
        return;
    }
    line(format!("\n[clock.{}]", node.name));
    if clock.offset_ns != 0 {
        line(format!("offset = {:?}", signed_span(i128::from(clock.offset_ns))));
    }
    if clock.rate_ppb != 0 {
        line(format!("rate = {:?}", Quantity::write(i128::from(clock.rate_ppb), &PARTS[1])));
    }
    if clock.wall_error != Span::ZERO {
        line(format!("wall-error = {}", span(clock.wall_error)));
    }
    if !clock.synchronized {
        line("synchronized = false".to_owned());
    }
    match clock.stamp {
        StampSource::Both => {}
        StampSource::Raw => line("stamp = \"raw\"".to_owned()),
        StampSource::Boot => line("stamp = \"boot\"".to_owned()),
    }
}

pub(super) fn own_settings(setup: &Setup, node: &NodeSpec, line: &mut impl FnMut(String)) {
    let lease = &setup.lease;
    let settings = [
        ("lease-duration", node.lease.duration, lease.duration),
        ("election-timeout", node.lease.election_timeout, lease.election_timeout),
        ("max-clock-skew", node.lease.max_clock_skew, lease.max_clock_skew),
        ("election-jitter", node.election_jitter, setup.timers.election_jitter),
        ("election-jitter-least", node.election_jitter_least, Span::ZERO),
        ("disk-sync", node.disk_sync, Span::ZERO),
        ("answer-time", node.answer_time, Span::ZERO),
    ];
    let own: Vec<_> = settings.into_iter().filter(|(_, own, usual)| own != usual).collect();
    if !own.is_empty() {
        line(format!("\n[node.{}]", node.name));
    }
    for (key, own, _) in own {
        line(format!("{key} = {}", span(own)));
    }
}

fn network(setup: &Setup, line: &mut impl FnMut(String)) {
    let network = &setup.network;
    line(format!("\n[network]\ndelay = {}", delay(network.delay)));
    line(format!("client-delay = {}", delay(network.client_delay)));
    let share = |ppm: u32| Quantity::write(i128::from(ppm) * 1_000, &PARTS[1]);
    if network.loss_ppm > 0 {
        line(format!("loss = {:?}", share(network.loss_ppm)));
    }
    if network.duplicate_ppm > 0 {
        line(format!("duplicate = {:?}", share(network.duplicate_ppm)));
    }
    for link in &network.links {
        let (from, to) = (&setup.nodes[link.from].name, &setup.nodes[link.to].name);
        line(format!("\n[[network.link]]\nfrom = {from:?}\nto = {to:?}"));
        if let Some(own) = link.delay {
            line(format!("delay = {}", delay(own)));
        }
        if let Some(ppm) = link.loss_ppm {
            line(format!("loss = {:?}", share(ppm)));
        }
        if let Some(ppm) = link.duplicate_ppm {
            line(format!("duplicate = {:?}", share(ppm)));
        }
    }
}

fn asks(setup: &Setup, client: &ClientSpec, line: &mut impl FnMut(String)) {
    line(format!("\n[client.{}]", client.name));
    line(match client.target {
        Target::Node(node) => format!("target = {:?}", setup.nodes[node].name),
        Target::Leader => "target = \"leader\"".to_owned(),
        Target::Any => "target = \"any\"".to_owned(),
    });
    let operations = client.operations.iter().map(|operation| match operation {
        OperationKind::Read => "\"read\"",
        OperationKind::Write => "\"write\"",
        OperationKind::Cas => "\"cas\"",
    });
    line(format!("operations = [{}]", operations.collect::<Vec<_>>().join(", ")));
    line(match client.pace {
        Pace::Every(pause) => format!("every = {}", delay(pause)),
        Pace::Think(pause) => format!("think = {}", delay(pause)),
    });
    if client.first_key != 0 {
        line(format!("first-key = {}", client.first_key));
    }
    if client.keys != 1 {
        line(format!("keys = {}", client.keys));
    }
    line(format!("start = {}", span(client.start)));
    if let Some(stop) = client.stop {
        line(format!("stop = {}", span(stop)));
    }
    line(format!("timeout = {}", span(client.timeout)));
    if let Some(own) = client.link {
        line(format!("delay = {}", delay(own)));
    }
}

fn happens(setup: &Setup, fault: &FaultSpec, line: &mut impl FnMut(String)) {
    line("\n[[fault]]".to_owned());
    line(trigger(setup, fault));
    if fault.after != Span::ZERO {
        line(format!("after = {}", span(fault.after)));
    }
    if let Some(lasts) = fault.lasts {
        line(format!("for = {}", span(lasts)));
    }
    line(action(setup, &fault.action));
}

pub(super) fn trigger(setup: &Setup, fault: &FaultSpec) -> String {
    match fault.trigger {
        Trigger::At(at) => format!("at = {}", span(at)),
        Trigger::When { event, node, from, nth } => {
            let node = node.map_or(String::new(), |node| format!(", node = {:?}", setup.nodes[node].name));
            let from = if from == Span::ZERO { String::new() } else { format!(", from = {}", span(from)) };
            let nth = if nth == 1 { String::new() } else { format!(", nth = {nth}") };
            format!("when = {{ event = {:?}{node}{from}{nth} }}", event.word())
        }
    }
}

pub(super) fn action(setup: &Setup, action: &Action) -> String {
    let name = |node: &usize| format!("{:?}", setup.nodes[*node].name);
    let names = |nodes: &[usize]| format!("[{}]", nodes.iter().map(name).collect::<Vec<_>>().join(", "));
    let of = |key: &str, node: &usize| format!("{key} = {{ node = {} }}", name(node));
    match action {
        Action::Partition { between } => {
            let groups: Vec<String> = between.iter().map(|group| names(group)).collect();
            format!("partition = {{ between = [{}] }}", groups.join(", "))
        }
        Action::Cut { from, to } => {
            let some = |nodes: &[usize]| if let [only] = nodes { name(only) } else { names(nodes) };
            format!("cut = {{ from = {}, to = {} }}", some(from), some(to))
        }
        Action::Isolate { node } => of("isolate", node),
        Action::Heal => "heal = {}".to_owned(),
        Action::Hold { from, to, message, count } => {
            let mut text = format!("hold = {{ from = {}, to = {}, count = {count}", name(from), name(to));
            if let Some(message) = message {
                let _ = write!(text, ", message = {message:?}");
            }
            text + " }"
        }
        Action::Release { from, to } => format!("release = {{ from = {}, to = {} }}", name(from), name(to)),
        Action::Pause { node } => of("pause", node),
        Action::Suspend { node } => of("suspend", node),
        Action::HypervisorPause { node } => of("hypervisor-pause", node),
        Action::Crash { node } => of("crash", node),
        Action::Restart { node } => of("restart", node),
        Action::Step { node, by_ns } => {
            format!("step = {{ node = {}, by = {:?} }}", name(node), signed_span(i128::from(*by_ns)))
        }
        Action::Rate { node, ppb } => {
            let to = Quantity::write(i128::from(*ppb), &PARTS[1]);
            format!("rate = {{ node = {}, to = {to:?} }}", name(node))
        }
        Action::Unsynchronize { node } => of("unsynchronize", node),
        Action::Transfer { to } => format!("transfer = {{ to = {} }}", name(to)),
    }
}

pub(super) fn span(span: Span) -> String {
    format!("\"{span}\"")
}

pub(super) fn delay(delay: Delay) -> String {
    match delay {
        Delay::Fixed(fixed) => span(fixed),
        Delay::Uniform { least, most } => format!("{{ uniform = [{}, {}] }}", span(least), span(most)),
        Delay::LogNormal { median, sigma_ppm, most } => {
            let sigma = format!("{}.{:06}", sigma_ppm / 1_000_000, sigma_ppm % 1_000_000);
            format!(
                "{{ lognormal = {{ median = {}, sigma = {sigma}, most = {} }} }}",
                span(median),
                span(most)
            )
        }
    }
}
