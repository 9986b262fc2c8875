//! A scenario's rows, and the verdict over them.
//!
//! [`run_row`] runs one row; no row depends on another. The caller decides which thread runs which row, and
//! [`Study::of_rows`] judges the results.

use std::sync::Arc;

use leasehold::time::Span;

use crate::blame::{Accountant, Blame};
use crate::display::{instant, signed_span};
use crate::explain::{Explanation, explain};
use crate::rules;
use crate::run::{Outcome, run, run_observed};
use crate::scenario::{Expectation, Plan, Requirements, Row, RowExpectation};
use crate::setup::{Action, Setup};
use crate::theory::{self, Prediction};
use crate::watch::{Broken, DiskEvent, DiskNews, LeadershipChange, LeaseOver, Service, Stretch, TraceHash};
use leasehold_check as check;

/// What a row showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Every history is linearizable.
    Clean,
    /// At least one read was stale, or a history is not linearizable in another way.
    Stale,
    /// The checker gave up.
    Undecided,
}

/// Whether reads can be stale. Every report and format uses these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// A read was stale, or the history is not linearizable in another way.
    Stale,
    /// No read was stale in this run, but one can be: theory says so, a margin is negative, or two leases ran at once.
    NotSafe,
    /// Theory says that no read can be stale, and the run agrees.
    Safe,
    /// No read was stale in this run, and theory does not cover it; or the checker gave up.
    NotKnown,
}

impl Safety {
    /// As reports for people write it.
    pub const fn words(self) -> &'static str {
        match self {
            Safety::Stale => "stale",
            Safety::NotSafe => "not safe",
            Safety::Safe => "safe",
            Safety::NotKnown => "not known",
        }
    }

    /// As reports for machines write it.
    pub const fn word(self) -> &'static str {
        match self {
            Safety::Stale => "stale",
            Safety::NotSafe => "not-safe",
            Safety::Safe => "safe",
            Safety::NotKnown => "not-known",
        }
    }
}

/// One row's result.
#[derive(Debug, Clone)]
pub struct RowResult {
    /// The swept value as it was written, or the variant's name; empty for a scenario of one row.
    pub label: String,
    /// The swept value in its unit's smallest part.
    pub value: Option<i128>,
    /// The overrides that make this row.
    pub set: Vec<(String, String)>,
    /// What it should show.
    pub expect: RowExpectation,
    /// What was run.
    pub setup: Arc<Setup>,
    /// What it showed.
    pub finding: Finding,
    /// Reads that were answered.
    pub reads: usize,
    /// Those answered under a lease.
    pub reads_under_lease: usize,
    /// Operations of all kinds.
    pub operations: usize,
    /// Those whose outcome stayed unknown.
    pub unknown: usize,
    /// Stale reads.
    pub stale: usize,
    /// The longest that a value had been overwritten when a read still returned it, ns.
    pub stale_by_most: u64,
    /// Reads that an old leader decided under its lease and whose answer came only when a new leader could already
    /// acknowledge writes. They are not stale: they take effect when they are decided.
    pub overtaken: usize,
    /// All changes of leadership.
    pub changes: Vec<LeadershipChange>,
    /// What each change's margin is made of; `None` where it has none.
    pub blames: Vec<Option<Blame>>,
    /// The smallest margin, ns.
    pub margin: Option<i64>,
    /// The first instant at which two leases were alive, ns, and their holders.
    pub overlap: Option<(u64, usize, usize)>,
    /// Invariants that did not hold.
    pub broken: Vec<Broken>,
    /// What disks have brought about.
    pub disks: Vec<DiskNews>,
    /// What the cluster did for its clients.
    pub service: Service,
    /// What the scenario expects of that and did not get, each in one sentence.
    pub missed: Vec<String>,
    /// What theory says.
    pub prediction: Prediction,
    /// See [`crate::watch::TraceHash`].
    pub trace_hash: u64,
    /// Events that happened.
    pub events: u64,
    /// Messages delivered between nodes.
    pub messages: u64,
    /// The run of the first row of a study that has a stale read: that read is told.
    run: Option<Arc<Outcome>>,
}

impl RowResult {
    /// What the smallest margin is made of.
    pub fn blame(&self) -> Option<&Blame> {
        let changes = self.changes.iter().zip(&self.blames);
        let smallest = changes.filter_map(|(change, blame)| Some((change.margin()?, blame)));
        smallest.min_by_key(|(margin, _)| *margin).and_then(|(_, blame)| blame.as_ref())
    }

