//! `sim explore`.

use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use leasehold_lab::stalled::stalled;
use leasehold_lab::swarm::{
    Bound, Cause, End, Given, Heading, Kind, Limits, Profile, Row, Subject, Summary, draw, explore, run_seed,
    summary_json, summary_sheet, summary_text, within_bound,
};
use leasehold_parts::{Digest, Part, Writer};
use leasehold_run::display::count;
use leasehold_run::report::Style;
use leasehold_run::rules;
use leasehold_run::scenario::{RowExpectation, Written};
use leasehold_run::sheet::Sheet;
use leasehold_run::study::Safety;
use serde_json::json;

use super::args::{Arguments, Color, Command, Expect, ExploreArguments};
use super::errors::{Failure, load_file, quoted};
use super::guests::guest_set;
use super::output::{Case, Report};
use super::parts::merge::{Parts, foreign};
use super::parts::{Question, Shard, Words, write_part};
use super::run::{choose_row, now, stop_on_interrupt};
use super::store::{Folder, Manifest};
use super::{exit, guests, print};
use clap::Parser;

pub(super) fn run(asked: &ExploreArguments) -> Result<u8, Failure> {
    if let Some(seed) = &asked.show {
        return show(asked, number(seed)?);
    }
    if let Some(jobs) = asked.jobs {
        // Only the first call in a process counts, and this is it.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global();
    }
    let (folder, mut manifest) = match &asked.resume {
        Some(path) => {
            let folder = Folder { path: path.clone() };
            let manifest = folder.read_manifest()?;
            manifest.check_version(&folder)?;
            (folder, manifest)
        }
        None => {
            let subject = subject(asked)?;
            let seeds = seeds(&asked.seeds)?;
            if let (Some(number), Some(folder)) = (asked.shard, asked.out.as_deref()) {
                let shard = Shard { number, folder, output: &asked.output };
                return write_part(shard, &question(asked, &subject, seeds), |ranges, writer| {
                    part(asked, &subject, &ranges[0], writer)
                });
            }
            (Folder::create(asked.out.as_deref())?, Manifest::new(subject, seeds))
        }
    };
    let mut summary = Summary::new(&manifest.subject);
    let mut last = None;
    let keep = folder.read_rows(manifest.complete, manifest.seeds.start, &mut |_, row| {
        summary.add(&row);
        last = Some(row);
        Ok(())
    })?;
    if let Some(row) = &last
        && run_seed(row.seed, &manifest.subject) != *row
    {
        print(&format!("seed {} does not give the row that {} holds\n", row.seed, folder.path.display()))?;
        return Ok(exit::DIVERGED);
    }
    let end =
        if manifest.complete { End::Done } else { go_on(asked, &folder, &mut manifest, &mut summary, keep)? };
    let heading = Heading { subject: manifest.subject, seeds: manifest.seeds.clone(), end };
    folder.write_json("summary.json", &summary_json(&heading, &summary))?;
    asked.output.print(&(&heading, &summary), Color::Never)?;
    if !asked.output.quiet {
        let _ = writeln!(std::io::stderr().lock(), "rows and summary are in {}", folder.path.display());
    }
    Ok(conclude(asked, &heading, &summary))
}

fn subject(asked: &ExploreArguments) -> Result<Subject, Failure> {
    Ok(match &asked.scenario {
        Some(path) => Subject::Scenario(given(asked, path)?),
        None => profile(&asked.rules, asked.beyond)?.into(),
    })
}

impl Report for (&Heading, &Summary) {
    const PARTS: Option<&'static str> = Some("groups");

    fn human(&self, _style: Style) -> String {
        summary_text(self.0, self.1)
    }

    fn json(&self) -> serde_json::Value {
        summary_json(self.0, self.1)
    }

    fn sheet(&self) -> Sheet {
        summary_sheet(self.0, self.1)
    }

    fn cases(&self) -> Vec<Case> {
        let (heading, summary) = *self;
        let words =
            |cause: &Cause| cause.found.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(" and ");
        let groups = summary.groups.iter().map(|(cause, group)| Case {
            name: words(cause),
            failure: Some(format!(
                "{} seeds, first {}; replay with: {}",
                count(group.count),
                group.first,
                heading.subject.replay(group.simplest)
            )),
        });
        let clean = Case {
            name: format!("{} seeds without a finding", count(summary.seeds - summary.failures)),
            failure: None,
        };
        std::iter::once(clean).chain(groups).collect()
    }
}

