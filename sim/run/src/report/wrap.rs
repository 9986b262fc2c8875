//! Long sentences as lines that fit.

/// `first` followed by `text`, whose later lines are indented below the end of `first`. Lines have at most `columns`
/// characters, where a word does not force more.
pub fn wrapped(first: &str, text: &str, columns: usize) -> Vec<String> {
    let indent = first.chars().count();
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let (mut column, mut empty) = (indent, true);
    for word in text.split(' ') {
        let width = word.chars().count();
        if !empty && column + 1 + width > columns {
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
        assert_eq!(wrapped("why: ", "short", 120), ["why: short"]);
        let text = "word ".repeat(40);
        let lines = wrapped("why: ", text.trim_end(), 120);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.len() <= 120));
        assert!(lines[1].starts_with("     word"));
        let long = "x".repeat(200);
        assert_eq!(wrapped("- ", &format!("a {long}"), 120), ["- a".to_owned(), format!("  {long}")]);
    }
}
