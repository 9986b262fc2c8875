//! `sim exhaust`.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use leasehold_lab::exhaust::{
    SCHEDULES_MAX, Search, Summary, WHOLE, adversary, exhaust as search_all, find_cut, schedules_at_most,
    tell,
};
use leasehold_lab::report::{ExhaustSubject, exhaust_json, exhaust_sheet, exhaust_text};
use leasehold_run::display::count;
use leasehold_run::report::Style;
use leasehold_run::scenario::units;
use leasehold_run::setup::Setup;
use leasehold_run::sheet::Sheet;

use super::args::ExhaustArguments;
use super::errors::{Failure, Loaded, load, quoted};
use super::output::Report;
use super::run::{choose_row, now, stop_on_interrupt};
use super::{exit, guests};

pub(super) fn exhaust(asked: &ExhaustArguments) -> Result<u8, Failure> {
    let stop = stop_on_interrupt();
    let mut loaded = load(&asked.scenario)?;
    let setup = one_setup(&mut loaded, asked.row.as_deref())?;
    guests::refuse(&setup, "exhaust")?;
    if let Some(jobs) = asked.jobs {
        // Only the first call in a process counts, and this is it.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global();
    }
    let (search, cut) = what(asked, &setup)?;
    let replay = command(asked, &loaded);
    let mut subject = ExhaustSubject {
        title: &loaded.plan.title,
        setup: &setup,
        search: &search,
        cut,
        summary: None,
        told: None,
        adversary: adversary(&setup),
        replay: &replay,
    };
    let wrong = |why| Failure::usage(format!("error: --replay is of another search: {why}"));
    if let Some(text) = &asked.replay {
        let told = tell(&setup, &search, &answers(text)?).map_err(wrong)?;
        subject.told = Some(&told);
        return report(asked, &subject);
    }
    let found = run(&setup, &search, stop);
    let shown = found.worst.as_ref().or(found.first_stale.as_ref());
    let told = shown.map(|shown| tell(&setup, &search, &shown.options)).transpose().map_err(wrong)?;
    subject.summary = Some(&found);
    subject.told = told.as_ref();
    report(asked, &subject)
}

impl Report for ExhaustSubject<'_> {
    fn human(&self, style: Style) -> String {
        exhaust_text(self, style)
    }

    fn json(&self) -> serde_json::Value {
        exhaust_json(self)
    }

    fn sheet(&self) -> Sheet {
        exhaust_sheet(self, &Arc::new(self.setup.clone()))
    }
}

/// The one setup that a scenario comes to.
pub(super) fn one_setup(loaded: &mut Loaded, row: Option<&str>) -> Result<Arc<Setup>, Failure> {
    choose_row(&mut loaded.plan, row)?;
    if let Some(row) = row {
        loaded.arguments.push_str(&format!(" --row {}", quoted(row)));
    }
    match &loaded.plan.rows[..] {
        [only] => Ok(Arc::new(only.scenario.setup.clone())),
        [first, .., last] => Err(Failure::usage(format!(
            "error: the scenario has {} rows, from `{}` to `{}`; pick one with --row",
            loaded.plan.rows.len(),
            first.label,
            last.label
        ))),
        [] => Err(Failure::usage("error: the scenario has no row")),
    }
}

/// What to search, and where the cut comes from.
fn what(
    asked: &ExhaustArguments,
    setup: &Arc<Setup>,
) -> Result<(Search, Option<leasehold_lab::exhaust::Cut>), Failure> {
    let (from, cut) = match &asked.after {
        Some(text) => {
            let after = units::span(text)
                .map_err(|error| Failure::usage(format!("error: --after {}: {error}", quoted(text))))?;
            (after.as_nanos(), None)
        }
        None => {
            let cut = find_cut(setup).ok_or_else(|| {
                Failure::usage(
                    "error: with this seed no leader is cut off: nobody takes over from a leader with a lease, and no \
                     fault happens after a lease; say from when on with --after TIME",
                )
            })?;
            (cut.at, Some(cut))
        }
    };
    let search = Search { from, choices: asked.choices, lossy: !asked.delivered };
    let most = schedules_at_most(setup, &search);
    if asked.replay.is_none() && most > SCHEDULES_MAX {
        let fits = (0..asked.choices).rev().find(|choices| {
            schedules_at_most(setup, &Search { choices: *choices, ..search }) <= SCHEDULES_MAX
        });
        let most = u64::try_from(most).map_or_else(|_| "more than 10^19".to_owned(), count);
        return Err(Failure::usage(format!(
            "error: {} decisions make up to {most} schedules; 10^9 are the most\n  --choices {} still fits{}",
            asked.choices,
            fits.unwrap_or(0),
            if search.lossy { "; --delivered, which loses nothing, makes them fewer" } else { "" }
        )));
    }
    Ok((search, cut))
}

fn answers(text: &str) -> Result<Vec<u8>, Failure> {
    let digit = |c: char| c.to_digit(10).and_then(|digit| u8::try_from(digit).ok());
    text.chars().map(digit).collect::<Option<_>>().ok_or_else(|| {
        Failure::usage(format!(
            "error: --replay {}: a digit for each answer, as a report shows them",
            quoted(text)
        ))
    })
}

/// Runs all schedules, with progress and speed on standard error.
fn run(setup: &Arc<Setup>, search: &Search, stop: &std::sync::atomic::AtomicBool) -> Summary {
    let bar = match std::io::stderr().is_terminal() {
        true => indicatif::ProgressBar::new(WHOLE),
        false => indicatif::ProgressBar::hidden(),
    };
    let style = indicatif::ProgressStyle::with_template("{percent} % {wide_bar} {msg} schedules, {eta} left");
    bar.set_style(style.expect("the template is a constant"));
    let done = AtomicU64::new(0);
    let began = now();
    let found = search_all(setup, search, stop, &|part| {
        /// Telling the bar of each schedule would take longer than a schedule.
        const EVERY: u64 = 64;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        bar.inc(part);
        if done.is_multiple_of(EVERY) && !bar.is_hidden() {
            bar.set_message(count(done));
        }
    });
    bar.finish_and_clear();
    say_speed(found.schedules, began.elapsed());
    found
}

/// How fast it was, on standard error: the report itself does not depend on the machine.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a figure for people")]
fn say_speed(schedules: u64, took: Duration) {
    let seconds = took.as_secs_f64().max(1e-9);
    let _ = writeln!(
        std::io::stderr().lock(),
        "{} schedules in {seconds:.1} s: {:.0} schedules/s on {} threads",
        count(schedules),
        schedules as f64 / seconds,
        rayon::current_num_threads()
    );
}

/// What to type to search the same again.
fn command(asked: &ExhaustArguments, loaded: &Loaded) -> String {
    let mut words = format!("sim exhaust {}{}", quoted(&loaded.file), loaded.arguments);
    words.push_str(&format!(" --choices {}", asked.choices));
    if let Some(after) = &asked.after {
        words.push_str(&format!(" --after {}", quoted(after)));
    }
    if asked.delivered {
        words.push_str(" --delivered");
    }
    words
}

fn report(asked: &ExhaustArguments, subject: &ExhaustSubject<'_>) -> Result<u8, Failure> {
    asked.output.print(subject, asked.scenario.color)?;
    Ok(match subject.summary {
        _ if subject.our_bug() => exit::OUR_BUG,
        Some(found) if found.interrupted => exit::INTERRUPTED,
        _ => 0,
    })
}
