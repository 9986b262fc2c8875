//! Reports of a study, for people and for machines. They read results and know no event loop.

mod blame;
mod drawing;
mod json;
mod service;
mod story;
mod style;
mod table;
mod text;
mod wrap;

pub use blame::blame_line;
pub use json::json_report;
pub use style::Style;
pub use table::{colour, finding, margin};
pub use text::{Subject, failure, findings, headline, remarks, setting, text_report, verdict};
pub use wrap::wrapped;
