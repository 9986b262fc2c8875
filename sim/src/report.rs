//! Reports: what a study found, for people and for machines. They read results and know no event loop.

mod json;
mod style;
mod text;
mod threshold;

pub use json::json_report;
pub use style::Style;
pub use text::{Subject, failure, text_report};
pub use threshold::{ThresholdSubject, certificate, threshold_json, threshold_text};
