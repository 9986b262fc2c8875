//! The first stale read: what was returned, what was missed, why, and the moments that led to it.

use leasehold_check::Evidence;

use super::drawing;
use super::style::Style;
use super::text::{Subject, replay};
use crate::describe;
use crate::display::{instant, reading};
use crate::explain::{Explanation, Moment};
use crate::picture::{self, Bounds};
use crate::setup::Setup;
use crate::study::RowResult;

pub(super) fn stale_read(
    subject: &Subject<'_>,
    row: &RowResult,
    found: &Explanation,
    style: Style,
) -> Vec<String> {
    let setup = &row.setup;
    let name = |node: usize| describe::node(setup, node);
    let value = |value: Option<u64>| value.map_or("no value".to_owned(), |value| value.to_string());
    let known = match found.evidence {
        Evidence::Acknowledged => "acknowledged by",
        Evidence::Observed => "already returned by",
    };
    let label = if row.label.is_empty() { String::new() } else { format!(" ({})", row.label) };
    let mut lines = vec![format!(
        "{}{label}  key={}  node={} returned {} at {},",
        style.bad(if found.lost { "LOST WRITE" } else { "STALE READ" }),
        found.key,
        name(found.server),
        value(found.returned),
        instant(found.answered),
    )];
    lines.extend(style.wrapped(
        "  ",
        &format!(
            "but {} was {known} {} at {} ({} before the read was invoked)",
            value(found.missed_value),
            name(found.missed_server),
            instant(found.known_at),
            leasehold::time::Span::nanos(found.stale_by_ns)
        ),
    ));
    if found.lost {
        let text = format!(
            "that write is lost: {} was the newest leader, and its log had not got it",
            name(found.server)
        );
        lines.extend(style.wrapped("  ", &text));
    }
    for (place, why) in found.why.iter().enumerate() {
        lines.extend(style.wrapped(&format!("  {:<5} ", if place == 0 { "why:" } else { "" }), why));
    }
    if let Some(lease) = found.lease {
        let (end, at) = (lease.end_on_clock, lease.clock_at_answer);
        let name = name(found.server);
        let facts = format!(
            "{name}'s lease, counted from {}, should have ended at {} of true time; {name}'s clock showed {} when it \
             answered, and by that clock the lease ran to {}",
            instant(lease.start),
            instant(lease.should_end),
            reading(at.0, at.1),
            reading(end.0, end.1),
        );
        lines.extend(style.wrapped("        ", &facts));
    }
    // A guest tells of no promises, and another run of it is dear.
    let drawn = match setup.guest {
        None => drawing::lanes(&picture::draw(setup, Bounds { marks_max: 0 }), found, style),
        Some(_) => Vec::new(),
    };
    if !drawn.is_empty() {
        lines.push(String::new());
        lines.extend(drawn);
    }
    lines.push(String::new());
    lines.extend(story(setup, &found.story, style));
    lines.push(String::new());
    lines.push(format!("  replay with:  {}", replay(subject, row)));
    lines
}

/// The moments, numbered. A clock that shows true time throughout has no column.
fn story(setup: &Setup, moments: &[Moment], style: Style) -> Vec<String> {
    /// More columns than this are more than a reader compares.
    const CLOCKS_MAX: usize = 3;
    /// What happens needs this many columns at least.
    const WORDS_MIN: usize = 36;
    let is_true = |node: &usize| {
        let shows =
            |moment: &Moment| moment.clocks.get(*node).is_none_or(|shown| *shown == instant(moment.at));
        moments.iter().all(shows)
    };
    let mut shown: Vec<usize> =
        (0..setup.nodes.len()).filter(|node| !is_true(node)).take(CLOCKS_MAX).collect();
    let width = moments
        .iter()
        .flat_map(|moment| shown.iter().filter_map(|node| moment.clocks.get(*node)))
        .map(String::len)
        .chain([12])
        .max()
        .unwrap_or(12);
    while !shown.is_empty() && 19 + shown.len() * (2 + width) + WORDS_MIN > style.width {
        shown.pop();
    }
    let mut header = format!("  {:>3}  {:>12}", "", "true time");
    for node in &shown {
        header.push_str(&format!("  {:>width$}", format!("{}'s clock", setup.nodes[*node].name)));
    }
    let mut lines = vec![style.faint(&header)];
    for (number, moment) in (1..).zip(moments) {
        let mut line = format!("  {number:>3}  {:>12}", instant(moment.at));
        for node in &shown {
            line.push_str(&format!("  {:>width$}", moment.clocks.get(*node).map_or("", String::as_str)));
        }
        lines.extend(style.wrapped(&format!("{line}  "), &moment.what));
    }
    lines
}
