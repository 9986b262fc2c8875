//! What goes wrong. Swarm testing (Groce and others, 2012): each seed leaves most kinds of fault out, so that the kinds
//! that are left meet each other, and nothing drowns in everything.
//!
//! A kind is a motif: one fault, or several that belong together, such as a transfer and the partition that keeps the old
//! leader from hearing of it. Motifs give the lease something to survive; where exactly they strike is left to the dice.

use leasehold::time::Span;

use super::Bound;
use super::dice::{Aspect, Dice};
use leasehold_run::setup::{Action, EventKind, FaultSpec, Order, Setup, Trigger};

/// A way to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Motif {
    IsolateLeader,
    Partition,
    /// The leader keeps the learners and as many voters as do not make a majority.
    LeaderInMinority,
    Cut,
    Pause,
    Suspend,
    HypervisorPause,
    Crash,
    /// Followers crash and are back before the lease is over, while the leader is cut off.
    CrashVotersBehindLeader,
    Transfer,
    /// There and back again, with an acknowledgement from before that comes late.
    TransferAndBack,
    HoldBack,
    Step,
    Unsynchronize,
    /// A follower hears nothing of its leader until it campaigns.
    DeafFollower,
    /// A voter grants its pre-vote, hears its leader again, and is then asked for its vote.
    PreVoteThenPromise,
    /// Beyond the bound only.
    Rate,
}

const MOTIFS: [Motif; 16] = [
    Motif::IsolateLeader,
    Motif::Partition,
    Motif::LeaderInMinority,
    Motif::Cut,
    Motif::Pause,
    Motif::Suspend,
    Motif::HypervisorPause,
    Motif::Crash,
    Motif::CrashVotersBehindLeader,
    Motif::Transfer,
    Motif::TransferAndBack,
    Motif::HoldBack,
    Motif::Step,
    Motif::Unsynchronize,
    Motif::DeafFollower,
    Motif::PreVoteThenPromise,
];

/// The kinds of message that a link may keep back.
const MESSAGES: [Option<&str>; 8] = [
    None,
    Some("append"),
    Some("append-reply"),
    Some("vote"),
    Some("vote-reply"),
    Some("timeout-now"),
    Some("snapshot"),
    Some("snapshot-reply"),
];

pub(super) fn faults(seed: u64, setup: &Setup, bound: Bound) -> Vec<FaultSpec> {
    let mut dice = Dice::new(seed, Aspect::Faults);
    let share = dice.pick(&[15, 30, 60]);
    let mut motifs: Vec<Motif> = MOTIFS.into_iter().filter(|_| dice.chance(share)).collect();
    let without = dice.chance(4);
    let count = dice.weighted(&[(35, 1), (35, 2), (20, 3), (10, 5)]);
    if bound == Bound::Beyond && dice.chance(25) {
        motifs.push(Motif::Rate);
    }
    if without {
        return Vec::new();
    }
    if motifs.is_empty() {
        motifs.push(dice.pick(&MOTIFS));
    }
    let leader = setup.cluster.first_leader.unwrap_or_else(|| dice.place(setup.cluster.voters));
    let mut scene = Scene { dice, setup, leader, at: Span::ZERO, faults: Vec::new() };
    for _ in 0..count {
        let motif = scene.dice.pick(&motifs);
        scene.begin();
        scene.play(motif);
    }
    // Nobody else may ever take over if the leader is never in trouble.
    if scene.dice.chance(80) {
        scene.begin();
        let (trigger, lasts) = (scene.now_or_soon(leader), scene.mostly_ends(1_200, 3_000));
        let action = if scene.dice.chance(80) {
            Action::Isolate { node: leader }
        } else {
            Action::Crash { node: leader }
        };
        scene.push(trigger, lasts, action);
    }
    scene.faults
}

/// Where faults are put together.
struct Scene<'a> {
    dice: Dice,
    setup: &'a Setup,
    /// The node most likely to lead when the first fault happens.
    leader: usize,
    /// When the present motif begins.
    at: Span,
    faults: Vec<FaultSpec>,
}

