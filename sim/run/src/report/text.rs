//! The report that a tired engineer reads in half a minute.

use super::blame::margin_lines;
use super::service::service_lines;
use super::story::stale_read;
use super::style::Style;
use super::table::table;
use crate::describe;
use crate::display::{count, instant, length, rate, shell_word};
use crate::explain::Explanation;
use crate::scenario::{Plan, UnitKind};
use crate::setup::Setup;
use crate::study::{Boundary, RowResult, Safety, Study, Verdict, expectation};
use crate::theory::{self, Prediction};

/// So much of what a row's disks have brought about is told.
const DISK_NEWS_MAX: usize = 4;

/// Where the text of the lines above and below the table begins.
const INDENT: usize = 12;

/// What a report is about, beside its results.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The scenario file, as the user named it.
    pub file: &'a str,
    /// What the user added on the command line, quoted for a shell, with a space in front of each.
    pub arguments: &'a str,
    /// What was to be run.
    pub plan: &'a Plan,
    /// What it showed.
    pub study: &'a Study,
    /// The first stale read of the first row that has one, and that row's place.
    pub explanation: Option<&'a (usize, Explanation)>,
}

/// The whole report.
pub fn text_report(subject: &Subject<'_>, style: Style) -> String {
    let Subject { plan, study, .. } = *subject;
    let mut lines = Vec::new();
    lines.extend(style.wrapped("", &plan.title).iter().map(|line| style.strong(line)));
    if let Some(first) = plan.rows.first() {
        lines.extend(setting(subject, &first.scenario.setup, style));
    }
    lines.push(String::new());
    lines.extend(table(plan, study, style));
    lines.push(String::new());
    lines.extend(findings(subject, style));
    if let Some((place, explanation)) = subject.explanation {
        lines.push(String::new());
        lines.extend(stale_read(subject, &study.rows[*place], explanation, style));
    }
    lines.extend(remarks(study, style));
    lines.push(String::new());
    let trace = study.trace_hash();
    lines.push(style.faint(&format!("sim {}  trace {trace:016x}", env!("CARGO_PKG_VERSION"))));
    lines.push(String::new());
    lines.extend(verdict(subject, style));
    lines.push(String::new());
    lines.join("\n")
}

/// What comes last on the screen when things are not as they should be.
pub fn failure(subject: &Subject<'_>, style: Style) -> Option<String> {
    let (headline, place) = headline(subject, style)?;
    let row = &subject.study.rows[place];
    let shrink = match row.stale > 0 || !row.broken.is_empty() {
        true => format!("\n  shrink with:  {} -o minimal.toml", command("shrink", subject, row)),
        false => String::new(),
    };
    Some(format!(
        "{headline}\n  replay with:  {}{shrink}\n  sim {} trace {:016x}\n",
        replay(subject, row),
        env!("CARGO_PKG_VERSION"),
        row.trace_hash
    ))
}

/// What is not as it should be, and the row to look at.
pub fn headline(subject: &Subject<'_>, style: Style) -> Option<(String, usize)> {
    let Subject { study, .. } = *subject;
    let rows = |places: &[usize]| {
        let labels: Vec<&str> = places.iter().map(|place| study.rows[*place].label.as_str()).collect();
        if labels == [""] { String::new() } else { format!(" at {}", some_of(&labels)) }
    };
    Some(match &study.verdict {
        Verdict::AsExpected => return None,
        Verdict::NotAsExpected(places) => (
            style.bad(&format!("NOT AS EXPECTED{}: {}", rows(places), unmet(subject.plan, study, places[0]))),
            places[0],
        ),
        Verdict::Undecided(places) => {
            (style.doubtful(&format!("UNDECIDED{}: the checker gave up", rows(places))), places[0])
        }
        Verdict::OurBug(place, what) => (
            style.bad(&format!(
                "A BUG OF OURS{}: {what}\n  please report it with the line below",
                rows(&[*place])
            )),
            *place,
        ),
    })
}

