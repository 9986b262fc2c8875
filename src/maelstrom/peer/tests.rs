//! Every message comes back as it was, and nothing makes the reader panic.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Content, Incoming, Outbox, PeerContent};
use crate::kv::{Cas, Command, Pairs, Scalar};
use crate::lease::{Ballot, LeaseLengths};
use crate::node::{Answer, Forward, ForwardAnswer, Message, Operation, Refusal};
use crate::raft::{
    self, Append, AppendOutcome, AppendReply, Configured, Entry, Index, MemberAction, Members,
    MembershipChange, MembershipFault, Name, Payload, Position, Received, SnapshotChunk, SnapshotReply,
    StateDigest, Term, VoteReply, VoteRequest,
};
use crate::time::{Nanos, Span};

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![0..1_000u64, 0..=i64::MAX.unsigned_abs()]
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        Just(Scalar::Null),
        any::<bool>().prop_map(Scalar::Bool),
        any::<i64>().prop_map(Scalar::Integer),
        prop::sample::select(vec!["1.0", "-0", "1e400", "12345678901234567890123", "0.10"])
            .prop_map(|text| Scalar::Number(text.into())),
        any::<String>().prop_map(|text| Scalar::Text(text.into())),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (scalar(), scalar()).prop_map(|(key, value)| Command::Write { key, value }),
        (scalar(), scalar(), scalar(), any::<bool>()).prop_map(|(key, from, to, create_if_not_exists)| {
            Command::Cas(Box::new(Cas { key, from, to, create_if_not_exists }))
        }),
    ]
}

fn lengths() -> impl Strategy<Value = LeaseLengths> {
    let length = || (0..=365 * 24 * 3_600 * 1_000_000_000u64).prop_map(Span::nanos);
    (length(), length(), length()).prop_map(|(duration, election_timeout, max_clock_skew)| LeaseLengths {
        duration,
        election_timeout,
        max_clock_skew,
    })
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        (1..9u8).prop_map(|number| format!("n{number}").as_str().into()),
        any::<String>().prop_filter_map("a name that a node may have", |text| {
            (1..=256).contains(&text.len()).then(|| text.as_str().into())
        }),
    ]
}

fn members() -> impl Strategy<Value = Members> {
    let names = prop::collection::btree_set(name(), 1..6);
    (names, any::<prop::sample::Index>()).prop_map(|(names, voters)| {
        let mut names: Vec<Name> = names.into_iter().collect();
        let learners = names.split_off(voters.index(names.len()) + 1);
        Members { voters: names, learners }
    })
}

fn cluster() -> impl Strategy<Value = Name> {
    "[a-zA-Z0-9._-]{1,64}".prop_map(|id| id.as_str().into())
}

fn configured() -> impl Strategy<Value = Option<Arc<Configured>>> {
    let some = (count(), members());
    prop::option::of(some.prop_map(|(index, members)| Arc::new(Configured { index: Index(index), members })))
}

fn snapshot_place() -> impl Strategy<Value = (Term, Position)> {
    (count(), count(), count()).prop_map(|(term, index, index_term)| {
        (Term(term), Position { index: Index(index), term: Term(index_term) })
    })
}

fn change() -> impl Strategy<Value = MembershipChange> {
    let actions = vec![MemberAction::Add, MemberAction::Promote, MemberAction::Remove];
    (prop::sample::select(actions), name()).prop_map(|(action, node)| MembershipChange { action, node })
}

fn entries() -> impl Strategy<Value = Option<Arc<[Entry]>>> {
    let payload = prop_oneof![
        Just(Payload::Noop),
        command().prop_map(Payload::Command),
        lengths().prop_map(Payload::Lease),
        members().prop_map(|members| Payload::Configuration(Box::new(members))),
        cluster().prop_map(Payload::Cluster)
    ];
    let entry = (count(), payload).prop_map(|(term, payload)| Entry { term: Term(term), payload });
    prop::option::of(prop::collection::vec(entry, 1..5).prop_map(Arc::from))
}

fn pairs() -> impl Strategy<Value = Pairs> {
    prop::collection::vec((scalar(), scalar()), 0..5).prop_map(Pairs::from)
}

