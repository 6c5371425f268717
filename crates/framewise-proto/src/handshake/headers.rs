use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, slice};

use super::Fields;
use super::secret::HiddenValue;

/// The header lines of a head, in order: names as they were sent, and values.
///
/// Two buffers hold them all, one for the names and one for the values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    names: String,
    values: Vec<u8>,
    /// The end of each line's name and value; each begins at the previous line's end.
    ends: Vec<(usize, usize)>,
}

impl Headers {
    /// No lines.
    pub const fn new() -> Self {
        Self { names: String::new(), values: Vec::new(), ends: Vec::new() }
    }

    /// No lines yet, with memory for this many lines, bytes of names and bytes of values.
    fn with_capacity(lines: usize, names: usize, values: usize) -> Self {
        Self {
            names: String::with_capacity(names),
            values: Vec::with_capacity(values),
            ends: Vec::with_capacity(lines),
        }
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no lines.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Appends a line.
    #[inline]
    pub fn push(&mut self, name: &str, value: &[u8]) {
        self.names.push_str(name);
        self.values.extend_from_slice(value);
        self.ends.push((self.names.len(), self.values.len()));
    }

    /// The lines: name and value, in order. `for (name, value) in &headers` does the same.
    pub fn iter(&self) -> HeaderLines<'_> {
        HeaderLines { headers: self, from: (0, 0), ends: self.ends.iter() }
    }

    /// The values of the lines with this name, ignoring case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the first line with this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }
}

/// The lines of [`Headers`]: name and value, in order.
#[derive(Clone)]
pub struct HeaderLines<'a> {
    headers: &'a Headers,
    /// The ends of the line before.
    from: (usize, usize),
    ends: slice::Iter<'a, (usize, usize)>,
}

impl<'a> Iterator for HeaderLines<'a> {
    type Item = (&'a str, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let to = *self.ends.next()?;
        let line = (&self.headers.names[self.from.0..to.0], &self.headers.values[self.from.1..to.1]);
        self.from = to;
        Some(line)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ends.size_hint()
    }
}

impl ExactSizeIterator for HeaderLines<'_> {}

/// The lines that are left, without credentials.
impl fmt::Debug for HeaderLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone().map(|(name, value)| (name, HiddenValue(name, value)))).finish()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = HeaderLines<'a>;

    fn into_iter(self) -> HeaderLines<'a> {
        self.iter()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(lines: I) -> Self {
        let mut headers = Self::new();
        headers.extend(lines);
        headers
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Extend<(N, V)> for Headers {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, lines: I) {
        for (name, value) in lines {
            self.push(name.as_ref(), value.as_ref());
        }
    }
}

impl From<&Fields<'_>> for Headers {
    fn from(fields: &Fields<'_>) -> Self {
        let (lines, names, values) = fields
            .iter()
            .fold((0, 0, 0), |(l, n, v), field| (l + 1, n + field.name.len(), v + field.value.len()));
        let mut headers = Self::with_capacity(lines, names, values);
        for field in fields.iter() {
            headers.push(field.name, field.value);
        }
        headers
    }
}

/// Without credentials: see [`is_secret`](super::is_secret).
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn lines_are_kept_apart_in_order_and_found_in_any_case() {
        let headers: Headers =
            [("Host", &b"h"[..]), ("X-Empty", b""), ("x", b"1\xff"), ("X", b"2")].into_iter().collect();
        let mut grown = Headers::new();
        grown.extend(headers.iter());
        assert_eq!(grown, headers);
        assert_eq!(headers.len(), 4);
        assert_eq!(headers.iter().last(), Some(("X", &b"2"[..])));
        let mut names = Vec::new();
        for (name, _) in &headers {
            names.push(name);
        }
        assert_eq!(names, ["Host", "X-Empty", "x", "X"]);
        let mut left = headers.iter();
        assert_eq!((left.len(), left.next(), left.len()), (4, Some(("Host", &b"h"[..])), 3));
        assert_eq!(format!("{left:?}"), "{\"X-Empty\": \"\", \"x\": \"1\u{fffd}\", \"X\": \"2\"}");
        assert_eq!(headers.all("X").collect::<Vec<_>>(), [&b"1\xff"[..], b"2"]);
        assert_eq!(headers.get("x-empty"), Some(&b""[..]));
        assert_eq!(headers.get("x-other"), None);
        assert_eq!(
            format!("{headers:?}"),
            "{\"Host\": \"h\", \"X-Empty\": \"\", \"x\": \"1\u{fffd}\", \"X\": \"2\"}"
        );
    }
}
