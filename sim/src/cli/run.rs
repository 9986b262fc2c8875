//! `sim run`.

mod paper;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use leasehold_lab::study::study;
use leasehold_run::display::{count, instant, shell_word, signed_span};
use leasehold_run::report::{Style, Subject, blame_line, failure, json_report, text_report};
use leasehold_run::run::run as run_setup;
use leasehold_run::scenario::{Expectation, Plan, RowExpectation};
use leasehold_run::study::Study;
use leasehold_run::trace::{Divergence, divergence};
use leasehold_run::{describe, watch};

use super::args::{Expect, RunArguments};
use super::errors::{Failure, Loaded, load, nearest};
use super::kept::Kept;
use super::output::{Case, Report, rows_as_cases, style};
use super::page::Paper;
use super::traces::Traces;
use super::{exit, guests};

pub(super) fn run(asked: &RunArguments) -> Result<u8, Failure> {
    let stop = stop_on_interrupt();
    let mut loaded = load(&asked.scenario)?;
    choose_row(&mut loaded.plan, asked.row.as_deref())?;
    expect(&mut loaded, asked.expect);
    if let Some(jobs) = asked.jobs {
        // Only the first call in a process counts, and this is it.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global();
    }
    // Before the rows are run: a file that cannot be written is known before the user has waited.
    let traces = Traces::create(asked)?;
    let kept = match &asked.out {
        Some(path) => Some(Kept::create(path)?),
        None => None,
    };
    if asked.check_determinism == Some(true)
        && let Some(code) = check_determinism(&loaded.plan, stop, asked.output.quiet)
    {
        return Ok(code);
    }
    let progress = progress(loaded.plan.rows.len(), asked.output.quiet);
    let began = now();
    let mut results = study(&loaded.plan, stop, &|| progress.inc(1));
    // What a guest looks at is not ours to know, so its runs are compared unless the user says no.
    if let (Some(row), true) = (loaded.plan.rows.first(), asked.check_determinism.unwrap_or(true))
        && row.scenario.setup.guest.is_some()
        && !results.interrupted
    {
        results.again = Some(run_setup(&Arc::new(row.scenario.setup.clone())).trace_hash);
    }
    let took = began.elapsed();
    progress.finish_and_clear();

    guests::failed()?;
    let explanation = results.explanation();
    guests::failed()?;
    let subject = Subject {
        file: &loaded.file,
        arguments: &loaded.arguments,
        plan: &loaded.plan,
        study: &results,
        explanation: explanation.as_ref(),
    };
    let shown = Shown { subject: &subject, verbose: asked.verbose, marks_max: asked.html_marks };
    asked.output.print(&shown, asked.scenario.color)?;
    let traced_all = traces.write(&subject, asked.output.quiet, stop)?;
    if let Some(kept) = kept.filter(|_| !results.interrupted) {
        kept.write(&subject, &loaded.text)?;
        guests::failed()?;
    }
    if !asked.output.quiet {
        say_speed(&results, took);
    }
    let style = style(&std::io::stderr(), asked.scenario.color);
    if let Some(failure) = failure(&subject, style) {
        let _ = std::io::stderr().lock().write_all(failure.as_bytes());
    }
    if let Some((first, second)) = results.diverged() {
        return Err(Failure::with(exit::DIVERGED, guests::differs(first, second)));
    }
    Ok(if traced_all { results.exit_code() } else { exit::INTERRUPTED })
}

pub(super) fn choose_row(plan: &mut Plan, label: Option<&str>) -> Result<(), Failure> {
    let Some(label) = label else { return Ok(()) };
    if !plan.rows.iter().any(|row| row.label == label) {
        return Err(Failure::usage(no_row(plan, label)));
    }
    plan.rows.retain(|row| row.label == label);
    Ok(())
}

fn no_row(plan: &Plan, label: &str) -> String {
    /// More labels than this are more than anybody reads.
    const LABELS_MAX: usize = 20;
    let known: Vec<&str> = plan.rows.iter().map(|row| row.label.as_str()).collect();
    if known == [""] {
        return format!(
            "error: no row `{label}`\n  the scenario has one row, which has no label: leave --row away"
        );
    }
    let mut text = format!("error: no row `{label}`");
    if let Some(near) = nearest(label, known.iter().copied()) {
        text.push_str(&format!("\n  did you mean --row {}?", shell_word(near)));
    }
    text.push_str(&format!("\n  rows are {}", known[..known.len().min(LABELS_MAX)].join(", ")));
    if known.len() > LABELS_MAX {
        text.push_str(&format!(" and {} more", known.len() - LABELS_MAX));
    }
    text
}

fn expect(loaded: &mut Loaded, expect: Option<Expect>) {
    let Some(expect) = expect else { return };
    let (row, whole, word) = match expect {
        Expect::Safe => (RowExpectation::None, Expectation::None, "safe"),
        Expect::None => (RowExpectation::None, Expectation::None, "none"),
        Expect::Some => (RowExpectation::Some, Expectation::Some, "some"),
        Expect::Any => (RowExpectation::Any, Expectation::Any, "any"),
    };
    for each in &mut loaded.plan.rows {
        each.expect = row;
        each.scenario.required.safe |= expect == Expect::Safe;
    }
    loaded.plan.expect = whole;
    loaded.arguments.push_str(&format!(" --expect {word}"));
}

/// What a run reports, and how much of it.
struct Shown<'a> {
    subject: &'a Subject<'a>,
    verbose: u8,
    /// Messages and operations that its page draws.
    marks_max: usize,
}

