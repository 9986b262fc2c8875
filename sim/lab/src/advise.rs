//! "Am I safe with my numbers?": what each hazard may come to under given lengths, what breaks first, and which lengths
//! would do.
//!
//! No arithmetic of its own: each hazard becomes a scenario (`stage`), and theory and the adversary answer as they do
//! for `sim threshold`. Messages take no time in these scenarios. So an answer does not count on a slow network, and is at
//! most a few nanoseconds below the exact threshold.
//!
//! In the deadline form a promise may be counted on wall clocks or, after a restart, on monotonic clocks. Two scenarios
//! answer for it: one whose wall clocks are apart, and one in the elapsed form whose rates are apart. Both must be safe.

pub mod example;
mod rule;
mod stage;

use std::collections::BTreeMap;

use leasehold::lease::LeaseForm;
use leasehold::time::Span;
use leasehold_run::scenario;
use leasehold_run::scenario::{Diagnostics, Knob, UnitKind};
use leasehold_run::setup::{Setup, StampSource};
use leasehold_run::study::Safety;
use leasehold_run::theory::bound::bound;
use leasehold_run::theory::{Prediction, predict};

use crate::contradiction::ROUNDING_NS;
use crate::threshold::{Edge, Range, Refusal, Search, most_harm, search};
pub use rule::BrokenRule;
use stage::Stage;

/// What may go wrong with a machine's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// Every clock's rate is within this of true time, ppb.
    Drift,
    /// A process stops, and its clocks go on, ns: garbage collection, SIGSTOP, an overloaded machine.
    Pause,
    /// A hypervisor stops a machine and all its clocks, ns: live migration, a snapshot.
    HypervisorPause,
    /// A machine sleeps, ns. Its boottime clock counts that, its raw clock does not.
    Suspend,
    /// Every wall clock is within this of true time, ns.
    WallClock,
    /// Voters restart. It has no size.
    Restart,
}

impl Hazard {
    /// All of them, in the order of reports.
    pub const ALL: [Hazard; 6] = [
        Hazard::Drift,
        Hazard::Pause,
        Hazard::HypervisorPause,
        Hazard::Suspend,
        Hazard::WallClock,
        Hazard::Restart,
    ];

    /// As options and JSON name it.
    pub const fn word(self) -> &'static str {
        match self {
            Hazard::Drift => "drift",
            Hazard::Pause => "pause",
            Hazard::HypervisorPause => "vm-pause",
            Hazard::Suspend => "suspend",
            Hazard::WallClock => "wall-error",
            Hazard::Restart => "restart",
        }
    }

    /// In which unit it is measured.
    pub const fn unit(self) -> UnitKind {
        match self {
            Hazard::Drift => UnitKind::Rate,
            Hazard::Pause
            | Hazard::HypervisorPause
            | Hazard::Suspend
            | Hazard::WallClock
            | Hazard::Restart => UnitKind::Span,
        }
    }
}

/// What the user says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// T: how long a voter withholds its vote.
    pub election_timeout: Span,
    /// D: how long a lease lasts, before s is taken off.
    pub lease: Span,
    /// s.
    pub max_clock_skew: Span,
    /// How a lease is measured.
    pub form: LeaseForm,
    /// The name of the lease rules.
    pub rules: String,
    /// The monotonic clocks that a lease is measured with.
    pub stamp: StampSource,
    /// How many voters, 2 to 7.
    pub voters: u32,
    /// A round trip between two nodes, and a sync of a disk. They matter for the heartbeat alone.
    pub round_trip: Span,
    /// See `round_trip`.
    pub sync: Span,
    /// The time between two rounds, if the user has chosen one.
    pub heartbeat: Option<Span>,
    /// How bad each hazard is, at most: ns or ppb. What is not said counts as nothing.
    pub hazards: BTreeMap<Hazard, i128>,
}

/// How much of a hazard does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survived {
    /// As much as was tried: far more than the lengths.
    Any,
    /// This much, and one step more does harm. ns or ppb.
    UpTo(i128),
    /// There is harm without it.
    Nothing,
    /// Theory and the adversary have no answer.
    NotKnown(&'static str),
}

/// What a hazard comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Which one.
    pub hazard: Hazard,
    /// What the user says of it. ns or ppb.
    pub given: Option<i128>,
    /// What is survived if it is the only one.
    pub alone: Survived,
    /// What is survived with the others as the user gave them, without those that do harm alone.
    pub together: Survived,
}

