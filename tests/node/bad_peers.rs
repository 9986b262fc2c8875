//! Messages that no correct member sends, and what they must not do.

use leasehold::lease::Ballot;
use leasehold::node::{Input, Message, Operation};
use leasehold::raft::{
    self, Append, Configured, Entry, Index, MemberAction, MembershipChange, Misbehaviour, Note, Payload,
    Position, Role, SnapshotChunk, Term, VoteReply, VoteRequest,
};
use leasehold::time::{Clock, Span};

use crate::cluster::{Cluster, id, lengths, write};
use crate::time::At;

/// The furthest that a term may be ahead.
const TERMS_BEHIND_MAX: u64 = 1 << 32;

fn append(term: u64, previous_term: u64, entries: &[u64]) -> raft::Message {
    let entries: Vec<Entry> =
        entries.iter().map(|term| Entry { term: Term(*term), payload: Payload::Noop }).collect();
    raft::Message::Append(Append {
        term: Term(term),
        round: 1_000,
        promise: Span::secs(5),
        stamp: None,
        previous_index: Index(1),
        previous_term: Term(previous_term),
        commit: Index(0),
        entries: (!entries.is_empty()).then(|| entries.into()),
    })
}

/// What follower n2 does with a message of n3's: its term then, and what it says of n3.
fn after(message: raft::Message) -> (Cluster, u64, Vec<Misbehaviour>) {
    let mut cluster = Cluster::elected();
    cluster.notes.clear();
    cluster.give(id(1), Input::Message { from: id(2), message: Message::Raft(message) });
    let facts = cluster.notes.iter().filter_map(|note| match note {
        Note::Misbehaviour { fact, .. } => Some(*fact),
        _ => None,
    });
    let facts = facts.collect();
    let term = cluster.nodes[1].0.raft().term().0;
    (cluster, term, facts)
}

#[test]
fn a_term_that_nobody_can_have_come_to_is_not_adopted() {
    let at = 1;
    assert_eq!(Cluster::elected().nodes[1].0.raft().term(), Term(at));
    for term in [at + TERMS_BEHIND_MAX + 1, i64::MAX.unsigned_abs()] {
        let vote = VoteRequest {
            ballot: Ballot::TransferVote,
            term: Term(term),
            last_index: Index(9),
            last_term: Term(9),
        };
        let reply = VoteReply { ballot: Ballot::Vote, term: Term(term), granted: false, leader: None };
        for message in [append(term, 1, &[]), raft::Message::Vote(vote), raft::Message::VoteReply(reply)] {
            let (mut cluster, now, facts) = after(message);
            assert_eq!((now, &facts[..]), (at, &[Misbehaviour::TermOutOfReach][..]));
            cluster.pass(1_000);
            assert!(cluster.leads(0) && cluster.nodes[0].0.raft().term() == Term(at), "nobody was disturbed");
        }
    }
}

#[test]
fn a_node_that_was_away_for_long_adopts_a_term_that_is_far_ahead() {
    let term = 1 + TERMS_BEHIND_MAX;
    let (cluster, now, facts) = after(append(term, 1, &[]));
    assert_eq!((now, facts), (term, vec![]));
    assert_eq!(cluster.nodes[1].0.raft().leader(), Some(id(2)));
}

#[test]
fn a_log_whose_terms_are_out_of_order_is_no_leaders() {
    for (previous, entries) in [(3, &[][..]), (1, &[3]), (1, &[2, 1]), (2, &[1, 2])] {
        let (mut cluster, term, facts) = after(append(2, previous, entries));
        assert_eq!(facts, [Misbehaviour::TermsOutOfOrder], "{previous} {entries:?}");
        assert_eq!((term, cluster.nodes[1].0.raft().log().last_index()), (1, Index(1)));
        cluster.pass(1_000);
        assert!(cluster.leads(0), "nobody was disturbed");
    }
}

