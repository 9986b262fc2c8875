//! A run: a world from a setup, everybody who watches it, and what they found.

use leasehold::raft::Note;
use std::sync::Arc;

use crate::guest::GuestNode;
use crate::host::LeaseNode;
use crate::hosted::{Hosted, Observer};
use crate::setup::Setup;
use crate::watch::{
    Broken, DiskNews, Disks, History, Invariants, Leaders, LeadershipChange, Margins, Operation, Service,
    TraceHash,
};
use leasehold_check as check;
use leasehold_world::{Choices, Decision, Event, Reader, Reply, Request, World};

/// What a run found.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What every client asked and was told.
    pub history: Vec<Operation>,
    /// Whether that is linearizable, and every stale read.
    pub check: check::Report,
    /// The place in `history` of each operation that was checked.
    checked: Vec<usize>,
    /// Every change of leadership with its margin.
    pub changes: Vec<LeadershipChange>,
    /// The first instant at which two leases were alive, ns, and their holders.
    pub overlap: Option<(u64, usize, usize)>,
    /// Invariants that did not hold.
    pub broken: Vec<Broken>,
    /// What disks have brought about.
    pub disks: Vec<DiskNews>,
    /// What the cluster did for its clients.
    pub service: Service,
    /// The same on every machine, in every build.
    pub trace_hash: u64,
    /// Events that happened.
    pub events: u64,
    /// Messages delivered between nodes.
    pub messages: u64,
}

/// What is seen of a run whose processes are elsewhere.
#[derive(Debug)]
pub struct Outside {
    /// What every client asked and was told.
    pub history: Vec<Operation>,
    /// Every change of leadership with its margin.
    pub changes: Vec<LeadershipChange>,
    /// The first instant at which two leases were alive, ns, and their holders.
    pub overlap: Option<(u64, usize, usize)>,
    /// Invariants that did not hold.
    pub broken: Vec<Broken>,
    /// Who led.
    pub leaders: Leaders,
    /// True time at the end, ns.
    pub end: u64,
    /// Events that happened.
    pub events: u64,
    /// Messages delivered between nodes.
    pub messages: u64,
    /// How far the checker may go.
    pub limits: check::Limits,
}

impl Outcome {
    /// What a run found of which only that was seen. It has no trace, and so no hash of one.
    pub fn from_outside(seen: Outside) -> Outcome {
        let Outside { history, changes, overlap, broken, leaders, end, events, messages, limits } = seen;
        let (checked, operations) = to_check(&history);
        let check = check::check(&operations, limits);
        Outcome {
            check,
            checked,
            changes,
            overlap,
            broken,
            disks: Vec::new(),
            service: Service::of(leaders, &history, end),
            trace_hash: 0,
            events,
            messages,
            history,
        }
    }

    /// The history as the checker had it.
    pub fn checked_operations(&self) -> Vec<check::Operation> {
        to_check(&self.history).1
    }

    /// The place in the history of the operation that the checker calls `index`.
    pub fn history_index(&self, index: usize) -> usize {
        self.checked[index]
    }

    /// The smallest margin of all changes of leadership that had one.
    pub fn smallest_margin(&self) -> Option<i64> {
        self.changes.iter().filter_map(LeadershipChange::margin).min()
    }

    /// Reads that an old leader decided under its lease and whose answer reached the client only after a new leader could
    /// acknowledge writes.
    pub fn overtaken_reads(&self) -> usize {
        let overtaken = |operation: &Operation| {
            let (Some(decided), Some((completed, Reply::Value { lease: true, .. }))) =
                (operation.answered, operation.completed)
            else {
                return false;
            };
            self.changes.iter().any(|change| {
                let old = change.old.is_some_and(|(old, _)| old == operation.node);
                old && decided < change.ready_at && completed > change.ready_at
            })
        };
        self.history.iter().filter(|operation| overtaken(operation)).count()
    }