impl Answer {
    /// Is what was given more than what is survived with the others?
    pub fn harmful(&self) -> bool {
        self.together.is_exceeded_by(self.given)
    }

    /// More than what is survived without any other?
    pub fn harmful_alone(&self) -> bool {
        self.alone.is_exceeded_by(self.given)
    }
}

/// The whole answer.
#[derive(Debug, Clone)]
pub struct Advice {
    /// With everything that was given.
    pub safety: Safety,
    /// Why it is not known, or why lengths are refused.
    pub why: Option<String>,
    /// A hazard each, in the order of [`Hazard::ALL`]. Empty if the rules are broken.
    pub answers: Vec<Answer>,
    /// The rules' own bug.
    pub broken_rule: Option<BrokenRule>,
    /// What one may count on beyond what was given, ns of true time. Negative if it is not safe; `None` without theory.
    pub slack_ns: Option<i128>,
    /// The longest D with these hazards and this T; `None`: no lease is safe.
    pub largest_lease: Option<Span>,
    /// The shortest T with these hazards and this D; `None`: none up to a hundred times the lengths.
    pub least_timeout: Option<Span>,
    /// The time between two rounds that fits.
    pub heartbeat: Span,
    /// The most that should be added to an election timeout at random.
    pub jitter: Span,
}

impl Advice {
    /// Can a read be stale with perfect clocks and no stop?
    pub fn unsafe_by_itself(&self) -> bool {
        !self.answers.is_empty() && self.answers.iter().all(|answer| answer.alone == Survived::Nothing)
    }

    /// What breaks first: of the hazards the one of which least more is survived than was given. Those not given come last.
    pub fn first_to_break(&self) -> Option<&Answer> {
        let limited = self.answers.iter().filter(|answer| matches!(answer.together, Survived::UpTo(_)));
        let millionths = |answer: &&Answer| match (answer.together, answer.given) {
            (Survived::UpTo(most), Some(given)) if given > 0 => most.saturating_mul(1_000_000) / given,
            _ => i128::MAX,
        };
        limited.min_by_key(millionths)
    }
}

/// Why there is no advice.
#[derive(Debug)]
pub enum Trouble {
    /// The settings make no scenario.
    Scenario(Diagnostics),
    /// Two of our own answers contradict each other: a bug of ours, with the scenario that shows it.
    Contradiction {
        /// What contradicts what.
        what: String,
        /// The scenario.
        scenario: String,
    },
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Trouble {
        match refusal {
            Refusal::Scenario(problems) => Trouble::Scenario(problems),
            Refusal::SeedsMissing(value) => unreachable!("no seeds are run elsewhere: {value}"),
            Refusal::NotKnown(why) => {
                Trouble::Contradiction { what: why.to_owned(), scenario: String::new() }
            }
        }
    }
}

/// Says whether these settings are safe.
pub fn advise(settings: &Settings) -> Result<Advice, Trouble> {
    let (heartbeat, jitter) = (fitting_heartbeat(settings), fitting_jitter(settings));
    let nothing = Advice {
        safety: Safety::NotSafe,
        why: None,
        answers: Vec::new(),
        broken_rule: None,
        slack_ns: None,
        largest_lease: None,
        least_timeout: None,
        heartbeat,
        jitter,
    };
    if let Some(broken) = rule::broken(settings).map_err(Trouble::Scenario)? {
        return Ok(Advice { broken_rule: Some(broken), ..nothing });
    }
    let answers = answers(settings)?;
    let (mut safety, mut why, slack_ns) = overall(settings)?;
    let (lease, timeout) = (settings.lease, settings.election_timeout);
    if lease >= timeout && settings.max_clock_skew < lease {
        safety = Safety::NotSafe;
        why = Some(format!(
            "D is {lease}, not shorter than T, {timeout}; Leasehold's node refuses such lengths"
        ));
    }
    Ok(Advice {
        safety,
        why,
        answers,
        slack_ns,
        largest_lease: largest_lease(settings)?,
        least_timeout: least_timeout(settings)?,
        ..nothing
    })
}

