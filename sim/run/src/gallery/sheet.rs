//! The page of an exhibit: its story, its variants side by side, and the run of each.

use std::sync::Arc;

use super::plate::evidence;
use super::{FIXED, Piece, SHIPPED};
use crate::display::signed_span;
use crate::picture::Card;
use crate::report::{Style, Subject, finding, headline};
use crate::sheet::{Album, Block, Command, Drawn, Fact, Part, Sheet, Tile, Tone};
use crate::study::{RowResult, Safety};
use crate::theory::Prediction;

/// The page of an exhibit whose variants were run.
pub fn piece_sheet(piece: &Piece, subject: &Subject<'_>) -> Sheet {
    let rows = &subject.study.rows;
    let plate = &piece.plate;
    let unexpected = headline(subject, Style::PLAIN).map(|(words, _)| words);
    let bug = rows.iter().find(|row| row.label.starts_with(SHIPPED));
    let (tone, word) = match (&unexpected, bug.map(RowResult::safety)) {
        (Some(words), _) => (Tone::Bad, words.clone()),
        (None, Some(Safety::Stale)) => (Tone::Bad, "As shipped, reads are stale.".to_owned()),
        (None, Some(Safety::NotSafe)) => (Tone::Bad, "As shipped, reads can be stale.".to_owned()),
        (None, _) => (Tone::Doubtful, "As shipped, nothing is wrong here.".to_owned()),
    };
    let mut album = Album::default();
    let runs: Vec<Drawn> = rows.iter().map(|row| drawn(piece, row, &mut album)).collect();
    let run = |row: &RowResult| Command {
        what: format!("The variant `{}` alone:", row.label),
        line: replay(piece, &row.label),
    };
    let mut commands =
        vec![Command { what: "The whole exhibit:".to_owned(), line: format!("sim gallery {}", piece.name) }];
    commands.extend(rows.iter().map(run));
    Sheet {
        asked: format!("{}: {} ({}, {})", piece.name, plate.system, plate.year, evidence(plate)),
        tone,
        word,
        sentence: format!("{}.", capital(&plate.mechanism)),
        cards: cards(piece),
        parts: vec![
            Part::new("The story", vec![Block::Facts { facts: story(piece) }]),
            Part::new(
                "The variants side by side",
                vec![Block::Boxes { boxes: rows.iter().map(tile).collect() }],
            ),
            Part::new("Their runs", vec![Block::Runs { runs }]),
            Part::new("Run it again", vec![Block::Commands { commands }]),
        ],
        foot: format!("sim {}, {}", env!("CARGO_PKG_VERSION"), piece.file),
    }
}

fn cards(piece: &Piece) -> Vec<Card> {
    let plate = &piece.plate;
    let card = |question: &str, answer: &str| Card {
        question: question.to_owned(),
        answer: answer.to_owned(),
        evidence: Vec::new(),
    };
    let clock = if plate.clock_fault { "yes" } else { "no: all clocks are right" };
    vec![
        card("What was believed?", &plate.believed),
        card("What happened?", &plate.happened),
        card("Is a wrong clock needed?", clock),
    ]
}

fn story(piece: &Piece) -> Vec<Fact> {
    let plate = &piece.plate;
    let linked = |name: &str, address: &Option<String>| {
        address.as_ref().map(|address| Fact {
            name: name.to_owned(),
            text: address.clone(),
            address: Some(address.clone()),
        })
    };
    let told = |name: &str, text: &Option<String>| text.as_ref().map(|text| Fact::new(name, text.as_str()));
    let mut facts =
        vec![Fact::new("found", format!("{} ({}, {})", plate.system, plate.year, evidence(plate)))];
    facts.extend(linked("source", &plate.url));
    facts.extend(told("note", &plate.note));
    facts.extend(told("question", &plate.question));
    facts.extend(linked("asked at", &plate.question_url));
    facts
}

fn tile(row: &RowResult) -> Tile {
    let (tone, answer) = match row.safety() {
        Safety::Stale if row.stale > 0 => {
            (Tone::Bad, format!("{} of {} reads are stale", row.stale, row.reads))
        }
        Safety::Stale => (Tone::Bad, "not linearizable".to_owned()),
        Safety::NotSafe => (Tone::Bad, "no stale read, but not safe".to_owned()),
        Safety::Safe => (Tone::Good, "safe".to_owned()),
        Safety::NotKnown => (Tone::Good, "no stale read".to_owned()),
    };
    let margin = match row.margin {
        None => "no leader followed one with a lease".to_owned(),
        Some(i64::MIN) => "margin: the old lease has no end".to_owned(),
        Some(margin) => format!("margin {}", signed_span(i128::from(margin))),
    };
    let theory = match row.prediction {
        Prediction::Safe { slack_ns } => format!("arithmetic: safe by {}", signed_span(slack_ns)),
        Prediction::StalePossible { slack_ns } => {
            format!("arithmetic: a stale read is possible, by {}", signed_span(slack_ns))
        }
        Prediction::NotCovered { why } => format!("arithmetic has no say: {why}"),
    };
    let expected = if row.as_expected() { "as expected" } else { "NOT as expected" };
    Tile {
        title: row.label.clone(),
        tone,
        answer,
        facts: vec![
            margin,
            format!("rules: {}", row.setup.rules),
            format!("history: {}; {expected}", finding(row)),
            theory,
        ],
    }
}

fn drawn(piece: &Piece, row: &RowResult, album: &mut Album) -> Drawn {
    let note = match () {
        () if row.label.starts_with(SHIPPED) => "With the bug.",
        () if row.label.starts_with(FIXED) => "Without the bug: the same faults, the same clients.",
        () => "The same faults, and another rule is broken or one thing differs.",
    };
    let again = format!("{} --html run.html", replay(piece, &row.label));
    album.add(&row.label, note, &Arc::clone(&row.setup), &again)
}

fn replay(piece: &Piece, label: &str) -> String {
    format!("sim run {} --row {}", piece.file, crate::display::shell_word(label))
}

/// A sentence begins with a capital letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
