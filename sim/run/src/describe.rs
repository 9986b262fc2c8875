//! Parts of a setup in words, for reports.

use leasehold::lease::LeaseForm;

use crate::display::{list, rate, signed_span};
use crate::faults;
use crate::note::AWAITED;
use crate::setup::{
    ClientSpec, ClockSpec, Delay, DiskKind, EventKind, FaultSpec, OperationKind, Pace, Setup, StampSource,
    Target, Trigger, Unsynced,
};

/// `n1`.
pub fn node(setup: &Setup, node: usize) -> &str {
    &setup.nodes[node].name
}

/// `n1, n2 and n3`.
pub fn nodes(setup: &Setup, places: &[usize]) -> String {
    list(&places.iter().map(|place| node(setup, *place)).collect::<Vec<_>>())
}

/// The cluster and its lease, in a line.
pub fn setting(setup: &Setup) -> String {
    let lease = &setup.lease;
    let others = match (setup.learners(), setup.cluster.spares) {
        (0, 0) => String::new(),
        (learners, 0) => format!(" and {learners} learners"),
        (0, spares) => format!(" and {spares} spare nodes"),
        (learners, spares) => format!(", {learners} learners and {spares} spare nodes"),
    };
    let form = match lease.form {
        LeaseForm::Elapsed => "elapsed",
        LeaseForm::Deadline => "deadline",
    };
    let rules = if setup.guest.is_some() { "the guest's own" } else { &setup.rules };
    format!(
        "{} voters{others}, {form} lease: D {}, T {}, s {}, so D - s = {}; rules: {rules}",
        setup.cluster.voters,
        lease.duration,
        lease.election_timeout,
        lease.max_clock_skew,
        lease.effective(),
    )
}

