//! "Am I safe with my numbers?": for people and for machines.

use comfy_table::{CellAlignment, Table};
use leasehold::lease::LeaseForm;
use leasehold::time::Span;
use serde_json::{Value, json};

use crate::advise::{Advice, Answer, Hazard, Settings, Survived};
use leasehold_run::display::{rate, signed_span};
use leasehold_run::report::Style;
use leasehold_run::scenario::UnitKind;
use leasehold_run::setup::StampSource;
use leasehold_run::study::Safety;

/// What a report is about.
#[derive(Debug)]
pub struct AdviceSubject<'a> {
    /// What was asked.
    pub settings: &'a Settings,
    /// The answer.
    pub advice: &'a Advice,
    /// What else the user should know, such as how another system's options were understood.
    pub remarks: &'a [String],
    /// The command that says this again, with `sim` and without `-o`.
    pub command: &'a str,
}

/// The report for people.
pub fn advice_text(subject: &AdviceSubject<'_>, style: Style) -> String {
    let AdviceSubject { settings, advice, remarks, .. } = *subject;
    let mut lines = setting(settings, style);
    for remark in remarks {
        lines.extend(style.wrapped("  ", remark));
    }
    lines.push(String::new());
    if let Some(broken) = &advice.broken_rule {
        lines.extend(style.wrapped("  ", &format!("{}. No lease is safe with this rule.", broken.what)));
        let shown = match broken.stale {
            0 => "it breaks an invariant of the proof".to_owned(),
            1 => "1 stale read".to_owned(),
            stale => format!("{stale} stale reads"),
        };
        let lengths = if broken.own_lengths { "your lengths" } else { "lengths of its own" };
        lines.extend(
            style.wrapped("  ", &format!("A scenario with {lengths} shows it: {}; {shown}.", broken.title)),
        );
        lines.extend([String::new(), format!("  see it with:  {}", broken.command), String::new()]);
        lines.push(style.bad(&format!("✗ NOT SAFE: the rule {} is broken", broken.name)));
        lines.push(String::new());
        return lines.join("\n");
    }
    lines.push(table(advice, style));
    lines.push(String::new());
    lines.extend(lengths(subject, style));
    lines.push(String::new());
    lines.extend(verdict(subject, style));
    lines.push(String::new());
    lines.join("\n")
}

pub(super) fn setting(settings: &Settings, style: Style) -> Vec<String> {
    let served = settings.lease.as_nanos().saturating_sub(settings.max_clock_skew.as_nanos());
    let (form, clocks) = match (settings.form, settings.stamp) {
        (LeaseForm::Elapsed, StampSource::Both) => ("elapsed", "on raw and boottime clocks"),
        (LeaseForm::Elapsed, StampSource::Raw) => ("elapsed", "on the raw clock alone"),
        (LeaseForm::Elapsed, StampSource::Boot) => ("elapsed", "on the boottime clock alone"),
        (LeaseForm::Elapsed, StampSource::Wall) => ("elapsed", "on the wall clock"),
        (LeaseForm::Deadline, _) => ("deadline", "on wall clocks"),
    };
    let mut lines = vec![style.strong("Am I safe with my numbers?")];
    lines.extend(style.wrapped(
        "  ",
        &format!(
            "election timeout T {}, lease D {}, skew s {}: a leader answers reads by itself for D - s = {}, measured {clocks} \
             ({form} form); {} voters; rules: {}",
            settings.election_timeout,
            settings.lease,
            settings.max_clock_skew,
            Span::nanos(served),
            settings.voters,
            settings.rules
        ),
    ));
    lines
}

/// What a hazard is, in a few words.
pub(super) fn name(hazard: Hazard) -> &'static str {
    match hazard {
        Hazard::Drift => "clock rates are wrong by",
        Hazard::Pause => "a process stops for (GC)",
        Hazard::HypervisorPause => "a hypervisor stops a machine",
        Hazard::Suspend => "a machine is suspended for",
        Hazard::WallClock => "wall clocks are wrong by",
        Hazard::Restart => "voters restart",
    }
}

/// A value of a hazard, as people read it.
pub(super) fn shown(hazard: Hazard, value: i128) -> String {
    match hazard.unit() {
        UnitKind::Rate => rate(i64::try_from(value).unwrap_or(i64::MAX)).trim_start_matches('+').to_owned(),
        UnitKind::Span | UnitKind::Number | UnitKind::Ratio => {
            signed_span(value).trim_start_matches('+').to_owned()
        }
    }
}

