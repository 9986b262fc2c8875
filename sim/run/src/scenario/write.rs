//! Values, triggers and actions as a scenario file says them.

use leasehold::time::Span;

use crate::setup::{Delay, DiskKind, DiskSpec, FaultSpec, NodeSpec, Setup, Trigger, Unsynced};

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
