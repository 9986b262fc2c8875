//! `sim frontier`.

use std::io::{IsTerminal, Write};
use std::path::Path;

use leasehold_lab::frontier::{Column, Extent, Frontier, Judge, Question, columns, frontier as judge};
use leasehold_lab::report::{
    FrontierSubject, frontier_csv, frontier_json, frontier_sheet, frontier_svg, frontier_text,
};
use leasehold_lab::threshold::Refusal;
use leasehold_run::report::Style;
use leasehold_run::rules;
use leasehold_run::scenario::{self, Diagnostics, Knob};
use leasehold_run::sheet::Sheet;

use super::args::{By, FrontierArguments};
use super::errors::{Failure, read as read_scenario, seed_set};
use super::guests;
use super::output::{Report, command_to_repeat};
use super::parts::merge::{Parts, foreign};
use super::parts::{self, Shard, Words, write_part};
use super::run::stop_on_interrupt;
use super::threshold::usual_tolerance;

/// More cells than this are more than anybody waits for.
const CELLS_MAX: usize = 250_000;

/// An axis as the user gave it.
struct Axis<'a> {
    option: &'static str,
    keys: Vec<String>,
    from: &'a str,
    to: &'a str,
}

impl Axis<'_> {
    fn parse<'a>(option: &'static str, text: &'a str) -> Result<Axis<'a>, Failure> {
        let wrong = || {
            let example = format!("write {option} clock.n1.rate=-10%..0%");
            Failure::usage(format!("error: {option} {text}: no keys with a range\n  {example}"))
        };
        let (keys, range) = text.split_once('=').ok_or_else(wrong)?;
        let (from, to) = range.split_once("..").ok_or_else(wrong)?;
        let keys = keys.split(',').map(|key| key.trim().to_owned()).collect();
        Ok(Axis { option, keys, from: from.trim(), to: to.trim() })
    }

    fn extent(&self, knob: &Knob, steps: usize) -> Result<Extent, Failure> {
        let option = self.option;
        let read = |text: &str| {
            knob.read(text).map_err(|error| Failure::usage(format!("error: {option}: {text}: {error}")))
        };
        let (from, to) = (read(self.from)?, read(self.to)?);
        if to <= from {
            return Err(Failure::usage(format!(
                "error: {option}: the range begins at {} and must end above it",
                self.from
            )));
        }
        Ok(Extent { from, to, steps })
    }
}

/// `parts` are those of all shards, for `sim merge`.
pub(super) fn frontier(asked: &FrontierArguments, parts: Option<&Parts>) -> Result<u8, Failure> {
    let stop = stop_on_interrupt();
    if let Some(jobs) = asked.jobs {
        // Only the first call in a process counts, and this is it.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global();
    }
    let path = &asked.scenario.scenario;
    let file = path.display().to_string();
    let text = read_scenario(path)?;
    let mut sets = asked.scenario.overrides();
    sets.extend(asked.scenario.seed.as_ref().map(|seed| seed_set(seed)));
    let colored = asked.scenario.color.wanted(&std::io::stderr());
    let wrong = |problems: Diagnostics| Failure::usage(problems.render(colored));
    let (x_axis, y_axis) = (Axis::parse("--x", &asked.x)?, Axis::parse("--y", &asked.y)?);
    apart(&x_axis, &y_axis)?;
    let (x_steps, y_steps) = steps(&asked.steps)?;
    let names = rules::names();
    let x_knob = Knob::of_option("--x", &file, &text, &sets, &x_axis.keys, &names).map_err(wrong)?;
    let x = x_axis.extent(&x_knob, x_steps)?;
    // A share is one of what the x axis has set, so the y axis's knob is another one in each column.
    let guest = x_knob.at(x.from).map_err(wrong)?.guest;
    let host = guest.as_ref().map(guests::host).transpose()?;
    let knob_at = |value: i128| {
        let sets: Vec<String> = sets.iter().cloned().chain(x_knob.sets(value)).collect();
        let mut knob = Knob::of_option("--y", &file, &text, &sets, &y_axis.keys, &names)?;
        if let Some(host) = &host {
            knob.hosted_by(host.clone());
        }
        Ok(knob)
    };
    let y_knob = knob_at(x.from).map_err(wrong)?;
    let y = y_axis.extent(&y_knob, y_steps)?;
    let tolerance = match &asked.tolerance {
        Some(text) => y_knob
            .read(text)
            .map_err(|error| Failure::usage(format!("error: --tolerance {text}: {error}")))?,
        None => usual_tolerance(y_knob.unit()),
    };
    if tolerance <= 0 {
        return Err(Failure::usage("error: --tolerance is above zero"));
    }
    let by = match asked.by {
        By::Adversary => Judge::Adversary,
        By::Seeds => Judge::Seeds(asked.seeds),
    };
    for file in [&asked.csv, &asked.svg].into_iter().flatten() {
        writable(file, path)?;
    }
    if guest.is_some() && by == Judge::Seeds(asked.seeds) {
        guests::check(&y_knob.at(y.from).map_err(wrong)?)?;
    }
    let question = Question { x, y, tolerance, judge: by };
    let refused = |refusal| match refusal {
        Refusal::Scenario(problems) => wrong(problems),
        Refusal::NotKnown(why) => Failure::usage(format!("error: {why}; `--by seeds` can be asked still")),
        Refusal::SeedsMissing(value) => unreachable!("a frontier runs its own seeds: {value}"),
    };
    let knob_at = |value: i128| knob_at(value).map_err(Refusal::Scenario);
    if let (Some(number), Some(folder)) = (asked.shard.shard, asked.shard.out.as_deref()) {
        let shard = Shard { number, folder, output: &asked.output };
        return write_part(shard, &shared(asked, x.steps), |ranges, writer| {
            let place = |place: u64| usize::try_from(place).expect("the number of steps fits");
            let places = place(ranges[0].start)..place(ranges[0].end);
            let all = places.len();
            let done = columns(question, places, &knob_at, stop, &|| ()).map_err(refused)?;
            guests::failed()?;
            for column in &done {
                writer.row(&column.to_json().to_string())?;
            }
            let stale = done.iter().flat_map(|column| &column.cells).filter(|cell| cell.stale).count();
            Ok((done.len() == all).then(|| serde_json::json!({ "stale_cells": stale })))
        });
    }
    let found: Frontier = match parts {
        Some(parts) => {
            let columns: Option<Vec<Column>> = parts.rows()?.iter().map(Column::from_json).collect();
            let columns = columns.ok_or_else(|| foreign(&parts.parts[0]))?;
            Frontier { question, columns, interrupted: false }
        }
        None => {
            let bar = progress((x.steps + 1) * (y.steps + 1), asked.output.quiet);
            let found = judge(question, &knob_at, stop, &|| bar.inc(1));
            bar.finish_and_clear();
            guests::failed()?;
            found.map_err(refused)?
        }
    };
    let plan = scenario::load(&file, &text, &sets, &names).ok();
    let title = plan.as_ref().map_or(file.as_str(), |plan| plan.title.as_str());
    let subject = FrontierSubject { file: &file, title, x: &x_knob, y: &y_knob, found: &found };
    if let Some(path) = &asked.csv {
        write(path, frontier_csv(&subject))?;
    }
    if let Some(path) = &asked.svg {
        write(path, frontier_svg(&subject).map(String::into_bytes))?;
    }
    asked.output.print(&subject, asked.scenario.color)?;
    let verdict = found.verdict();
    if let leasehold_lab::frontier::Verdict::Apart(place) = verdict {
        let at = x_knob.show(found.columns[place].x);
        let _ = writeln!(std::io::stderr().lock(), "A BUG OF OURS: theory and measurement disagree at {at}");
    }
    Ok(verdict.exit_code())
}

