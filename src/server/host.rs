//! What a line means for this process: before `init`, and after.

use leasehold::maelstrom::{
    Content, Directory, ErrorCode, Fault, Incoming, LENGTHEN_FACTOR_MAX, NAME_BYTES_MAX, PeerContent, Reply,
    RequestKind, message_line_bytes_max,
};
use leasehold::node::Operation;
use leasehold::time::{Clock, OsClock, Span, Stamp};
use tracing::{debug, warn};

use super::complaints::{Complaints, quoted};
use super::lines::Line;
use super::member::{Caller, Member, PeerLine, StartError, StorageFailed, place};
use super::options::Setup;
use super::outlet::Outlet;
use super::source::Source;

/// The process: a member of a cluster once it has been told of which.
#[derive(Debug)]
pub(super) struct Host {
    setup: Setup,
    clock: OsClock,
    /// Lines on their way out.
    pub(super) outlet: Outlet,
    /// Where its state comes from, until a member owns that.
    source: Source,
    member: Option<Member>,
    complaints: Complaints,
    /// Since when it is stopping.
    stopping: Option<Stamp>,
    /// The reason why this process must end. What is in the outlet by then may still be written.
    pub(super) failure: Option<Failure>,
}

/// Why a process must end: its data directory serves it no longer.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) enum Failure {
    Start(#[from] StartError),
    Storage(#[from] StorageFailed),
}

impl Host {
    /// A process that waits for `init`. Its member's state comes from `source`.
    pub(super) fn new(setup: Setup, clock: OsClock, source: Source, outlet: Outlet) -> Host {
        Host {
            setup,
            clock,
            outlet,
            source,
            member: None,
            complaints: Complaints::new(),
            stopping: None,
            failure: None,
        }
    }

    /// The member, once `init` has named it.
    pub(super) fn member(&self) -> Option<&Member> {
        self.member.as_ref()
    }

    /// Fires the timers that are due, then does everything that the node asks for, except what waits for the disk.
    pub(super) fn settle(&mut self) {
        if let Some(member) = &mut self.member {
            member.wake_if_due();
            let settled = member.settle(&mut self.outlet);
            self.note(settled);
        }
    }

    /// Does everything that the node asks for, and waits for the disk unless it is full.
    pub(super) fn settle_durably(&mut self) {
        if let Some(member) = &mut self.member {
            let settled = member.settle_durably(&mut self.outlet);
            self.note(settled);
        }
    }

    /// How long there is nothing to do unless something arrives. `None`: without end.
    pub(super) fn sleep(&self) -> Option<Span> {
        let timers = self.member.as_ref().and_then(Member::sleep);
        match self.grace_left() {
            Some(left) => Some(timers.map_or(left, |timers| timers.min(left))),
            None => timers,
        }
    }

    /// Starts to stop: a leader hands over, and requests that change something are refused from now on.
    pub(super) fn begin_stop(&mut self) {
        if self.stopping.is_none() {
            self.stopping = Some(self.clock.read().stamp);
            if let Some(member) = &mut self.member {
                member.hand_over();
            }
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// True if the process may end: it is stopping, and what can be done has been done or has taken too long.
    pub(super) fn has_stopped(&self) -> bool {
        let done = self.member.as_ref().is_none_or(Member::is_done);
        self.grace_left().is_some_and(|left| done || left == Span::ZERO)
    }

    /// Refuses the requests that still wait.
    pub(super) fn end_stop(&mut self) {
        if let Some(member) = &mut self.member {
            member.refuse_waiting(&mut self.outlet);
        }
    }

    /// What is left of `--stop-grace`. `None`: the process is not stopping.
    fn grace_left(&self) -> Option<Span> {
        let since = self.stopping?;
        Some(self.setup.stop_grace.saturating_sub(self.clock.read().stamp.elapsed_max(since)))
    }

    /// Closes what is open, and waits until the data directory is closed.
    pub(super) fn close(&mut self) {
        self.complaints.close();
        if let Some(member) = &mut self.member {
            member.close();
        }
        if let Source::Open(storage) = std::mem::replace(&mut self.source, Source::Memory) {
            let place = place(storage.backend());
            if let Err(fault) = storage.close() {
                warn!("{place}{fault}");
            }
        }
    }

    fn note(&mut self, done: Result<(), impl Into<Failure>>) {
        if let Err(failure) = done {
            self.failure.get_or_insert(failure.into());
        }
    }

    /// Handles a line. The clock is read by the node, now that the line is here.
    pub(super) fn handle(&mut self, line: &Line<'_>) {
        match line {
            // Who sent it stands in what was not kept.
            Line::TooLong { bytes } => {
                self.complaints.warn(format_args!(
                    "dropped a line of {bytes} bytes, which is more than --line-max allows even fellow nodes"
                ));
            }
            Line::Whole(line) if line.trim_ascii().is_empty() => {}
            Line::Whole(line) => match Incoming::parse(line) {
                Ok(incoming) => self.handle_message(incoming, line.len()),
                Err(error) => self.complaints.warn(format_args!("dropped a line: {error}")),
            },
        }
    }

    fn handle_message(&mut self, incoming: Incoming<'_>, bytes: usize) {
        let line_bytes_max = self.setup.line_bytes_max;
        let Incoming { src, dest, msg_id, cluster, content } = incoming;
        match (content, &mut self.member) {
            (Content::Response, _) => debug!("{} answered, and nothing had been asked", quoted(&src)),
            (Content::BadPeer { kind, error }, _) => {
                self.complaints
                    .warn(format_args!("dropped a message of {}: `{kind}`: {error}", quoted(&src)));
            }
            (Content::Peer(_), None) => debug!("dropped a message of {}: it came before init", quoted(&src)),
            (Content::Peer(PeerContent::Message(message)), _)
                if bytes > message_line_bytes_max(&message, line_bytes_max) =>
            {
                self.complaints.warn(format_args!(
                    "dropped a message of {}: its line has {bytes} bytes, which is more than --line-max",
                    quoted(&src)
                ));
            }
            (Content::Peer(content), Some(member)) => {
                let line = PeerLine { src: &src, dest: &dest, cluster: cluster.as_deref(), content };
                member.handle_peer(&mut self.complaints, &mut self.outlet, line);
            }
            (request, member) => {
                let own_name = member.as_ref().map_or(&*dest, Member::name);
                let Some(msg_id) = msg_id.filter(|_| !own_name.is_empty()) else {
                    let sender = quoted(&src);
                    self.complaints.warn(format_args!(
                        "dropped a request of {sender}: without msg_id and dest nobody could be answered"
                    ));
                    return;
                };
                let caller = Caller { name: &src, msg_id };
                let too_long = if bytes > line_bytes_max {
                    Some(format!(
                        "the line has {bytes} bytes: this node takes {line_bytes_max} at most (--line-max)"
                    ))
                } else if src.len() > NAME_BYTES_MAX {
                    Some(format!("`src` has {} bytes: a name has {NAME_BYTES_MAX} at most", src.len()))
                } else {
                    None
                };
                if let Some(text) = too_long {
                    let own_name = own_name.to_owned();
                    self.refuse(caller, &own_name, Fault::malformed(text));
                } else if *dest == *own_name {
                    self.handle_request(caller, &dest, request);
                } else {
                    let own_name = own_name.to_owned();
                    let text = format!("`dest` is {dest:?} and this is {own_name:?}");
                    self.refuse(caller, &own_name, Fault::malformed(text));
                }
            }
        }
    }

    fn handle_request(&mut self, caller: Caller<'_>, dest: &str, request: Content) {
        let takes_time = match &request {
            Content::Operation(..) | Content::Transfer(_) => true,
            Content::Config(question) => question.apply,
            _ => false,
        };
        if takes_time && self.is_stopping() {
            let text = "this node is stopping: ask another one";
            return self.refuse(caller, dest, Fault::new(ErrorCode::TemporarilyUnavailable, text));
        }
        match (request, &mut self.member) {
            (Content::Init(directory), None) => self.become_member(caller, directory),
            (Content::Init(directory), Some(member)) => {
                if member.is_called(&directory) {
                    self.answer(caller, dest, &Reply::InitOk);
                } else {
                    let text = "this node is initialised already, with another `node_id` or other `node_ids`";
                    self.refuse(caller, dest, Fault::new(ErrorCode::Abort, text));
                }
            }
            (Content::BadRequest(fault), _) => self.refuse(caller, dest, fault),
            (_, None) => {
                let text = "this node does not know its cluster yet: send init first";
                self.refuse(caller, dest, Fault::new(ErrorCode::TemporarilyUnavailable, text));
            }
            (Content::Config(question), Some(member)) => {
                let settings = question.settings(self.setup.settings.lease.form);
                let judgement = settings.judge();
                if !question.apply {
                    self.answer(
                        caller,
                        dest,
                        &Reply::ConfigOk(judgement, question.explain.then(|| settings.into())),
                    );
                } else if !judgement.safe {
                    let text = format!("unsafe, nothing was changed: {}", judgement.reason);
                    self.refuse(caller, dest, Fault::new(ErrorCode::PreconditionFailed, text));
                } else if question.lengthens_too_much(member.election_timeout()) {
                    let in_force = member.election_timeout();
                    let text = format!(
                        "nothing was changed: election_timeout would become {} instead of {in_force}, more than \
                         {LENGTHEN_FACTOR_MAX} times as long, and every promise with it; say \"lengthen\":true if that is meant",
                        question.election_timeout
                    );
                    self.refuse(caller, dest, Fault::new(ErrorCode::PreconditionFailed, text));
                } else {
                    let (kind, operation) =
                        (RequestKind::Apply(settings), Operation::Agree(question.lengths()));
                    let done = member.handle_operation(&mut self.outlet, caller, kind, operation);
                    self.note(done);
                }
            }
            (Content::Status, Some(member)) => {
                let reply = member.status();
                self.answer(caller, dest, &reply);
            }
            (Content::Metrics(format), Some(member)) => {
                let reply = member.metrics(format);
                self.answer(caller, dest, &reply);
            }
            (Content::Transfer(to), Some(member)) => {
                if let Err(fault) = member.handle_transfer(caller, to.as_deref()) {
                    self.refuse(caller, dest, fault);
                }
            }
            (Content::Operation(kind, operation), Some(member)) => {
                let done = member.handle_operation(&mut self.outlet, caller, kind, operation);
                self.note(done);
            }
            (Content::Peer(_) | Content::BadPeer { .. } | Content::Response, Some(_)) => {
                unreachable!("none of these is a request")
            }
        }
    }

    fn become_member(&mut self, caller: Caller<'_>, directory: Directory) {
        let own_name = directory.own_name().to_owned();
        if self.failure.is_some() {
            // The data directory is another node's: the process is about to end.
            return;
        }
        let storage = std::mem::replace(&mut self.source, Source::Memory).storage_of(&own_name);
        let started = storage
            .map_err(StartError::from)
            .and_then(|storage| Member::start(self.setup.clone(), self.clock, directory, storage));
        match started {
            Ok(member) => {
                self.member = Some(member);
                self.answer(caller, &own_name, &Reply::InitOk);
                // A node that is alone leads before it handles the next line.
                self.settle_durably();
            }
            Err(error) => {
                self.refuse(caller, &own_name, Fault::new(ErrorCode::Abort, error.to_string()));
                self.note(Err::<(), _>(error));
            }
        }
    }

    fn refuse(&mut self, caller: Caller<'_>, own_name: &str, fault: Fault) {
        if let Some(member) = &mut self.member {
            member.count_refused(fault.code);
        }
        debug!("refused a request of {}: {fault}", quoted(caller.name));
        self.answer(caller, own_name, &Reply::Error(fault));
    }

    fn answer(&mut self, caller: Caller<'_>, own_name: &str, reply: &Reply) {
        self.outlet.reply(own_name, caller.name, caller.msg_id, reply);
    }
}
