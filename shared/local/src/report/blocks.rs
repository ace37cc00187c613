//! Text in columns: what stands beside what, within the width of a terminal.

/// Characters of a line at most.
pub const WIDTH: usize = 100;
/// Characters of each of two columns.
pub const HALF: usize = 49;

/// Rows of cells in columns of these widths: the first to the left, the others to the right. Cells that are too long
/// are cut.
pub fn table(widths: &[usize], rows: &[Vec<String>]) -> Vec<String> {
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(widths).enumerate();
        let cells =
            cells.map(|(place, (cell, width))| if place == 0 { left(cell, *width) } else { right(cell, *width) });
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Two blocks beside each other.
pub fn beside(one: &[String], other: &[String]) -> Vec<String> {
    let rows = one.len().max(other.len());
    let at = |block: &[String], row: usize| block.get(row).cloned().unwrap_or_default();
    let line = |row| format!("{}  {}", left(&at(one, row), HALF), cut(&at(other, row), HALF)).trim_end().to_owned();
    (0..rows).map(line).collect()
}

/// A text in lines of so many characters, broken between words; the first begins with something, the others with
/// something else.
pub fn wrapped(text: &str, width: usize, first: &str, others: &str) -> Vec<String> {
    let mut lines = vec![first.to_owned()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        let is_bare = *line == first || *line == others;
        let length = line.chars().count().saturating_add(word.chars().count());
        match is_bare {
            true => line.push_str(word),
            false if length < width => line.extend([" ", word]),
            false => lines.push(format!("{others}{word}")),
        }
    }
    lines
}

/// A text to the left of a column.
pub fn left(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let blanks = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(blanks))
}

/// A text to the right of a column.
pub fn right(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let blanks = width.saturating_sub(text.chars().count());
    format!("{}{text}", " ".repeat(blanks))
}

/// A text of so many characters at most.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_whatever_their_cells_are_made_of() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let table = table(&[6, 5], &[row(&["größer", "1"]), row(&["a", "–"]), row(&["too long", "123456"])]);
        assert_eq!(table, ["größer    1", "a         –", "too l…1234…"]);
        assert_eq!(wrapped("one two three", 7, "! ", "  "), ["! one", "  two", "  three"]);
        assert_eq!(wrapped("one two three", 9, "! ", "  "), ["! one two", "  three"]);
        let beside = beside(&row(&["one", "two"]), &row(&["three"]));
        assert_eq!(beside, [format!("{:<51}three", "one"), "two".to_owned()]);
    }
}
