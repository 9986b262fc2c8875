//! The smallest setup as a scenario file, with its story told as comments.

use std::sync::Arc;

use super::{Kind, Smallest, draws};
use crate::stalled::stalled;
use leasehold_check::Verdict;
use leasehold_run::describe;
use leasehold_run::display::{instant, signed_span};
use leasehold_run::explain::{Cause, Explanation, explain};
use leasehold_run::report::wrapped;
use leasehold_run::run::{Outcome, run};
use leasehold_run::scenario::Written;
use leasehold_run::setup::Setup;
use leasehold_run::watch::{LeadershipChange, LeaseOver};

/// The line of a story that says where a shrunk scenario comes from begins so.
const ORIGIN: &str = "Shrunk from ";

/// A scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// What stands in it.
    pub text: String,
    /// How many decisions its run leaves to chance; zero unless something is wrong, or the search was interrupted.
    pub draws: usize,
}

/// Writes it. `origin` says what was shrunk, as in `scenarios/skew.toml, seed 42`; `story` is the comment of that scenario:
/// if it was shrunk from something itself, that is what is named.
pub fn text(smallest: &Smallest, origin: &str, story: &str) -> Shrunk {
    let setup = &smallest.setup;
    let outcome = run(setup);
    let first = story.lines().find_map(|line| line.strip_prefix(ORIGIN)?.strip_suffix('.'));
    let silent = if smallest.provoked { ", where nobody asked while two nodes could serve" } else { "" };
    let origin = first.map_or_else(|| format!("{origin}{silent}"), str::to_owned);
    let mut lines = vec![format!("{ORIGIN}{origin}.")];
    let draws = draws(setup);
    lines.push(match draws {
        0 => "Nothing in it is left to chance.".to_owned(),
        _ => format!("It still depends on its seed: {draws} decisions are drawn."),
    });
    lines.push(String::new());
    let (title, told) = match smallest.violation.kind {
        Kind::StaleRead => {
            let explanation = explain(setup, &outcome, &outcome.check.stale_reads[0]);
            (stale_title(setup, &explanation), stale_read(setup, &explanation))
        }
        Kind::NotLinearizable => {
            ("a history that no order of its operations explains".to_owned(), operations(setup, &outcome))
        }
        Kind::BrokenInvariant(invariant) => {
            let broken = outcome.broken.iter().find(|broken| broken.invariant == invariant);
            let what = broken.map(|broken| {
                let node = describe::node(setup, broken.node);
                format!("At {} on {node}: {}.", instant(broken.at), broken.detail)
            });
            (format!("broken: {invariant}"), what.into_iter().collect())
        }
        Kind::TwoCouldServe { .. } => {
            ("two nodes could serve at once, and no read was stale".to_owned(), two(setup, &outcome))
        }
        Kind::Stalled(kind) => {
            let what = stalled(setup, &outcome).map(|stall| stall.sentence());
            (kind.title().to_owned(), what.into_iter().collect())
        }
    };
    lines.extend(told.iter().flat_map(|line| wrapped(bullet(line).0, bullet(line).1, 120)));
    let expect = match smallest.violation.kind {
        Kind::StaleRead | Kind::NotLinearizable => "some",
        Kind::BrokenInvariant(_) | Kind::TwoCouldServe { .. } | Kind::Stalled(_) => "any",
    };
    Shrunk { text: Written { title: &title, story: &lines, expect, setup }.to_toml(), draws }
}

/// A line of a list is indented below its `*`.
fn bullet(line: &str) -> (&str, &str) {
    line.strip_prefix("* ").map_or(("", line), |rest| ("* ", rest))
}

fn stale_title(setup: &Setup, explanation: &Explanation) -> String {
    match explanation.causes.first() {
        Some(Cause::BrokenRules) => format!("a stale read under the rules {}", setup.rules),
        Some(Cause::LyingDisk) => "a stale read: a disk has lost what it had reported as safe".to_owned(),
        Some(Cause::Skew) => "a stale read: the new leader's clock is too far ahead".to_owned(),
        Some(Cause::FastClock) => "a stale read: the new leader's clock is too fast".to_owned(),
        Some(Cause::UnsafeSettings) => "a stale read: the settings are not safe".to_owned(),
        Some(Cause::LostTime) => "a stale read: the old leader's clock has lost time".to_owned(),
        Some(Cause::TwoLeaders) | None => "a stale read".to_owned(),
    }
}

fn stale_read(setup: &Setup, explanation: &Explanation) -> Vec<String> {
    let name = |node| describe::node(setup, node);
    let value = |value: Option<u64>| value.map_or("no value".to_owned(), |value| value.to_string());
    let mut told = vec![format!(
        "{} returns {} although {} was there {} before it was asked.",
        name(explanation.server),
        value(explanation.returned),
        value(explanation.missed_value),
        leasehold::time::Span::nanos(explanation.stale_by_ns)
    )];
    told.extend(explanation.why.iter().map(|why| format!("{}.", capital(why))));
    told.push(String::new());
    // What happens again and again is said once.
    let again = |place: usize| {
        explanation.story[..place].iter().any(|earlier| earlier.what == explanation.story[place].what)
    };
    let story = explanation.story.iter().enumerate().filter(|(place, _)| !again(*place));
    told.extend(story.map(|(_, moment)| format!("* {}: {}.", brief_instant(moment.at), moment.what)));
    told
}

/// What a run without a stale read shows all the same.
fn two(setup: &Setup, outcome: &Outcome) -> Vec<String> {
    let name = |node| describe::node(setup, node);
    let change = |change: &LeadershipChange| {
        let (margin, (old, _)) = (change.margin().filter(|margin| *margin < 0)?, change.old?);
        let until = match change.lease_over? {
            LeaseOver::At(over) => format!("until {}", brief_instant(over)),
            LeaseOver::Never => "without an end".to_owned(),
        };
        let margin = signed_span(i128::from(margin));
        Some(format!(
            "* {} could acknowledge writes from {} on, and {} believed in its lease {until}: the margin is {margin}.",
            name(change.new),
            brief_instant(change.ready_at),
            name(old),
        ))
    };
    let overlap = outcome.overlap.map(|(at, old, new)| {
        format!("* At {} {} and {} both had a lease.", brief_instant(at), name(old), name(new))
    });
    outcome.changes.iter().filter_map(change).chain(overlap).collect()
}

/// To the microsecond, zeros left away.
fn brief_instant(nanos: u64) -> String {
    let text = instant(nanos);
    let number = text.trim_end_matches('s').trim_end_matches('0').trim_end_matches('.');
    format!("{number} s")
}

fn operations(setup: &Arc<Setup>, outcome: &Outcome) -> Vec<String> {
    let mut told = vec!["These operations contradict each other:".to_owned()];
    for key in &outcome.check.keys {
        let Verdict::NotLinearizable { violation } = &key.verdict else { continue };
        for index in violation.operations() {
            let operation = &outcome.history[outcome.history_index(index)];
            told.push(format!(
                "* {}: {} asks {} ({:?}); the answer is {:?}.",
                brief_instant(operation.invoked),
                setup.clients[operation.client].name,
                describe::node(setup, operation.node),
                operation.request,
                operation.completed.map(|(_, reply)| reply)
            ));
        }
    }
    told
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next();
    // A node's name stays as it is.
    let name = sentence.starts_with('n') && sentence[1..].starts_with(|c: char| c.is_ascii_digit());
    match first {
        Some(first) if !name => first.to_uppercase().chain(letters).collect(),
        _ => sentence.to_owned(),
    }
}
