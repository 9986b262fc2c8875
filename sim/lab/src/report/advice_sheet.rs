//! The page of "Am I safe with my numbers?": each hazard with what is survived, and which lengths would do.

use super::advice::{AdviceSubject, amount, judged, lengths, name, setting, shown, verdict};
use super::threshold_sheet::again;
use crate::advise::Answer;
use leasehold_run::report::Style;
use leasehold_run::sheet::{Block, Fact, Part, Sheet, Table, Tone};
use leasehold_run::study::Safety;

/// Wide enough that no line is broken.
const STYLE: Style = Style { width: usize::MAX, ..Style::PLAIN };

/// The page.
pub fn advice_sheet(subject: &AdviceSubject<'_>) -> Sheet {
    let AdviceSubject { settings, advice, remarks, command } = *subject;
    let (tone, word) = match advice.safety {
        _ if advice.broken_rule.is_some() => (Tone::Bad, "Not safe."),
        Safety::Safe => (Tone::Good, "Safe."),
        Safety::NotSafe | Safety::Stale => (Tone::Bad, "Not safe."),
        Safety::NotKnown => (Tone::Doubtful, "Not known."),
    };
    let asked = setting(settings, STYLE).into_iter().skip(1).map(|line| line.trim().to_owned());
    let mut parts = Vec::new();
    let sentence = if let Some(broken) = &advice.broken_rule {
        parts.push(Part::new("See it", vec![Block::command(&format!("{}:", broken.title), &broken.command)]));
        format!("{}. No lease is safe with this rule.", broken.what)
    } else {
        parts.push(Part::new("Hazard by hazard", vec![Block::Table(table(&advice.answers))]));
        let facts = lengths(subject, STYLE)
            .iter()
            .filter_map(|line| line.trim().split_once(' '))
            .map(|(name, text)| Fact::new(name, text.trim()))
            .collect();
        parts.push(Part::new("Which lengths would do", vec![Block::Facts { facts }]));
        let said = verdict(subject, STYLE);
        let last = said.first().map_or("", String::as_str);
        let (_, why) = last.split_once(": ").unwrap_or(("", last));
        format!("{}.", why.trim_end_matches('.'))
    };
    if !remarks.is_empty() {
        let notes = remarks.iter().map(|remark| Block::text(remark.trim())).collect();
        parts.push(Part::new("What else to know", notes));
    }
    if advice.broken_rule.is_none() && advice.first_to_break().is_some() {
        let line = format!("{command} -o worst.toml && sim run worst.toml --html worst.html");
        parts.push(Part::new(
            "See what breaks first",
            vec![Block::command("A scenario of two rows, at the bound and one step beyond:", &line)],
        ));
    }
    parts.push(again(command));
    Sheet {
        asked: asked.collect::<Vec<_>>().join(" "),
        tone,
        word: word.to_owned(),
        sentence,
        parts,
        foot: format!("sim {}", env!("CARGO_PKG_VERSION")),
        ..Sheet::default()
    }
}

fn table(answers: &[Answer]) -> Table {
    let row = |answer: &Answer| {
        let together = if answer.together == answer.alone {
            "the same".to_owned()
        } else {
            amount(answer.hazard, answer.together)
        };
        vec![
            name(answer.hazard).to_owned(),
            answer.given.map_or("-".to_owned(), |given| shown(answer.hazard, given)),
            amount(answer.hazard, answer.alone),
            together,
            judged(answer).1.to_owned(),
        ]
    };
    Table {
        name: "hazards".to_owned(),
        columns: ["hazard", "yours", "survived", "with the others", ""].map(str::to_owned).to_vec(),
        rows: answers.iter().map(row).collect(),
    }
}
