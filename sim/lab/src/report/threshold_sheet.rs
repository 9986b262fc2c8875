//! The page of a threshold: the boundary, the curve on both sides of it, and the run just beyond.

use super::measured::{MeasuredSubject, side_words};
use super::threshold::{ThresholdSubject, certificate, remarks, story, value};
use crate::threshold::curve::{Point, curve, evenly, near};
use crate::threshold::{Edge, Search, Side, Verdict};
use leasehold_run::display::signed_span;
use leasehold_run::picture::{Card, Ns};
use leasehold_run::scenario::Knob;
use leasehold_run::sheet::{
    Album, Axis, Block, Border, Command, Curve, Fact, Part, Series, Sheet, Table, Tone, Value,
};
use leasehold_run::theory::bound::formula;

/// Values of the whole range that are looked at for the curve.
const WHOLE_STEPS: i128 = 32;
/// And near the boundary.
const NEAR_STEPS: i128 = 20;

/// The page.
pub fn threshold_sheet(subject: &ThresholdSubject<'_>) -> Sheet {
    let ThresholdSubject { knob, found, .. } = *subject;
    let keys = knob.keys().join(", ");
    let range = found.range;
    let edge = match found.adversary {
        Search::Found(edge) => Some(edge),
        Search::None { .. } | Search::Mixed { .. } => None,
    };
    let mut album = Album::default();
    let mut parts = vec![curve_part(
        "Margin and staleness over the whole range",
        knob,
        &curve(knob, &evenly(range.from, range.to, WHOLE_STEPS)),
        edge,
    )];
    if let Some(edge) = edge {
        let points = curve(knob, &near(range, edge.stale, edge.clean, NEAR_STEPS));
        parts.push(curve_part("Near the boundary", knob, &points, Some(edge)));
    }
    parts.push(Part::new("Who says so", who(subject)));
    if let Some(harm) = found.stale.as_ref().filter(|harm| harm.stale > 0) {
        let at = knob.show(edge.map_or(range.to, |edge| edge.stale));
        let note = format!(
            "The most harmful run at {at}. All delays are the least of their ranges, and everything happens at the worst \
             instant: {}.",
            story(harm).join("; ")
        );
        let command =
            format!("{} --certificate stale.toml && sim run stale.toml --html run.html", subject.command);
        let title =
            if edge.is_some() { "The run just beyond the boundary" } else { "A run with a stale read" };
        let mut blocks = vec![Block::Runs { runs: vec![album.add(&at, &note, &harm.setup, &command)] }];
        if let Some(text) = certificate(subject) {
            blocks.push(Block::Code { name: "stale.toml: this run as a scenario".to_owned(), text });
        }
        parts.push(Part::new(title, blocks));
    }
    parts.push(again(subject.command));
    let (tone, word, sentence) = verdict(subject, &keys);
    Sheet {
        asked: format!(
            "{}: {}. {keys} from {} to {}",
            subject.file,
            subject.title,
            knob.show(range.from),
            knob.show(range.to)
        ),
        tone,
        word,
        sentence,
        cards: cards(subject, edge),
        parts,
        foot: format!(
            "sim {}, threshold to within {}",
            env!("CARGO_PKG_VERSION"),
            knob.show(range.tolerance)
        ),
    }
}

fn verdict(subject: &ThresholdSubject<'_>, keys: &str) -> (Tone, String, String) {
    let ThresholdSubject { knob, found, .. } = *subject;
    let range = format!("from {} to {}", knob.show(found.range.from), knob.show(found.range.to));
    let word = |word: &str| word.to_owned();
    match (found.verdict(), found.adversary) {
        (Verdict::Apart, _) => (
            Tone::Bad,
            word("A bug of ours."),
            format!("Our own answers about {keys} contradict each other; one of them is wrong."),
        ),
        (_, Search::Found(edge)) => {
            let (from, on) = if edge.side() == Side::Above { ("from", " on") } else { ("up to", "") };
            let agree = if found.theory.is_ok() {
                "Theory and adversary agree."
            } else {
                "Theory has no say here; this is the adversary's value."
            };
            (
                Tone::Plain,
                format!("Stale reads exist {from} {keys} = {}{on}.", knob.show(edge.stale)),
                format!("At {} there is none. {agree}", knob.show(edge.clean)),
            )
        }
        (_, Search::None { stale: true }) => {
            (Tone::Bad, word("Stale reads exist throughout."), format!("{keys} {range} has no safe end."))
        }
        (_, Search::None { stale: false }) => {
            (Tone::Good, word("No stale read exists."), format!("No value of {keys} {range} has one."))
        }
        (_, Search::Mixed { at }) => (
            Tone::Doubtful,
            word("There is no one boundary."),
            format!("Stale and clean values of {keys} alternate {range}; see {}.", knob.show(at)),
        ),
    }
}

fn cards(subject: &ThresholdSubject<'_>, edge: Option<Edge>) -> Vec<Card> {
    let ThresholdSubject { knob, found, .. } = *subject;
    let Some(edge) = edge else { return Vec::new() };
    let margin = |harm: &Option<crate::adversary::Harm>| {
        harm.as_ref().map_or("nobody can be elected inside a lease".to_owned(), |harm| {
            format!("the most harmful run has a margin of {}", signed_span(i128::from(harm.margin)))
        })
    };
    let card = |question: &str, answer: String, evidence: String| Card {
        question: question.to_owned(),
        answer,
        evidence: vec![evidence],
    };
    let formula = match (&found.bound, &found.stale) {
        (Some(bound), Some(harm)) => formula(&harm.setup, &bound.attack).join(" "),
        _ => String::new(),
    };
    let theory = match &found.theory {
        Ok(search) => card("What does arithmetic say?", value(knob, search), formula),
        Err(why) => card("What does arithmetic say?", "nothing".to_owned(), (*why).to_owned()),
    };
    vec![
        card("What is still harmless?", knob.show(edge.clean), format!("There {}.", margin(&found.clean))),
        card("Where does it break?", knob.show(edge.stale), format!("There {}.", margin(&found.stale))),
        theory,
    ]
}

