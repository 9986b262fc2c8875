//! `sim probability`.

use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use leasehold_lab::probability::{
    Asked, Estimate, Plain, Rare, Replication, conclude, estimate, plain, replications,
};
use leasehold_lab::report::{ProbabilitySubject, probability_json, probability_sheet, probability_text};
use leasehold_parts::Writer;
use leasehold_run::display::count;
use leasehold_run::report::Style;
use leasehold_run::setup::Setup;
use leasehold_run::sheet::Sheet;
use serde_json::{Value, json};

use super::args::{ProbabilityArguments, ProbableEvent};
use super::errors::{Failure, Loaded, load, quoted};
use super::exhaust::one_setup;
use super::output::Report;
use super::parts::merge::{Parts, foreign};
use super::parts::{Question, Shard, Words, write_part};
use super::run::{now, stop_on_interrupt};
use super::{exit, guests};

/// `parts` are those of all shards, for `sim merge`.
pub(super) fn probability(asked: &ProbabilityArguments, parts: Option<&Parts>) -> Result<u8, Failure> {
    let stop = stop_on_interrupt();
    let mut loaded = load(&asked.scenario)?;
    let setup = one_setup(&mut loaded, asked.row.as_deref())?;
    guests::refuse(&setup, "probability")?;
    if let Some(jobs) = asked.jobs {
        // Only the first call in a process counts, and this is it.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global();
    }
    let rare = match asked.event {
        ProbableEvent::StaleRead => Rare::StaleRead,
        ProbableEvent::NegativeMargin => Rare::NegativeMargin,
    };
    let what = Asked { rare, particles: asked.particles, replications: asked.replications };
    if let (Some(number), Some(folder)) = (asked.shard.shard, asked.shard.out.as_deref()) {
        if super::DRAWN_SEED.get().is_some() {
            return Err(Failure::usage("error: shards need one seed for all of them: say --seed N"));
        }
        let shard = Shard { number, folder, output: &asked.output };
        return write_part(shard, &question(asked), |ranges, writer| {
            part(&setup, &what, ranges, stop, writer)
        });
    }
    if let Some(parts) = parts {
        let (done, plain) = merged(&parts.rows()?).ok_or_else(|| foreign(&parts.parts[0]))?;
        let found = conclude(&what, &done);
        return report(asked, &loaded, &setup, &found, (&what, (asked.plain > 0).then_some(plain)));
    }
    let bar = progress(what.replications);
    let began = now();
    let found = estimate(&setup, &what, stop, &|| bar.inc(1));
    bar.finish_and_clear();
    say_speed("splitting", found.runs, began.elapsed());
    if found.replications == 0 {
        let _ = writeln!(std::io::stderr().lock(), "interrupted before any replication was done");
        return Ok(exit::INTERRUPTED);
    }
    let began = now();
    let beside = (asked.plain > 0).then(|| plain(&setup, rare, 0..asked.plain, stop));
    if let Some(beside) = beside {
        say_speed("plain", beside.seeds, began.elapsed());
    }
    report(asked, &loaded, &setup, &found, (&what, beside))
}

fn report(
    asked: &ProbabilityArguments,
    loaded: &Loaded,
    setup: &Arc<Setup>,
    found: &Estimate,
    (what, plain): (&Asked, Option<Plain>),
) -> Result<u8, Failure> {
    let command = command(asked, &loaded.file, &loaded.arguments);
    let subject =
        ProbabilitySubject { title: &loaded.plan.title, asked: what, found, plain, command: &command };
    // A seed of the command is the first of all: a run is told by its own.
    let file = format!("{}{}", quoted(&loaded.file), without_seed(&loaded.arguments, asked));
    asked.output.print(&Shown { subject, setup, file: &file }, asked.scenario.color)?;
    let cut_short = plain.is_some_and(|beside| beside.seeds < asked.plain);
    Ok(if found.interrupted || cut_short { exit::INTERRUPTED } else { 0 })
}

/// What all shards of an estimate have in common.
fn question(asked: &ProbabilityArguments) -> Question<'_> {
    let arguments = Words::of_scenario(&asked.scenario)
        .maybe("row", asked.row.as_ref())
        .choice("event", &asked.event)
        .option("particles", asked.particles)
        .option("replications", asked.replications)
        .option("plain", asked.plain);
    let wholes = vec![("replications", 0..u64::from(asked.replications)), ("plain-seeds", 0..asked.plain)];
    let scenario = Some(asked.scenario.scenario.as_path());
    Question { what: "probability", scenario, arguments, wholes, point: None }
}

