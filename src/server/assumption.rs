//! The clock assumption that a node's safety rests on, in one sentence with its numbers.

use leasehold::lease::{LeaseForm, LeaseSettings};
use leasehold::time::{Clock, OsClock, Span};

/// What is assumed, and how much more than that would be survived.
pub(super) fn sentence(lease: &LeaseSettings) -> String {
    let (d, t, s) = (lease.duration, lease.election_timeout, lease.max_clock_skew);
    let effective = lease.effective();
    if effective == Span::ZERO {
        return format!(
            "no lease: clock skew {s} uses up lease {d}, every read takes a round trip and no clock is relied upon"
        );
    }
    let form = match lease.form {
        LeaseForm::Elapsed => "elapsed",
        LeaseForm::Deadline => "deadline",
    };
    let serves = format!(
        "{form} lease: a leader answers reads by itself for {effective} (lease {d} - clock skew {s}) after it sent a \
         round that a quorum acknowledged, and whoever acknowledged it withholds its vote for {t}"
    );
    let Some(survived) = lease.skew_survived() else {
        return format!("{serves}; no clocks are good enough for that");
    };
    match lease.form {
        LeaseForm::Elapsed => format!(
            "{serves}; assumed: two nodes' clocks diverge by at most {s} while one of them measures {t}, a \
             hypervisor's pause of a leader included; survived: {survived} of divergence, or clock rates up to {} % off",
            percent(lease.rate_survived_ppm())
        ),
        LeaseForm::Deadline => format!(
            "{serves}; assumed: two nodes' wall clocks are at most {s} apart beyond the errors that their kernels \
             declare, and no hypervisor stops a leader for longer; survived: a follower's clock up to {survived} ahead \
             of the leader's"
        ),
    }
}

fn percent(ppm: u64) -> String {
    format!("{}.{:04}", ppm / 10_000, ppm % 10_000)
}

/// Tells when the deadline form is asked for on a machine that does not vouch for its wall clock.
pub(super) fn wall_clock_warning(form: LeaseForm, clock: &OsClock) -> Option<&'static str> {
    let useless = form == LeaseForm::Deadline && clock.read().wall.is_none();
    useless.then_some(
        "the kernel calls its wall clock unsynchronized (adjtimex): while it does, there is no lease in the deadline \
         form and every read takes a round trip",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(form: LeaseForm, d: u64, t: u64, s: u64) -> String {
        sentence(&LeaseSettings {
            form,
            duration: Span::millis(d),
            election_timeout: Span::millis(t),
            max_clock_skew: Span::millis(s),
        })
    }

    #[test]
    fn the_sentence_has_the_numbers() {
        let elapsed = of(LeaseForm::Elapsed, 3_000, 5_000, 500);
        for part in [
            "for 2.5s (lease 3s - clock skew 500ms)",
            "withholds its vote for 5s",
            "diverge by at most 500ms while one of them measures 5s",
            "survived: 2.5s of divergence, or clock rates up to 33.3333 % off",
        ] {
            assert!(elapsed.contains(part), "{elapsed}");
        }
        assert!(of(LeaseForm::Deadline, 3_000, 5_000, 500).contains("up to 2.5s ahead"));
        assert!(of(LeaseForm::Elapsed, 500, 5_000, 500).starts_with("no lease"));
        assert!(of(LeaseForm::Elapsed, 6_000, 5_000, 500).contains("no clocks are good enough"));
        assert!(of(LeaseForm::Elapsed, 5_000, 5_000, 1).contains("0.0100 % off"));
    }
}
