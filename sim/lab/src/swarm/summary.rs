//! What many rows come to. Findings are grouped by cause: a bug that a thousand seeds have found is one bug.
//!
//! **Architecture Invariant:** a summary is a function of the set of its rows. Rows may be added in any order, and summaries of
//! disjoint seeds may be joined in any order. Its size does not grow with the number of rows.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use leasehold::lease::LeaseForm;
use leasehold_run::study::Safety;

use super::Subject;
use super::margins::Margins;
use super::row::{Kind, Row};
use xxhash_rust::xxh3::xxh3_128;

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
    /// The sum of the hashes of all rows' lines, modulo 2^128: equal numbers, equal rows, in whatever order.
    pub digest: u128,
    /// How often each kind of fault was drawn: seeds.
    pub faults: BTreeMap<String, u64>,
    /// Findings by cause.
    pub groups: BTreeMap<Cause, Group>,
    /// The smallest margin of each seed that had one.
    margins: Margins,
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

    /// Adds a row.
    pub fn add(&mut self, row: &Row) {
        self.add_line(row, &row.to_json().to_string());
    }

    /// Adds a row that has just been read, with its line of JSON.
    pub fn add_line(&mut self, row: &Row, line: &str) {
        self.digest = self.digest.wrapping_add(xxh3_128(line.as_bytes()));
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
        row.margin_ns.into_iter().for_each(|margin| self.margins.add(margin, 1));
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
            self.first_stale = least(self.first_stale, Some(row.seed));
        }
        if !row.found.is_empty() {
            self.failures += 1;
            self.first_failure = least(self.first_failure, Some(row.seed));
            self.group(row);
        }
    }

    fn group(&mut self, row: &Row) {
        let cause = Cause {
            found: row.found.clone(),
            detail: row.detail.clone(),
            deadline: row.form == LeaseForm::Deadline,
        };
        let group = Group {
            count: 1,
            first: row.seed,
            simplest: row.seed,
            simplicity: (row.faults.len(), row.events),
            margin_ns: row.margin_ns,
            always: row.faults.clone(),
            ever: row.faults.clone(),
        };
        self.add_group(cause, group);
    }

    fn add_group(&mut self, cause: Cause, group: Group) {
        match self.groups.entry(cause) {
            Entry::Vacant(place) => {
                place.insert(group);
            }
            Entry::Occupied(mut known) => known.get_mut().join(group),
        }
    }

    /// Adds what other seeds of the same subject come to.
    pub fn join(&mut self, other: Summary) {
        self.seeds += other.seeds;
        self.failures += other.failures;
        self.stale += other.stale;
        for (mine, others) in self.safety.iter_mut().zip(other.safety) {
            *mine += others;
        }
        self.first_failure = least(self.first_failure, other.first_failure);
        self.first_stale = least(self.first_stale, other.first_stale);
        self.with_takeover += other.with_takeover;
        self.with_lease_reads += other.with_lease_reads;
        self.with_both += other.with_both;
        self.takeovers += other.takeovers;
        self.operations += other.operations;
        self.reads += other.reads;
        self.reads_under_lease += other.reads_under_lease;
        self.events += other.events;
        self.digest = self.digest.wrapping_add(other.digest);
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_insert(0) += count;
        }
        for (cause, group) in other.groups {
            self.add_group(cause, group);
        }
        self.margins.join(other.margins);
    }

    /// Seeds whose only finding is that the checker gave up.
    pub fn undecided_only(&self) -> u64 {
        let only = |cause: &Cause| cause.found.iter().eq([&Kind::Undecided]);
        self.groups.iter().filter(|(cause, _)| only(cause)).map(|(_, group)| group.count).sum()
    }

    /// The smallest margins at these thousandths of the seeds that had one, ns: 0 is the smallest of all, 500 the median.
    /// Beyond a million seeds those between the two ends are rounded down, by less than a thousandth.
    pub fn margins(&self, permille: &[u64]) -> Option<Vec<i64>> {
        self.margins.at(permille)
    }
}

impl Group {
    /// Adds other seeds with the same cause.
    fn join(&mut self, other: Group) {
        self.count += other.count;
        self.first = self.first.min(other.first);
        // Of equals the first seed.
        if (other.simplicity, other.simplest) < (self.simplicity, self.simplest) {
            (self.simplicity, self.simplest) = (other.simplicity, other.simplest);
        }
        self.margin_ns = least(self.margin_ns, other.margin_ns);
        self.always.retain(|fault| other.always.contains(fault));
        self.ever.extend(other.ever);
    }
}

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}