/// Every hazard: alone, and with the others.
fn answers(settings: &Settings) -> Result<Vec<Answer>, Trouble> {
    let none = BTreeMap::new();
    let mut answers = Vec::new();
    for hazard in Hazard::ALL {
        let alone = survived(settings, hazard, &none)?;
        let given = settings.hazards.get(&hazard).copied();
        answers.push(Answer { hazard, given, alone, together: alone });
    }
    for place in 0..answers.len() {
        let hazard = answers[place].hazard;
        let others = others(&answers, hazard);
        if !others.is_empty() {
            answers[place].together = survived(settings, hazard, &others)?;
        }
    }
    Ok(answers)
}

/// All others as they were given, without those that do harm alone: they would say nothing of this one.
fn others(answers: &[Answer], hazard: Hazard) -> BTreeMap<Hazard, i128> {
    let others = answers.iter().filter(|other| other.hazard != hazard && !other.harmful_alone());
    others.filter_map(|other| Some((other.hazard, other.given?))).collect()
}

/// The scenarios that answer for a form: its own, and for the deadline form the elapsed one as well.
fn forms(settings: &Settings) -> &'static [LeaseForm] {
    match settings.form {
        LeaseForm::Elapsed => &[LeaseForm::Elapsed],
        LeaseForm::Deadline => &[LeaseForm::Deadline, LeaseForm::Elapsed],
    }
}

/// Can a read be stale in this setup, by everything that we know?
fn harmful(setup: &Setup) -> Result<Result<bool, &'static str>, Trouble> {
    let said = predict(setup);
    let room = bound(setup);
    let harm = match most_harm(setup) {
        Ok(harm) => harm,
        Err(why) => {
            return Ok(match said {
                Prediction::Safe { .. } => Ok(false),
                Prediction::StalePossible { .. } => Ok(true),
                Prediction::NotCovered { .. } => Err(why),
            });
        }
    };
    let stale = harm.as_ref().is_some_and(|harm| harm.stale > 0);
    let contradiction = |what: &str| {
        let lines = [what.to_owned()];
        let setup = harm.as_ref().map_or(setup, |harm| &harm.setup);
        let written =
            scenario::Written { title: "a contradiction of ours", story: &lines, expect: "any", setup };
        Trouble::Contradiction { what: what.to_owned(), scenario: written.to_toml() }
    };
    if stale && matches!(said, Prediction::Safe { .. }) {
        return Err(contradiction("theory calls the setup safe, and the adversary has a stale read"));
    }
    if let Ok(room) = room {
        let room_ns = room.map_or(i128::MIN, |bound| bound.room_ns);
        if (room_ns > ROUNDING_NS && !stale) || (room_ns < -ROUNDING_NS && stale) {
            return Err(contradiction("the bound and the adversary are apart"));
        }
    }
    let margin = harm.is_some_and(|harm| harm.margin < 0);
    Ok(Ok(stale || margin || matches!(said, Prediction::StalePossible { .. })))
}

/// What theory alone says, for a search's steps; `None` where it does not cover the setup.
fn theory(setup: &Setup) -> Option<bool> {
    match predict(setup) {
        Prediction::Safe { .. } => Some(false),
        Prediction::StalePossible { .. } => Some(true),
        Prediction::NotCovered { .. } => None,
    }
}

/// Finds the harmful side's edge in a range: theory leads, all that we know confirms both sides and both ends.
fn edge(knob: &Knob, range: Range) -> Result<Result<Search, &'static str>, Trouble> {
    let mut unknown = None;
    let mut trouble = None;
    let mut ask = |value: i128, sure: bool| -> Result<bool, Refusal> {
        let setup = knob.at(value).map_err(Refusal::Scenario)?;
        if let (Some(said), false) = (theory(&setup), sure) {
            return Ok(said);
        }
        match harmful(&setup) {
            Ok(Ok(harmful)) => Ok(harmful),
            Ok(Err(why)) => {
                unknown = Some(why);
                Ok(false)
            }
            Err(found) => {
                trouble = Some(found);
                Ok(false)
            }
        }
    };
    let mut found = search(range, 0, &mut |value| ask(value, false))?;
    let sure = match found {
        Search::Found(Edge { stale, clean }) => vec![(stale, true), (clean, false)],
        Search::None { stale } => vec![(range.from, stale), (range.to, stale)],
        Search::Mixed { .. } => Vec::new(),
    };
    let mut differs = false;
    for (value, expected) in sure {
        differs |= ask(value, true)? != expected;
    }
    if differs {
        // Theory alone is not enough here: the adversary leads.
        found = search(range, 0, &mut |value| ask(value, true))?;
    }
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    Ok(unknown.map_or(Ok(found), Err))
}

