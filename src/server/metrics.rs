//! What this process counts. A read costs an addition or two here; nothing is allocated after the start.

use hdrhistogram::Histogram;
use leasehold::lease::Ballot;
use leasehold::maelstrom::{ErrorCode, MetricsReply, TimesReply};
use leasehold::node::{Answer, Message, Refusal};
use leasehold::raft::{Note, StepDownCause};
use leasehold::time::Span;

use super::logging;

/// Syncs of an hour and more count as an hour.
const SYNC_US_MAX: u64 = 3_600_000_000;
/// Times are kept to two significant digits.
const DIGITS: u8 = 2;

/// Counters since the process started.
#[derive(Debug)]
pub(super) struct Metrics {
    counts: MetricsReply,
    syncs: Histogram<u64>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let syncs = Histogram::new_with_bounds(1, SYNC_US_MAX, DIGITS).expect("bounds that the crate allows");
        Metrics { counts: MetricsReply::default(), syncs }
    }
}

impl Metrics {
    /// An own client gets that answer.
    pub(super) fn count_answer(&mut self, answer: &Answer) {
        let MetricsReply { reads, fallbacks, refused, .. } = &mut self.counts;
        if let Answer::Value { value: None, .. } = answer {
            refused.key_missing += 1;
        }
        match answer {
            // What this leader answers itself takes no round trip under the lease and one at most without it.
            Answer::Value { lease_valid: true, network_round_trips: 0, .. } => reads.lease += 1,
            Answer::Value { lease_valid: false, network_round_trips: 0 | 1, .. } => {
                reads.read_index += 1;
                *fallbacks += 1;
            }
            Answer::Value { .. } => reads.forwarded += 1,
            Answer::Done | Answer::Configured { .. } => {}
            Answer::Refused(refusal) => {
                *match refusal {
                    Refusal::KeyMissing => &mut refused.key_missing,
                    Refusal::PreconditionFailed { .. } => &mut refused.precondition_failed,
                    Refusal::NoLeader | Refusal::Unreachable { .. } => &mut refused.no_leader,
                    Refusal::Overloaded => &mut refused.overloaded,
                    Refusal::Superseded => &mut refused.superseded,
                    Refusal::TimedOut => &mut refused.timed_out,
                    Refusal::UnsafeLease | Refusal::Membership(_) => &mut refused.other,
                } += 1;
            }
        }
    }

    /// A fellow node is sent that.
    pub(super) fn count_sent(&mut self, message: &Message) {
        let Message::Answer(answer) = message else {
            return;
        };
        match answer.answer {
            Answer::Value { lease_valid: true, .. } => self.counts.reads.for_peers_lease += 1,
            Answer::Value { lease_valid: false, .. } => {
                self.counts.reads.for_peers_read_index += 1;
                self.counts.fallbacks += 1;
            }
            Answer::Done | Answer::Configured { .. } | Answer::Refused(_) => {}
        }
    }

    /// A request was refused by the process, before the node or by a transfer's end.
    pub(super) fn count_code(&mut self, code: ErrorCode) {
        let refused = &mut self.counts.refused;
        *match code {
            ErrorCode::MalformedRequest => &mut refused.malformed,
            ErrorCode::NotSupported => &mut refused.not_supported,
            _ => &mut refused.other,
        } += 1;
    }

    /// The node tells that about itself.
    pub(super) fn count_note(&mut self, note: &Note) {
        let MetricsReply { elections, step_downs, lease_renewals, leases_given_up, .. } = &mut self.counts;
        match note {
            Note::LeaseRenewed { .. } => *lease_renewals += 1,
            Note::LeaseEnded { .. } => *leases_given_up += 1,
            Note::Campaign { ballot: Ballot::PreVote, .. } => elections.pre_votes += 1,
            Note::Campaign { .. } => elections.campaigns += 1,
            Note::Elected { .. } => elections.won += 1,
            Note::SteppedDown { cause, .. } => {
                *match cause {
                    StepDownCause::HigherTerm => &mut step_downs.higher_term,
                    StepDownCause::NoQuorum => &mut step_downs.no_quorum,
                    StepDownCause::StorageFull => &mut step_downs.storage_full,
                    StepDownCause::Removed => &mut step_downs.removed,
                } += 1;
            }
            _ => {}
        }
    }

    /// A sync of the disk took so long.
    pub(super) fn record_sync(&mut self, took: Span) {
        self.syncs.saturating_record(took.as_nanos().div_ceil(1_000).max(1));
    }

    /// The counts since the start, with the distribution of sync times.
    pub(super) fn report(&self) -> MetricsReply {
        let syncs = &self.syncs;
        let sync_us = TimesReply {
            count: syncs.len(),
            min: syncs.min(),
            p50: syncs.value_at_quantile(0.5),
            p90: syncs.value_at_quantile(0.9),
            p99: syncs.value_at_quantile(0.99),
            max: syncs.max(),
        };
        MetricsReply { sync_us, log_lines_dropped: logging::dropped(), ..self.counts.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(lease_valid: bool, network_round_trips: u32) -> Answer {
        Answer::Value { value: None, lease_valid, network_round_trips }
    }

    #[test]
    fn reads_are_told_apart_by_what_they_waited_for() {
        let mut metrics = Metrics::default();
        for (lease, trips) in [(true, 0), (false, 0), (false, 1), (true, 1), (false, 2)] {
            metrics.count_answer(&value(lease, trips));
        }
        let report = metrics.report();
        assert_eq!((report.reads.lease, report.reads.read_index, report.reads.forwarded), (1, 2, 2));
        assert_eq!(report.fallbacks, 2);
    }

    #[test]
    fn times_come_back_to_two_digits() {
        let mut metrics = Metrics::default();
        assert_eq!(metrics.report().sync_us, TimesReply::default());
        for millis in 1..=100 {
            metrics.record_sync(Span::millis(millis));
        }
        let times = metrics.report().sync_us;
        assert_eq!(times.count, 100);
        for (found, expected) in [(times.p50, 50_000), (times.p90, 90_000), (times.max, 100_000)] {
            assert!(found.abs_diff(expected) * 100 <= expected, "{found} for {expected}");
        }
        metrics.record_sync(Span::secs(9_999));
        assert!(metrics.report().sync_us.max >= SYNC_US_MAX);
    }
}