pub(super) fn amount(hazard: Hazard, survived: Survived) -> String {
    match survived {
        Survived::Any => "any".to_owned(),
        Survived::UpTo(most) => shown(hazard, most),
        Survived::Nothing => "none".to_owned(),
        Survived::NotKnown(_) => "not known".to_owned(),
    }
}

fn table(advice: &Advice, style: Style) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["hazard", "yours", "survived", "with the others", ""]);
    for answer in &advice.answers {
        table.add_row([
            name(answer.hazard).to_owned(),
            answer.given.map_or("-".to_owned(), |given| shown(answer.hazard, given)),
            amount(answer.hazard, answer.alone),
            if answer.together == answer.alone {
                "the same".to_owned()
            } else {
                amount(answer.hazard, answer.together)
            },
            judged(answer).1.to_owned(),
        ]);
    }
    for column in 1..4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = table.to_string();
    let mut lines: Vec<String> = text.lines().map(|line| format!(" {}", line.trim_end())).collect();
    for (line, answer) in lines.iter_mut().skip(1).zip(&advice.answers) {
        let (_, words) = judged(answer);
        if let (Some(at), false) = (line.rfind(words), words.is_empty()) {
            let painted = match judged(answer).0 {
                Safety::Safe => style.good(words),
                Safety::NotSafe | Safety::Stale => style.bad(words),
                Safety::NotKnown => style.doubtful(words),
            };
            line.replace_range(at.., &painted);
        }
    }
    lines.join("\n")
}

/// What a row comes to, in a word and in words.
pub(super) fn judged(answer: &Answer) -> (Safety, &'static str) {
    match (answer.given, answer.together) {
        (None, Survived::UpTo(_)) => (Safety::NotKnown, "? check yours"),
        _ if answer.harmful_alone() => (Safety::NotSafe, "✗ NOT SAFE"),
        _ if answer.harmful() => (Safety::NotSafe, "✗ NOT SAFE with the others"),
        (_, Survived::NotKnown(_)) => (Safety::NotKnown, "? not known"),
        (_, Survived::Any) => (Safety::Safe, "✓ harmless"),
        (Some(_), _) => (Safety::Safe, "✓ harmless"),
        (None, Survived::Nothing) => (Safety::NotSafe, "✗ NOT SAFE"),
    }
}

pub(super) fn lengths(subject: &AdviceSubject<'_>, style: Style) -> Vec<String> {
    let AdviceSubject { settings, advice, .. } = *subject;
    let mut lines = Vec::new();
    let mut line = |name: &str, text: String| {
        let indent = " ".repeat(12);
        let mut wrapped = style.wrapped(&indent, &text);
        wrapped[0] = format!("  {} {}", style.faint(&format!("{name:<9}")), wrapped[0].trim_start());
        lines.extend(wrapped);
    };
    let (timeout, lease, skew) = (settings.election_timeout, settings.lease, settings.max_clock_skew);
    if let Some(first) = advice.first_to_break() {
        let (what, most) = (first.hazard.word(), amount(first.hazard, first.together));
        line("first", format!("what breaks first is {what}: beyond {most} a read can be stale"));
    }
    match advice.largest_lease {
        Some(largest) => {
            line("lease", format!("with T {timeout} and s {skew}, D may be up to {largest}"));
        }
        None => line("lease", format!("with T {timeout} and s {skew}, no lease is safe against all of this")),
    }
    match advice.least_timeout {
        Some(least) => line("timeout", format!("with D {lease} and s {skew}, T must be {least} or more")),
        None => line("timeout", format!("with D {lease} and s {skew}, no T that was tried is enough")),
    }
    let served = lease.as_nanos().saturating_sub(skew.as_nanos());
    let needed = settings.heartbeat.unwrap_or(advice.heartbeat).as_nanos() + settings.round_trip.as_nanos();
    match settings.heartbeat {
        Some(heartbeat) if needed >= served => line(
            "heartbeat",
            format!(
                "{heartbeat} and a round trip of {} are not shorter than D - s = {}: the lease ends between two rounds. \
                 Use {}",
                settings.round_trip,
                Span::nanos(served),
                advice.heartbeat
            ),
        ),
        Some(heartbeat) => line("heartbeat", format!("{heartbeat} keeps a lease of {}", Span::nanos(served))),
        None => line(
            "heartbeat",
            format!(
                "{} fits; add up to {} at random to T, so that votes are not split",
                advice.heartbeat, advice.jitter
            ),
        ),
    }
    lines
}

