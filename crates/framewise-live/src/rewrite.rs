use std::mem;

/// Bytes of a header line that are held back while its end is missing; a longer line is passed on as it is.
const LONGEST: usize = 8 * 1024;

/// Which header fields of a request are rewritten to name the upstream instead of the proxy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rewrite {
    pub(crate) host: Option<Value>,
    pub(crate) origin: Option<Value>,
    /// Sec-WebSocket-Extensions is removed.
    pub(crate) no_extensions: bool,
}

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// The new value of a field.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) new: String,
    pub(crate) when: When,
}

/// When a field is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Where its value is another one.
    Different,
    /// Where it has another name or address; the port does not count.
    AnotherName,
}

/// A header field that was rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The name of the field.
    pub field: &'static str,
    /// The client's value.
    pub was: String,
    /// The value that was passed on; empty where the field was removed.
    pub now: String,
}

/// Rewrites the request at the start of a stream. Only a line that may be one of the fields is held back until its end
/// comes: every other byte is passed on at once, unchanged.
#[derive(Debug)]
pub(crate) struct Rewriter {
    rewrite: Rewrite,
    state: State,
    /// The start of a line that may be one of the fields.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No byte has come.
    Start,
    /// At the start of a line of the head, or within one that is held back.
    Line,
    /// Within a line that is passed on as it is.
    Passing,
    /// After the head, or in a stream that has none.
    Done,
}

impl Rewriter {
    pub(crate) fn new(rewrite: Rewrite) -> Self {
        let nothing = rewrite.host.is_none() && rewrite.origin.is_none() && !rewrite.no_extensions;
        let state = if nothing { State::Done } else { State::Start };
        Self { rewrite, state, held: Vec::new() }
    }

    /// Whether every byte that is still to come passes unchanged.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// What is passed on of these bytes, and of what was held back.
    pub(crate) fn take(&mut self, bytes: &[u8], rewritten: &mut Vec<Rewritten>) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 64);
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            match self.state {
                State::Done => {
                    out.extend_from_slice(rest);
                    break;
                }
                // TLS, and whatever else is not HTTP, does not begin with the letters of a method.
                State::Start if first.is_ascii_uppercase() => self.state = State::Passing,
                State::Start => self.state = State::Done,
                State::Passing => {
                    let end = rest.iter().position(|&byte| byte == b'\n').map(|end| end + 1);
                    if end.is_some() {
                        self.state = State::Line;
                    }
                    let (line, more) = rest.split_at(end.unwrap_or(rest.len()));
                    out.extend_from_slice(line);
                    rest = more;
                }
                State::Line => {
                    let end = rest.iter().position(|&byte| byte == b'\n').map(|end| end + 1);
                    let (line, more) = rest.split_at(end.unwrap_or(rest.len()));
                    self.held.extend_from_slice(line);
                    rest = more;
                    if end.is_some() {
                        let line = mem::take(&mut self.held);
                        if line == b"\r\n" || line == b"\n" {
                            self.state = State::Done;
                        }
                        out.extend_from_slice(&self.rewrite.line(line, rewritten));
                    } else if self.held.len() > LONGEST || !self.rewrite.may_concern(&self.held) {
                        out.append(&mut self.held);
                        self.state = State::Passing;
                    }
                }
            }
        }
        out
    }

    /// What was held back, where nothing more comes.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        self.state = State::Done;
        mem::take(&mut self.held)
    }
}

impl Rewrite {
    fn fields(&self) -> [(&'static str, Option<&Value>); 2] {
        [("Host", self.host.as_ref()), ("Origin", self.origin.as_ref())]
    }

    /// Whether the rest of a line may make it one of the fields, or the last line of the head.
    fn may_concern(&self, start: &[u8]) -> bool {
        let may_be = |name: &str| {
            let length = start.len().min(name.len());
            start[..length].eq_ignore_ascii_case(&name.as_bytes()[..length])
                && start.get(name.len()).is_none_or(|&byte| byte == b':')
        };
        start == b"\r"
            || (self.no_extensions && may_be(EXTENSIONS))
            || self.fields().into_iter().any(|(name, value)| value.is_some() && may_be(name))
    }

    /// The line with another value, where it is one of the fields; the bytes around the value stay.
    fn line(&self, line: Vec<u8>, rewritten: &mut Vec<Rewritten>) -> Vec<u8> {
        let is = |field: &str| {
            line.get(..field.len()).is_some_and(|name| name.eq_ignore_ascii_case(field.as_bytes()))
                && line.get(field.len()) == Some(&b':')
        };
        if self.no_extensions && is(EXTENSIONS) {
            let was = String::from_utf8_lossy(line[EXTENSIONS.len() + 1..].trim_ascii()).into_owned();
            rewritten.push(Rewritten { field: EXTENSIONS, was, now: String::new() });
            return Vec::new();
        }
        for (field, value) in self.fields() {
            let Some(value) = value.filter(|_| is(field)) else { continue };
            let after = &line[field.len() + 1..];
            let was = after.trim_ascii();
            let lead = after.len() - after.trim_ascii_start().len();
            let (Ok(text), false) = (std::str::from_utf8(was), was.is_empty()) else { return line };
            // A value that is none stays: it is a fault of the client's.
            if text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
                || !value.differs(text)
            {
                return line;
            }
            let start = field.len() + 1 + lead;
            rewritten.push(Rewritten { field, was: text.to_owned(), now: value.new.clone() });
            return [&line[..start], value.new.as_bytes(), &line[start + was.len()..]].concat();
        }
        line
    }
}

impl Value {
    fn differs(&self, was: &str) -> bool {
        match self.when {
            When::Different => was != self.new,
            When::AnotherName => !name_of(was).eq_ignore_ascii_case(name_of(&self.new)),
        }
    }
}

/// The name or address in `name:port`, `[address]:port`, or either without a port.
fn name_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    authority.split(':').next().unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewriter(origin: bool) -> Rewriter {
        let value = |new: &str, when| Some(Value { new: new.to_owned(), when });
        Rewriter::new(Rewrite {
            host: value("example.com", When::AnotherName),
            origin: if origin { value("https://example.com", When::Different) } else { None },
            no_extensions: false,
        })
    }

