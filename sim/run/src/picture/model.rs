//! The data of a picture. `sim/page/src/picture.ts` holds the same as TypeScript; a test says when that is stale.

use serde::Serialize;

use crate::blame::Blame;
use crate::watch::{LeadershipChange, LeaseOver};

/// Nanoseconds as JavaScript reads them exactly: between -2^53 and 2^53. What is beyond is cut to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Ns(#[cfg_attr(test, ts(type = "number"))] i64);

impl Ns {
    const MOST: i64 = (1 << 53) - 1;

    /// From an unsigned time.
    pub fn of(nanos: u64) -> Ns {
        Ns(i64::try_from(nanos).unwrap_or(i64::MAX).min(Ns::MOST))
    }

    /// From a difference.
    pub fn signed(nanos: i128) -> Ns {
        let most = i128::from(Ns::MOST);
        Ns(i64::try_from(nanos.clamp(-most, most)).unwrap_or(Ns::MOST))
    }

    /// The number.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// A place in a list, as data.
pub(super) fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Declares data that is written as JSON and, in tests, as TypeScript.
macro_rules! data {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Default, Serialize)]
            #[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)+
            }
        )+

        /// Every declaration as TypeScript, in the order of this file.
        #[cfg(test)]
        pub(super) fn declarations(config: &ts_rs::Config) -> Vec<String> {
            vec![$(<$name as ts_rs::TS>::decl(config)),+]
        }
    };
}

