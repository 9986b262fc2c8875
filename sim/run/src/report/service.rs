//! What a cluster did for its clients, in lines and for machines.

use leasehold::time::Span;
use serde_json::{Value, json};

use super::style::Style;
use crate::display::{count, instant};
use crate::study::RowResult;
use crate::watch::{Elections, Served, Service, Stretch};

/// The lines below the margin: for the row that was longest without a leader, and for every expectation that was missed.
pub(super) fn service_lines(rows: &[RowResult], style: Style) -> Vec<String> {
    let label = |row: &RowResult| match rows.len() {
        1 => String::new(),
        _ => format!("{}: ", row.label),
    };
    let mut lines = Vec::new();
    let mut line = |name: &str, text: String| lines.extend(style.wrapped(&format!("  {name:<9} "), &text));
    // Of several that are as long, the first.
    let worst = rows.iter().rev().max_by_key(|row| longest_without_leader(row));
    if let Some(row) = worst {
        line("service", format!("{}{}", label(row), words(&row.service)));
    }
    let missed = rows.iter().flat_map(|row| row.missed.iter().map(move |missed| (row, missed)));
    for (place, (row, missed)) in missed.enumerate() {
        line(if place == 0 { "missed" } else { "" }, format!("{}{missed}", label(row)));
    }
    lines
}

fn longest_without_leader(row: &RowResult) -> u64 {
    row.service.longest_without_leader(row.setup.duration.as_nanos()).length
}

/// `first leader at 1s, later none for 3s from 10s on; no answer to any read for 40us, to any write for 3s; campaigns 2,
/// hand-overs 0, won 2`.
fn words(service: &Service) -> String {
    let Service { first_leader, leaderless, elections, reads, writes, .. } = *service;
    let length = |stretch: Stretch| Span::nanos(stretch.length).to_string();
    let later = leaderless.map_or(String::new(), |none| {
        format!(", later none for {} from {} on", length(none), instant(none.from))
    });
    let mut parts = vec![match first_leader {
        Some(at) => format!("first leader at {}{later}", instant(at)),
        None => "no leader ever".to_owned(),
    }];
    let gaps = [("read", reads.gap), ("write", writes.gap)];
    let gaps: Vec<String> =
        gaps.iter().filter_map(|(what, gap)| gap.map(|gap| format!("{what} for {}", length(gap)))).collect();
    if !gaps.is_empty() {
        parts.push(format!("no answer to any {}", gaps.join(", to any ")));
    }
    match reads.hung + writes.hung {
        0 => {}
        1 => parts.push("1 request without any reply".to_owned()),
        hung => parts.push(format!("{} requests without any reply", count(hung as u64))),
    }
    let Elections { campaigns, hand_overs, won, .. } = elections;
    parts.push(format!(
        "campaigns {}, hand-overs {}, won {}",
        count(campaigns),
        count(hand_overs),
        count(won)
    ));
    parts.join("; ")
}

/// For machines.
pub(super) fn service_json(service: &Service) -> Value {
    let Service { first_leader, leaderless, elections, reads, writes, .. } = service;
    let served = |served: &Served| {
        json!({
            "asked": served.asked,
            "answered": served.answered,
            "hung": served.hung,
            "longest_wait": served.wait.map(stretch_json),
            "longest_gap": served.gap.map(stretch_json),
        })
    };
    json!({
        "first_leader_at_ns": first_leader,
        "longest_without_leader": leaderless.map(stretch_json),
        "pre_votes": elections.pre_votes,
        "campaigns": elections.campaigns,
        "hand_overs": elections.hand_overs,
        "elections_won": elections.won,
        "reads": served(reads),
        "writes": served(writes),
    })
}

fn stretch_json(stretch: Stretch) -> Value {
    json!({ "from_ns": stretch.from, "length_ns": stretch.length })
}
