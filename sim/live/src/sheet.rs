//! The page of a live run: what is known of real processes, and what the simulator shows of the same scenario.

use crate::phases::{Phase, Was};
use crate::report::{
    LiveSubject, faults, last_reads, live_exit_code, live_text, margins, requests, setup_of, stale_read,
};
use crate::{Kind, Latency};
use leasehold::time::Span;
use leasehold_run::display::count;
use leasehold_run::picture::{Card, Ns};
use leasehold_run::report::{Style, finding, margin};
use leasehold_run::sheet::{Block, Fact, Interval, Kind as Legend, Part, Sheet, Table, Timeline, Tone};
use leasehold_run::study::RowResult;
use leasehold_run::watch::Stretch;

/// The page. `command` runs it again.
pub fn live_sheet(live: &LiveSubject<'_>, command: &str) -> Sheet {
    let LiveSubject { subject, found, .. } = *live;
    let row = &subject.study.rows[0];
    let (tone, word) = match (found.interrupted, live_exit_code(live)) {
        (true, _) => (Tone::Doubtful, "Interrupted."),
        (_, 0) => (Tone::Good, "As expected."),
        (_, 3) => (Tone::Doubtful, "Undecided."),
        _ => (Tone::Bad, "Not as expected."),
    };
    let stale = match row.stale {
        0 => "no read was stale".to_owned(),
        1 => "1 read was stale".to_owned(),
        stale => format!("{} reads were stale", count(stale as u64)),
    };
    let mut facts = vec![
        Fact::new("faults", faults(found)),
        Fact::new("writes", last_reads(found.last_reads)),
        Fact::new("margins", margins(&row.changes)),
    ];
    facts.extend(
        live.simulated.map(|simulated| Fact::new("simulated margins", margins(&simulated.row.changes))),
    );
    facts.extend(requests(found).into_iter().map(|text| Fact::new("requests", text)));
    let mut parts = vec![
        Part::new(
            "What is known of the processes",
            vec![Block::Timeline(timeline(live)), Block::Facts { facts }],
        ),
        Part::new("Beside the simulator", vec![Block::Table(rows(live)), Block::Table(latencies(live))]),
    ];
    if let Some(stale) = found.outcome.check.stale_reads.first() {
        let lines = stale_read(&row.setup, &found.outcome, stale, Style::PLAIN);
        let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        parts.push(Part::new("The first stale read", vec![Block::Text { text, tone: Tone::Bad }]));
    }
    let report = live_text(live, Style::PLAIN);
    parts.push(Part::new("The report", vec![Block::Code { name: "report".to_owned(), text: report }]));
    parts.push(Part::new(
        "Run it again",
        vec![Block::command("Real processes never run twice the same:", command)],
    ));
    Sheet {
        asked: format!("live: {}. {}", subject.file, subject.plan.title),
        tone,
        word: word.to_owned(),
        sentence: format!(
            "{} real processes answered {} reads; {stale}.",
            setup_of(live).nodes.len(),
            count(row.reads as u64)
        ),
        cards: cards(live),
        parts,
        foot: format!(
            "sim {}, {} messages, {} operations",
            env!("CARGO_PKG_VERSION"),
            count(row.messages),
            count(row.operations as u64)
        ),
    }
}

fn cards(live: &LiveSubject<'_>) -> Vec<Card> {
    let row = &live.subject.study.rows[0];
    let card = |question: &str, answer: String, evidence: String| Card {
        question: question.to_owned(),
        answer,
        evidence: vec![evidence],
    };
    let least = match row.margin {
        None => "no margin: no leader followed one with a lease".to_owned(),
        margin => self::margin(margin),
    };
    let lost = live.found.last_reads.lost;
    let local = format!("{} of {} reads", count(row.reads_under_lease as u64), count(row.reads as u64));
    vec![
        card(
            "How near was a stale read?",
            least,
            "The least margin of all changes of leadership.".to_owned(),
        ),
        card(
            "Is an acknowledged write lost?",
            if lost == 0 { "no".to_owned() } else { format!("of {lost} keys") },
            "Every key is read at the end.".to_owned(),
        ),
        card(
            "How many reads needed no round trip?",
            local,
            "Their leader answered under its lease.".to_owned(),
        ),
    ]
}

