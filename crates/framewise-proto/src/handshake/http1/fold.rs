//! Values that go on in the next line.

use alloc::borrow::Cow;

/// The heads of responses from byte `start` on, with white space in place of each line end that folds a line. All offsets stay as
/// they are; bytes after the heads, and bytes without a fold, do too.
///
/// RFC 9112 §5.2: "A user agent that receives an obs-fold in a response message that is not within a "message/http" container MUST
/// replace each received obs-fold with one or more SP octets prior to interpreting the field value." Of a request, a server may
/// do that or reject it: ours rejects it.
pub fn unfold(bytes: &[u8], start: usize) -> Cow<'_, [u8]> {
    let mut unfolded = Cow::Borrowed(bytes);
    let (mut at, mut before) = (start, Line::Empty);
    while let Some(length) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == b'\n')) {
        let line = &bytes[at..at + length];
        let folds = matches!(line, [b' ' | b'\t', ..]);
        before = match before {
            // What follows a head is no other one: frames, or a body.
            Line::Empty if !line.starts_with(b"HTTP/") => break,
            Line::Empty => Line::Start,
            Line::Start | Line::Field if matches!(line, [] | [b'\r']) => Line::Empty,
            // §2.2: white space "between the start-line and the first header field" is no fold.
            Line::Start if folds => break,
            Line::Field if folds => {
                let end = if bytes[..at].ends_with(b"\r\n") { at - 2 } else { at - 1 };
                unfolded.to_mut()[end..at].fill(b' ');
                Line::Field
            }
            Line::Start | Line::Field => Line::Field,
        };
        at += length + 1;
    }
    unfolded
}

/// What the line before is.
enum Line {
    /// An empty one, or none.
    Empty,
    Start,
    Field,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_becomes_spaces_and_nothing_moves() {
        for (folded, unfolded) in [
            ("HTTP/1.1 101 a\r\nA: 1\r\n 2\r\n\r\n", "HTTP/1.1 101 a\r\nA: 1   2\r\n\r\n"),
            (
                "HTTP/1.1 101 a\r\nA: 1\r\n\t2\r\n \r\nB: 3\r\n\r\n",
                "HTTP/1.1 101 a\r\nA: 1  \t2   \r\nB: 3\r\n\r\n",
            ),
            ("HTTP/1.1 101 a\nA: 1\n 2\n\n", "HTTP/1.1 101 a\nA: 1  2\n\n"),
            (
                "HTTP/1.1 103 a\r\nA: 1\r\n 2\r\n\r\nHTTP/1.1 101 b\r\nB: 3\r\n 4\r\n\r\n",
                "HTTP/1.1 103 a\r\nA: 1   2\r\n\r\nHTTP/1.1 101 b\r\nB: 3   4\r\n\r\n",
            ),
        ] {
            assert_eq!(unfold(folded.as_bytes(), 0), unfolded.as_bytes(), "{folded:?}");
        }
    }

    #[test]
    fn what_is_no_fold_stays() {
        for text in [
            "HTTP/1.1 101 a\r\nA: 1 \r\nB:\t2\r\n\r\n",
            // Frames, or a body, after the head.
            "HTTP/1.1 101 a\r\nA: 1\r\n\r\n\u{1}\u{2}\r\n 2\r\n",
            "HTTP/1.1 200 a\r\nA: 1\r\n\r\n<p>\r\n 2\r\n",
            // Before the first header line.
            "HTTP/1.1 101 a\r\n A: 1\r\nB: 2\r\n\r\n",
            // The line is not complete.
            "HTTP/1.1 101 a\r\nA: 1\r\n 2",
            "",
        ] {
            assert!(matches!(unfold(text.as_bytes(), 0), Cow::Borrowed(_)), "{text:?}");
        }
        assert_eq!(
            unfold(b"\n 1\nHTTP/1.1 101 a\nA: 1\n 2\n\n", 4),
            &b"\n 1\nHTTP/1.1 101 a\nA: 1  2\n\n"[..]
        );
    }
}
