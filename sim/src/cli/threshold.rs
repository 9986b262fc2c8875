//! `sim threshold`.

use std::sync::atomic::Ordering;

use leasehold_lab::measured::{Shown, look, measured, measured_with};
use leasehold_lab::report::{
    MeasuredSubject, ThresholdSubject, certificate, measured_json, measured_sheet, measured_text,
    threshold_json, threshold_sheet, threshold_text,
};
use leasehold_lab::threshold::{Range, Refusal, Verdict, threshold as find, threshold_with};
use leasehold_run::report::Style;
use leasehold_run::rules;
use leasehold_run::scenario::units::UnitError;
use leasehold_run::scenario::{self, Diagnostics, Knob, Plan, UnitKind};
use leasehold_run::setup::Setup;
use leasehold_run::sheet::Sheet;

use super::args::ThresholdArguments;
use super::errors::{Failure, quoted, read as read_scenario, seed_set};
use super::guests;
use super::output::{Case, Output, Report};
use super::parts::merge::{Parts, Point};
use super::parts::{Question, Shard, Words, write_part};
use super::print;
use super::run::stop_on_interrupt;

/// `parts` are those of all shards of all values, for `sim merge`.
pub(super) fn threshold(asked: &ThresholdArguments, parts: Option<&Parts>) -> Result<u8, Failure> {
    let path = &asked.scenario.scenario;
    let file = path.display().to_string();
    let text = read_scenario(path)?;
    let mut sets = asked.scenario.overrides();
    sets.extend(asked.scenario.seed.as_ref().map(|seed| seed_set(seed)));
    let colored = asked.scenario.color.wanted(&std::io::stderr());
    let wrong = |problems: Diagnostics| Failure::usage(problems.render(colored));
    // Of the rows only their range is of use; an override that does not go with them does no harm here.
    let plan = match scenario::load(&file, &text, &sets, &rules::names()) {
        Err(problems) if asked.vary.is_empty() => return Err(wrong(problems)),
        plan => plan.ok(),
    };
    let sweep = plan.as_ref().and_then(|plan| plan.sweep.as_ref());
    let keys = match (&asked.vary[..], sweep) {
        ([], Some(sweep)) => sweep.paths.clone(),
        ([], None) => {
            return Err(Failure::usage(
                "error: nothing to vary; say `--vary KEY`, as in `--vary lease.duration`",
            ));
        }
        (keys, _) => keys.to_vec(),
    };
    let mut knob = Knob::new(&file, &text, &sets, &keys, &rules::names()).map_err(wrong)?;
    let range = range(asked, &knob, plan.as_ref())?;
    let title = plan.as_ref().map_or(file.as_str(), |plan| plan.title.as_str());
    let guest = knob.at(range.from).map_err(wrong)?.guest;
    if let Some(guest) = &guest {
        knob.hosted_by(guests::host(guest)?);
    }
    if let (Some(number), Some(folder)) = (asked.shard.shard, asked.shard.out.as_deref()) {
        let shard = Shard { number, folder, output: &asked.output };
        return part(asked, shard, &knob, range);
    }
    if let Some(guest) = guest {
        return of_guest(asked, &file, title, &knob, range, guest.command(), parts);
    }
    let refused = |refusal| refused(refusal, &knob, parts, &asked.output, colored);
    let found = match parts {
        None => find(&knob, range, asked.seeds).map_err(refused)?,
        Some(parts) => {
            let points = parts.points()?;
            let mut chance = |value, _: &Setup| {
                let shown = points.get(&value).and_then(shown);
                let known = points.get(&value).is_some_and(|point| point.complete);
                match shown {
                    // One stale read decides, whatever the other shards show.
                    Some(shown) if shown.stale_seeds > 0 => Ok(true),
                    Some(_) if known => Ok(false),
                    _ => Err(Refusal::SeedsMissing(value)),
                }
            };
            threshold_with(&knob, range, asked.seeds, &mut chance).map_err(refused)?
        }
    };
    let command = command(asked, &file, &knob, range);
    let subject = ThresholdSubject { file: &file, title, knob: &knob, found: &found, command: &command };
    if let (Some(file), Some(text)) = (&asked.certificate, certificate(&subject)) {
        std::fs::write(file, text).map_err(|error| Failure::io(&file.display().to_string(), &error))?;
    }
    asked.output.print(&subject, asked.scenario.color)?;
    Ok(found.verdict().exit_code())
}

