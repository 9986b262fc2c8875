//! One guest on one node: its lines, its life, and what is said when it fails.

use std::sync::Arc;

use leasehold::time::Reading;
use leasehold_run::display::reading;
use leasehold_run::guest::{Input, Output, Stepped};
use leasehold_run::setup::Setup;
use leasehold_world::MONOTONIC_BASE;

use crate::host::Failures;
use crate::protocol::{self, Open};

/// What carries lines to a program and back. It lives as long as the program.
pub(crate) trait Carrier: Send {
    /// Hands over a line and waits for the answer, both without their ends.
    fn exchange(&mut self, now: &Reading, line: &str) -> Result<String, Trouble>;

    /// What the program has written on its standard error last.
    fn last_words(&mut self) -> Vec<String>;
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// What the guest did, as the rest of a sentence that begins with "the guest on n1".
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) remedy: &'static str,
}

/// Starts the program once more. The seed is the one that the guest is told.
pub(crate) type Begin = Arc<dyn Fn(u64) -> Result<Box<dyn Carrier>, Trouble> + Send + Sync>;

/// Lines of standard error that an error message shows, and how much of them is kept.
const WORDS_LINES_MAX: usize = 10;
pub(crate) const WORDS_BYTES_MAX: usize = 16 << 10;

/// The last lines of what a guest wrote on its standard error.
pub(crate) fn last_lines(words: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(words);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(WORDS_LINES_MAX)..].iter().map(|line| (*line).to_owned()).collect()
}

/// A line that an error message quotes is cut here.
const QUOTED_MAX: usize = 300;

/// One guest on one node.
pub(crate) struct Seated {
    setup: Arc<Setup>,
    node: usize,
    begin: Begin,
    failures: Failures,
    /// While the program is there.
    carrier: Option<Box<dyn Carrier>>,
    starts: u64,
    /// Lines of this life.
    lines: u64,
    open: Open,
}

impl Seated {
    pub(crate) fn new(setup: Arc<Setup>, node: usize, begin: Begin, failures: Failures) -> Seated {
        Seated { setup, node, begin, failures, carrier: None, starts: 0, lines: 0, open: Open::default() }
    }

    fn exchange(
        &mut self,
        now: &Reading,
        input: &Input<'_>,
        line: &str,
    ) -> Result<Output, (Trouble, Option<String>)> {
        let alone = |trouble: Trouble| (trouble, None);
        if let Input::Start(start) = input {
            (self.starts, self.lines) = (start.starts, 0);
            self.carrier = Some((self.begin)(start.seed).map_err(alone)?);
        }
        self.open.told(input);
        self.lines += 1;
        let carrier = self.carrier.as_mut().expect("the world gives input to processes that were started");
        let answer = carrier.exchange(now, line).map_err(alone)?;
        protocol::answer(&self.setup, self.node, now, &answer, &mut self.open).map_err(|what| {
            let remedy = "docs/reference/guest-protocol.md says what an answer is";
            (Trouble { what: format!("wrote a wrong answer: {what}"), remedy }, Some(answer))
        })
    }

    /// Everything that helps to find the mistake.
    fn told(&mut self, now: &Reading, line: &str, trouble: Trouble, answer: Option<&str>) -> String {
        let Trouble { what, remedy } = trouble;
        let name = &self.setup.nodes[self.node].name;
        let mut text = format!(
            "the guest on {name} {what}\n  where:   line {} of start {}, seed {}; its boot clock showed {}",
            self.lines,
            self.starts + 1,
            self.setup.seed,
            reading(now.stamp.boot().0, MONOTONIC_BASE)
        );
        text.push_str(&format!("\n  told:    {}", quoted(line)));
        if let Some(answer) = answer {
            text.push_str(&format!("\n  wrote:   {}", quoted(answer)));
        }
        for (place, words) in
            self.carrier.as_mut().map_or(Vec::new(), |carrier| carrier.last_words()).iter().enumerate()
        {
            text.push_str(&format!("\n  {} {words}", if place == 0 { "stderr: " } else { "        " }));
        }
        text.push_str(&format!("\n  {remedy}"));
        text
    }
}

impl Stepped for Seated {
    fn step(&mut self, now: &Reading, input: &Input<'_>) -> Option<Output> {
        if self.failures.any() {
            return None;
        }
        let line = protocol::line(&self.setup, self.node, now, input);
        match self.exchange(now, input, &line) {
            Ok(output) => Some(output),
            Err((trouble, answer)) => {
                let text = self.told(now, &line, trouble, answer.as_deref());
                self.failures.add(text);
                self.carrier = None;
                None
            }
        }
    }

    fn crash(&mut self) {
        self.carrier = None;
    }
}

fn quoted(line: &str) -> String {
    match line.char_indices().nth(QUOTED_MAX) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}... ({} bytes)", &line[..end], line.len()),
    }
}
