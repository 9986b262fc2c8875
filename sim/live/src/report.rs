//! The report of a live run: that of `sim run`, beside what the simulator shows of the same scenario, with what only real
//! processes have: latencies, faults that happened, the reads at the end.

use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::{Found, LastReads, Latency, Requests};
use leasehold::time::Span;
use leasehold_check::{Evidence, StaleRead};
use leasehold_run::describe;
use leasehold_run::display::{count, instant, shell_word, signed_span};
use leasehold_run::report::{
    Style, Subject, colour, finding, findings, headline, json_report, margin, remarks, setting, verdict,
};
use leasehold_run::run::Outcome;
use leasehold_run::setup::Setup;
use leasehold_run::study::RowResult;
use leasehold_run::watch::LeadershipChange;

/// What a live report is about.
#[derive(Debug, Clone, Copy)]
pub struct LiveSubject<'a> {
    /// The scenario, and the live row as a study.
    pub subject: Subject<'a>,
    /// What the live run found.
    pub found: &'a Found,
    /// Its latencies.
    pub latencies: &'a [Latency],
    /// The same scenario in the simulator.
    pub simulated: Option<&'a Simulated>,
}

/// What the simulator shows of the same scenario.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// As of `sim run`.
    pub row: RowResult,
    /// In true time.
    pub latencies: Vec<Latency>,
}

/// The exit code: that of the study, unless the reads at the end leave something open.
pub fn live_exit_code(live: &LiveSubject<'_>) -> u8 {
    match live.subject.study.exit_code() {
        0 if live.found.last_reads.answered < live.found.last_reads.keys => 3,
        code => code,
    }
}

/// What was run.
pub(crate) fn setup_of<'a>(live: &LiveSubject<'a>) -> &'a Setup {
    &live.subject.study.rows[0].setup
}

