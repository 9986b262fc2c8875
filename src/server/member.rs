//! A node that knows its cluster, and what it needs around it: storage, random waits, names, who waits for what.

use std::collections::BTreeMap;
use std::io;

use leasehold::lease::SoundRules;
use leasehold::maelstrom::{
    Directory, ErrorCode, Fault, MetricsFormat, MsgId, PeerContent, PeerContentRef, Reply, RequestKind,
    StatusReply, transfer_reply,
};
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output, RequestId};
use leasehold::raft::{self, ClusterOrigin, Configuration, Index, Name, Note, Recovered};
use leasehold::storage::durable::{DataDir, DurableStorage, JoinError, Membership, StorageFault};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::{Alarm, Clock, OsClock, Span, Stamp};
use tracing::span::EnteredSpan;
use tracing::{debug, info, info_span, warn};

use super::clock::kernel_clock;
use super::complaints::{Complaints, quoted};
use super::jitter::SeededJitter;
use super::logging;
use super::metrics::Metrics;
use super::notes;
use super::options::{LogFormat, Setup};
use super::outlet::Outlet;
use super::prometheus;
use super::source::SourceError;
use super::watch::Watch;
use super::writer::{Report, Writer};

/// A wall clock may be stepped, so a wait for one is cut into pieces of this length.
const WALL_SLEEP_MAX: Span = Span::millis(100);

/// Whoever sent the request that is being handled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) name: &'a str,
    pub(super) msg_id: MsgId,
}

/// What a fellow node has sent, or somebody under its name.
#[derive(Debug)]
pub(super) struct PeerLine<'a> {
    pub(super) src: &'a str,
    pub(super) dest: &'a str,
    /// The cluster's id that the line is labelled with.
    pub(super) cluster: Option<&'a str>,
    pub(super) content: PeerContent,
}

/// A caller whose request waits.
#[derive(Debug)]
struct Waiter {
    name: Box<str>,
    msg_id: MsgId,
}

impl From<Caller<'_>> for Waiter {
    fn from(caller: Caller<'_>) -> Waiter {
        Waiter { name: caller.name.into(), msg_id: caller.msg_id }
    }
}

/// The data directory failed while the node ran.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}{fault}")]
pub(super) struct StorageFailed {
    place: String,
    fault: StorageFault,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// The data directory belongs to another node, or failed.
    #[error("{place}{error}")]
    Join { place: String, error: JoinError },
    /// There is no directory for it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The data directory holds names that no cluster can have.
    #[error("its membership record makes no cluster: {text}")]
    NoCluster { text: String },
    /// The operating system gave no thread or no file descriptor.
    #[error("cannot start the writer: {0}")]
    Writer(io::Error),
}

/// How the text of a fault begins.
pub(super) fn place(dir: &DataDir) -> String {
    format!("--data-dir {}: leasehold.db: ", dir.path().display())
}

/// A member of a cluster.
#[derive(Debug)]
pub(super) struct Member {
    /// As `init` has it, in the order of the first one.
    directory: Directory,
    node: Node<SoundRules>,
    clock: OsClock,
    writer: Writer,
    /// Comes before each storage fault in the log: the data directory, or nothing.
    place: String,
    jitter: SeededJitter,
    /// Bounded by the node, which refuses requests when too many wait.
    waiting: BTreeMap<RequestId, (Waiter, RequestKind)>,
    next_request: u64,
    /// Callers who wait for a transfer's end. `None`: this process itself does, since it is stopping.
    transfers: BTreeMap<RequestId, Option<Waiter>>,
    /// The cluster's id that a member has labelled its last line with, while this node does not know it for certain.
    heard_cluster: Option<Box<str>>,
    /// When this node last asked who the members are.
    asked_members: Option<Stamp>,
    /// About what a member did wrong, or somebody under its name.
    complaints: Complaints,
    metrics: Metrics,
    watch: Watch,
    /// An update was handed to the node since it was last settled.
    updated: bool,
    /// The writer has found no room.
    full: bool,
    /// Log lines carry the node's name from now on.
    _span: EnteredSpan,
}

