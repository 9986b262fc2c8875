//! Reports of searches, for people and for machines.

mod advice;
mod exhaust;
mod frontier;
mod frontier_files;
mod measured;
mod probability;
mod threshold;

pub use advice::{AdviceSubject, advice_json, advice_text};
pub use exhaust::{ExhaustSubject, exhaust_json, exhaust_text};
pub use frontier::{FrontierSubject, frontier_json, frontier_text};
pub use frontier_files::{frontier_csv, frontier_svg};
pub use measured::{MeasuredSubject, measured_json, measured_text};
pub use probability::{ProbabilitySubject, probability_json, probability_text};
pub use threshold::{ThresholdSubject, certificate, threshold_json, threshold_text};
