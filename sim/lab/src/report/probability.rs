//! How probable a stale read is: for people and for machines.

use serde_json::{Value, json};

use crate::probability::{Asked, Estimate, LEVELS, Mean, Plain, Rare};
use crate::swarm::interval;
use leasehold_run::display::count;
use leasehold_run::report::Style;

/// A relative error above this makes an interval doubtful.
pub(super) const DOUBTFUL: f64 = 0.3;

/// What a report is about.
#[derive(Debug)]
pub struct ProbabilitySubject<'a> {
    /// The scenario's title.
    pub title: &'a str,
    /// What was asked.
    pub asked: &'a Asked,
    /// What splitting found.
    pub found: &'a Estimate,
    /// What plain seeds found beside it.
    pub plain: Option<Plain>,
    /// The command that estimates it again, quoted for a shell.
    pub command: &'a str,
}

/// The report for people.
pub fn probability_text(subject: &ProbabilitySubject<'_>, style: Style) -> String {
    let ProbabilitySubject { asked, found, .. } = *subject;
    let what = match asked.rare {
        Rare::StaleRead => "a stale read",
        Rare::NegativeMargin => "a negative margin: that a stale read is possible",
    };
    let mut lines = vec![style.strong(subject.title), format!("the probability of {what}, in one run")];
    lines.push(String::new());
    lines.push(format!("  splitting  {}", splitting(found)));
    if let Some(plain) = subject.plain {
        lines.push(format!("  plain      {}", plain_text(plain)));
    }
    lines.push(String::new());
    lines.extend(levels(found, asked.rare));
    lines.push(String::new());
    lines.extend(doubts(subject, style));
    lines.push(format!(
        "{} replications of {} particles: {} runs, {} events",
        count(found.replications as u64),
        count(u64::from(asked.particles)),
        count(found.runs),
        count(found.events)
    ));
    lines.push(format!("to repeat it:  {}", subject.command));
    lines.push(String::new());
    lines.join("\n")
}

pub(super) fn splitting(found: &Estimate) -> String {
    let Mean { value, relative_error, low, high } = found.probability;
    match found.seen_in {
        0 => format!("not seen: below {} (95 %), from the first runs alone", number(high)),
        _ => format!(
            "{}  ({} to {}, 95 %; relative error {})",
            number(value),
            number(low),
            number(high),
            percent(relative_error)
        ),
    }
}

#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a figure for people")]
pub(super) fn plain_text(plain: Plain) -> String {
    let (low, high) = interval(plain.seen, plain.seeds);
    let of = format!("{} of {} seeds", count(plain.seen), count(plain.seeds));
    match plain.seen {
        0 => format!("{of}: below {} (95 %)", number(high)),
        seen => {
            let share = seen as f64 / plain.seeds as f64;
            format!("{}  ({} to {}, 95 %; {of})", number(share), number(low), number(high))
        }
    }
}

/// The levels, and the factor from each to the next.
#[allow(clippy::float_arithmetic, reason = "a figure for people")]
fn levels(found: &Estimate, rare: Rare) -> Vec<String> {
    let mut lines =
        vec![format!("  {:<42}{:>12}  {:>10}", "while the old lease runs", "probability", "of these")];
    let mut before = 1.0;
    for (place, (level, reached)) in LEVELS.iter().zip(&found.levels).enumerate() {
        // What comes after a negative margin is a client's.
        let clients = rare == Rare::NegativeMargin && (9..=10).contains(&place);
        if place == 0 || clients {
            continue;
        }
        let of_these = if before > 0.0 { format!("{:.2e}", reached / before) } else { "-".to_owned() };
        lines.push(format!("  {level:<42}{:>12}  {of_these:>10}", number(*reached)));
        before = *reached;
    }
    lines
}

pub(super) fn doubts(subject: &ProbabilitySubject<'_>, style: Style) -> Vec<String> {
    let ProbabilitySubject { found, .. } = *subject;
    let mut lines = Vec::new();
    if found.interrupted {
        lines.push(style.doubtful("interrupted: only the replications that were done are counted"));
    }
    if found.seen_in > 0 && found.probability.relative_error > DOUBTFUL {
        lines.push(
            style.doubtful("the replications are far apart: trust the interval with --particles larger"),
        );
    }
    if found.seen_in > 0 && found.seen_in < found.replications {
        let missed = count((found.replications - found.seen_in) as u64);
        lines.push(style.doubtful(&format!(
            "{missed} replications never saw it, and count as 0; --particles larger would let them"
        )));
    }
    if let (Some(plain), Mean { low, high, .. }) =
        (subject.plain.filter(|plain| plain.seeds > 0), found.probability)
    {
        let (plain_low, plain_high) = interval(plain.seen, plain.seeds);
        if found.seen_in > 0 && (plain_high < low || high < plain_low) {
            lines.push(
                style.doubtful(
                    "the two intervals do not meet: chance does that now and then, bugs do it always",
                ),
            );
        }
    }
    lines
}

/// Three digits.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.2e}") }
}

#[allow(clippy::float_arithmetic, reason = "a figure for people")]
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The report for machines.
pub fn probability_json(subject: &ProbabilitySubject<'_>) -> Value {
    let ProbabilitySubject { asked, found, .. } = *subject;
    let Mean { value, relative_error, low, high } = found.probability;
    let levels: Vec<Value> = LEVELS
        .iter()
        .zip(&found.levels)
        .map(|(level, probability)| json!({ "level": level, "probability": probability }))
        .collect();
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "title": subject.title,
        "event": match asked.rare {
            Rare::StaleRead => "stale-read",
            Rare::NegativeMargin => "negative-margin",
        },
        "probability": value,
        "low": if found.seen_in == 0 { 0.0 } else { low },
        "high": high,
        "relative_error": (found.seen_in > 0).then_some(relative_error),
        "seen": found.seen_in > 0,
        "seen_in": found.seen_in,
        "replications": found.replications,
        "particles": asked.particles,
        "levels": levels,
        "runs": found.runs,
        "events": found.events,
        "interrupted": found.interrupted,
        "plain": subject.plain.map(|plain| {
            let (low, high) = interval(plain.seen, plain.seeds);
            json!({ "seeds": plain.seeds, "seen": plain.seen, "low": low, "high": high })
        }),
    })
}
