//! Lines on their way out: indentation, and the column where the comments of neighbouring lines stand.

/// Blanks for each level of nesting.
const INDENT: usize = 2;
/// Blanks between code and a comment behind it, at least.
const BEFORE_COMMENT: usize = 2;

/// One line.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Levels of indentation.
    pub depth: usize,
    pub code: String,
    /// A comment behind the code, or the whole line.
    pub comment: Option<String>,
    /// Whether an empty line stands before it.
    pub blank_before: bool,
    /// The blocks that open and close on this line, by the position of their opening brace; outer ones first.
    pub inline_blocks: Vec<usize>,
}

impl Line {
    /// The characters up to the end of the code.
    pub fn width(&self) -> usize {
        self.depth * INDENT + self.code.chars().count()
    }

    fn has_both(&self) -> bool {
        self.comment.is_some() && !self.code.is_empty()
    }
}

/// The text of all lines. Comments behind code stand in one column where lines follow each other directly.
pub(super) fn text(lines: &[Line]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < lines.len() {
        let run = run(&lines[at..]);
        let column = lines[at..at + run].iter().map(Line::width).max().unwrap_or(0) + BEFORE_COMMENT;
        for line in &lines[at..at + run] {
            write(&mut out, line, column);
        }
        at += run;
    }
    out
}

/// How many lines share the column of their comments: those with code and comment, equally deep, without empty lines between
/// them; at least one.
fn run(lines: &[Line]) -> usize {
    let Some(first) = lines.first().filter(|l| l.has_both()) else { return 1 };
    let more = lines.iter().skip(1).take_while(|l| l.has_both() && l.depth == first.depth && !l.blank_before);
    1 + more.count()
}

fn write(out: &mut String, line: &Line, column: usize) {
    if line.blank_before {
        out.push('\n');
    }
    out.extend(std::iter::repeat_n(' ', line.depth * INDENT));
    out.push_str(&line.code);
    if let Some(comment) = &line.comment {
        if !line.code.is_empty() {
            out.extend(std::iter::repeat_n(' ', column.saturating_sub(line.width())));
        }
        out.push_str(comment);
    }
    out.push('\n');
}