#[test]
fn a_snapshot_does_not_end_in_a_term_before_what_is_committed() {
    let mut cluster = Cluster::elected();
    // Another election, so that something of term 2 is committed.
    cluster.hand_over(0, Some(1));
    cluster.pass(1_000);
    assert!(cluster.leads(1) && cluster.nodes[2].0.raft().term() == Term(2));
    let commit = cluster.nodes[2].0.raft().commit();
    for (term, fact) in [(1, Some(Misbehaviour::BadSnapshot)), (2, None)] {
        cluster.notes.clear();
        let chunk = SnapshotChunk {
            term: Term(2),
            at: Position { index: Index(commit.0 + 10), term: Term(term) },
            agreed: None,
            cluster: None,
            configured: None,
            offset: 0,
            pairs: [].into(),
            last: true,
        };
        let message = Message::Raft(raft::Message::Snapshot(chunk.into()));
        cluster.give(id(2), Input::Message { from: id(1), message });
        let installed = cluster.nodes[2].0.applied() > commit;
        assert_eq!(installed, fact.is_none());
        let told = cluster.notes.iter().any(|note| matches!(note, Note::Misbehaviour { .. }));
        assert_eq!(told, fact.is_some());
    }
}

#[test]
fn a_snapshot_that_does_not_know_of_a_committed_change_of_members_is_refused() {
    // The log: the leader's own entry, the change, a write, all committed. A snapshot from behind them has that change, or
    // one that came after all of them.
    let (change, commit) = (Index(2), Index(3));
    let bad = Some(Misbehaviour::BadSnapshot);
    let cases = [
        (None, bad),
        (Some(Index(1)), bad),
        (Some(change), None),
        (Some(commit), bad),
        (Some(commit.next()), None),
    ];
    for (configured, fact) in cases {
        let mut cluster = Cluster::with_learners(3, 1);
        cluster.pass(6_000);
        let removal = MembershipChange { action: MemberAction::Remove, node: "n4".into() };
        cluster.ask(0, 1, Operation::Change(removal));
        cluster.deliver_all();
        cluster.ask(0, 2, write(1));
        cluster.pass(1_000);
        let follower = cluster.nodes[1].0.raft();
        assert_eq!((follower.configuration_index(), follower.commit()), (change, commit));
        let members = follower.members();
        let chunk = SnapshotChunk {
            term: follower.term(),
            at: Position { index: Index(commit.0 + 10), term: follower.term() },
            agreed: None,
            cluster: None,
            configured: configured.map(|index| Configured { index, members: members.clone() }.into()),
            offset: 0,
            pairs: [].into(),
            last: true,
        };
        cluster.notes.clear();
        let message = Message::Raft(raft::Message::Snapshot(chunk.into()));
        cluster.give(id(1), Input::Message { from: id(0), message });
        let told = cluster.notes.iter().find_map(|note| match note {
            Note::Misbehaviour { fact, .. } => Some(*fact),
            _ => None,
        });
        let (follower, _) = &cluster.nodes[1];
        assert_eq!((told, follower.applied() > commit), (fact, fact.is_none()), "{configured:?}");
        assert_eq!(follower.raft().members(), members, "{configured:?}");
    }
}

/// Nobody else can lead where one node votes, so it begins at once when it starts; but a promise is a promise.
#[test]
fn a_sole_voter_that_has_promised_keeps_that_after_a_restart() {
    let mut cluster = Cluster::with_learners(1, 1);
    cluster.restart(id(0));
    assert!(cluster.leads(0), "it has promised nothing");
    let term = cluster.nodes[0].0.raft().term().0 + 1;
    let message = Message::Raft(append(term, 1, &[]));
    cluster.give(id(0), Input::Message { from: id(1), message });
    assert_eq!(cluster.nodes[0].0.raft().leader(), Some(id(1)));
    cluster.restart(id(0));
    assert!(!cluster.leads(0));
    cluster.pass(4_999);
    assert!(!cluster.leads(0), "it has promised for 5 s");
    cluster.pass(2_000);
    assert!(cluster.leads(0));
}

