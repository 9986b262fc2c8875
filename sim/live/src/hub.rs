//! The hub: one thread and one poll between real processes and the world that decides about them.

mod ending;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::children::Child;
use super::mailbox::{Command, Mailbox};
use super::margins::{Measured, Moment, What, measure};
use super::notes::{self, Epoch};
use super::orders::{Obeyed, Order, Orders};
use super::phases::Phase;
use super::watch::Watch;
use super::wire::{self, Said};
use super::{Found, Options, Problem, Progress};
use leasehold::raft::Note;
use leasehold::time::Span;
use leasehold_check as check;
use leasehold_run::run::{Outcome, Outside};
use leasehold_run::setup::{ClientSpec, Delay, Pace, Setup, Target};
use leasehold_world::{Choices, Effect, World};

const SECOND: u64 = 1_000_000_000;
/// Progress is told this often.
const PROGRESS_NS: u64 = 5 * SECOND;
/// A node answers its `init` within this.
const INIT_NS_MAX: u64 = 10 * SECOND;
/// A leader is asked again to let a learner in when this has passed.
const JOIN_AGAIN_NS: u64 = SECOND / 5;
/// Things that are due are done so many at a time before the pipes are looked at again.
const STEPS_MAX: usize = 64;

/// Runs a setup, which must be [possible](super::impossible), on real processes. `stop` ends it before its time.
///
/// # Errors
///
/// When a process cannot be started, ends by itself, or does not keep to the protocol.
pub fn run(
    setup: &Setup,
    options: &Options,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Arc<Setup>, Found), Problem> {
    let setup = Arc::new(with_last_reader(setup));
    let mut hub = Hub::new(&setup, options);
    hub.begin()?;
    let interrupted = hub.play(stop, progress)?;
    let first_of_last = hub.watch.history.operations().len();
    let mut last_reads = hub.read_all_keys()?;
    let end = hub.now();
    let (found, phases) = hub.close(end);
    let lost = found.check.stale_reads.iter().filter(|read| found.history_index(read.read) >= first_of_last);
    last_reads.lost = lost.count();
    let Watch { faults, snapshots, .. } = hub.watch;
    let (requests, members) = hub.orders.finish(&faults);
    Ok((
        setup,
        Found { faults, requests, members, phases, outcome: found, snapshots, last_reads, interrupted },
    ))
}

/// The setup with one more client, which reads everything at the end.
fn with_last_reader(setup: &Setup) -> Setup {
    let mut setup = setup.clone();
    setup.clients.push(ClientSpec {
        target: Target::Any,
        pace: Pace::Think(Delay::Fixed(Span::secs(1))),
        // It has no turns of its own.
        stop: Some(Span::ZERO),
        timeout: Span::secs(3),
        ..ClientSpec::new("last-reads")
    });
    setup
}

#[derive(Debug)]
struct Hub<'a> {
    setup: Arc<Setup>,
    options: &'a Options,
    names: Vec<String>,
    world: World<Mailbox>,
    watch: Watch,
    children: Vec<Option<Child>>,
    starts: Vec<u64>,
    ready: Vec<bool>,
    /// `None` until all nodes are up: then true time begins.
    epoch: Option<Epoch>,
    moments: Vec<Moment>,
    leader: Option<(usize, u64)>,
    orders: Orders,
    /// Learners of the beginning that no leader has let in yet, and when one is asked next.
    outside: Vec<usize>,
    join_at: u64,
}