    /// Can reads be stale?
    pub fn safety(&self) -> Safety {
        let possible = self.margin.is_some_and(|margin| margin < 0)
            || self.overlap.is_some()
            || matches!(self.prediction, Prediction::StalePossible { .. });
        match (self.finding, self.prediction) {
            (Finding::Stale, _) => Safety::Stale,
            _ if possible => Safety::NotSafe,
            (Finding::Clean, Prediction::Safe { .. }) => Safety::Safe,
            (Finding::Clean | Finding::Undecided, _) => Safety::NotKnown,
        }
    }

    /// Did it show what it should?
    pub fn as_expected(&self) -> bool {
        self.reads_as_expected() && self.missed.is_empty()
    }

    /// Were its reads stale, or not, as they should be?
    pub fn reads_as_expected(&self) -> bool {
        match self.expect {
            RowExpectation::None => self.finding == Finding::Clean,
            RowExpectation::Some => self.finding == Finding::Stale,
            RowExpectation::Any => true,
        }
    }

    /// What cannot be, by our own reasoning: then the simulator, the node or the theory has a bug.
    pub fn our_bug(&self) -> Option<String> {
        let lies = self.setup.faults.iter().any(|fault| matches!(fault.action, Action::DiskLie { .. }));
        if self.setup.rules != rules::SOUND || self.setup.guest.is_some() || lies {
            return None;
        }
        let forgot = |news: &&DiskNews| matches!(news.what, DiskEvent::Forgot(_));
        if let Some(news) = self.disks.iter().find(forgot) {
            let name = &self.setup.nodes[news.node].name;
            return Some(format!("at {} ns and on an honest disk: {}", news.at, news.what.words(name)));
        }
        if let Some(broken) = self.broken.first() {
            let name = &self.setup.nodes[broken.node].name;
            return Some(format!("{} (at {} ns on {name}): {}", broken.invariant, broken.at, broken.detail));
        }
        let Prediction::Safe { slack_ns } = self.prediction else { return None };
        let safe = format!("theory finds this setup safe by {slack_ns} ns");
        if self.finding == Finding::Stale {
            return Some(format!("{safe}, and yet a history is not linearizable"));
        }
        if let Some(margin) = self.margin.filter(|margin| *margin < 0) {
            return Some(format!("{safe}, and yet a margin is {margin} ns"));
        }
        self.overlap.map(|(at, old, new)| {
            let name = |node: usize| &self.setup.nodes[node].name;
            format!("{safe}, and yet {} and {} both had a lease at {at} ns", name(old), name(new))
        })
    }
}

/// All rows and what follows from them.
#[derive(Debug, Clone)]
pub struct Study {
    /// In the plan's order. Fewer than the plan's when interrupted.
    pub rows: Vec<RowResult>,
    /// How many rows the plan has.
    pub planned: usize,
    /// The user stopped it.
    pub interrupted: bool,
    /// The sweep's last clean value before the first stale one, and that one: labels.
    pub boundary: Option<Boundary>,
    /// What it comes to.
    pub verdict: Verdict,
    /// The trace hash of another run of the first row, where one was made: a guest may not be deterministic.
    pub again: Option<u64>,
}

impl Study {
    /// The trace hashes of two runs of the first row, if they differ.
    pub fn diverged(&self) -> Option<(u64, u64)> {
        let first = self.rows.first()?.trace_hash;
        self.again.filter(|again| *again != first).map(|again| (first, again))
    }

    /// Judges the results of a plan's rows. `rows` are in the plan's order; the study counts as interrupted when some
    /// are missing.
    pub fn of_rows(plan: &Plan, mut rows: Vec<RowResult>) -> Study {
        let planned = plan.rows.len();
        assert!(rows.len() <= planned, "a plan of {planned} rows has {} results", rows.len());
        let interrupted = rows.len() < planned;
        let boundary = plan.sweep.is_some().then(|| boundary(&rows)).flatten();
        let verdict = verdict(&rows);
        rows.iter_mut().filter(|row| row.stale > 0).skip(1).for_each(|row| row.run = None);
        Study { rows, planned, interrupted, boundary, verdict, again: None }
    }

    /// Tells the first stale read of the first row that has one, and which row that is. The row is played once more.
    pub fn explanation(&self) -> Option<(usize, Explanation)> {
        let place = self.rows.iter().position(|row| row.stale > 0)?;
        let row = &self.rows[place];
        let run = row.run.as_ref()?;
        Some((place, explain(&row.setup, run, run.check.stale_reads.first()?)))
    }

