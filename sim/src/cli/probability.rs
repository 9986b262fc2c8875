//! `sim probability`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use leasehold_lab::probability::{Asked, Rare, estimate, plain};
use leasehold_lab::report::{ProbabilitySubject, probability_json, probability_text};
use leasehold_run::display::count;
use leasehold_run::report::Style;

use super::args::{ProbabilityArguments, ProbableEvent};
use super::errors::{Failure, load, quoted};
use super::exhaust::one_setup;
use super::output::Report;
use super::run::{now, stop_on_interrupt};
use super::{exit, guests};

pub(super) fn probability(asked: &ProbabilityArguments) -> Result<u8, Failure> {
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
    let beside = (asked.plain > 0).then(|| plain(&setup, rare, asked.plain, stop));
    if let Some(beside) = beside {
        say_speed("plain", beside.seeds, began.elapsed());
    }
    let command = command(asked, &loaded.file, &loaded.arguments);
    let subject = ProbabilitySubject {
        title: &loaded.plan.title,
        asked: &what,
        found: &found,
        plain: beside,
        command: &command,
    };
    asked.output.print(&subject, asked.scenario.color)?;
    let cut_short = beside.is_some_and(|beside| beside.seeds < asked.plain);
    Ok(if found.interrupted || cut_short { exit::INTERRUPTED } else { 0 })
}

impl Report for ProbabilitySubject<'_> {
    fn human(&self, style: Style) -> String {
        probability_text(self, style)
    }

    fn json(&self) -> serde_json::Value {
        probability_json(self)
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
