//! Messages and entries in words: for the trace, for its hash, for the invariants.

use leasehold::kv::{Command, Scalar};
use leasehold::lease::{Ballot, LeaseLengths};
use leasehold::node::{Message, Operation};
use leasehold::raft::{self, AppendOutcome, Entry, Payload, Received};

use super::reply;
use crate::watch::{Traced, short_hash};
use leasehold_world::Reply;

/// The fields of a message, once for the hash and once for the reader of a trace. The first word tells the kind.
fn message_fields(message: &Message, field: &mut impl FnMut(&'static str, u64)) {
    match message {
        Message::Raft(raft::Message::Vote(request)) => {
            field("ballot", ballot(request.ballot));
            field("term", request.term.0);
            field("last_index", request.last_index.0);
            field("last_term", request.last_term.0);
        }
        Message::Raft(raft::Message::VoteReply(reply)) => {
            field("ballot", ballot(reply.ballot));
            field("term", reply.term.0);
            field("granted", u64::from(reply.granted));
        }
        Message::Raft(raft::Message::Append(append)) => append_fields(append, field),
        Message::Raft(raft::Message::AppendReply(reply)) => append_reply_fields(reply, field),
        Message::Raft(raft::Message::Snapshot(chunk)) => {
            field("term", chunk.term.0);
            field("index", chunk.at.index.0);
            field("index_term", chunk.at.term.0);
            field("offset", chunk.offset);
            field("pairs", chunk.pairs.len() as u64);
            field("last", u64::from(chunk.last));
            if let Some(lengths) = &chunk.agreed {
                lengths_fields(lengths, field);
            }
            if let Some(configured) = &chunk.configured {
                field("configuration_index", configured.index.0);
            }
        }
        Message::Raft(raft::Message::SnapshotReply(reply)) => {
            field("term", reply.term.0);
            field("index", reply.index.0);
            match reply.received {
                Received::Pairs(count) => field("received", count),
                Received::All => field("installed", 1),
            }
        }
        Message::Raft(raft::Message::TimeoutNow { term }) => field("term", term.0),
        Message::Forward(forward) => {
            field("incarnation", forward.incarnation);
            field("sequence", forward.sequence);
            field("floor", forward.floor);
            field("term", forward.term.0);
            match &forward.operation {
                Operation::Read { key } => field("read_key", number(key)),
                Operation::Update(command) => command_fields(command, field),
                Operation::Agree(lengths) => lengths_fields(lengths, field),
                Operation::Change(_) => unreachable!("a fault asks for a change, and no client does"),
            }
        }
        Message::Answer(answer) => {
            field("incarnation", answer.incarnation);
            field("sequence", answer.sequence);
            match reply(&answer.answer) {
                Reply::Value { value, lease, round_trips } => {
                    if let Some(value) = value {
                        field("value", value);
                    }
                    field("lease", u64::from(lease));
                    field("round_trips", u64::from(round_trips));
                }
                Reply::Done => field("done", 1),
                Reply::NotSwapped => field("not_swapped", 1),
                Reply::Refused => field("refused", 1),
                Reply::Unknown => field("unknown", 1),
            }
        }
    }
}

#[inline]
fn append_fields(append: &raft::Append, field: &mut impl FnMut(&'static str, u64)) {
    field("term", append.term.0);
    field("round", append.round);
    field("promise_ns", append.promise.as_nanos());
    if let Some(stamp) = append.stamp {
        field("stamp_ns", stamp.0);
    }
    field("previous_index", append.previous_index.0);
    field("previous_term", append.previous_term.0);
    field("commit", append.commit.0);
    field("entries", append.entries.as_ref().map_or(0, |entries| entries.len() as u64));
}

#[inline]
fn append_reply_fields(reply: &raft::AppendReply, field: &mut impl FnMut(&'static str, u64)) {
    field("term", reply.term.0);
    field("round", reply.round);
    match reply.outcome {
        AppendOutcome::Accepted { matched } => field("matched", matched.0),
        AppendOutcome::Rejected { previous_index, hint } => {
            field("rejected_previous_index", previous_index.0);
            field("hint", hint.0);
        }
        AppendOutcome::StaleTerm => field("stale_term", 1),
    }
}

fn ballot(ballot: Ballot) -> u64 {
    match ballot {
        Ballot::PreVote => 0,
        Ballot::Vote => 1,
        Ballot::TransferVote => 2,
    }
}

fn number(scalar: &Scalar) -> u64 {
    match scalar {
        Scalar::Integer(number) => number.unsigned_abs(),
        _ => 0,
    }
}

fn command_fields(command: &Command, field: &mut impl FnMut(&'static str, u64)) {
    match command {
        Command::Write { key, value } => {
            field("write_key", number(key));
            field("value", number(value));
        }
        Command::Cas(cas) => {
            field("cas_key", number(&cas.key));
            // Not `from` and `to`: in the trace those are the sender and the receiver.
            field("cas_from", number(&cas.from));
            field("cas_to", number(&cas.to));
            field("create", u64::from(cas.create_if_not_exists));
        }
    }
}

fn lengths_fields(lengths: &LeaseLengths, field: &mut impl FnMut(&'static str, u64)) {
    field("lease_duration_ns", lengths.duration.as_nanos());
    field("election_timeout_ns", lengths.election_timeout.as_nanos());
    field("max_clock_skew_ns", lengths.max_clock_skew.as_nanos());
}

/// An entry in a few words, for the trace's hash and for the invariants.
pub fn entry_words(entry: &Entry, word: &mut impl FnMut(u64)) {
    word(entry.term.0);
    match &entry.payload {
        Payload::Noop => {}
        Payload::Command(command) => command_fields(command, &mut |_, value| word(value)),
        Payload::Lease(lengths) => lengths_fields(lengths, &mut |_, value| word(value)),
        Payload::Cluster(id) => word(short_hash(|each| id.bytes().for_each(|byte| each(u64::from(byte))))),
        Payload::Configuration(members) => {
            word(members.voters.len() as u64);
            for name in members.voters.iter().chain(&members.learners) {
                word(short_hash(|each| name.bytes().for_each(|byte| each(u64::from(byte)))));
            }
        }
    }
}

#[inline(never)]
fn rare_words(message: &Message, word: &mut impl FnMut(u64)) {
    word(match message {
        Message::Raft(raft::Message::Vote(_)) => 1,
        Message::Raft(raft::Message::VoteReply(_)) => 2,
        Message::Raft(raft::Message::Append(_) | raft::Message::AppendReply(_)) => {
            unreachable!("these are not rare")
        }
        Message::Raft(raft::Message::TimeoutNow { .. }) => 5,
        Message::Forward(_) => 6,
        Message::Answer(_) => 7,
        Message::Raft(raft::Message::Snapshot(_)) => 8,
        Message::Raft(raft::Message::SnapshotReply(_)) => 9,
    });
    message_fields(message, &mut |_, value| word(value));
    if let Message::Raft(raft::Message::Snapshot(chunk)) = message {
        for (key, value) in chunk.pairs.iter() {
            word(number(key));
            word(number(value));
        }
    }
}

impl Traced for Message {
    fn kind(&self) -> &'static str {
        match self {
            Message::Raft(raft::Message::Vote(_)) => "vote",
            Message::Raft(raft::Message::VoteReply(_)) => "vote-reply",
            Message::Raft(raft::Message::Append(_)) => "append",
            Message::Raft(raft::Message::AppendReply(_)) => "append-reply",
            Message::Raft(raft::Message::Snapshot(_)) => "snapshot",
            Message::Raft(raft::Message::SnapshotReply(_)) => "snapshot-reply",
            Message::Raft(raft::Message::TimeoutNow { .. }) => "timeout-now",
            Message::Forward(_) => "forward",
            Message::Answer(_) => "answer",
        }
    }

    #[inline(always)]
    fn words(&self, word: &mut impl FnMut(u64)) {
        // Nearly all messages are one of these two.
        match self {
            Message::Raft(raft::Message::Append(append)) => {
                word(3);
                append_fields(append, &mut |_, value| word(value));
                for entry in append.entries.as_deref().unwrap_or_default() {
                    entry_words(entry, word);
                }
            }
            Message::Raft(raft::Message::AppendReply(reply)) => {
                word(4);
                append_reply_fields(reply, &mut |_, value| word(value));
            }
            rare => rare_words(rare, word),
        }
    }

    fn fields(&self, field: &mut dyn FnMut(&'static str, u64)) {
        message_fields(self, &mut |name, value| field(name, value));
    }
}