/// Runs the replications and the plain seeds of one shard; `None` if the user stopped it.
fn part(
    setup: &Arc<Setup>,
    what: &Asked,
    ranges: &[Range<u64>],
    stop: &AtomicBool,
    writer: &mut Writer,
) -> Result<Option<Value>, Failure> {
    let number = |number: u64| u32::try_from(number).expect("the number of replications has 32 bits");
    let numbers = number(ranges[0].start)..number(ranges[0].end);
    let done = replications(setup, what, numbers, stop, &|| ());
    let beside = plain(setup, what.rare, ranges[1].clone(), stop);
    if stop.load(Ordering::Relaxed) {
        return Ok(None);
    }
    for one in &done {
        writer.row(&one.to_json().to_string())?;
    }
    if beside.seeds > 0 {
        let Plain { seeds, seen, events } = beside;
        writer.row(&json!({ "plain_seeds": seeds, "seen": seen, "events": events }).to_string())?;
    }
    let seen = done.iter().filter(|one| one.probability > 0.0).count();
    Ok(Some(json!({ "replications_that_saw_it": seen, "plain_seeds_that_saw_it": beside.seen })))
}

/// The rows of all parts, in the order of the parts.
fn merged(rows: &[Value]) -> Option<(Vec<Replication>, Plain)> {
    let (mut done, mut plain) = (Vec::new(), Plain::default());
    for row in rows {
        match row.get("plain_seeds") {
            None => done.push(Replication::from_json(row)?),
            Some(seeds) => {
                let number = |key: &str| row.get(key)?.as_u64();
                plain = plain.and(Plain {
                    seeds: seeds.as_u64()?,
                    seen: number("seen")?,
                    events: number("events")?,
                });
            }
        }
    }
    done.sort_by_key(|one| one.number);
    Some((done, plain))
}

/// The scenario's arguments but for `--seed`.
fn without_seed(arguments: &str, asked: &ProbabilityArguments) -> String {
    let given = asked.scenario.seed.clone().or_else(|| super::DRAWN_SEED.get().map(u64::to_string));
    given
        .map_or(arguments.to_owned(), |seed| arguments.replacen(&format!(" --seed {}", quoted(&seed)), "", 1))
}

/// An estimate, and what it is of.
struct Shown<'a> {
    subject: ProbabilitySubject<'a>,
    setup: &'a Arc<Setup>,
    /// The scenario with what chooses in it, quoted.
    file: &'a str,
}

impl Report for Shown<'_> {
    fn human(&self, style: Style) -> String {
        probability_text(&self.subject, style)
    }

    fn json(&self) -> serde_json::Value {
        probability_json(&self.subject)
    }

    fn sheet(&self) -> Sheet {
        probability_sheet(&self.subject, self.setup, self.file)
    }
}

/// A bar on a terminal.
fn progress(replications: u32) -> indicatif::ProgressBar {
    let bar = match std::io::stderr().is_terminal() {
        true => indicatif::ProgressBar::new(u64::from(replications)),
        false => indicatif::ProgressBar::hidden(),
    };
    let style = indicatif::ProgressStyle::with_template("{pos}/{len} replications {wide_bar} {eta} left");
    bar.set_style(style.expect("the template is a constant"));
    bar
}

/// How fast it was, on standard error: the report itself does not depend on the machine.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a figure for people")]
fn say_speed(what: &str, runs: u64, took: Duration) {
    let seconds = took.as_secs_f64().max(1e-9);
    let _ = writeln!(
        std::io::stderr().lock(),
        "{what}: {} runs in {seconds:.1} s, {:.0} runs/s on {} threads",
        count(runs),
        runs as f64 / seconds,
        rayon::current_num_threads()
    );
}

/// What to type to estimate the same again.
fn command(asked: &ProbabilityArguments, file: &str, arguments: &str) -> String {
    let mut words = format!("sim probability {}{arguments}", quoted(file));
    if asked.event == ProbableEvent::NegativeMargin {
        words.push_str(" --event negative-margin");
    }
    words.push_str(&format!(" --particles {} --replications {}", asked.particles, asked.replications));
    if asked.plain > 0 {
        words.push_str(&format!(" --plain {}", asked.plain));
    }
    words
}