fn who(subject: &ThresholdSubject<'_>) -> Vec<Block> {
    let rows = remarks(subject).into_iter().map(|(who, value, remark)| vec![who, value, remark]).collect();
    let columns = ["who", "value", "how"].map(str::to_owned).to_vec();
    vec![
        Block::Table(Table { name: "who says where the boundary is".to_owned(), columns, rows }),
        Block::text(
            "Arithmetic runs nothing. The adversary knows no formula: it plays runs and looks for a stale read. Seeds play the \
             scenario as it is written, and chance finds less.",
        ),
    ]
}

pub(super) fn again(command: &str) -> Part {
    let commands = vec![Command { what: "This finds it again.".to_owned(), line: command.to_owned() }];
    Part::new("Run it again", vec![Block::Commands { commands }])
}

fn curve_part(title: &str, knob: &Knob, points: &[Point], edge: Option<Edge>) -> Part {
    let keys = knob.keys().join(", ");
    let span = |ns: i128| Some(Ns::signed(ns));
    let series = |name: &str, style: &str, of: &dyn Fn(&Point) -> Option<i128>| Series {
        name: name.to_owned(),
        style: style.to_owned(),
        points: points.iter().map(|point| of(point).and_then(span)).collect(),
    };
    let mut lines = vec![
        series("margin of the most harmful run", "measured", &|point| {
            point.margin.filter(|margin| *margin > i64::MIN).map(i128::from)
        }),
        series("staleness: how long a newer value can have been known", "staleness", &|point| {
            Some(i128::from(point.staleness))
        }),
    ];
    if points.iter().any(|point| point.left.is_some()) {
        lines.push(series("arithmetic: what is left before a read can be stale", "theory", &|point| {
            point.left
        }));
    }
    let curve = Curve {
        name: format!("The margin and the longest staleness for {keys}."),
        x: Axis::of(&keys, knob.unit()),
        y: Axis::of_time("time"),
        values: points.iter().map(|point| point_value(knob, point)).collect(),
        lines,
        border: edge.map(|edge| border(knob, edge)),
    };
    Part::new(title, vec![Block::Curve(curve)])
}

fn point_value(knob: &Knob, point: &Point) -> Value {
    let what = match (point.stale, point.margin) {
        (true, _) => "a stale read",
        (false, Some(_)) => "no stale read",
        (false, None) => "nobody can be elected inside a lease",
    };
    Value {
        at: Ns::signed(point.value),
        text: knob.show(point.value),
        bad: point.stale,
        what: what.to_owned(),
    }
}

fn border(knob: &Knob, edge: Edge) -> Border {
    Border { at: Ns::signed(edge.stale), above: edge.side() == Side::Above, text: knob.show(edge.stale) }
}

/// The page of a guest's threshold: what seeds showed at every value that was looked at.
pub fn measured_sheet(subject: &MeasuredSubject<'_>) -> Sheet {
    let MeasuredSubject { knob, found, .. } = *subject;
    let keys = knob.keys().join(", ");
    let edge = match found.possible.as_ref().unwrap_or(&found.stale) {
        Search::Found(edge) => Some(*edge),
        Search::None { .. } | Search::Mixed { .. } => None,
    };
    let values = found.shown.iter().map(|(at, shown)| Value {
        at: Ns::signed(*at),
        text: knob.show(*at),
        bad: shown.stale_seeds > 0,
        what: side_words(shown),
    });
    let margins = found.shown.values().map(|shown| {
        shown
            .margin
            .filter(|(margin, _)| *margin > i64::MIN)
            .map(|(margin, _)| Ns::signed(i128::from(margin)))
    });
    let curve = Curve {
        name: format!("The smallest margin of the guest's runs for {keys}."),
        x: Axis::of(&keys, knob.unit()),
        y: Axis::of_time("smallest margin"),
        values: values.collect(),
        lines: vec![Series {
            name: format!("smallest margin of {} seeds", found.seeds),
            style: "measured".to_owned(),
            points: margins.collect(),
        }],
        border: edge.map(|edge| border(knob, edge)),
    };
    let (tone, word) = match edge {
        Some(edge) => (Tone::Plain, format!("Stale reads are possible from {} on.", knob.show(edge.stale))),
        None => (Tone::Doubtful, "No boundary was found.".to_owned()),
    };
    Sheet {
        asked: format!("{}: {}. guest: {}", subject.file, subject.title, subject.guest),
        tone,
        word,
        sentence: format!(
            "Measured with {} seeds at each value; arithmetic does not know a guest's rules.",
            found.seeds
        ),
        parts: vec![
            Part::new("What seeds showed", vec![Block::Curve(curve)]),
            Part::new(
                "Where it begins",
                vec![Block::Facts {
                    facts: vec![
                        Fact::new("a stale read", value(knob, &found.stale)),
                        Fact::new(
                            "a negative margin",
                            found.possible.as_ref().map_or(
                                "not known: the guest tells no `lease-renewed` or no `leader-ready`"
                                    .to_owned(),
                                |possible| value(knob, possible),
                            ),
                        ),
                    ],
                }],
            ),
        ],
        foot: format!("sim {}, to within {}", env!("CARGO_PKG_VERSION"), knob.show(found.range.tolerance)),
        ..Sheet::default()
    }
}