/// How much of a hazard is survived, with others as they are.
fn survived(
    settings: &Settings,
    hazard: Hazard,
    others: &BTreeMap<Hazard, i128>,
) -> Result<Survived, Trouble> {
    if hazard == Hazard::Restart {
        return restarts(settings, others);
    }
    let mut least = Survived::Any;
    for form in forms(settings) {
        let Some(stage) = Stage::varying(settings, *form, hazard, others) else { continue };
        let found = match edge(&stage.knob()?, stage.range(settings, hazard))? {
            Err(why) => Survived::NotKnown(why),
            Ok(Search::Found(edge)) => Survived::UpTo(edge.clean),
            Ok(Search::None { stale: false }) => Survived::Any,
            // The range of a stop begins above zero.
            Ok(Search::None { stale: true }) => {
                match harmful(&Stage::fixed(settings, *form, others).setup()?)? {
                    Ok(true) => Survived::Nothing,
                    Ok(false) => Survived::UpTo(0),
                    Err(why) => Survived::NotKnown(why),
                }
            }
            Ok(Search::Mixed { .. }) => Survived::NotKnown("safe and unsafe values alternate"),
        };
        least = least.min_with(found);
    }
    Ok(least)
}

impl Survived {
    fn is_exceeded_by(self, given: Option<i128>) -> bool {
        match (self, given) {
            (Survived::UpTo(most), Some(given)) => given > most,
            (Survived::Nothing, _) => true,
            (Survived::Any | Survived::NotKnown(_) | Survived::UpTo(_), _) => false,
        }
    }

    fn min_with(self, other: Survived) -> Survived {
        match (self, other) {
            (Survived::Nothing, _) | (_, Survived::Nothing) => Survived::Nothing,
            (Survived::NotKnown(why), _) | (_, Survived::NotKnown(why)) => Survived::NotKnown(why),
            (Survived::UpTo(one), Survived::UpTo(other)) => Survived::UpTo(one.min(other)),
            (Survived::UpTo(most), Survived::Any) | (Survived::Any, Survived::UpTo(most)) => {
                Survived::UpTo(most)
            }
            (Survived::Any, Survived::Any) => Survived::Any,
        }
    }
}

/// Does a restart of a voter do harm?
fn restarts(settings: &Settings, others: &BTreeMap<Hazard, i128>) -> Result<Survived, Trouble> {
    let mut worst = Survived::Any;
    for form in forms(settings) {
        let mut with = others.clone();
        with.insert(Hazard::Restart, 0);
        let stage = Stage::fixed(settings, *form, &with);
        worst = worst.min_with(match harmful(&stage.setup()?)? {
            Ok(false) => Survived::Any,
            Ok(true) => Survived::Nothing,
            Err(why) => Survived::NotKnown(why),
        });
    }
    Ok(worst)
}

/// All that was given at once. Voters may restart at any time.
fn overall(settings: &Settings) -> Result<(Safety, Option<String>, Option<i128>), Trouble> {
    let mut safety = Safety::Safe;
    let mut why = None;
    let mut slack: Option<i128> = None;
    let mut with = settings.hazards.clone();
    with.insert(Hazard::Restart, 0);
    for form in forms(settings) {
        let setup = Stage::fixed(settings, *form, &with).setup()?;
        if let Prediction::Safe { slack_ns } | Prediction::StalePossible { slack_ns } = predict(&setup) {
            slack = Some(slack.map_or(slack_ns, |least| least.min(slack_ns)));
        }
        match harmful(&setup)? {
            Ok(true) => safety = Safety::NotSafe,
            Ok(false) => {}
            Err(reason) if safety == Safety::Safe => {
                (safety, why) = (Safety::NotKnown, Some(reason.to_owned()));
            }
            Err(_) => {}
        }
    }
    Ok((safety, why, slack))
}

/// Times of reports: lengths in whole microseconds.
const STEP_NS: i128 = 1_000;

/// How many times the lengths is tried at most.
const FAR: i128 = 100;

