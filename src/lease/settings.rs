//! The three lengths a lease is made of, and the judgement whether they fit together.
//!
//! Safe iff `D < T` (or there is no lease at all). The sentence users know, `lease - clock_skew < election_timeout`, is
//! implied by that and is not enough: `D = 5.2 s, T = 5 s, s = 0.5 s` satisfies it (4.7 < 5), yet a skew of 400 ms,
//! within the declared bound, gives a stale read, because the margin is `T - (D - s)` = 300 ms only.

use crate::time::Span;

/// How a lease is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeaseForm {
    /// Each side measures an interval on its own monotonic clocks. A constant offset between clocks is harmless; a
    /// difference in rate is not.
    #[default]
    Elapsed,
    /// The leader's wall-clock stamp travels in the message and both sides compare absolute times with it. Breaks once
    /// a follower's clock is ahead of the leader's by more than `T - (D - s)`.
    Deadline,
}

/// The lease's lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseSettings {
    /// How the lease is measured.
    pub form: LeaseForm,
    /// `D`: how long a lease lasts before `max_clock_skew` is taken off.
    pub duration: Span,
    /// `T`: how long a follower that accepted a round neither votes nor campaigns.
    pub election_timeout: Span,
    /// `s`: how far two clocks are declared to be apart (deadline form), or to diverge while one of them measures `T`
    /// (elapsed form).
    pub max_clock_skew: Span,
}

/// The three lengths alone: what a cluster can agree on through its log. The form stays what each node was started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseLengths {
    /// `D`.
    pub duration: Span,
    /// `T`.
    pub election_timeout: Span,
    /// `s`.
    pub max_clock_skew: Span,
}

impl LeaseLengths {
    /// May a cluster agree on them? They are safe, and somebody can lead for some time. The form makes no difference.
    pub fn may_be_agreed(&self) -> bool {
        self.election_timeout > Span::ZERO && LeaseSettings::default().with(*self).judge().safe
    }
}

impl Default for LeaseSettings {
    /// 3 s, 5 s, 500 ms, elapsed.
    fn default() -> LeaseSettings {
        LeaseSettings {
            form: LeaseForm::Elapsed,
            duration: Span::secs(3),
            election_timeout: Span::secs(5),
            max_clock_skew: Span::millis(500),
        }
    }
}

/// What [`LeaseSettings::judge`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// No skew within the declared bound gives a stale read.
    pub safe: bool,
    /// `D - s`, or zero.
    pub effective: Span,
    /// Why, in a sentence that names the inequality.
    pub reason: String,
}

impl LeaseSettings {
    /// The lengths.
    pub const fn lengths(&self) -> LeaseLengths {
        LeaseLengths {
            duration: self.duration,
            election_timeout: self.election_timeout,
            max_clock_skew: self.max_clock_skew,
        }
    }

    /// Other lengths, measured in the same form.
    pub const fn with(self, lengths: LeaseLengths) -> LeaseSettings {
        let LeaseLengths { duration, election_timeout, max_clock_skew } = lengths;
        LeaseSettings { form: self.form, duration, election_timeout, max_clock_skew }
    }

    /// `D - s`: how long a leader answers by itself, counted from the send of the round; zero leaves no lease at all.
    pub const fn effective(&self) -> Span {
        self.duration.saturating_sub(self.max_clock_skew)
    }

    /// The largest skew that these settings survive: `T - (D - s)`. `None` when the effective lease is longer than the
    /// promise, so that no skew at all is needed.
    pub fn skew_survived(&self) -> Option<Span> {
        let (timeout, effective) = (self.election_timeout, self.effective());
        (effective <= timeout).then(|| timeout.saturating_sub(effective))
    }

    /// `T - (D - s)` in milliseconds, rounded down; negative when the effective lease is longer than the promise.
    pub fn margin_ms(&self) -> i64 {
        let millis =
            |span: Span| i64::try_from(span.as_nanos()).expect("584 years at most, and more is no length");
        let margin = millis(self.election_timeout) - millis(self.effective());
        margin.div_euclid(1_000_000)
    }