/// What all shards of a diagram have in common.
fn shared(asked: &FrontierArguments, x_steps: usize) -> parts::Question<'_> {
    let arguments = Words::of_scenario(&asked.scenario)
        .option("x", &asked.x)
        .option("y", &asked.y)
        .option("steps", &asked.steps)
        .choice("by", &asked.by)
        .option("seeds", asked.seeds)
        .maybe("tolerance", asked.tolerance.as_ref());
    let wholes = vec![("columns", 0..x_steps as u64 + 1)];
    let scenario = Some(asked.scenario.scenario.as_path());
    parts::Question { what: "frontier", scenario, arguments, wholes, point: None }
}

impl Report for FrontierSubject<'_> {
    const PARTS: Option<&'static str> = Some("columns");

    fn human(&self, style: Style) -> String {
        frontier_text(self, style)
    }

    fn json(&self) -> serde_json::Value {
        frontier_json(self)
    }

    fn sheet(&self) -> Sheet {
        frontier_sheet(self, &command_to_repeat())
    }
}

/// No key may be turned by both axes, and a share needs its whole before it.
fn apart(x: &Axis<'_>, y: &Axis<'_>) -> Result<(), Failure> {
    let own = |key: &String| key.trim_start_matches('-').split('/').next().unwrap_or_default().to_owned();
    let turned_by_y: Vec<String> = y.keys.iter().map(own).collect();
    if let Some(key) = x.keys.iter().map(own).find(|key| turned_by_y.contains(key)) {
        return Err(Failure::usage(format!("error: both axes turn {key}")));
    }
    let whole = |key: &String| key.split_once('/').map(|(_, whole)| whole.to_owned());
    if let Some(key) = x.keys.iter().filter_map(whole).find(|key| turned_by_y.contains(key)) {
        return Err(Failure::usage(format!(
            "error: the x axis is a share of {key}, which the y axis turns; let them change places"
        )));
    }
    Ok(())
}

fn steps(text: &str) -> Result<(usize, usize), Failure> {
    let wrong = || {
        Failure::usage(format!(
            "error: --steps {text}: write 48,20 or 40; at least 1, and at most {CELLS_MAX} cells"
        ))
    };
    let (x, y) = text.split_once(',').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<usize>().ok().filter(|steps| *steps > 0);
    let (x, y) = number(x).zip(number(y)).ok_or_else(wrong)?;
    let cells = x.saturating_add(1).saturating_mul(y.saturating_add(1));
    if cells > CELLS_MAX { Err(wrong()) } else { Ok((x, y)) }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::io(&format!("cannot write {}", path.display()), error)
}

/// A file that cannot be written is known before the user has waited.
fn writable(path: &Path, scenario: &Path) -> Result<(), Failure> {
    let same = std::fs::canonicalize(path).ok();
    if same.is_some() && same == std::fs::canonicalize(scenario).ok() {
        return Err(Failure::usage(format!(
            "error: {} is the scenario; name another file",
            scenario.display()
        )));
    }
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(path);
    opened.map(|_| ()).map_err(|error| failed(path, &error))
}

fn write(path: &Path, bytes: std::io::Result<Vec<u8>>) -> Result<(), Failure> {
    bytes.and_then(|bytes| std::fs::write(path, bytes)).map_err(|error| failed(path, &error))
}

fn progress(cells: usize, quiet: bool) -> indicatif::ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{pos}/{len} cells {wide_bar} {eta} left");
    let bar = indicatif::ProgressBar::new(cells as u64);
    bar.set_style(style.expect("the template is a constant"));
    bar
}
