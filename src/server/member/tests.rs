//! Nothing that depends on a write leaves before the write is synced.

use std::sync::mpsc::{Receiver, Sender, channel};

use leasehold::kv::{Command, Scalar};
use leasehold::lease::LeaseSettings;
use leasehold::maelstrom::Incoming;
use leasehold::raft::{
    Append, Entry, Message as RaftMessage, NodeId, Payload, Recovered, Role, Settings, Term, Write,
};
use leasehold::storage::{MemoryStorage, Storage};

use super::*;

/// Storage whose syncs end when the test lets them.
struct Gated {
    storage: MemoryStorage,
    began: Sender<()>,
    allowed: Receiver<()>,
}

impl Storage for Gated {
    type Error = StorageFault;

    fn write(&mut self, write: Write) {
        self.storage.write(write);
    }

    fn sync(&mut self) -> Result<u64, StorageFault> {
        self.began.send(()).expect("the test listens");
        self.allowed.recv().expect("the test allows every sync");
        let Ok(ticket) = self.storage.sync();
        Ok(ticket)
    }

    fn recover(&mut self) -> Result<Recovered, StorageFault> {
        let Ok(recovered) = self.storage.recover();
        Ok(recovered)
    }
}

struct Bench {
    member: Member,
    outlet: Outlet,
    began: Receiver<()>,
    allow: Sender<()>,
}

impl Bench {
    fn new(names: &[&str]) -> Bench {
        let (began_sender, began) = channel();
        let (allow, allowed) = channel();
        let gated = Gated { storage: MemoryStorage::default(), began: began_sender, allowed };
        let names = names.iter().map(ToString::to_string).collect();
        let directory = Directory::new("n1", names).unwrap();
        let writer = Writer::start(gated).unwrap();
        let setup = Setup {
            settings: Settings::for_lease(LeaseSettings::default()),
            seed: 1,
            joins: false,
            cluster: None,
            announced: Vec::new(),
            line_bytes_max: 1_024,
            stop_grace: Span::secs(2),
        };
        let member = Member::new(setup, OsClock::monotonic(), directory, Recovered::default(), writer);
        Bench { member, outlet: Outlet::default(), began, allow }
    }

    /// Does what can be done without the disk, and gives everything that was written out so far.
    fn settled(&mut self) -> String {
        self.member.settle(&mut self.outlet).unwrap();
        String::from_utf8(self.outlet.lines().to_vec()).unwrap()
    }

    fn ask(&mut self, kind: RequestKind, operation: Operation) {
        self.member.handle_operation(&mut self.outlet, caller(7), kind, operation).unwrap();
    }
}

fn caller(number: u64) -> Caller<'static> {
    let line = format!(r#"{{"src":"c1","dest":"n1","body":{{"type":"read","msg_id":{number},"key":1}}}}"#);
    Caller { name: "c1", msg_id: Incoming::parse(line.as_bytes()).unwrap().msg_id.unwrap() }
}

fn command() -> Command {
    Command::Write { key: Scalar::Integer(1), value: Scalar::Integer(2) }
}

