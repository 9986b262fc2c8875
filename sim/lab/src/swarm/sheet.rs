//! The page of an exploration: findings by cause, each with its run, and how hard it was looked.

use std::sync::Arc;

use super::row::Kind;
use super::summary::{Cause, Group, Summary};
use super::text::{Heading, SHRINKABLE, by_count, cause_text, facts, group_text};
use super::{End, Subject};
use crate::stalled::stalled;
use leasehold_run::describe;
use leasehold_run::display::{count, instant};
use leasehold_run::picture::Card;
use leasehold_run::run::run;
use leasehold_run::setup::Setup;
use leasehold_run::sheet::{Album, Bar, Bars, Block, Command, Drawn, Fact, Fold, Part, Sheet, Tone};
use leasehold_run::study::Safety;

/// How many findings have a place of their own. Of the others there is a line in the chart, and a command in the report.
const FOLDS_MAX: usize = 40;

/// The page.
pub fn summary_sheet(heading: &Heading, summary: &Summary) -> Sheet {
    let groups = by_count(summary);
    let mut parts = Vec::new();
    if groups.is_empty() {
        parts.push(Part::new("Findings", vec![Block::text("No seed found anything.")]));
    } else {
        let mut album = Album::default();
        let folds: Vec<Fold> =
            groups.iter().take(FOLDS_MAX).map(|found| fold(heading, found, &mut album)).collect();
        let mut blocks = vec![Block::Bars(chart(&groups)), Block::Folds { folds }];
        if let Some(more) = groups.len().checked_sub(FOLDS_MAX).filter(|more| *more > 0) {
            blocks.push(Block::text(format!(
                "{more} more causes, all rarer, are in the chart's table and in the report: `sim explore` without --html."
            )));
        }
        parts.push(Part::new("Findings by cause, the most frequent first", blocks));
    }
    let facts = facts(heading, summary).into_iter().map(|(name, text)| Fact::new(name, text)).collect();
    parts.push(Part::new("How hard it was looked", vec![Block::Facts { facts }]));
    let (tone, word, sentence) = verdict(heading, summary, groups.len());
    Sheet {
        asked: format!(
            "explore: seeds {}..{}, {}",
            heading.seeds.start,
            heading.seeds.end,
            heading.subject.words()
        ),
        tone,
        word,
        sentence,
        cards: cards(summary, groups.len()),
        parts,
        foot: format!("sim {}, digest {:032x}", env!("CARGO_PKG_VERSION"), summary.digest),
    }
}

fn verdict(heading: &Heading, summary: &Summary, causes: usize) -> (Tone, String, String) {
    let seeds = count(summary.seeds);
    let end = match heading.end {
        End::Done => "",
        End::FailuresMax => " It stopped after enough findings.",
        End::Interrupted => " It was interrupted.",
    };
    if causes == 0 {
        let word = if summary.seeds == 0 { "No seed was run." } else { "Nothing was found." };
        let tone = if summary.seeds == 0 { Tone::Doubtful } else { Tone::Good };
        return (tone, word.to_owned(), format!("{seeds} seeds are as they should be.{end}"));
    }
    let causes = if causes == 1 { "1 cause".to_owned() } else { format!("{} causes", count(causes as u64)) };
    (
        Tone::Bad,
        format!("{} of {seeds} seeds found something.", count(summary.failures)),
        format!("There are {causes}; {} seeds have a stale read.{end}", count(summary.stale)),
    )
}

fn cards(summary: &Summary, causes: usize) -> Vec<Card> {
    let card = |question: &str, answer: String, evidence: Vec<String>| Card {
        question: question.to_owned(),
        answer,
        evidence,
    };
    let first = summary.first_failure.map_or("no seed".to_owned(), |seed| format!("seed {seed}"));
    let stale = summary.first_stale.map_or("none".to_owned(), |seed| format!("seed {seed}"));
    let safety = summary.verdict().map_or("nothing was run", Safety::words);
    vec![
        card("Can reads be stale?", safety.to_owned(), vec!["The worst that any seed says.".to_owned()]),
        card(
            "How many causes?",
            count(causes as u64),
            vec!["A bug that a thousand seeds found is one cause.".to_owned()],
        ),
        card("What was found first?", first, vec![format!("The first seed with a stale read: {stale}.")]),
    ]
}

fn tone(cause: &Cause) -> Tone {
    if cause.found.iter().eq([&Kind::Undecided]) { Tone::Doubtful } else { Tone::Bad }
}

fn chart(groups: &[(&Cause, &Group)]) -> Bars {
    #[allow(clippy::cast_precision_loss, reason = "the length of a bar")]
    let bar = |(cause, group): &(&Cause, &Group)| Bar {
        label: cause_text(cause),
        value: group.count as f64,
        range: None,
        text: if group.count == 1 { "1 seed".to_owned() } else { format!("{} seeds", count(group.count)) },
        remark: format!("first seed {}", group.first),
        tone: tone(cause),
    };
    Bars {
        name: "How many seeds found each cause.".to_owned(),
        logarithmic: false,
        columns: ["cause", "found by", "first"].map(str::to_owned),
        bars: groups.iter().map(bar).collect(),
    }
}

fn fold(heading: &Heading, (cause, group): &(&Cause, &Group), album: &mut Album) -> Fold {
    let subject = &heading.subject;
    let replay = subject.replay(group.simplest);
    let mut commands = vec![Command { what: "Replay it:".to_owned(), line: replay.clone() }];
    if cause.found.iter().any(|kind| SHRINKABLE.contains(kind)) {
        commands.push(Command { what: "Make it small:".to_owned(), line: subject.shrink(group.simplest) });
    }
    let label = format!("seed {}", group.simplest);
    let run = match cause.found.contains(&Kind::Panic) {
        true => Drawn { label, picture: None, note: "A run that panics cannot be drawn.".to_owned() },
        false => drawn(subject, cause, group.simplest, &label, &replay, album),
    };
    Fold {
        title: format!("{}: {}", cause_text(cause), group_text(group)),
        tone: tone(cause),
        blocks: vec![
            Block::text(format!(
                "Seed {} is the simplest of them: the fewest kinds of fault, then the fewest events.",
                group.simplest
            )),
            Block::Commands { commands },
            Block::Runs { runs: vec![run] },
        ],
    }
}

fn drawn(subject: &Subject, cause: &Cause, seed: u64, label: &str, replay: &str, album: &mut Album) -> Drawn {
    let setup = Arc::new(subject.setup(seed));
    album.add(label, &beside_reads(cause, &setup), &setup, &format!("{replay} --html seed-{seed}.html"))
}

/// What a run shows that the diagram of leases and reads does not say.
fn beside_reads(cause: &Cause, setup: &Arc<Setup>) -> String {
    let told = |kind: &Kind| kind.is_stall() || matches!(kind, Kind::BrokenInvariant | Kind::NobodyLed);
    if !cause.found.iter().any(told) {
        return String::new();
    }
    let outcome = run(setup);
    let mut sentences: Vec<String> =
        stalled(setup, &outcome).map(|stall| stall.sentence()).into_iter().collect();
    if let Some(broken) = outcome.broken.first() {
        let node = describe::node(setup, broken.node);
        sentences.push(format!(
            "At {} on {node} an invariant is broken, {}: {}.",
            instant(broken.at),
            broken.invariant,
            broken.detail
        ));
    }
    if cause.found.contains(&Kind::NobodyLed) {
        sentences.push("Nothing keeps the cluster from it, and yet no node ever led.".to_owned());
    }
    sentences.join(" ")
}
