//! Values, triggers and actions as a scenario file says them.

use std::fmt::Write;

use leasehold::raft::MemberAction;
use leasehold::time::Span;

use super::units::{PARTS, Quantity};
use crate::display::signed_span;
use crate::setup::{Action, Delay, DiskKind, DiskSpec, FaultSpec, NodeSpec, Order, Setup, Trigger, Unsynced};

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
    if !own.is_empty() || node.disk != DiskSpec::default() {
        line(format!("\n[node.{}]", node.name));
    }
    for (key, own, _) in own {
        line(format!("{key} = {}", span(own)));
    }
    if node.disk.kind == DiskKind::Durable {
        line("disk = \"durable\"".to_owned());
    }
    match node.disk.unsynced {
        Unsynced::Torn => {}
        Unsynced::Lost => line("unsynced = \"lost\"".to_owned()),
        Unsynced::Kept => line("unsynced = \"kept\"".to_owned()),
    }
}

pub(super) fn trigger(setup: &Setup, fault: &FaultSpec) -> String {
    match fault.trigger {
        Trigger::At(at) => format!("at = {}", span(at)),
        Trigger::Every { first, every } => format!("at = {}\nevery = {}", span(first), span(every)),
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
        Action::DiskStall { node } => of("disk-stall", node),
        Action::DiskError { node } => of("disk-error", node),
        Action::DiskFull { node } => of("disk-full", node),
        Action::DiskLie { node } => of("disk-lie", node),
        Action::DiskCorrupt { node } => of("disk-corrupt", node),
        Action::Step { node, by_ns } => {
            format!("step = {{ node = {}, by = {:?} }}", name(node), signed_span(i128::from(*by_ns)))
        }
        Action::Rate { node, ppb } => {
            let to = Quantity::write(i128::from(*ppb), &PARTS[1]);
            format!("rate = {{ node = {}, to = {to:?} }}", name(node))
        }
        Action::Unsynchronize { node } => of("unsynchronize", node),
        Action::Order(Order::Transfer { to }) => format!("transfer = {{ to = {} }}", name(to)),
        Action::Order(Order::Member { change: MemberAction::Add, node }) => of("add", node),
        Action::Order(Order::Member { change: MemberAction::Promote, node }) => of("promote", node),
        Action::Order(Order::Member { change: MemberAction::Remove, node }) => of("remove", node),
        Action::Order(Order::Apply { lengths }) => format!(
            "apply = {{ duration = {}, election-timeout = {}, max-clock-skew = {} }}",
            span(lengths.duration),
            span(lengths.election_timeout),
            span(lengths.max_clock_skew)
        ),
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
