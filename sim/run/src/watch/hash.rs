//! The trace hash: one number for everything that happened, in order.
//!
//! The words of every event are chained through XXH3, whose values are fixed by its specification, as little-endian
//! bytes: the same on every machine.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use leasehold::lease::Ballot;
use leasehold::raft::{LeaseEndCause, Note, NoteValue, StepDownCause};
use leasehold::time::{Alarm, Reading};
use leasehold_world::{Event, Happening, Process, Reader, Reply, Request, World};

/// Words that are hashed at a time. Their number is part of what the hash is.
const BUFFER_WORDS: usize = 512;

/// The hash so far.
#[derive(Debug, Clone)]
pub struct TraceHash {
    chained: u64,
    /// Words that are not in `chained` yet: the first `filled`.
    buffer: Box<[[u8; 8]; BUFFER_WORDS]>,
    filled: usize,
}

impl Default for TraceHash {
    fn default() -> TraceHash {
        TraceHash { chained: 0, buffer: Box::new([[0; 8]; BUFFER_WORDS]), filled: 0 }
    }
}

impl TraceHash {
    /// Takes one word.
    #[inline]
    pub fn word(&mut self, word: u64) {
        if self.filled >= BUFFER_WORDS {
            self.chain();
        }
        self.buffer[self.filled] = word.to_le_bytes();
        self.filled += 1;
    }

    #[cold]
    #[inline(never)]
    fn chain(&mut self) {
        self.chained = xxh3_64_with_seed(self.buffer.as_flattened(), self.chained);
        self.filled = 0;
    }

    /// The hash of everything taken so far.
    pub fn value(&self) -> u64 {
        xxh3_64_with_seed(self.buffer[..self.filled].as_flattened(), self.chained)
    }
}

/// The hash of a few words, for single events and entries: cheaper to begin than a [`TraceHash`].
pub fn short_hash(feed: impl FnOnce(&mut dyn FnMut(u64))) -> u64 {
    let mut bytes = Vec::with_capacity(256);
    feed(&mut |word| bytes.extend_from_slice(&word.to_le_bytes()));
    xxh3_64_with_seed(&bytes, 0)
}

impl<P: Process<Message: Traced, Note = Note>> Reader<P> for TraceHash {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, P::Note>, _world: &World<P>) {
        event_words(event, &mut |word| self.word(word));
    }
}

/// A message as the trace sees it.
pub trait Traced: Clone {
    /// One word for its kind, as in "append".
    fn kind(&self) -> &str;

    /// Everything in it, as words, for the trace's hash.
    fn words(&self, word: &mut impl FnMut(u64));

