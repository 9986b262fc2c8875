//! Long sentences as lines that fit. The width is fixed: a report's bytes do not depend on the terminal.

/// Lines are this wide at most, where a word does not force more.
const COLUMNS_MAX: usize = 120;

/// `first` followed by `text`, whose later lines stand below its first one.
pub fn wrapped(first: &str, text: &str) -> Vec<String> {
    let indent = first.chars().count();
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let (mut column, mut empty) = (indent, true);
    for word in text.split(' ') {
        let width = word.chars().count();
        if !empty && column + 1 + width > COLUMNS_MAX {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            (column, empty) = (indent, true);
        }
        if !empty {
            line.push(' ');
            column += 1;
        }
        line.push_str(word);
        column += width;
        empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_stay_below_each_other() {
        assert_eq!(wrapped("why: ", "short"), ["why: short"]);
        let text = "word ".repeat(40);
        let lines = wrapped("why: ", text.trim_end());
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.len() <= COLUMNS_MAX));
        assert!(lines[1].starts_with("     word"));
        let long = "x".repeat(200);
        assert_eq!(wrapped("- ", &format!("a {long}")), ["- a".to_owned(), format!("  {long}")]);
    }
}
