//! What whoever runs a cluster asks a node: `status`, `metrics`, `transfer` and `membership`. All numbers are exact integers.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::fields::{Field, present, shown};
use super::peer::members::change;
use super::scalar::text_of;
use super::{Fault, MsgId};
use crate::lease::LeaseForm;
use crate::node::Status;
use crate::raft::{MemberAction, MembershipChange, Names, PromiseView, Role};
use crate::time::Span;

#[derive(Deserialize)]
struct TransferBody<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    to: Field<'a>,
}

/// Reads a `transfer`: the successor's name, if it has one.
pub(super) fn transfer(body: &RawValue) -> Result<Option<String>, Fault> {
    let body: TransferBody<'_> =
        serde_json::from_str(body.get()).map_err(|error| Fault::malformed(error.to_string()))?;
    let to = match body.to {
        None => None,
        Some(raw) => Some(text_of(raw).ok_or_else(|| {
            let found = shown(raw.get());
            Fault::malformed(format!("`to` is {found}: it is a node's name, or left out for any voter"))
        })?),
    };
    Ok(to.map(Into::into))
}

/// How the answer to `metrics` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// As fields of the answer.
    Json,
    /// As one text in the exposition format of Prometheus.
    Prometheus,
}

#[derive(Deserialize)]
struct MetricsBody<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    format: Field<'a>,
}

/// Reads a `metrics`: how the answer is to be written.
pub(super) fn metrics(body: &RawValue) -> Result<MetricsFormat, Fault> {
    let body: MetricsBody<'_> =
        serde_json::from_str(body.get()).map_err(|error| Fault::malformed(error.to_string()))?;
    match body.format.map(RawValue::get) {
        None => Ok(MetricsFormat::Json),
        Some("\"prometheus\"") => Ok(MetricsFormat::Prometheus),
        Some(other) => {
            let found = shown(other);
            Err(Fault::malformed(format!(
                "`format` is {found}: it is \"prometheus\", or left out for fields"
            )))
        }
    }
}

#[derive(Deserialize)]
struct MembershipBody<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    add: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    promote: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    remove: Field<'a>,
}

/// Reads a `membership`: the change that it asks for.
pub(super) fn membership(body: &RawValue) -> Result<MembershipChange, Fault> {
    let body: MembershipBody<'_> =
        serde_json::from_str(body.get()).map_err(|error| Fault::malformed(error.to_string()))?;
    let (action, key, raw) = match (body.add, body.promote, body.remove) {
        (Some(raw), None, None) => (MemberAction::Add, "add", raw),
        (None, Some(raw), None) => (MemberAction::Promote, "promote", raw),
        (None, None, Some(raw)) => (MemberAction::Remove, "remove", raw),
        _ => {
            return Err(Fault::malformed(
                "one of `add`, `promote` and `remove` names the node whose membership changes",
            ));
        }
    };
    let name = text_of(raw).ok_or_else(|| {
        let found = shown(raw.get());
        Fault::malformed(format!("`{key}` is {found}: it is a node's name"))
    })?;
    change(action, &name).map_err(|error| Fault::malformed(format!("`{key}` is {error}")))
}

/// What the kernel says about its wall clock (`adjtimex`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KernelClock {
    /// It vouches for it.
    pub synchronized: bool,
    /// How far it may be off, in microseconds, if it is vouched for.
    pub max_error_us: Option<u64>,
}

/// The answer to `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusReply {
    role: &'static str,
    term: u64,
    cluster: Option<String>,
    leader: Option<String>,
    commit: u64,
    applied: u64,
    state_hash: String,
    log_first_index: u64,
    log_last_index: u64,
    lease_remaining_ms: Option<u64>,
    votes_withheld_ms: Option<u64>,
    promises: Vec<PromiseReply>,
    votes_withheld_after_restart_ms: u64,
    disk_wait_ms: Option<u64>,
    lease_form: &'static str,
    lease_duration_ms: u64,
    election_timeout_ms: u64,
    max_clock_skew_ms: u64,
    kernel_clock: KernelClock,
    voters: Vec<String>,
    learners: Vec<String>,
    configuration_index: u64,
    configuration_committed: bool,
    peers: Vec<PeerReply>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PromiseReply {
    length_ms: Option<u64>,
    remaining_ms: u64,
}