/// Runs the seeds that are not there yet.
fn go_on(
    asked: &ExploreArguments,
    folder: &Folder,
    manifest: &mut Manifest,
    summary: &mut Summary,
    keep: u64,
) -> Result<End, Failure> {
    let began = jiff::Timestamp::now();
    let session = |ended: Option<Duration>, seeds: u64| {
        json!({
            "arguments": std::env::args().skip(1).collect::<Vec<_>>(),
            "began": began.to_string(),
            "seconds": ended.map(|took| took.as_secs()),
            "seeds": seeds,
            "threads": rayon::current_num_threads(),
        })
    };
    manifest.sessions.push(session(None, 0));
    folder.write_manifest(manifest)?;

    let mut file = folder.open_rows(keep)?;
    let left = manifest.seeds.start + summary.seeds..manifest.seeds.end;
    let most = if asked.fail_fast { Some(1) } else { asked.max_failures.map(std::num::NonZeroU64::get) };
    let bar = Bar::new(&left, asked.output.quiet);
    let (started, before) = (now(), summary.seeds);
    let end = explore(
        &manifest.subject,
        left,
        Limits { failures_max: most },
        stop_on_interrupt(),
        &|row| bar.seed(row),
        &mut |rows| {
            rows.iter().for_each(|row| summary.add(row));
            bar.lines(summary.seeds - before);
            // A guest that has failed shows nothing.
            guests::failed()?;
            file.add(rows)
        },
    )?;
    let took = started.elapsed();
    bar.bar.finish_and_clear();
    if !asked.output.quiet {
        say_speed(summary.seeds - before, took);
    }
    if end == End::Done {
        file.complete()?;
        manifest.complete = true;
    }
    manifest.sessions.pop();
    manifest.sessions.push(session(Some(took), summary.seeds - before));
    folder.write_manifest(manifest)?;
    Ok(end)
}

/// The exit code, and what has to be said last.
fn conclude(asked: &ExploreArguments, heading: &Heading, summary: &Summary) -> u8 {
    let undecided = summary.undecided_only();
    let decided = summary.failures - undecided;
    let say = |what: &str, seed: Option<u64>| {
        let replay = seed.map_or(String::new(), |seed| {
            let subject = &heading.subject;
            format!("\n  replay with:  {}\n  shrink with:  {}", subject.replay(seed), subject.shrink(seed))
        });
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(
            std::io::stderr().lock(),
            "{what}{replay}\n  sim {version} digest {:032x}",
            summary.digest
        );
    };
    let bug = |row: &&leasehold_lab::swarm::Group| row.first;
    let worst = summary.groups.iter().filter(|(cause, _)| !cause.found.iter().eq([&Kind::Undecided]));
    let first = worst.clone().map(|(_, group)| group).min_by_key(bug).map(|group| group.first);
    if heading.subject.must_be_clean() && decided > 0 {
        let unsafe_first = worst.filter(|(cause, _)| !cause.found.iter().all(|kind| kind.is_stall()));
        match unsafe_first.map(|(_, group)| group.first).min() {
            None => say("A BUG OF OURS: every fault was over, and the cluster did not come back", first),
            found => say("THE WORST BUG THERE IS: clocks within the bound, sound rules, and yet this", found),
        }
        return exit::OUR_BUG;
    }
    if summary.groups.keys().any(|cause| cause.found.contains(&Kind::Panic)) {
        say("A BUG OF OURS: a run panicked", first);
        return exit::OUR_BUG;
    }
    let beaten = summary.groups.iter().filter(|(cause, _)| cause.found.contains(&Kind::BeatsTheory));
    if let Some(first) = beaten.map(|(_, group)| group.first).min() {
        say("A BUG OF OURS: a stale read that theory says cannot be", Some(first));
        return exit::OUR_BUG;
    }
    if heading.end == End::Interrupted {
        return exit::INTERRUPTED;
    }
    let expect = asked.expect.unwrap_or(match heading.subject.expectation() {
        RowExpectation::None => Expect::None,
        RowExpectation::Some => Expect::Some,
        RowExpectation::Any => Expect::Any,
    });
    // As `sim run` has it: what was not stale here is as expected, and is said not to be safe.
    let stale = |cause: &&Cause| !cause.found.iter().all(|kind| kind.leaves_reads_fresh());
    let worst = summary.groups.iter().filter(|(cause, _)| stale(cause)).map(|(_, group)| group.first).min();
    let unsafe_seeds = summary.safety[..3].iter().sum::<u64>();
    match expect {
        _ if (expect == Expect::Safe || heading.subject.must_be_safe()) && unsafe_seeds > 0 => {
            say(&format!("NOT AS EXPECTED: expected safe, and {} seeds are not", count(unsafe_seeds)), first);
            1
        }
        Expect::Safe | Expect::None if worst.is_some() => {
            say("NOT AS EXPECTED: expected neither a stale read nor another violation", worst);
            1
        }
        Expect::None if decided > 0 && summary.verdict() == Some(Safety::NotSafe) => {
            say("as expected, no stale read; but NOT SAFE: one can be", first);
            0
        }
        Expect::Some if decided == 0 => {
            say("NOT AS EXPECTED: expected a finding", None);
            1
        }
        Expect::Safe | Expect::None if undecided > 0 => {
            say("UNDECIDED: the checker gave up", summary.first_failure);
            3
        }
        _ => 0,
    }
}