fn append() -> impl Strategy<Value = Append> {
    let counts = (count(), count(), count(), count(), count());
    let promise = 0..=365 * 24 * 3_600 * 1_000_000_000u64;
    (counts, promise, any::<Option<u64>>(), entries()).prop_map(|(counts, promise, stamp, entries)| {
        let (term, round, previous_index, previous_term, commit) = counts;
        Append {
            term: Term(term),
            round,
            promise: Span::nanos(promise),
            stamp: stamp.map(Nanos),
            previous_index: Index(previous_index),
            previous_term: Term(previous_term),
            commit: Index(commit),
            entries,
        }
    })
}

fn ballot() -> impl Strategy<Value = Ballot> {
    prop::sample::select(vec![Ballot::PreVote, Ballot::Vote, Ballot::TransferVote])
}

fn raft_message() -> impl Strategy<Value = raft::Message> {
    let outcome = (0..3, count(), count()).prop_map(|(which, a, b)| match which {
        0 => AppendOutcome::Accepted { matched: Index(a) },
        1 => AppendOutcome::Rejected { previous_index: Index(a), hint: Index(b) },
        _ => AppendOutcome::StaleTerm,
    });
    prop_oneof![
        append().prop_map(raft::Message::Append),
        (count(), count(), outcome, prop::option::of((count(), any::<u64>()))).prop_map(
            |(term, round, outcome, state)| {
                let state = state.map(|(index, hash)| StateDigest { index: Index(index), hash });
                raft::Message::AppendReply(AppendReply { term: Term(term), round, outcome, state })
            }
        ),
        (ballot(), count(), count(), count()).prop_map(|(ballot, term, last_index, last_term)| {
            raft::Message::Vote(VoteRequest {
                ballot,
                term: Term(term),
                last_index: Index(last_index),
                last_term: Term(last_term),
            })
        }),
        (ballot(), count(), any::<bool>(), prop::option::of(name())).prop_map(
            |(ballot, term, granted, leader)| {
                raft::Message::VoteReply(VoteReply { ballot, term: Term(term), granted, leader })
            }
        ),
        (
            snapshot_place(),
            prop::option::of(lengths()),
            (configured(), prop::option::of(cluster())),
            count(),
            any::<bool>(),
            pairs()
        )
            .prop_map(|((term, at), agreed, (configured, cluster), offset, last, pairs)| {
                let chunk = SnapshotChunk { term, at, agreed, configured, cluster, offset, pairs, last };
                raft::Message::Snapshot(Box::new(chunk))
            }),
        (count(), count(), prop::option::of(count())).prop_map(|(term, index, count)| {
            let received = count.map_or(Received::All, Received::Pairs);
            raft::Message::SnapshotReply(SnapshotReply { term: Term(term), index: Index(index), received })
        }),
        count().prop_map(|term| raft::Message::TimeoutNow { term: Term(term) }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let value = (prop::option::of(scalar()), any::<bool>(), any::<u16>());
    prop_oneof![
        value.prop_map(|(value, lease_valid, round_trips)| Answer::Value {
            value,
            lease_valid,
            network_round_trips: round_trips.into(),
        }),
        Just(Answer::Done),
        (count(), members()).prop_map(|(index, members)| Answer::Configured {
            index: Index(index),
            members: Box::new(members),
        }),
        scalar().prop_map(|found| Answer::Refused(Refusal::PreconditionFailed { found })),
        prop::sample::select(vec![
            Refusal::KeyMissing,
            Refusal::NoLeader,
            Refusal::Overloaded,
            Refusal::Superseded,
            Refusal::TimedOut,
            Refusal::UnsafeLease,
            Refusal::Membership(MembershipFault::UnderWay),
            Refusal::Membership(MembershipFault::Behind { lag: 7 }),
            Refusal::Membership(MembershipFault::NoQuorum),
            Refusal::Membership(MembershipFault::IsLearner),
            Refusal::Membership(MembershipFault::IsVoter),
            Refusal::Membership(MembershipFault::NotMember),
            Refusal::Membership(MembershipFault::LastVoter),
            Refusal::Membership(MembershipFault::TooMany),
        ])
        .prop_map(Answer::Refused),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let operation = prop_oneof![
        scalar().prop_map(|key| Operation::Read { key }),
        command().prop_map(Operation::Update),
        lengths().prop_map(Operation::Agree),
        change().prop_map(Operation::Change)
    ];
    let forward = (any::<u64>(), count(), count(), count(), operation);
    prop_oneof![
        4 => raft_message().prop_map(Message::Raft),
        1 => forward.prop_map(|(incarnation, sequence, floor, term, operation)| {
            let forward = Forward { incarnation, sequence, floor, term: Term(term), operation };
            Message::Forward(Box::new(forward))
        }),
        1 => (any::<u64>(), count(), answer()).prop_map(|(incarnation, sequence, answer)| {
            Message::Answer(ForwardAnswer {
                incarnation,
                sequence,
                answer,
            })
        }),
    ]
}

/// Numbers whose text a tree of JSON does not keep.
fn has_odd_numbers(message: &Message) -> bool {
    let text = format!("{message:?}");
    text.contains("Number(")
}

fn line_of(message: &Message) -> Vec<u8> {
    let mut outbox = Outbox::default();
    outbox.send("n1", "n2", message, Some("plum-7"));
    outbox.lines().trim_ascii_end().to_vec()
}

fn client_line() -> impl Strategy<Value = Vec<u8>> {
    let bodies = vec![
        r#""type":"init","node_id":"n1","node_ids":["n1","n2"]"#,
        r#""type":"cas","key":"x","from":1.0,"to":null,"create_if_not_exists":true"#,
        r#""type":"lease_read","key":"\u00fc""#,
        r#""type":"membership","promote":"n4""#,
        r#""type":"lease_read_config","lease_duration_ms":3,"election_timeout_ms":5,"max_clock_skew_ms":0"#,
    ];
    prop::sample::select(bodies)
        .prop_map(|body| format!(r#"{{"src":"c1","dest":"n1","body":{{"msg_id":1,{body}}}}}"#).into_bytes())
}

/// Other spaces, another order of fields, one field more: as a carrier might write it that reads lines as JSON.
fn rewritten(line: &[u8]) -> String {
    // Its maps are sorted by name.
    let mut tree: serde_json::Value = serde_json::from_slice(line).unwrap();
    tree["id"] = 7.into();
    serde_json::to_string_pretty(&tree).unwrap().replace('\n', " ")
}

proptest! {
    /// A number that a tree of JSON does not keep as it was written is left out.
    #[test]
    fn a_carrier_may_write_a_line_anew(message in message()) {
        let line = line_of(&message);
        prop_assume!(!has_odd_numbers(&message));
        let anew = rewritten(&line);
        let incoming = Incoming::parse(anew.as_bytes()).unwrap();
        prop_assert_eq!(incoming.content, Content::Peer(PeerContent::Message(message)), "{}", anew);
    }

    /// One byte that is damaged, anywhere: the line is dropped, or says what it said (a space, an escape).
    #[test]
    fn a_damaged_line_is_not_believed(
        message in message(),
        place in any::<prop::sample::Index>(),
        byte: u8,
        carrier: bool,
    ) {
        let line = line_of(&message);
        let mut damaged = line.clone();
        if carrier && !has_odd_numbers(&message) {
            damaged = rewritten(&line).into_bytes();
        }
        let place = place.index(damaged.len());
        prop_assume!(damaged[place] != byte);
        damaged[place] = byte;
        if let Ok(incoming) = Incoming::parse(&damaged)
            && let Content::Peer(content) = incoming.content
        {
            prop_assert_eq!((&*incoming.src, &*incoming.dest), ("n1", "n2"));
            prop_assert_eq!(incoming.cluster.as_deref(), Some("plum-7"));
            prop_assert_eq!(content, PeerContent::Message(message));
        }
    }

    #[test]
    fn every_message_between_nodes_comes_back_as_it_was(message in message()) {
        let line = line_of(&message);
        prop_assert!(!line.contains(&b'\n'));
        let incoming = Incoming::parse(&line).unwrap();
        prop_assert_eq!((&*incoming.src, &*incoming.dest), ("n1", "n2"));
        prop_assert_eq!(incoming.cluster.as_deref(), Some("plum-7"));
        prop_assert_eq!(incoming.content, Content::Peer(PeerContent::Message(message)));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Incoming::parse(&bytes);
    }

    #[test]
    fn no_damage_makes_the_reader_panic(
        line in prop_oneof![message().prop_map(|message| line_of(&message)), client_line()],
        place in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let mut line = line;
        let place = place.index(line.len());
        line[place] = byte;
        let _ = Incoming::parse(&line);
        line.truncate(place);
        let _ = Incoming::parse(&line);
    }
}

#[test]
fn what_no_correct_node_sends_is_refused_and_told() {
    let year_and_a_bit = 366 * 24 * 3_600 * 1_000_000_000u64;
    let table = [
        (r#"{"type":"timeout_now"}"#.to_owned(), "missing field `term`"),
        (r#"{"type":"timeout_now","term":-1}"#.into(), "integer `-1`"),
        (r#"{"type":"timeout_now","term":1.5}"#.into(), "floating point"),
        (r#"{"type":"timeout_now","term":18446744073709551615}"#.into(), "above 9223372036854775807"),
        (r#"{"type":"timeout_now","term":1e99}"#.into(), "floating point"),
        (
            format!(
                r#"{{"type":"append","term":1,"round":1,"promise_ns":{year_and_a_bit},"previous_index":0,
                    "previous_term":0,"commit":0}}"#
            ),
            "more than a year",
        ),
        (r#"{"type":"append_reply","term":1,"round":1,"outcome":"accepted"}"#.into(), "`matched` is missing"),
        (
            r#"{"type":"append_reply","term":1,"round":1,"outcome":"perhaps"}"#.into(),
            "unknown variant `perhaps`",
        ),
        (
            r#"{"type":"forward","incarnation":"0000000000000001","sequence":1,"floor":0,"term":1,"read":1,"write":[1,2]}"#
                .into(),
            "one of `read`, `write`, `cas`, `lease` and `change`",
        ),
        (
            r#"{"type":"forward","incarnation":"0000000000000001","sequence":1,"floor":0,"term":1,"lease":[1,2,31536000000000001]}"#
                .into(),
            "more than a year",
        ),
        (
            r#"{"type":"forward","incarnation":"0000000000000001","sequence":1,"floor":0,"term":1,"change":{"add":""}}"#.into(),
            "an empty name",
        ),
        (
            r#"{"type":"forward_answer","incarnation":"0000000000000001","sequence":1,"answer":"configured","index":1,
                "configuration":{"voters":[]}}"#
                .into(),
            "a configuration of 0 voters",
        ),
        (
            r#"{"type":"append","term":1,"round":1,"promise_ns":1,"previous_index":0,"previous_term":0,"commit":0,
                "entries":[{"term":1,"configuration":{"voters":["n1"],"learners":["n1"]}}]}"#
                .into(),
            "twice",
        ),
        (
            r#"{"type":"append","term":1,"round":1,"promise_ns":1,"previous_index":0,"previous_term":0,"commit":0,
                "entries":[{"term":1,"lease":[1,2,3],"configuration":{"voters":["n1"]}}]}"#
                .into(),
            "something else at once",
        ),
        (
            r#"{"type":"forward","incarnation":"0000000000000001","sequence":1,"floor":0,"term":1,"read":{}}"#.into(),
            "found an object",
        ),
    ];
    for (body, part) in table {
        let line = format!(r#"{{"src":"n1","dest":"n2","body":{body}}}"#);
        match Incoming::parse(line.as_bytes()).unwrap().content {
            Content::BadPeer { error, .. } => {
                let text = error.to_string();
                assert!(text.contains(part), "{body}: {text}");
            }
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn fields_that_are_not_known_are_ignored() {
    let line =
        r#"{"id":7,"src":"n1","dest":"n2","body":{"type":"timeout_now","term":3,"since":[1,{"x":2}]}}"#;
    let mut line = line.as_bytes().to_vec();
    super::seal(&mut line, 0);
    let message = PeerContent::Message(Message::Raft(raft::Message::TimeoutNow { term: Term(3) }));
    assert_eq!(Incoming::parse(&line).unwrap().content, Content::Peer(message));
}

/// docs/reference/protocol.md shows a whole line, with its checksum.
#[test]
fn the_documented_line_fits_its_checksum() {
    let page = include_str!("../../../docs/reference/protocol.md");
    let line = page.lines().find(|line| line.contains("\"sum\"") && line.contains("timeout_now"));
    let line = line.expect("an example").trim_ascii();
    let mut written = format!("{}}}}}", line.split_once(r#","sum""#).unwrap().0).into_bytes();
    super::seal(&mut written, 0);
    assert_eq!(line, String::from_utf8(written).unwrap());
    let incoming = Incoming::parse(line.as_bytes()).unwrap();
    let message = PeerContent::Message(Message::Raft(raft::Message::TimeoutNow { term: Term(3) }));
    assert_eq!((incoming.cluster.as_deref(), incoming.content), (Some("plum"), Content::Peer(message)));
}
