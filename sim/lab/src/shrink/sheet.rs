//! The page of a shrunk run: how large it was and is, both runs, and the scenario.

use std::sync::Arc;

use super::{Kind, Shrunk, Size, Smallest};
use leasehold_run::display::{count, shell_word};
use leasehold_run::picture::Card;
use leasehold_run::setup::Setup;
use leasehold_run::sheet::{Album, Block, Command, Part, Sheet, Table, Tone};

/// What a page is about.
#[derive(Debug)]
pub struct ShrinkSubject<'a> {
    /// What was shrunk, in words.
    pub origin: &'a str,
    /// It.
    pub before: &'a Arc<Setup>,
    /// The command that runs it.
    pub replay: &'a str,
    /// What it came to.
    pub found: &'a Smallest,
    /// The same as a scenario.
    pub shrunk: &'a Shrunk,
    /// The file that was written, if one was.
    pub file: Option<&'a str>,
}

/// The page.
pub fn shrink_sheet(subject: &ShrinkSubject<'_>) -> Sheet {
    let ShrinkSubject { found, shrunk, .. } = *subject;
    let Size { nodes, faults, operations, .. } = found.progress.now;
    let file = subject.file.unwrap_or("small.toml");
    let (tone, word) = match (found.complete, shrunk.draws) {
        (false, _) => (Tone::Doubtful, "Interrupted: the smallest so far."),
        (true, 0) => (Tone::Good, "Nothing is left to chance."),
        (true, _) => (Tone::Doubtful, "It still depends on its seed."),
    };
    let mut album = Album::default();
    let run = format!("sim run {}", shell_word(file));
    let after = album.add(
        "after",
        "The smallest run that shows the same.",
        &found.setup,
        &format!("{run} --html after.html"),
    );
    let before = album.add(
        "before",
        subject.origin,
        subject.before,
        &format!("{} --html before.html", subject.replay),
    );
    let commands = vec![
        Command { what: format!("The small run, when the text above is in {file}:"), line: run },
        Command { what: "The run that was shrunk:".to_owned(), line: subject.replay.to_owned() },
    ];
    Sheet {
        asked: format!("shrink: {}", subject.origin),
        tone,
        word: word.to_owned(),
        sentence: format!(
            "{} show {}.",
            list(&[(nodes, "node"), (faults, "fault"), (operations, "operation")]),
            shown(found)
        ),
        cards: cards(found),
        parts: vec![
            Part::new("How large it was, and is", vec![Block::Table(sizes(found, shrunk))]),
            Part::new("The runs", vec![Block::Runs { runs: vec![after, before] }]),
            Part::new("The scenario", vec![Block::Code { name: file.to_owned(), text: shrunk.text.clone() }]),
            Part::new("Run it again", vec![Block::Commands { commands }]),
        ],
        foot: format!("sim {}, {} runs were tried", env!("CARGO_PKG_VERSION"), count(found.progress.runs)),
    }
}

/// `3 nodes, 1 fault and 2 operations`.
fn list(parts: &[(usize, &str)]) -> String {
    let each = |(number, what): &(usize, &str)| {
        format!("{} {what}{}", count(*number as u64), if *number == 1 { "" } else { "s" })
    };
    let parts: Vec<String> = parts.iter().map(each).collect();
    leasehold_run::display::list(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

fn shown(found: &Smallest) -> String {
    match found.violation.kind {
        Kind::StaleRead => "a stale read".to_owned(),
        Kind::NotLinearizable => "a history that no order explains".to_owned(),
        Kind::BrokenInvariant(invariant) => format!("a broken invariant: {invariant}"),
        Kind::TwoCouldServe { .. } => "two nodes that could serve at once".to_owned(),
        Kind::Stalled(kind) => kind.title().to_owned(),
    }
}

fn cards(found: &Smallest) -> Vec<Card> {
    let card = |question: &str, answer: &str, evidence: &str| Card {
        question: question.to_owned(),
        answer: answer.to_owned(),
        evidence: vec![evidence.to_owned()],
    };
    let violation = &found.violation;
    let lease = match (violation.kind, violation.under_lease) {
        (Kind::StaleRead, true) => "The read was answered under a lease.",
        (Kind::StaleRead, false) => "The read was not answered under a lease.",
        _ => "No read was stale.",
    };
    let rules = match violation.rules_to_blame {
        true => card("Who is to blame?", "the rules", "The same run under the sound rules shows nothing."),
        false => card(
            "Who is to blame?",
            "not the rules alone",
            "The rules are the sound ones, or the same run under the sound rules shows it as well.",
        ),
    };
    let asked = match found.provoked {
        true => "Nobody asked while two nodes could serve. Two clients were added.",
        false => "The run shows it as it is.",
    };
    vec![
        card("What does it show?", &shown(found), lease),
        rules,
        card("Was anything added?", if found.provoked { "two clients" } else { "nothing" }, asked),
    ]
}

fn sizes(found: &Smallest, shrunk: &Shrunk) -> Table {
    let (from, now) = (found.progress.from, found.progress.now);
    let row =
        |name: &str, from: usize, now: usize| vec![name.to_owned(), count(from as u64), count(now as u64)];
    Table {
        name: "how large the run was and is".to_owned(),
        columns: ["", "before", "after"].map(str::to_owned).to_vec(),
        rows: vec![
            row("operations", from.operations, now.operations),
            row("faults", from.faults, now.faults),
            row("nodes", from.nodes, now.nodes),
            row("decisions left to chance", from.draws, shrunk.draws),
        ],
    }
}
