//! `docs/gallery.md`: the whole gallery as a page. It runs every exhibit.

use std::fmt::Write;

use super::plate::evidence;
use super::{Piece, SHIPPED};
use crate::display::{instant, length, signed_span};
use crate::report::{finding, margin, wrapped};
use crate::study::{RowResult, run_row};
use crate::watch::{LeadershipChange, LeaseOver};

const INTRODUCTION: &str = "\
Each exhibit is a lease bug that a system shipped, that was proposed, or that is a known pattern. Each is a scenario
below `scenarios/gallery`: the shortest faults that show it, with the bug, without it, and with a control. The production
node has no switch for any of them. A bug is a set of lease rules in the simulator that breaks one of the sound ones
(`sim/run/src/rules.rs`), or a clock that the host should not have used.

    cargo sim gallery                  the list
    cargo sim gallery check-quorum     one exhibit: its plate, its variants, and the story of the stale read
    cargo sim gallery --page           this page

* `as shipped` has the bug. Reads are stale.
* `as fixed` has not. Without more words it follows the sound rules. Reads are not stale.
* `control` has the same faults, and another rule is broken, or one thing differs. Reads are not stale. So the faults
  alone are not the cause.

`reported` means that an issue, a fix or a report tells of it. It does not mean that a stale read was seen in production;
several were found by reading code.

The *window* is the time in which two leaders can answer: from the instant at which the new leader can first acknowledge
a write to the end of the old lease. The scenario files expect both ends, to the microsecond. All times are true time.
`T` is the election timeout, the length of a promise; `D - s` is the length of a lease. The *closed form* of a note is
what arithmetic gave before the simulator ran it.

The stage: three voters, messages of 5 ms, rounds 100 ms apart, a lease of 900 ms and a promise of 1 s, if the exhibit
does not say otherwise. n1 is the old leader.
";

const LEFT_OUT: &str = "\
## What is not here, and why

