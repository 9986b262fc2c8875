//! Reports of a study, for people and for machines. They read results and know no event loop.

mod blame;
mod json;
mod service;
mod style;
mod text;
mod wrap;

pub use blame::blame_line;
pub use json::json_report;
pub use style::Style;
pub use text::{
    Subject, colour, conclusion, failure, finding, headline, margin, remarks, setting, text_report,
};
pub use wrap::wrapped;