    /// In pieces of each size.
    fn assert_rewritten(origin: bool, before: &str, after: &str) {
        for size in 1..=before.len() {
            let (mut rewriter, mut all, mut out) = (rewriter(origin), Vec::new(), Vec::new());
            for piece in before.as_bytes().chunks(size) {
                out.extend(rewriter.take(piece, &mut all));
            }
            out.extend(rewriter.end());
            assert_eq!(String::from_utf8(out).expect("text"), after, "in pieces of {size}");
            let changed = before.lines().zip(after.lines()).filter(|(before, after)| before != after).count();
            assert_eq!(all.len(), changed, "{all:?}");
        }
    }

    #[test]
    fn host_is_rewritten_and_nothing_else() {
        assert_rewritten(
            false,
            "GET /Host: HTTP/1.1\r\nX-Host: a\r\nHOST:\t127.0.0.1:6455 \r\nHostess: b\r\nOrigin: http://a\r\n\r\nHost: a\r\n",
            "GET /Host: HTTP/1.1\r\nX-Host: a\r\nHOST:\texample.com \r\nHostess: b\r\nOrigin: http://a\r\n\r\nHost: a\r\n",
        );
        // Line ends as the client has them, and a head that never ends.
        assert_rewritten(
            false,
            "GET / HTTP/1.1\nHost: a\n\nHost: a\n",
            "GET / HTTP/1.1\nHost: example.com\n\nHost: a\n",
        );
        assert_rewritten(false, "GET / HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\r\nHost: a");
    }

    #[test]
    fn a_fault_of_the_client_stays() {
        for same in [
            "GET / HTTP/1.1\r\nHost: EXAMPLE.com:8080\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
            "\x16\x03\x01\nHost: a\r\n",
            "{\"a\":1}\nHost: a\r\n",
        ] {
            assert_rewritten(false, same, same);
        }
        // Two of them stay two.
        assert_rewritten(
            false,
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: example.com\r\nHost: example.com\r\n\r\n",
        );
    }

    #[test]
    fn origin_is_rewritten_on_request() {
        assert_rewritten(
            true,
            "GET / HTTP/1.1\r\nOrigin: http://localhost:3000\r\nHost: localhost:6455\r\n\r\n",
            "GET / HTTP/1.1\r\nOrigin: https://example.com\r\nHost: example.com\r\n\r\n",
        );
    }

    #[test]
    fn extensions_are_removed_on_request() {
        let mut all = Vec::new();
        let mut rewriter = Rewriter::new(Rewrite { no_extensions: true, ..Rewrite::default() });
        let head =
            "GET / HTTP/1.1\r\nHost: a\r\nsec-websocket-extensions: permessage-deflate\r\nX: y\r\n\r\n";
        let out = rewriter.take(head.as_bytes(), &mut all);
        assert_eq!(out, b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
        assert_eq!(all[0].was, "permessage-deflate");
    }

    #[test]
    fn only_what_may_be_the_field_is_held_back() {
        let (mut rewriter, mut all) = (rewriter(false), Vec::new());
        for (piece, passed) in [
            ("GET / HT", "GET / HT"),
            ("TP/1.1\r\nUp", "TP/1.1\r\nUp"),
            ("grade: x\r\nH", "grade: x\r\n"),
            ("os", ""),
            ("tile: 1", "Hostile: 1"),
            ("\r\nHost: a", "\r\n"),
            ("b\r\n\r", "Host: example.com\r\n"),
            ("\n", "\r\n"),
            ("H", "H"),
        ] {
            assert_eq!(String::from_utf8(rewriter.take(piece.as_bytes(), &mut all)).expect("text"), passed);
        }
        assert!(rewriter.is_done());
        let mut rewriter = self::rewriter(false);
        let long = format!("GET / HTTP/1.1\r\nHost: {}", "a".repeat(LONGEST));
        assert_eq!(
            rewriter.take(long.as_bytes(), &mut all),
            long.as_bytes(),
            "a line without end is passed on"
        );
    }

    #[test]
    fn a_port_makes_no_other_name() {
        let value = |new: &str| Value { new: new.to_owned(), when: When::AnotherName };
        for (was, new, differs) in [
            ("127.0.0.1:6455", "127.0.0.1:9001", false),
            ("127.0.0.1:6455", "localhost:6455", true),
            ("127.0.0.1:6455", "example.com", true),
            ("[2001:db8::1]", "[2001:DB8::1]:443", false),
            ("[::1]:6455", "[::2]:6455", true),
        ] {
            assert_eq!(value(new).differs(was), differs, "{was} {new}");
        }
    }
}