    /// A study of one row that was run elsewhere.
    pub fn of_one(row: RowResult, interrupted: bool) -> Study {
        let rows = vec![row];
        let verdict = verdict(&rows);
        Study { rows, planned: 1, interrupted, boundary: None, verdict, again: None }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        if self.interrupted { 130 } else { self.verdict.exit_code() }
    }

    /// One number for all that happened in all rows. With one row it is that row's, so that a row that is run alone can
    /// be compared with the same row among others.
    pub fn trace_hash(&self) -> u64 {
        if let [row] = self.rows.as_slice() {
            return row.trace_hash;
        }
        let mut hash = TraceHash::default();
        self.rows.iter().for_each(|row| hash.word(row.trace_hash));
        hash.value()
    }
}

/// Where stale reads begin in a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// Place of the last clean row below the first stale one.
    pub clean: Option<usize>,
    /// Place of the first stale row.
    pub stale: usize,
    /// Theory's value, in the sweep's smallest part.
    pub theory: Option<i128>,
    /// A clean row lies above a stale one: there is no single boundary.
    pub mixed: bool,
}

/// What a study comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every row showed what it should.
    AsExpected,
    /// Some did not: the places of those rows.
    NotAsExpected(Vec<usize>),
    /// The checker gave up on these rows, and no other row decides.
    Undecided(Vec<usize>),
    /// Something that cannot be: the row, and what.
    OurBug(usize, String),
}

impl Verdict {
    /// The process's exit code, if nothing interrupted it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Verdict::AsExpected => 0,
            Verdict::NotAsExpected(_) => 1,
            Verdict::Undecided(_) => 3,
            Verdict::OurBug(..) => 70,
        }
    }
}

/// Runs one row. The result is a function of the row alone.
pub fn run_row(row: &Row) -> RowResult {
    let setup = Arc::new(row.scenario.setup.clone());
    let (outcome, blames) = if setup.guest.is_some() {
        // The parts of a margin are those of our own rules.
        let outcome = run(&setup);
        let none = vec![None; outcome.changes.len()];
        (outcome, none)
    } else {
        let mut accountant = Accountant::new(&setup);
        let outcome = run_observed(&setup, &mut accountant);
        let blames = accountant.split(&outcome.changes);
        (outcome, blames)
    };
    let result = row_of(row, &setup, &outcome, blames);
    RowResult { run: (result.stale > 0).then(|| Arc::new(outcome)), ..result }
}

/// What a row's run comes to. `blames` are the parts of its changes' margins.
pub fn row_of(row: &Row, setup: &Arc<Setup>, outcome: &Outcome, blames: Vec<Option<Blame>>) -> RowResult {
    let (reads, reads_under_lease) = outcome.reads();
    let found = RowResult {
        label: row.label.clone(),
        value: row.value,
        set: row.set.clone(),
        expect: row.expect,
        setup: setup.clone(),
        finding: match outcome.check.outcome {
            check::Outcome::Linearizable => Finding::Clean,
            check::Outcome::NotLinearizable => Finding::Stale,
            check::Outcome::Undecided => Finding::Undecided,
        },
        reads,
        reads_under_lease,
        operations: outcome.history.len(),
        unknown: outcome.check.counts.unknown_outcomes,
        stale: outcome.check.stale_reads.len(),
        stale_by_most: outcome.check.stale_reads.iter().map(|read| read.stale_by_ns).max().unwrap_or(0),
        overtaken: outcome.overtaken_reads(),
        changes: outcome.changes.clone(),
        blames,
        margin: outcome.smallest_margin(),
        overlap: outcome.overlap,
        broken: outcome.broken.clone(),
        disks: outcome.disks.clone(),
        service: outcome.service,
        missed: Vec::new(),
        prediction: theory::predict(setup),
        trace_hash: outcome.trace_hash,
        events: outcome.events,
        messages: outcome.messages,
        run: None,
    };
    RowResult { missed: missed(row, &found), ..found }
}

