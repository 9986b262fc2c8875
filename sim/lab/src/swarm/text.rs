//! The summary, for people and for machines.

use serde_json::{Value, json};

use super::figures::rate_of;
use super::row::Kind;
use super::summary::{Cause, Group, SAFETIES, Summary};
use super::{End, Subject};
use leasehold_run::display::{count, list, signed_span};
use leasehold_run::study::Safety;

/// What a summary is about.
#[derive(Debug, Clone)]
pub struct Heading {
    /// What was explored.
    pub subject: Subject,
    /// Which seeds were asked for.
    pub seeds: std::ops::Range<u64>,
    /// Why it ended.
    pub end: End,
}

/// What `sim shrink` can make small.
pub(super) const SHRINKABLE: [Kind; 7] = [
    Kind::StaleRead,
    Kind::NotLinearizable,
    Kind::NegativeMargin,
    Kind::TwoLeases,
    Kind::BrokenInvariant,
    Kind::NoLeaderAgain,
    Kind::WritesStandStill,
];

/// The thousandths at which margins are shown, and what they are called.
const MARGINS: [(u64, &str); 5] =
    [(0, "least"), (10, "1 %"), (100, "10 %"), (500, "median"), (1_000, "most")];

/// For people.
pub fn summary_text(heading: &Heading, summary: &Summary) -> String {
    let mut text = format!(
        "explore: seeds {}..{}, {}\n\n",
        heading.seeds.start,
        heading.seeds.end,
        heading.subject.words()
    );
    for (name, what) in facts(heading, summary) {
        text.push_str(&format!("  {name:<12} {what}\n"));
    }
    for (number, (cause, group)) in (1..).zip(by_count(summary)) {
        text.push_str(&format!("\n  {number}. {}\n", cause_text(cause)));
        text.push_str(&format!("     {}\n", group_text(group)));
        text.push_str(&format!("     replay with:  {}\n", heading.subject.replay(group.simplest)));
        if cause.found.iter().any(|kind| SHRINKABLE.contains(kind)) {
            text.push_str(&format!("     shrink with:  {}\n", heading.subject.shrink(group.simplest)));
        }
    }
    match heading.end {
        End::Done => {}
        End::FailuresMax => text.push_str("\n  stopped: enough failures\n"),
        End::Interrupted => text.push_str("\n  interrupted: these are the seeds that were done\n"),
    }
    text.push_str(&format!("\nsim {}  digest {:032x}\n", env!("CARGO_PKG_VERSION"), summary.digest));
    text
}

/// What was looked at, and what it came to: names and texts.
pub(super) fn facts(heading: &Heading, summary: &Summary) -> Vec<(&'static str, String)> {
    let seeds = summary.seeds;
    let mut lines = Vec::new();
    let mut line = |name: &'static str, what: String| lines.push((name, what));
    line("seeds", count(seeds));
    line(
        "takeover",
        format!("{}: a leader followed one that had had a lease", rate_of(summary.with_takeover, seeds)),
    );
    line(
        "lease reads",
        format!(
            "{}; in both respects {}",
            rate_of(summary.with_lease_reads, seeds),
            count(summary.with_both)
        ),
    );
    line(
        "in all",
        format!(
            "{} takeovers, {} operations, {} reads, {} of them under a lease, {} events",
            count(summary.takeovers),
            count(summary.operations),
            count(summary.reads),
            count(summary.reads_under_lease),
            count(summary.events)
        ),
    );
    if let Some(margins) = summary.margins(&MARGINS.map(|(part, _)| part)) {
        let shown =
            MARGINS.iter().zip(&margins).map(|((_, name), margin)| format!("{name} {}", signed(*margin)));
        line("margins", format!("{} (each seed's smallest)", shown.collect::<Vec<_>>().join(", ")));
    }
    let by_safety = SAFETIES.iter().zip(summary.safety).filter(|(_, seeds)| *seeds > 0);
    let by_safety: Vec<String> =
        by_safety.map(|(safety, seeds)| format!("{} {}", safety.words(), count(seeds))).collect();
    line("safety", format!("{} of {} seeds", by_safety.join(", "), count(seeds)));
    line("stale reads", format!("{} seeds", rate_of(summary.stale, seeds)));
    line("findings", format!("{} seeds", rate_of(summary.failures, seeds)));
    if let Some(first) = summary.first_failure {
        let number = |seed: u64| format!("seed {seed}, the {}", ordinal(seed - heading.seeds.start + 1));
        let stale = summary.first_stale.map_or("none".to_owned(), number);
        line("first", format!("finding: {}; stale read: {stale}", number(first)));
    }
    lines
}

