//! What must hold of a node, whatever goes into it. Bytes become a sequence of absurd, replayed and honest messages, requests,
//! confirmed writes, wake-ups and clock readings. A shadow keeps its own account of what was sent and acknowledged, and
//! whatever the node does must agree with it.

mod drawn;
pub(crate) mod records;
pub(crate) mod shadow;
mod snapshots;

use std::collections::{BTreeSet, VecDeque};

use leasehold::lease::{LeaseForm, LeaseLengths, LeaseRules, LeaseSettings, SoundRules};
use leasehold::node::{Forward, ForwardAnswer, Identity, Input, Message, Node, Output, RequestId};
use leasehold::raft::{
    Append, AppendOutcome, AppendReply, Configuration, Entry, HardState, Index, Jitter, Log,
    Message as RaftMessage, NodeId, Position, Recovered, Settings, Term, VoteReply, VoteRequest,
};
use leasehold::time::{Clock, Nanos, Reading, Span, Stamp, Wall};

use self::drawn::Bytes;
use self::shadow::Shadow;
use self::shadow::reached::Reached;
use self::snapshots::{Disk, Offered, bounds};

/// Inputs in one sequence.
const INPUTS_MAX: usize = 400;
/// Messages that are kept to be sent again.
const KEPT_MAX: usize = 64;

/// From here on a byte that asks for an honest answer asks for one of a node without a log, ...
const EMPTY: u8 = 176;
/// ... one that asks for an input asks for a restart, ...
const RESTART: u8 = 250;
/// ... and one that asks for a message asks for one about a snapshot.
const SNAPSHOT: u8 = 180;

/// Each of a machine's clocks goes as the bytes say; the monotonic ones do not go back.
#[derive(Clone, Copy)]
struct Clocks {
    raw: u64,
    boot: u64,
    wall: Option<(u64, u64)>,
}

impl Clock for Clocks {
    fn read(&self) -> Reading {
        let wall = self.wall.map(|(at, error)| Wall::new(Nanos(at), Span::nanos(error)));
        Reading { stamp: Stamp::new(Nanos(self.raw), Nanos(self.boot)), wall }
    }
}

struct Drawn(u8);

impl Jitter for Drawn {
    fn jitter(&mut self, most: Span) -> Span {
        Span::nanos(most.as_nanos() / 256 * u64::from(self.0))
    }
}

struct Player<'a, R> {
    bytes: Bytes<'a>,
    clocks: Clocks,
    identity: Identity,
    node: Node<R>,
    rules: R,
    settings: Settings,
    shadow: Shadow,
    next_request: u64,
    issued: u64,
    synced: u64,
    /// Messages that came in: they may come again, and from somebody else.
    kept: VecDeque<(NodeId, Message)>,
    /// What the node sent last, which an honest member would answer.
    unanswered: VecDeque<(NodeId, Message)>,
    latest_round: u64,
    disk: Disk,
    offered: Offered,
}

/// The usual lengths, short ones, or such that leave no lease.
fn lengths(shape: u8) -> LeaseLengths {
    let usual = LeaseSettings::default().lengths();
    match shape / 2 % 4 {
        1 => LeaseLengths {
            duration: Span::secs(1),
            election_timeout: Span::secs(2),
            max_clock_skew: Span::ZERO,
        },
        2 => LeaseLengths { max_clock_skew: usual.duration, ..usual },
        _ => usual,
    }
}

/// Plays the sequence of inputs and tells how far it came.
pub(crate) fn play(bytes: &[u8]) -> BTreeSet<Reached> {
    play_by(SoundRules, bytes)
}

/// The same by rules that may be broken.
pub(crate) fn play_by<R: LeaseRules + Copy>(rules: R, bytes: &[u8]) -> BTreeSet<Reached> {
    let mut input = bytes;
    let mut player = Player::new(rules, Bytes::of_record(&mut input).unwrap_or_else(Bytes::none));
    player.begin();
    for _ in 0..INPUTS_MAX {
        let Some(record) = Bytes::of_record(&mut input) else {
            break;
        };
        player.bytes = record;
        player.step();
    }
    player.disk.compare(&player.node);
    player.shadow.reached
}