/// What a row's scenario requires and did not get.
fn missed(row: &Row, found: &RowResult) -> Vec<String> {
    let service = &found.service;
    let Requirements {
        safe,
        margin_at_least,
        lease_over_at,
        leader_ready_at,
        leader_within,
        answered_at_least,
        read_gap_at_most,
        write_gap_at_most,
    } = row.scenario.required;
    let mut missed = Vec::new();
    let mut at_most = |what: &str, found: Option<Stretch>, most: Option<Span>| {
        if let (Some(found), Some(most)) = (found, most)
            && found.length > most.as_nanos()
        {
            let (length, from) = (Span::nanos(found.length), instant(found.from));
            missed.push(format!("{what} for {length} from {from} on, expected {most} at most"));
        }
    };
    at_most(
        "no leader could serve",
        Some(service.longest_without_leader(row.scenario.setup.duration.as_nanos())),
        leader_within,
    );
    at_most("no read was answered", service.reads.gap, read_gap_at_most);
    at_most("no write was answered", service.writes.gap, write_gap_at_most);
    let (asked, answered) = (service.asked() as u128, service.answered() as u128);
    if let Some(least) = answered_at_least
        && answered * 1_000_000 < u128::from(least) * asked
    {
        let share = permyriad(answered * 10_000 / asked);
        let least = permyriad(u128::from(least) / 100);
        missed.push(format!("{share} of the requests were answered, expected {least} at least"));
    }
    match found.safety() {
        Safety::Safe => {}
        Safety::Stale | Safety::NotSafe if safe => missed.push("not safe: a read can be stale".to_owned()),
        Safety::NotKnown if safe => {
            missed.push("not known to be safe: theory does not cover this".to_owned())
        }
        Safety::Stale | Safety::NotSafe | Safety::NotKnown => {}
    }
    if let (Some(margin), Some(least)) = (found.margin, margin_at_least)
        && i128::from(margin) < i128::from(least.as_nanos())
    {
        let margin = if margin == i64::MIN {
            "none: a lease never ends".to_owned()
        } else {
            signed_span(i128::from(margin))
        };
        missed.push(format!("the margin is {margin}, expected {least} at least"));
    }
    if lease_over_at.is_some() || leader_ready_at.is_some() {
        let measured = found.changes.iter().filter_map(|change| Some((change.margin()?, change)));
        match measured.min_by_key(|(margin, _)| *margin) {
            Some((_, change)) => {
                let over = match change.lease_over {
                    Some(LeaseOver::At(at)) => Some(at),
                    Some(LeaseOver::Never) | None => None,
                };
                missed.extend(off("the old lease was over", over, lease_over_at));
                missed.extend(off("the new leader was ready", Some(change.ready_at), leader_ready_at));
            }
            None => missed.push("no change of leadership has a margin".to_owned()),
        }
    }
    // A run that answers nothing shows nothing.
    if row.expect == RowExpectation::None && asked > 0 && answered == 0 {
        missed.push("no request was answered, so that no read could be stale".to_owned());
    }
    missed
}

/// What is not at the expected instant, to the microsecond. Found `None`: it never came.
fn off(what: &str, found: Option<u64>, expected: Option<Span>) -> Option<String> {
    let expected = expected?.as_nanos();
    match found {
        Some(at) if at.abs_diff(expected) < 1_000 => None,
        Some(at) => Some(format!("{what} at {}, expected {}", instant(at), instant(expected))),
        None => Some(format!("{what} at no time, expected {}", instant(expected))),
    }
}

/// Hundredths of a percent.
fn permyriad(share: u128) -> String {
    format!("{}.{:02} %", share / 100, share % 100)
}

fn boundary(rows: &[RowResult]) -> Option<Boundary> {
    let stale = rows.iter().position(|row| row.finding == Finding::Stale)?;
    let clean = rows[..stale].iter().rposition(|row| row.finding == Finding::Clean);
    let mixed = rows[stale..].iter().any(|row| row.finding == Finding::Clean);
    Some(Boundary { clean, stale, theory: theoretical_boundary(rows), mixed })
}

/// Where theory puts the boundary: between the two neighbouring rows whose slack has different signs.
fn theoretical_boundary(rows: &[RowResult]) -> Option<i128> {
    rows.windows(2).find_map(|pair| {
        let (low, high) = (pair[0].value?, pair[1].value?);
        let fraction = theory::crossing(&pair[0].setup, &pair[1].setup)?;
        Some(low + (high - low) * fraction / 1_000_000_000)
    })
}

