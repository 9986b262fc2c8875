//! What the checker says of a history from a file, as a page: the report, and for every violation a drawing of the
//! operations around it.
//!
//! A drawing has a lane for each process and a bar for each operation, from its invocation to its end. The horizontal
//! axis is the order of the events, not time: what matters is which ended before which was invoked. The page needs
//! nothing but itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use leasehold_check::history_file::{HistoryFile, shown};
use leasehold_check::{Action, Verdict, Violation};
use leasehold_run::report::Style;

use super::history::{HistorySubject, history_text, phrase};
use super::no_order;

/// How many violations are drawn.
const DRAWN_MAX: usize = 10;
/// How many operations of the longest order are drawn.
const ORDER_MAX: usize = 16;
/// How many operations a drawing has at most.
const BARS_MAX: usize = 80;

/// The page.
pub(crate) fn history_html(subject: &HistorySubject<'_>) -> String {
    let HistorySubject { name, file, report } = *subject;
    let text = history_text(subject, Style::PLAIN);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n{STYLE}\
         <h1>{title}</h1>\n<pre>{}</pre>\n",
        escaped(&text),
        title = escaped(&shown(name)),
    );
    let mut drawn = 0;
    for key in &report.keys {
        let Verdict::NotLinearizable { violation } = &key.verdict else { continue };
        drawn += 1;
        if drawn <= DRAWN_MAX {
            let which =
                file.key(key.key).map_or("The register".to_owned(), |key| format!("Key {}", shown(key)));
            let _ = writeln!(page, "<h2>{}</h2>", escaped(&which));
            page.push_str(&drawing(&Region::around(file, violation)));
        }
    }
    if drawn == 0 {
        page.push_str("<p>No violation, so nothing is drawn.</p>\n");
    }
    if drawn > DRAWN_MAX {
        let _ = writeln!(page, "<p>{} more keys are not linearizable.</p>", drawn - DRAWN_MAX);
    }
    page.push_str(LEGEND);
    page
}

/// What an operation is in a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The response that nothing explains, or an end of the contradiction.
    Blamed,
    /// It wrote what the blamed one needs.
    Source,
    /// It is in the longest order.
    Ordered,
    /// It was under way.
    Pending,
}

impl Part {
    const fn class(self) -> &'static str {
        match self {
            Part::Blamed => "blamed",
            Part::Source => "source",
            Part::Ordered => "ordered",
            Part::Pending => "pending",
        }
    }
}

/// The operations around a violation.
struct Region<'a> {
    file: &'a HistoryFile,
    /// What each of them is.
    parts: BTreeMap<usize, Part>,
    /// Their numbers in the end of the order.
    places: BTreeMap<usize, usize>,
}

