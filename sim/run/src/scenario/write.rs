//! Values, triggers and actions as a scenario file says them.

use leasehold::time::Span;

use crate::setup::{Delay, FaultSpec, Setup, Trigger};

pub(super) fn trigger(setup: &Setup, fault: &FaultSpec) -> String {
    match fault.trigger {
        Trigger::At(at) => format!("at = {}", span(at)),
        Trigger::Every { first, every } => format!("at = {}\nevery = {}", span(first), span(every)),
        Trigger::When { event, node, from, nth } => {
            let node = node.map_or(String::new(), |node| format!(", node = {:?}", setup.nodes[node].name));
            let from = if from == Span::ZERO { String::new() } else { format!(", from = {}", span(from)) };
            let nth = if nth == 1 { String::new() } else { format!(", nth = {nth}") };
            format!("when = {{ event = {:?}{node}{from}{nth} }}", event.word())
        }
    }
}

pub(super) fn span(span: Span) -> String {
    format!("\"{span}\"")
}

pub(super) fn delay(delay: Delay) -> String {
    match delay {
        Delay::Fixed(fixed) => span(fixed),
        Delay::Uniform { least, most } => format!("{{ uniform = [{}, {}] }}", span(least), span(most)),
        Delay::LogNormal { median, sigma_ppm, most } => {
            let sigma = format!("{}.{:06}", sigma_ppm / 1_000_000, sigma_ppm % 1_000_000);
            format!(
                "{{ lognormal = {{ median = {}, sigma = {sigma}, most = {} }} }}",
                span(median),
                span(most)
            )
        }
    }
}