/// Two lanes a node: what it was, and its leases. Below them, when clients waited longest.
fn timeline(live: &LiveSubject<'_>) -> Timeline {
    const LEAD: u32 = 0;
    const LEASE: u32 = 1;
    const DOWN: u32 = 2;
    const STILL: u32 = 3;
    const SILENT: u32 = 4;
    let setup = setup_of(live);
    let end =
        setup.duration.as_nanos().max(live.found.phases.iter().map(|phase| phase.to).max().unwrap_or(0));
    let mut lanes: Vec<String> =
        setup.nodes.iter().flat_map(|node| [node.name.clone(), format!("{} lease", node.name)]).collect();
    let lane = |node: usize, lease: bool| u32::try_from(2 * node + usize::from(lease)).unwrap_or(u32::MAX);
    let bar = |phase: &Phase| {
        let name = &setup.nodes[phase.node].name;
        let (kind, label, what) = match phase.was {
            Was::Leader(term) => (LEAD, format!("leader, term {term}"), format!("{name} led term {term}")),
            Was::Lease(term) => (LEASE, format!("term {term}"), format!("{name} had a lease of term {term}")),
            Was::Down => (DOWN, "down".to_owned(), format!("{name} was killed, and is back at the end")),
            Was::Still => (STILL, "still".to_owned(), format!("{name} was stopped by SIGSTOP")),
        };
        let lane = lane(phase.node, matches!(phase.was, Was::Lease(_)));
        Interval { lane, from: Ns::of(phase.from), to: Some(Ns::of(phase.to)), kind, label, what }
    };
    let mut bars: Vec<Interval> = live.found.phases.iter().map(bar).collect();
    let service = &live.subject.study.rows[0].service;
    for (what, gap) in [("reads", service.reads.gap), ("writes", service.writes.gap)] {
        let Some(Stretch { from, length }) = gap else { continue };
        bars.push(Interval {
            lane: u32::try_from(lanes.len()).unwrap_or(u32::MAX),
            from: Ns::of(from),
            to: Some(Ns::of(from + length)),
            kind: SILENT,
            label: Span::nanos(length).to_string(),
            what: format!("the longest time in which no {what} were answered"),
        });
        lanes.push(format!("{what} waited"));
    }
    let kind = |style: &str, words: &str| Legend { style: style.to_owned(), words: words.to_owned() };
    Timeline {
        name: "What is known of the real processes, two lanes a node.".to_owned(),
        axis: "time".to_owned(),
        lanes,
        bars,
        legend: vec![
            kind("lead", "leads, and can acknowledge writes"),
            kind("lease", "believes in a lease"),
            kind("down", "down: killed"),
            kind("fault", "stands still: stopped"),
            kind("pending", "the longest time without an answer"),
        ],
        end: Ns::of(end),
    }
}

fn rows(live: &LiveSubject<'_>) -> Table {
    let cells = |name: &str, row: &RowResult| {
        let by = if row.stale == 0 { "-".to_owned() } else { Span::nanos(row.stale_by_most).to_string() };
        vec![
            name.to_owned(),
            count(row.reads as u64),
            count(row.reads_under_lease as u64),
            count(row.stale as u64),
            by,
            margin(row.margin),
            finding(row),
        ]
    };
    let mut rows = vec![cells("live", &live.subject.study.rows[0])];
    rows.extend(live.simulated.map(|simulated| cells("simulated", &simulated.row)));
    let columns = ["", "reads", "under lease", "stale", "stale by up to", "least margin", "history"];
    Table {
        name: "the real run beside the simulated one".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    }
}

fn latencies(live: &LiveSubject<'_>) -> Table {
    let one = |name: &str, latency: &Latency| {
        let of = |ns: u64| Span::micros(ns / 1_000).to_string();
        let Latency { count: answered, p50, p99, p999, most, .. } = *latency;
        let kind: Kind = latency.kind;
        vec![
            format!("{name}: {}", kind.words()),
            count(answered as u64),
            of(p50),
            of(p99),
            of(p999),
            of(most),
        ]
    };
    let mut rows: Vec<Vec<String>> = live.latencies.iter().map(|latency| one("live", latency)).collect();
    let simulated = live.simulated.iter().flat_map(|simulated| &simulated.latencies);
    rows.extend(simulated.map(|latency| one("simulated", latency)));
    let columns = ["latency", "answered", "p50", "p99", "p99.9", "longest"].map(str::to_owned).to_vec();
    Table { name: "latencies".to_owned(), columns, rows }
}