/// The rows that say what was run: scenario, setting, clocks, network, clients, faults.
pub fn setting(subject: &Subject<'_>, setup: &Setup, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, text: String| {
        // Wrapped without escape codes, which would count as width.
        let mut wrapped = style.wrapped(&" ".repeat(INDENT), &text);
        wrapped[0] = format!("  {} {}", style.faint(&format!("{name:<9}")), wrapped[0].trim_start());
        lines.extend(wrapped);
    };
    line("scenario", format!("{}, seed {}, {} of true time", subject.file, setup.seed, setup.duration));
    if let (None, [first, _, ..]) = (&subject.plan.sweep, subject.plan.rows.as_slice()) {
        line(
            "variants",
            format!("{}; the lines below are of the first: {}", subject.plan.rows.len(), first.label),
        );
    }
    line("setting", describe::setting(setup));
    if let Some(guest) = &setup.guest {
        let again = match (subject.study.diverged(), subject.study.again) {
            (Some((first, second)), _) => {
                format!(
                    "NOT deterministic: two runs of the first row have traces {first:016x} and {second:016x}"
                )
            }
            (None, Some(_)) => "two runs of the first row have the same trace hash".to_owned(),
            (None, None) => "no second run was compared".to_owned(),
        };
        line("guest", format!("{}, as {}; {again}", guest.command(), guest.host().way()));
    }
    match &subject.plan.sweep {
        Some(sweep) => line(
            "clocks",
            format!("{} (first row); swept: {}", describe::clocks(setup).join("; "), sweep.paths.join(", ")),
        ),
        None => line("clocks", describe::clocks(setup).join("; ")),
    }
    if let Some(disks) = describe::disks(setup) {
        line("disks", disks);
    }
    line("network", describe::network(setup));
    for client in &setup.clients {
        line("client", describe::client(setup, client));
    }
    for fault in &setup.faults {
        line("fault", describe::fault(setup, fault));
    }
    lines
}

/// The last line: what it all comes to.
pub fn verdict(subject: &Subject<'_>, style: Style) -> Vec<String> {
    let Subject { plan, study, .. } = *subject;
    let (paint, verdict): (fn(Style, &str) -> String, String) = match &study.verdict {
        _ if study.interrupted => (
            Style::doubtful,
            format!(
                "interrupted: {} of {} rows were done; nothing is said of the others",
                study.rows.len(),
                study.planned
            ),
        ),
        Verdict::AsExpected => match not_safe(study) {
            None => (Style::good, format!("✓ as expected: {}", expected(plan, study))),
            Some(rows) => (
                Style::doubtful,
                format!(
                    "! as expected: {}; but NOT SAFE{rows}: no read was stale there, and one can be",
                    expected(plan, study)
                ),
            ),
        },
        Verdict::NotAsExpected(places) => {
            (Style::bad, format!("✗ NOT AS EXPECTED: {}", unmet(plan, study, places[0])))
        }
        Verdict::Undecided(_) => (Style::doubtful, "? undecided: the checker gave up".to_owned()),
        Verdict::OurBug(_, what) => (Style::bad, format!("✗ a bug of ours: {what}")),
    };
    // Wrapped without escape codes, which would count as width.
    style.wrapped("", &verdict).iter().map(|line| paint(style, line)).collect()
}

