//! Margins: for every leadership change, the distance between the true instant from which the old leader's lease could
//! serve no more and the first true instant at which the new leader could acknowledge a write.
//!
//! Positive: safe by so much. Negative: a stale read was possible for so long, whether or not a client happened to read.
//!
//! A lease is over when its alarm is reached on its holder's clock, when it is given up, or when its holder crashes; while
//! its holder stands still it serves nothing, so if it runs out meanwhile it was over when the holder stopped.

use leasehold::time::Alarm;

use leasehold::raft::Note;
use leasehold_world::{Event, Happening, Process, Reader, World, WorldView};

/// When an old leader's lease was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseOver {
    /// At this true time, ns. It may lie behind the end of the run: then it is when the lease would have ended.
    At(u64),
    /// Its holder's clock will never come to its end.
    Never,
}

/// One change of leadership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeadershipChange {
    /// The old leader and its term; `None` when nobody had a lease before.
    pub old: Option<(usize, u64)>,
    /// The new leader ...
    pub new: usize,
    /// ... and its term.
    pub new_term: u64,
    /// True time at which it could first have acknowledged a write, ns.
    pub ready_at: u64,
    /// When the old leader's lease was over; `None` without an old lease.
    pub lease_over: Option<LeaseOver>,
}

impl LeadershipChange {
    /// The margin in nanoseconds; `None` without an old lease. A lease that never ends has `i64::MIN`.
    pub fn margin(&self) -> Option<i64> {
        self.lease_over.map(|over| match over {
            LeaseOver::At(over) => signed_difference(self.ready_at, over),
            LeaseOver::Never => i64::MIN,
        })
    }
}

fn signed_difference(a: u64, b: u64) -> i64 {
    let magnitude = i64::try_from(a.abs_diff(b)).unwrap_or(i64::MAX);
    if a >= b { magnitude } else { -magnitude }
}

/// Follows every lease and measures every change of leadership.
#[derive(Debug, Clone)]
pub struct Margins {
    watched: Vec<Option<Watched>>,
    stopped_at: Vec<Option<u64>>,
    changes: Vec<LeadershipChange>,
    /// The first time two leases were alive at once: when, and whose.
    overlap: Option<(u64, usize, usize)>,
}

/// A lease that was granted.
#[derive(Debug, Clone, Copy)]
struct Watched {
    term: u64,
    end: Alarm,
    /// Since then its holder's clocks have not changed, nor has its holder stood still and gone on.
    since: u64,
    over: Option<u64>,
    /// It has been given up, or its holder has crashed: no clock can bring it back.
    dead: bool,
}

impl Margins {
    /// Nobody has a lease yet.
    pub fn new(nodes: usize) -> Margins {
        Margins {
            watched: vec![None; nodes],
            stopped_at: vec![None; nodes],
            changes: Vec::new(),
            overlap: None,
        }
    }

    /// All changes of leadership, in order, once the run is over.
    pub fn finish(mut self, world: &(impl WorldView + ?Sized)) -> Vec<LeadershipChange> {
        for node in 0..self.watched.len() {
            self.settle(node, world);
            let Some(lease) = self.watched[node] else { continue };
            let over = match lease.over {
                Some(over) => LeaseOver::At(over),
                None => world
                    .clock(node)
                    .first_at(&lease.end, world.now())
                    // A run lasts 292 years at most.
                    .filter(|at| i64::try_from(*at).is_ok())
                    .map_or(LeaseOver::Never, LeaseOver::At),
            };
            self.resolve(node, lease.term, over);
        }
        self.changes
    }

    /// The first instant at which two leases were alive, ns, and their holders.
    pub fn overlap(&self) -> Option<(u64, usize, usize)> {
        self.overlap
    }

    /// Brings the account of a node's lease up to the present.
    fn settle(&mut self, node: usize, world: &(impl WorldView + ?Sized)) {
        let stopped_at = self.stopped_at[node];
        let Some(lease) = &mut self.watched[node] else {
            return;
        };
        if lease.dead {
            return;
        }
        let end = world.clock(node).first_at(&lease.end, lease.since);
        lease.over = match end.filter(|end| *end <= world.now()) {
            Some(end) => {
                let end = stopped_at.map_or(end, |stopped| end.min(stopped));
                // What was over when `since` began is over since it first was.
                let before = lease.over.filter(|_| end <= lease.since);
                Some(before.map_or(end, |over| over.min(end)))
            }
            // A clock that was set back, or is vouched for again, has brought it back to life. While its holder stands still
            // that is of no use.
            None => lease.over.filter(|over| stopped_at.is_some_and(|stopped| *over <= stopped)),
        };
    }

