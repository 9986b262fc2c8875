//! The page of an exhaustive search: what all schedules showed, the worst of them, and the adversary's run beside it.

use std::sync::Arc;

use super::exhaust::{ExhaustSubject, judgement, replayed};
use super::threshold_sheet::again;
use crate::exhaust::{Adversary, Summary};
use crate::threshold::most_harm;
use leasehold_run::attack::Attack;
use leasehold_run::display::{count, instant, signed_span};
use leasehold_run::picture::Card;
use leasehold_run::report::Style;
use leasehold_run::setup::Setup;
use leasehold_run::sheet::{Album, Bar, Bars, Block, Drawn, Part, Sheet, Table, Tone};

/// The page.
pub fn exhaust_sheet(subject: &ExhaustSubject<'_>, setup: &Arc<Setup>) -> Sheet {
    let ExhaustSubject { search, .. } = *subject;
    let mut parts = Vec::new();
    if let Some(found) = subject.summary {
        parts.push(Part::new("What all schedules showed", vec![Block::Bars(chart(found))]));
    }
    let worst = worst(subject);
    if let Some(told) = subject.told {
        let rows: Vec<Vec<String>> = (1..)
            .zip(&told.decisions)
            .map(|(number, decision)| vec![format!("{number}"), decision.clone()])
            .collect();
        let columns = ["no.", "decision"].map(str::to_owned).to_vec();
        let title = if subject.summary.is_some() {
            "The worst schedule, decision by decision"
        } else {
            "This schedule"
        };
        parts.push(Part::new(
            title,
            vec![
                Block::text(worst.clone()),
                Block::Table(Table { name: "decisions of the schedule".to_owned(), columns, rows }),
                Block::command(
                    "This replays the schedule:",
                    &format!("{} --replay {}", subject.replay, replayed(&told.found.options)),
                ),
            ],
        ));
    }
    parts.push(Part::new(
        "The adversary's run",
        vec![Block::Runs { runs: vec![adversarys(setup, subject.replay)] }],
    ));
    parts.push(again(subject.replay));
    let (tone, word, sentence) = verdict(subject);
    Sheet {
        asked: format!(
            "{}: the first {} messages and jitters from {} on",
            subject.title,
            search.choices,
            instant(search.from)
        ),
        tone,
        word,
        sentence,
        cards: cards(subject, worst),
        parts,
        foot: format!("sim {}, seed {}", env!("CARGO_PKG_VERSION"), subject.setup.seed),
    }
}

fn verdict(subject: &ExhaustSubject<'_>) -> (Tone, String, String) {
    let said = judgement(subject, Style::PLAIN);
    let last = said.last().cloned().unwrap_or_default();
    match subject.summary {
        _ if subject.our_bug() => (Tone::Bad, "A bug of ours.".to_owned(), said.join(". ")),
        Some(found) if found.interrupted => (
            Tone::Doubtful,
            "Interrupted.".to_owned(),
            format!("{} schedules were run.", count(found.schedules)),
        ),
        Some(found) if found.stale > 0 => (
            Tone::Bad,
            format!("{} of {} schedules have a stale read.", count(found.stale), count(found.schedules)),
            format!("{last}."),
        ),
        Some(found) if found.negative > 0 => (
            Tone::Bad,
            format!(
                "In {} of {} schedules a stale read was possible.",
                count(found.negative),
                count(found.schedules)
            ),
            format!("{last}."),
        ),
        Some(found) => (
            Tone::Good,
            "No schedule has a stale read.".to_owned(),
            format!("All {} were run; {last}.", count(found.schedules)),
        ),
        None => (Tone::Plain, "One schedule was replayed.".to_owned(), format!("{last}.")),
    }
}

fn worst(subject: &ExhaustSubject<'_>) -> String {
    let Some(told) = subject.told else { return "No schedule changed the leader.".to_owned() };
    let margin = told.found.margin.map_or("no leadership change".to_owned(), |margin| {
        format!("margin {}", signed_span(i128::from(margin)))
    });
    let stale = match told.found.stale {
        0 => "no stale read".to_owned(),
        1 => "1 stale read".to_owned(),
        stale => format!("{} stale reads", count(stale as u64)),
    };
    format!("{margin}, {stale}.")
}

fn cards(subject: &ExhaustSubject<'_>, worst: String) -> Vec<Card> {
    let card = |question: &str, answer: String, evidence: &str| Card {
        question: question.to_owned(),
        answer,
        evidence: vec![evidence.to_owned()],
    };
    let adversary = match subject.adversary {
        Adversary::Plays { margin, .. } => format!("margin {}", signed_span(i128::from(margin))),
        Adversary::Fails => "nobody is elected inside a lease".to_owned(),
        Adversary::NotKnown(why) => why.to_owned(),
    };
    let all = subject.summary.map_or("one".to_owned(), |found| count(found.schedules));
    vec![
        card(
            "How many schedules?",
            all,
            "Every combination of the first decisions after the old leader is cut off.",
        ),
        card("What does the worst do?", worst, "The smallest margin of all."),
        card(
            "What does the adversary do?",
            adversary,
            "It builds one schedule by hand; no other may do more harm.",
        ),
    ]
}

#[allow(clippy::cast_precision_loss, reason = "the length of a bar")]
fn chart(found: &Summary) -> Bars {
    let bar = |label: &str, number: u64, tone: Tone| Bar {
        label: label.to_owned(),
        value: number as f64,
        text: count(number),
        tone,
        ..Bar::default()
    };
    let bad = |number: u64| if number > 0 { Tone::Bad } else { Tone::Plain };
    let bars = vec![
        bar("schedules", found.schedules, Tone::Plain),
        bar("with a stale read", found.stale, bad(found.stale)),
        bar("with a negative margin: a stale read was possible", found.negative, bad(found.negative)),
        bar("nobody took over from a leader with a lease", found.without_change, Tone::Plain),
        bar("left the checker undecided", found.undecided, Tone::Plain),
        bar("broke an invariant", found.broken, bad(found.broken)),
    ];
    Bars {
        name: "What all schedules showed.".to_owned(),
        logarithmic: false,
        columns: ["what", "schedules", ""].map(str::to_owned),
        bars,
    }
}

fn adversarys(setup: &Arc<Setup>, command: &str) -> Drawn {
    let missing = |note: String| Drawn { label: "no run".to_owned(), picture: None, note };
    if !Attack::rules_covered(setup) {
        return missing("The adversary was not made for these rules, so it plays no run.".to_owned());
    }
    match most_harm(setup) {
        Ok(Some(harm)) => Album::default().add(
            "the adversary's run",
            "The most harmful run that is built by hand. No schedule above may do more harm.",
            &harm.setup,
            command,
        ),
        Ok(None) => missing("The adversary gets nobody elected inside a lease.".to_owned()),
        Err(why) => missing(format!("The adversary has no say here: {why}.")),
    }
}