#[test]
fn a_follower_acknowledges_what_is_synced_and_nothing_before() {
    let mut bench = Bench::new(&["n1", "n2", "n3"]);
    let entry = Entry { term: Term(1), payload: Payload::Command(command()) };
    let append = Append {
        term: Term(1),
        round: 1,
        promise: Span::secs(5),
        stamp: None,
        previous_index: Index::ZERO,
        previous_term: Term(0),
        commit: Index::ZERO,
        entries: Some([entry].into()),
    };
    let message = Message::Raft(RaftMessage::Append(append));
    bench.member.node.handle(
        &OsClock::monotonic(),
        &mut bench.member.jitter,
        Input::Message { from: NodeId(1), message },
    );
    assert_eq!(bench.settled(), "");
    bench.began.recv().unwrap();
    assert_eq!(bench.settled(), "", "the sync is under way");
    bench.allow.send(()).unwrap();
    bench.member.settle_durably(&mut bench.outlet).unwrap();
    assert!(bench.settled().contains(r#""type":"append_reply""#));
}

#[test]
fn a_leader_acknowledges_what_is_synced_and_reads_while_it_syncs() {
    let mut bench = Bench::new(&["n1"]);
    assert_eq!(bench.settled(), "");
    // Its vote, and the first entry of its term.
    bench.began.recv().unwrap();
    bench.allow.send(()).unwrap();
    bench.allow.send(()).unwrap();
    bench.member.settle_durably(&mut bench.outlet).unwrap();
    bench.began.recv().unwrap();

    bench.ask(RequestKind::Write, Operation::Update(command()));
    assert_eq!(bench.settled(), "");
    bench.began.recv().unwrap();
    let read = Operation::Read { key: Scalar::Integer(1) };
    let request = RequestId(1_000);
    bench.member.waiting.insert(request, (caller(8).into(), RequestKind::LeaseRead));
    bench.member.node.handle(
        &OsClock::monotonic(),
        &mut bench.member.jitter,
        Input::Request { request, operation: read },
    );
    let settled = bench.settled();
    assert!(settled.contains(r#""in_reply_to":8"#), "a read needs no disk: {settled}");
    assert!(!settled.contains("write_ok"), "{settled}");
    bench.allow.send(()).unwrap();
    bench.member.settle_durably(&mut bench.outlet).unwrap();
    assert!(bench.settled().contains("write_ok"));
}

/// Storage whose syncs go as the test has laid down.
struct Scripted {
    storage: MemoryStorage,
    /// Those that fail, the last one first.
    faults: Vec<Option<StorageFault>>,
}

impl Storage for Scripted {
    type Error = StorageFault;

    fn write(&mut self, write: Write) {
        self.storage.write(write);
    }

    fn sync(&mut self) -> Result<u64, StorageFault> {
        if let Some(Some(fault)) = self.faults.pop() {
            return Err(fault);
        }
        let Ok(ticket) = self.storage.sync();
        Ok(ticket)
    }

    fn recover(&mut self) -> Result<Recovered, StorageFault> {
        let Ok(recovered) = self.storage.recover();
        Ok(recovered)
    }
}

/// A node that is alone and leads, whose disk then does as `faults` say.
fn alone(faults: Vec<Option<StorageFault>>) -> (Member, Outlet) {
    // Its vote and the first entry of its term are stored.
    let faults = faults.into_iter().chain([None, None]).collect();
    let storage = Scripted { storage: MemoryStorage::default(), faults };
    let writer = Writer::start(storage).unwrap();
    let directory = Directory::new("n1", vec!["n1".to_owned()]).unwrap();
    let setup = Setup {
        settings: Settings::for_lease(LeaseSettings::default()),
        seed: 1,
        joins: false,
        cluster: None,
        announced: Vec::new(),
        line_bytes_max: 1_024,
        stop_grace: Span::secs(2),
    };
    let mut outlet = Outlet::default();
    let mut member = Member::new(setup, OsClock::monotonic(), directory, Recovered::default(), writer);
    member.settle_durably(&mut outlet).unwrap();
    assert_eq!(member.node.raft().role(), Role::Leader);
    let update = Operation::Update(command());
    member.handle_operation(&mut outlet, caller(7), RequestKind::Write, update).unwrap();
    (member, outlet)
}

#[test]
fn a_full_disk_ends_leadership_and_acknowledges_nothing_until_there_is_room() {
    let (mut member, mut outlet) = alone(vec![Some(StorageFault::Full)]);
    member.settle_durably(&mut outlet).unwrap();
    assert_eq!(member.node.raft().role(), Role::Follower);
    assert_eq!(outlet.lines(), b"");
    assert!(!member.writer.is_idle());
    // The writer tries again by itself.
    let report = loop {
        if let Some(report) = member.writer.report() {
            break report;
        }
        std::thread::yield_now();
    };
    assert!(matches!(report, Report::Synced { ticket: 3, .. }), "{report:?}");
}

#[test]
fn a_disk_that_fails_stops_the_node_and_acknowledges_nothing() {
    let fault = StorageFault::Io { during: "syncing", error: "it is gone".to_owned() };
    let (mut member, mut outlet) = alone(vec![Some(fault.clone())]);
    assert_eq!(member.settle_durably(&mut outlet), Err(StorageFailed { place: String::new(), fault }));
    assert_eq!(outlet.lines(), b"");
}