impl Member {
    /// Starts the node that `directory` calls its own. With `storage` it continues from what is stored there, and what was
    /// stored at the first start goes before `setup.joins` and the order of the names.
    pub(super) fn start(
        setup: Setup,
        clock: OsClock,
        directory: Directory,
        storage: Option<DurableStorage<DataDir>>,
    ) -> Result<Member, StartError> {
        let Some(mut storage) = storage else {
            let mut storage = MemoryStorage::default();
            let Ok(recovered) = storage.recover();
            return Ok(Member::new(setup, clock, directory, recovered, Writer::in_memory(storage)));
        };
        let lease = setup.settings.lease;
        if let Some(last) = storage.lease().filter(|last| *last != lease) {
            warn!(
                "started with other lengths than last time (lease {}, election timeout {}, skew {}): all nodes should have \
                 the same",
                last.duration, last.election_timeout, last.max_clock_skew
            );
        }
        let place = place(storage.backend());
        let names = directory.names().iter().map(ToString::to_string).collect();
        let membership = Membership {
            own: directory.own_name().to_owned(),
            names,
            joins: setup.joins,
            cluster: setup.cluster.as_deref().map(str::to_owned),
        };
        let joined = storage.join(membership, lease).and_then(|()| Ok(storage.recover()?));
        let recovered = match joined {
            Ok(recovered) => recovered,
            Err(error) => return Err(StartError::Join { place, error }),
        };
        let Membership { own, names, joins, .. } = storage.membership().expect("joined").clone();
        let directory =
            Directory::new(&own, names).map_err(|Fault { text, .. }| StartError::NoCluster { text })?;
        let writer = Writer::start(storage).map_err(StartError::Writer)?;
        let member = Member::new(Setup { joins, ..setup }, clock, directory, recovered, writer);
        Ok(Member { place, ..member })
    }

