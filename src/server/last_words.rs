//! A panic is a bug of ours, and its message alone explains nothing: what the process was handling and what the node was at the
//! time is said with it. The process ends; a member that contradicts itself serves nobody.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use tracing::error;

use super::host::Host;
use super::lines::Lines;
use super::logging;

/// More of a line is not shown.
const SHOWN_BYTES_MAX: usize = 500;

/// From now on a panic, of whichever thread, is told in the log's form.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        error!("A BUG OF OURS at {place}: {}", message(panic.payload()));
        logging::flush();
    }));
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}

/// A panic: the node's state and the line that it was handling.
#[derive(Debug, thiserror::Error)]
#[error("the state that goes with it: {state}; the last line was {line:?}")]
pub(super) struct Bug {
    state: String,
    line: String,
}

/// Does the work. Fails when that panics.
pub(super) fn guard<T>(
    host: &mut Host,
    lines: &mut Lines,
    work: impl FnOnce(&mut Host, &mut Lines) -> T,
) -> Result<T, Bug> {
    // Nothing but their own words is asked of either afterwards, and that under the same guard.
    panic::catch_unwind(AssertUnwindSafe(|| work(host, lines))).map_err(|_| {
        let state = panic::catch_unwind(AssertUnwindSafe(|| match host.member() {
            None => "before init".to_owned(),
            Some(member) => format!("{:?}", member.status()),
        }));
        let state = state.unwrap_or_else(|_| "the state cannot be told".to_owned());
        let line = String::from_utf8_lossy(lines.last_taken(SHOWN_BYTES_MAX)).into_owned();
        Bug { state, line }
    })
}

#[cfg(test)]
mod tests {
    use leasehold::lease::{LeaseForm, LeaseSettings};
    use leasehold::raft::Settings;
    use leasehold::time::Span;

    use super::super::clock::clock_for;
    use super::super::options::Setup;
    use super::super::outlet::Outlet;
    use super::super::source::Source;
    use super::*;

    #[test]
    fn a_panic_is_explained_by_the_state_and_the_line() {
        let setup = Setup {
            settings: Settings::for_lease(LeaseSettings::default()),
            seed: 1,
            joins: false,
            cluster: None,
            announced: Vec::new(),
            line_bytes_max: 1_024,
            stop_grace: Span::secs(2),
        };
        let clock = clock_for(LeaseForm::Elapsed, None);
        let mut host = Host::new(setup, clock, Source::Memory, Outlet::default());
        let mut lines = Lines::new(1_024);
        let mut panicking = |line: &str| {
            lines.push(line.as_bytes());
            let outcome = guard(&mut host, &mut lines, |host, lines| {
                while let Some(line) = lines.next_line() {
                    host.handle(&line);
                    host.settle();
                }
                panic!("as if something were wrong");
            });
            outcome.map(|(): ()| ()).unwrap_err().to_string()
        };
        let text = panicking("{\"src\":\"c1\"}\n");
        assert_eq!(
            text,
            "the state that goes with it: before init; the last line was \"{\\\"src\\\":\\\"c1\\\"}\""
        );
        let init =
            r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}"#;
        let text = panicking(&format!("{init}\nnot even JSON\n"));
        assert!(text.contains("role: \"leader\", term: 1"), "{text}");
        assert!(text.ends_with("the last line was \"not even JSON\""), "{text}");
        let long = "x".repeat(900);
        assert!(panicking(&format!("{long}\n")).ends_with(&format!("{:?}", &long[..SHOWN_BYTES_MAX])));
    }
}