impl<'a, R: LeaseRules + Copy> Player<'a, R> {
    fn new(rules: R, mut bytes: Bytes<'a>) -> Player<'a, R> {
        let voters = u16::from(bytes.byte() % 5) + 1;
        let shape = bytes.byte();
        let learners = u16::from(shape % 2);
        let configuration = Configuration::new(voters, learners);
        let id = NodeId(u16::from(bytes.byte()) % (voters + learners));
        let form = if bytes.flag() { LeaseForm::Deadline } else { LeaseForm::Elapsed };
        let lease = LeaseSettings { form, ..LeaseSettings::default() }.with(lengths(shape));
        let settings = Settings { log: bounds(shape), ..Settings::for_lease(lease) };
        let clocks = Clocks { raw: 1_000, boot: 2_000, wall: Some((1_700_000_000_000_000_000, 1_000)) };
        let mut term = 0;
        let entries = (0..bytes.byte() % 4).map(|_| {
            term += u64::from(bytes.byte() % 2) + 1;
            Entry { term: Term(term), payload: bytes.payload() }
        });
        let log = Log::recovered(Position::default(), entries.collect());
        let hard_state = HardState { term: Term(term), voted_for: None, longest_promise: Span::ZERO };
        let identity = Identity::numbered(id, configuration, 7);
        let recovered = Recovered { hard_state, log, ..Recovered::default() };
        let disk = Disk::of(&recovered);
        let node = Node::start(identity.clone(), settings, rules, recovered, &clocks, &mut Drawn(0));
        Player {
            bytes,
            identity,
            clocks,
            node,
            rules,
            settings,
            shadow: Shadow::default(),
            next_request: 0,
            issued: 0,
            synced: 0,
            kept: VecDeque::new(),
            unanswered: VecDeque::new(),
            latest_round: 0,
            disk,
            offered: Offered::default(),
        }
    }

    fn give(&mut self, input: Input) {
        self.shadow.before(&self.node, &self.clocks.read(), Some(&input));
        let jitter = self.bytes.byte();
        self.node.handle(&self.clocks, &mut Drawn(jitter), input);
        self.settle();
    }

    /// The node has started.
    fn begin(&mut self) {
        self.shadow.before(&self.node, &self.clocks.read(), None);
        self.settle();
    }

    fn settle(&mut self) {
        let mut outputs = Vec::new();
        while let Some(output) = self.node.poll_output() {
            match &output {
                Output::Persist(write) => {
                    assert_eq!(write.ticket, self.issued + 1);
                    self.issued = write.ticket;
                    self.disk.write(write.clone());
                }
                Output::Send { to, message } => {
                    match message {
                        Message::Raft(RaftMessage::Append(append)) => self.latest_round = append.round,
                        Message::Raft(RaftMessage::SnapshotReply(reply)) => self.offered.heard(reply),
                        _ => {}
                    }
                    self.unanswered.push_back((*to, message.clone()));
                    if self.unanswered.len() > KEPT_MAX {
                        self.unanswered.pop_front();
                    }
                }
                _ => {}
            }
            outputs.push(output);
        }
        let disk = (&self.disk, self.synced, self.issued);
        self.shadow.after(&self.node, &self.clocks.read(), &outputs, disk);
    }

    fn step(&mut self) {
        let kind = self.bytes.byte();
        if kind >= RESTART {
            return self.restart();
        }
        match kind % 16 {
            0 => self.let_time_pass(),
            1 => self.wake(),
            2..=4 => {
                self.synced = self.issued;
                self.persisted();
            }
            5 => {
                self.synced += u64::from(self.bytes.byte()) % (self.issued - self.synced + 1);
                self.persisted();
            }
            6 => self.host(),
            7 => {
                let to = NodeId(u16::from(self.bytes.byte() % 8));
                self.give(Input::TransferLeadership { to });
            }
            8 => {
                let (request, operation) = (RequestId(self.next_request), self.bytes.operation());
                self.next_request += 1;
                self.give(Input::Request { request, operation });
            }
            9 => self.replay(),
            10..=13 => self.answer_honestly(kind >= EMPTY),
            _ => {
                let message = self.message();
                self.deliver(message);
            }
        }
    }

    /// What a host asks of a node by itself.
    fn host(&mut self) {
        let input = match self.bytes.byte() % 4 {
            0 => Input::StorageFull,
            1 => {
                let request = RequestId(self.next_request);
                self.next_request += 1;
                let to = self.bytes.flag().then(|| NodeId(u16::from(self.bytes.byte() % 8)));
                Input::Handover { request, to }
            }
            2 => Input::ProposeChange(self.bytes.change()),
            _ => Input::ProposeLengths(self.bytes.lengths()),
        };
        self.give(input);
    }

    fn persisted(&mut self) {
        self.disk.sync_up_to(self.synced);
        self.give(Input::Persisted { ticket: self.synced });
    }

    /// The process ends and another one finds what was synced.
    fn restart(&mut self) {
        self.disk.compare(&self.node);
        let recovered = self.disk.crash();
        // Names that became known since the first start may get other numbers now.
        let identity = self.identity.clone();
        self.shadow.restart(&recovered);
        self.node = Node::start(identity, self.settings, self.rules, recovered, &self.clocks, &mut Drawn(0));
        (self.issued, self.synced) = (0, 0);
        self.unanswered.clear();
        self.begin();
    }

    fn let_time_pass(&mut self) {
        let (raw, boot) = (self.bytes.span().as_nanos(), self.bytes.span().as_nanos());
        self.clocks.raw += raw;
        self.clocks.boot += boot;
        self.clocks.wall = match (self.bytes.byte() % 8, self.clocks.wall) {
            (0, _) => None,
            (1, _) => Some((u64::from(self.bytes.byte()) * 1_000_000_000, u64::MAX)),
            (2, Some((at, error))) => Some((at.saturating_sub(self.bytes.span().as_nanos()), error)),
            (_, Some((at, error))) => Some((at.saturating_add(boot), error)),
            (_, None) => Some((1_700_000_000_000_000_000 + boot, 1_000)),
        };
        // A process that was paused may find something else to do before its timers.
        if self.bytes.byte() % 4 != 3 {
            self.give(Input::Wakeup);
        }
    }

    /// Time passes until the next timer is due.
    fn wake(&mut self) {
        if let Some((_, remaining)) = self.node.timers().next(&self.clocks.read()) {
            let remaining = remaining.as_nanos().min(60_000_000_000);
            self.clocks.raw += remaining;
            self.clocks.boot += remaining;
            self.clocks.wall = self.clocks.wall.map(|(at, error)| (at.saturating_add(remaining), error));
        }
        self.give(Input::Wakeup);
    }

    fn deliver(&mut self, message: Message) {
        // One node more than there is, and the node itself. Now and then somebody new.
        if self.bytes.byte().is_multiple_of(16) {
            let name = self.bytes.name();
            assert!(self.node.introduce(&name).is_some());
        }
        let known = u16::try_from(self.node.names().len()).unwrap() + 1;
        let drawn = self.bytes.byte();
        let mut from = NodeId(u16::from(drawn) % known);
        if let (Message::Raft(RaftMessage::Snapshot(_)), Some(leader), 64..) =
            (&message, self.node.raft().leader(), drawn)
        {
            from = leader;
        }
        self.kept.push_back((from, message.clone()));
        if self.kept.len() > KEPT_MAX {
            self.kept.pop_front();
        }
        self.give(Input::Message { from, message });
    }

    fn replay(&mut self) {
        let place = usize::from(self.bytes.byte()) % self.kept.len().max(1);
        let Some((from, message)) = self.kept.get(place).cloned() else {
            return;
        };
        if self.bytes.byte().is_multiple_of(4) {
            self.deliver(message);
        } else {
            self.give(Input::Message { from, message });
        }
    }

    /// Whoever got the node's oldest message does as it should; perhaps it has an empty log.
    fn answer_honestly(&mut self, empty: bool) {
        let Some((from, message)) = self.unanswered.pop_front() else {
            return;
        };
        let message = match message {
            Message::Raft(message) => message,
            Message::Forward(forward) => {
                let Forward { incarnation, sequence, .. } = *forward;
                let answer = self.bytes.answer();
                let message = Message::Answer(ForwardAnswer { incarnation, sequence, answer });
                return self.give(Input::Message { from, message });
            }
            Message::Answer(_) => return,
        };
        let reply = match message {
            RaftMessage::Vote(VoteRequest { ballot, term, .. }) => {
                RaftMessage::VoteReply(VoteReply { ballot, term, granted: true, leader: None })
            }
            RaftMessage::Append(append) => {
                let count = append.entries.map_or(0, |entries| entries.len() as u64);
                let outcome = if empty && append.previous_index > Index::ZERO {
                    AppendOutcome::Rejected { previous_index: append.previous_index, hint: Index::ZERO }
                } else {
                    AppendOutcome::Accepted { matched: Index(append.previous_index.0 + count) }
                };
                RaftMessage::AppendReply(AppendReply {
                    term: append.term,
                    round: append.round,
                    outcome,
                    state: None,
                })
            }
            RaftMessage::Snapshot(chunk) => Offered::take(&chunk),
            _ => return,
        };
        let message = Message::Raft(reply);
        self.kept.push_back((from, message.clone()));
        self.give(Input::Message { from, message });
    }

    fn message(&mut self) -> Message {
        let term = Term(self.bytes.number(self.node.raft().term().0));
        let last = self.node.raft().log().last_index().0;
        let bytes = &mut self.bytes;
        let kind = bytes.byte();
        if kind >= SNAPSHOT {
            return Message::Raft(self.offered.message(bytes, term, Index(last)));
        }
        let raft = match kind % 9 {
            0 | 1 => {
                let previous_index = Index(bytes.number(last));
                let known = self.node.raft().log().term_at(previous_index).map_or(0, |term| term.0);
                let entries: Vec<Entry> = (0..bytes.byte() % 4)
                    .map(|_| Entry { term: Term(bytes.number(term.0)), payload: bytes.payload() })
                    .collect();
                RaftMessage::Append(Append {
                    term,
                    round: bytes.number(self.latest_round),
                    promise: bytes.span(),
                    stamp: bytes.flag().then(|| Nanos(bytes.number(1_700_000_000_000_000_000))),
                    previous_index,
                    previous_term: Term(bytes.number(known)),
                    commit: Index(bytes.number(last)),
                    entries: (!entries.is_empty()).then(|| entries.into()),
                })
            }
            2 | 3 => {
                let outcome = match bytes.byte() % 3 {
                    0 => AppendOutcome::Accepted { matched: Index(bytes.number(last)) },
                    1 => AppendOutcome::Rejected {
                        previous_index: Index(bytes.number(last)),
                        hint: Index(bytes.number(last)),
                    },
                    _ => AppendOutcome::StaleTerm,
                };
                RaftMessage::AppendReply(AppendReply {
                    term,
                    round: bytes.number(self.latest_round),
                    outcome,
                    state: None,
                })
            }
            4 => RaftMessage::Vote(VoteRequest {
                ballot: bytes.ballot(),
                term,
                last_index: Index(bytes.number(last)),
                last_term: Term(bytes.number(self.node.raft().log().last_term().0)),
            }),
            5 => RaftMessage::VoteReply(VoteReply {
                ballot: bytes.ballot(),
                term,
                granted: bytes.flag(),
                leader: None,
            }),
            6 => RaftMessage::TimeoutNow { term },
            7 => {
                let (sequence, floor) = (bytes.number(3), bytes.number(0));
                let operation = bytes.operation();
                let forward = Forward { incarnation: 7, sequence, floor, term, operation };
                return Message::Forward(forward.into());
            }
            _ => {
                let (incarnation, sequence) = (bytes.number(7), bytes.number(self.next_request));
                return Message::Answer(ForwardAnswer { incarnation, sequence, answer: bytes.answer() });
            }
        };
        Message::Raft(raft)
    }
}