    fn new(
        setup: Setup,
        clock: OsClock,
        directory: Directory,
        recovered: Recovered,
        writer: Writer,
    ) -> Member {
        let joins = setup.joins;
        let span = info_span!("node", name = directory.own_name()).entered();
        let mut jitter = SeededJitter::new(setup.seed, directory.own_name());
        let identity = Identity {
            id: directory.own(),
            names: directory.names().clone(),
            configuration: if joins { Configuration::nobody() } else { directory.configuration() },
            cluster: match setup.cluster {
                Some(id) => ClusterOrigin::Given(id),
                None => ClusterOrigin::Drawn(draw_cluster()),
            },
            // Not of the seed: two starts of the same node must differ.
            incarnation: getrandom::u64().expect("the operating system has random numbers"),
        };
        if recovered.log.last_index() > Index::ZERO {
            info!(
                "goes on from term {} with {} keys and {} log entries behind entry {}",
                recovered.hard_state.term,
                recovered.state.values.len(),
                recovered.log.len(),
                recovered.log.base().index
            );
        }
        if joins && recovered.log.last_index() == Index::ZERO {
            info!("waits to be added to a cluster");
        }
        let mut node = Node::start(identity, setup.settings, SoundRules, recovered, &clock, &mut jitter);
        for name in &setup.announced {
            node.introduce(name);
        }
        Member {
            directory,
            node,
            clock,
            writer,
            place: String::new(),
            jitter,
            waiting: BTreeMap::new(),
            next_request: 0,
            transfers: BTreeMap::new(),
            heard_cluster: None,
            asked_members: None,
            complaints: Complaints::new(),
            metrics: Metrics::default(),
            watch: Watch::default(),
            updated: false,
            full: false,
            _span: span,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.directory.own_name()
    }

    /// Is that what this node was told by its `init`?
    pub(super) fn is_called(&self, directory: &Directory) -> bool {
        self.directory.is_same_cluster(directory)
    }

    /// How long the node has nothing to do unless input comes.
    pub(super) fn sleep(&self) -> Option<Span> {
        let (_, remaining) = self.node.timers().next(&self.clock.read())?;
        let by_wall = |alarm| matches!(alarm, Alarm::WallLatest { .. } | Alarm::WallEarliest { .. });
        if self.node.timers().iter().any(|(_, alarm)| by_wall(alarm)) {
            Some(remaining.min(WALL_SLEEP_MAX))
        } else {
            Some(remaining)
        }
    }

    pub(super) fn wake_if_due(&mut self) {
        let next = self.node.timers().next(&self.clock.read());
        if next.is_some_and(|(_, remaining)| remaining == Span::ZERO) {
            self.node.handle(&self.clock, &mut self.jitter, Input::Wakeup);
            self.watch.look(&self.node, self.clock.read().stamp);
        }
    }

    /// Takes a fellow node's line, if it is one: from a name that this node knows as a member's, and of this cluster.
    pub(super) fn handle_peer(
        &mut self,
        complaints: &mut Complaints,
        outlet: &mut Outlet,
        line: PeerLine<'_>,
    ) {
        let PeerLine { src, dest, cluster, content } = line;
        if dest != self.name() {
            let (src, dest) = (quoted(src), quoted(dest));
            complaints.warn(format_args!("dropped a message of {src}: it is for {dest}"));
            return;
        }
        let own = self.node.cluster().filter(|_| self.node.cluster_is_settled());
        // A node that has just joined knows no id yet, and cannot hear one before it knows who leads. It may ask.
        let asks = matches!(content, PeerContent::AskMembers) && cluster.is_none();
        if let Some(own) = own
            && cluster != Some(&**own)
            && !asks
        {
            let (src, theirs) = (quoted(src), cluster.map_or("no cluster yet".to_owned(), quoted));
            complaints
                .warn(format_args!("dropped a message of {src}: it is of {theirs}, and this is {own:?}"));
            return;
        }
        let settled = own.is_some();
        let Some(from) = self.node.names().id(src) else {
            let name = quoted(src);
            complaints
                .warn(format_args!("dropped a message of {name}: no node of this cluster is called so"));
            // Who leads or campaigns may have become a member by entries that this node lacks. A member would know.
            if matches!(
                content,
                PeerContent::Message(Message::Raft(raft::Message::Append(_) | raft::Message::Vote(_)))
            ) {
                self.ask_members(outlet);
            }
            return;
        };
        if from == self.directory.own() {
            let src = quoted(src);
            complaints.warn(format_args!("dropped a message of {src}: this node does not write to itself"));
            return;
        }
        if !settled && let Some(cluster) = cluster.filter(|id| self.heard_cluster.as_deref() != Some(id)) {
            self.heard_cluster = Some(cluster.into());
        }
        match content {
            PeerContent::Message(message) => {
                self.node.handle(&self.clock, &mut self.jitter, Input::Message { from, message });
            }
            PeerContent::AskMembers => {
                let members = self.node.raft().members();
                if !members.voters.is_empty() {
                    let label = self.node.cluster().map(|id| &**id);
                    outlet.send(self.directory.own_name(), src, PeerContentRef::Members(&members), label);
                }
            }
            PeerContent::Members(members) => {
                for name in members.voters.iter().chain(&members.learners) {
                    self.node.introduce(name);
                }
            }
        }
    }

    /// Asks those whom this node knows who the members are, at most once in a heartbeat.
    fn ask_members(&mut self, outlet: &mut Outlet) {
        let now = self.clock.read().stamp;
        let heartbeat = self.node.raft().settings().heartbeat;
        if self.asked_members.is_some_and(|asked| now.elapsed_max(asked) < heartbeat) {
            return;
        }
        self.asked_members = Some(now);
        let own = self.directory.own_name();
        let label = self.node.cluster().map(|id| &**id).or(self.heard_cluster.as_deref());
        let most = usize::from(Configuration::NODES_MAX);
        for name in self.node.names().iter().filter(|name| &***name != own).take(most) {
            outlet.send(own, name, PeerContentRef::AskMembers, label);
        }
    }

    /// The cluster's id that a message goes out with. An answer goes with the id of what it answers while this node knows no
    /// better: its own guess may be a leader's who has lost.
    fn label(&self, message: &Message) -> Option<&str> {
        let (guess, heard) = (self.node.cluster().map(|id| &**id), self.heard_cluster.as_deref());
        let answers = match message {
            Message::Raft(message) => matches!(
                message,
                raft::Message::AppendReply(_) | raft::Message::VoteReply(_) | raft::Message::SnapshotReply(_)
            ),
            Message::Answer(_) => true,
            Message::Forward(_) => false,
        };
        if answers && !self.node.cluster_is_settled() { heard.or(guess) } else { guess.or(heard) }
    }

    pub(super) fn handle_operation(
        &mut self,
        outlet: &mut Outlet,
        caller: Caller<'_>,
        kind: RequestKind,
        operation: Operation,
    ) -> Result<(), StorageFailed> {
        let update = !matches!(operation, Operation::Read { .. });
        // Requests that arrive together are concurrent, and a read may miss a write that came right before it. Where
        // nobody else has to be asked, doing things in the order in which they came is cheap and surprises nobody who
        // pipes a script in.
        let behind = self.updated || !self.writer.is_idle();
        if behind && !update && self.node.raft().configuration().len() == 1 {
            self.settle_durably(outlet)?;
        }
        self.updated |= update;
        let request = self.number_request();
        self.node.handle(&self.clock, &mut self.jitter, Input::Request { request, operation });
        match self.node.take_answer(request) {
            Some(answer) => self.answer(outlet, caller, kind, answer),
            None => {
                self.waiting.insert(request, (caller.into(), kind));
            }
        }
        Ok(())
    }

    fn number_request(&mut self) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        request
    }