/// What the parts of one value show together; `None` where a row is not one of this command.
fn shown(point: &Point<'_>) -> Option<Shown> {
    let rows: Option<Vec<Shown>> = point.rows.iter().map(Shown::from_json).collect();
    rows.map(|rows| rows.into_iter().fold(Shown::default(), Shown::and))
}

/// Runs one shard of the seeds of one value.
fn part(asked: &ThresholdArguments, shard: Shard<'_>, knob: &Knob, range: Range) -> Result<u8, Failure> {
    let Some(at) = &asked.at else {
        return Err(Failure::usage(
            "error: --at VALUE is missing: a shard runs the seeds of one value\n  `sim merge DIR` names the next one; begin with one end of the range",
        ));
    };
    let value = knob.read(at).map_err(|error| Failure::usage(format!("error: --at {at}: {error}")))?;
    if !(range.from..=range.to).contains(&value) {
        let (from, to) = (knob.show(range.from), knob.show(range.to));
        return Err(Failure::usage(format!("error: --at {at} is not between {from} and {to}")));
    }
    let setup = knob.at(value).map_err(|problems| Failure::usage(problems.render(false)))?;
    guests::check(&setup)?;
    let arguments = Words::of_scenario(&asked.scenario)
        .all("vary", &asked.vary)
        .option("from", knob.show(range.from))
        .option("to", knob.show(range.to))
        .option("tolerance", knob.show(range.tolerance))
        .option("seeds", asked.seeds);
    let wholes = vec![("seeds", 0..asked.seeds)];
    let scenario = Some(asked.scenario.scenario.as_path());
    let question = Question { what: "threshold", scenario, arguments, wholes, point: Some(value) };
    let stop = stop_on_interrupt();
    write_part(shard, &question, |ranges, writer| {
        let mut all = Shown::default();
        let mut next = ranges[0].start;
        while next < ranges[0].end {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let end = ranges[0].end.min(next.saturating_add(SEEDS_AT_ONCE));
            all = all.and(look(&setup, next..end));
            next = end;
        }
        guests::failed()?;
        writer.row(&all.to_json().to_string())?;
        Ok(Some(all.to_json()))
    })
}

/// Seeds that are run before the user may stop a shard.
const SEEDS_AT_ONCE: u64 = 256;

/// For programs, the next value of a threshold that is not decided goes to standard output.
fn refused(refusal: Refusal, knob: &Knob, parts: Option<&Parts>, output: &Output, colored: bool) -> Failure {
    if let (Refusal::SeedsMissing(value), true) = (&refusal, output.wants_json()) {
        let next = serde_json::json!({ "schema": 1, "next": knob.show(*value) });
        if let Err(failure) = print(&format!("{next}\n")) {
            return failure;
        }
    }
    match refusal {
        Refusal::Scenario(problems) => Failure::usage(problems.render(colored)),
        Refusal::NotKnown(why) => Failure::usage(format!("error: {why}")),
        Refusal::SeedsMissing(value) => {
            let parts = parts.expect("only the seeds of parts can be missing");
            let more = format!("--at={}", quoted(&knob.show(value)));
            let points = parts.points();
            let begun = points.as_ref().ok().and_then(|points| points.get(&value));
            match begun.map(|point| point.demand_all(&more)) {
                Some(Err(missing)) => missing,
                _ => Failure::incomplete(format!(
                    "undecided: the seeds of {} are needed next\n  run, for I in 1 to {2}:  {1} --shard I/{2} --out DIR",
                    knob.show(value),
                    parts.command(&more),
                    parts.shards()
                )),
            }
        }
    }
}

