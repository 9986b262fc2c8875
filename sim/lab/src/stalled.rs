//! Is a cluster at work again once the last fault is over? What is promised of it is [`patience`]'s to say.

use leasehold::time::Span;
use leasehold_run::display::instant;
use leasehold_run::run::Outcome;
use leasehold_run::setup::Setup;
use leasehold_run::theory::patience;
use leasehold_run::watch::Stretch;

/// How a cluster did not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stalled {
    /// No leader could serve for longer than the settings explain.
    NoLeader,
    /// One node led, and answered no write for longer than the settings explain.
    NoWrites,
}

impl Stalled {
    /// What it is, as a title.
    pub const fn title(self) -> &'static str {
        match self {
            Stalled::NoLeader => "no leader again after the last fault",
            Stalled::NoWrites => "a leader that answers no write after the last fault",
        }
    }
}

/// A cluster that did not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// How.
    pub kind: Stalled,
    /// When it was without service.
    pub without: Stretch,
    /// What the settings explain at most.
    pub patience: Span,
    /// When the last fault was over, ns.
    pub since: u64,
}

impl Stall {
    /// In a sentence.
    pub fn sentence(&self) -> String {
        let what = match self.kind {
            Stalled::NoLeader => "no leader can serve",
            Stalled::NoWrites => "one node leads and answers no write",
        };
        format!(
            "The last fault is over at {}. From {} on {what} for {}; the settings explain {} at most.",
            instant(self.since),
            instant(self.without.from),
            Span::nanos(self.without.length),
            self.patience
        )
    }
}

/// Did the cluster stay without service for longer than its settings explain? `None` also where nothing is promised: faults
/// that do not end, too few voters left, messages that are lost by chance, a first leader that is given and has not led.
pub fn stalled(setup: &Setup, outcome: &Outcome) -> Option<Stall> {
    let patience = patience(setup).ok()?;
    let after = outcome.service.after_faults;
    let longer = |kind, without: Stretch, patience: Span| {
        let stall = Stall { kind, without, patience, since: after.since };
        (without.length > patience.as_nanos()).then_some(stall)
    };
    // While the first leader is a given one, the others wait for it at the start, for many election timeouts.
    let led = outcome.service.first_leader.is_some_and(|first| first <= after.since);
    let no_leader = || {
        let free = setup.cluster.first_leader.is_none() || led;
        longer(Stalled::NoLeader, after.leaderless, patience.leader).filter(|_| free)
    };
    let no_writes = || longer(Stalled::NoWrites, after.writes?, patience.writes?);
    no_leader().or_else(no_writes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use leasehold_run::rules;
    use leasehold_run::run::run;
    use leasehold_run::scenario::load;

    fn setup(faults: &str) -> Setup {
        let text = format!(
            "duration = \"40s\"\n[cluster]\nnodes = 3\nfirst-leader = \"n1\"\n\
             [lease]\nduration = \"900ms\"\nelection-timeout = \"1s\"\nmax-clock-skew = \"0s\"\n\
             [client.w]\noperations = \"write\"\nevery = \"100ms\"\nstart = \"2s\"\n{faults}"
        );
        let plan = load("stalled", &text, &[], &rules::names()).unwrap_or_else(|errors| panic!("{errors}"));
        plan.rows[0].scenario.setup.clone()
    }

    fn crash(node: &str, lasts: &str) -> String {
        format!("[[fault]]\nat = \"5s\"\n{lasts}crash = {{ node = \"{node}\" }}\n")
    }

    #[test]
    fn a_majority_that_never_comes_back_is_a_stall_where_it_should_have() {
        let gone = setup(&(crash("n1", "") + &crash("n2", "")));
        let outcome = run(&Arc::new(gone.clone()));
        assert_eq!(stalled(&gone, &outcome), None, "nothing is promised of one voter of three");
        // The same run, judged as if the two had been back a second later.
        let back = setup(&(crash("n1", "for = \"1s\"\n") + &crash("n2", "for = \"1s\"\n")));
        let stall = stalled(&back, &outcome).expect("no leader for 35 s");
        assert_eq!(stall.kind, Stalled::NoLeader);
        assert_eq!((stall.since, stall.without.length), (5_000_000_000, 35_000_000_000));
        assert!(stall.patience < Span::secs(30), "{stall:?}");
        assert_eq!(stalled(&back, &run(&Arc::new(back.clone()))), None, "they come back");
    }

    #[test]
    fn a_leader_that_answers_no_write_is_a_stall() {
        // A majority of disks stands still: the leader leads on and commits nothing.
        let stall = |node: &str, lasts: &str| {
            format!("[[fault]]\nat = \"5s\"\n{lasts}disk-stall = {{ node = \"{node}\" }}\n")
        };
        let stuck = setup(&(stall("n2", "for = \"3s\"\n") + &stall("n3", "for = \"3s\"\n")));
        let mut outcome = run(&Arc::new(stuck.clone()));
        assert_eq!(stalled(&stuck, &outcome), None);
        let writes = Stretch { from: 8_000_000_000, length: 20_000_000_000 };
        outcome.service.after_faults.writes = Some(writes);
        let found = stalled(&stuck, &outcome).expect("20 s are too long");
        assert_eq!((found.kind, found.without), (Stalled::NoWrites, writes));
    }
}
