//! The report that a tired engineer reads in half a minute.

use comfy_table::{CellAlignment, Table};

use super::style::Style;
use crate::check::Evidence;
use crate::describe;
use crate::display::{count, instant, length, rate, reading, shell_word, signed_span};
use crate::explain::{Explanation, Moment};
use crate::scenario::{Plan, UnitKind};
use crate::setup::Setup;
use crate::study::{Boundary, Finding, RowResult, Study, Verdict, expectation};
use crate::theory::{self, Prediction};

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
    lines.push(style.strong(&plan.title));
    if let Some(first) = plan.rows.first() {
        lines.extend(setting(subject, &first.scenario.setup, style));
    }
    lines.push(String::new());
    lines.push(table(plan, &study.rows, style));
    lines.push(String::new());
    lines.extend(conclusion(subject, style));
    if let Some((place, explanation)) = subject.explanation {
        lines.push(String::new());
        lines.extend(stale_read(subject, &study.rows[*place], explanation, style));
    }
    lines.extend(remarks(study));
    let mut hash = crate::watch::TraceHash::default();
    study.rows.iter().for_each(|row| hash.word(row.trace_hash));
    lines.push(String::new());
    lines.push(style.faint(&format!("sim {}  trace {:016x}", env!("CARGO_PKG_VERSION"), hash.value())));
    lines.push(String::new());
    lines.join("\n")
}

/// What comes last on the screen when things are not as they should be.
pub fn failure(subject: &Subject<'_>, style: Style) -> Option<String> {
    let Subject { study, .. } = *subject;
    let rows = |places: &[usize]| {
        let labels: Vec<&str> = places.iter().map(|place| study.rows[*place].label.as_str()).collect();
        if labels == [""] { String::new() } else { format!(" at {}", labels.join(", ")) }
    };
    let (headline, place) = match &study.verdict {
        Verdict::AsExpected => return None,
        Verdict::NotAsExpected(places) => (
            style.bad(&format!("NOT AS EXPECTED{}: expected {}", rows(places), expectation(subject.plan))),
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
    };
    let row = &study.rows[place];
    Some(format!(
        "{headline}\n  replay with:  {}\n  sim {} trace {:016x}\n",
        replay(subject, row),
        env!("CARGO_PKG_VERSION"),
        row.trace_hash
    ))
}

fn setting(subject: &Subject<'_>, setup: &Setup, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, text: String| {
        lines.push(format!("  {} {text}", style.faint(&format!("{name:<9}"))));
    };
    line("scenario", format!("{}, seed {}, {} of true time", subject.file, setup.seed, setup.duration));
    line("setting", describe::setting(setup));
    match &subject.plan.sweep {
        Some(sweep) => line(
            "clocks",
            format!("{} (first row); swept: {}", describe::clocks(setup).join("; "), sweep.paths.join(", ")),
        ),
        None => line("clocks", describe::clocks(setup).join("; ")),
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

fn table(plan: &Plan, rows: &[RowResult], style: Style) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let first = match &plan.sweep {
        Some(sweep) => sweep.paths.join(" "),
        None if rows.len() > 1 => "variant".to_owned(),
        None => String::new(),
    };
    table.set_header([
        first.as_str(),
        "reads",
        "under lease",
        "stale",
        "stale by up to",
        "margin",
        "history",
    ]);
    for row in rows {
        table.add_row([
            row.label.clone(),
            count(row.reads as u64),
            count(row.reads_under_lease as u64),
            count(row.stale as u64),
            if row.stale == 0 {
                "-".to_owned()
            } else {
                leasehold::time::Span::nanos(row.stale_by_most).to_string()
            },
            margin(row.margin),
            finding(row),
        ]);
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if place == 0 { 2 } else { 1 }, 1));
        if place < 6 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    colour(&text.join("\n"), style)
}

