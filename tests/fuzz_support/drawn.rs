//! Bytes into values. When they have run out the rest is zeros.
//!
//! An input of a node is a sequence of records, each a byte that says how long it is and what one step draws from. So bytes
//! that are damaged, missing or in excess change one step, and the others go on as they were.

use leasehold::kv::{Cas, Command, Scalar};
use leasehold::lease::{Ballot, LeaseLengths};
use leasehold::node::{Answer, Operation, Refusal};
use leasehold::raft::{Index, MemberAction, Members, MembershipChange, MembershipFault, Name, Payload};
use leasehold::time::Span;

use super::records;

/// See the [module](self).
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Those of the next record, if there is one.
    pub(crate) fn of_record(input: &mut &'a [u8]) -> Option<Bytes<'a>> {
        let (record, rest) = records::split_first(input)?;
        *input = rest;
        Some(Bytes(record))
    }

    /// None at all.
    pub(crate) fn none() -> Bytes<'a> {
        Bytes(&[])
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// A number near `here`, or one that nobody has counted to. What is larger than the largest does not come through the
    /// wire.
    pub(crate) fn number(&mut self, here: u64) -> u64 {
        let most = i64::MAX.unsigned_abs();
        let number = match self.byte() % 12 {
            0..=5 => here,
            6 => here.saturating_sub(1),
            7 => here.saturating_add(1),
            8 => u64::from(self.byte()),
            9 => here.saturating_add(u64::from(self.byte())),
            10 => 0,
            _ => most - u64::from(self.byte() % 4),
        };
        number.min(most)
    }

    pub(crate) fn span(&mut self) -> Span {
        let unit = [0, 1_000_000, 50_000_000, 1_000_000_000][usize::from(self.byte() % 4)];
        Span::nanos(unit * u64::from(self.byte()))
    }

    pub(crate) fn scalar(&mut self) -> Scalar {
        match self.byte() % 4 {
            0 => Scalar::Null,
            1 => Scalar::Text("x".into()),
            _ => Scalar::Integer(i64::from(self.byte() % 4)),
        }
    }

    pub(crate) fn command(&mut self) -> Command {
        let (key, value) = (self.scalar(), self.scalar());
        if self.flag() {
            return Command::Write { key, value };
        }
        let (to, create_if_not_exists) = (self.scalar(), self.flag());
        Command::Cas(Box::new(Cas { key, from: value, to, create_if_not_exists }))
    }

    pub(crate) fn operation(&mut self) -> Operation {
        match self.byte() % 16 {
            0 | 8 => Operation::Change(self.change()),
            2 => Operation::Agree(self.lengths()),
            1 | 3 | 5 | 7 | 9 | 11 | 13 | 15 => Operation::Read { key: self.scalar() },
            _ => Operation::Update(self.command()),
        }
    }

    /// Mostly lengths that may be agreed on.
    pub(crate) fn lengths(&mut self) -> LeaseLengths {
        let mut seconds = || Span::secs(u64::from(self.byte() % 4));
        let (duration, more, max_clock_skew) = (seconds(), seconds(), seconds());
        LeaseLengths { duration, election_timeout: duration + more, max_clock_skew }
    }

    /// One of the members there may be, or somebody new.
    pub(crate) fn name(&mut self) -> Name {
        format!("n{}", self.byte() % 9 + 1).as_str().into()
    }

    pub(crate) fn change(&mut self) -> MembershipChange {
        let actions = [MemberAction::Add, MemberAction::Promote, MemberAction::Remove];
        MembershipChange { action: actions[usize::from(self.byte() % 3)], node: self.name() }
    }

    /// As it may come over the wire: at least one voter, nobody twice.
    pub(crate) fn members(&mut self) -> Members {
        let mut members = Members { voters: vec![self.name()], learners: Vec::new() };
        for _ in 0..self.byte() % 6 {
            let name = self.name();
            let known = members.voters.contains(&name) || members.learners.contains(&name);
            match (known, self.flag()) {
                (true, _) => {}
                (false, true) => members.voters.push(name),
                (false, false) => members.learners.push(name),
            }
        }
        members
    }

    pub(crate) fn payload(&mut self) -> Payload {
        match self.byte() % 8 {
            0 => Payload::Configuration(Box::new(self.members())),
            1 | 5 => Payload::Noop,
            4 => Payload::Lease(self.lengths()),
            _ => Payload::Command(self.command()),
        }
    }

    pub(crate) fn answer(&mut self) -> Answer {
        match self.byte() % 8 {
            0 | 1 => Answer::Value {
                value: self.flag().then(|| self.scalar()),
                lease_valid: self.flag(),
                network_round_trips: if self.flag() { u32::MAX } else { 0 },
            },
            2 if self.flag() => {
                Answer::Configured { index: Index(self.number(1)), members: Box::new(self.members()) }
            }
            2 => Answer::Done,
            3 if self.flag() => Answer::Refused(Refusal::Membership(MembershipFault::UnderWay)),
            3 if self.flag() => Answer::Refused(Refusal::UnsafeLease),
            3 => Answer::Refused(Refusal::NoLeader),
            4 => Answer::Refused(Refusal::Overloaded),
            5 => Answer::Refused(Refusal::TimedOut),
            6 => Answer::Refused(Refusal::Superseded),
            _ => Answer::Refused(Refusal::PreconditionFailed { found: self.scalar() }),
        }
    }

    pub(crate) fn ballot(&mut self) -> Ballot {
        [Ballot::PreVote, Ballot::Vote, Ballot::TransferVote][usize::from(self.byte() % 3)]
    }
}