    /// `rho = (T - (D - s)) / (T + (D - s))` in millionths, rounded down: in the elapsed form clock rates within `1 +- rho` are
    /// survived (docs/clock-assumption.md).
    pub fn rate_survived_ppm(&self) -> u64 {
        let timeout = u128::from(self.election_timeout.as_nanos());
        let effective = u128::from(self.effective().as_nanos());
        let ppm = timeout.saturating_sub(effective) * 1_000_000 / (timeout + effective).max(1);
        u64::try_from(ppm).expect("a million at most")
    }

    /// Are these settings safe under the skew that they declare? Changes nothing, needs no leader.
    pub fn judge(&self) -> Judgement {
        let effective = self.effective();
        let (d, t, s) = (self.duration, self.election_timeout, self.max_clock_skew);
        let (safe, reason) = match self.skew_survived() {
            _ if effective == Span::ZERO => (
                true,
                format!(
                    "lease - clock_skew <= 0: clock_skew {s} uses up lease {d}, every read takes a round trip"
                ),
            ),
            _ if d < t => (true, "lease - clock_skew < election_timeout".to_owned()),
            None => (
                false,
                format!(
                    "lease - clock_skew > election_timeout: a leader answers reads for min(lease - clock_skew, \
                     election_timeout), and only its own timer makes it step down after {t}; a pause of the process or \
                     the least skew gives a stale read; make lease ({d}) shorter than election_timeout ({t})"
                ),
            ),
            Some(survived) if survived < s => (
                false,
                format!(
                    "lease >= election_timeout: lease - clock_skew <= election_timeout holds, but a skew above \
                     {survived}, within clock_skew {s}, already gives a stale read; \
                     make lease ({d}) shorter than election_timeout ({t})"
                ),
            ),
            Some(_) => (
                false,
                format!(
                    "lease = election_timeout ({t}): nothing is left beyond clock_skew {s}; \
                     make lease shorter than election_timeout"
                ),
            ),
        };
        Judgement { safe, effective, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(d: u64, t: u64, s: u64) -> Judgement {
        LeaseSettings {
            form: LeaseForm::Deadline,
            duration: Span::millis(d),
            election_timeout: Span::millis(t),
            max_clock_skew: Span::millis(s),
        }
        .judge()
    }

    #[test]
    fn the_users_own_case() {
        let found = judge(3_000, 5_000, 500);
        assert_eq!(
            found,
            Judgement {
                safe: true,
                effective: Span::millis(2_500),
                reason: "lease - clock_skew < election_timeout".into()
            }
        );
    }

    #[test]
    fn safe_is_lease_below_election_timeout_or_no_lease_at_all() {
        for d in (100..900).step_by(100) {
            for t in (100..900).step_by(100) {
                for s in (0..900).step_by(100) {
                    let found = judge(d, t, s);
                    assert_eq!(found.safe, d < t || s >= d, "D {d} T {t} s {s}: {found:?}");
                    // Sound: what is called safe survives every skew within the bound.
                    if found.safe && found.effective > Span::ZERO {
                        assert!(d - s + s < t);
                    }
                }
            }
        }
    }

    #[test]
    fn the_gap_in_the_formula_is_unsafe_and_says_from_which_skew_on() {
        let found = judge(5_200, 5_000, 500);
        assert!(!found.safe);
        assert_eq!(found.effective, Span::millis(4_700));
        assert!(found.reason.contains("skew above 300ms, within clock_skew 500ms"), "{}", found.reason);
    }

    #[test]
    fn a_lease_longer_than_the_promise_needs_no_skew() {
        assert!(judge(6_000, 5_000, 500).reason.contains("only its own timer makes it step down after 5s"));
        assert!(judge(5_000, 5_000, 0).reason.contains("nothing is left"));
    }

    #[test]
    fn a_skew_that_eats_the_lease_is_safe_and_costs_round_trips() {
        let found = judge(500, 5_000, 500);
        assert!(found.safe && found.effective == Span::ZERO);
        assert!(found.reason.contains("every read takes a round trip"));
    }
}
