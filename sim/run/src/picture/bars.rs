//! Roles, leases, promises and stops, as bars in time.

use leasehold::raft::Note;
use leasehold::time::{Alarm, Span};

use super::model::{Lease, Ns, Promise, Role, Stop, narrow, term_of};
use crate::blame::clocks::{ClockLog, Level, Mark};

/// A lease that is, or was, in force.
#[derive(Debug, Clone)]
struct LeaseDraft {
    node: usize,
    term: u64,
    from: u64,
    renewed: u64,
    start: u64,
    effective: Span,
    end: Alarm,
    mark: Mark,
    renewals: u32,
    /// What ended it before its time, and when.
    cut: Option<(u64, &'static str)>,
}

/// A promise that is, or was, in force.
#[derive(Debug, Clone)]
struct PromiseDraft {
    node: usize,
    to: Option<(usize, u64)>,
    from: u64,
    received: u64,
    sent: u64,
    true_end: u64,
    end: Alarm,
    mark: Mark,
    renewals: u32,
    cut: Option<u64>,
}

/// A promise as a node has just made it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promised {
    pub(super) node: usize,
    /// To which leader, in which term; `None` after a restart.
    pub(super) to: Option<(usize, u64)>,
    /// True time at which the round was sent, ns.
    pub(super) sent: u64,
    pub(super) end: Alarm,
    /// A perfect clock would end it at this true time, ns.
    pub(super) true_end: u64,
}

/// All bars, followed.
#[derive(Debug)]
pub(super) struct Bars {
    roles: Vec<Vec<Role>>,
    leases: Vec<LeaseDraft>,
    promises: Vec<PromiseDraft>,
    stops: Vec<(usize, &'static str, u64, Option<u64>)>,
}

impl Bars {
    pub(super) fn new(nodes: usize) -> Bars {
        Bars { roles: vec![Vec::new(); nodes], leases: Vec::new(), promises: Vec::new(), stops: Vec::new() }
    }

    fn role(&mut self, node: usize, at: u64, role: &str, term: u64) {
        let roles = &mut self.roles[node];
        if let Some(last) = roles.last_mut() {
            if last.role == role && u64::from(last.term) == term {
                return;
            }
            last.to = Ns::of(at);
        }
        let (from, to) = (Ns::of(at), Ns::of(u64::MAX));
        let (node, role, term) = (narrow(node), role.to_owned(), term_of(term));
        roles.push(Role { node, role, term, from, to, ready: None });
    }

    /// A node tells what it is.
    pub(super) fn noted(&mut self, node: usize, at: u64, note: &Note) {
        match note {
            Note::Campaign { term, .. } => self.role(node, at, "candidate", term.0),
            Note::Elected { term } => self.role(node, at, "leader", term.0),
            Note::Follows { term, .. } => self.role(node, at, "follower", term.0),
            Note::SteppedDown { term, .. } => self.role(node, at, "follower", term.0),
            Note::LeaderReady { .. } => {
                if let Some(role) = self.roles[node].last_mut() {
                    role.ready.get_or_insert(Ns::of(at));
                }
            }
            _ => {}
        }
    }

    /// A process starts.
    pub(super) fn started(&mut self, node: usize, at: u64) {
        let term = self.roles[node].last().map_or(0, |role| u64::from(role.term));
        self.role(node, at, "follower", term);
        self.close_stop(node, at, "down");
    }

    /// A process dies.
    pub(super) fn crashed(&mut self, node: usize, at: u64) {
        let term = self.roles[node].last().map_or(0, |role| u64::from(role.term));
        self.role(node, at, "down", term);
        self.cut_lease(node, at, "crash");
        for promise in self.promises.iter_mut().filter(|promise| promise.node == node) {
            promise.cut.get_or_insert(at);
        }
        self.close_stop(node, at, "stopped");
        self.stops.push((node, "down", at, None));
    }

    /// A process stands still, or goes on.
    pub(super) fn stopped(&mut self, node: usize, at: u64, resumed: bool) {
        let open = self.stops.iter().any(|(of, kind, _, to)| (*of, *kind, *to) == (node, "stopped", None));
        if resumed {
            self.close_stop(node, at, "stopped");
        } else if !open {
            self.stops.push((node, "stopped", at, None));
        }
    }

    fn close_stop(&mut self, node: usize, at: u64, kind: &str) {
        let open =
            self.stops.iter_mut().filter(|(of, what, _, to)| (*of, *what) == (node, kind) && to.is_none());
        open.for_each(|(_, _, _, to)| *to = Some(at));
    }

    /// A lease is renewed. `running`: the one before it still runs by its holder's clocks.
    #[allow(clippy::too_many_arguments, reason = "what a renewal is")]
    pub(super) fn renewed(
        &mut self,
        node: usize,
        term: u64,
        at: u64,
        start: u64,
        effective: Span,
        end: Alarm,
        mark: Mark,
        running: impl Fn(&Alarm) -> bool,
    ) {
        let last = self.leases.iter_mut().rev().find(|lease| lease.node == node);
        // Acknowledgements that come when the lease would be over already renew nothing.
        let stillborn = !running(&end);
        if stillborn && last.as_ref().is_some_and(|last| last.term == term) {
            return;
        }
        match last.filter(|last| last.term == term && last.cut.is_none() && running(&last.end)) {
            Some(lease) => {
                (lease.renewed, lease.start, lease.effective) = (at, start, effective);
                (lease.end, lease.mark) = (end, mark);
                lease.renewals += 1;
            }
            None => {
                let (from, renewed, renewals) = (at, at, 1);
                let cut = stillborn.then_some((at, "clock"));
                let draft =
                    LeaseDraft { node, term, from, renewed, start, effective, end, mark, renewals, cut };
                self.leases.push(draft);
            }
        }
    }

