//! What one seed found, as one line of JSON.

use std::collections::BTreeSet;

use leasehold::lease::LeaseForm;
use leasehold_run::study::Safety;
use serde_json::{Value, json};

/// Something that must not be within the bound and under the sound rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A stale read that theory says cannot be: one of the two is wrong, whatever the rules and the clocks.
    BeatsTheory,
    /// A read returned a value that had been overwritten.
    StaleRead,
    /// A history that no order of its operations explains, in another way.
    NotLinearizable,
    /// A new leader could acknowledge writes while the old one's lease ran, whether or not anybody read.
    NegativeMargin,
    /// Two leases ran at once.
    TwoLeases,
    /// Raft's own properties, or a promise broken on the voter's own clock.
    BrokenInvariant,
    /// The node or the simulator panicked.
    Panic,
    /// No fault, no loss, disks and network quicker than a heartbeat, and yet nobody was ever able to lead.
    NobodyLed,
    /// Every fault was over, and no leader could serve for longer than the settings explain.
    NoLeaderAgain,
    /// Every fault was over, one node led, and it answered no write for longer than the settings explain.
    WritesStandStill,
    /// The checker gave up.
    Undecided,
}

impl Kind {
    /// All of them, the worst for a user first.
    pub const ALL: [Kind; 11] = [
        Kind::BeatsTheory,
        Kind::StaleRead,
        Kind::NotLinearizable,
        Kind::NegativeMargin,
        Kind::TwoLeases,
        Kind::BrokenInvariant,
        Kind::Panic,
        Kind::NobodyLed,
        Kind::NoLeaderAgain,
        Kind::WritesStandStill,
        Kind::Undecided,
    ];

    /// Is it no stale read, and nothing else that a run's report calls a violation?
    pub fn leaves_reads_fresh(self) -> bool {
        match self {
            Kind::NegativeMargin | Kind::TwoLeases | Kind::Undecided => true,
            Kind::BeatsTheory
            | Kind::StaleRead
            | Kind::NotLinearizable
            | Kind::BrokenInvariant
            | Kind::Panic
            | Kind::NobodyLed
            | Kind::NoLeaderAgain
            | Kind::WritesStandStill => false,
        }
    }

    /// The cluster did not come back after the last fault: no reader was told anything wrong.
    pub const fn is_stall(self) -> bool {
        matches!(self, Kind::NoLeaderAgain | Kind::WritesStandStill)
    }

    /// The word for it in rows and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::BeatsTheory => "beats-theory",
            Kind::StaleRead => "stale-read",
            Kind::NotLinearizable => "not-linearizable",
            Kind::NegativeMargin => "negative-margin",
            Kind::TwoLeases => "two-leases",
            Kind::BrokenInvariant => "broken-invariant",
            Kind::Panic => "panic",
            Kind::NobodyLed => "nobody-led",
            Kind::NoLeaderAgain => "no-leader-again",
            Kind::WritesStandStill => "writes-stand-still",
            Kind::Undecided => "undecided",
        }
    }
}

/// What one seed found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The seed.
    pub seed: u64,
    /// Nothing, when all was well.
    pub found: BTreeSet<Kind>,
    /// Which invariants did not hold, or the panic's message.
    pub detail: BTreeSet<String>,
    /// How leases were measured.
    pub form: LeaseForm,
    /// Voters.
    pub voters: u64,
    /// Learners.
    pub learners: u64,
    /// The kinds of fault in the setup.
    pub faults: BTreeSet<String>,
    /// Leaders that came to be able to acknowledge writes.
    pub leaders: u64,
    /// Those that took over from one that had had a lease.
    pub takeovers: u64,
    /// Operations of all clients.
    pub operations: u64,
    /// Reads that were answered.
    pub reads: u64,
    /// Those answered under a lease.
    pub reads_under_lease: u64,
    /// Stale reads.
    pub stale: u64,
    /// The smallest margin of all takeovers, ns; the smallest number there is for a lease that never ends.
    pub margin_ns: Option<i64>,
    /// What theory says is left at the worst, ns; `None` where it has nothing to say.
    pub slack_ns: Option<i64>,
    /// Events that happened.
    pub events: u64,
    /// See [`leasehold_run::watch::TraceHash`].
    pub trace: u64,
}