pub(super) fn verdict(subject: &AdviceSubject<'_>, style: Style) -> Vec<String> {
    let AdviceSubject { advice, command, .. } = *subject;
    let mut lines = Vec::new();
    let harmful: Vec<&Answer> = advice.answers.iter().filter(|answer| answer.harmful()).collect();
    let what: Vec<String> = harmful
        .iter()
        .map(|answer| {
            let (yours, most) = (answer.given, amount(answer.hazard, answer.together));
            let yours = yours.map_or(String::new(), |given| format!(" of {}", shown(answer.hazard, given)));
            format!("{}{yours} (survived: {most})", answer.hazard.word())
        })
        .collect();
    let open: Vec<String> = advice
        .answers
        .iter()
        .filter(|answer| answer.given.is_none())
        .filter_map(|answer| match answer.together {
            Survived::UpTo(most) => {
                Some(format!("{} up to {}", answer.hazard.word(), shown(answer.hazard, most)))
            }
            Survived::Any | Survived::Nothing | Survived::NotKnown(_) => None,
        })
        .collect();
    match advice.safety {
        Safety::Safe => {
            let how = match advice.slack_ns {
                Some(slack) => format!("{} of slack", shown(Hazard::Pause, slack)),
                None => "there is no lease, and every read asks a quorum".to_owned(),
            };
            lines.push(style.good(&format!("✓ SAFE: {how}")));
            if !open.is_empty() {
                lines.extend(
                    style.wrapped("  ", &format!("This holds for {}: check yours.", open.join(" and "))),
                );
            }
        }
        Safety::NotSafe | Safety::Stale => {
            let what = match advice.unsafe_by_itself() {
                true => vec!["a read can be stale even with perfect clocks".to_owned()],
                false => what,
            };
            let reasons: Vec<String> = advice.why.iter().cloned().chain(what).collect();
            let reasons =
                if reasons.is_empty() { "all of this together".to_owned() } else { reasons.join("; ") };
            lines.push(style.bad(&format!("✗ NOT SAFE: {reasons}")));
        }
        Safety::NotKnown => {
            let why = advice.why.as_deref().unwrap_or("theory does not cover this");
            lines.push(style.doubtful(&format!("? NOT KNOWN: {why}")));
        }
    }
    if advice.first_to_break().is_some() {
        lines.push(format!("  see it with:  {command} -o worst.toml && sim run worst.toml"));
    }
    lines
}

/// The report for machines. Lengths are ns, rates ppb.
pub fn advice_json(subject: &AdviceSubject<'_>) -> Value {
    let AdviceSubject { settings, advice, remarks, command } = *subject;
    let number = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
    let survived = |hazard: Hazard, found: Survived| match found {
        Survived::Any => json!({ "limit": "none" }),
        Survived::UpTo(most) => json!({ "limit": number(most), "text": shown(hazard, most) }),
        Survived::Nothing => json!({ "limit": 0, "text": "none" }),
        Survived::NotKnown(why) => json!({ "limit": "not-known", "why": why }),
    };
    let unit = |hazard: Hazard| match hazard.unit() {
        UnitKind::Rate => "ppb",
        UnitKind::Span | UnitKind::Number | UnitKind::Ratio => "ns",
    };
    let hazards: Vec<Value> = advice
        .answers
        .iter()
        .map(|answer| {
            json!({
                "hazard": answer.hazard.word(),
                "unit": unit(answer.hazard),
                "given": answer.given.map(number),
                "survived": survived(answer.hazard, answer.alone),
                "survived_with_others": survived(answer.hazard, answer.together),
                "safety": judged(answer).0.word(),
            })
        })
        .collect();
    let form = match settings.form {
        LeaseForm::Elapsed => "elapsed",
        LeaseForm::Deadline => "deadline",
    };
    json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "election_timeout_ns": settings.election_timeout.as_nanos(),
        "lease_ns": settings.lease.as_nanos(),
        "max_clock_skew_ns": settings.max_clock_skew.as_nanos(),
        "form": form,
        "voters": settings.voters,
        "rules": settings.rules,
        "remarks": remarks,
        "broken_rule": advice.broken_rule.as_ref().map(|broken| json!({
            "what": broken.what,
            "title": broken.title,
            "stale_reads": broken.stale,
            "own_lengths": broken.own_lengths,
            "command": broken.command,
        })),
        "hazards": hazards,
        "first_to_break": advice.first_to_break().map(|answer| answer.hazard.word()),
        "largest_lease_ns": advice.largest_lease.map(Span::as_nanos),
        "least_election_timeout_ns": advice.least_timeout.map(Span::as_nanos),
        "heartbeat_ns": advice.heartbeat.as_nanos(),
        "election_jitter_ns": advice.jitter.as_nanos(),
        "slack_ns": advice.slack_ns.map(number),
        "safety": advice.safety.word(),
        "why": advice.why,
        "command": command,
    })
}
