//! What a cluster did for its clients: how long no leader could serve, how long answers took, and what elections it cost.

use leasehold::lease::Ballot;
use leasehold::raft::Note;
use leasehold_world::{Event, Happening, Process, Reader, Reply, Request, World};

use super::Operation;

/// A stretch of true time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch {
    /// Its first instant, ns.
    pub from: u64,
    /// How long it is, ns.
    pub length: u64,
}

impl Stretch {
    fn between(from: u64, to: u64) -> Stretch {
        Stretch { from, length: to.saturating_sub(from) }
    }

    /// The longer one; the earlier one of two that are as long.
    fn longer(self, other: Stretch) -> Stretch {
        if other.length > self.length { other } else { self }
    }
}

/// How often nodes campaigned and won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Elections {
    /// Rounds of pre-votes.
    pub pre_votes: u64,
    /// Campaigns after an election timeout.
    pub campaigns: u64,
    /// Campaigns that a leader asked for: hand-overs.
    pub hand_overs: u64,
    /// Elections that were won, of both kinds.
    pub won: u64,
}

/// Follows which nodes lead and can serve: elected, an entry of their own term committed, and running.
#[derive(Debug, Clone)]
pub struct Leaders {
    leads: Vec<bool>,
    stopped: Vec<bool>,
    /// When a leader could first serve, ns.
    first: Option<u64>,
    /// Since when no leader can serve; `None` while one can.
    without: Option<u64>,
    /// Of the times after the first leader.
    longest: Option<Stretch>,
    /// When the last fault happened or was undone, ns; the start of the run before the first.
    last_fault: u64,
    /// Of the times after that.
    since_fault: Stretch,
    /// The only node that can serve, and since when, ns.
    only: Option<(usize, u64)>,
    elections: Elections,
}

impl Leaders {
    /// No node leads yet.
    pub fn new(nodes: usize) -> Leaders {
        Leaders {
            leads: vec![false; nodes],
            stopped: vec![false; nodes],
            first: None,
            without: Some(0),
            longest: None,
            last_fault: 0,
            since_fault: Stretch::default(),
            only: None,
            elections: Elections::default(),
        }
    }

    fn changed(&mut self, at: u64) {
        let mut serving = (0..self.leads.len()).filter(|node| self.leads[*node] && !self.stopped[*node]);
        let (first, second) = (serving.next(), serving.next());
        let serves = first.is_some();
        let only = first.filter(|_| second.is_none());
        if only != self.only.map(|(node, _)| node) {
            self.only = only.map(|node| (node, at));
        }
        match (serves, self.without) {
            (true, Some(since)) => {
                self.over_since_fault(since, at);
                match self.first {
                    None => self.first = Some(at),
                    Some(_) => self.over(since, at),
                }
                self.without = None;
            }
            (false, None) => self.without = Some(at),
            _ => {}
        }
    }

    fn over(&mut self, since: u64, at: u64) {
        let time = Stretch::between(since, at);
        self.longest = Some(self.longest.map_or(time, |longest| longest.longer(time)));
    }

    fn fault(&mut self, at: u64) {
        (self.last_fault, self.since_fault) = (at, Stretch { from: at, length: 0 });
    }

    /// A time without a leader is over, of which only what came after the last fault counts.
    fn over_since_fault(&mut self, since: u64, at: u64) {
        self.since_fault = self.since_fault.longer(Stretch::between(since.max(self.last_fault), at));
    }
}

impl<P: Process<Note = Note>> Reader<P> for Leaders {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, Note>, _world: &World<P>) {
        match event.what {
            Happening::Noted { note: Note::Campaign { ballot, .. }, .. } => match ballot {
                Ballot::PreVote => self.elections.pre_votes += 1,
                Ballot::Vote => self.elections.campaigns += 1,
                Ballot::TransferVote => self.elections.hand_overs += 1,
            },
            Happening::Fault { .. } => self.fault(event.at),
            Happening::Noted { note: Note::Elected { .. }, .. } => self.elections.won += 1,
            Happening::Noted { node, note: Note::LeaderReady { .. } } => {
                self.leads[node] = true;
                self.changed(event.at);
            }
            Happening::Noted { node, note: Note::SteppedDown { .. } } => {
                self.leads[node] = false;
                self.changed(event.at);
            }
            Happening::Crashed { node } => {
                // What stood still was the process.
                (self.leads[node], self.stopped[node]) = (false, false);
                self.changed(event.at);
            }
            Happening::Stopped { node, resumed } => {
                self.stopped[node] = !resumed;
                self.changed(event.at);
            }
            _ => {}
        }
    }
}

/// What became of the requests of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Served {
    /// Requests.
    pub asked: usize,
    /// Those with an answer that says what was done. Refusals and unknown outcomes do not count.
    pub answered: usize,
    /// Those without any reply until the end of the run.
    pub hung: usize,
    /// The longest that an answer took.
    pub wait: Option<Stretch>,
    /// The longest time in which requests waited and none was answered.
    pub gap: Option<Stretch>,
}

/// What a cluster did once the last fault was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AfterFaults {
    /// When the last one happened or was undone, ns; 0 without faults.
    pub since: u64,
    /// The longest time after that in which no leader could serve.
    pub leaderless: Stretch,
    /// While one node alone has led, to the end of the run: the longest time in which writes waited at it and none was
    /// answered.
    pub writes: Option<Stretch>,
}

/// What a cluster did for its clients in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Service {
    /// When a leader could first serve, ns; `None` if that never was.
    pub first_leader: Option<u64>,
    /// After that, the longest time in which none could.
    pub leaderless: Option<Stretch>,
    /// Campaigns and elections.
    pub elections: Elections,
    /// Reads.
    pub reads: Served,
    /// Writes and compare-and-sets.
    pub writes: Served,
    /// All that came after the last fault.
    pub after_faults: AfterFaults,
}