impl Row {
    /// Can reads be stale? The same words as `sim run` has for this seed. `sound`: the rules are; theory covers no others.
    pub fn safety(&self, sound: bool) -> Safety {
        let found = |kinds: &[Kind]| kinds.iter().any(|kind| self.found.contains(kind));
        let slack = self.slack_ns.filter(|_| sound);
        let possible = slack.is_some_and(|slack| slack < 0);
        if found(&[Kind::BeatsTheory, Kind::StaleRead, Kind::NotLinearizable]) {
            Safety::Stale
        } else if possible || found(&[Kind::NegativeMargin, Kind::TwoLeases]) {
            Safety::NotSafe
        } else if slack.is_some() && !found(&[Kind::Undecided, Kind::Panic]) {
            Safety::Safe
        } else {
            Safety::NotKnown
        }
    }

    /// One JSON object. Fields that say nothing are left out.
    pub fn to_json(&self) -> Value {
        let mut row = json!({
            "seed": self.seed,
            "form": form_word(self.form),
            "voters": self.voters,
            "learners": self.learners,
            "faults": self.faults,
            "leaders": self.leaders,
            "takeovers": self.takeovers,
            "operations": self.operations,
            "reads": self.reads,
            "reads_under_lease": self.reads_under_lease,
            "stale_reads": self.stale,
            "margin_ns": self.margin_ns,
            "slack_ns": self.slack_ns,
            "events": self.events,
            "trace": format!("{:016x}", self.trace),
        });
        if !self.found.is_empty() {
            let words: Vec<&str> = self.found.iter().map(|kind| kind.word()).collect();
            row["found"] = json!(words);
        }
        if !self.detail.is_empty() {
            row["detail"] = json!(self.detail);
        }
        row
    }

    /// The inverse of [`Row::to_json`]; `None` for anything else.
    pub fn from_json(row: &Value) -> Option<Row> {
        let number = |key: &str| row.get(key)?.as_u64();
        let signed = |key: &str| match row.get(key)? {
            Value::Null => Some(None),
            value => Some(Some(value.as_i64()?)),
        };
        let words = |key: &str| -> Option<BTreeSet<String>> {
            let Some(list) = row.get(key) else { return Some(BTreeSet::new()) };
            list.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
        };
        let kind = |word: &String| Kind::ALL.into_iter().find(|kind| kind.word() == word.as_str());
        Some(Row {
            seed: number("seed")?,
            found: words("found")?.iter().map(kind).collect::<Option<BTreeSet<Kind>>>()?,
            detail: words("detail")?,
            form: match row.get("form")?.as_str()? {
                "elapsed" => LeaseForm::Elapsed,
                "deadline" => LeaseForm::Deadline,
                _ => return None,
            },
            voters: number("voters")?,
            learners: number("learners")?,
            faults: words("faults")?,
            leaders: number("leaders")?,
            takeovers: number("takeovers")?,
            operations: number("operations")?,
            reads: number("reads")?,
            reads_under_lease: number("reads_under_lease")?,
            stale: number("stale_reads")?,
            margin_ns: signed("margin_ns")?,
            slack_ns: signed("slack_ns")?,
            events: number("events")?,
            trace: u64::from_str_radix(row.get("trace")?.as_str()?, 16).ok()?,
        })
    }
}

/// As scenarios write it.
pub(super) fn form_word(form: LeaseForm) -> &'static str {
    match form {
        LeaseForm::Elapsed => "elapsed",
        LeaseForm::Deadline => "deadline",
    }
}
