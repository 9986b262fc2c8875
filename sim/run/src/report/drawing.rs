//! A stale read drawn in text: a lane for each node, a column for each step of the story.
//!
//! ```text
//!   step   1   2   3   4   5
//!   n1     ====================X===  lease
//!   n3     -----------   ====O=====  promise, then a lease of its own
//! ```
//!
//! Columns are in the order of true time and not to scale: between the renewal and the stale read there are seconds, and
//! between the last steps microseconds.

use super::style::Style;
use crate::display::signed_span;
use crate::explain::{Explanation, Moment};
use crate::picture::{Clock, Picture};

/// Lanes beyond this are left to the page: more is no compact picture.
const LANES_MAX: usize = 7;
/// Columns for a step, at least: two digits and a blank.
const CELL_MIN: usize = 3;
/// Columns for a step, at most.
const CELL_MAX: usize = 6;
/// Where the steps begin.
const GUTTER: usize = 11;
/// Room for what stands to the right of a lane.
const REMARK: usize = 18;

const LEASE: char = '═';
const PROMISE: char = '─';
const STILL: char = '·';
const WRITE: char = '●';
const READ: char = '✗';

/// The lanes, their steps' numbers above and the signs' meanings below; nothing for a cluster that is too large.
pub(super) fn lanes(picture: &Picture, found: &Explanation, style: Style) -> Vec<String> {
    if picture.nodes.len() > LANES_MAX || found.story.is_empty() {
        return Vec::new();
    }
    let room = style.width.saturating_sub(GUTTER + REMARK);
    let steps = told(&found.story, room / CELL_MIN);
    let cell = (room / steps.len()).min(CELL_MAX);
    let times: Vec<i64> = steps.iter().map(|(_, step)| i64::try_from(step.at).unwrap_or(i64::MAX)).collect();
    let mut header = format!("  {:<width$}", "step", width = GUTTER - 2);
    for (number, _) in &steps {
        header.push_str(&format!("{number:<cell$}"));
    }
    let mut lines = vec![style.faint(header.trim_end())];
    for (place, node) in picture.nodes.iter().enumerate() {
        let mut cells: Vec<char> = times
            .windows(2)
            .map(|pair| (pair[0], pair[1]))
            .chain(times.last().map(|last| (*last, *last)))
            .flat_map(|(at, next)| lane(picture, place, at, next, cell))
            .collect();
        mark(&mut cells, &times, cell, place, found);
        let text: String = cells.into_iter().collect();
        let mut line = format!("  {:<width$}{text}", shortened(&node.name), width = GUTTER - 2);
        let error = clock_error(picture, place, i64::try_from(found.answered).unwrap_or(i64::MAX));
        if error != 0 {
            line.push_str(&format!("  clock {}", signed_span(rounded(error))));
        }
        lines.push(line.trim_end().to_owned());
    }
    let signs = format!(
        "{LEASE} lease  {PROMISE} promise not to vote  {STILL} down or still  {WRITE} the missed write is acknowledged  {READ} \
         the stale read"
    );
    let blank = " ".repeat(GUTTER);
    lines.extend(style.wrapped(&blank, &signs).iter().map(|line| style.faint(line)));
    lines
}

/// The steps that fit, with their numbers: of more, the weightier ones.
fn told(story: &[Moment], most: usize) -> Vec<(usize, &Moment)> {
    let mut steps: Vec<(usize, &Moment)> = (1..).zip(story).collect();
    while steps.len() > most.max(1) {
        let least = steps.iter().map(|(_, step)| step.weight).min().unwrap_or(0);
        let place = steps.iter().rposition(|(_, step)| step.weight == least).unwrap_or(0);
        steps.remove(place);
    }
    steps
}

/// The characters of one step: what holds from it until the next one.
fn lane(picture: &Picture, node: usize, at: i64, next: i64, cell: usize) -> Vec<char> {
    let middle = at.midpoint(next);
    let own = |place: u32| usize::try_from(place).is_ok_and(|place| place == node);
    let end = picture.end.get();
    let runs = |from: i64, over: Option<i64>| from <= middle && middle < over.unwrap_or(end.max(middle + 1));
    let stopped =
        picture.stops.iter().any(|stop| own(stop.node) && runs(stop.from.get(), Some(stop.to.get())));
    let leads = picture
        .leases
        .iter()
        .any(|lease| own(lease.node) && runs(lease.from.get(), lease.over.map(|at| at.get())));
    let promised = picture
        .promises
        .iter()
        .any(|promise| own(promise.node) && runs(promise.from.get(), promise.over.map(|at| at.get())));
    let sign = match (stopped, leads, promised) {
        (true, ..) => STILL,
        (false, true, _) => LEASE,
        (false, false, true) => PROMISE,
        (false, false, false) => ' ',
    };
    vec![sign; cell]
}

/// The two answers that the story is about.
fn mark(cells: &mut [char], times: &[i64], cell: usize, node: usize, found: &Explanation) {
    let mut put = |at: u64, sign: char| {
        let step = times.iter().position(|time| u64::try_from(*time).is_ok_and(|time| time >= at));
        if let Some(column) = step.map(|step| step * cell).filter(|column| *column < cells.len()) {
            cells[column] = sign;
        }
    };
    if node == found.missed_server {
        put(found.known_at, WRITE);
    }
    if node == found.server {
        put(found.answered, READ);
    }
}

/// How far the clock that the leases go by is from true time, ns.
fn clock_error(picture: &Picture, node: usize, at: i64) -> i128 {
    let clocks = &picture.nodes[node].clocks;
    let clock = clocks.iter().find(|clock: &&Clock| clock.name == picture.setting.clock).or(clocks.first());
    let segment = clock.and_then(|clock| clock.segments.iter().rev().find(|segment| segment.at.get() <= at));
    segment.map_or(0, |segment| {
        let passed = i128::from(at - segment.at.get());
        let gained = passed * i128::from(segment.rate.get()) / 1_000_000_000;
        i128::from(segment.local.get()) - i128::from(segment.at.get()) + gained
    })
}

/// To the microsecond, which is what the steps show.
fn rounded(nanos: i128) -> i128 {
    if nanos.abs() < 1_000 { nanos } else { nanos / 1_000 * 1_000 }
}

/// A name that leaves the gutter a blank.
fn shortened(name: &str) -> String {
    let most = GUTTER - 3;
    if name.chars().count() <= most {
        name.to_owned()
    } else {
        name.chars().take(most - 1).chain(['~']).collect()
    }
}
