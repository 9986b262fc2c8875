//! `sim help`: commands and topics. The topics are the documents that the repository has.

use std::io::Write;

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
    ("gallery", "lease bugs that shipped, each with its run", include_str!("../../../docs/gallery.md")),
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
    ("page", "the page of a run: what is on it, and its keys", include_str!("../../../docs/guide/page.md")),
    ("traces", "traces for Perfetto, ShiViz and scripts", include_str!("../../../docs/guide/traces.md")),
    ("serve", "kept runs in a browser", include_str!("../../../docs/guide/serve.md")),
    ("playground", "the simulator in a browser", include_str!("../../../docs/guide/playground.md")),
    ("fleet", "many processes, one result: shards, merging, engines", include_str!("../../../docs/fleet.md")),
    ("guests", "how to run your own Raft on these clocks", include_str!("../../../docs/host-your-own.md")),
    (
        "guests-run",
        "the Raft cores that were run as guests, and what they showed",
        include_str!("../../../docs/guests.md"),
    ),
    (
        "guest-protocol",
        "what a guest is told, and what it answers",
        include_str!("../../../docs/reference/guest-protocol.md"),
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
    (
        "advice",
        "am I safe with my numbers? the answer of `sim advise`, line by line",
        include_str!("../../../docs/guide/advise.md"),
    ),
    ("node", "how to run the node", include_str!("../../../docs/guide/node.md")),
    ("relay", "how to run nodes on several machines, over TLS", include_str!("../../../docs/guide/relay.md")),
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

/// Topics that are no document.
const LISTS: [(&str, &str); 2] =
    [("rules", "the sets of lease rules"), ("exit-codes", "what sim's exit codes mean")];

/// The whole command line; `sim help` knows every topic and every command.
pub(super) fn command() -> clap::Command {
    let command = Arguments::command();
    let topics = TOPICS.iter().map(|(name, _, _)| *name).chain(LISTS.map(|(name, _)| name));
    let commands = command.get_subcommands().map(|command| command.get_name().to_owned());
    // `rules` is a topic and a command.
    let mut words: Vec<String> = topics.map(str::to_owned).collect();
    words.extend(commands.filter(|command| !words.contains(command)).collect::<Vec<_>>());
    let parser = clap::builder::PossibleValuesParser::new(words);
    command.mut_subcommand("help", |help| help.mut_arg("topic", |topic| topic.value_parser(parser)))
}

/// Explains a topic or a command, or lists them.
pub(super) fn help(topic: Option<&str>) -> Result<u8, Failure> {
    let mut command = command();
    command.build();
    let Some(topic) = topic else {
        let mut text = command.render_long_help().to_string();
        text.push_str("\nTopics (sim help TOPIC):\n");
        let documents = TOPICS.iter().map(|(name, what, _)| (*name, *what));
        for (name, what) in documents.chain(LISTS) {
            text.push_str(&format!("  {name:<15}{what}\n"));
        }
        return print(&text);
    };
    if let Some((_, _, text)) = TOPICS.iter().find(|(name, _, _)| *name == topic) {
        return show(text);
    }
    match topic {
        "rules" => inspect::rules(),
        "exit-codes" => print(EXIT_CODES),
        _ => {
            let found = command.find_subcommand_mut(topic).expect("the parser knows topics and commands");
            print(&found.render_long_help().to_string())
        }
    }
}

/// Prints a document. On a terminal it is wrapped to its width and paged.
fn show(text: &str) -> Result<u8, Failure> {
    let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    let Some(width) = width else { return print(text) };
    page(&wrapped(text, width))
}

/// Shows a text in the user's pager, or in `less`. Without a pager, or if PAGER is empty, it goes straight to the terminal.
fn page(text: &str) -> Result<u8, Failure> {
    let asked = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
    let mut words = asked.split_whitespace();
    let Some(program) = words.next() else { return print(text) };
    let pager = std::process::Command::new(program)
        .args(words)
        // Less ends by itself where one screen is enough. A user's own options count.
        .env("LESS", std::env::var("LESS").unwrap_or_else(|_| "FRX".to_owned()))
        .stdin(std::process::Stdio::piped())
        .spawn();
    let Ok(mut pager) = pager else { return print(text) };
    if let Some(mut input) = pager.stdin.take() {
        // A reader who has seen enough closes it.
        let _ = input.write_all(text.as_bytes());
    }
    let _ = pager.wait();
    Ok(0)
}

/// Markdown with its paragraphs and lists wrapped to a width. Code, tables and headings stay as they are.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    let mut paragraph = String::new();
    let mut code = false;
    let flush = |paragraph: &mut String, lines: &mut Vec<String>| {
        if paragraph.is_empty() {
            return;
        }
        let body = paragraph.trim_start();
        let indent = paragraph.len() - body.len();
        let mark = if body.starts_with("* ") { 2 } else { numbered(body) };
        let hanging = " ".repeat(indent + mark);
        let options = textwrap::Options::new(width)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .subsequent_indent(&hanging);
        lines.extend(textwrap::wrap(paragraph, options).into_iter().map(std::borrow::Cow::into_owned));
        paragraph.clear();
    };
    for line in text.lines() {
        let body = line.trim_start();
        code ^= body.starts_with("```");
        let indented = paragraph.is_empty() && line.starts_with("    ");
        let verbatim = code || indented || body.starts_with("```") || body.starts_with(['|', '#']);
        if verbatim || body.is_empty() {
            flush(&mut paragraph, &mut lines);
            lines.push(line.to_owned());
        } else if paragraph.is_empty() || body.starts_with("* ") || numbered(body) > 0 {
            flush(&mut paragraph, &mut lines);
            paragraph.push_str(line);
        } else {
            paragraph.push(' ');
            paragraph.push_str(body);
        }
    }
    flush(&mut paragraph, &mut lines);
    lines.join("\n") + "\n"
}

/// How long the number of a numbered item is, `1. ` for example; 0 for other lines.
fn numbered(line: &str) -> usize {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && line[digits..].starts_with(". ") { digits + 2 } else { 0 }
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
 74  the report, the trace, a part or the manual pages could not be written
 75  sim merge: parts are missing or damaged; it names the shards to run
130  interrupted; the rows that were done are shown, the smallest scenario so far is written

With --shard: 0 the part is there, whatever it shows; 2, 5 and 70 would be the same again; 74, 130 and a signal (137, 143)
are worth a retry, on this machine or on another one.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_wrapped_and_code_and_tables_are_not() {
        let code = "    cargo sim run scenarios/skew.toml --set lease.duration=2s";
        let table = "| a table that is wide | stays |";
        let text = format!(
            "# Title\n\nOne two\nthree four five.\n\n* first item of\n  a list\n* second\n\n{code}\n\n{table}\n"
        );
        let wanted = format!(
            "# Title\n\nOne two three\nfour five.\n\n* first item of\n  a list\n* second\n\n{code}\n\n{table}\n"
        );
        assert_eq!(wrapped(&text, 15), wanted);
    }

    #[test]
    fn no_word_of_a_document_is_lost_at_any_width() {
        for (name, _, text) in TOPICS {
            for width in [40, 80, 200] {
                let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(words(&wrapped(text, width)), words(text), "{name} at {width}");
            }
        }
    }
}