/// Draws one seed, writes it as a scenario and runs that.
fn show(asked: &ExploreArguments, seed: u64) -> Result<u8, Failure> {
    let profile = profile(&asked.rules, asked.beyond)?;
    let setup = draw(seed, &profile);
    let path = asked.write.clone().unwrap_or_else(|| profile.seed_file(seed).into());
    let shown = path.display().to_string();
    let title = format!("seed {seed}, {} rules, clocks {} the bound", profile.rules, profile.bound.word());
    let bound = if within_bound(&setup) {
        "theory finds its clocks safe, whoever leads."
    } else {
        "Its clocks are not safe."
    };
    let story = format!("Drawn by `sim explore --show {seed}`; {bound}");
    let expect = if profile.must_be_clean() { "none" } else { "any" };
    let failed = |error: &std::io::Error| Failure::io(&shown, error);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| failed(&error))?;
    }
    let text = Written { title: &title, story: &[story], expect, setup: &setup }.to_toml();
    std::fs::write(&path, text).map_err(|error| failed(&error))?;
    let stall = stalled(&setup, &leasehold_run::run::run(&Arc::new(setup.clone())));
    let row = run_seed(seed, &profile.into());
    let _ = writeln!(std::io::stderr().lock(), "seed {seed}: {}; written to {shown}", found(&row));
    let mut words = vec!["sim", "run", "-v", &shown];
    words.extend(asked.output.json.then_some("--json"));
    words.extend(asked.output.quiet.then_some("-q"));
    let page = asked.output.page.html.as_ref().map(|page| format!("--html={}", page.display()));
    words.extend(page.as_deref());
    let code = match Arguments::try_parse_from(words).map(|arguments| arguments.command) {
        Ok(Some(Command::Run(run))) => super::run::run(&run)?,
        _ => return Err(Failure::usage(format!("error: cannot run {}", quoted(&shown)))),
    };
    let Some(stall) = stall else { return Ok(code) };
    // A report says how long there was no service, and not that it was too long.
    let _ = writeln!(std::io::stderr().lock(), "{}: {}", stall.kind.title(), stall.sentence());
    Ok(if profile.must_be_clean() { exit::OUR_BUG } else { code })
}

fn found(row: &Row) -> String {
    let kinds: Vec<&str> = row.found.iter().map(|kind| kind.word()).collect();
    let detail: Vec<&str> = row.detail.iter().map(String::as_str).collect();
    match (kinds.is_empty(), detail.is_empty()) {
        (true, _) => "nothing found".to_owned(),
        (false, true) => kinds.join(", "),
        (false, false) => format!("{} ({})", kinds.join(", "), detail.join("; ")),
    }
}