    /// Reads that were answered, and how many of them under a lease.
    pub fn reads(&self) -> (usize, usize) {
        let leases = self.history.iter().filter_map(|operation| match operation.completed {
            Some((_, Reply::Value { lease, .. })) => Some(lease),
            _ => None,
        });
        leases.fold((0, 0), |(reads, local), lease| (reads + 1, local + usize::from(lease)))
    }
}

/// Runs a setup to its end, with our node or with its guest.
pub fn run(setup: &Arc<Setup>) -> Outcome {
    match &setup.guest {
        None => run_processes(setup, LeaseNode::cluster(setup)),
        Some(guest) => run_processes(setup, GuestNode::cluster(setup, guest)),
    }
}

/// Runs a setup to its end with processes of the caller's own, one a node.
pub fn run_processes<P: Hosted>(setup: &Arc<Setup>, processes: Vec<P>) -> Outcome {
    let mut running = Running::of(setup, Choices::seeded(setup.seed), processes);
    running.begin();
    while running.step() {}
    running.finish()
}

/// Runs a setup of our node to its end while a reader of our node watches.
///
/// # Panics
///
/// If the setup has a guest.
pub fn run_observed(setup: &Arc<Setup>, observer: &mut dyn Reader<LeaseNode>) -> Outcome {
    assert!(setup.guest.is_none(), "a reader of our node watches our node");
    Running::new(setup, Choices::seeded(setup.seed)).run_observed(observer)
}

/// Runs a setup to its end, with our node or with its guest, while somebody watches.
pub fn run_watched(setup: &Arc<Setup>, observer: &mut dyn Observer) -> Outcome {
    let choices = Choices::seeded(setup.seed);
    match &setup.guest {
        None => Running::new(setup, choices).run_observed(observer),
        Some(guest) => Running::of(setup, choices, GuestNode::cluster(setup, guest)).run_observed(observer),
    }
}

/// Runs a setup to its end. Every decision of chance that it took, in order.
pub fn decisions(setup: &Arc<Setup>) -> Vec<Decision> {
    fn of<P: Hosted>(mut running: Running<P>) -> Vec<Decision> {
        running.begin();
        while running.step() {}
        running.world().choices().decisions().to_vec()
    }
    let choices = Choices::seeded(setup.seed).recorded();
    match &setup.guest {
        None => of(Running::new(setup, choices)),
        Some(guest) => of(Running::of(setup, choices, GuestNode::cluster(setup, guest))),
    }
}

/// A run in progress: a world and everybody who watches it. Cloning it forks the run.
///
/// Its loop is compiled here, once without an observer and once for any observer.
#[derive(Debug, Clone)]
pub struct Running<P: Hosted = LeaseNode> {
    world: World<P>,
    watch: Watch,
}

/// Those who watch every run.
#[derive(Debug, Clone)]
struct Watch {
    hash: TraceHash,
    history: History,
    margins: Margins,
    invariants: Invariants,
    disks: Disks,
    leaders: Leaders,
}

impl<P: Hosted> Reader<P> for Watch {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, Note>, world: &World<P>) {
        Reader::<P>::read(&mut self.hash, event, world);
        self.history.read(event, world);
        self.margins.read(event, world);
        self.invariants.read(event, world);
        self.disks.read(event, world);
        self.leaders.read(event, world);
    }

    #[inline(always)]
    fn settled(&mut self, node: usize, world: &World<P>) {
        // The others wait for nothing to settle.
        self.invariants.settled(node, world);
    }
}

impl Running {
    /// A run of our node at true time 0. [`Running::begin`] starts it.
    pub fn new(setup: &Arc<Setup>, choices: Choices) -> Running {
        Running::of(setup, choices, LeaseNode::cluster(setup))
    }
}

