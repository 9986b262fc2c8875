//! Reports of searches, for people and for machines.

mod advice;
mod advice_sheet;
mod exhaust;
mod exhaust_sheet;
mod frontier;
mod frontier_files;
mod frontier_sheet;
mod measured;
mod probability;
mod probability_sheet;
mod threshold;
mod threshold_sheet;

pub use advice::{AdviceSubject, advice_json, advice_text};
pub use advice_sheet::advice_sheet;
pub use exhaust::{ExhaustSubject, exhaust_json, exhaust_text};
pub use exhaust_sheet::exhaust_sheet;
pub use frontier::{FrontierSubject, frontier_json, frontier_text};
pub use frontier_files::{frontier_csv, frontier_svg};
pub use frontier_sheet::frontier_sheet;
pub use measured::{MeasuredSubject, measured_json, measured_text};
pub use probability::{ProbabilitySubject, probability_json, probability_text};
pub use probability_sheet::probability_sheet;
pub use threshold::{ThresholdSubject, certificate, threshold_json, threshold_text};
pub use threshold_sheet::{measured_sheet, threshold_sheet};
