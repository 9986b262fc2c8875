//! A picture in words: the setting, the verdict and three questions with their answers.

use leasehold::lease::LeaseForm;

use super::clocks;
use super::model::{Budget, Card, Gap, Line, Ns, Part, Picture, Setting, Verdict, narrow};
use crate::blame::{self, Blame};
use crate::describe;
use crate::explain::Explanation;
use crate::run::Outcome;
use crate::setup::Setup;
use crate::study::Safety;
use crate::watch::{LeadershipChange, LeaseOver, Service, Stretch};
use leasehold_check as check;

/// What the words are about.
pub(super) struct Context<'a> {
    pub(super) setup: &'a Setup,
    pub(super) outcome: &'a Outcome,
    pub(super) told: Option<&'a Explanation>,
    /// The parts of the told change's margin.
    pub(super) blame: Option<&'a Blame>,
}

/// A length for people: four digits at most after the unit's point, cut and never rounded up.
pub(super) fn length(nanos: i128) -> String {
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "−" } else { "" };
    let (unit, digits, name): (u128, usize, &str) = match magnitude {
        1_000_000_000.. => (1_000_000_000, 9, "s"),
        1_000_000.. => (1_000_000, 6, "ms"),
        1_000.. => (1_000, 3, "µs"),
        _ => (1, 0, "ns"),
    };
    let whole = magnitude / unit;
    let kept = match whole {
        0..10 => 4,
        10..100 => 3,
        _ => 1,
    };
    let fraction = format!("{:0digits$}", magnitude % unit);
    let fraction = if digits == 0 { "" } else { &fraction[..kept.min(digits)] };
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction} {name}")
}

fn span(nanos: u64) -> String {
    length(i128::from(nanos))
}

/// A true time for people, to the microsecond.
fn instant(nanos: u64) -> String {
    crate::display::instant(nanos).replace('s', " s")
}

pub(super) fn setting(setup: &Setup) -> Setting {
    let lease = &setup.lease;
    let mut lines = Vec::new();
    let mut line = |name: &str, text: String| lines.push(Line { name: name.to_owned(), text });
    line("setting", describe::setting(setup));
    line("clocks", describe::clocks(setup).join("; "));
    if let Some(disks) = describe::disks(setup) {
        line("disks", disks);
    }
    line("network", describe::network(setup));
    setup.clients.iter().for_each(|client| line("client", describe::client(setup, client)));
    setup.faults.iter().for_each(|fault| line("fault", describe::fault(setup, fault)));
    Setting {
        form: match lease.form {
            LeaseForm::Elapsed => "elapsed",
            LeaseForm::Deadline => "deadline",
        }
        .to_owned(),
        lease: Ns::of(lease.duration.as_nanos()),
        election_timeout: Ns::of(lease.election_timeout.as_nanos()),
        max_clock_skew: Ns::of(lease.max_clock_skew.as_nanos()),
        effective: Ns::of(lease.effective().as_nanos()),
        voters: narrow(setup.cluster.voters),
        rules: setup.rules.clone(),
        clock: clocks::shown(setup).to_owned(),
        seed: setup.seed.to_string(),
        lines,
    }
}

pub(super) fn gaps(service: &Service) -> Vec<Gap> {
    let gap = |kind: &str, stretch: Option<Stretch>| {
        stretch.map(|Stretch { from, length }| Gap {
            kind: kind.to_owned(),
            from: Ns::of(from),
            length: Ns::of(length),
        })
    };
    let all = [
        gap("leader", service.leaderless),
        gap("reads", service.reads.gap),
        gap("writes", service.writes.gap),
    ];
    all.into_iter().flatten().collect()
}

pub(super) fn verdict(context: &Context<'_>, picture: &Picture) -> Verdict {
    let Context { setup, outcome, told, blame } = *context;
    let safety = super::safety(setup, outcome);
    let change = picture.told.and_then(|place| outcome.changes.get(usize::try_from(place).ok()?));
    let (word, sentence) = headline(context, safety, change);
    let budget = blame.map(|blame| Budget {
        slack: Ns::signed(blame.slack_ns.into()),
        parts: blame
            .parts
            .iter()
            .map(|(part, nanos)| Part { word: part.word().to_owned(), by: Ns::signed((*nanos).into()) })
            .collect(),
        margin: Ns::signed(blame.margin().into()),
    });
    let cards = match told {
        Some(told) => stale_cards(context, told, picture),
        None => change.map_or_else(Vec::new, |change| quiet_cards(context, change, picture)),
    };
    Verdict {
        safety: safety.word().to_owned(),
        word: word.to_owned(),
        sentence,
        cards,
        budget,
        margin: change
            .and_then(LeadershipChange::margin)
            .filter(|margin| *margin > i64::MIN)
            .map(|margin| Ns::signed(margin.into())),
        reads: narrow(outcome.reads().0),
        stale_reads: narrow(outcome.check.stale_reads.len()),
    }
}

