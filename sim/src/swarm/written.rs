//! A setup as a scenario file: what `sim run` reads back is the very same setup.

use leasehold::lease::LeaseForm;
use leasehold::raft::LogBounds;
use leasehold::time::Span;

use super::row::form_word;
use crate::display::{rate, signed_span};
use crate::setup::{
    Action, ClientSpec, Delay, FaultSpec, OperationKind, Pace, Setup, StampSource, Target, Trigger,
};

/// The scenario file. `story` stands at its head as a comment.
pub fn scenario_text(setup: &Setup, title: &str, story: &str, expect: &str) -> String {
    let mut out: Vec<String> = story.lines().map(|line| format!("# {line}")).collect();
    out.push(format!("title = \"{title}\""));
    out.push(format!("seed = \"{}\"", setup.seed));
    out.push(format!("duration = {}", span(setup.duration)));
    head(setup, &mut out);
    nodes(setup, &mut out);
    network(setup, &mut out);
    setup.clients.iter().for_each(|spec| client(setup, spec, &mut out));
    setup.faults.iter().for_each(|spec| fault(setup, spec, &mut out));
    out.push(format!("\n[expect]\nstale-reads = \"{expect}\"\n"));
    out.join("\n")
}

fn span(span: Span) -> String {
    format!("\"{span}\"")
}

fn offset(nanos: i64) -> String {
    format!("\"{}\"", signed_span(i128::from(nanos)))
}

fn share(ppm: u32) -> String {
    format!("\"{ppm}ppm\"")
}

fn delay(delay: Delay) -> String {
    match delay {
        Delay::Fixed(fixed) => span(fixed),
        Delay::Uniform { least, most } => format!("{{ uniform = [{}, {}] }}", span(least), span(most)),
        Delay::LogNormal { median, sigma_ppm, most } => format!(
            "{{ lognormal = {{ median = {}, sigma = {}.{:06}, most = {} }} }}",
            span(median),
            sigma_ppm / 1_000_000,
            sigma_ppm % 1_000_000,
            span(most)
        ),
    }
}

fn name(setup: &Setup, node: usize) -> String {
    format!("\"{}\"", setup.nodes[node].name)
}

fn names(setup: &Setup, nodes: &[usize]) -> String {
    let names: Vec<String> = nodes.iter().map(|node| name(setup, *node)).collect();
    format!("[{}]", names.join(", "))
}

fn head(setup: &Setup, out: &mut Vec<String>) {
    let (cluster, lease, timers) = (&setup.cluster, &setup.lease, &setup.timers);
    out.push(format!("\n[cluster]\nnodes = {}", cluster.voters));
    out.push(format!("learners = {}", setup.nodes.len() - cluster.voters));
    if let Some(first) = cluster.first_leader {
        out.push(format!("first-leader = {}", name(setup, first)));
    }
    out.push(format!("\n[lease]\nform = \"{}\"", form_word(lease.form)));
    out.push(format!("duration = {}", span(lease.duration)));
    out.push(format!("election-timeout = {}", span(lease.election_timeout)));
    out.push(format!("max-clock-skew = {}", span(lease.max_clock_skew)));
    out.push(format!("rules = \"{}\"", setup.rules));
    out.push(format!("\n[timers]\nheartbeat = {}", span(timers.heartbeat)));
    out.push(format!("election-jitter = {}", span(timers.election_jitter)));
    out.push(format!("startup-grace = {}", span(timers.startup_grace)));
    if let Some(deadline) = timers.request_deadline {
        out.push(format!("request-deadline = {}", span(deadline)));
    }
    let LogBounds { entries_max, bytes_max, chunk_bytes_max } = setup.log;
    if setup.log != LogBounds::default() {
        out.push(format!("\n[log]\nentries-max = {entries_max}"));
        out.push(format!("bytes-max = {bytes_max}"));
        out.push(format!("chunk-bytes-max = {chunk_bytes_max}"));
    }
}

fn nodes(setup: &Setup, out: &mut Vec<String>) {
    for node in &setup.nodes {
        let lengths = [
            ("lease-duration", node.lease.duration, setup.lease.duration),
            ("election-timeout", node.lease.election_timeout, setup.lease.election_timeout),
            ("max-clock-skew", node.lease.max_clock_skew, setup.lease.max_clock_skew),
            ("election-jitter", node.election_jitter, setup.timers.election_jitter),
            ("election-jitter-least", node.election_jitter_least, Span::ZERO),
            ("disk-sync", node.disk_sync, Span::ZERO),
            ("answer-time", node.answer_time, Span::ZERO),
        ];
        let own: Vec<String> = lengths
            .iter()
            .filter(|(_, own, usual)| own != usual)
            .map(|(key, own, _)| format!("{key} = {}", span(*own)))
            .collect();
        if !own.is_empty() {
            out.push(format!("\n[node.{}]", node.name));
            out.extend(own);
        }
        let clock = &node.clock;
        let stamp = match clock.stamp {
            StampSource::Both => "both",
            StampSource::Raw => "raw",
            StampSource::Boot => "boot",
        };
        out.push(format!("\n[clock.{}]\noffset = {}", node.name, offset(clock.offset_ns)));
        out.push(format!("rate = \"{}\"", rate(clock.rate_ppb)));
        if clock.wall_error != Span::ZERO || setup.lease.form == LeaseForm::Deadline {
            out.push(format!("wall-error = {}", span(clock.wall_error)));
        }
        out.push(format!("synchronized = {}\nstamp = \"{stamp}\"", clock.synchronized));
    }
}