    fn kill(&mut self, node: usize, world: &(impl WorldView + ?Sized)) {
        self.settle(node, world);
        // One that stood still, and goes on no more, has not served since.
        let last = self.stopped_at[node].unwrap_or(world.now());
        if let Some(lease) = &mut self.watched[node] {
            lease.over.get_or_insert(last);
            lease.dead = true;
        }
    }

    fn alive(&mut self, node: usize, world: &(impl WorldView + ?Sized)) -> bool {
        self.settle(node, world);
        self.watched[node].is_some_and(|lease| lease.over.is_none())
    }

    /// Fills in when the lease of `node` in `term` was over, wherever it is still open.
    fn resolve(&mut self, node: usize, term: u64, over: LeaseOver) {
        for change in &mut self.changes {
            if change.old == Some((node, term)) && change.lease_over.is_none() {
                change.lease_over = Some(over);
            }
        }
    }

    fn renewed(&mut self, node: usize, term: u64, end: Alarm, world: &(impl WorldView + ?Sized)) {
        if self.overlap.is_none() {
            let others = (0..self.watched.len()).filter(|other| *other != node);
            let other = others.into_iter().find(|other| {
                self.watched[*other].is_some_and(|lease| lease.term < term && lease.over.is_none())
                    && self.alive(*other, world)
            });
            self.overlap = other.map(|other| (world.now(), other, node));
        }
        self.close(node, term, world.now());
        // Acknowledgements that waited for a process that stood still may renew a lease that is over already. It never
        // served anything, so the lease before it has been the last.
        let over = end.reached(&world.clock(node).read(world.now())).then(|| {
            self.settle(node, world);
            let before = self.watched[node].filter(|lease| lease.term == term);
            before.and_then(|lease| lease.over).unwrap_or(world.now())
        });
        self.watched[node] = Some(Watched { term, end, since: world.now(), over, dead: false });
    }

    /// A node that leads anew has no use for the lease of its earlier term.
    fn close(&mut self, node: usize, term: u64, now: u64) {
        if let Some(lease) = self.watched[node].filter(|lease| lease.term < term) {
            self.resolve(node, lease.term, LeaseOver::At(lease.over.unwrap_or(now)));
        }
    }

    fn ready(&mut self, new: usize, new_term: u64, world: &(impl WorldView + ?Sized)) {
        let at = world.now();
        let mut change = LeadershipChange { old: None, new, new_term, ready_at: at, lease_over: None };
        let mut found = false;
        for node in (0..self.watched.len()).filter(|node| *node != new) {
            let Some(lease) = self.watched[node].filter(|lease| lease.term < new_term) else {
                continue;
            };
            let measured = self.changes.iter().any(|change| change.old == Some((node, lease.term)));
            if !measured {
                change.old = Some((node, lease.term));
                self.changes.push(change);
                found = true;
            }
        }
        if !found {
            self.changes.push(LeadershipChange { old: None, ..change });
        }
    }

    /// Something has happened to a lease, or to a clock that one ends by.
    pub fn note<M>(&mut self, event: &Event<'_, M, Note>, world: &(impl WorldView + ?Sized)) {
        match event.what {
            Happening::Noted { node, note: Note::LeaseRenewed { term, end, .. } } => {
                self.renewed(node, term.0, end, world);
            }
            Happening::Noted { node, note: Note::LeaseEnded { .. } } => self.kill(node, world),
            Happening::Noted { node, note: Note::LeaderReady { term, .. } } => {
                self.ready(node, term.0, world)
            }
            Happening::ClockChanges { node } => {
                self.settle(node, world);
                if let Some(lease) = &mut self.watched[node] {
                    lease.since = event.at;
                }
            }
            Happening::Stopped { node, resumed } => {
                self.settle(node, world);
                // Of stops that overlap the first counts, until it goes on after the last.
                let stopped = self.stopped_at[node].unwrap_or(event.at);
                self.stopped_at[node] = (!resumed).then_some(stopped);
                if let Some(lease) = self.watched[node].as_mut().filter(|_| resumed) {
                    lease.since = event.at;
                }
            }
            Happening::Crashed { node } => {
                self.kill(node, world);
                self.stopped_at[node] = None;
            }
            _ => {}
        }
    }
}

impl<P: Process<Note = Note>> Reader<P> for Margins {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, P::Note>, world: &World<P>) {
        match event.what {
            Happening::Noted { .. }
            | Happening::ClockChanges { .. }
            | Happening::Stopped { .. }
            | Happening::Crashed { .. } => self.note(event, world),
            _ => {}
        }
    }
}
