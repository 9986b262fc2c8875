//! The report for machines: `"schema": 1`, described in docs/guide/reports.md. Times and lengths are nanoseconds of true time.

use serde_json::{Value, json};

use super::blame::blame_json;
use super::service::service_json;
use super::text::{Subject, replay};
use crate::blame::Blame;
use crate::describe;
use crate::explain::Explanation;
use crate::scenario::RowExpectation;
use crate::setup::Setup;
use crate::study::{Finding, RowResult, Verdict, expectation};
use crate::theory::Prediction;
use crate::watch::{LeadershipChange, LeaseOver};
use leasehold_check::Evidence;

/// The version of the report's shape. It changes when a field goes or changes its meaning.
const SCHEMA: u32 = 1;

/// The whole report as one JSON object.
pub fn json_report(subject: &Subject<'_>) -> Value {
    let study = subject.study;
    let explained = |place: usize| {
        subject
            .explanation
            .filter(|(at, _)| *at == place)
            .map(|(_, found)| explanation(&study.rows[place].setup, found))
    };
    let rows: Vec<Value> =
        study.rows.iter().enumerate().map(|(place, found)| row(subject, found, explained(place))).collect();
    let (verdict, detail) = match &study.verdict {
        Verdict::AsExpected => ("as-expected", Value::Null),
        Verdict::NotAsExpected(rows) => ("not-as-expected", json!({ "rows": rows })),
        Verdict::Undecided(rows) => ("undecided", json!({ "rows": rows })),
        Verdict::OurBug(row, what) => ("our-bug", json!({ "row": row, "what": what })),
    };
    let boundary = study.boundary.as_ref().map(|boundary| {
        json!({
            "last_clean_row": boundary.clean,
            "first_stale_row": boundary.stale,
            "theory": boundary.theory.map(|value| value.to_string()),
        })
    });
    let mut report = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "scenario": subject.file,
        "title": subject.plan.title,
        "interrupted": study.interrupted,
        "verdict": verdict,
        "verdict_detail": detail,
        "exit_code": study.exit_code(),
        "expected": expectation(subject.plan),
        "rows_planned": study.planned,
        "sweep": subject.plan.sweep.as_ref().map(|sweep| json!({ "paths": sweep.paths })),
        "boundary": boundary,
        "trace": format!("{:016x}", study.trace_hash()),
        "rows": rows,
    });
    if let Some(guest) = study.rows.first().and_then(|row| row.setup.guest.as_ref()) {
        report["guest"] = json!({
            "command": guest.command(),
            "way": guest.host().way(),
            "deterministic": study.again.map(|_| study.diverged().is_none()),
        });
    }
    report
}

fn row(subject: &Subject<'_>, row: &RowResult, explanation: Option<Value>) -> Value {
    let set: serde_json::Map<String, Value> =
        row.set.iter().map(|(path, value)| (path.clone(), Value::from(value.as_str()))).collect();
    json!({
        "label": row.label,
        "set": set,
        "seed": row.setup.seed,
        "finding": match row.finding {
            Finding::Clean => "linearizable",
            Finding::Stale if row.stale > 0 => "stale-reads",
            Finding::Stale => "not-linearizable",
            Finding::Undecided => "undecided",
        },
        "expected": match row.expect {
            RowExpectation::None => "none",
            RowExpectation::Some => "some",
            RowExpectation::Any => "any",
        },
        "as_expected": row.as_expected(),
        "operations": row.operations,
        "unknown_outcomes": row.unknown,
        "reads": row.reads,
        "reads_under_lease": row.reads_under_lease,
        "stale_reads": row.stale,
        "stale_by_ns_max": row.stale_by_most,
        "overtaken_reads": row.overtaken,
        "margin_ns_min": row.margin,
        "leadership_changes": row
            .changes
            .iter()
            .zip(&row.blames)
            .map(|(found, blame)| change(&row.setup, found, blame.as_ref()))
            .collect::<Vec<_>>(),
        "two_leases_at_ns": row.overlap.map(|(at, _, _)| at),
        "broken_invariants": row.broken.iter().map(|broken| json!({
            "at_ns": broken.at,
            "node": describe::node(&row.setup, broken.node),
            "invariant": broken.invariant.to_string(),
            "detail": broken.detail,
        })).collect::<Vec<_>>(),
        "disks": row.disks.iter().map(|news| json!({
            "at_ns": news.at,
            "node": describe::node(&row.setup, news.node),
            "what": news.what.words(describe::node(&row.setup, news.node)),
        })).collect::<Vec<_>>(),
        "safety": row.safety().word(),
        "service": service_json(&row.service),
        "missed": row.missed,
        "theory": match row.prediction {
            Prediction::Safe { slack_ns } => json!({ "safe": true, "slack_ns": clamp(slack_ns) }),
            Prediction::StalePossible { slack_ns } => json!({ "safe": false, "slack_ns": clamp(slack_ns) }),
            Prediction::NotCovered { why } => json!({ "safe": null, "why": why }),
        },
        "events": row.events,
        "messages": row.messages,
        "trace": format!("{:016x}", row.trace_hash),
        "replay": replay(subject, row),
        "first_stale_read": explanation,
    })
}

fn clamp(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

fn change(setup: &Setup, change: &LeadershipChange, blame: Option<&Blame>) -> Value {
    json!({
        "old_leader": change.old.map(|(node, _)| describe::node(setup, node)),
        "old_term": change.old.map(|(_, term)| term),
        "new_leader": describe::node(setup, change.new),
        "new_term": change.new_term,
        "ready_at_ns": change.ready_at,
        "lease_over_at_ns": match change.lease_over {
            Some(LeaseOver::At(at)) => Some(at),
            Some(LeaseOver::Never) | None => None,
        },
        "lease_never_ends": change.lease_over == Some(LeaseOver::Never),
        "margin_ns": change.margin().filter(|margin| *margin > i64::MIN),
        "blame": blame.map(blame_json),
    })
}

fn explanation(setup: &Setup, found: &Explanation) -> Value {
    json!({
        "key": found.key,
        "server": describe::node(setup, found.server),
        "returned": found.returned,
        "missed": found.missed_value,
        "missed_server": describe::node(setup, found.missed_server),
        "evidence": match found.evidence {
            Evidence::Acknowledged => "acknowledged",
            Evidence::Observed => "observed",
        },
        "known_at_ns": found.known_at,
        "invoked_at_ns": found.invoked,
        "answered_at_ns": found.answered,
        "stale_by_ns": found.stale_by_ns,
        "lease": found.lease.map(|lease| json!({
            "start_ns": lease.start,
            "should_end_ns": lease.should_end,
        })),
        "lost_write": found.lost,
        "why": found.why,
        "story": found.story.iter().map(|moment| json!({
            "at_ns": moment.at,
            "clocks": moment.clocks,
            "what": moment.what,
        })).collect::<Vec<_>>(),
    })
}
