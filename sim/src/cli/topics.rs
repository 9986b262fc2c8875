//! `sim help`: commands and topics. The topics are the documents that the repository has.

use clap::CommandFactory;

use super::args::Arguments;
use super::errors::Failure;
use super::{inspect, print};

const TOPICS: &[(&str, &str, &str)] = &[
    (
        "scenarios",
        "how to write a scenario: every key, with examples",
        include_str!("../../../docs/reference/scenarios.md"),
    ),
    (
        "report",
        "how to read a report, for people and for machines",
        include_str!("../../../docs/guide/reports.md"),
    ),
    (
        "history",
        "how to write a history for `sim check`, and how to read its report",
        include_str!("../../../docs/reference/histories.md"),
    ),
    (
        "checking",
        "how a history is judged, why that is right, and what it costs",
        include_str!("../../../docs/ideas/checking.md"),
    ),
    (
        "thresholds",
        "how a threshold is found, shown from both sides, and what is not proved",
        include_str!("../../../docs/ideas/thresholds.md"),
    ),
    (
        "frontiers",
        "the phase diagram over two keys, and three of them",
        include_str!("../../../docs/ideas/frontiers.md"),
    ),
    (
        "exploring",
        "what exploring draws, what it has found, and how long broken rules last",
        include_str!("../../../docs/ideas/exploring.md"),
    ),
    (
        "shrinking",
        "how a violating run becomes a small scenario without chance",
        include_str!("../../../docs/ideas/shrinking.md"),
    ),
    (
        "searching",
        "every schedule of a small case, and how probable a rare one is",
        include_str!("../../../docs/ideas/searching.md"),
    ),
    (
        "processes",
        "real processes: what a live run does, what it cannot do, and its figures",
        include_str!("../../../docs/guide/live.md"),
    ),
    (
        "disks",
        "nodes on simulated disks: stalls, torn writes, errors, lies, and what they cost",
        include_str!("../../../docs/reference/disks.md"),
    ),
    (
        "tutorial",
        "the first hour: from one scenario to a threshold",
        include_str!("../../../docs/tutorial.md"),
    ),
    (
        "safe",
        "am I safe with my numbers? what an operator checks",
        include_str!("../../../docs/guide/safe.md"),
    ),
    ("node", "how to run the node", include_str!("../../../docs/guide/node.md")),
    ("library", "how to embed the node", include_str!("../../../docs/guide/library.md")),
    ("maelstrom", "the node under Maelstrom", include_str!("../../../docs/guide/maelstrom.md")),
    (
        "membership",
        "how nodes are added, replaced and removed",
        include_str!("../../../docs/guide/membership.md"),
    ),
    (
        "protocol",
        "the node's requests, answers, errors and flags",
        include_str!("../../../docs/reference/protocol.md"),
    ),
    (
        "storage",
        "the data directory: what survives, and what is refused",
        include_str!("../../../docs/reference/storage.md"),
    ),
    ("limits", "every bound, and what is said there", include_str!("../../../docs/reference/limits.md")),
    (
        "benchmarks",
        "what was measured, and how to measure it again",
        include_str!("../../../docs/reference/benchmarks.md"),
    ),
    ("glossary", "every term in one sentence", include_str!("../../../docs/glossary.md")),
    ("clocks", "the clock assumption", include_str!("../../../docs/clock-assumption.md")),
    ("security", "whom a node believes", include_str!("../../../docs/security.md")),
    ("proof", "why a lease is safe, step by step", include_str!("../../../docs/ideas/proof.md")),
    (
        "lease-reads",
        "what a lease read is, and what can go wrong",
        include_str!("../../../docs/ideas/lease-reads.md"),
    ),
];

/// Everything that `sim help` explains: topics, then commands.
pub(super) const WORDS: [&str; 44] = [
    "scenarios",
    "report",
    "history",
    "checking",
    "thresholds",
    "frontiers",
    "exploring",
    "shrinking",
    "searching",
    "processes",
    "disks",
    "tutorial",
    "safe",
    "node",
    "library",
    "maelstrom",
    "membership",
    "protocol",
    "storage",
    "limits",
    "benchmarks",
    "glossary",
    "clocks",
    "security",
    "proof",
    "lease-reads",
    "rules",
    "exit-codes",
    "run",
    "shrink",
    "live",
    "check",
    "threshold",
    "frontier",
    "exhaust",
    "probability",
    "explore",
    "merge",
    "list",
    "lint",
    "explain",
    "completions",
    "man",
    "help",
];

/// Explains a topic or a command, or lists them.
pub(super) fn help(topic: Option<&str>) -> Result<u8, Failure> {
    let mut command = Arguments::command();
    command.build();
    let Some(topic) = topic else {
        let mut text = command.render_long_help().to_string();
        text.push_str("\nTopics (sim help TOPIC):\n");
        for (name, what, _) in TOPICS {
            text.push_str(&format!("  {name:<13}{what}\n"));
        }
        text.push_str("  rules        the sets of lease rules\n  exit-codes   what sim's exit codes mean\n");
        return print(&text);
    };
    if let Some((_, _, text)) = TOPICS.iter().find(|(name, _, _)| *name == topic) {
        return print(text);
    }
    match topic {
        "rules" => inspect::rules(),
        "exit-codes" => print(EXIT_CODES),
        _ => {
            let found = command
                .find_subcommand_mut(topic)
                .expect("`WORDS` are topics and commands, and a test says so");
            print(&found.render_long_help().to_string())
        }
    }
}

const EXIT_CODES: &str = "\
  0  every row showed what the scenario expects; the history is linearizable; the threshold, or the line, is found; no
     schedule beats the adversary; there is an estimate
  1  some row did not; it is not; an acknowledged write is lost
  2  the command line, the scenario or the history is wrong, or cannot be read
  3  undecided: the checker gave up; no threshold in the range, no line in the plane; what was shrunk still depends on its
     seed; a key could not be read at the end of a live run
  4  the history has no operation to check; the run shows nothing to shrink
  5  two runs of the same scenario and seed differ (--check-determinism)
 70  a bug of ours: an invariant is broken, or theory and simulation disagree, under the sound rules; a real node
     ended by itself
 74  the report, the trace or the manual pages could not be written
130  interrupted; the rows that were done are shown, the smallest scenario so far is written
";
