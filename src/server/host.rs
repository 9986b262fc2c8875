//! What a line means for this process: before `init`, and after.

use std::os::fd::BorrowedFd;

use leasehold::maelstrom::{
    Content, Directory, ErrorCode, Fault, Incoming, NAME_BYTES_MAX, Reply, RequestKind,
    message_line_bytes_max,
};
use leasehold::node::Operation;
use leasehold::raft::Settings;
use leasehold::time::Span;
use tracing::{debug, warn};

use super::clock::OsClock;
use super::lines::Line;
use super::member::{Caller, Member};
use super::outlet::Outlet;
use super::store::Keeper;

/// What the command line says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    /// The node's settings.
    pub(super) settings: Settings,
    /// Where its random waits come from.
    pub(super) seed: u64,
    /// It is no founding member of its cluster: the log tells it who is.
    pub(super) joins: bool,
    /// The longest line that a client may send.
    pub(super) line_bytes_max: usize,
}

/// The process: a member of a cluster once it has been told of which.
#[derive(Debug)]
pub(super) struct Host {
    setup: Setup,
    clock: OsClock,
    outlet: Outlet,
    /// Until the node knows who it is.
    keeper: Option<Keeper>,
    member: Option<Member>,
    /// Why this process must stop.
    failure: Option<String>,
}

impl Host {
    pub(super) fn new(setup: Setup, clock: OsClock, keeper: Keeper, outlet: Outlet) -> Host {
        Host { setup, clock, outlet, keeper: Some(keeper), member: None, failure: None }
    }

