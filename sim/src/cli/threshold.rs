//! `sim threshold`.

use leasehold_lab::measured::measured;
use leasehold_lab::report::{
    MeasuredSubject, ThresholdSubject, certificate, measured_json, measured_text, threshold_json,
    threshold_text,
};
use leasehold_lab::threshold::{Range, Refusal, Verdict, threshold as find};
use leasehold_run::report::Style;
use leasehold_run::rules;
use leasehold_run::scenario::units::UnitError;
use leasehold_run::scenario::{self, Diagnostics, Knob, Plan, UnitKind};

use super::args::ThresholdArguments;
use super::errors::{Failure, quoted, read as read_scenario, seed_set};
use super::guests;
use super::output::{Case, Report};

pub(super) fn threshold(asked: &ThresholdArguments) -> Result<u8, Failure> {
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
    if let Some(guest) = guest {
        knob.hosted_by(guests::host(&guest)?);
        return of_guest(asked, &file, title, &knob, range, guest.command());
    }
    let found = find(&knob, range, asked.seeds).map_err(|refusal| match refusal {
        Refusal::Scenario(problems) => wrong(problems),
        Refusal::NotKnown(why) => Failure::usage(format!("error: {why}")),
    })?;
    let command = command(asked, &file, &knob, range);
    let subject = ThresholdSubject { file: &file, title, knob: &knob, found: &found, command: &command };
    if let (Some(file), Some(text)) = (&asked.certificate, certificate(&subject)) {
        std::fs::write(file, text).map_err(|error| Failure::io(&file.display().to_string(), &error))?;
    }
    asked.output.print(&subject, asked.scenario.color)?;
    Ok(found.verdict().exit_code())
}

/// The threshold of a guest: by seeds.
fn of_guest(
    asked: &ThresholdArguments,
    file: &str,
    title: &str,
    knob: &Knob,
    range: Range,
    guest: &str,
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
    let found = measured(knob, range, asked.seeds).map_err(|refusal| match refusal {
        Refusal::Scenario(problems) => wrong(problems),
        Refusal::NotKnown(why) => Failure::usage(format!("error: {why}")),
    })?;
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
}

impl Report for ThresholdSubject<'_> {
    fn human(&self, style: Style) -> String {
        threshold_text(self, style)
    }

    fn json(&self) -> serde_json::Value {
        threshold_json(self)
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