fn network(setup: &Setup, out: &mut Vec<String>) {
    let network = &setup.network;
    out.push(format!("\n[network]\ndelay = {}", delay(network.delay)));
    out.push(format!("client-delay = {}", delay(network.client_delay)));
    out.push(format!("loss = {}\nduplicate = {}", share(network.loss_ppm), share(network.duplicate_ppm)));
    for link in &network.links {
        out.push(format!("\n[[network.link]]\nfrom = {}", name(setup, link.from)));
        out.push(format!("to = {}", name(setup, link.to)));
        out.extend(link.delay.map(|own| format!("delay = {}", delay(own))));
        out.extend(link.loss_ppm.map(|own| format!("loss = {}", share(own))));
        out.extend(link.duplicate_ppm.map(|own| format!("duplicate = {}", share(own))));
    }
}

fn client(setup: &Setup, client: &ClientSpec, out: &mut Vec<String>) {
    let target = match client.target {
        Target::Node(node) => name(setup, node),
        Target::Leader => "\"leader\"".to_owned(),
        Target::Any => "\"any\"".to_owned(),
    };
    let operations = client.operations.iter().map(|operation| match operation {
        OperationKind::Read => "\"read\"",
        OperationKind::Write => "\"write\"",
        OperationKind::Cas => "\"cas\"",
    });
    out.push(format!("\n[client.{}]\ntarget = {target}", client.name));
    out.push(format!("operations = [{}]", operations.collect::<Vec<_>>().join(", ")));
    out.push(match client.pace {
        Pace::Every(pace) => format!("every = {}", delay(pace)),
        Pace::Think(pace) => format!("think = {}", delay(pace)),
    });
    out.push(format!("first-key = {}\nkeys = {}", client.first_key, client.keys));
    out.push(format!("start = {}", span(client.start)));
    out.extend(client.stop.map(|stop| format!("stop = {}", span(stop))));
    out.push(format!("timeout = {}", span(client.timeout)));
    out.extend(client.link.map(|own| format!("delay = {}", delay(own))));
}

fn fault(setup: &Setup, fault: &FaultSpec, out: &mut Vec<String>) {
    out.push("\n[[fault]]".to_owned());
    out.push(match fault.trigger {
        Trigger::At(at) => format!("at = {}", span(at)),
        Trigger::When { event, node, from, nth } => {
            let node = node.map_or(String::new(), |node| format!(", node = {}", name(setup, node)));
            format!("when = {{ event = \"{}\"{node}, from = {}, nth = {nth} }}", event.word(), span(from))
        }
    });
    if fault.after != Span::ZERO {
        out.push(format!("after = {}", span(fault.after)));
    }
    out.extend(fault.lasts.map(|lasts| format!("for = {}", span(lasts))));
    out.push(action(setup, &fault.action));
}

fn action(setup: &Setup, action: &Action) -> String {
    let kind = super::faults::kind(action);
    let body = match action {
        Action::Partition { between } => {
            let groups: Vec<String> = between.iter().map(|group| names(setup, group)).collect();
            format!("between = [{}]", groups.join(", "))
        }
        Action::Cut { from, to } => format!("from = {}, to = {}", names(setup, from), names(setup, to)),
        Action::Heal => return "heal = {}".to_owned(),
        Action::Hold { from, to, message, count } => {
            let message = message.as_ref().map_or(String::new(), |kind| format!(", message = \"{kind}\""));
            format!("from = {}, to = {}{message}, count = {count}", name(setup, *from), name(setup, *to))
        }
        Action::Release { from, to } => format!("from = {}, to = {}", name(setup, *from), name(setup, *to)),
        Action::Isolate { node }
        | Action::Pause { node }
        | Action::Suspend { node }
        | Action::HypervisorPause { node }
        | Action::Crash { node }
        | Action::Restart { node }
        | Action::Unsynchronize { node } => format!("node = {}", name(setup, *node)),
        Action::Step { node, by_ns } => format!("node = {}, by = {}", name(setup, *node), offset(*by_ns)),
        Action::Rate { node, ppb } => format!("node = {}, to = \"{}\"", name(setup, *node), rate(*ppb)),
        Action::Transfer { to } => format!("to = {}", name(setup, *to)),
    };
    format!("{kind} = {{ {body} }}")
}