fn verdict(rows: &[RowResult]) -> Verdict {
    if let Some((place, bug)) =
        rows.iter().enumerate().find_map(|(place, row)| row.our_bug().map(|bug| (place, bug)))
    {
        return Verdict::OurBug(place, bug);
    }
    let places = |wanted: &dyn Fn(&RowResult) -> bool| -> Vec<usize> {
        rows.iter().enumerate().filter(|(_, row)| wanted(row)).map(|(place, _)| place).collect()
    };
    let wrong = places(&|row| !row.as_expected() && row.finding != Finding::Undecided);
    let undecided = places(&|row| row.finding == Finding::Undecided && row.expect != RowExpectation::Any);
    if !wrong.is_empty() {
        Verdict::NotAsExpected(wrong)
    } else if !undecided.is_empty() {
        Verdict::Undecided(undecided)
    } else {
        Verdict::AsExpected
    }
}

/// What a plan expects, in words.
pub fn expectation(plan: &Plan) -> String {
    let stale = stale_reads_expected(plan);
    if plan.rows.iter().any(|row| row.scenario.required.safe) { format!("{stale}, and safe") } else { stale }
}

fn stale_reads_expected(plan: &Plan) -> String {
    match &plan.expect {
        Expectation::None => "no stale read".to_owned(),
        Expectation::Some => "stale reads".to_owned(),
        Expectation::Any => "anything".to_owned(),
        Expectation::BeginAbove { value_text, .. } => {
            format!("no stale read up to {value_text}, stale reads above")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    /// A leader that is cut off for 4 s, with T = 1 s.
    const CUT: &str = r#"
duration = "12s"
[cluster]
nodes = 3
first-leader = "n1"
[lease]
duration = "600ms"
election-timeout = "1s"
max-clock-skew = "100ms"
[client.reader]
target = "any"
operations = ["read", "write"]
every = "20ms"
start = "2s"
[[fault]]
at = "5s"
for = "4s"
isolate = { node = "n1" }
[expect]
"#;

    fn row(text: &str) -> RowResult {
        let plan = scenario::load("t", text, &[], &rules::names()).expect("a scenario");
        run_row(&plan.rows[0])
    }

    #[test]
    fn what_is_expected_of_the_service_is_told_when_it_is_missed() {
        let good = "leader-within = '3s'\nanswered-at-least = '50%'\nread-gap-at-most = '3s'\nwrite-gap-at-most = '3s'\n";
        let found = row(&format!("{CUT}{good}"));
        assert_eq!((found.missed.as_slice(), found.as_expected()), (&[][..], true));
        assert_eq!((found.service.elections.won, found.service.elections.hand_overs), (2, 0));
        let without = found.service.leaderless.expect("the leader was cut off");
        assert!(without.from > 5_000_000_000 && without.length < 2_000_000_000, "{without:?}");
        for (wanted, said) in [
            ("leader-within = '1ms'", "no leader could serve for"),
            ("answered-at-least = '100%'", "of the requests were answered, expected 100.00 % at least"),
            ("read-gap-at-most = '1ms'", "no read was answered for"),
            ("write-gap-at-most = '1ms'", "no write was answered for"),
        ] {
            let found = row(&format!("{CUT}{wanted}\n"));
            assert!(!found.as_expected());
            assert!(matches!(&found.missed[..], [one] if one.contains(said)), "{wanted}: {:?}", found.missed);
        }
    }

    #[test]
    fn a_run_without_a_stale_read_may_be_safe_or_not() {
        let quiet = CUT.split("[[fault]]").next().expect("the text before it");
        for (clock, safety) in [("", Safety::Safe), ("[clock.n2]\nrate = '+300%'\n", Safety::NotSafe)] {
            let text = format!("{quiet}{clock}[expect]\n");
            let found = row(&text);
            assert_eq!((found.finding, found.safety(), found.as_expected()), (Finding::Clean, safety, true));
            let asked = row(&format!("{text}safe = true\n"));
            assert_eq!(asked.as_expected(), safety == Safety::Safe, "{:?}", asked.missed);
        }
        for (least, met) in [("0s", true), ("10s", false)] {
            let found = row(&format!("{CUT}margin-at-least = '{least}'\n"));
            assert_eq!(found.as_expected(), met, "{:?}", found.missed);
        }
    }

    #[test]
    fn a_run_that_answers_nothing_is_not_as_expected() {
        let text = CUT.replace("at = \"5s\"\nfor = \"4s\"", "at = \"0s\"").replace(
            "isolate = { node = \"n1\" }",
            "partition = { between = [[\"n1\"], [\"n2\"], [\"n3\"]] }",
        );
        let found = row(&text);
        assert_eq!((found.service.answered(), found.finding), (0, Finding::Clean));
        assert!(!found.as_expected());
        assert_eq!((found.service.first_leader, found.service.leaderless), (None, None));
    }
}