    /// Starts a transfer of leadership; or says at once what is wrong with the request.
    pub(super) fn handle_transfer(&mut self, caller: Caller<'_>, to: Option<&str>) -> Result<(), Fault> {
        let to = match to.map(|name| (name, self.node.names().id(name))) {
            None => None,
            Some((_, Some(to))) => Some(to),
            Some((name, None)) => {
                let name = quoted(name);
                return Err(Fault::malformed(format!(
                    "`to` is {name}: no node of this cluster is called so"
                )));
            }
        };
        let request = self.number_request();
        self.transfers.insert(request, Some(caller.into()));
        self.node.handle(&self.clock, &mut self.jitter, Input::Handover { request, to });
        Ok(())
    }

    /// Asks the node to hand leadership over to whichever voter has most of the log. Does nothing on a follower.
    pub(super) fn hand_over(&mut self) {
        let request = self.number_request();
        self.transfers.insert(request, None);
        self.node.handle(&self.clock, &mut self.jitter, Input::Handover { request, to: None });
    }

    /// True if no caller waits for anything, and no transfer is under way.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.transfers.is_empty()
    }

    /// Refuses every request that waits. A read did not happen. An update may still take effect.
    pub(super) fn refuse_waiting(&mut self, outlet: &mut Outlet) {
        let waiting = std::mem::take(&mut self.waiting).into_values();
        let transfers = std::mem::take(&mut self.transfers).into_values().flatten();
        for (waiter, kind) in
            waiting.map(|(waiter, kind)| (waiter, Some(kind))).chain(transfers.map(|waiter| (waiter, None)))
        {
            let fault = match kind {
                Some(RequestKind::Read | RequestKind::LeaseRead) => {
                    Fault::new(ErrorCode::TemporarilyUnavailable, "this node is stopping: ask another one")
                }
                _ => {
                    Fault::new(ErrorCode::Timeout, "this node is stopping; the change may still take effect")
                }
            };
            self.metrics.count_code(fault.code);
            let (own, reply) = (self.directory.own_name(), Reply::Error(fault));
            outlet.reply(own, &waiter.name, waiter.msg_id, &reply);
        }
    }

    /// The election timeout in force.
    pub(super) fn election_timeout(&self) -> Span {
        self.node.raft().settings().lease.election_timeout
    }

    /// The node's view of itself.
    pub(super) fn status(&self) -> Reply {
        let status = self.node.status(&self.clock.read());
        Reply::Status(Box::new(StatusReply::new(&status, self.node.names(), kernel_clock())))
    }

    /// What has been counted.
    pub(super) fn metrics(&self, format: MetricsFormat) -> Reply {
        let report = self.metrics.report();
        match format {
            MetricsFormat::Json => Reply::Metrics(Box::new(report)),
            MetricsFormat::Prometheus => {
                let status = self.node.status(&self.clock.read());
                Reply::MetricsText(prometheus::text(&report, &status, self.node.names()))
            }
        }
    }

    /// A request was wrong.
    pub(super) fn count_refused(&mut self, code: ErrorCode) {
        self.metrics.count_code(code);
    }

    /// Does everything that the node asks for, until it asks for nothing more but what waits for the disk. Fails when the
    /// store has.
    pub(super) fn settle(&mut self, outlet: &mut Outlet) -> Result<(), StorageFailed> {
        loop {
            while let Some(output) = self.node.poll_output() {
                match output {
                    Output::Send { to, message } => {
                        self.metrics.count_sent(&message);
                        let label = self.label(&message);
                        outlet.send(self.directory.own_name(), self.node.names().name(to), &message, label);
                    }
                    Output::Reply { request, answer } => {
                        let waited = self.waiting.remove(&request);
                        let (Waiter { name, msg_id }, kind) =
                            waited.expect("a node answers each request once");
                        self.answer(outlet, Caller { name: &name, msg_id }, kind, answer);
                    }
                    Output::Persist(write) => self.writer.write(write),
                    Output::HandoverEnded { request, outcome } => {
                        let caller = self.transfers.remove(&request).expect("a transfer ends once");
                        let Some(caller) = caller else {
                            debug!("stops, and its leadership: {outcome:?}");
                            continue;
                        };
                        let reply = transfer_reply(outcome, self.node.names());
                        if let Reply::Error(fault) = &reply {
                            self.metrics.count_code(fault.code);
                        }
                        outlet.reply(self.directory.own_name(), &caller.name, caller.msg_id, &reply);
                    }
                    Output::Note(note) => {
                        self.metrics.count_note(&note);
                        if matches!(note, Note::Misbehaviour { .. }) && !self.complaints.allow() {
                            continue;
                        }
                        // Programs that read the log want every note.
                        let now = self.clock.read().stamp;
                        if !self.watch.is_news(&note, now) && logging::format() == LogFormat::Text {
                            continue;
                        }
                        notes::log(&note, self.directory.own_name(), self.node.names(), &self.clock);
                    }
                }
            }
            self.updated = false;
            match self.writer.report() {
                None => return Ok(()),
                Some(report) => self.take(report)?,
            }
        }
    }

    /// Like [`Member::settle`], and waits for the disk, unless that is full.
    pub(super) fn settle_durably(&mut self, outlet: &mut Outlet) -> Result<(), StorageFailed> {
        loop {
            self.settle(outlet)?;
            match self.writer.wait_report() {
                None => return Ok(()),
                Some(report) => self.take(report)?,
            }
        }
    }

    /// What the store has to say to the node.
    fn take(&mut self, report: Report) -> Result<(), StorageFailed> {
        let input = match report {
            Report::Failed(fault) => return Err(StorageFailed { place: self.place.clone(), fault }),
            Report::Synced { ticket, took } => {
                if let Some(took) = took {
                    self.metrics.record_sync(took);
                }
                if std::mem::take(&mut self.full) {
                    info!("there is room on the disk again");
                }
                Input::Persisted { ticket }
            }
            Report::Full => {
                self.full = true;
                let (place, full) = (&self.place, StorageFault::Full);
                warn!("{place}{full}; until then it leads nobody and acknowledges nothing");
                Input::StorageFull
            }
        };
        self.node.handle(&self.clock, &mut self.jitter, input);
        Ok(())
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Waits until every write under way has ended and the data directory is closed.
    pub(super) fn close(&mut self) {
        self.complaints.close();
        self.writer.close();
    }

    fn answer(&mut self, outlet: &mut Outlet, caller: Caller<'_>, kind: RequestKind, answer: Answer) {
        self.metrics.count_answer(&answer);
        let reply = Reply::to_request(kind, answer);
        outlet.reply(self.directory.own_name(), caller.name, caller.msg_id, &reply);
    }
}

/// An id that no other cluster has: 128 random bits.
fn draw_cluster() -> Name {
    let half = || getrandom::u64().expect("the operating system has random numbers");
    format!("{:016x}{:016x}", half(), half()).as_str().into()
}

#[cfg(test)]
mod tests;