fn value(value: Option<u64>) -> String {
    value.map_or("“no such key”".to_owned(), |value| value.to_string())
}

fn headline(
    context: &Context<'_>,
    safety: Safety,
    change: Option<&LeadershipChange>,
) -> (&'static str, String) {
    let name = |node: usize| describe::node(context.setup, node);
    if let Some(told) = context.told {
        let Explanation { server, missed_server, .. } = *told;
        let sentence = format!(
            "{} returned {}, although {} had acknowledged {} {} before the read was asked.",
            name(server),
            value(told.returned),
            name(missed_server),
            value(told.missed_value),
            span(told.stale_by_ns)
        );
        return ("Stale read.", sentence);
    }
    if context.outcome.check.outcome == check::Outcome::NotLinearizable {
        return ("Not linearizable.", "The history has no order that explains every answer.".to_owned());
    }
    let distance = change.map(|change| match (change.old, change.margin()) {
        (_, Some(i64::MIN)) => "The old leader's lease never ends on its clock.".to_owned(),
        (Some((old, _)), Some(margin)) if margin >= 0 => format!(
            "{}'s lease was over {} before {} could acknowledge a write.",
            name(old),
            length(margin.into()),
            name(change.new)
        ),
        (Some((old, _)), Some(margin)) => format!(
            "For {} both {} and {} could answer. No client's read fell into that time.",
            length(-i128::from(margin)),
            name(old),
            name(change.new)
        ),
        (_, None) | (None, Some(_)) => {
            format!("{} led without a predecessor that had a lease.", name(change.new))
        }
    });
    let distance = distance.unwrap_or_else(|| "No node led in this run.".to_owned());
    match safety {
        Safety::Stale => ("Stale read.", distance),
        Safety::NotSafe => {
            ("Not safe.", format!("No read was stale in this run, and one can be. {distance}"))
        }
        Safety::Safe => match change.and_then(LeadershipChange::margin) {
            Some(margin) => ("Safe", format!("by {}. {distance}", length(margin.into()))),
            None => ("Safe.", distance),
        },
        Safety::NotKnown => ("No stale read.", format!("Theory does not cover this setup. {distance}")),
    }
}

/// What takes most of the slack.
fn main_part(blame: Option<&Blame>) -> Option<(blame::Part, i64)> {
    blame?.parts.iter().copied().filter(|(_, by)| *by < 0).min_by_key(|(_, by)| *by)
}

fn stale_cards(context: &Context<'_>, told: &Explanation, picture: &Picture) -> Vec<Card> {
    let Context { setup, blame, .. } = *context;
    let name = |node: usize| describe::node(setup, node);
    let server = name(told.server);
    let term = told.change.and_then(|change| change.old).map(|(_, term)| term);
    let role = match term {
        Some(term) => format!("{server}, the old leader (term {term})"),
        None => server.to_owned(),
    };
    let mut who = vec![format!("It answered by itself at {}.", instant(told.answered))];
    if let Some(change) = told.change {
        who.push(format!(
            "{} (term {}) had been able to acknowledge writes since {}.",
            name(change.new),
            change.new_term,
            instant(change.ready_at)
        ));
    }
    vec![
        Card { question: "Which node served it?".to_owned(), answer: role, evidence: who },
        Card {
            question: "Why did it believe its lease?".to_owned(),
            answer: match told.lease {
                Some(lease) => {
                    let left = i128::from(lease.end_on_clock.0) - i128::from(lease.clock_at_answer.0);
                    match left {
                        1.. => format!("Its clock said that {} were left", length(left)),
                        _ => "Its rules let it serve beyond its lease".to_owned(),
                    }
                }
                None => "It served without a lease".to_owned(),
            },
            evidence: belief(context, told, picture),
        },
        harmless(context, blame, "How much would have been harmless?"),
    ]
}

/// What the server's and the voter's clocks did.
fn belief(context: &Context<'_>, told: &Explanation, picture: &Picture) -> Vec<String> {
    let setup = context.setup;
    let name = |node: usize| describe::node(setup, node);
    let mut facts = Vec::new();
    if let Some(lease) = told.lease {
        let late = i128::from(told.answered) - i128::from(lease.should_end);
        facts.push(match late {
            1.. => format!("By true time its lease had been over for {}.", length(late)),
            _ => "By true time its lease was still running.".to_owned(),
        });
    }
    let change = picture.told.and_then(|told| picture.changes.get(usize::try_from(told).ok()?));
    let promise = change.and_then(|change| {
        let voter = change.voter?;
        let given = |promise: &&super::model::Promise| {
            promise.node == voter && promise.to == change.old && promise.from <= change.ready
        };
        picture.promises.iter().rev().find(given)
    });
    if let Some(promise) = promise
        && let Some(over) = promise.over
        && let Ok(voter) = usize::try_from(promise.node)
    {
        let early = i128::from(promise.true_end.get()) - i128::from(over.get());
        if early > 1_000 {
            facts.push(format!("{}'s promise not to elect ended {} too early.", name(voter), length(early)));
        }
    }
    // The causes, but for the fact that two could serve, which the first card says.
    let causes = told.causes.iter().zip(&told.why);
    let causes = causes.filter(|(cause, _)| **cause != crate::explain::Cause::TwoLeaders);
    facts.extend(causes.map(|(_, why)| capital(why)));
    facts
}