/// The threshold of a guest: by seeds.
fn of_guest(
    asked: &ThresholdArguments,
    file: &str,
    title: &str,
    knob: &Knob,
    range: Range,
    guest: &str,
    parts: Option<&Parts>,
) -> Result<u8, Failure> {
    if asked.certificate.is_some() {
        return Err(Failure::usage(
            "error: --certificate writes the adversary's run, and the adversary does not know a guest's rules\n  \
             `sim shrink SCENARIO --guest COMMAND` makes a small scenario of a stale read",
        ));
    }
    if asked.seeds == 0 {
        return Err(Failure::usage(
            "error: --seeds 0: the threshold of a guest is measured, by 1 seed at least",
        ));
    }
    let wrong = |problems: Diagnostics| Failure::usage(problems.render(false));
    guests::check(&knob.at(range.from).map_err(wrong)?)?;
    let found = match parts {
        None => measured(knob, range, asked.seeds),
        Some(parts) => {
            let points = parts.points()?;
            measured_with(knob, range, asked.seeds, &mut |value, _| {
                let point = points.get(&value).filter(|point| point.complete);
                point.and_then(shown).ok_or(Refusal::SeedsMissing(value))
            })
        }
    };
    let found = found.map_err(|refusal| refused(refusal, knob, parts, &asked.output, false))?;
    guests::failed()?;
    let subject = MeasuredSubject { file, title, guest, knob, found: &found };
    asked.output.print(&subject, asked.scenario.color)?;
    Ok(found.exit_code())
}

impl Report for MeasuredSubject<'_> {
    fn human(&self, style: Style) -> String {
        measured_text(self, style)
    }

    fn json(&self) -> serde_json::Value {
        measured_json(self)
    }

    fn sheet(&self) -> Sheet {
        measured_sheet(self)
    }
}

impl Report for ThresholdSubject<'_> {
    fn human(&self, style: Style) -> String {
        threshold_text(self, style)
    }

    fn json(&self) -> serde_json::Value {
        threshold_json(self)
    }

    fn sheet(&self) -> Sheet {
        threshold_sheet(self)
    }

    fn cases(&self) -> Vec<Case> {
        let failure = match self.found.verdict() {
            Verdict::Found => None,
            Verdict::NotFound => Some("no threshold in this range, or not one alone".to_owned()),
            Verdict::Apart => Some("a bug of ours: two of our own answers are apart".to_owned()),
        };
        vec![Case { name: self.title.to_owned(), failure }]
    }
}

fn range(asked: &ThresholdArguments, knob: &Knob, plan: Option<&Plan>) -> Result<Range, Failure> {
    let read = |name: &str, text: &str| {
        knob.read(text).map_err(|error: UnitError| Failure::usage(format!("error: --{name} {text}: {error}")))
    };
    // The ends of the scenario's own sweep, if that is what is varied.
    let swept = plan
        .filter(|plan| plan.sweep.as_ref().is_some_and(|sweep| sweep.paths == knob.keys()))
        .map(|plan| &plan.rows);
    let end = |name: &str, given: &Option<String>, swept: Option<i128>| match (given, swept) {
        (Some(text), _) => read(name, text),
        (None, Some(value)) => Ok(value),
        (None, None) => {
            Err(Failure::usage(format!("error: --{name} is missing; only a sweep's keys have a range")))
        }
    };
    let from = end("from", &asked.from, swept.and_then(|rows| rows.first()?.value))?;
    let to = end("to", &asked.to, swept.and_then(|rows| rows.last()?.value))?;
    let tolerance = match &asked.tolerance {
        Some(text) => read("tolerance", text)?,
        None => usual_tolerance(knob.unit()),
    };
    if tolerance <= 0 || to <= from {
        return Err(Failure::usage("error: --from is below --to, and --tolerance above zero"));
    }
    Ok(Range { from, to, tolerance })
}

/// How close is close enough where nobody says.
pub(super) fn usual_tolerance(unit: UnitKind) -> i128 {
    match unit {
        UnitKind::Span | UnitKind::Ratio => 1_000,
        UnitKind::Rate => 100,
        UnitKind::Number => 1,
    }
}

/// What to type to find the same again.
fn command(asked: &ThresholdArguments, file: &str, knob: &Knob, range: Range) -> String {
    let mut words = format!("sim threshold {}", quoted(file));
    for set in &asked.scenario.overrides() {
        words.push_str(&format!(" --set {}", quoted(set)));
    }
    if let Some(seed) = &asked.scenario.seed {
        words.push_str(&format!(" --seed {}", quoted(seed)));
    }
    for key in &asked.vary {
        words.push_str(&format!(" {}", quoted(&format!("--vary={key}"))));
    }
    words.push_str(&format!(" --from={} --to={}", knob.show(range.from), knob.show(range.to)));
    words.push_str(&format!(" --tolerance={}", knob.show(range.tolerance)));
    words
}
