//! What an exhaustive search found: for people and for machines.

use serde_json::{Value, json};

use crate::exhaust::{Adversary, Cut, Found, Search, Summary, Told, invariants_must_hold};
use leasehold_run::display::{count, instant, signed_span};
use leasehold_run::report::Style;
use leasehold_run::setup::Setup;

/// What a report is about.
#[derive(Debug)]
pub struct ExhaustSubject<'a> {
    /// The scenario's title.
    pub title: &'a str,
    /// What was searched.
    pub setup: &'a Setup,
    /// How.
    pub search: &'a Search,
    /// The cut, if it was not given by the user.
    pub cut: Option<Cut>,
    /// What was found; `None` when one schedule was replayed.
    pub summary: Option<&'a Summary>,
    /// The schedule with the smallest margin, or the first with a stale read, or the one that was replayed.
    pub told: Option<&'a Told>,
    /// What the adversary makes of it.
    pub adversary: Adversary,
    /// The command that runs one schedule again, quoted for a shell, but for its answers.
    pub replay: &'a str,
}

impl ExhaustSubject<'_> {
    /// Is what was found a bug of ours?
    pub fn our_bug(&self) -> bool {
        let broken = |found: &Summary| found.broken > 0 && invariants_must_hold(self.setup);
        let beaten =
            |found: &Summary| found.beats(&self.adversary) || found.beats_theory(self.setup).is_some();
        self.summary.is_some_and(|found| beaten(found) || broken(found))
    }
}

/// The answers of a schedule as one word.
pub(crate) fn answers(options: &[u8]) -> String {
    options.iter().map(|option| char::from(b'0' + option)).collect()
}

/// The report for people.
pub fn exhaust_text(subject: &ExhaustSubject<'_>, style: Style) -> String {
    let ExhaustSubject { setup, search, .. } = *subject;
    let mut lines = vec![style.strong(subject.title)];
    let name = |node: usize| setup.nodes[node].name.as_str();
    let why = match subject.cut {
        Some(Cut { leader, successor: Some(new), .. }) => {
            format!(
                ": {} sends the round that carried its last lease before {} took over",
                name(leader),
                name(new)
            )
        }
        Some(Cut { leader, .. }) => {
            format!(": {} sends the round that carried its last lease before the first fault", name(leader))
        }
        None => String::new(),
    };
    lines.push(format!("the cut    {}{why}", instant(search.from)));
    let loss = if search.lossy { ", or lost" } else { "" };
    lines.push(format!(
        "schedules  the first {} messages and jitters from the cut on: least, middle, most{loss}; then the least",
        search.choices
    ));
    if let Some(found) = subject.summary {
        lines.extend(numbers(found));
    }
    lines.push(String::new());
    if let Some(told) = subject.told {
        lines.extend(one(told, subject, style));
    }
    lines.extend(judgement(subject, style));
    lines.push(String::new());
    lines.join("\n")
}

fn numbers(found: &Summary) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("  {:>14}  schedules were run", count(found.schedules)),
        format!("  {:>14}  with a stale read", count(found.stale)),
        format!("  {:>14}  with a negative margin: a stale read was possible", count(found.negative)),
        format!(
            "  {:>14}  in which nobody took over from a leader with a lease",
            count(found.without_change)
        ),
    ];
    for (number, what) in
        [(found.undecided, "left the checker undecided"), (found.broken, "broke an invariant")]
    {
        if number > 0 {
            lines.push(format!("  {:>14}  {what}", count(number)));
        }
    }
    lines
}

fn one(told: &Told, subject: &ExhaustSubject<'_>, style: Style) -> Vec<String> {
    let Found { options, margin, stale } = &told.found;
    let margin = margin.map_or("no leadership change".to_owned(), |margin| {
        format!("margin {}", signed_span(i128::from(margin)))
    });
    let which = if subject.summary.is_some() { "the smallest margin" } else { "this schedule" };
    let mut lines = vec![style.strong(&format!("{which}: {margin}, {} stale reads", count(*stale as u64)))];
    lines.extend(told.decisions.iter().map(|decision| format!("  {decision}")));
    lines.push(format!("to replay it:  {} --replay {}", subject.replay, replayed(options)));
    lines.push(format!("trace {:016x}", told.trace_hash));
    lines.push(String::new());
    lines
}

pub(super) fn replayed(options: &[u8]) -> String {
    if options.is_empty() { "''".to_owned() } else { answers(options) }
}

pub(super) fn judgement(subject: &ExhaustSubject<'_>, style: Style) -> Vec<String> {
    let adversary = match subject.adversary {
        Adversary::Plays { margin, stale } => {
            let stale = if stale > 0 { "with a stale read" } else { "no stale read" };
            format!("adversary  margin {}, {stale}", signed_span(i128::from(margin)))
        }
        Adversary::Fails => "adversary  gets nobody elected inside a lease".to_owned(),
        Adversary::NotKnown(why) => format!("adversary  has no say here: {why}"),
    };
    let Some(found) = subject.summary else { return vec![adversary] };
    let known = !matches!(subject.adversary, Adversary::NotKnown(_));
    let mut lines = vec![adversary];
    if found.beats(&subject.adversary) {
        lines.push(style.bad(
            "A BUG OF OURS: the adversary is too dumb; a schedule above does more harm than the one it plays",
        ));
    } else if let Some(why) = found.beats_theory(subject.setup) {
        lines.push(style.bad(&format!("A BUG OF OURS: a schedule above has a stale read, and {why}")));
    } else if found.interrupted {
        lines.push(style.doubtful("interrupted: what is shown is of the schedules that were run"));
    } else if known {
        lines.push(style.good("no schedule does more harm than the adversary's"));
    }
    if found.broken > 0 && invariants_must_hold(subject.setup) {
        lines.push(style.bad("A BUG OF OURS: an invariant does not hold under the sound rules"));
    }
    lines
}

/// The report for machines.
pub fn exhaust_json(subject: &ExhaustSubject<'_>) -> Value {
    let search = subject.search;
    let adversary = match subject.adversary {
        Adversary::Plays { margin, stale } => json!({ "margin_ns": margin, "stale_reads": stale }),
        Adversary::Fails => json!({ "fails": true }),
        Adversary::NotKnown(why) => json!({ "not_known": why }),
    };
    let schedule = |found: &Found| json!({ "answers": answers(&found.options), "margin_ns": found.margin, "stale_reads": found.stale });
    let summary = subject.summary.map(|found| {
        json!({
            "schedules": found.schedules,
            "stale": found.stale,
            "negative": found.negative,
            "without_change": found.without_change,
            "undecided": found.undecided,
            "broken": found.broken,
            "interrupted": found.interrupted,
            "smallest": found.worst.as_ref().map(schedule),
            "first_stale": found.first_stale.as_ref().map(schedule),
            "beats_adversary": found.beats(&subject.adversary),
        })
    });
    let told = subject.told.map(|told| {
        json!({
            "schedule": schedule(&told.found),
            "decisions": told.decisions,
            "trace": format!("{:016x}", told.trace_hash),
        })
    });
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "title": subject.title,
        "seed": subject.setup.seed,
        "cut_ns": search.from,
        "choices": search.choices,
        "lossy": search.lossy,
        "found": summary,
        "told": told,
        "adversary": adversary,
    })
}