/// The table is laid out without escape codes, which would count as width.
fn colour(table: &str, style: Style) -> String {
    let line = |line: &str| {
        for (word, painted) in [
            ("✓ linearizable", style.good("✓ linearizable")),
            ("✗ stale reads", style.bad("✗ stale reads")),
            ("✗ not linearizable", style.bad("✗ not linearizable")),
            ("? undecided", style.doubtful("? undecided")),
        ] {
            if let Some(rest) = line.split_once(word) {
                return format!("{}{painted}{}", rest.0, rest.1);
            }
        }
        line.to_owned()
    };
    table.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn margin(margin: Option<i64>) -> String {
    match margin {
        None => "-".to_owned(),
        Some(i64::MIN) => "never ends".to_owned(),
        Some(margin) => signed_span(i128::from(margin)),
    }
}

fn finding(row: &RowResult) -> String {
    let mut text = match row.finding {
        Finding::Clean => "✓ linearizable",
        Finding::Stale if row.stale > 0 => "✗ stale reads",
        Finding::Stale => "✗ not linearizable",
        Finding::Undecided => "? undecided",
    }
    .to_owned();
    if row.finding == Finding::Clean && row.margin.is_some_and(|margin| margin < 0) {
        text.push_str(", but stale reads were possible");
    }
    if let Some(broken) = row.broken.first() {
        text.push_str(&format!("; broken: {}", broken.invariant));
    }
    if !row.as_expected() {
        text.push_str("  <- not as expected");
    }
    text
}

fn conclusion(subject: &Subject<'_>, style: Style) -> Vec<String> {
    let Subject { plan, study, .. } = *subject;
    let verdict = match &study.verdict {
        _ if study.interrupted => style.doubtful("interrupted: these are the rows that were done"),
        Verdict::AsExpected => style.good(&format!("✓ as expected: {}", expected(plan, study))),
        Verdict::NotAsExpected(_) => style.bad(&format!("✗ NOT as expected: expected {}", expectation(plan))),
        Verdict::Undecided(_) => style.doubtful("? undecided: the checker gave up"),
        Verdict::OurBug(_, what) => style.bad(&format!("✗ a bug of ours: {what}")),
    };
    let mut lines = vec![format!("  {:<9} {verdict}", "verdict")];
    lines.push(format!("  {:<9} {}", "theory", theory_line(plan, study)));
    if let Some(boundary) = &study.boundary {
        lines.push(format!("  {:<9} {}", "measured", measured(plan, study, boundary)));
    }
    lines
}

fn expected(plan: &Plan, study: &Study) -> String {
    if plan.sweep.is_none() && study.rows.len() > 1 {
        "each variant shows what it should".to_owned()
    } else {
        expectation(plan)
    }
}

fn theory_line(plan: &Plan, study: &Study) -> String {
    let Some(row) = study.rows.first() else { return String::new() };
    if let Some(boundary) = &study.boundary {
        let inequality = theory::inequality(&row.setup);
        return match boundary.theory {
            Some(value) => format!("{inequality}; here: above {}", swept_value(plan, value)),
            None => inequality,
        };
    }
    match row.prediction {
        Prediction::Safe { slack_ns } => {
            let slack = length(slack_ns);
            format!("safe: every promise outlives the lease that rests on it by {slack} or more")
        }
        Prediction::StalePossible { slack_ns } => {
            format!("not safe: a lease may outlive its promises by {}", length(-slack_ns))
        }
        Prediction::NotCovered { why } => format!("does not cover this: {why}"),
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

fn stale_read(subject: &Subject<'_>, row: &RowResult, found: &Explanation, style: Style) -> Vec<String> {
    let setup = &row.setup;
    let name = |node: usize| describe::node(setup, node);
    let value = |value: Option<u64>| value.map_or("no value".to_owned(), |value| value.to_string());
    let known = match found.evidence {
        Evidence::Acknowledged => "acknowledged by",
        Evidence::Observed => "already returned by",
    };
    let label = if row.label.is_empty() { String::new() } else { format!(" ({})", row.label) };
    let mut lines = vec![
        format!(
            "{}{label}  key={}  node={} returned {} at {},",
            style.bad("STALE READ"),
            found.key,
            name(found.server),
            value(found.returned),
            instant(found.answered),
        ),
        format!(
            "  but {} was {known} {} at {} ({} before the read was invoked)",
            value(found.missed_value),
            name(found.missed_server),
            instant(found.known_at),
            leasehold::time::Span::nanos(found.stale_by_ns)
        ),
    ];
    for (place, why) in found.why.iter().enumerate() {
        lines.push(format!("  {:<5} {why}", if place == 0 { "why:" } else { "" }));
    }
    if let Some(lease) = found.lease {
        let (end, at) = (lease.end_on_clock, lease.clock_at_answer);
        lines.push(format!(
            "  {:<5} {}'s lease, counted from {}, should have ended at {}; its clock showed {} and the lease ran to {}",
            "",
            name(found.server),
            instant(lease.start),
            instant(lease.should_end),
            reading(at.0, at.1),
            reading(end.0, end.1),
        ));
    }
    lines.push(String::new());
    lines.extend(story(setup, &found.story, style));
    lines.push(String::new());
    lines.push(format!("  replay with:  {}", replay(subject, row)));
    lines
}

fn story(setup: &Setup, moments: &[Moment], style: Style) -> Vec<String> {
    /// More columns than this do not fit a screen.
    const CLOCKS_MAX: usize = 3;
    let shown = setup.nodes.len().min(CLOCKS_MAX);
    let width = moments
        .iter()
        .flat_map(|moment| moment.clocks.iter().take(shown).map(String::len))
        .chain([12])
        .max()
        .unwrap_or(12);
    let mut header = format!("  {:>12}", "true time");
    for node in &setup.nodes[..shown] {
        header.push_str(&format!("  {:>width$}", format!("{}'s clock", node.name)));
    }
    let mut lines = vec![style.faint(&header)];
    for moment in moments {
        let mut line = format!("  {:>12}", instant(moment.at));
        for place in 0..shown {
            line.push_str(&format!("  {:>width$}", moment.clocks.get(place).map_or("", String::as_str)));
        }
        lines.push(format!("{line}  {}", moment.what));
    }
    lines
}

/// Things that are easily taken for something else.
fn remarks(study: &Study) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &study.rows {
        let label = if row.label.is_empty() { String::new() } else { format!(" ({})", row.label) };
        if row.overtaken > 0 {
            lines.push(String::new());
            lines.push(format!(
                "note{label}: {} decided by an old leader under its lease, and answered only after a new leader could \
                 acknowledge writes.",
                if row.overtaken == 1 { "1 read was".to_owned() } else { format!("{} reads were", row.overtaken) },
            ));
            lines.push(
                "  That is not a stale read: the read was under way when the write was, and it takes effect at the \
                 instant at which"
                    .to_owned(),
            );
            lines.push(
                "  the lease was checked. Only a read that is invoked after the write was acknowledged has to see it."
                    .to_owned(),
            );
        }
    }
    let most_unknown = study.rows.iter().max_by_key(|row| row.unknown);
    if let Some(row) = most_unknown.filter(|row| row.unknown * 10 > row.operations) {
        lines.push(String::new());
        lines.push(format!(
            "note: up to {} of {} operations got no answer in time; each stays possible for ever.",
            count(row.unknown as u64),
            count(row.operations as u64)
        ));
    }
    lines
}

/// The command that shows this row again.
fn replay(subject: &Subject<'_>, row: &RowResult) -> String {
    let mut command = format!("cargo sim run {}{}", shell_word(subject.file), subject.arguments);
    if subject.plan.sweep.is_some() {
        for (path, value) in &row.set {
            command.push_str(&format!(" --set {}", shell_word(&format!("{path}={value}"))));
        }
    } else if !row.label.is_empty() {
        command.push_str(&format!(" --row {}", shell_word(&row.label)));
    }
    command
}