impl<'a> Hub<'a> {
    fn new(setup: &Arc<Setup>, options: &'a Options) -> Hub<'a> {
        let names: Vec<String> = setup.nodes.iter().map(|node| node.name.clone()).collect();
        let mailboxes = names.iter().map(|name| Mailbox::new(name)).collect();
        Hub {
            setup: setup.clone(),
            options,
            world: World::new(Arc::new(setup.world()), Choices::seeded(setup.seed), mailboxes),
            watch: Watch::default(),
            children: names.iter().map(|_| None).collect(),
            starts: vec![0; names.len()],
            ready: vec![false; names.len()],
            names,
            epoch: None,
            moments: Vec::new(),
            leader: None,
            orders: Orders::default(),
            outside: (setup.cluster.voters..setup.nodes.len() - setup.cluster.spares).collect(),
            join_at: 0,
        }
    }

    /// True time, ns. It never goes back.
    fn now(&self) -> u64 {
        let now = self.epoch.map_or(0, |epoch| epoch.true_time(clock(ClockId::Boottime)));
        now.max(self.world.now())
    }

    /// Starts all nodes and waits until each has answered its `init`.
    fn begin(&mut self) -> Result<(), Problem> {
        self.world.begin(&mut self.watch);
        self.carry_out()?;
        let began = clock(ClockId::Boottime);
        while let Some(silent) = self.ready.iter().position(|ready| !ready) {
            if clock(ClockId::Boottime) - began > INIT_NS_MAX {
                return Err(Problem::Silent { node: self.names[silent].clone() });
            }
            self.listen(INIT_NS_MAX)?;
        }
        self.epoch = Some(Epoch { raw: clock(ClockId::MonotonicRaw), boot: clock(ClockId::Boottime) });
        Ok(())
    }

    /// Runs the scenario to its end. `true`: it was stopped before.
    fn play(&mut self, stop: &AtomicBool, progress: &mut dyn FnMut(Progress)) -> Result<bool, Problem> {
        let end = self.setup.duration.as_nanos();
        let mut tell_at = PROGRESS_NS;
        while self.now() < end {
            if stop.load(Ordering::Relaxed) {
                return Ok(true);
            }
            self.turn(end.min(tell_at))?;
            if self.now() >= tell_at {
                tell_at += PROGRESS_NS;
                progress(Progress {
                    at: self.now(),
                    operations: self.watch.history.operations().len() as u64,
                    faults: self.watch.faults.iter().map(|(_, count)| count).sum(),
                    leader: self.leader,
                });
            }
        }
        Ok(false)
    }

    /// Does what is due, then listens until something else is, but not beyond `until`.
    fn turn(&mut self, until: u64) -> Result<(), Problem> {
        for _ in 0..STEPS_MAX {
            let now = self.now();
            if now >= until || !self.world.step_at(now, &mut self.watch) {
                break;
            }
            self.carry_out()?;
        }
        self.let_in()?;
        let mut next = self.world.next_at().map_or(until, |next| next.min(until));
        if self.may_let_in() {
            next = next.min(self.join_at);
        }
        self.listen(next.saturating_sub(self.now()))
    }

    /// The scenario begins with learners, and processes begin without: `init` names voters alone. The leader is asked to let
    /// one after the other in, again and again until it has.
    fn let_in(&mut self) -> Result<(), Problem> {
        let now = self.now();
        if !self.may_let_in() || now < self.join_at {
            return Ok(());
        }
        let ((leader, _), node) = (self.leader.expect("looked at above"), self.outside[0]);
        self.join_at = now + JOIN_AGAIN_NS;
        self.order(leader, Order::Join { node })
    }

    /// Somebody is to be let in, there is somebody to ask, and nobody is asked already.
    fn may_let_in(&self) -> bool {
        !self.outside.is_empty() && self.leader.is_some() && !self.orders.waits(true)
    }

    /// Asks a node something as an administrator.
    fn order(&mut self, node: usize, order: Order) -> Result<(), Problem> {
        if self.children[node].is_none() || !self.world.runs(node) {
            return Ok(());
        }
        let number = self.orders.give(node, order);
        self.give(node, &wire::order(&self.names[node], number, order, &self.names))
    }

    /// Does with the processes what the world wants done.
    fn carry_out(&mut self) -> Result<(), Problem> {
        for node in 0..self.names.len() {
            for command in self.world.process_mut(node).take() {
                match command {
                    Command::Start => self.start(node)?,
                    Command::Kill => self.kill(node)?,
                    Command::Give(line) => self.give(node, &line)?,
                    Command::Ask(order) => self.order(node, order)?,
                }
            }
        }
        // After the lines: a process that goes on finds what has come meanwhile.
        for (node, resumed) in std::mem::take(&mut self.watch.signals) {
            self.signal(node, resumed)?;
        }
        Ok(())
    }

    fn start(&mut self, node: usize) -> Result<(), Problem> {
        let Options { node: binary, directory } = self.options;
        let child = Child::start(binary, directory, &self.setup, node, self.starts[node])?;
        self.starts[node] += 1;
        self.children[node] = Some(child);
        let founders = &self.names[..self.setup.cluster.voters];
        self.give(node, &wire::init(&self.names[node], founders))?;
        if !self.world.runs(node) {
            self.signal(node, false)?;
        }
        Ok(())
    }

    fn kill(&mut self, node: usize) -> Result<(), Problem> {
        let Some(child) = &mut self.children[node] else { return Ok(()) };
        child.kill().map_err(|error| Problem::io(format!("cannot kill {}", self.names[node]), error))?;
        self.moments.push(Moment { at: self.now(), node, what: What::Killed });
        // What it had written is on its way.
        while !self.hear_log(node)? {}
        while !self.hear(node)? {}
        self.children[node] = None;
        self.orders.forget(node);
        Ok(())
    }

    fn give(&mut self, node: usize, line: &[u8]) -> Result<(), Problem> {
        let Some(child) = &mut self.children[node] else { return Ok(()) };
        child
            .input
            .write(line)
            .map_err(|error| Problem::io(format!("cannot write to {}", self.names[node]), error))
    }

    fn signal(&mut self, node: usize, goes_on: bool) -> Result<(), Problem> {
        let Some(child) = &self.children[node] else { return Ok(()) };
        // Before it may serve again, and after it can have served last.
        let before = self.now();
        child
            .signal(goes_on)
            .map_err(|error| Problem::io(format!("cannot signal {}", self.names[node]), error))?;
        let (at, what) = if goes_on { (before, What::Resumed) } else { (self.now(), What::Stopped) };
        self.moments.push(Moment { at, node, what });
        Ok(())
    }

    /// Waits for the processes for so long at most, and hears what they say.
    fn listen(&mut self, most_ns: u64) -> Result<(), Problem> {
        let timeout = Timespec {
            tv_sec: i64::try_from(most_ns / SECOND).expect("584 years at most"),
            tv_nsec: i64::try_from(most_ns % SECOND).expect("below one second"),
        };
        let mut pipes = Vec::with_capacity(3 * self.children.len());
        for child in self.children.iter().flatten() {
            pipes.push(PollFd::from_borrowed_fd(child.log.pipe().as_fd(), PollFlags::IN));
            pipes.push(PollFd::from_borrowed_fd(child.output.pipe().as_fd(), PollFlags::IN));
            let room = if child.input.is_full() { PollFlags::OUT } else { PollFlags::empty() };
            pipes.push(PollFd::from_borrowed_fd(child.input.pipe().as_fd(), room));
        }
        match poll(&mut pipes, Some(&timeout)) {
            Err(Errno::INTR) | Ok(0) => return Ok(()),
            Err(error) => return Err(Problem::io("cannot wait for the nodes", error)),
            Ok(_) => {}
        }
        let happened: Vec<bool> = pipes.iter().map(|pipe| !pipe.revents().is_empty()).collect();
        drop(pipes);
        let up: Vec<usize> = (0..self.names.len()).filter(|node| self.children[*node].is_some()).collect();
        let happened: Vec<&[bool]> = happened.chunks(3).collect();
        // Logs first: what a node noted comes before what follows from it.
        for (node, happened) in up.iter().zip(&happened).filter(|(_, happened)| happened[0]) {
            let _ = happened;
            self.hear_log(*node)?;
        }
        for (node, happened) in up.iter().zip(&happened) {
            if happened[1] && self.hear(*node)? {
                let child = self.children[*node].as_mut().expect("it is up, or was a moment ago");
                while !child.log.ended() && child.log.read().is_ok() {}
                while let Some(line) = child.log.next_line() {
                    child.keep_log_line(&line);
                }
                return Err(child.ended(&self.names[*node], self.ready[*node]));
            }
            if happened[2] {
                self.give(*node, b"")?;
            }
        }
        Ok(())
    }

    /// Reads a node's log. `true`: it has ended.
    fn hear_log(&mut self, node: usize) -> Result<bool, Problem> {
        let epoch = self.epoch.unwrap_or(Epoch { raw: u64::MAX, boot: u64::MAX });
        let mut noted = Vec::new();
        let Some(child) = &mut self.children[node] else { return Ok(true) };
        child.log.read().map_err(|error| Problem::io("cannot read a node's log", error))?;
        while let Some(line) = child.log.next_line() {
            match notes::parse(&line, &self.names, epoch) {
                Some(note) => noted.push(note),
                None => child.keep_log_line(&line),
            }
        }
        let ended = child.log.ended();
        for note in noted {
            let now = self.now();
            self.moments.push(Moment { at: note.at, node, what: What::Noted(note.note) });
            if let Note::Elected { term } = note.note
                && self.leader.is_none_or(|(_, latest)| term.0 > latest)
            {
                self.leader = Some((node, term.0));
            }
            self.world.inject(now, node, Effect::Note(note.note), &mut self.watch);
        }
        Ok(ended)
    }

    /// Reads what a node says. `true`: it has ended.
    fn hear(&mut self, node: usize) -> Result<bool, Problem> {
        let Some(child) = &mut self.children[node] else { return Ok(true) };
        child.output.read().map_err(|error| Problem::io("cannot read from a node", error))?;
        let lines: Vec<Vec<u8>> = std::iter::from_fn(|| child.output.next_line()).collect();
        let ended = child.output.ended();
        // Read after the lines were: no answer is stamped before it was given.
        let now = self.now();
        for line in lines {
            let nonsense = |what| Problem::Nonsense { node: self.names[node].clone(), what };
            let effect = match wire::parse(&line, &self.names).map_err(nonsense)? {
                Said::To(to, message) => Effect::Send { to, message },
                Said::Answer(token, reply) => Effect::Reply { token, reply },
                Said::Obeyed(number, answer) => {
                    let order = self.orders.answered(node, number, &answer);
                    // Refused for good: it is in already, by an earlier request whose answer was lost.
                    if let Some(Order::Join { node: learner }) = order
                        && !matches!(answer, Obeyed::Error { code: 0 | 11..=14, .. })
                    {
                        self.outside.retain(|outside| *outside != learner);
                    }
                    continue;
                }
                Said::Ready => {
                    self.ready[node] = true;
                    continue;
                }
            };
            self.world.inject(now, node, effect, &mut self.watch);
        }
        Ok(ended)
    }

    /// Ends the processes and looks at what was seen.
    fn close(&mut self, end: u64) -> (Outcome, Vec<Phase>) {
        self.children.iter_mut().for_each(|child| *child = None);
        let history = std::mem::take(&mut self.watch.history).into_operations();
        let moments = std::mem::take(&mut self.moments);
        let Measured { changes, overlap, broken, leaders, phases } = measure(&self.setup, moments, end);
        let outcome = Outcome::from_outside(Outside {
            history,
            changes,
            overlap,
            broken,
            leaders,
            end,
            events: self.world.events(),
            messages: self.world.messages_delivered(),
            limits: check::Limits::default(),
        });
        (outcome, phases)
    }
}

fn clock(id: ClockId) -> u64 {
    let at = clock_gettime(id);
    let (secs, nanos) = (u64::try_from(at.tv_sec), u64::try_from(at.tv_nsec));
    secs.expect("monotonic clocks start at zero") * SECOND + nanos.expect("below one second")
}