impl Scene<'_> {
    fn timeout(&self) -> Span {
        self.setup.lease.election_timeout
    }

    /// Not before somebody may lead, and early enough for something to come of it.
    fn begin(&mut self) {
        let timeout = self.timeout();
        let latest = self.setup.duration.saturating_sub(timeout * 2);
        self.at = self.dice.span(timeout + timeout.div(4), latest);
    }

    /// Between so many thousandths of the election timeout.
    fn while_(&mut self, least: u64, most: u64) -> Span {
        let timeout = self.timeout();
        self.dice.share(timeout, least, most) + Span::nanos(1)
    }

    fn node(&mut self) -> usize {
        if self.dice.chance(50) { self.leader } else { self.dice.place(self.setup.nodes.len()) }
    }

    /// A node other than this one; the same if there is no other.
    fn other(&mut self, than: usize) -> usize {
        let nodes = self.setup.nodes.len();
        if nodes == 1 { than } else { (than + 1 + self.dice.place(nodes - 1)) % nodes }
    }

    fn voter(&mut self) -> usize {
        self.dice.place(self.setup.cluster.voters)
    }

    fn others_than(&self, node: usize) -> Vec<usize> {
        (0..self.setup.nodes.len()).filter(|other| *other != node).collect()
    }

    /// So long after the motif's beginning. Nothing happens after the run.
    fn later(&self, after: Span) -> Trigger {
        let at = (self.at + after).as_nanos().min(self.setup.duration.as_nanos());
        Trigger::At(Span::nanos(at))
    }

    fn push(&mut self, trigger: Trigger, lasts: Option<Span>, action: Action) {
        // A cluster of one has nobody to cut off, and a scenario file names somebody.
        if matches!(&action, Action::Cut { from, to } if from.is_empty() || to.is_empty()) {
            return;
        }
        self.faults.push(FaultSpec { trigger, after: Span::ZERO, lasts, action });
    }

    /// When this happens at the node, from the motif's beginning on.
    fn when(&self, event: EventKind, node: usize) -> Trigger {
        Trigger::When { event, node: Some(node), from: self.at, nth: 1 }
    }

    /// At the motif's beginning, or when the node next does something there.
    fn now_or_soon(&mut self, node: usize) -> Trigger {
        let events = [
            EventKind::Note("lease-renewed"),
            EventKind::Served,
            EventKind::WriteAcknowledged,
            EventKind::Note("leader-ready"),
            EventKind::Note("elected"),
            EventKind::Note("campaign"),
        ];
        if self.dice.chance(55) {
            return Trigger::At(self.at);
        }
        let event = self.dice.weighted(&[(5, 0), (3, 1), (3, 2), (1, 3), (1, 4), (1, 5)]);
        let nth = u32::try_from(self.dice.between(1, 3)).expect("three at most");
        Trigger::When { event: events[event], node: Some(node), from: self.at, nth }
    }

    fn mostly_ends(&mut self, least: u64, most: u64) -> Option<Span> {
        let lasts = self.while_(least, most);
        self.dice.chance(85).then_some(lasts)
    }

    fn play(&mut self, motif: Motif) {
        let leader = self.leader;
        match motif {
            Motif::IsolateLeader => {
                let node = if self.dice.chance(80) { leader } else { self.voter() };
                let (trigger, lasts) = (self.now_or_soon(node), self.mostly_ends(300, 3_000));
                self.push(trigger, lasts, Action::Isolate { node });
            }
            Motif::Partition => {
                let (mut one, mut two) = (Vec::new(), Vec::new());
                for node in 0..self.setup.nodes.len() {
                    if self.dice.chance(50) { one.push(node) } else { two.push(node) }
                }
                let lasts = self.mostly_ends(300, 3_000);
                if !one.is_empty() && !two.is_empty() {
                    self.push(Trigger::At(self.at), lasts, Action::Partition { between: vec![one, two] });
                }
            }
            Motif::LeaderInMinority => self.leader_in_minority(),
            Motif::Cut => {
                let (from, to) = self.one_and_some();
                let (from, to) = if self.dice.chance(50) { (from, to) } else { (to, from) };
                let (trigger, lasts) = (self.now_or_soon(leader), self.mostly_ends(100, 2_500));
                self.push(trigger, lasts, Action::Cut { from, to });
            }
            Motif::Pause => {
                let node = self.node();
                let lasts = self.while_(50, 2_000);
                self.stand_still(node, lasts, Action::Pause { node });
            }
            Motif::Suspend => {
                let node = self.node();
                let lasts = self.while_(50, 2_000);
                self.stand_still(node, lasts, Action::Suspend { node });
            }
            Motif::HypervisorPause => {
                let node = self.node();
                let lasts = self.while_(20, 1_000);
                self.stand_still(node, lasts, Action::HypervisorPause { node });
            }
            Motif::Crash => {
                let node = self.node();
                let (trigger, lasts) = (self.now_or_soon(node), self.mostly_ends(5, 1_500));
                self.push(trigger, lasts, Action::Crash { node });
            }
            Motif::CrashVotersBehindLeader => self.crash_voters_behind_leader(),
            Motif::Transfer => self.transfer(),
            Motif::TransferAndBack => self.transfer_and_back(),
            Motif::HoldBack => {
                let (one, two) = (leader, self.other(leader));
                if one != two {
                    let (from, to) = if self.dice.chance(50) { (one, two) } else { (two, one) };
                    let message = self.dice.pick(&MESSAGES).map(str::to_owned);
                    let count = self.dice.pick(&[1, 1, 3, 1_000]);
                    let lasts = self.while_(50, 2_500);
                    let trigger = self.now_or_soon(leader);
                    self.push(trigger, Some(lasts), Action::Hold { from, to, message, count });
                }
            }
            Motif::Step => {
                let node = self.node();
                let most = self.timeout().as_nanos() / 4;
                let by_ns = self.dice.signed(most);
                let trigger = self.now_or_soon(leader);
                self.push(trigger, None, Action::Step { node, by_ns });
            }
            Motif::Unsynchronize => {
                let node = self.node();
                let (trigger, lasts) = (self.now_or_soon(node), self.mostly_ends(50, 3_000));
                if self.dice.chance(50) {
                    let isolated = self.while_(300, 3_000);
                    self.push(Trigger::At(self.at), Some(isolated), Action::Isolate { node });
                }
                self.push(trigger, lasts, Action::Unsynchronize { node });
            }
            Motif::DeafFollower => {
                let deaf = self.other(leader);
                if deaf != leader {
                    self.push(Trigger::At(self.at), None, Action::Cut { from: vec![leader], to: vec![deaf] });
                    let trigger = self.when(EventKind::Note("campaign"), deaf);
                    self.push(trigger, None, Action::Heal);
                }
            }
            Motif::PreVoteThenPromise => self.pre_vote_then_promise(),
            Motif::Rate => {
                let node = self.node();
                let ppb = self.dice.signed(500_000_000);
                let lasts = self.mostly_ends(300, 3_000);
                self.push(Trigger::At(self.at), lasts, Action::Rate { node, ppb });
            }
        }
    }

    /// The leader, and one or more of the others.
    fn one_and_some(&mut self) -> (Vec<usize>, Vec<usize>) {
        let mut others = self.others_than(self.leader);
        if !self.dice.chance(50) && !others.is_empty() {
            let keep = self.dice.place(others.len());
            others = vec![others[keep]];
        }
        (vec![self.leader], others)
    }

    /// A process that stands still; half of the time its messages stop on the way, before or meanwhile.
    fn stand_still(&mut self, node: usize, lasts: Span, action: Action) {
        let trigger = self.now_or_soon(node);
        self.push(trigger, Some(lasts), action);
        if self.dice.chance(50) {
            let offset = self.dice.share(lasts, 0, 1_000);
            let isolated = self.while_(300, 3_000);
            let trigger = if self.dice.chance(50) { self.later(offset) } else { Trigger::At(self.at) };
            self.push(trigger, Some(isolated), Action::Isolate { node });
        }
    }

    fn leader_in_minority(&mut self) {
        let voters = self.setup.cluster.voters;
        let mut with_leader = vec![self.leader];
        let mut left: Vec<usize> = (0..voters).filter(|voter| *voter != self.leader).collect();
        let minority = (voters - 1) / 2 + usize::from(voters.is_multiple_of(2) && self.dice.chance(50));
        while with_leader.len() < minority.max(1) && !left.is_empty() {
            let place = self.dice.place(left.len());
            with_leader.push(left.remove(place));
        }
        with_leader.extend(voters..self.setup.nodes.len());
        let (trigger, lasts) = (self.now_or_soon(self.leader), self.mostly_ends(500, 4_000));
        if !left.is_empty() {
            self.push(trigger, lasts, Action::Partition { between: vec![with_leader, left] });
        }
    }

    fn crash_voters_behind_leader(&mut self) {
        let leader = self.leader;
        if self.dice.chance(50) {
            // Somebody has been waiting to lead.
            let waiting = self.other(leader);
            if waiting != leader {
                let before = Span::nanos(self.at.as_nanos().saturating_sub(self.timeout().as_nanos()));
                let between = vec![vec![leader], vec![waiting]];
                self.push(Trigger::At(before), None, Action::Partition { between });
            }
        }
        let isolated = self.while_(500, 3_000);
        self.push(Trigger::At(self.at), Some(isolated), Action::Isolate { node: leader });
        for node in 0..self.setup.cluster.voters {
            if node != leader && self.dice.chance(75) {
                let down = self.while_(2, 300);
                self.push(Trigger::At(self.at), Some(down), Action::Crash { node });
            }
        }
    }

    fn transfer(&mut self) {
        let to = self.voter();
        self.push(Trigger::At(self.at), None, Action::Order(Order::Transfer { to }));
        let lasts = self.mostly_ends(300, 3_000);
        match self.dice.between(0, 3) {
            0 => {}
            1 => {
                let after = self.while_(1, 60);
                let trigger = self.later(after);
                self.push(trigger, lasts, Action::Isolate { node: self.leader });
            }
            _ => {
                let trigger = self.when(EventKind::Note("campaign"), to);
                self.push(trigger, lasts, Action::Isolate { node: self.leader });
            }
        }
    }

    fn transfer_and_back(&mut self) {
        let leader = self.leader;
        let mut others: Vec<usize> =
            (0..self.setup.cluster.voters).filter(|voter| *voter != leader).collect();
        if others.len() < 2 {
            return self.transfer();
        }
        let place = self.dice.place(others.len());
        let successor = others.remove(place);
        let witness = self.dice.pick(&others);
        // Rounds count from 1 in each term: the late acknowledgement must name one that comes again before the end.
        let timeout = self.timeout();
        self.at = self.dice.span(timeout + timeout.div(5), timeout * 2 + timeout.div(2));
        let count = self.dice.pick(&[1, 1, 2, 5]);
        let message = Some("append-reply".to_owned());
        self.push(Trigger::At(self.at), None, Action::Hold { from: witness, to: leader, message, count });
        let mut clock = self.while_(20, 150);
        let trigger = self.later(clock);
        self.push(trigger, None, Action::Order(Order::Transfer { to: successor }));
        clock = clock + self.while_(40, 150);
        let trigger = self.later(clock);
        self.push(trigger, None, Action::Order(Order::Transfer { to: leader }));
        clock = clock + self.while_(50, 500);
        let (trigger, others) = (self.later(clock), self.others_than(leader));
        let silent = others.iter().copied().filter(|other| *other != witness).collect();
        self.push(trigger, None, Action::Cut { from: vec![leader], to: others });
        self.push(trigger, None, Action::Cut { from: silent, to: vec![leader] });
        let trigger = self.later(clock + timeout * 2);
        self.push(trigger, None, Action::Heal);
        clock = clock + self.while_(500, 1_000);
        let trigger = self.later(clock);
        self.push(trigger, None, Action::Release { from: witness, to: leader });
    }

    fn pre_vote_then_promise(&mut self) {
        let leader = self.leader;
        let (candidate, voter) = (self.voter(), self.voter());
        if candidate == leader || voter == leader || voter == candidate {
            return self.play(Motif::DeafFollower);
        }
        self.push(
            Trigger::At(self.at),
            None,
            Action::Partition { between: vec![vec![leader], vec![candidate]] },
        );
        let held = self.while_(700, 1_200);
        let after = self.while_(100, 600);
        let trigger = self.later(after);
        let hold = Action::Hold { from: leader, to: voter, message: None, count: 1_000 };
        self.push(trigger, Some(held), hold);
        let (before, stands) = (self.while_(0, 200), self.while_(50, 300));
        let paused = after + held.saturating_sub(before);
        let trigger = self.later(paused);
        self.push(trigger, Some(stands), Action::Pause { node: leader });
        // The pre-vote's answer is slow.
        let slow = self.while_(20, 200);
        let message = Some("vote-reply".to_owned());
        let trigger = self.later(paused);
        self.push(trigger, Some(slow), Action::Hold { from: voter, to: candidate, message, count: 1 });
        let isolated = self.while_(500, 2_000);
        let trigger = self.later(paused + stands + self.timeout().div(50));
        self.push(trigger, Some(isolated), Action::Isolate { node: leader });
    }
}
