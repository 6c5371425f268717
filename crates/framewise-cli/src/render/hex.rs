use std::fmt::Write as _;
use std::ops::Range;

use super::clean;
use super::style::{FAINT, FAULT, paint};
use super::wrap;

const BYTES_A_ROW: usize = 16;
/// Rows of a view; what is between is counted. The rows of the mark's two ends are always among them.
const MOST_ROWS: usize = 8;

/// Bytes around a fault: which they are, where they stand, what they mean.
pub(crate) struct View<'v> {
    /// The offset of the first byte in its stream.
    pub(crate) start: u64,
    pub(crate) bytes: &'v [u8],
    /// Those that break the rule; empty at the place where something is missing.
    pub(crate) marked: Range<usize>,
    pub(crate) labels: &'v [(Range<usize>, String)],
}

/// Rows of sixteen bytes with offsets and text, carets under what is wrong, and below what each part means.
pub(crate) fn hex(view: &View<'_>, width: usize) -> String {
    let mut text = String::new();
    let rows = view.bytes.len().div_ceil(BYTES_A_ROW).max(1);
    let shown = shown_rows(rows, &view.marked);
    let mut previous = None;
    for row in 0..rows {
        if !shown(row) {
            continue;
        }
        if previous.is_some_and(|previous| previous + 1 != row) {
            let _ = writeln!(text, "{}", paint(FAINT, "      …"));
        }
        previous = Some(row);
        write_row(&mut text, view, row);
    }
    if previous.is_some_and(|previous| previous + 1 != rows) {
        let _ = writeln!(text, "{}", paint(FAINT, format!("      … {} bytes in all", view.bytes.len())));
    }
    labels(&mut text, view, width);
    text
}

fn shown_rows(rows: usize, marked: &Range<usize>) -> impl Fn(usize) -> bool + use<> {
    let first = marked.start / BYTES_A_ROW;
    let last = marked.end.saturating_sub(1).max(marked.start) / BYTES_A_ROW;
    move |row| {
        let near = |at: usize| row + 1 >= at && row <= at + 1;
        rows <= MOST_ROWS || row < 2 || near(first) || near(last)
    }
}

fn write_row(text: &mut String, view: &View<'_>, row: usize) {
    let start = row * BYTES_A_ROW;
    let end = view.bytes.len().min(start + BYTES_A_ROW);
    let (mut hex, mut carets, mut ascii) = (Marked::default(), String::new(), Marked::default());
    for index in start..start + BYTES_A_ROW {
        let gap = if index == start + BYTES_A_ROW / 2 { "  " } else { " " };
        let marked = view.marked.contains(&index) && index < end;
        // Between two marked bytes the mark is not broken.
        let inside = marked && index > start && view.marked.contains(&(index - 1));
        hex.push(gap, inside);
        carets.push_str(&if inside { "^" } else { " " }.repeat(gap.len()));
        // The place where something is missing: before a byte, or after the last one.
        let missing = view.marked.is_empty() && view.marked.start == index;
        carets.push_str(if marked {
            "^^"
        } else if missing {
            "^ "
        } else {
            "  "
        });
        match view.bytes.get(index).filter(|_| index < end) {
            None => hex.push("  ", false),
            Some(&byte) => {
                hex.push(&format!("{byte:02x}"), marked);
                ascii.push(
                    if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' }.encode_utf8(&mut [0; 4]),
                    marked,
                );
            }
        }
    }
    let (hex, ascii) = (hex.finish(), ascii.finish());
    let offset = view.start + start as u64;
    let _ = writeln!(
        text,
        "{} {hex}  {}{ascii}{}",
        paint(FAINT, format_args!("{offset:08x}")),
        paint(FAINT, "|"),
        paint(FAINT, "|")
    );
    let carets = carets.trim_end();
    // Of a mark that goes over many rows its first and its last row are enough.
    let inner = view.marked.start < start && view.marked.end > start + BYTES_A_ROW;
    if !carets.is_empty() && !inner {
        let _ = writeln!(text, "{:9}{}", "", paint(FAULT, carets));
    }
}

/// A line of text, runs of which are marked.
#[derive(Default)]
struct Marked {
    text: String,
    open: bool,
}

impl Marked {
    fn push(&mut self, text: &str, marked: bool) {
        if marked != self.open {
            let _ = if marked { write!(self.text, "{FAULT}") } else { write!(self.text, "{FAULT:#}") };
            self.open = marked;
        }
        self.text.push_str(text);
    }

    fn finish(mut self) -> String {
        self.push("", false);
        self.text
    }
}

/// What parts of the bytes are: their offset, the bytes, the words.
fn labels(text: &mut String, view: &View<'_>, width: usize) {
    for (range, says) in view.labels {
        let range = range.start.min(view.bytes.len())..range.end.min(view.bytes.len());
        let wrong = if view.marked.is_empty() {
            range.contains(&view.marked.start)
        } else {
            range.start < view.marked.end && view.marked.start < range.end
        };
        let bytes = &view.bytes[range.clone()];
        let mut shown: Vec<_> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        if bytes.len() > 8 {
            shown.truncate(7);
            shown.push("…".to_owned());
        }
        let shown = format!("{:23}", shown.join(" "));
        let offset = format!("{:08x}", view.start + range.start as u64);
        let sign = if wrong { paint(FAULT, ">") } else { " ".to_owned() };
        let shown = if wrong { paint(FAULT, shown) } else { shown };
        for (index, line) in wrap(&clean(says), width.saturating_sub(37).max(30)).iter().enumerate() {
            if index == 0 {
                let _ = writeln!(text, "{} {sign}{shown}  {line}", paint(FAINT, &offset));
            } else {
                let _ = writeln!(text, "{:35}{line}", "");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(view: &View<'_>) -> String {
        anstream::adapter::strip_str(&hex(view, 80)).to_string()
    }

    #[test]
    fn the_offending_bytes_are_marked_and_labelled() {
        let labels = [(0..1, "FIN, text".to_owned()), (1..2, "no mask, length 2".to_owned())];
        let view = View { start: 0x80, bytes: b"\x81\x02hi", marked: 1..3, labels: &labels };
        let expected = "00000080  81 02 68 69                                       |..hi|\n             ^^^^^\n\
                        00000080  81                       FIN, text\n00000081 >02                       no mask, length 2\n";
        assert_eq!(plain(&view), expected);
    }

    #[test]
    fn a_missing_byte_is_marked_where_it_should_be() {
        let view = View { start: 0, bytes: b"\x81\x05he", marked: 4..4, labels: &[] };
        let text = plain(&view);
        assert_eq!(text.lines().nth(1), Some("                      ^"));
        // Also at the start of a row that no byte has.
        let view = View { start: 0, bytes: &[0; 16], marked: 16..16, labels: &[] };
        assert!(plain(&view).contains('|'));
    }

    #[test]
    fn a_large_excerpt_is_cut_around_the_mark() {
        let bytes = vec![b'a'; 4096];
        let text = plain(&View { start: 0, bytes: &bytes, marked: 2000..2001, labels: &[] });
        assert!(text.lines().count() < 12 && text.contains("000007d0") && text.contains('^'), "{text}");
    }
}