impl Service {
    /// From what was seen until `end`, ns.
    pub fn of(mut leaders: Leaders, history: &[Operation], end: u64) -> Service {
        if let (Some(since), Some(_)) = (leaders.without, leaders.first) {
            leaders.over(since, end);
        }
        if let Some(since) = leaders.without {
            leaders.over_since_fault(since, end);
        }
        let Leaders { first: first_leader, longest: leaderless, elections, .. } = leaders;
        let Leaders { last_fault: since, since_fault, only, .. } = leaders;
        let at_leader = only.and_then(|(leader, led)| {
            let asked = |operation: &&Operation| {
                let read = matches!(operation.request, Request::Read { .. });
                !read && operation.node == leader && operation.invoked >= led.max(since)
            };
            served(history.iter().filter(asked), end).gap
        });
        let after_faults = AfterFaults { since, leaderless: since_fault, writes: at_leader };
        let of = |reads: bool| {
            let wanted = |operation: &&Operation| matches!(operation.request, Request::Read { .. }) == reads;
            served(history.iter().filter(wanted), end)
        };
        Service { first_leader, leaderless, elections, reads: of(true), writes: of(false), after_faults }
    }

    /// The longest time without a leader that could serve, the start included.
    pub fn longest_without_leader(&self, end: u64) -> Stretch {
        let start = Stretch::between(0, self.first_leader.unwrap_or(end));
        self.leaderless.map_or(start, |later| start.longer(later))
    }

    /// Requests of both kinds.
    pub fn asked(&self) -> usize {
        self.reads.asked + self.writes.asked
    }

    /// Those of both kinds with an answer.
    pub fn answered(&self) -> usize {
        self.reads.answered + self.writes.answered
    }
}

/// When it was answered, ns.
fn answered(operation: &Operation) -> Option<u64> {
    match operation.completed? {
        (at, Reply::Value { .. } | Reply::Done | Reply::NotSwapped) => Some(at),
        (_, Reply::Refused | Reply::Unknown) => None,
    }
}

/// `operations` come in the order of their invocations.
fn served<'a>(operations: impl Iterator<Item = &'a Operation>, end: u64) -> Served {
    let mut found = Served::default();
    // (invoked, answered), and all answers.
    let mut asked = Vec::new();
    let mut answers = Vec::new();
    for operation in operations {
        found.asked += 1;
        found.hung += usize::from(operation.completed.is_none());
        asked.push(operation.invoked);
        if let Some(at) = answered(operation) {
            found.answered += 1;
            let wait = Stretch::between(operation.invoked, at);
            found.wait = Some(found.wait.map_or(wait, |longest| longest.longer(wait)));
            answers.push((at, operation.invoked));
        }
    }
    answers.sort_unstable();
    found.gap = gap(&asked, &answers, end);
    found
}

/// The longest time in which requests waited and none was answered. A gap begins with a request, or with an answer while
/// another request waits for its own; it ends with an answer, or with the run.
fn gap(asked: &[u64], answers: &[(u64, u64)], end: u64) -> Option<Stretch> {
    let mut longest: Option<Stretch> = None;
    let mut waiting_since = asked.first().copied()?;
    // Of the answers from here on, the earliest invocation.
    let mut earliest_left = vec![u64::MAX; answers.len() + 1];
    for (place, (_, invoked)) in answers.iter().enumerate().rev() {
        earliest_left[place] = earliest_left[place + 1].min(*invoked);
    }
    let mut close = |from: u64, to: u64| {
        let gap = Stretch::between(from, to);
        longest = Some(longest.map_or(gap, |longest| longest.longer(gap)));
    };
    let mut waits = true;
    for (place, (at, _)) in answers.iter().enumerate() {
        if waits {
            close(waiting_since, *at);
        }
        let next = asked.partition_point(|invoked| *invoked <= *at);
        (waits, waiting_since) = match asked.get(next) {
            _ if earliest_left[place + 1] <= *at => (true, *at),
            Some(invoked) => (true, *invoked),
            None => (false, end),
        };
    }
    if waits {
        close(waiting_since, end);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(invoked: u64, completed: Option<(u64, Reply)>) -> Operation {
        Operation {
            client: 0,
            node: 0,
            request: Request::Read { key: 0 },
            invoked,
            answered: None,
            completed,
        }
    }

    fn value(at: u64) -> Option<(u64, Reply)> {
        Some((at, Reply::Value { value: None, lease: true, round_trips: 0 }))
    }

    #[test]
    fn a_gap_is_time_in_which_requests_wait_and_none_is_answered() {
        let of = |operations: &[Operation]| served(operations.iter(), 1_000);
        assert_eq!(of(&[]), Served::default());
        // Idle time between 20 and 500 is no gap.
        let found = of(&[read(10, value(20)), read(500, value(530))]);
        assert_eq!(found.gap, Some(Stretch { from: 500, length: 30 }));
        assert_eq!(found.wait, Some(Stretch { from: 500, length: 30 }));
        // The second waits from 10 on, but the first was answered at 40.
        let found = of(&[read(0, value(40)), read(10, value(90))]);
        assert_eq!(found.gap, Some(Stretch { from: 40, length: 50 }));
        // A refusal is no answer, and a request without a reply hangs until the end.
        let found = of(&[read(0, value(5)), read(10, Some((12, Reply::Refused))), read(20, None)]);
        assert_eq!((found.asked, found.answered, found.hung), (3, 1, 1));
        assert_eq!(found.gap, Some(Stretch { from: 10, length: 990 }));
    }
}