/// The longest D below T with everything that was given.
fn largest_lease(settings: &Settings) -> Result<Option<Span>, Trouble> {
    let from = i128::from(settings.max_clock_skew.as_nanos());
    let to = i128::from(settings.election_timeout.as_nanos()) - STEP_NS;
    if to <= from {
        return Ok(None);
    }
    let mut largest = to;
    for form in forms(settings) {
        let knob = Stage::fixed(settings, *form, &settings.hazards).knob_of("lease.duration")?;
        match edge(&knob, Range { from, to, tolerance: STEP_NS })? {
            Ok(Search::Found(edge)) => largest = largest.min(edge.clean),
            Ok(Search::None { stale: false }) => {}
            Ok(Search::None { stale: true } | Search::Mixed { .. }) | Err(_) => return Ok(None),
        }
    }
    // A lease that is shorter than s serves nothing.
    Ok(u64::try_from(largest).ok().filter(|_| largest > from).map(Span::nanos))
}

/// The shortest T above D with everything that was given.
fn least_timeout(settings: &Settings) -> Result<Option<Span>, Trouble> {
    let lease = i128::from(settings.lease.as_nanos());
    let from = lease + STEP_NS;
    let to = FAR * (lease + stage::lengths(settings));
    let mut least = from;
    for form in forms(settings) {
        let knob = Stage::fixed(settings, *form, &settings.hazards).knob_of("lease.election-timeout")?;
        match edge(&knob, Range { from, to, tolerance: STEP_NS })? {
            Ok(Search::Found(edge)) => least = least.max(edge.clean),
            Ok(Search::None { stale: false }) => {}
            Ok(Search::None { stale: true } | Search::Mixed { .. }) | Err(_) => return Ok(None),
        }
    }
    Ok(u64::try_from(least).ok().map(Span::nanos))
}

/// A tenth of T, as the node's default has it, but at least three rounds and a round trip in a lease.
fn fitting_heartbeat(settings: &Settings) -> Span {
    let served = settings.lease.as_nanos().saturating_sub(settings.max_clock_skew.as_nanos());
    let by_lease = served.saturating_sub(settings.round_trip.as_nanos()) / 3;
    let tenth = settings.election_timeout.as_nanos() / 10;
    // In whole milliseconds where that is no zero.
    let fits = if served == 0 { tenth } else { tenth.min(by_lease) }.max(1_000);
    Span::nanos(if fits > 1_000_000 { fits / 1_000_000 * 1_000_000 } else { fits })
}

/// A fifth of T, as the node's default has it, but at least ten times what an election takes.
fn fitting_jitter(settings: &Settings) -> Span {
    let election = 2 * (settings.round_trip.as_nanos() + settings.sync.as_nanos());
    Span::nanos((settings.election_timeout.as_nanos() / 5).max(10 * election))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use leasehold_run::rules;

    pub(crate) fn settings() -> Settings {
        Settings {
            election_timeout: Span::millis(1_000),
            lease: Span::millis(900),
            max_clock_skew: Span::ZERO,
            form: LeaseForm::Elapsed,
            rules: rules::SOUND.to_owned(),
            stamp: StampSource::Both,
            voters: 3,
            round_trip: Span::millis(2),
            sync: Span::ZERO,
            heartbeat: None,
            hazards: BTreeMap::new(),
        }
    }

    const MS: i128 = 1_000_000;

    fn answer(advice: &Advice, hazard: Hazard) -> &Answer {
        advice.answers.iter().find(|answer| answer.hazard == hazard).unwrap()
    }

    #[test]
    fn the_engineers_question() {
        let hazards = BTreeMap::from([
            (Hazard::Drift, 100_000),
            (Hazard::Pause, 500 * MS),
            (Hazard::HypervisorPause, 2_000 * MS),
        ]);
        let advice = advise(&Settings { hazards, ..settings() }).unwrap();
        assert_eq!(advice.safety, Safety::NotSafe);
        assert_eq!(answer(&advice, Hazard::Pause).together, Survived::Any);
        // (T - D) / (T + D) = 1/19.
        assert_eq!(answer(&advice, Hazard::Drift).alone, Survived::UpTo(52_631_000));
        assert_eq!(answer(&advice, Hazard::HypervisorPause).alone, Survived::UpTo(100 * MS));
        // 1s / 1.0001 - 0.9s / 0.9999 = 99.81ms.
        assert_eq!(answer(&advice, Hazard::HypervisorPause).together, Survived::UpTo(99_810_000));
        assert_eq!(answer(&advice, Hazard::Restart).alone, Survived::Any);
        assert_eq!(advice.largest_lease, None);
        assert_eq!(advice.first_to_break().unwrap().hazard, Hazard::HypervisorPause);
    }
}