/// The lines between the table and the story: theory, what was measured, the margin, the service.
pub fn findings(subject: &Subject<'_>, style: Style) -> Vec<String> {
    let Subject { plan, study, .. } = *subject;
    let mut lines = Vec::new();
    for (place, sentence) in theory_says(plan, study).iter().enumerate() {
        let name = if place == 0 { "theory" } else { "" };
        lines.extend(style.wrapped(&format!("  {name:<9} "), sentence));
    }
    if let Some(boundary) = &study.boundary {
        lines.extend(style.wrapped(&format!("  {:<9} ", "measured"), &measured(plan, study, boundary)));
    }
    lines.extend(margin_lines(subject, style));
    lines.extend(service_lines(&study.rows, style));
    let broken = study.rows.iter().filter_map(|row| Some((row, row.broken.first()?)));
    for (place, (row, broken)) in broken.enumerate() {
        let label = if row.label.is_empty() { String::new() } else { format!("{}: ", row.label) };
        let node = describe::node(&row.setup, broken.node);
        let sentence = format!("{label}{} (on {node} at {})", broken.invariant, instant(broken.at));
        lines.extend(style.wrapped(&format!("  {:<9} ", if place == 0 { "broken" } else { "" }), &sentence));
    }
    let disks =
        study.rows.iter().flat_map(|row| row.disks.iter().take(DISK_NEWS_MAX).map(move |news| (row, news)));
    for (place, (row, news)) in disks.enumerate() {
        let label = if row.label.is_empty() { String::new() } else { format!("{}: ", row.label) };
        let words = news.what.words(describe::node(&row.setup, news.node));
        let sentence = format!("{label}{words} (at {})", instant(news.at));
        lines.extend(style.wrapped(&format!("  {:<9} ", if place == 0 { "disks" } else { "" }), &sentence));
    }
    lines
}

/// The rows in which no read was stale, though one can be.
fn not_safe(study: &Study) -> Option<String> {
    let rows = study.rows.iter().filter(|row| row.safety() == Safety::NotSafe);
    let labels: Vec<&str> = rows.map(|row| row.label.as_str()).collect();
    match labels.as_slice() {
        [] => None,
        [""] => Some(String::new()),
        labels => Some(format!(" at {}", some_of(labels))),
    }
}

/// What is not as expected in a row.
fn unmet(plan: &Plan, study: &Study, place: usize) -> String {
    match study.rows[place].missed.first() {
        Some(missed) if study.rows[place].reads_as_expected() => missed.clone(),
        _ => format!("expected {}", expectation(plan)),
    }
}

fn expected(plan: &Plan, study: &Study) -> String {
    if plan.sweep.is_none() && study.rows.len() > 1 {
        "each variant shows what it should".to_owned()
    } else {
        expectation(plan)
    }
}

/// One sentence, or one for each group of rows of which theory says the same.
fn theory_says(plan: &Plan, study: &Study) -> Vec<String> {
    let Some(first) = study.rows.first() else { return Vec::new() };
    if let Some(boundary) = &study.boundary {
        let inequality = theory::inequality(&first.setup);
        return vec![match boundary.theory {
            Some(value) => format!("{inequality}; here: above {}", swept_value(plan, value)),
            None => inequality,
        }];
    }
    // What is the same but for the slack is one group, which has the least slack of its rows.
    let mut groups: Vec<(Prediction, Vec<&str>)> = Vec::new();
    for row in &study.rows {
        let group = groups.iter_mut().find_map(|(said, labels)| match (said, row.prediction) {
            (Prediction::Safe { slack_ns: least }, Prediction::Safe { slack_ns })
            | (Prediction::StalePossible { slack_ns: least }, Prediction::StalePossible { slack_ns }) => {
                *least = slack_ns.min(*least);
                Some(labels)
            }
            (said, prediction) => (*said == prediction).then_some(labels),
        });
        match group {
            Some(labels) => labels.push(&row.label),
            None => groups.push((row.prediction, vec![&row.label])),
        }
    }
    let sentence = |prediction: &Prediction| match prediction {
        Prediction::Safe { slack_ns } => {
            let slack = length(*slack_ns);
            format!("safe: every promise outlives the lease that rests on it by {slack} or more")
        }
        Prediction::StalePossible { slack_ns } => {
            format!("not safe: a lease may outlive its promises by {}", length(-*slack_ns))
        }
        Prediction::NotCovered { why } => format!("does not cover this: {why}"),
    };
    match groups.as_slice() {
        [(only, _)] => vec![sentence(only)],
        _ => groups
            .iter()
            .map(|(said, labels)| format!("{}; in: {}", sentence(said), some_of(labels)))
            .collect(),
    }
}

