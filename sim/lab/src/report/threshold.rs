//! What is known about a threshold: for people, for machines, and as a scenario file that replays it.

use leasehold::time::Span;
use serde_json::{Value, json};

use crate::adversary::Harm;
use crate::threshold::{Edge, Search, Side, Threshold, Verdict};
use leasehold_run::attack::Attack;
use leasehold_run::display::{count, instant, signed_span};
use leasehold_run::report::Style;
use leasehold_run::scenario::{Knob, Written};
use leasehold_run::theory::bound::formula;

/// What a report is about, beside its result.
#[derive(Debug)]
pub struct ThresholdSubject<'a> {
    /// The scenario file, as the user named it.
    pub file: &'a str,
    /// The scenario's title.
    pub title: &'a str,
    /// What was varied.
    pub knob: &'a Knob,
    /// What was found.
    pub found: &'a Threshold,
    /// The command that finds it again, quoted for a shell.
    pub command: &'a str,
}

/// The report for people.
pub fn threshold_text(subject: &ThresholdSubject<'_>, style: Style) -> String {
    let ThresholdSubject { knob, found, .. } = *subject;
    let keys = knob.keys().join(", ");
    let (from, to) = (knob.show(found.range.from), knob.show(found.range.to));
    let side = match found.adversary {
        Search::Found(edge) if edge.side() == Side::Below => "largest",
        _ => "smallest",
    };
    let mut lines = vec![
        style.strong(subject.title),
        format!("the {side} {keys} from {from} to {to} at which a stale read exists"),
        String::new(),
    ];
    lines.extend(remarks(subject).iter().map(|(who, value, remark)| row(who, value, remark)));
    lines.push(String::new());
    if let (Ok(_), Some(bound), Some(harm)) = (&found.theory, &found.bound, &found.stale) {
        lines.extend(formula(&harm.setup, &bound.attack));
        lines.push(String::new());
    }
    lines.extend(sides(subject));
    lines.push(conclusion(found, style));
    lines.push(String::new());
    lines.join("\n")
}

/// Who says where it is, what they say, and how they know.
pub(super) fn remarks(subject: &ThresholdSubject<'_>) -> Vec<(String, String, String)> {
    let ThresholdSubject { knob, found, .. } = *subject;
    let tolerance = knob.show(found.range.tolerance);
    let (theory, remark) = match &found.theory {
        Ok(search) => (value(knob, search), "arithmetic, exact".to_owned()),
        Err(why) => ("-".to_owned(), format!("not covered: {why}")),
    };
    let apart = found.apart().map_or(String::new(), |apart| format!("; from theory by {}", knob.show(apart)));
    let adversary = (value(knob, &found.adversary), format!("to within {tolerance}{apart}"));
    let mut said =
        vec![("theory".to_owned(), theory, remark), ("adversary".to_owned(), adversary.0, adversary.1)];
    if let Some((seeds, search)) = &found.seeds {
        let remark = "the scenario as it is written; chance finds less".to_owned();
        said.push((format!("{} seeds", count(*seeds)), value(knob, search), remark));
    }
    said
}

pub(super) fn row(who: &str, value: &str, remark: &str) -> String {
    format!("  {who:<11}{value:<18}{remark}")
}

pub(super) fn value(knob: &Knob, search: &Search) -> String {
    match search {
        Search::Found(edge) => knob.show(edge.stale),
        Search::None { stale: true } => "stale throughout".to_owned(),
        Search::None { stale: false } => "none".to_owned(),
        Search::Mixed { at } => format!("no one: see {}", knob.show(*at)),
    }
}

/// The certificate: what happens on both sides.
fn sides(subject: &ThresholdSubject<'_>) -> Vec<String> {
    let ThresholdSubject { knob, found, .. } = *subject;
    let Edge { stale, clean } = match found.adversary {
        Search::Found(edge) => edge,
        _ => Edge { stale: found.range.to, clean: found.range.from },
    };
    let mut lines = Vec::new();
    for (at, harm) in [(stale, &found.stale), (clean, &found.clean)] {
        let at = knob.show(at);
        lines.push(match harm {
            None => format!("at {at}: nobody can be elected inside a lease"),
            Some(harm) => {
                let what = if harm.stale > 0 { "a stale read" } else { "no stale read, the best margin is" };
                let what = if harm.stale > 0 { format!("{what}, margin") } else { what.to_owned() };
                format!("at {at}: {what} {}", signed_span(i128::from(harm.margin)))
            }
        });
    }
    if let Some(harm) = found.stale.as_ref().filter(|harm| harm.stale > 0) {
        lines.extend(story(harm).into_iter().map(|line| format!("  {line}")));
        lines.push(format!(
            "to replay it:  {} --certificate stale.toml && sim run stale.toml",
            subject.command
        ));
    }
    lines.push(String::new());
    lines
}