/// The row of a scenario that the user names.
fn given(asked: &ExploreArguments, path: &Path) -> Result<Arc<Given>, Failure> {
    let sets: Vec<String> = asked.sets.iter().cloned().chain(asked.guest.as_deref().map(guest_set)).collect();
    let mut loaded = load_file(path, &sets, Color::Auto)?;
    choose_row(&mut loaded.plan, asked.row.as_deref())?;
    let rows = loaded.plan.rows.len();
    let Some(row) = loaded.plan.rows.pop().filter(|_| rows == 1) else {
        let labels: Vec<&str> = loaded.plan.rows.iter().map(|row| row.label.as_str()).collect();
        return Err(Failure::usage(format!(
            "error: {} has {rows} rows; which one?\n  say --row LABEL: {} ...",
            loaded.file,
            labels[..labels.len().min(4)].join(", ")
        )));
    };
    guests::check(&row.scenario.setup)?;
    Ok(Arc::new(Given {
        file: loaded.file,
        sets,
        row: asked.row.clone(),
        setup: row.scenario.setup,
        expect: row.expect,
        safe: row.scenario.required.safe,
    }))
}

/// The profile that the user names.
pub(super) fn profile(rules_name: &str, beyond: bool) -> Result<Profile, Failure> {
    let bound = if beyond { Bound::Beyond } else { Bound::Within };
    match rules::names().into_iter().find(|known| *known == rules_name) {
        Some(rules) => Ok(Profile { rules, bound }),
        None => Err(Failure::usage(format!(
            "error: no rules `{rules_name}`; there are {}",
            rules::names().join(", ")
        ))),
    }
}

fn number(text: &str) -> Result<u64, Failure> {
    let digits = text.replace('_', "");
    let parsed = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    parsed.map_err(|error| Failure::usage(format!("error: `{text}` is no seed: {error}")))
}

fn seeds(text: &str) -> Result<Range<u64>, Failure> {
    let Some((first, end)) = text.split_once("..") else {
        return Err(Failure::usage(format!("error: `{text}` is no range of seeds; write 0..1000")));
    };
    let seeds = number(first)?..number(end)?;
    if seeds.is_empty() {
        return Err(Failure::usage(format!("error: no seed in {text}")));
    }
    Ok(seeds)
}

/// What all shards of an exploration have in common.
fn question<'a>(asked: &'a ExploreArguments, subject: &Subject, seeds: Range<u64>) -> Question<'a> {
    let words = Words::default()
        .all("set", &asked.sets)
        .maybe("guest", asked.guest.as_ref())
        .maybe("row", asked.row.as_ref())
        .option("seeds", format!("{}..{}", seeds.start, seeds.end));
    let arguments = match subject {
        Subject::Swarm(profile) => words.option("rules", profile.rules).flag("beyond", asked.beyond),
        Subject::Scenario(_) => words,
    };
    let wholes = vec![("seeds", seeds)];
    Question { what: "explore", scenario: asked.scenario.as_deref(), arguments, wholes, point: None }
}

/// Runs the seeds of one shard; `None` if the user stopped it.
fn part(
    asked: &ExploreArguments,
    subject: &Subject,
    seeds: &Range<u64>,
    writer: &mut Writer,
) -> Result<Option<serde_json::Value>, Failure> {
    let mut summary = Summary::new(subject);
    let bar = Bar::new(seeds, asked.output.quiet);
    let end = explore(
        subject,
        seeds.clone(),
        Limits::default(),
        stop_on_interrupt(),
        &|row| bar.seed(row),
        &mut |rows| {
            guests::failed()?;
            for row in rows {
                let line = row.to_json().to_string();
                summary.add_line(row, &line);
                writer.row(&line)?;
            }
            bar.lines(summary.seeds);
            Ok::<(), Failure>(())
        },
    )?;
    bar.bar.finish_and_clear();
    Ok((end == End::Done).then(|| {
        json!({
            "findings": summary.failures,
            "stale_read_seeds": summary.stale,
            "first_finding_seed": summary.first_failure,
        })
    }))
}

