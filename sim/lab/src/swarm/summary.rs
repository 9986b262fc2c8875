//! What many rows come to. Findings are grouped by cause: a bug that a thousand seeds have found is one bug.

use std::collections::{BTreeMap, BTreeSet};

use leasehold::lease::LeaseForm;
use leasehold_run::study::Safety;

use super::Subject;
use super::row::{Kind, Row};

/// What findings of one group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// What was found, the worst first.
    pub found: BTreeSet<Kind>,
    /// Which invariants did not hold, or the panic's message.
    pub detail: BTreeSet<String>,
    /// The lease's form is the deadline form.
    pub deadline: bool,
}

/// Seeds with the same cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: u64,
    /// The one with the fewest kinds of fault, then the fewest events: the one to look at.
    pub simplest: u64,
    simplicity: (usize, u64),
    /// The smallest margin, ns.
    pub margin_ns: Option<i64>,
    /// Kinds of fault that all of them had.
    pub always: BTreeSet<String>,
    /// All kinds of fault that any of them had.
    pub ever: BTreeSet<String>,
}

/// All rows of an exploration, added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The rules of every seed are the sound ones.
    sound: bool,
    /// Seeds.
    pub seeds: u64,
    /// Those that found something.
    pub failures: u64,
    /// Those with a stale read.
    pub stale: u64,
    /// Seeds by what they say of reads, the worst first: stale, not safe, not known, safe.
    pub safety: [u64; 4],
    /// The first seed that found something.
    pub first_failure: Option<u64>,
    /// The first seed with a stale read.
    pub first_stale: Option<u64>,
    /// Seeds with a takeover: a leader followed one that had had a lease.
    pub with_takeover: u64,
    /// Seeds with reads under a lease.
    pub with_lease_reads: u64,
    /// Seeds with both.
    pub with_both: u64,
    /// All takeovers.
    pub takeovers: u64,
    /// All operations.
    pub operations: u64,
    /// All reads that were answered.
    pub reads: u64,
    /// Those under a lease.
    pub reads_under_lease: u64,
    /// All events.
    pub events: u64,
    /// All traces chained: equal numbers, equal runs.
    pub trace: u64,
    /// How often each kind of fault was drawn: seeds.
    pub faults: BTreeMap<String, u64>,
    /// Findings by cause.
    pub groups: BTreeMap<Cause, Group>,
    /// The smallest margin of each seed that had one, ns.
    margins: Vec<i64>,
}

/// In the order of [`Summary::safety`].
pub(super) const SAFETIES: [Safety; 4] = [Safety::Stale, Safety::NotSafe, Safety::NotKnown, Safety::Safe];

impl Summary {
    /// Without a row yet.
    pub fn new(subject: &Subject) -> Summary {
        Summary { sound: subject.sound(), ..Summary::default() }
    }

    /// What the seeds come to together: the worst that any of them says.
    pub fn verdict(&self) -> Option<Safety> {
        SAFETIES.into_iter().zip(self.safety).find(|(_, seeds)| *seeds > 0).map(|(safety, _)| safety)
    }

    /// Adds a row. Rows are added in the order of their seeds.
    pub fn add(&mut self, row: &Row) {
        self.seeds += 1;
        self.safety
            [SAFETIES.iter().position(|known| *known == row.safety(self.sound)).expect("all are there")] += 1;
        self.with_takeover += u64::from(row.takeovers > 0);
        self.with_lease_reads += u64::from(row.reads_under_lease > 0);
        self.with_both += u64::from(row.takeovers > 0 && row.reads_under_lease > 0);
        self.takeovers += row.takeovers;
        self.operations += row.operations;
        self.reads += row.reads;
        self.reads_under_lease += row.reads_under_lease;
        self.events += row.events;
        self.trace = xxhash_rust::xxh3::xxh3_64_with_seed(&row.trace.to_le_bytes(), self.trace);
        self.margins.extend(row.margin_ns);
        for fault in &row.faults {
            match self.faults.get_mut(fault) {
                Some(count) => *count += 1,
                None => {
                    self.faults.insert(fault.clone(), 1);
                }
            }
        }
        if row.stale > 0 {
            self.stale += 1;
            self.first_stale.get_or_insert(row.seed);
        }
        if !row.found.is_empty() {
            self.failures += 1;
            self.first_failure.get_or_insert(row.seed);
            self.group(row);
        }
    }

    fn group(&mut self, row: &Row) {
        let cause = Cause {
            found: row.found.clone(),
            detail: row.detail.clone(),
            deadline: row.form == LeaseForm::Deadline,
        };
        let simplicity = (row.faults.len(), row.events);
        let group = self.groups.entry(cause).or_insert_with(|| Group {
            count: 0,
            first: row.seed,
            simplest: row.seed,
            simplicity,
            margin_ns: None,
            always: row.faults.clone(),
            ever: BTreeSet::new(),
        });
        group.count += 1;
        if simplicity < group.simplicity {
            group.simplicity = simplicity;
            group.simplest = row.seed;
        }
        group.margin_ns = group.margin_ns.into_iter().chain(row.margin_ns).min();
        group.always.retain(|fault| row.faults.contains(fault));
        group.ever.extend(row.faults.iter().cloned());
    }

    /// Seeds whose only finding is that the checker gave up.
    pub fn undecided_only(&self) -> u64 {
        let only = |cause: &Cause| cause.found.iter().eq([&Kind::Undecided]);
        self.groups.iter().filter(|(cause, _)| only(cause)).map(|(_, group)| group.count).sum()
    }

    /// The smallest margins at these thousandths of the seeds that had one, ns: 0 is the smallest of all, 500 the median.
    pub fn margins(&self, permille: &[usize]) -> Option<Vec<i64>> {
        let mut sorted = self.margins.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        Some(permille.iter().map(|part| sorted[last * part / 1_000]).collect())
    }
}
