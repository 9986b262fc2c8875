//! `--check`: what the flags mean, on standard output, for whoever is about to start a node with them.

use std::fmt::Write as _;

use leasehold::lease::LeaseForm;
use leasehold::maelstrom::Survived;

use super::assumption;
use super::options::Setup;

/// The report. The flags are known to make sense.
pub(super) fn report(setup: &Setup, data_dir: Option<&std::path::Path>) -> String {
    let settings = &setup.settings;
    let lease = settings.lease;
    let judgement = lease.judge();
    let Survived { margin_ms, rate_ppm, pause_ms } = lease.into();
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        writeln!(text, "{name:<18}{value}").expect("memory takes every byte");
    };
    line("safe", format!("{}: {}", if judgement.safe { "yes" } else { "NO" }, judgement.reason));
    line("effective lease", judgement.effective.to_string());
    line("margin", format!("{margin_ms} ms"));
    if lease.form == LeaseForm::Elapsed {
        line("rate survived", format!("{rate_ppm} ppm"));
    }
    line("pause survived", format!("{pause_ms} ms, of a leader's machine that none of its clocks counts"));
    line("heartbeat", settings.heartbeat.to_string());
    line(
        "first leader",
        format!(
            "after {} to {}",
            settings.first_start,
            settings.first_start + settings.election_jitter.min(settings.first_start)
        ),
    );
    let timeout = lease.election_timeout;
    line(
        "new leader",
        format!("{timeout} to {} after the old one is lost", timeout + settings.election_jitter),
    );
    line("after a restart", format!("withholds votes for {timeout} or its longest promise"));
    line("request deadline", settings.request_deadline.to_string());
    line(
        "state",
        data_dir.map_or("in memory: must not come back under its name".to_owned(), |dir| {
            dir.display().to_string()
        }),
    );
    line("cluster", setup.cluster.as_deref().map_or("drawn by the first leader".to_owned(), str::to_owned));
    line("assumes", assumption::sentence(&lease));
    text
}