* **A new leader that does not wait out the old lease** (YugabyteDB #18121 and #19447,
  <https://github.com/yugabyte/yugabyte-db/issues/18121>). It is another family of protocols: votes are free, and the new
  leader waits. A voter's record of the old lease travels with its vote. Our node withholds votes instead, and its votes
  carry no lease. Half of the bug has a scenario: `scenarios/rules/lease-outlives-leadership.toml`. It needs a clock
  fault here, because withheld votes cover for it.
* **Reads under an inherited lease, in the limbo region** (LeaseGuard, <https://arxiv.org/html/2512.15659v1>). In that
  protocol the log is the lease. Our new leader never uses the lease of another.
* **Joint consensus judged by the new configuration alone.** Our node changes one member at a time. The rule about that
  has `scenarios/rules/changes-without-waiting.toml`.
* **A lease as an absolute time that a restarted leader takes up again** (CockroachDB #23104 and #23105). Our leader stores
  no lease; a restart ends it.
* **A machine put back to a snapshot.** The world cannot put memory and disk back together. Losing what was synced is in
  `scenarios/disks`; a pause of all clocks is the exhibit `live-migration`.
* **Split and merge of ranges** (TiKV #8034). It needs two groups that hand a key over.
* **Locks** (Redlock, etcd's lock). Three of their bugs are here in another dress: the voter's clock (`wall-clock-ahead`),
  the late answer (`lease-from-acknowledgement`) and the forgotten grant (`restart-forgets-promise`). But a lock protects
  what its holder does later, and a checker of reads does not see that.
* **A leader whose disk is dead** (CockroachDB #41691). No read is stale; nothing can be written.
  `scenarios/disks/stall-leader.toml` shows what our leader does.
";

/// A parameter of an exhibit, and values for it.
struct Frontier {
    exhibit: &'static str,
    what: &'static str,
    /// Keys that take the value; a `-` in front of those that take the negated one.
    keys: &'static [&'static str],
    unit: &'static str,
    values: &'static [i64],
    /// The unit's tiniest part that is looked for.
    finest: (&'static str, i64),
    meaning: &'static str,
}

const FRONTIERS: &[Frontier] = &[
    Frontier {
        exhibit: "lease-from-acknowledgement",
        what: "how long the process stands still before it handles the acknowledgements",
        keys: &["fault[0].for"],
        unit: "ms",
        values: &[50, 100, 120, 140, 200, 300, 499],
        finest: ("us", 1_000),
        meaning: "Each millisecond of delay is a millisecond of lease. What can be spent is T - (D - s) and the time that an election takes. Clocks play no part.",
    },
    Frontier {
        exhibit: "check-quorum",
        what: "when the old leader is isolated, in a window that began at 3.020 s",
        keys: &["fault[0].at", "client.writer.start"],
        unit: "ms",
        values: &[3_035, 3_135, 3_335, 3_535, 3_735, 3_935, 4_015, 4_035],
        finest: ("us", 1_000),
        meaning: "A contact early in a window gives the longest lease, almost two election timeouts; a late one gives little more than one. The window is there for every contact that is more than an election's length before the next check.",
    },
    Frontier {
        exhibit: "promise-in-ticks",
        what: "the lease, while the promise is ten ticks of 100 ms",
        keys: &["lease.duration"],
        unit: "ms",
        values: &[880, 900, 920, 940, 960, 980, 1_000],
        finest: ("us", 1_000),
        meaning: "A lease of 900 ms leaves one tick, which is what TiKV asks for. Up to 35 ms more are covered by the messages of an election.",
    },
    Frontier {
        exhibit: "slewed-margin",
        what: "by how much the leader's clock is slewed to run slow and the voters' to run fast",
        keys: &["-clock.n1.slew", "clock.followers.slew"],
        unit: "ppm",
        values: &[0, 500, 20_000, 50_000, 60_000, 70_000, 83_333, 100_000],
        finest: ("ppm", 1),
        meaning: "ntpd's limit of 500 ppm is harmless. chronyd's default of 83 333 ppm is beyond the border.",
    },
];

/// The page. It is the same on every machine.
pub fn page() -> String {
    let shown: Vec<(Piece, Vec<RowResult>)> = Piece::all()
        .into_iter()
        .map(|piece| {
            let rows = piece.plan.rows.iter().map(run_row).collect();
            (piece, rows)
        })
        .collect();
    let mut text = String::from("**Most lease-read bugs in the field are not clock bugs.** ");
    let right = shown.iter().filter(|(piece, _)| !piece.plate.clock_fault).count();
    put(
        &mut text,
        format_args!(
            "Of the {} exhibits here, {right} need no clock that is wrong.\n\n# The gallery of lease bugs\n\n{INTRODUCTION}\n",
            shown.len()
        ),
    );
    text.push_str("## All exhibits\n\n| exhibit | system | year | mechanism | clock fault | window as shipped |\n|---|---|---|---|---|---|\n");
    for (piece, rows) in &shown {
        let plate = &piece.plate;
        let window = rows.first().map_or("-".to_owned(), |row| window(row).0);
        let clock = if plate.clock_fault { "yes" } else { "no" };
        put(
            &mut text,
            format_args!(
                "| [{0}](#{0}) | {1} | {2} | {3} | {clock} | {window} |\n",
                piece.name, plate.system, plate.year, plate.mechanism
            ),
        );
    }
    for (piece, rows) in &shown {
        exhibit(&mut text, piece, rows);
    }
    text.push_str("\n## Frontiers\n\nThe parameter that matters, and the margin that is left as shipped. A negative margin is a window.\n");
    for frontier in FRONTIERS {
        draw(&mut text, frontier);
    }
    text.push('\n');
    text.push_str(LEFT_OUT);
    text
}

/// A string takes any text.
fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(more);
}

fn exhibit(text: &mut String, piece: &Piece, rows: &[RowResult]) {
    let plate = &piece.plate;
    let link = |url: &Option<String>| url.as_ref().map_or(String::new(), |url| format!(" <{url}>"));
    let found = format!("{}, {}; {}.{}", plate.system, plate.year, evidence(plate), link(&plate.url));
    put(text, format_args!("\n### {}\n\n**{}**\n\n", piece.name, sentence(&plate.mechanism)));
    let story = piece.plan.story.split_whitespace().collect::<Vec<_>>().join(" ");
    let question = plate.question.as_ref().map(|asked| format!("{asked}{}", link(&plate.question_url)));
    for (name, told) in [
        ("Found", Some(&found)),
        ("Believed", Some(&plate.believed)),
        ("Happened", Some(&plate.happened)),
        ("Here", Some(&story)),
        ("Note", plate.note.as_ref()),
        ("It answers", question.as_ref()),
    ] {
        let Some(told) = told else { continue };
        for line in wrapped("* ", &format!("**{name}:** {told}"), 120) {
            put(text, format_args!("{line}\n"));
        }
    }
    text.push_str("\n| variant | new leader ready | old lease over | margin | stale reads | history |\n|---|---|---|---|---|---|\n");
    for row in rows {
        let (ready, over) = measured(row).map_or(("-".to_owned(), "-".to_owned()), |change| {
            let over = match change.lease_over {
                Some(LeaseOver::At(at)) => instant(at),
                Some(LeaseOver::Never) => "never".to_owned(),
                None => "-".to_owned(),
            };
            (instant(change.ready_at), over)
        });
        put(
            text,
            format_args!(
                "| {} | {ready} | {over} | {} | {} | {} |\n",
                row.label,
                margin(row.margin),
                row.stale,
                finding(row)
            ),
        );
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

/// The change of leadership with the smallest margin.
fn measured(row: &RowResult) -> Option<&LeadershipChange> {
    let changes = row.changes.iter().filter_map(|change| Some((change.margin()?, change)));
    changes.min_by_key(|(margin, _)| *margin).map(|(_, change)| change)
}

/// How long two leaders can answer, and whether that is so at all.
fn window(row: &RowResult) -> (String, bool) {
    match row.margin {
        Some(i64::MIN) => ("without end".to_owned(), true),
        Some(margin) if margin < 0 => (length(-i128::from(margin)), true),
        Some(_) | None => ("none: see the exhibit".to_owned(), false),
    }
}

fn draw(text: &mut String, frontier: &Frontier) {
    let Frontier { exhibit, what, unit, values, finest: (fine, parts), meaning, .. } = frontier;
    let piece = Piece::named(exhibit).expect("a frontier is of an exhibit");
    text.push('\n');
    for line in wrapped("", &format!("**[{exhibit}](#{exhibit})**: {what}. {meaning}"), 120) {
        put(text, format_args!("{line}\n"));
    }
    text.push_str("\n| value | margin |\n|---|---|\n");
    let found: Vec<(i64, i64)> =
        values.iter().map(|value| (*value, margin_at(&piece, frontier, *value, unit))).collect();
    for (value, margin) in &found {
        put(text, format_args!("| {} | {} |\n", shown(*value, unit), signed_span(i128::from(*margin))));
    }
    for pair in found.windows(2) {
        let ((low, before), (high, after)) = (pair[0], pair[1]);
        if (before < 0) == (after < 0) {
            continue;
        }
        let (mut low, mut high) = (low * parts, high * parts);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let same = (margin_at(&piece, frontier, middle, fine) < 0) == (before < 0);
            if same { low = middle } else { high = middle }
        }
        put(text, format_args!("\nThe border is between {} and {}.\n", shown(low, fine), shown(high, fine)));
    }
}

fn shown(value: i64, unit: &str) -> String {
    match unit {
        "us" => length(i128::from(value) * 1_000),
        "ms" => length(i128::from(value) * 1_000_000),
        _ => format!("{value} {unit}"),
    }
}

/// The smallest margin as shipped, with that value.
fn margin_at(piece: &Piece, frontier: &Frontier, value: i64, unit: &str) -> i64 {
    let set = |key: &&str| match key.strip_prefix('-') {
        Some(key) => format!("{key}={}{unit}", -value),
        None => format!("{key}={value}{unit}"),
    };
    let sets: Vec<String> = frontier.keys.iter().map(set).collect();
    let changed = piece.with(&sets);
    let row = changed.plan.rows.iter().find(|row| row.label == SHIPPED);
    let row = run_row(row.expect("an exhibit has a row as shipped"));
    row.margin.expect("somebody takes over")
}
