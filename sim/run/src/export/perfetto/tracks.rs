//! The tracks of a trace, and what is written on them.

use std::io::{self, Write};

use super::wire::{self, Argument, Flow, Kind, Message};

/// The tracks of a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeTracks {
    pub(super) role: u64,
    pub(super) lease: u64,
    pub(super) true_lease: u64,
    pub(super) promise: u64,
    pub(super) state: u64,
    pub(super) events: u64,
    pub(super) messages: u64,
    pub(super) requests: u64,
    pub(super) clock_error: u64,
    pub(super) lease_left: u64,
}

/// The track of a client that holds instants; its operations have tracks as they need them.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientTracks {
    pub(super) unanswered: u64,
}

/// The tracks of a client's operations.
#[derive(Debug)]
struct Lanes {
    process: u64,
    tracks: ClientTracks,
    /// A track, and the true time from which it is free, ns.
    lanes: Vec<(u64, u64)>,
}

/// Everything that is written.
#[derive(Debug)]
pub(super) struct Tracks<W: Write> {
    to: W,
    failed: Option<io::Error>,
    next_uuid: u64,
    faults: u64,
    nodes: Vec<NodeTracks>,
    clients: Vec<Lanes>,
}

impl<W: Write> Tracks<W> {
    /// Describes the tracks of these nodes and clients.
    pub(super) fn new(to: W, title: &str, nodes: &[String], clients: &[String]) -> Tracks<W> {
        let mut tracks =
            Tracks { to, failed: None, next_uuid: 1, faults: 0, nodes: Vec::new(), clients: Vec::new() };
        let mut pid = 0;
        let mut process = |tracks: &mut Tracks<W>, name: &str| {
            pid += 1;
            let uuid = tracks.uuid();
            tracks.put(wire::track(uuid, |track| wire::process(track, pid, name)));
            uuid
        };
        let run = process(&mut tracks, title);
        tracks.faults = tracks.child(run, "faults", 0, false);
        for name in nodes {
            let parent = process(&mut tracks, name);
            let node = NodeTracks {
                role: tracks.child(parent, "role and term", 0, false),
                lease: tracks.child(parent, "lease, by its own clock", 1, false),
                true_lease: tracks.child(parent, "lease, on a true clock", 2, false),
                promise: tracks.child(parent, "promise", 3, false),
                state: tracks.child(parent, "down or still", 4, false),
                events: tracks.child(parent, "events", 5, false),
                messages: tracks.child(parent, "messages", 6, false),
                requests: tracks.child(parent, "requests", 7, false),
                clock_error: tracks.child(parent, "clock error", 8, true),
                lease_left: tracks.child(parent, "lease left", 9, true),
            };
            tracks.nodes.push(node);
        }
        for name in clients {
            let parent = process(&mut tracks, name);
            let unanswered = tracks.child(parent, "no answer in time", 1, false);
            let lanes = Lanes { process: parent, tracks: ClientTracks { unanswered }, lanes: Vec::new() };
            tracks.clients.push(lanes);
        }
        tracks
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        match self.failed {
            Some(error) => Err(error),
            None => self.to.flush(),
        }
    }

    pub(super) fn node(&self, node: usize) -> NodeTracks {
        self.nodes[node]
    }

    pub(super) fn client(&self, client: usize) -> ClientTracks {
        self.clients[client].tracks
    }

    pub(super) fn faults(&self) -> u64 {
        self.faults
    }

    fn uuid(&mut self) -> u64 {
        self.next_uuid += 1;
        self.next_uuid
    }

    fn put(&mut self, mut packet: Message) {
        if self.failed.is_none() {
            self.failed = wire::write_packet(&mut self.to, &mut packet).err();
        }
    }

    fn child(&mut self, parent: u64, name: &str, rank: u64, counter: bool) -> u64 {
        let uuid = self.uuid();
        self.put(wire::track(uuid, |track| {
            wire::child(track, parent, name, rank);
            if counter {
                wire::counter(track);
            }
        }));
        uuid
    }

    pub(super) fn slice(
        &mut self,
        track: u64,
        from: u64,
        to: u64,
        name: &str,
        arguments: &[Argument],
        flows: &[(Flow, bool)],
    ) {
        self.put(wire::event(from, Kind::SliceBegin, track, |event| {
            wire::details(event, name, arguments, flows);
        }));
        self.put(wire::event(to, Kind::SliceEnd, track, |_| {}));
    }

    pub(super) fn instant(
        &mut self,
        track: u64,
        at: u64,
        name: &str,
        arguments: &[Argument],
        flows: &[(Flow, bool)],
    ) {
        self.put(wire::event(at, Kind::Instant, track, |event| wire::details(event, name, arguments, flows)));
    }

    pub(super) fn counter(&mut self, track: u64, at: u64, value: i64) {
        self.put(wire::event(at, Kind::Counter, track, |event| {
            event.signed(30, value);
        }));
    }

    /// An operation of a client, on the first of its tracks that is free from `from` on.
    pub(super) fn operation(
        &mut self,
        client: usize,
        from: u64,
        to: u64,
        name: &str,
        arguments: &[Argument],
        flows: &[(Flow, bool)],
    ) {
        let free = self.clients[client].lanes.iter().position(|(_, free_from)| *free_from <= from);
        let lane = free.unwrap_or_else(|| {
            let parent = self.clients[client].process;
            // Tracks of one name below one process are shown as one.
            let track = self.child(parent, "operations", 0, false);
            self.clients[client].lanes.push((track, 0));
            self.clients[client].lanes.len() - 1
        });
        let (track, free_from) = &mut self.clients[client].lanes[lane];
        *free_from = to;
        let track = *track;
        self.slice(track, from, to, name, arguments, flows);
    }
}