fn capital(sentence: &str) -> String {
    // Names of nodes begin sentences too, and stay as they are.
    let named =
        sentence.split(['\'', ' ']).next().is_some_and(|word| word.chars().any(|c| c.is_ascii_digit()));
    let mut chars = sentence.chars();
    match chars.next() {
        Some(first) if !named => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        _ => format!("{sentence}."),
    }
}

/// How much is harmless, by the settings and by what took most of it.
fn harmless(context: &Context<'_>, blame: Option<&Blame>, question: &str) -> Card {
    let lease = &context.setup.lease;
    let (timeout, effective) = (lease.election_timeout.as_nanos(), lease.effective().as_nanos());
    let slack = blame.map_or(i128::from(timeout) - i128::from(effective), |blame| i128::from(blame.slack_ns));
    let sum = format!("T − (D − s) = {} − {} = {}.", span(timeout), span(effective), length(slack));
    let (answer, evidence) = match main_part(blame) {
        _ if slack < 0 => ("Nothing: the settings alone are not safe".to_owned(), sum),
        Some((blame::Part::Rule, _)) => (
            "Nothing: the nodes follow a broken rule".to_owned(),
            format!("Under the sound rules {} would be harmless: {sum}", length(slack)),
        ),
        Some((blame::Part::Offset | blame::Part::Step, _)) => (format!("{} of skew", length(slack)), sum),
        Some((blame::Part::Drift, _)) => (
            format!("Clock rates up to {} apart", ratio(timeout, effective)),
            format!(
                "T / (D − s) = {} / {}: the two rates may differ by that factor.",
                span(timeout),
                span(effective)
            ),
        ),
        Some((blame::Part::Suspend | blame::Part::HypervisorPause, _)) => {
            (format!("{} that the clock does not count", length(slack)), sum)
        }
        _ => (format!("{} in all", length(slack)), sum),
    };
    Card { question: question.to_owned(), answer, evidence: vec![evidence] }
}

/// `T / E - 1` in percent, cut to four digits.
fn ratio(timeout: u64, effective: u64) -> String {
    if effective == 0 {
        return "any factor".to_owned();
    }
    let millionths = (i128::from(timeout) - i128::from(effective)) * 1_000_000 / i128::from(effective);
    let text = format!("{}.{:04}", millionths / 10_000, millionths % 10_000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

fn quiet_cards(context: &Context<'_>, change: &LeadershipChange, picture: &Picture) -> Vec<Card> {
    let name = |node: usize| describe::node(context.setup, node);
    let old = change.old.map(|(old, term)| (name(old), term));
    let mut who =
        vec![format!("{} could acknowledge writes from {} on.", name(change.new), instant(change.ready_at))];
    let over = match change.lease_over {
        Some(LeaseOver::At(over)) => Some(format!("The old lease was over at {}.", instant(over))),
        Some(LeaseOver::Never) => Some("The old lease never ends.".to_owned()),
        None => None,
    };
    who.extend(over.clone());
    let answer = match old {
        Some((old, term)) => {
            format!("{old} (term {term}), then {} (term {})", name(change.new), change.new_term)
        }
        None => format!("{} (term {})", name(change.new), change.new_term),
    };
    let margin = change.margin().filter(|margin| *margin > i64::MIN).map(i128::from);
    let kept = match margin {
        Some(margin @ 0..) => format!("The old lease ended {} earlier", length(margin)),
        Some(margin) => format!("Nothing: both could answer for {}", length(-margin)),
        None => "No lease was there to outlive".to_owned(),
    };
    let stale = picture.counted.stale.iter().sum::<u32>();
    vec![
        Card { question: "Who led, and who took over?".to_owned(), answer, evidence: who },
        Card {
            question: "What kept reads fresh?".to_owned(),
            answer: kept,
            evidence: vec![format!("{stale} of {} reads were stale.", context.outcome.reads().0)],
        },
        harmless(context, context.blame, "How much is harmless?"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_cut_and_never_rounded_up() {
        assert_eq!(length(2_001_000_000), "2.001 s");
        assert_eq!(length(1_999_999_999), "1.9999 s");
        assert_eq!(length(-864_786), "−864.7 µs");
        assert_eq!(length(12_345_678), "12.345 ms");
        assert_eq!((length(0), length(999)), ("0 ns".to_owned(), "999 ns".to_owned()));
        assert_eq!(ratio(5_000, 4_500), "11.1111 %");
    }
}