    /// Why this process must stop, if it must. What is in the outbox by then may still be written.
    pub(super) fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// Readable when the store has something to say.
    pub(super) fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.member.as_ref()?.store().wake()
    }

    /// To be called when [`Host::wake`] was readable, before [`Host::settle`].
    pub(super) fn hush(&self) {
        if let Some(member) = &self.member {
            member.store().hush();
        }
    }

    /// The node's state, for whoever looks into a bug.
    pub(super) fn describe(&self) -> String {
        self.member
            .as_ref()
            .map_or("before init".to_owned(), |member| format!("{:?}", member.status(&self.clock)))
    }

    /// What is to be written, and where to.
    pub(super) fn outlet(&mut self) -> &mut Outlet {
        &mut self.outlet
    }

    /// How long nothing has to be done unless input comes; `None`: for ever.
    pub(super) fn sleep(&self) -> Option<Span> {
        self.member.as_ref()?.sleep(&self.clock)
    }

    /// Wakes the node if one of its timers is due.
    pub(super) fn wake_if_due(&mut self) {
        if let Some(member) = &mut self.member {
            member.wake_if_due(&self.clock);
        }
    }

    /// Does everything that the node asks for but what waits for the disk.
    pub(super) fn settle(&mut self) {
        if let Some(member) = &mut self.member {
            let settled = member.settle(&self.clock, &mut self.outlet);
            self.fail_unless(settled);
        }
    }

    /// Does everything that the node asks for, and waits for the disk.
    pub(super) fn settle_durably(&mut self) {
        if let Some(member) = &mut self.member {
            let settled = member.settle_durably(&self.clock, &mut self.outlet);
            self.fail_unless(settled);
        }
    }

    /// Closes what is open.
    pub(super) fn close(&mut self) {
        match (self.keeper.take(), &mut self.member) {
            (Some(keeper), _) => keeper.close(),
            (None, Some(member)) => member.close(),
            (None, None) => {}
        }
    }

    fn fail_unless(&mut self, done: Result<(), String>) {
        if let Err(text) = done {
            self.failure.get_or_insert(text);
        }
    }

    /// Handles a line. The clock is read by the node, now that the line is here.
    pub(super) fn handle(&mut self, line: &Line<'_>) {
        match line {
            // Who sent it stands in what was not kept.
            Line::TooLong { bytes } => {
                warn!(
                    "dropped a line of {bytes} bytes, which is more than --line-max allows even fellow nodes"
                )
            }
            Line::Whole(line) if line.trim_ascii().is_empty() => {}
            Line::Whole(line) => match Incoming::parse(line) {
                Ok(incoming) => self.handle_message(incoming, line.len()),
                Err(text) => warn!("dropped a line: {text}"),
            },
        }
    }

    fn handle_message(&mut self, incoming: Incoming<'_>, bytes: usize) {
        let line_bytes_max = self.setup.line_bytes_max;
        let Incoming { src, dest, msg_id, content } = incoming;
        match (content, &mut self.member) {
            (Content::Response, _) => debug!("{} answered, and nothing had been asked", quoted(&src)),
            (Content::BadPeer(text), _) => warn!("dropped a message of {}: {text}", quoted(&src)),
            (Content::Peer(_), None) => debug!("dropped a message of {}: it came before init", quoted(&src)),
            (Content::Peer(message), _) if bytes > message_line_bytes_max(&message, line_bytes_max) => {
                warn!(
                    "dropped a message of {}: its line has {bytes} bytes, which is more than --line-max",
                    quoted(&src)
                );
            }
            (Content::Peer(message), Some(member)) => member.handle_peer(&self.clock, &src, &dest, message),
            (request, member) => {
                let own_name = member.as_ref().map_or(&*dest, Member::name);
                let Some(msg_id) = msg_id.filter(|_| !own_name.is_empty()) else {
                    let sender = quoted(&src);
                    warn!("dropped a request of {sender}: without msg_id and dest nobody could be answered");
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
                    self.answer(caller, dest, &Reply::ConfigOk(judgement));
                } else if !judgement.safe {
                    let text = format!("unsafe, nothing was changed: {}", judgement.reason);
                    self.refuse(caller, dest, Fault::new(ErrorCode::PreconditionFailed, text));
                } else {
                    let (kind, operation) =
                        (RequestKind::Apply(settings), Operation::Agree(question.lengths()));
                    let done =
                        member.handle_operation(&self.clock, &mut self.outlet, caller, kind, operation);
                    self.fail_unless(done);
                }
            }
            (Content::Status, Some(member)) => {
                let reply = member.status(&self.clock);
                self.answer(caller, dest, &reply);
            }
            (Content::Metrics, Some(member)) => {
                let reply = member.metrics();
                self.answer(caller, dest, &reply);
            }
            (Content::Transfer(to), Some(member)) => {
                if let Err(fault) = member.handle_transfer(&self.clock, caller, to.as_deref()) {
                    self.refuse(caller, dest, fault);
                }
            }
            (Content::Operation(kind, operation), Some(member)) => {
                let done = member.handle_operation(&self.clock, &mut self.outlet, caller, kind, operation);
                self.fail_unless(done);
            }
            (Content::Peer(_) | Content::BadPeer(_) | Content::Response, Some(_)) => {
                unreachable!("none of these is a request")
            }
        }
    }

    fn become_member(&mut self, caller: Caller<'_>, directory: Directory) {
        let own_name = directory.own_name().to_owned();
        let Some(keeper) = self.keeper.take() else {
            // A directory of another node: the process is about to end.
            return;
        };
        match keeper.join(directory, self.setup.joins, self.setup.settings.lease) {
            Ok(found) => {
                self.member = Some(Member::start(self.setup, &self.clock, found));
                self.answer(caller, &own_name, &Reply::InitOk);
                // A node that is alone leads before it handles the next line.
                self.settle_durably();
            }
            Err(text) => {
                self.refuse(caller, &own_name, Fault::new(ErrorCode::Abort, &text));
                self.fail_unless(Err(text));
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

/// A name that a stranger gave, as a log line shows it: short, and without characters that a terminal would act upon.
pub(super) fn quoted(name: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 40;
    let end = name.char_indices().nth(SHOWN_CHARS_MAX);
    format!("{:?}", end.map_or(name, |(end, _)| &name[..end]))
}
