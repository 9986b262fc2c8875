//! The page of an estimate: the levels on the way to the event, the estimate with its interval, and a run that has it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::probability::{DOUBTFUL, ProbabilitySubject, doubts, number, plain_text, splitting};
use super::threshold_sheet::again;
use crate::probability::{LEVELS, Mean, Rare, first_seen};
use crate::swarm::interval;
use crate::threshold::most_harm;
use leasehold_run::display::count;
use leasehold_run::report::Style;
use leasehold_run::setup::Setup;
use leasehold_run::sheet::{Album, Bar, Bars, Block, Drawn, Fact, Part, Sheet, Tone};

/// So many plain seeds are tried for a run to draw.
const TRIED_MAX: u64 = 2_000;

/// The page. `setup` is what was asked about, `file` its scenario with what chooses in it, quoted.
pub fn probability_sheet(subject: &ProbabilitySubject<'_>, setup: &Arc<Setup>, file: &str) -> Sheet {
    let ProbabilitySubject { asked, found, .. } = *subject;
    let what = match asked.rare {
        Rare::StaleRead => "a stale read",
        Rare::NegativeMargin => "a negative margin",
    };
    let Mean { value, relative_error, high, .. } = found.probability;
    let (tone, word) = match found.seen_in {
        0 => (Tone::Doubtful, format!("Not seen: below {}.", number(high))),
        _ if relative_error > DOUBTFUL => (Tone::Doubtful, format!("About {}.", number(value))),
        _ => (Tone::Plain, format!("{}.", number(value))),
    };
    let mut facts = vec![Fact::new("splitting", splitting(found))];
    facts.extend(subject.plain.map(|plain| Fact::new("plain seeds", plain_text(plain))));
    let mut estimate = vec![Block::Bars(estimates(subject)), Block::Facts { facts }];
    estimate.extend(
        doubts(subject, Style::PLAIN).into_iter().map(|text| Block::Text { text, tone: Tone::Doubtful }),
    );
    let runs = drawn(subject, setup, file);
    Sheet {
        asked: format!("{}: the probability of {what}, in one run", subject.title),
        tone,
        word,
        sentence: format!("This is the probability of {what} in one run."),
        parts: vec![
            Part::new("The estimate", estimate),
            Part::new(
                "The levels on the way to it",
                vec![
                    Block::Bars(levels(subject)),
                    Block::text(
                        "Each level is a step that has to happen while the old leader's lease runs. Where a bar is much shorter \
                         than the one above it, luck is needed.",
                    ),
                ],
            ),
            Part::new("A run that has it", vec![Block::Runs { runs: vec![runs] }]),
            again(subject.command),
        ],
        foot: format!(
            "sim {}: {} replications of {} particles, {} runs, {} events",
            env!("CARGO_PKG_VERSION"),
            count(found.replications as u64),
            count(u64::from(asked.particles)),
            count(found.runs),
            count(found.events)
        ),
        ..Sheet::default()
    }
}

/// Splitting and plain seeds, each with its interval.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a figure for people")]
fn estimates(subject: &ProbabilitySubject<'_>) -> Bars {
    let Mean { value, low, high, .. } = subject.found.probability;
    let bar = |label: &str, value: f64, low: f64, high: f64, seen: bool| Bar {
        label: label.to_owned(),
        value: if seen { value } else { 0.0 },
        range: Some([if seen { low } else { 0.0 }, high]),
        text: if seen { number(value) } else { format!("not seen, below {}", number(high)) },
        remark: format!("95 %: {} to {}", if seen { number(low) } else { "0".to_owned() }, number(high)),
        tone: if seen { Tone::Plain } else { Tone::Doubtful },
    };
    let mut bars = vec![bar("splitting", value, low, high, subject.found.seen_in > 0)];
    bars.extend(subject.plain.filter(|plain| plain.seeds > 0).map(|plain| {
        let (low, high) = interval(plain.seen, plain.seeds);
        bar("plain seeds", plain.seen as f64 / plain.seeds as f64, low, high, plain.seen > 0)
    }));
    Bars {
        name: "The estimate, with its 95 % interval.".to_owned(),
        logarithmic: true,
        columns: ["by", "probability", "interval"].map(str::to_owned),
        bars,
    }
}

#[allow(clippy::float_arithmetic, reason = "a figure for people")]
fn levels(subject: &ProbabilitySubject<'_>) -> Bars {
    let found = subject.found;
    let mut bars = Vec::new();
    let mut before = 1.0;
    for (place, (level, reached)) in LEVELS.iter().zip(&found.levels).enumerate() {
        // What comes after a negative margin is a client's.
        if subject.asked.rare == Rare::NegativeMargin && (9..=10).contains(&place) {
            continue;
        }
        let of_these =
            if before > 0.0 { format!("{:.2e} of those above", reached / before) } else { String::new() };
        bars.push(Bar {
            label: (*level).to_owned(),
            value: *reached,
            text: number(*reached),
            remark: if place == 0 { String::new() } else { of_these },
            ..Bar::default()
        });
        before = *reached;
    }
    Bars {
        name: "How probable it is to come as far as each level.".to_owned(),
        logarithmic: true,
        columns: ["level", "probability", "of the level above"].map(str::to_owned),
        bars,
    }
}

/// A run with the event. One that chance shows, if some of the first seeds have it: it is as likely as any other. Otherwise
/// the most harmful run.
#[allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "how many seeds are worth a try; below the limit, and not negative"
)]
fn drawn(subject: &ProbabilitySubject<'_>, setup: &Arc<Setup>, file: &str) -> Drawn {
    let found = subject.found;
    let mut album = Album::default();
    // Three times as many as one is expected in.
    let wanted = 3.0 / found.probability.value.max(f64::MIN_POSITIVE);
    let tried = if wanted <= TRIED_MAX as f64 { wanted as u64 + 1 } else { 0 };
    if found.seen_in > 0
        && let Some(seed) = first_seen(setup, subject.asked.rare, 0..tried, &AtomicBool::new(false))
    {
        let shown = Arc::new(Setup { seed, ..Setup::clone(setup) });
        let note = format!(
            "Seed {seed} is the first that has it, counted from the scenario's own: chance makes this one as likely as any other."
        );
        return album.add(
            &format!("seed {seed}"),
            &note,
            &shown,
            &format!("sim run {file} --seed {seed} --html run.html"),
        );
    }
    match most_harm(setup) {
        Ok(Some(harm)) if harm.stale > 0 => album.add(
            "the most harmful run",
            "It is too rare to be met by plain seeds. This is the most harmful run: every delay is the least, and everything \
             happens at the worst instant. It is possible, and not likely.",
            &harm.setup,
            subject.command,
        ),
        Ok(_) => missing("No run is known that has it: the adversary finds none."),
        Err(why) => missing(&format!("No run is drawn: plain seeds do not meet it, and the adversary has no say: {why}.")),
    }
}

fn missing(note: &str) -> Drawn {
    Drawn { label: "no run".to_owned(), picture: None, note: note.to_owned() }
}