impl From<&PromiseView> for PromiseReply {
    fn from(promise: &PromiseView) -> PromiseReply {
        let PromiseView { length, remaining } = promise;
        PromiseReply { length_ms: length.map(Span::as_millis), remaining_ms: remaining.as_millis() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PeerReply {
    node: String,
    voter: bool,
    match_index: u64,
    lag: u64,
    acknowledged_ms_ago: Option<u64>,
    lost_entries: bool,
    state: Option<&'static str>,
    compared_index: Option<u64>,
}

impl StatusReply {
    /// The answer of a node that calls the nodes so.
    pub fn new(status: &Status, names: &Names, kernel_clock: KernelClock) -> StatusReply {
        let lease = status.lease;
        let last = status.last_index.0;
        let peers = status.peers.iter().zip(&status.comparisons).map(|(peer, comparison)| PeerReply {
            node: names.name(peer.node).to_string(),
            voter: peer.voter,
            match_index: peer.match_index.0,
            lag: last.saturating_sub(peer.match_index.0),
            acknowledged_ms_ago: peer.acknowledged.map(Span::as_millis),
            lost_entries: peer.lost_entries,
            state: comparison.map(|comparison| if comparison.same { "same" } else { "differs" }),
            compared_index: comparison.map(|comparison| comparison.index.0),
        });
        StatusReply {
            role: match status.role {
                Role::Follower => "follower",
                Role::PreCandidate => "pre_candidate",
                Role::Candidate => "candidate",
                Role::Leader => "leader",
            },
            term: status.term.0,
            cluster: status.cluster.as_deref().map(str::to_owned),
            leader: status.leader.map(|leader| names.name(leader).to_string()),
            commit: status.commit.0,
            applied: status.applied.0,
            state_hash: format!("{:016x}", status.state_hash),
            log_first_index: status.first_index.0,
            log_last_index: last,
            lease_remaining_ms: status.lease_remaining.map(Span::as_millis),
            votes_withheld_ms: status.votes_withheld.map(Span::as_millis),
            promises: status.promises.iter().map(PromiseReply::from).collect(),
            votes_withheld_after_restart_ms: status.withholds_after_restart.as_millis(),
            disk_wait_ms: status.disk_wait.map(Span::as_millis),
            lease_form: match lease.form {
                LeaseForm::Elapsed => "elapsed",
                LeaseForm::Deadline => "deadline",
            },
            lease_duration_ms: lease.duration.as_millis(),
            election_timeout_ms: lease.election_timeout.as_millis(),
            max_clock_skew_ms: lease.max_clock_skew.as_millis(),
            kernel_clock,
            voters: status.members.voters.iter().map(ToString::to_string).collect(),
            learners: status.members.learners.iter().map(ToString::to_string).collect(),
            configuration_index: status.configuration_index.0,
            configuration_committed: status.configuration_index <= status.commit,
            peers: peers.collect(),
        }
    }
}

/// The answer to `metrics`: counted since the process started, times in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MetricsReply {
    /// Reads of this node's own clients and of fellow nodes', by how they were answered.
    pub reads: ReadCounts,
    /// Times that a quorum renewed this node's lease.
    pub lease_renewals: u64,
    /// Times that it gave a lease up before its time.
    pub leases_given_up: u64,
    /// Reads that found no valid lease here and took a quorum round: own clients' and fellow nodes'.
    pub fallbacks: u64,
    /// Elections in which this node stood.
    pub elections: ElectionCounts,
    /// Times that it ceased to lead, by the cause.
    pub step_downs: StepDownCounts,
    /// Requests of its own clients that it answered with an error, by the reason.
    pub refused: RefusalCounts,
    /// How long a sync of the disk took, in microseconds.
    pub sync_us: TimesReply,
    /// Lines of the log that were dropped, because standard error was not read.
    pub log_lines_dropped: u64,
}

/// Reads, by who asked and how they were confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ReadCounts {
    /// Own clients': under this node's lease, nobody was asked.
    pub lease: u64,
    /// Own clients': a quorum confirmed this leader first.
    pub read_index: u64,
    /// Own clients': passed on to the leader.
    pub forwarded: u64,
    /// Fellow nodes': under this node's lease.
    pub for_peers_lease: u64,
    /// Fellow nodes': a quorum confirmed this leader first.
    pub for_peers_read_index: u64,
}

/// Elections that this node stood in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ElectionCounts {
    /// Times that it asked whether it would be elected.
    pub pre_votes: u64,
    /// Times that it asked for votes.
    pub campaigns: u64,
    /// Times that it was elected.
    pub won: u64,
}

/// Causes of ceasing to lead.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct StepDownCounts {
    /// There is a later term.
    pub higher_term: u64,
    /// No quorum was heard for an election timeout.
    pub no_quorum: u64,
    /// The disk is full.
    pub storage_full: u64,
    /// The node was removed from the cluster.
    pub removed: u64,
}

/// Errors that own clients got, by the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RefusalCounts {
    /// Error 20: there is no such key.
    pub key_missing: u64,
    /// Error 22: a cas found another value.
    pub precondition_failed: u64,
    /// 11: no leader in time.
    pub no_leader: u64,
    /// 11: too many requests waiting.
    pub overloaded: u64,
    /// 14: another leader's entry took the place of the change.
    pub superseded: u64,
    /// Error 0: a change had no outcome in time.
    pub timed_out: u64,
    /// Error 12: the request was not as it should be.
    pub malformed: u64,
    /// Error 10: the type is unknown.
    pub not_supported: u64,
    /// Any other: a transfer, a second `init`, a fellow node's fault.
    pub other: u64,
}

/// A distribution of times.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TimesReply {
    /// The number of times measured.
    pub count: u64,
    /// The shortest; 0 like all that follow when there is none.
    pub min: u64,
    /// Half of them took no longer.
    pub p50: u64,
    /// Nine of ten took no longer.
    pub p90: u64,
    /// 99 of a hundred took no longer.
    pub p99: u64,
    /// The longest time.
    pub max: u64,
}

/// A report and what every answer has.
#[derive(Serialize)]
pub(super) struct ReportBody<'a, B> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) in_reply_to: MsgId,
    pub(super) msg_id: u64,
    #[serde(flatten)]
    pub(super) report: &'a B,
}