/// The report for people.
pub fn live_text(live: &LiveSubject<'_>, style: Style) -> String {
    let LiveSubject { subject, found, .. } = *live;
    let row = &subject.study.rows[0];
    let mut lines = vec![style.strong(&subject.plan.title)];
    lines.extend(setting(&subject, &subject.plan.rows[0].scenario.setup, style));
    lines.push(String::new());
    lines.push(colour(&rows(live), style));
    lines.push(String::new());
    lines.extend(findings(&subject, style));
    let mut fact = |name: &str, text: &str| lines.extend(style.wrapped(&format!("  {name:<9} "), text));
    fact("faults", &faults(found));
    for (place, text) in requests(found).iter().enumerate() {
        fact(if place == 0 { "requests" } else { "" }, text);
    }
    if found.snapshots > 0 {
        fact(
            "snapshots",
            &format!("{} taken by nodes that had fallen behind the log", count(found.snapshots)),
        );
    }
    fact("writes", &last_reads(found.last_reads));
    fact("margins", &margins(&row.changes));
    if let Some(simulated) = live.simulated {
        fact("", &format!("simulated: {}", margins(&simulated.row.changes)));
    }
    lines.push(String::new());
    lines.push(latency_table(live));
    if let Some(stale) = found.outcome.check.stale_reads.first() {
        lines.push(String::new());
        lines.extend(stale_read(&row.setup, &found.outcome, stale, style));
    }
    lines.extend(remarks(subject.study, style));
    lines.push(String::new());
    lines.push(style.faint(&format!(
        "sim {}  live: {} processes, {} messages between them, {} operations",
        env!("CARGO_PKG_VERSION"),
        row.setup.nodes.len(),
        count(row.messages),
        count(row.operations as u64)
    )));
    lines.push(String::new());
    if found.interrupted {
        let so_far = format!("interrupted: of what is left of {} nothing is said", row.setup.duration);
        lines.push(style.doubtful(&so_far));
    } else {
        lines.extend(verdict(&subject, style));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What comes last on the screen when things are not as they should be.
pub fn live_failure(live: &LiveSubject<'_>, style: Style) -> Option<String> {
    let LastReads { keys, answered, .. } = live.found.last_reads;
    let headline = match headline(&live.subject, style) {
        Some((headline, _)) => headline,
        None if answered < keys => style.doubtful(&format!(
            "UNDECIDED: {} of {keys} keys could not be read after all faults were over",
            keys - answered
        )),
        None => return None,
    };
    Some(format!("{headline}\n  run it again with:  {}\n", command(&live.subject)))
}

/// The report for machines: that of `sim run`, with a `live` object.
pub fn live_json(live: &LiveSubject<'_>) -> Value {
    let found = live.found;
    let mut report = json_report(&live.subject);
    report["trace"] = Value::Null;
    report["exit_code"] = live_exit_code(live).into();
    report["rows"][0]["trace"] = Value::Null;
    report["rows"][0]["replay"] = command(&live.subject).into();
    let faults: serde_json::Map<String, Value> =
        found.faults.iter().map(|(word, count)| ((*word).to_owned(), (*count).into())).collect();
    let LastReads { keys, answered, lost } = found.last_reads;
    report["live"] = json!({
        "faults": faults,
        "requests": found.requests.iter().map(|of| request_json(of, found)).collect::<Vec<_>>(),
        "members": found.members.as_ref().map(|members| json!({
            "voters": members.voters,
            "learners": members.learners,
        })),
        "snapshots": found.snapshots,
        "keys": keys,
        "keys_read_at_the_end": answered,
        "lost_acknowledged_writes": lost,
        "latencies": latency_json(live.latencies),
        "margins_ns": measured(&live.subject.study.rows[0].changes),
        "simulated": live.simulated.map(|simulated| json!({
            "reads": simulated.row.reads,
            "reads_under_lease": simulated.row.reads_under_lease,
            "stale_reads": simulated.row.stale,
            "as_expected": simulated.row.as_expected(),
            "margins_ns": measured(&simulated.row.changes),
            "latencies": latency_json(&simulated.latencies),
            "trace": format!("{:016x}", simulated.row.trace_hash),
        })),
    });
    report
}

fn command(subject: &Subject<'_>) -> String {
    format!("cargo sim live {}{}", shell_word(subject.file), subject.arguments)
}

fn rows(live: &LiveSubject<'_>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["", "reads", "under lease", "stale", "stale by up to", "least margin", "history"]);
    let live_row = ("live", &live.subject.study.rows[0]);
    for (name, row) in [live_row].into_iter().chain(live.simulated.map(|found| ("simulated", &found.row))) {
        table.add_row([
            name.to_owned(),
            count(row.reads as u64),
            count(row.reads_under_lease as u64),
            count(row.stale as u64),
            if row.stale == 0 { "-".to_owned() } else { Span::nanos(row.stale_by_most).to_string() },
            margin(row.margin),
            finding(row),
        ]);
    }
    laid_out(table, 1..6)
}

fn latency_table(live: &LiveSubject<'_>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["latency", "answered", "p50", "p99", "p99.9", "longest"]);
    let mut add = |name: &str, latencies: &[Latency]| {
        for latency in latencies {
            let of = |ns| Span::micros(ns / 1_000).to_string();
            table.add_row([
                format!("{name}: {}", latency.kind.words()),
                count(latency.count as u64),
                of(latency.p50),
                of(latency.p99),
                of(latency.p999),
                of(latency.most),
            ]);
        }
    };
    add("live", live.latencies);
    if let Some(simulated) = live.simulated {
        add("simulated", &simulated.latencies);
    }
    laid_out(table, 1..6)
}

/// Numbers to the right, words to the left.
fn laid_out(mut table: Table, numbers: std::ops::Range<usize>) -> String {
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if place == 0 { 2 } else { 1 }, 1));
        if numbers.contains(&place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

pub(crate) fn faults(found: &Found) -> String {
    if found.faults.is_empty() {
        return "none happened".to_owned();
    }
    let each: Vec<String> =
        found.faults.iter().map(|(word, times)| format!("{word} x {}", count(*times))).collect();
    each.join(", ")
}

/// What became of what faults asked of leaders, a kind a text.
pub(crate) fn requests(found: &Found) -> Vec<String> {
    let mut texts: Vec<String> = found.requests.iter().map(|of| request(of, found)).collect();
    texts.extend(found.members.as_ref().map(|members| {
        let learners = match members.learners.len() {
            0 => String::new(),
            _ => format!("; {} learn", members.learners.join(", ")),
        };
        format!("after the last change of members {} vote{learners}", members.voters.join(", "))
    }));
    texts
}

fn request(of: &Requests, found: &Found) -> String {
    let mut parts = vec![format!("{} done", count(of.done))];
    for (code, (times, text)) in &of.errors {
        // Of the last one, the first clause: it says what was wrong.
        let why = text.split(';').next().unwrap_or_default();
        let what = if *code == 0 { "of unknown outcome" } else { "refused" };
        parts.push(format!("{} {what} (error {code}: {why})", count(*times)));
    }
    if of.unanswered() > 0 {
        parts.push(format!("{} unanswered (the node died first, or the run ended)", count(of.unanswered())));
    }
    let nobody = reached_nobody(of, found);
    if nobody > 0 {
        parts.push(format!("{} reached nobody (nobody led, or who did was down)", count(nobody)));
    }
    format!("{}: {}", of.word, parts.join(", "))
}

/// So many faults of this kind found nobody to ask.
fn reached_nobody(of: &Requests, found: &Found) -> u64 {
    let happened = found.faults.iter().find(|(word, _)| *word == of.word).map_or(0, |(_, times)| *times);
    happened.saturating_sub(of.asked)
}

fn request_json(of: &Requests, found: &Found) -> Value {
    let errors: serde_json::Map<String, Value> = of
        .errors
        .iter()
        .map(|(code, (times, text))| (code.to_string(), json!({ "times": times, "last_text": text })))
        .collect();
    json!({
        "kind": of.word,
        "asked": of.asked,
        "done": of.done,
        "errors": errors,
        "unanswered": of.unanswered(),
        "reached_nobody": reached_nobody(of, found),
    })
}

pub(crate) fn last_reads(last: LastReads) -> String {
    let LastReads { keys, answered, lost } = last;
    let lost = if lost == 0 {
        "no acknowledged write is lost".to_owned()
    } else {
        format!("ACKNOWLEDGED WRITES ARE LOST: of {lost} keys")
    };
    let mut text = format!(
        "{lost}: {} of {} keys were read at the end, after all faults were over and a majority had acknowledged one more \
         write",
        count(answered as u64),
        count(keys as u64)
    );
    if answered < keys {
        text.push_str("; of the others nothing is said");
    }
    text
}

/// All margins, from the least on; one whose lease never ends is the least of all.
fn measured(changes: &[LeadershipChange]) -> Vec<i64> {
    let mut margins: Vec<i64> = changes.iter().filter_map(LeadershipChange::margin).collect();
    margins.sort_unstable();
    margins
}

pub(crate) fn margins(changes: &[LeadershipChange]) -> String {
    let all = measured(changes);
    let (Some(least), Some(most)) = (all.first(), all.last()) else {
        return "no change of leadership ended a lease".to_owned();
    };
    let shown = |ns: i64| signed_span(i128::from(ns));
    let median = all[(all.len() - 1) / 2];
    format!(
        "of {} changes: least {}, median {}, most {}",
        all.len(),
        shown(*least),
        shown(median),
        shown(most.to_owned())
    )
}

fn latency_json(latencies: &[Latency]) -> Vec<Value> {
    let one = |found: &Latency| {
        json!({
            "kind": found.kind.words(),
            "answered": found.count,
            "p50_ns": found.p50,
            "p99_ns": found.p99,
            "p999_ns": found.p999,
            "longest_ns": found.most,
        })
    };
    latencies.iter().map(one).collect()
}

pub(crate) fn stale_read(setup: &Setup, outcome: &Outcome, stale: &StaleRead, style: Style) -> Vec<String> {
    let read = &outcome.history[outcome.history_index(stale.read)];
    let missed = &outcome.history[outcome.history_index(stale.missed)];
    let known = match stale.evidence {
        Evidence::Acknowledged => "a newer value was acknowledged by",
        Evidence::Observed => "a newer value was already returned by",
    };
    let mut lines = vec![
        format!(
            "{}  key={}  {} read at {} from {} to {}: {},",
            style.bad("STALE READ"),
            stale.key.0,
            setup.clients[read.client].name,
            describe::node(setup, read.node),
            instant(read.invoked),
            read.completed.map_or("?".to_owned(), |(at, _)| instant(at)),
            read.completed.map_or("?".to_owned(), |(_, reply)| format!("{reply:?}")),
        ),
        format!(
            "  but {known} {} at {} ({} before the read was invoked): {:?}",
            describe::node(setup, missed.node),
            instant(stale.known_at),
            Span::nanos(stale.stale_by_ns),
            missed.request
        ),
    ];
    let near = outcome.changes.iter().rfind(|change| change.ready_at <= stale.known_at);
    if let Some(change) = near {
        let name = |node| describe::node(setup, node);
        let old = change.old.map_or("nobody had a lease before".to_owned(), |(old, term)| {
            format!("{} had the lease of term {term}", name(old))
        });
        let margin = change.margin().map_or("none".to_owned(), |margin| signed_span(i128::from(margin)));
        let text = format!(
            "{old}; {} could acknowledge writes of term {} from {} on; margin: {margin}",
            name(change.new),
            change.new_term,
            instant(change.ready_at)
        );
        lines.extend(style.wrapped("  last change of leadership: ", &text));
    }
    lines
}