    /// A lease is given up, or its holder dies.
    pub(super) fn cut_lease(&mut self, node: usize, at: u64, why: &'static str) {
        let last = self.leases.iter_mut().rev().find(|lease| lease.node == node);
        if let Some(lease) = last {
            lease.cut.get_or_insert((at, why));
        }
    }

    /// A promise is made or renewed. `running`: the one before it still runs by its maker's clocks.
    pub(super) fn promised(&mut self, made: Promised, at: u64, mark: Mark, running: impl Fn(&Alarm) -> bool) {
        let Promised { node, to, sent, end, true_end } = made;
        let last = self.promises.iter_mut().rev().find(|promise| promise.node == node);
        match last.filter(|last| last.to == to && last.cut.is_none() && running(&last.end)) {
            Some(promise) => {
                (promise.received, promise.sent, promise.true_end) = (at, sent, true_end);
                (promise.end, promise.mark) = (end, mark);
                promise.renewals += 1;
            }
            None => {
                let (from, received, renewals, cut) = (at, at, 1, None);
                let draft =
                    PromiseDraft { node, to, from, received, sent, true_end, end, mark, renewals, cut };
                self.promises.push(draft);
            }
        }
    }

    pub(super) fn roles(&self, end: u64) -> Vec<Role> {
        let all = self.roles.iter().flatten().cloned();
        all.map(|role| Role { to: role.to.min(Ns::of(end)), ..role }).collect()
    }

    /// Every lease. When one was over is told from its holder's clocks, as [`crate::watch::Margins`] does.
    pub(super) fn leases(&self, logs: &[ClockLog], end: u64) -> Vec<Lease> {
        let bar = |draft: &LeaseDraft| {
            let log = match draft.cut {
                Some((at, _)) => logs[draft.node].until(at),
                None => logs[draft.node].clone(),
            };
            let clock = log.over(Level::ALL, &draft.end, draft.mark).filter(|at| i64::try_from(*at).is_ok());
            let (mut over, mut ended) = match (clock, draft.cut) {
                (Some(clock), Some((cut, _))) if clock <= cut => (Some(clock), "clock"),
                (_, Some((cut, why))) => (Some(cut), why),
                (Some(clock), None) => (Some(clock), "clock"),
                (None, None) => (None, "never"),
            };
            // While its holder stands still it serves nothing.
            let still = self.stops.iter().find(|(node, kind, from, to)| {
                let until = to.unwrap_or(end.max(*from));
                let within = over.is_some_and(|over| *from <= over && (over <= until || to.is_none()));
                *node == draft.node && *kind == "stopped" && draft.from <= *from && within
            });
            if let Some((_, _, from, _)) = still {
                (over, ended) = (Some(*from), "stopped");
            }
            Lease {
                node: narrow(draft.node),
                term: term_of(draft.term),
                from: Ns::of(draft.from),
                renewed: Ns::of(draft.renewed),
                start: Ns::of(draft.start),
                over: over.map(Ns::of),
                true_end: Ns::of(draft.start.saturating_add(draft.effective.as_nanos())),
                ended: ended.to_owned(),
                renewals: draft.renewals,
            }
        };
        self.leases.iter().map(bar).collect()
    }

    /// Every promise.
    pub(super) fn promises(&self, logs: &[ClockLog], _end: u64) -> Vec<Promise> {
        let bar = |draft: &PromiseDraft| {
            let log = match draft.cut {
                Some(at) => logs[draft.node].until(at),
                None => logs[draft.node].clone(),
            };
            let clock = log.first(Level::ALL, &draft.end, draft.mark).filter(|at| i64::try_from(*at).is_ok());
            let (over, ended) = match (clock, draft.cut) {
                (Some(clock), Some(cut)) if clock <= cut => (Some(clock), "clock"),
                (_, Some(cut)) => (Some(cut), "crash"),
                (Some(clock), None) => (Some(clock), "clock"),
                (None, None) => (None, "never"),
            };
            Promise {
                node: narrow(draft.node),
                to: draft.to.map(|(leader, _)| narrow(leader)),
                term: draft.to.map_or(0, |(_, term)| term_of(term)),
                from: Ns::of(draft.from),
                received: Ns::of(draft.received),
                sent: Ns::of(draft.sent),
                over: over.map(Ns::of),
                true_end: Ns::of(draft.true_end),
                ended: ended.to_owned(),
                renewals: draft.renewals,
            }
        };
        self.promises.iter().map(bar).collect()
    }

    pub(super) fn stops(&self, end: u64) -> Vec<Stop> {
        let stop = |(node, kind, from, to): &(usize, &'static str, u64, Option<u64>)| Stop {
            node: narrow(*node),
            kind: (*kind).to_owned(),
            from: Ns::of(*from),
            to: Ns::of(to.unwrap_or(end)),
        };
        self.stops.iter().map(stop).collect()
    }
}