impl<P: Hosted> Running<P> {
    /// A run of these processes, one a node, at true time 0. [`Running::begin`] starts it.
    pub fn of(setup: &Arc<Setup>, choices: Choices, processes: Vec<P>) -> Running<P> {
        let nodes = setup.nodes.len();
        Running {
            world: World::new(Arc::new(setup.world()), choices, processes),
            watch: Watch {
                hash: TraceHash::default(),
                history: History::default(),
                margins: Margins::new(nodes),
                invariants: Invariants::new(nodes),
                disks: Disks::default(),
                leaders: Leaders::new(nodes),
            },
        }
    }

    /// Starts all processes and clients.
    pub fn begin(&mut self) {
        self.world.begin(&mut self.watch);
    }

    /// [`Running::begin`] with an observer.
    pub fn begin_observed(&mut self, observer: &mut dyn Reader<P>) {
        self.world.begin(&mut (&mut self.watch, observer));
    }

    /// Lets the next event happen. `false` at the end of the run.
    pub fn step(&mut self) -> bool {
        self.world.step(&mut self.watch)
    }

    /// [`Running::step`] with an observer.
    pub fn step_observed(&mut self, observer: &mut dyn Reader<P>) -> bool {
        self.world.step(&mut (&mut self.watch, observer))
    }

    fn run_observed(mut self, observer: &mut dyn Reader<P>) -> Outcome {
        self.begin_observed(observer);
        while self.step_observed(observer) {}
        self.finish()
    }

    /// The world as it stands.
    pub fn world(&self) -> &World<P> {
        &self.world
    }

    /// Who decides from now on. What has been decided stays: messages under way keep their delays.
    pub fn choices_mut(&mut self) -> &mut Choices {
        self.world.choices_mut()
    }

    /// The changes of leadership so far, with their margins, and nothing else: no history is checked.
    pub fn finish_changes(self) -> Vec<LeadershipChange> {
        self.watch.margins.finish(&self.world)
    }

    /// What the run has shown so far; after its last step, what it showed.
    pub fn finish(self) -> Outcome {
        let Running { world, watch } = self;
        let Watch { hash, history, margins, invariants, disks, leaders } = watch;
        let overlap = margins.overlap();
        let history = history.into_operations();
        let (checked, operations) = to_check(&history);
        Outcome {
            check: check::check(&operations, check::Limits::default()),
            checked,
            changes: margins.finish(&world),
            overlap,
            broken: invariants.broken().to_vec(),
            disks: disks.into_news(),
            service: Service::of(leaders, &history, world.now()),
            trace_hash: hash.value(),
            events: world.events(),
            messages: world.messages_delivered(),
            history,
        }
    }
}

/// The history as the checker wants it, with each operation's place in ours. What was definitely not done is left out.
fn to_check(history: &[Operation]) -> (Vec<usize>, Vec<check::Operation>) {
    let done = |(place, operation): (usize, &Operation)| {
        let (responded, reply) = match operation.completed {
            Some((_, Reply::Refused)) => return None,
            Some((_, Reply::Unknown)) | None => (None, None),
            Some((at, reply)) => (Some(at), Some(reply)),
        };
        let action = match operation.request {
            Request::Read { .. } => {
                let Some(Reply::Value { value, .. }) = reply else {
                    return None;
                };
                check::Action::Read { returned: checked_value(value) }
            }
            Request::Write { value, .. } => check::Action::Write { value: check::Value(value) },
            Request::Cas { from, to, .. } => check::Action::Cas {
                from: checked_value(from),
                to: check::Value(to),
                create_if_missing: from.is_none(),
                swapped: reply == Some(Reply::Done),
            },
        };
        let operation = check::Operation {
            client: u32::try_from(operation.client).expect("setups have at most a thousand clients"),
            key: check::Key(operation.request.key()),
            invoked: operation.invoked,
            responded,
            action,
        };
        Some((place, operation))
    };
    history.iter().enumerate().filter_map(done).unzip()
}

/// Written values count up from 1; 0 is "missing" in the checker's terms.
fn checked_value(value: Option<u64>) -> check::Value {
    value.map_or(check::Value::MISSING, check::Value)
}