data! {
    /// One run.
    Picture {
        /// What was run.
        setting: Setting,
        /// What it comes to, in words and numbers.
        verdict: Verdict,
        /// True time at the end of the run.
        end: Ns,
        /// One a node, in the scenario's order. Other lists name a node by its place here.
        nodes: Vec<NodeLane>,
        /// One a client, in the scenario's order.
        clients: Vec<Client>,
        /// Who led, followed, campaigned or was down, and when.
        roles: Vec<Role>,
        /// Every lease, renewals joined.
        leases: Vec<Lease>,
        /// Every promise not to vote, renewals joined.
        promises: Vec<Promise>,
        /// Times in which a process stood still or was down.
        stops: Vec<Stop>,
        /// What went wrong.
        faults: Vec<FaultBar>,
        /// Every change of leadership.
        changes: Vec<Change>,
        /// The change that the picture is about, by its place in `changes`.
        #[serde(skip_serializing_if = "Option::is_none")]
        told: Option<u32>,
        /// The first stale read.
        #[serde(skip_serializing_if = "Option::is_none")]
        stale: Option<StaleRead>,
        /// The story, in order of time.
        moments: Vec<Moment>,
        /// Messages between nodes: those nearest to the story.
        messages: Vec<Message>,
        /// What clients asked: those nearest to the story.
        operations: Vec<Operation>,
        /// What of both is not here.
        counted: Counted,
        /// The longest times without service.
        gaps: Vec<Gap>,
        /// From when on the end of all faults came too late. Asked for separately.
        #[serde(skip_serializing_if = "Option::is_none")]
        inevitable: Option<Inevitable>,
        /// The trace hash, 16 hexadecimal digits.
        trace: String,
        /// Events of the whole run, decimal.
        events: String,
    }

    /// What was run, in words and numbers.
    Setting {
        /// `elapsed` or `deadline`.
        form: String,
        /// D.
        lease: Ns,
        /// T.
        election_timeout: Ns,
        /// s.
        max_clock_skew: Ns,
        /// D - s: how long a lease serves.
        effective: Ns,
        /// How many nodes vote at the start.
        voters: u32,
        /// The lease rules, by name; the sound ones are `sound`.
        rules: String,
        /// The clock that lanes show, and that the form of lease is told by: `wall`, `boot` or `raw`.
        clock: String,
        /// The seed, decimal.
        seed: String,
        /// Each line of the setting: a name and what it is.
        lines: Vec<Line>,
    }

    /// A name and a text.
    Line {
        /// `network`, `client`, ...
        name: String,
        /// What it is.
        text: String,
    }

    /// What a run comes to.
    Verdict {
        /// `stale`, `not-safe`, `safe` or `not-known`.
        safety: String,
        /// The verdict's first words: "Stale read".
        word: String,
        /// The verdict as one sentence.
        sentence: String,
        /// Three questions with their answers.
        cards: Vec<Card>,
        /// What T - (D - s) is, and what took from it. Absent where it cannot be split.
        #[serde(skip_serializing_if = "Option::is_none")]
        budget: Option<Budget>,
        /// The margin of the told change; absent where there is none. A lease that never ends has no number either.
        #[serde(skip_serializing_if = "Option::is_none")]
        margin: Option<Ns>,
        /// Reads that were answered.
        reads: u32,
        /// Stale reads.
        stale_reads: u32,
    }

    /// One question.
    Card {
        /// "Which node served it?"
        question: String,
        /// The answer, a few words.
        answer: String,
        /// What it rests on.
        evidence: Vec<String>,
    }

    /// A margin as a sum.
    Budget {
        /// T - (D - s).
        slack: Ns,
        /// What added to it, or took from it.
        parts: Vec<Part>,
        /// The sum.
        margin: Ns,
    }

    /// One part of a margin.
    Part {
        /// "offset".
        word: String,
        /// Positive: it added.
        by: Ns,
    }

    /// A node.
    NodeLane {
        /// Its name.
        name: String,
        /// It votes at the start.
        voter: bool,
        /// Its clocks: raw, boot and wall.
        clocks: Vec<Clock>,
    }

    /// One clock of a node: straight lines.
    Clock {
        /// `raw`, `boot` or `wall`.
        name: String,
        /// In order of time. The last goes on to the end of the run.
        segments: Vec<Segment>,
    }

    /// A straight line of a clock.
    Segment {
        /// It begins at this true time.
        at: Ns,
        /// The clock's reading then, since its base.
        local: Ns,
        /// Faster than true time by this, in parts per billion; -1 000 000 000 stands still.
        rate: Ns,
        /// What began it: `start` or the word of a fault.
        cause: String,
    }

    /// A client.
    Client {
        /// Its name.
        name: String,
    }

    /// What a node was for a time.
    Role {
        /// Which node.
        node: u32,
        /// `follower`, `candidate`, `leader` or `down`.
        role: String,
        /// Its term.
        term: u32,
        /// From then on ...
        from: Ns,
        /// ... until then.
        to: Ns,
        /// A leader: from then on it can acknowledge writes.
        #[serde(skip_serializing_if = "Option::is_none")]
        ready: Option<Ns>,
    }

    /// A lease with all its renewals.
    Lease {
        /// Whose.
        node: u32,
        /// In which term.
        term: u32,
        /// It was first in force.
        from: Ns,
        /// It was renewed last.
        renewed: Ns,
        /// It is counted from then: the send of the round that the last renewal rests on.
        start: Ns,
        /// Its holder serves until then, whatever ends it. Absent: its holder's clock never comes to its end.
        #[serde(skip_serializing_if = "Option::is_none")]
        over: Option<Ns>,
        /// It should have ended then: D - s after its start.
        true_end: Ns,
        /// What ended it: `clock`, `given-up`, `crash`, `stopped` (its holder stood still) or `never`.
        ended: String,
        /// How often it was renewed.
        renewals: u32,
    }

    /// A promise neither to vote nor to campaign, with all its renewals.
    Promise {
        /// Who promised.
        node: u32,
        /// To which leader. Absent: the node withholds votes because it has restarted.
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<u32>,
        /// The leader's term; 0 after a restart.
        term: u32,
        /// It was first in force.
        from: Ns,
        /// It was renewed last: the round came then.
        received: Ns,
        /// That round was sent then.
        sent: Ns,
        /// The node believes it over then. Absent: its clock never comes to its end.
        #[serde(skip_serializing_if = "Option::is_none")]
        over: Option<Ns>,
        /// A perfect clock would end it then.
        true_end: Ns,
        /// What ended it: `clock`, `crash` or `never`.
        ended: String,
        /// How often it was renewed.
        renewals: u32,
    }

    /// A time in which a process did nothing.
    Stop {
        /// Which node.
        node: u32,
        /// `stopped` (it stands still) or `down` (it has crashed).
        kind: String,
        /// From then on ...
        from: Ns,
        /// ... until then.
        to: Ns,
    }

    /// Something that went wrong.
    FaultBar {
        /// Its key in a scenario: `isolate`.
        word: String,
        /// In words.
        what: String,
        /// It happened then ...
        at: Ns,
        /// ... and was undone or healed then. Absent: not in this run.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Ns>,
        /// The nodes that it changes.
        nodes: Vec<u32>,
        /// The links that it cuts or holds, as [sender, receiver].
        links: Vec<(u32, u32)>,
    }

    /// A change of leadership.
    Change {
        /// The old leader; absent where no lease was before.
        #[serde(skip_serializing_if = "Option::is_none")]
        old: Option<u32>,
        /// Its term, or 0.
        old_term: u32,
        /// The new leader.
        new: u32,
        /// Its term.
        new_term: u32,
        /// From then on the new leader could acknowledge writes.
        ready: Ns,
        /// The old lease was over then. Absent: no lease was before, or it never ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        over: Option<Ns>,
        /// The old lease never ends.
        never: bool,
        /// `ready - over`.
        #[serde(skip_serializing_if = "Option::is_none")]
        margin: Option<Ns>,
        /// The voter whose promise the new leader had to wait for.
        #[serde(skip_serializing_if = "Option::is_none")]
        voter: Option<u32>,
    }

    /// The stale read.
    StaleRead {
        /// The operation, by its number.
        operation: u32,
        /// The operation that it missed.
        missed: u32,
        /// Who answered it.
        server: u32,
        /// Who answered the missed one.
        missed_server: u32,
        /// What it returned; absent: that there is no such key.
        #[serde(skip_serializing_if = "Option::is_none")]
        returned: Option<String>,
        /// What it should have returned, or something newer.
        #[serde(skip_serializing_if = "Option::is_none")]
        missed_value: Option<String>,
        /// When the returned value was written: the write was acknowledged then, if it was.
        #[serde(skip_serializing_if = "Option::is_none")]
        written: Option<Ns>,
        /// The missed value was known to a client then.
        known: Ns,
        /// The read was asked then.
        asked: Ns,
        /// It was answered then.
        answered: Ns,
        /// `asked - known`.
        stale_by: Ns,
        /// The missed write is in no log any more.
        lost: bool,
    }

    /// One moment of the story.
    Moment {
        /// True time.
        at: Ns,
        /// What happened.
        what: String,
        /// `fault`, `elected`, ... (see `MomentKind`).
        kind: String,
        /// Its part of the story: `lease`, `election`, `write`, `read` or `truth`.
        phase: String,
        /// The node.
        #[serde(skip_serializing_if = "Option::is_none")]
        node: Option<u32>,
        /// The client.
        #[serde(skip_serializing_if = "Option::is_none")]
        client: Option<u32>,
        /// The operation, by its number.
        #[serde(skip_serializing_if = "Option::is_none")]
        operation: Option<u32>,
    }

    /// A message between nodes.
    Message {
        /// Sender.
        from: u32,
        /// Receiver.
        to: u32,
        /// `append`, `vote`, ...
        kind: String,
        /// Sent then.
        sent: Ns,
        /// Delivered then. Absent: lost, or still under way at the end.
        #[serde(skip_serializing_if = "Option::is_none")]
        got: Option<Ns>,
        /// Lost then.
        #[serde(skip_serializing_if = "Option::is_none")]
        lost: Option<Ns>,
    }

    /// What a client asked.
    Operation {
        /// Its number, from 0.
        number: u32,
        /// Which client.
        client: u32,
        /// Which node it asked.
        node: u32,
        /// `read`, `write` or `cas`.
        kind: String,
        /// The key, decimal.
        key: String,
        /// What was written, or what a read returned. Absent: no such key, or no answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// Asked then.
        asked: Ns,
        /// The node decided on its answer then.
        #[serde(skip_serializing_if = "Option::is_none")]
        answered: Option<Ns>,
        /// The client had the answer then.
        #[serde(skip_serializing_if = "Option::is_none")]
        known: Option<Ns>,
        /// `value`, `done`, `not-swapped`, `refused`, `unknown` or `none`.
        reply: String,
        /// Answered under a lease, without a round trip.
        lease: bool,
        /// The read was stale.
        stale: bool,
    }

    /// What is not drawn one by one: the run in equal parts, and how much began in each.
    Counted {
        /// The length of a part.
        step: Ns,
        /// Messages sent in each part, drawn ones included.
        messages: Vec<u32>,
        /// Operations asked in each part, drawn ones included.
        operations: Vec<u32>,
        /// Stale reads asked in each part, drawn ones included.
        stale: Vec<u32>,
        /// Messages and operations are all here within this distance of a moment of the story.
        near: Ns,
        /// Messages of the whole run.
        messages_total: u32,
        /// Operations of the whole run.
        operations_total: u32,
    }

    /// A time without service.
    Gap {
        /// `leader`, `reads` or `writes`.
        kind: String,
        /// It began then.
        from: Ns,
        /// It was so long.
        length: Ns,
    }

    /// Whether ending all faults would still have helped.
    Inevitable {
        /// In order of time.
        samples: Vec<Sample>,
        /// The latest moment known at which the end of all faults still helped. Absent: it never did.
        #[serde(skip_serializing_if = "Option::is_none")]
        avoidable_at: Option<Ns>,
        /// The first moment known at which it did not.
        #[serde(skip_serializing_if = "Option::is_none")]
        too_late_at: Option<Ns>,
        /// In words.
        sentence: String,
    }

    /// One branch of the run.
    Sample {
        /// All faults end at this true time.
        at: Ns,
        /// Two leaders could serve at once all the same.
        too_late: bool,
    }
}

pub(super) fn change(change: &LeadershipChange, blame: Option<&Blame>) -> Change {
    let over = match change.lease_over {
        Some(LeaseOver::At(over)) => Some(Ns::of(over)),
        Some(LeaseOver::Never) | None => None,
    };
    Change {
        old: change.old.map(|(node, _)| narrow(node)),
        old_term: change.old.map_or(0, |(_, term)| term_of(term)),
        new: narrow(change.new),
        new_term: term_of(change.new_term),
        ready: Ns::of(change.ready_at),
        over,
        never: change.lease_over == Some(LeaseOver::Never),
        margin: change.margin().filter(|margin| *margin > i64::MIN).map(|margin| Ns::signed(margin.into())),
        voter: blame.and_then(|blame| blame.bond).map(|bond| narrow(bond.voter)),
    }
}

/// A term as data; a simulated cluster never comes near the end of it.
pub(super) fn term_of(term: u64) -> u32 {
    u32::try_from(term).unwrap_or(u32::MAX)
}