/// Progress on standard error: a bar on a terminal, else a line every ten seconds.
struct Bar {
    bar: indicatif::ProgressBar,
    findings: AtomicU64,
    /// When the last line was written, in seconds from the beginning; `None` where no lines are.
    lines: Option<AtomicU64>,
    began: std::time::Instant,
}

impl Bar {
    fn new(left: &Range<u64>, quiet: bool) -> Bar {
        let terminal = std::io::stderr().is_terminal();
        let bar = match !quiet && terminal {
            true => indicatif::ProgressBar::new(left.end.saturating_sub(left.start)),
            false => indicatif::ProgressBar::hidden(),
        };
        let template = "{pos}/{len} seeds {wide_bar} {per_sec}, {eta} left{msg}";
        let style = indicatif::ProgressStyle::with_template(template);
        bar.set_style(style.expect("the template is a constant"));
        let lines = (!quiet && !terminal).then(|| AtomicU64::new(0));
        Bar { bar, findings: AtomicU64::new(0), lines, began: now() }
    }

    fn lines(&self, done: u64) {
        const EVERY_SECS: u64 = 10;
        let Some(last) = &self.lines else { return };
        let elapsed = self.began.elapsed().as_secs();
        if elapsed >= last.load(Ordering::Relaxed) + EVERY_SECS {
            last.store(elapsed, Ordering::Relaxed);
            let findings = self.findings.load(Ordering::Relaxed);
            let (done, findings) = (count(done), count(findings));
            let _ =
                writeln!(std::io::stderr().lock(), "{done} seeds in {elapsed} s, {findings} with findings");
        }
    }

    /// A seed is done; on any thread.
    fn seed(&self, row: &Row) {
        self.bar.inc(1);
        if !row.found.is_empty() {
            let findings = self.findings.fetch_add(1, Ordering::Relaxed) + 1;
            self.bar.set_message(format!(", {} with findings", count(findings)));
        }
    }
}

/// How fast it was, on standard error: the report itself does not depend on the machine.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a figure for people")]
fn say_speed(seeds: u64, took: Duration) {
    let seconds = took.as_secs_f64().max(1e-9);
    let _ = writeln!(
        std::io::stderr().lock(),
        "{} seeds in {seconds:.1} s: {:.0} seeds/s on {} threads",
        count(seeds),
        seeds as f64 / seconds,
        rayon::current_num_threads()
    );
}

/// The parts of an exploration as one.
pub(super) fn merge(asked: &ExploreArguments, parts: &Parts, out: Option<&Path>) -> Result<u8, Failure> {
    let (subject, seeds) = (subject(asked)?, seeds(&asked.seeds)?);
    let mut summary = Summary::new(&subject);
    let digest = parts.fold(&|part| summary_of(part, &subject), &mut |part| summary.join(part))?;
    assert_eq!(digest.to_string(), format!("{:032x}", summary.digest), "the parts and their summary differ");
    let heading = Heading { subject, seeds, end: End::Done };
    if let Some(out) = out {
        let folder = Folder::create(Some(out))?;
        let mut file = folder.open_rows(0)?;
        for part in &parts.parts {
            part.read(&mut |line| file.add_line(line))?;
        }
        file.complete()?;
        let mut manifest = Manifest::new(heading.subject.clone(), heading.seeds.clone());
        manifest.complete = true;
        folder.write_manifest(&manifest)?;
        folder.write_json("summary.json", &summary_json(&heading, &summary))?;
    }
    asked.output.print(&(&heading, &summary), Color::Never)?;
    Ok(conclude(asked, &heading, &summary))
}

/// What one part comes to. Its seeds must be exactly those that it says.
fn summary_of(part: &Part, subject: &Subject) -> Result<(Summary, Digest), Failure> {
    let mut summary = Summary::new(subject);
    let seeds = &part.header.slices[0].part;
    let mut next = seeds.start;
    let footer = part.read(&mut |line| {
        let row = serde_json::from_str(line).ok().and_then(|row| Row::from_json(&row));
        let row = row.filter(|row| row.seed == next).ok_or_else(|| foreign(part))?;
        next += 1;
        summary.add_line(&row, line);
        Ok::<(), Failure>(())
    })?;
    if next != seeds.end {
        return Err(foreign(part));
    }
    Ok((summary, footer.digest))
}