/// Labels, or the first few of many.
fn some_of(labels: &[&str]) -> String {
    /// More than this is a list that nobody reads.
    const LABELS_MAX: usize = 6;
    match labels.len().checked_sub(LABELS_MAX) {
        Some(more @ 1..) => format!("{}; and {more} more", labels[..LABELS_MAX].join("; ")),
        _ => labels.join("; "),
    }
}

/// A value of the sweep, in a unit that fits.
fn swept_value(plan: &Plan, value: i128) -> String {
    match plan.sweep.as_ref().map(|sweep| sweep.unit) {
        Some(UnitKind::Span) => length(value),
        Some(UnitKind::Rate) => {
            rate(i64::try_from(value).unwrap_or(i64::MAX)).trim_start_matches('+').to_owned()
        }
        _ => value.to_string(),
    }
}

fn measured(plan: &Plan, study: &Study, boundary: &Boundary) -> String {
    let stale = &study.rows[boundary.stale].label;
    let mut text = match boundary.clean {
        Some(clean) => {
            format!("no stale read up to {}, stale reads from {stale} on", study.rows[clean].label)
        }
        None => format!("stale reads from the first row, {stale}, on"),
    };
    if boundary.mixed {
        text.push_str(", but not in every row above");
    }
    if let (Some(theory), Some(clean)) =
        (boundary.theory, boundary.clean.and_then(|clean| study.rows[clean].value))
    {
        let stale = study.rows[boundary.stale].value.unwrap_or(clean);
        if clean <= theory && theory <= stale {
            text.push_str(&format!(": theory's {} lies between", swept_value(plan, theory)));
        }
    }
    text
}

/// Things that are easily taken for something else.
pub fn remarks(study: &Study, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &study.rows {
        let label = if row.label.is_empty() { String::new() } else { format!(" ({})", row.label) };
        if row.overtaken > 0 {
            lines.push(String::new());
            let reads = if row.overtaken == 1 {
                "1 read was".to_owned()
            } else {
                format!("{} reads were", row.overtaken)
            };
            lines.extend(style.wrapped(
                "note: ",
                &format!(
                    "{reads} decided by an old leader under its lease{label}, and answered only after a new leader could \
                     acknowledge writes. That is not a stale read: the read was under way when the write was, and it \
                     takes effect at the instant at which the lease was checked. Only a read that is invoked after the \
                     write was acknowledged has to see it."
                ),
            ));
        }
    }
    // Of rows with equally many, the first.
    let most_unknown = study.rows.iter().rev().max_by_key(|row| row.unknown);
    if let Some(row) = most_unknown.filter(|row| row.unknown * 10 > row.operations) {
        lines.push(String::new());
        let label =
            if row.label.is_empty() { String::new() } else { format!("; that is the most ({})", row.label) };
        lines.extend(style.wrapped(
            "note: ",
            &format!(
                "{} of {} operations got no answer in time; each stays possible for ever{label}.",
                count(row.unknown as u64),
                count(row.operations as u64)
            ),
        ));
    }
    lines
}

/// The command that shows this row again.
pub(super) fn replay(subject: &Subject<'_>, row: &RowResult) -> String {
    command("run", subject, row)
}

fn command(verb: &str, subject: &Subject<'_>, row: &RowResult) -> String {
    // What is expected is nothing to shrink.
    let arguments = match verb {
        "run" => subject.arguments,
        _ => subject.arguments.split(" --expect").next().unwrap_or_default(),
    };
    let mut command = format!("cargo sim {verb} {}{arguments}", shell_word(subject.file));
    if subject.plan.sweep.is_some() {
        for (path, value) in &row.set {
            command.push_str(&format!(" --set {}", shell_word(&format!("{path}={value}"))));
        }
    } else if !row.label.is_empty() {
        command.push_str(&format!(" --row {}", shell_word(&row.label)));
    }
    command
}
