//! `metrics` in the exposition format of Prometheus (text, version 0.0.4): what was counted, and the node's state now.
//!
//! Counters end in `_total`. Times are in seconds. A label's value is escaped as the format asks.

use std::fmt::Write as _;

use leasehold::maelstrom::MetricsReply;
use leasehold::node::Status;
use leasehold::raft::{Names, Role};
use leasehold::time::Span;

/// One family of samples after the other.
#[derive(Debug, Default)]
struct Page(String);

impl Page {
    /// A family: its name without the prefix, its type, what it means, and its samples, each with one label or none.
    fn family(&mut self, name: &str, kind: &str, help: &str, samples: &[(Option<(&str, &str)>, String)]) {
        let Page(text) = self;
        let ok = "memory takes every byte";
        writeln!(text, "# HELP leasehold_{name} {help}").expect(ok);
        writeln!(text, "# TYPE leasehold_{name} {kind}").expect(ok);
        for (label, value) in samples {
            match label {
                Some((label, of)) => {
                    let of = of.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                    writeln!(text, "leasehold_{name}{{{label}=\"{of}\"}} {value}").expect(ok);
                }
                None => writeln!(text, "leasehold_{name} {value}").expect(ok),
            }
        }
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", help, &[(None, value.to_string())]);
    }

    fn gauge(&mut self, name: &str, help: &str, value: String) {
        self.family(name, "gauge", help, &[(None, value)]);
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) {
        let samples: Vec<_> =
            values.iter().map(|(of, value)| (Some((label, *of)), value.to_string())).collect();
        self.family(name, "counter", help, &samples);
    }
}

/// The page.
pub(super) fn text(report: &MetricsReply, status: &Status, names: &Names) -> String {
    let mut page = Page::default();
    let MetricsReply { reads, elections, step_downs, refused, sync_us, .. } = report;
    page.counters(
        "reads_total",
        "Reads, by how they were answered.",
        "how",
        &[
            ("lease", reads.lease),
            ("read_index", reads.read_index),
            ("forwarded", reads.forwarded),
            ("for_peers_lease", reads.for_peers_lease),
            ("for_peers_read_index", reads.for_peers_read_index),
        ],
    );
    page.counter("lease_renewals_total", "Times that a quorum renewed the lease.", report.lease_renewals);
    page.counter("leases_given_up_total", "Leases given up before their time.", report.leases_given_up);
    page.counter("fallbacks_total", "Reads that found no valid lease here.", report.fallbacks);
    page.counters(
        "elections_total",
        "Elections in which this node stood.",
        "stage",
        &[("pre_votes", elections.pre_votes), ("campaigns", elections.campaigns), ("won", elections.won)],
    );
    page.counters(
        "step_downs_total",
        "Times that it ceased to lead.",
        "cause",
        &[
            ("higher_term", step_downs.higher_term),
            ("no_quorum", step_downs.no_quorum),
            ("storage_full", step_downs.storage_full),
            ("removed", step_downs.removed),
        ],
    );
    page.counters(
        "refused_total",
        "Requests answered with an error.",
        "reason",
        &[
            ("key_missing", refused.key_missing),
            ("precondition_failed", refused.precondition_failed),
            ("no_leader", refused.no_leader),
            ("overloaded", refused.overloaded),
            ("superseded", refused.superseded),
            ("timed_out", refused.timed_out),
            ("malformed", refused.malformed),
            ("not_supported", refused.not_supported),
            ("other", refused.other),
        ],
    );
    page.counter("syncs_total", "Syncs of the disk.", sync_us.count);
    let quantiles = [("0.5", sync_us.p50), ("0.9", sync_us.p90), ("0.99", sync_us.p99), ("1", sync_us.max)];
    let syncs: Vec<_> =
        quantiles.map(|(of, micros)| (Some(("quantile", of)), seconds(Span::micros(micros)))).to_vec();
    page.family("sync_seconds", "gauge", "How long a sync of the disk took, since the start.", &syncs);
    page.counter("log_lines_dropped_total", "Lines of the log that were dropped.", report.log_lines_dropped);

    let leads = u64::from(status.role == Role::Leader);
    page.gauge("leads", "1 while this node leads.", leads.to_string());
    page.gauge(
        "has_leader",
        "1 while this node knows a leader.",
        u64::from(status.leader.is_some()).to_string(),
    );
    page.gauge("term", "The latest term.", status.term.0.to_string());
    page.gauge("commit_index", "Entries up to here are committed.", status.commit.0.to_string());
    page.gauge("applied_index", "Entries up to here are applied.", status.applied.0.to_string());
    let lease = status.lease_remaining.unwrap_or(Span::ZERO);
    page.gauge("lease_remaining_seconds", "How long the lease still runs; 0 without one.", seconds(lease));
    let withheld = status.votes_withheld.unwrap_or(Span::ZERO);
    page.gauge("votes_withheld_seconds", "How long votes are withheld.", seconds(withheld));
    let disk = status.disk_wait.unwrap_or(Span::ZERO);
    page.gauge("disk_wait_seconds", "How long the oldest write waits for the disk.", seconds(disk));
    if leads == 1 {
        let of_peers = |value: &dyn Fn(usize) -> String| -> Vec<(Option<(&str, &str)>, String)> {
            let peers = status.peers.iter().enumerate();
            peers.map(|(place, peer)| (Some(("node", &**names.name(peer.node))), value(place))).collect()
        };
        let last = status.last_index.0;
        let lag = of_peers(&|place| last.saturating_sub(status.peers[place].match_index.0).to_string());
        page.family("peer_lag_entries", "gauge", "Entries that a member is not known to have.", &lag);
        let lost = of_peers(&|place| u64::from(status.peers[place].lost_entries).to_string());
        page.family(
            "peer_lost_entries",
            "gauge",
            "1 if a member lost entries that it had acknowledged.",
            &lost,
        );
        let differs = of_peers(&|place| {
            u64::from(status.comparisons[place].is_some_and(|comparison| !comparison.same)).to_string()
        });
        page.family(
            "peer_state_differs",
            "gauge",
            "1 if a member's state differs from the leader's.",
            &differs,
        );
    }
    page.0
}

/// With six digits, by integers alone.
fn seconds(span: Span) -> String {
    let micros = span.as_nanos() / 1_000;
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
