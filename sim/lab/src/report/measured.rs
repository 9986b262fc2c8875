//! What is known about the threshold of a guest: for people and for machines.

use serde_json::{Value, json};

use super::threshold::{row, search_json, value};
use crate::measured::{Measured, Shown};
use crate::threshold::{Search, Side};
use leasehold_run::display::{count, signed_span};
use leasehold_run::report::Style;
use leasehold_run::scenario::Knob;
use leasehold_run::theory::GUEST_NOT_COVERED;

/// What a report is about, beside its result.
#[derive(Debug)]
pub struct MeasuredSubject<'a> {
    /// The scenario file, as the user named it.
    pub file: &'a str,
    /// The scenario's title.
    pub title: &'a str,
    /// The command that starts the guest.
    pub guest: &'a str,
    /// What was varied.
    pub knob: &'a Knob,
    /// What was found.
    pub found: &'a Measured,
}

/// The report for people.
pub fn measured_text(subject: &MeasuredSubject<'_>, style: Style) -> String {
    let MeasuredSubject { knob, found, .. } = *subject;
    let keys = knob.keys().join(", ");
    let (from, to) = (knob.show(found.range.from), knob.show(found.range.to));
    let side = match found.stale {
        Search::Found(edge) if edge.side() == Side::Below => "largest",
        _ => "smallest",
    };
    let seeds = if found.seeds == 1 { "1 seed".to_owned() } else { format!("{} seeds", count(found.seeds)) };
    let tolerance = knob.show(found.range.tolerance);
    let mut lines = vec![
        style.strong(subject.title),
        format!("the {side} {keys} from {from} to {to} at which a read of the guest is stale"),
        format!("guest: {}", subject.guest),
        String::new(),
        row("theory", "-", &format!("not covered: {GUEST_NOT_COVERED}")),
        row(
            "measured",
            &value(knob, &found.stale),
            &format!("a stale read, in {seeds}, to within {tolerance}"),
        ),
    ];
    lines.push(match &found.possible {
        Some(possible) => row("", &value(knob, possible), "a negative margin: a stale read is possible"),
        None => row("", "-", "no margin: the guest tells no `lease-renewed` or no `leader-ready`"),
    });
    lines.push(String::new());
    if let Search::Found(edge) = found.possible.as_ref().unwrap_or(&found.stale) {
        let (stale, clean) = found.sides(*edge);
        for (at, shown) in [(edge.stale, stale), (edge.clean, clean)] {
            lines.push(format!("at {}: {}", knob.show(at), side_words(&shown)));
        }
        lines.push(String::new());
    }
    lines.push(match found.exit_code() {
        0 => style.doubtful("measured, not proved: more seeds may find a stale read nearer to the safe side"),
        _ => style.doubtful("no threshold in this range, or not one alone; try another"),
    });
    lines.push(String::new());
    lines.join("\n")
}

pub(super) fn side_words(shown: &Shown) -> String {
    let stale = match shown.stale {
        Some(seed) => format!("a stale read with seed {seed}"),
        None => "no stale read".to_owned(),
    };
    match shown.margin {
        Some((margin, _)) => format!("{stale}, the smallest margin is {}", signed_span(i128::from(margin))),
        None => stale,
    }
}

/// The report for machines.
pub fn measured_json(subject: &MeasuredSubject<'_>) -> Value {
    let MeasuredSubject { knob, found, .. } = *subject;
    let number = |value: i128| i64::try_from(value).ok();
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "scenario": subject.file,
        "guest": subject.guest,
        "keys": knob.keys(),
        "unit": format!("{:?}", knob.unit()).to_lowercase(),
        "from": number(found.range.from),
        "to": number(found.range.to),
        "tolerance": number(found.range.tolerance),
        "theory": { "not_covered": GUEST_NOT_COVERED },
        "seeds": found.seeds,
        "measured": search_json(knob, &found.stale),
        "negative_margin": found.possible.as_ref().map(|possible| search_json(knob, possible)),
        "verdict": if found.exit_code() == 0 { "found" } else { "not-found" },
    })
}