/// The durable disks, those that a crash does the same to together; `None` where there are only models.
pub fn disks(setup: &Setup) -> Option<String> {
    let mut groups: Vec<(Unsynced, Vec<usize>)> = Vec::new();
    let durable = setup.nodes.iter().enumerate().filter(|(_, node)| node.disk.kind == DiskKind::Durable);
    for (place, node) in durable {
        match groups.iter_mut().find(|(unsynced, _)| *unsynced == node.disk.unsynced) {
            Some((_, members)) => members.push(place),
            None => groups.push((node.disk.unsynced, vec![place])),
        }
    }
    let words = |(unsynced, members): &(Unsynced, Vec<usize>)| {
        let syncs = || members.iter().map(|place| setup.nodes[*place].disk_sync);
        let sync = match (syncs().min().unwrap_or_default(), syncs().max().unwrap_or_default()) {
            (least, most) if least == most => most.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        let fate = match unsynced {
            Unsynced::Torn => "keeps or loses each sector that was not synced, as is drawn",
            Unsynced::Lost => "loses every sector that was not synced",
            Unsynced::Kept => "keeps every sector, synced or not",
        };
        format!("{}: the durable database; a sync takes {sync}; a crash {fate}", nodes(setup, members))
    };
    let words: Vec<String> = groups.iter().map(words).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Every node's clocks, nodes with the same clocks together.
pub fn clocks(setup: &Setup) -> Vec<String> {
    let mut groups: Vec<(ClockSpec, Vec<usize>)> = Vec::new();
    for (place, node) in setup.nodes.iter().enumerate() {
        match groups.iter_mut().find(|(clock, _)| *clock == node.clock) {
            Some((_, members)) => members.push(place),
            None => groups.push((node.clock, vec![place])),
        }
    }
    groups.iter().map(|(spec, members)| format!("{}: {}", nodes(setup, members), clock(spec))).collect()
}

/// One machine's clocks: `true`, or how they are not.
pub fn clock(spec: &ClockSpec) -> String {
    let mut parts = Vec::new();
    if spec.offset_ns != 0 {
        parts.push(format!("offset {}", signed_span(i128::from(spec.offset_ns))));
    }
    if spec.rate_ppb != 0 {
        parts.push(format!("rate {}", rate(spec.rate_ppb)));
    }
    if spec.slew_ppb != 0 {
        parts.push(format!("boot and wall clocks slewed by {}", rate(spec.slew_ppb)));
    }
    if spec.wall_error.as_nanos() != 0 {
        parts.push(format!("wall error +-{}", spec.wall_error));
    }
    if !spec.synchronized {
        parts.push("wall clock unsynchronized".to_owned());
    }
    match spec.stamp {
        StampSource::Both => {}
        StampSource::Raw => parts.push("stamps from the raw clock alone".to_owned()),
        StampSource::Boot => parts.push("stamps from the boot clock alone".to_owned()),
        StampSource::Wall => parts.push("stamps from the wall clock".to_owned()),
    }
    if parts.is_empty() { "true".to_owned() } else { parts.join(", ") }
}

/// A length of time that may vary.
pub fn delay(delay: Delay) -> String {
    match delay {
        Delay::Fixed(span) => span.to_string(),
        Delay::Uniform { least, most } => format!("{least} to {most}"),
        Delay::LogNormal { median, most, .. } => format!("about {median}, at most {most}"),
    }
}

/// The network in a line.
pub fn network(setup: &Setup) -> String {
    let network = &setup.network;
    let mut text =
        format!("{} one way between nodes, {} to clients", delay(network.delay), delay(network.client_delay));
    for (ppm, what) in [(network.loss_ppm, "lost"), (network.duplicate_ppm, "duplicated")] {
        if ppm > 0 {
            text.push_str(&format!(", {} {what}", rate(i64::from(ppm) * 1_000).trim_start_matches('+')));
        }
    }
    if !network.links.is_empty() {
        text.push_str(&format!(", {} links differ", network.links.len()));
    }
    text
}

/// A client in a line.
pub fn client(setup: &Setup, client: &ClientSpec) -> String {
    let verbs = client.operations.iter().map(|operation| match operation {
        OperationKind::Read => "reads",
        OperationKind::Write => "writes",
        OperationKind::Cas => "compares and sets",
    });
    let verbs: Vec<&str> = verbs.collect();
    let target = match client.target {
        Target::Node(place) => node(setup, place),
        Target::Leader => "the leader",
        Target::Any => "any node",
    };
    let pace = match client.pace {
        Pace::Every(pace) => format!("every {}", delay(pace)),
        Pace::Think(pace) => format!("{} after each answer", delay(pace)),
    };
    let pace = match client.times {
        None => pace,
        Some(1) => "once".to_owned(),
        Some(times) => format!("{pace}, {times} times"),
    };
    format!("{} {} at {target}, {pace}", client.name, list(&verbs))
}

/// What sets a fault off.
pub fn trigger(setup: &Setup, fault: &FaultSpec) -> String {
    let after = match fault.after.as_nanos() {
        0 => String::new(),
        _ => format!("{} after ", fault.after),
    };
    match fault.trigger {
        Trigger::At(at) => format!("{after}{}{at}", if after.is_empty() { "at " } else { "" }),
        Trigger::Every { first, every } => {
            format!(
                "{after}{}{first} and every {every} from then on",
                if after.is_empty() { "at " } else { "" }
            )
        }
        Trigger::When { event: kind, node: place, from, nth } => {
            let who = place.map_or("a node", |place| node(setup, place));
            let which = if nth == 1 { String::new() } else { format!(", number {nth}") };
            let from = if from.as_nanos() == 0 { String::new() } else { format!(" (from {from} on{which})") };
            format!("{after}{}{}{from}", if after.is_empty() { "when " } else { "" }, event(kind, who))
        }
    }
}

fn event(kind: EventKind, who: &str) -> String {
    match kind {
        EventKind::Note(awaited) => {
            let known = AWAITED.iter().find(|(word, _)| *word == awaited);
            format!("{who} {}", known.expect("a scenario names what a fault may wait for").1)
        }
        EventKind::Served => format!("{who} serves a read under its lease"),
        EventKind::WriteAcknowledged => format!("{who} acknowledges a write"),
        EventKind::Restarted => format!("{who} is up again"),
    }
}

/// A fault in a line.
pub fn fault(setup: &Setup, fault: &FaultSpec) -> String {
    let lasts = fault.lasts.map_or(String::new(), |lasts| format!(", for {lasts}"));
    format!("{}: {}{lasts}", trigger(setup, fault), faults::action(setup, &fault.action, false))
}