/// The most frequent cause first.
pub(super) fn by_count(summary: &Summary) -> Vec<(&Cause, &Group)> {
    let mut groups: Vec<(&Cause, &Group)> = summary.groups.iter().collect();
    groups.sort_by_key(|(_, group)| (std::cmp::Reverse(group.count), group.first));
    groups
}

pub(super) fn cause_text(cause: &Cause) -> String {
    let kinds: Vec<&str> = cause.found.iter().map(|kind| kind.word()).collect();
    let form = if cause.deadline { "deadline" } else { "elapsed" };
    let detail: Vec<&str> = cause.detail.iter().map(String::as_str).collect();
    let detail = if detail.is_empty() { String::new() } else { format!(" ({})", detail.join("; ")) };
    format!("{}{detail}, {form} form", list(&kinds))
}

pub(super) fn group_text(group: &Group) -> String {
    let always: Vec<&str> = group.always.iter().map(String::as_str).collect();
    let always = if always.is_empty() { String::new() } else { format!("; always with {}", list(&always)) };
    let margin =
        group.margin_ns.map_or(String::new(), |margin| format!("; smallest margin {}", signed(margin)));
    format!("{} seeds, first {}{margin}{always}", count(group.count), group.first)
}

fn signed(nanos: i64) -> String {
    if nanos == i64::MIN { "a lease without end".to_owned() } else { signed_span(i128::from(nanos)) }
}

fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{ending}", count(number))
}

/// For machines: `"schema": 1`. The same for the same rows, however they came about.
pub fn summary_json(heading: &Heading, summary: &Summary) -> Value {
    let groups: Vec<Value> = by_count(summary)
        .into_iter()
        .map(|(cause, group)| {
            json!({
                "found": cause.found.iter().map(|kind| kind.word()).collect::<Vec<_>>(),
                "detail": cause.detail,
                "form": if cause.deadline { "deadline" } else { "elapsed" },
                "seeds": group.count,
                "first_seed": group.first,
                "simplest_seed": group.simplest,
                "margin_ns_min": group.margin_ns,
                "faults_always": group.always,
                "faults_ever": group.ever,
                "replay": heading.subject.replay(group.simplest),
                "shrink": heading.subject.shrink(group.simplest),
            })
        })
        .collect();
    let margins = summary.margins(&MARGINS.map(|(part, _)| part));
    let margins: Option<serde_json::Map<String, Value>> = margins.map(|margins| {
        let named = MARGINS.iter().zip(margins);
        named.map(|((part, _), margin)| (format!("permille_{part}"), Value::from(margin))).collect()
    });
    let by_safety: serde_json::Map<String, Value> = SAFETIES
        .iter()
        .zip(summary.safety)
        .map(|(safety, seeds)| (safety.word().to_owned(), Value::from(seeds)))
        .collect();
    let mut summary = json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "draw": super::DRAW_VERSION,
        "first_seed": heading.seeds.start,
        "end_seed": heading.seeds.end,
        "complete": heading.end == End::Done,
        "seeds": summary.seeds,
        "seeds_with_findings": summary.failures,
        "seeds_with_stale_reads": summary.stale,
        "safety": summary.verdict().map(Safety::word),
        "seeds_by_safety": by_safety,
        "first_finding_seed": summary.first_failure,
        "first_stale_read_seed": summary.first_stale,
        "seeds_with_takeover": summary.with_takeover,
        "seeds_with_lease_reads": summary.with_lease_reads,
        "takeovers": summary.takeovers,
        "operations": summary.operations,
        "reads": summary.reads,
        "reads_under_lease": summary.reads_under_lease,
        "events": summary.events,
        "faults": summary.faults,
        "margin_ns": margins,
        "groups": groups,
        "digest": format!("{:032x}", summary.digest),
    });
    match &heading.subject {
        Subject::Swarm(profile) => {
            summary["rules"] = json!(profile.rules);
            summary["bound"] = json!(profile.bound.word());
        }
        Subject::Scenario(given) => summary["scenario"] = given.to_json(),
    }
    summary
}