impl<'a> Region<'a> {
    fn around(file: &'a HistoryFile, violation: &Violation) -> Region<'a> {
        let mut region = Region { file, parts: BTreeMap::new(), places: BTreeMap::new() };
        match violation {
            Violation::NoOrder { blocked, pending, order, .. } => {
                region.add(*blocked, Part::Blamed);
                for source in no_order::look_into(file, violation).iter().flat_map(|it| &it.sources) {
                    region.add(source.writer, Part::Source);
                }
                let end = order.len().saturating_sub(ORDER_MAX);
                for (place, &index) in order.iter().enumerate().skip(end) {
                    region.add(index, Part::Ordered);
                    region.places.insert(index, place + 1);
                }
                pending.iter().for_each(|&index| region.add(index, Part::Pending));
            }
            other => other.operations().into_iter().for_each(|index| region.add(index, Part::Blamed)),
        }
        region
    }

    fn add(&mut self, index: usize, part: Part) {
        if self.parts.len() < BARS_MAX {
            self.parts.entry(index).or_insert(part);
        }
    }
}

/// The distance between two events, between two lanes, and the place of the first ones.
const EVENT_PX: usize = 34;
const LANE_PX: usize = 34;
const LEFT_PX: usize = 110;
const TOP_PX: usize = 12;
const BAR_PX: usize = 22;

fn drawing(region: &Region<'_>) -> String {
    let file = region.file;
    let operations = || region.parts.keys().map(|&index| (index, &file.operations[index]));
    let mut events: BTreeSet<(u64, bool, usize)> = BTreeSet::new();
    for (index, operation) in operations() {
        events.insert((operation.invoked, false, index));
        events.extend(operation.responded.map(|at| (at, true, index)));
    }
    let column: BTreeMap<(u64, bool, usize), usize> =
        events.into_iter().enumerate().map(|(column, event)| (event, column)).collect();
    let processes: BTreeSet<u32> = operations().map(|(_, operation)| operation.client).collect();
    let lane: BTreeMap<u32, usize> =
        processes.into_iter().enumerate().map(|(lane, process)| (process, lane)).collect();
    let (width, height) = (LEFT_PX + EVENT_PX * (column.len() + 1), TOP_PX * 2 + LANE_PX * lane.len());

    let mut svg = format!(
        "<div class=\"wide\"><svg role=\"img\" aria-label=\"operations around the violation\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n"
    );
    for (process, lane) in &lane {
        let y = TOP_PX + lane * LANE_PX + BAR_PX;
        let name = escaped(&shown(file.process(*process)));
        let _ = writeln!(svg, "<text x=\"4\" y=\"{}\">process {name}</text>", y - 6);
        let _ = writeln!(svg, "<line class=\"lane\" x1=\"{LEFT_PX}\" x2=\"{width}\" y1=\"{y}\" y2=\"{y}\"/>");
    }
    for (index, operation) in operations() {
        let x = LEFT_PX + EVENT_PX * column[&(operation.invoked, false, index)];
        let end = operation.responded.map_or(width - 4, |at| LEFT_PX + EVENT_PX * column[&(at, true, index)]);
        let y = TOP_PX + lane[&operation.client] * LANE_PX;
        let part = region.parts[&index];
        let known = if operation.responded.is_some() { "" } else { " unknown" };
        let place = region.places.get(&index).map_or(String::new(), |place| format!("{place}. "));
        let _ = writeln!(
            svg,
            "<g class=\"{}{known}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{BAR_PX}\" \
             rx=\"3\"/><text x=\"{}\" y=\"{}\">{place}{}</text></g>",
            part.class(),
            escaped(&title(file, index)),
            (end - x).max(4),
            x + 4,
            y + 15,
            escaped(&label(file, index)),
        );
    }
    svg.push_str("</svg></div>\n");
    svg
}

/// `lines 3 to 9: process 3 read 4 of key x`.
fn title(file: &HistoryFile, index: usize) -> String {
    let origin = &file.origins[index];
    let end = origin.completed_line.map_or("no end".to_owned(), |line| format!("line {line}"));
    format!("line {} to {end}: {}", origin.invoked_line, phrase(file, index))
}

/// `r 4`, `w 5`, `4 to 5`.
fn label(file: &HistoryFile, index: usize) -> String {
    let name = |value| shown(file.value(value));
    let known = file.operations[index].responded.is_some();
    match file.operations[index].action {
        Action::Read { returned } if known => format!("r {}", name(returned)),
        Action::Read { .. } => "r".to_owned(),
        Action::Write { value } => format!("w {}", name(value)),
        Action::Cas { from, swapped: false, .. } if known => format!("not {}", name(from)),
        Action::Cas { from, to, .. } => format!("{} to {}", name(from), name(to)),
    }
}

/// A text as HTML shows it.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

const STYLE: &str = "<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff; }
pre { white-space: pre-wrap; } svg { max-width: none; display: block; } .wide { overflow-x: auto; }
svg text { font: 12px system-ui, sans-serif; fill: #222; } .lane { stroke: #ddd; }
rect { stroke: #555; fill: #eee; } .unknown rect { stroke-dasharray: 4 3; }
.blamed rect { fill: #f6c4c0; stroke: #a11; stroke-width: 2; } .source rect { fill: #fbe6b0; stroke: #a70; }
.ordered rect { fill: #d5e6f7; stroke: #357; }
@media (prefers-color-scheme: dark) {
body { color: #ddd; background: #181818; } svg text { fill: #ddd; } .lane { stroke: #444; } rect { fill: #333; }
.blamed rect { fill: #612; } .source rect { fill: #553c00; } .ordered rect { fill: #1d3a56; } }
</style>
";

const LEGEND: &str = "<p>A bar lasts from an operation's invocation to its end; a dashed one has no end that is known. Red: \
what contradicts. Yellow: it wrote the value that is missing. Blue, with numbers: the end of the longest order that \
works. Grey: it was under way. Equal distances are events, not times. Point at a bar for its lines in the file.</p>\n";