impl Report for Shown<'_> {
    const PARTS: Option<&'static str> = Some("rows");

    fn human(&self, style: Style) -> String {
        text_report(self.subject, style) + &details(self.subject.study, self.verbose)
    }

    fn json(&self) -> serde_json::Value {
        json_report(self.subject)
    }

    fn cases(&self) -> Vec<Case> {
        rows_as_cases(self.subject)
    }

    fn paper(&self) -> Option<Paper> {
        if self.subject.study.interrupted {
            return None;
        }
        paper::paper(self.subject, self.marks_max)
    }
}

/// What `-v` adds.
fn details(study: &Study, verbose: u8) -> String {
    let mut text = String::new();
    if verbose == 0 {
        return text;
    }
    for row in &study.rows {
        text.push_str(&format!(
            "\n{}\n",
            if row.label.is_empty() { "changes of leadership" } else { &row.label }
        ));
        for (change, blame) in row.changes.iter().zip(&row.blames) {
            let name = |node: usize| describe::node(&row.setup, node);
            let old =
                change.old.map_or("nobody had a lease".to_owned(), |(old, term)| match change.lease_over {
                    Some(watch::LeaseOver::At(at)) => {
                        format!("{}'s lease of term {term} over at {}", name(old), instant(at))
                    }
                    Some(watch::LeaseOver::Never) => {
                        format!("{}'s lease of term {term} never over", name(old))
                    }
                    None => format!("{} had led in term {term}", name(old)),
                });
            let margin = match change.margin() {
                None => "no margin".to_owned(),
                Some(i64::MIN) => "no end".to_owned(),
                Some(margin) => format!("margin {}", signed_span(i128::from(margin))),
            };
            text.push_str(&format!(
                "  term {}: {} could acknowledge writes from {} on; {old}; {margin}\n",
                change.new_term,
                name(change.new),
                instant(change.ready_at)
            ));
            if let Some(blame) = blame {
                text.push_str(&format!("    {}\n", blame_line(blame)));
            }
        }
        if verbose > 1 {
            text.push_str(&format!(
                "  trace {:016x}, {} events, {} messages, {} operations, {} of unknown outcome\n",
                row.trace_hash,
                count(row.events),
                count(row.messages),
                count(row.operations as u64),
                count(row.unknown as u64)
            ));
        }
    }
    text
}

/// The exit code, if there is nothing more to do.
fn check_determinism(plan: &Plan, stop: &AtomicBool, quiet: bool) -> Option<u8> {
    for row in &plan.rows {
        if stop.load(Ordering::Relaxed) {
            return Some(exit::INTERRUPTED);
        }
        let setup = Arc::new(row.scenario.setup.clone());
        if let Some(found) = divergence(&setup) {
            let (code, text) = diverged(&row.label, &found);
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
            return Some(code);
        }
    }
    if !quiet {
        let _ = writeln!(std::io::stderr().lock(), "two runs of each row are the same, event by event");
    }
    None
}

/// What two runs of one seed come to when they differ.
fn diverged(label: &str, found: &Divergence) -> (u8, String) {
    let shown = |line: &Option<serde_json::Value>| {
        line.as_ref().map_or("(the run had ended)".to_owned(), ToString::to_string)
    };
    let text = format!(
        "TWO RUNS DIFFER{}: from event {} on\n  first:  {}\n  second: {}\n",
        if label.is_empty() { String::new() } else { format!(" at {label}") },
        found.event,
        shown(&found.first),
        shown(&found.second)
    );
    (exit::DIVERGED, text)
}

/// The first Ctrl-C lets the rows that have begun finish; the second ends the process.
pub(super) fn stop_on_interrupt() -> &'static AtomicBool {
    interruptible("stopping after the rows that have begun; Ctrl-C again stops at once")
}

/// The same, with other words.
pub(super) fn interruptible(words: &'static str) -> &'static AtomicBool {
    static STOP: AtomicBool = AtomicBool::new(false);
    let _ = ctrlc::set_handler(move || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        let _ = writeln!(std::io::stderr().lock(), "{words}");
    });
    &STOP
}

fn progress(rows: usize, quiet: bool) -> indicatif::ProgressBar {
    if quiet || rows < 2 {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{pos}/{len} rows {wide_bar} {eta} left");
    let bar = indicatif::ProgressBar::new(rows as u64);
    bar.set_style(style.expect("the template is a constant"));
    bar
}

/// How fast it was, on standard error: the report itself does not depend on the machine.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a figure for people")]
fn say_speed(study: &Study, took: std::time::Duration) {
    let events: u64 = study.rows.iter().map(|row| row.events).sum();
    let messages: u64 = study.rows.iter().map(|row| row.messages).sum();
    let simulated: f64 = study.rows.iter().map(|row| row.setup.duration.as_nanos() as f64 / 1e9).sum();
    let seconds = took.as_secs_f64().max(1e-9);
    let _ = writeln!(
        std::io::stderr().lock(),
        "{} in {seconds:.2} s: {:.2} M events/s, {:.2} M messages/s, {:.0} simulated seconds per second",
        if study.rows.len() == 1 {
            "1 row".to_owned()
        } else {
            format!("{} rows", count(study.rows.len() as u64))
        },
        events as f64 / seconds / 1e6,
        messages as f64 / seconds / 1e6,
        simulated / seconds
    );
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long the user waited, for the user; no result depends on it"
)]
pub(super) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No scenario makes two runs differ, so the code is tested here.
    #[test]
    fn runs_that_differ_are_shown_and_have_a_code_of_their_own() {
        let first = Some(serde_json::json!({ "at_ns": 1 }));
        let (code, text) = diverged("3s", &Divergence { event: 7, first, second: None });
        assert_eq!(code, 5);
        assert_eq!(
            text,
            "TWO RUNS DIFFER at 3s: from event 7 on\n  first:  {\"at_ns\":1}\n  second: (the run had ended)\n"
        );
    }
}
