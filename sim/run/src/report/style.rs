//! How a report looks: colour, width, signs. No meaning rests on colour alone: every sign has a word beside it.

use anstyle::{AnsiColor, Style as Ansi};

use super::wrap::wrapped;

/// How a report is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Write escape codes.
    pub color: bool,
    /// Lines are this wide at most, where a word or a number does not force more: 60 to 200 columns.
    pub width: usize,
    /// Show every row of a sweep, not only those around its boundary.
    pub all_rows: bool,
}

impl Style {
    /// No escape codes, and what a file or a pipe gets.
    pub const PLAIN: Style = Style { color: false, width: 120, all_rows: false };

    /// `first` followed by `text`, whose later lines are indented below the end of `first`.
    pub fn wrapped(self, first: &str, text: &str) -> Vec<String> {
        wrapped(first, text, self.width)
    }

    /// Green: what is as it should be.
    pub fn good(self, text: &str) -> String {
        self.paint(text, AnsiColor::Green.on_default())
    }

    /// Red: what is wrong.
    pub fn bad(self, text: &str) -> String {
        self.paint(text, AnsiColor::Red.on_default().bold())
    }

    /// Yellow: what is not decided.
    pub fn doubtful(self, text: &str) -> String {
        self.paint(text, AnsiColor::Yellow.on_default())
    }

    /// Bold.
    pub fn strong(self, text: &str) -> String {
        self.paint(text, Ansi::new().bold())
    }

    /// Dim: what can be passed over.
    pub fn faint(self, text: &str) -> String {
        self.paint(text, Ansi::new().dimmed())
    }

    fn paint(self, text: &str, ansi: Ansi) -> String {
        if self.color { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    }
}