/// What happens in a run, line by line.
pub(super) fn story(harm: &Harm) -> Vec<String> {
    let name = |node: usize| harm.setup.nodes[node].name.as_str();
    let Attack { leader, challenger, voters, .. } = &harm.attack;
    let (l, c) = (name(*leader), name(*challenger));
    let v = voters.iter().map(|voter| name(*voter)).collect::<Vec<_>>().join(" and ");
    let own = voters.contains(challenger);
    let at = harm.instants;
    vec![
        match own {
            true => format!("what is not to hear {l} is cut off from it at {}", instant(at.isolated)),
            false => {
                format!("{c} is cut off from {l} at {}; nothing binds it in the end", instant(at.isolated))
            }
        },
        match voters.len() {
            1 => format!(
                "{l} sends the round that its lease rests on at {}; {v} acknowledges it",
                instant(at.round)
            ),
            _ => format!(
                "{l} sends the round that its lease rests on at {}; {v} acknowledge it",
                instant(at.round)
            ),
        },
        match harm.attack.early {
            _ if own => {
                format!("{v} may vote from {} on; {c} asks for pre-votes by itself", instant(at.free))
            }
            Some(_) => {
                format!("{v} may vote from {} on; {c}, pre-voted for already, asks it then", instant(at.free))
            }
            None => format!("{v} may vote from {} on; the pre-vote of {c} is there", instant(at.free)),
        },
        format!("the writer knows at {} that {c} has its value", instant(at.acknowledged)),
        format!("{l} is asked 1ns later, and answers from its lease"),
    ]
}

fn conclusion(found: &Threshold, style: Style) -> String {
    match found.verdict() {
        Verdict::Found if found.theory.is_ok() => style.good("theory and adversary agree"),
        Verdict::Found => style.doubtful("theory has no say here; the adversary's value stands alone"),
        Verdict::NotFound => style.doubtful("no threshold in this range, or not one alone; try another"),
        Verdict::Apart if found.beaten_by_seeds() => {
            style.bad("A BUG OF OURS: a plain seed has a stale read where the adversary finds none")
        }
        Verdict::Apart => style.bad(
            "A BUG OF OURS: theory and adversary are apart by more than the tolerance; one of them is wrong",
        ),
    }
}

/// The report for machines.
pub fn threshold_json(subject: &ThresholdSubject<'_>) -> Value {
    let ThresholdSubject { knob, found, .. } = *subject;
    let number = |value: i128| i64::try_from(value).ok();
    let search = |search: &Search| search_json(knob, search);
    let harm = |harm: &Option<Harm>| {
        harm.as_ref().map(|harm| json!({ "stale_reads": harm.stale, "margin_ns": harm.margin }))
    };
    let verdict = match found.verdict() {
        Verdict::Found => "found",
        Verdict::Apart => "apart",
        Verdict::NotFound => "not-found",
    };
    let theory = match &found.theory {
        Ok(said) => search(said),
        Err(why) => json!({ "not_covered": why }),
    };
    let formula = match (&found.bound, &found.stale) {
        (Some(bound), Some(harm)) => formula(&harm.setup, &bound.attack),
        _ => Vec::new(),
    };
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "scenario": subject.file,
        "keys": knob.keys(),
        "unit": format!("{:?}", knob.unit()).to_lowercase(),
        "from": number(found.range.from),
        "to": number(found.range.to),
        "tolerance": number(found.range.tolerance),
        "theory": theory,
        "formula": formula,
        "adversary": search(&found.adversary),
        "apart": found.apart().and_then(number),
        "seeds": found.seeds.as_ref().map(|(seeds, found)| json!({ "count": seeds, "found": search(found) })),
        "at_stale": harm(&found.stale),
        "at_clean": harm(&found.clean),
        "verdict": verdict,
    })
}

pub(super) fn search_json(knob: &Knob, search: &Search) -> Value {
    let number = |value: i128| i64::try_from(value).ok();
    match search {
        Search::Found(edge) => json!({
            "stale": number(edge.stale), "stale_text": knob.show(edge.stale),
            "clean": number(edge.clean), "clean_text": knob.show(edge.clean),
        }),
        Search::None { stale } => json!({ "none": true, "stale_throughout": stale }),
        Search::Mixed { at } => json!({ "mixed_at": number(*at) }),
    }
}

/// The run with the stale read as a scenario file; `None` if there is none.
pub fn certificate(subject: &ThresholdSubject<'_>) -> Option<String> {
    let harm = subject.found.stale.as_ref().filter(|harm| harm.stale > 0)?;
    let (Search::Found(edge), knob) = (subject.found.adversary, subject.knob) else { return None };
    let keys = knob.keys().join(", ");
    let which = if edge.side() == Side::Above { "smallest" } else { "largest" };
    let mut lines = vec![
        format!("{keys} = {}: the {which} value at which a stale read exists.", knob.show(edge.stale)),
        String::new(),
        format!("Made from {}. At {} the same schedule gives none.", subject.file, knob.show(edge.clean)),
        String::new(),
    ];
    lines.extend(story(harm).into_iter().map(|line| format!("* {line}.")));
    lines.push(String::new());
    lines.push(format!(
        "All delays are the least of their ranges; the lease is over {} after the",
        Span::nanos(harm.margin.unsigned_abs())
    ));
    lines.push("new leader could acknowledge its first write.".to_owned());
    let title = format!("a stale read at the threshold of {keys}");
    Some(Written { title: &title, story: &lines, expect: "some", setup: &harm.setup }.to_toml())
}