/// A term has one leader, also when that has stepped down. Else another's entry would pass for this one's proposal, which is
/// known by its index and term.
#[test]
fn nobody_else_leads_a_term_that_a_node_has_led() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(1));
    cluster.full = Some(id(0));
    cluster.ask(0, 2, write(2));
    let term = cluster.nodes[0].0.raft().term();
    assert_eq!(cluster.nodes[0].0.raft().role(), Role::Follower);
    let (base, entry) = (cluster.nodes[0].0.raft().commit(), Entry { term, payload: Payload::Noop });
    cluster.notes.clear();
    let message = Message::Raft(raft::Message::Append(Append {
        term,
        round: 1_000,
        promise: Span::secs(5),
        stamp: None,
        previous_index: base,
        previous_term: cluster.nodes[0].0.raft().log().term_at(base).unwrap(),
        commit: Index(base.0 + 9),
        entries: Some(vec![entry; 9].into()),
    }));
    cluster.give(id(0), Input::Message { from: id(1), message });
    let misbehaves = Note::Misbehaviour { peer: id(1), fact: Misbehaviour::LeadsOurTerm };
    assert_eq!((cluster.notes.as_slice(), cluster.answer(2)), (&[misbehaves][..], None));
}

/// What n2 answers to a round of n1, its leader, that asks for a promise of so many milliseconds and has such entries:
/// the round that it acknowledges, the entries that it stored, and how long it withholds votes then.
fn asked_for(cluster: &mut Cluster, millis: u64, payloads: Vec<Payload>) -> (u64, u64, Span) {
    let leader = cluster.nodes[0].0.raft();
    let (term, last) = (leader.term(), leader.log().last_index());
    let count = payloads.len() as u64;
    let entries: Vec<Entry> = payloads.into_iter().map(|payload| Entry { term, payload }).collect();
    let round = 1_000_000 + millis;
    let append = Append {
        term,
        round,
        promise: Span::millis(millis),
        stamp: None,
        previous_index: last,
        previous_term: term,
        commit: last,
        entries: (count > 0).then(|| entries.into()),
    };
    cluster.network.clear();
    cluster
        .give(id(1), Input::Message { from: id(0), message: Message::Raft(raft::Message::Append(append)) });
    let reply = cluster.network.iter().find_map(|(_, to, message)| match message {
        Message::Raft(raft::Message::AppendReply(reply)) if *to == id(0) => Some(*reply),
        _ => None,
    });
    let reply = reply.expect("an answer");
    let raft::AppendOutcome::Accepted { matched } = reply.outcome else { panic!("{reply:?}") };
    let withheld = cluster.nodes[1].0.status(&At(cluster.now).read()).votes_withheld.unwrap_or(Span::ZERO);
    (if reply.round == round { 1 } else { reply.round }, matched.0 - last.0, withheld)
}

#[test]
fn no_promise_is_longer_than_what_the_cluster_has_agreed_on() {
    // T is 5 s, by each node's own settings. Others may have other settings, within reason.
    let mut cluster = Cluster::elected();
    let year = 365 * 24 * 3_600 * 1_000;
    for too_long in [50_001, year] {
        let (round, stored, withheld) = asked_for(&mut cluster, too_long, vec![Payload::Noop]);
        assert_eq!((round, stored), (0, 1), "stored, and not promised");
        assert!(withheld <= Span::secs(5), "{withheld}");
        assert_eq!(cluster.longest_promise(1), Span::secs(5));
        let told = Note::Misbehaviour { peer: id(0), fact: Misbehaviour::AsksTooLong };
        assert!(cluster.notes.contains(&told));
    }
    assert_eq!(asked_for(&mut cluster, 50_000, vec![]), (1, 0, Span::secs(50)));
}

#[test]
fn a_promise_is_as_long_as_an_entry_in_the_log_says_and_no_longer() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, Operation::Agree(lengths(1_000, 2_000, 100)));
    cluster.pass(6_000);
    assert_eq!(asked_for(&mut cluster, 5_001, vec![]).0, 0, "agreed is 2 s, and its own flag says 5 s");
    // The leader has applied lengths that this node has not heard of as committed.
    let longer = Payload::Lease(lengths(1_000, 90_000, 100));
    assert_eq!(asked_for(&mut cluster, 90_001, vec![longer.clone()]).0, 0);
    assert_eq!(asked_for(&mut cluster, 90_000, vec![longer]), (1, 1, Span::secs(90)));
}