    /// Everything in it that a reader of the trace wants to see, as names and values.
    fn fields(&self, field: &mut dyn FnMut(&'static str, u64));
}

/// An event as words: equal words, equal events.
#[inline(always)]
pub fn event_words<M: Traced>(event: &Event<'_, M, Note>, word: &mut impl FnMut(u64)) {
    word(event.at);
    let mut head = |kind: u64, a: usize, b: usize| word(kind << 48 | (a as u64) << 24 | b as u64);
    match &event.what {
        Happening::Sent { from, to, number, message } => {
            head(1, *from, *to);
            word(*number);
            message.words(word);
        }
        Happening::Delivered { from, to, number, .. } => {
            head(2, *from, *to);
            word(*number);
        }
        Happening::Lost { from, to, number, cause } => {
            head(3, *from, *to);
            word(*number << 2 | *cause as u64);
        }
        Happening::Held { from, to, number } => {
            head(4, *from, *to);
            word(*number);
        }
        Happening::Woken { node } => head(5, *node, 0),
        Happening::Written { node, ticket } => {
            head(6, *node, 0);
            word(*ticket);
        }
        Happening::Synced { node, ticket } => {
            head(7, *node, 0);
            word(*ticket);
        }
        Happening::Noted { node, note } => {
            head(8, *node, 0);
            note_words(note, word);
        }
        Happening::Invoked { operation, client, node, request } => {
            head(9, *client, *node);
            word(*operation);
            request_words(request, word);
        }
        Happening::Requested { operation, node } => {
            head(10, *node, 0);
            word(*operation);
        }
        Happening::Replied { operation, node, reply } => {
            head(11, *node, 0);
            word(*operation);
            reply_words(reply, word);
        }
        Happening::Completed { operation, reply } => {
            head(12, 0, 0);
            word(*operation);
            reply_words(reply, word);
        }
        Happening::TimedOut { operation } => {
            head(13, 0, 0);
            word(*operation);
        }
        Happening::Fault { fault, undone } => head(14, *fault, usize::from(*undone)),
        Happening::ClockChanges { node } => head(15, *node, 0),
        Happening::Started { node, incarnation } => {
            head(16, *node, 0);
            word(*incarnation);
        }
        Happening::Crashed { node } => head(17, *node, 0),
        Happening::Stopped { node, resumed } => head(18, *node, usize::from(*resumed)),
        Happening::Ended { node, why } => {
            head(19, *node, 0);
            word(xxh3_64_with_seed(why.as_bytes(), 0));
        }
        Happening::Refused { node, why } => {
            head(20, *node, 0);
            word(xxh3_64_with_seed(why.as_bytes(), 0));
        }
        Happening::Forgot { node, what } => {
            head(21, *node, 0);
            word(xxh3_64_with_seed(what.as_bytes(), 0));
        }
        Happening::DiskFull { node } => head(22, *node, 0),
        Happening::Corrupted { node, what } => {
            head(23, *node, 0);
            word(xxh3_64_with_seed(what.as_bytes(), 0));
        }
    }
}

fn request_words(request: &Request, word: &mut impl FnMut(u64)) {
    match *request {
        Request::Read { key } => {
            word(1);
            word(key);
        }
        Request::Write { key, value } => {
            word(2);
            word(key);
            word(value);
        }
        Request::Cas { key, from, to } => {
            word(3);
            word(key);
            word(from.unwrap_or(0));
            word(to);
        }
    }
}

fn reply_words(reply: &Reply, word: &mut impl FnMut(u64)) {
    match *reply {
        Reply::Value { value, lease, round_trips } => {
            word(1 | u64::from(lease) << 8 | u64::from(round_trips) << 16);
            word(value.unwrap_or(0));
        }
        Reply::Done => word(2),
        Reply::NotSwapped => word(3),
        Reply::Refused => word(4),
        Reply::Unknown => word(5),
    }
}

fn note_words(note: &Note, word: &mut impl FnMut(u64)) {
    match *note {
        Note::Campaign { term, ballot } => {
            word(1 | u64::from(ballot == Ballot::PreVote) << 8);
            word(term.0);
        }
        Note::VoteGranted { candidate, term, ballot } => {
            let (trial, transfer) = (ballot == Ballot::PreVote, ballot == Ballot::TransferVote);
            word(2 | u64::from(trial) << 8 | u64::from(transfer) << 9 | (candidate.index() as u64) << 16);
            word(term.0);
        }
        Note::Elected { term } => {
            word(3);
            word(term.0);
        }
        Note::LeaderReady { term, .. } => {
            word(4);
            word(term.0);
        }
        Note::Follows { leader, term } => {
            word(5 | (leader.index() as u64) << 16);
            word(term.0);
        }
        Note::LeaseRenewed { term, start, end } => {
            word(6);
            word(term.0);
            reading_words(&start, word);
            alarm_words(&end, word);
        }
        Note::LeaseEnded { term, cause } => {
            word(7 | u64::from(cause == LeaseEndCause::Transfer) << 8);
            word(term.0);
        }
        Note::SteppedDown { term, cause } => {
            let (no_quorum, removed) = (cause == StepDownCause::NoQuorum, cause == StepDownCause::Removed);
            word(8 | u64::from(no_quorum) << 8 | u64::from(removed) << 9);
            word(term.0);
        }
        Note::MembersInForce { index, voters, learners } => {
            word(11 | (voters as u64) << 16 | (learners as u64) << 32);
            word(index.0);
        }
        Note::SnapshotInstalled { index, term } => {
            word(10);
            word(index.0);
            word(term.0);
        }
        Note::Misbehaviour { peer, .. } => word(9 | (peer.index() as u64) << 16),
        // The form for new notes: complete, and as it stands in their table.
        Note::LengthsInForce { .. }
        | Note::PromiseDiffers { .. }
        | Note::VotesWithheld { .. }
        | Note::SlowDisk { .. }
        | Note::EntriesLost { .. }
        | Note::StateDiffers { .. } => {
            field_words(note, word);
        }
    }
}

/// A note by its word and its fields.
fn field_words(note: &Note, word: &mut impl FnMut(u64)) {
    let text = |text: &str| xxh3_64_with_seed(text.as_bytes(), 0);
    word(text(note.word()));
    note.fields(&mut |name, value| {
        word(text(name));
        word(match value {
            NoteValue::Number(number) => number,
            NoteValue::Word(word) => text(word),
            NoteValue::Node(node) => node.index() as u64,
        });
    });
}

fn reading_words(reading: &Reading, word: &mut impl FnMut(u64)) {
    word(reading.stamp.raw().0);
    word(reading.stamp.boot().0);
    if let Some(wall) = reading.wall {
        word(wall.earliest().0);
        word(wall.latest().0);
    }
}

fn alarm_words(alarm: &Alarm, word: &mut impl FnMut(u64)) {
    match *alarm {
        Alarm::First { since, span } | Alarm::Last { since, span } => {
            word(since.raw().0);
            word(since.boot().0);
            word(span.as_nanos());
        }
        Alarm::WallLatest { deadline, since, span } | Alarm::WallEarliest { deadline, since, span } => {
            word(deadline.0);
            word(since.raw().0);
            word(since.boot().0);
            word(span.as_nanos());
        }
    }
}
