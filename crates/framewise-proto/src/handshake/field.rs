use alloc::vec::Vec;
use core::fmt;
use core::str;

use super::secret::HiddenValue;
use crate::extension::{Extension, parse_some};

/// The largest number of elements in all lines of a list header; empty elements and the parameters of extensions count.
/// A head with more is too large (431), and its elements are not compared. RFC 9110 §5.6.1.2 requires a recipient to
/// accept "a reasonable number"; a client that is not authenticated must not cause much work.
pub const MAX_ELEMENTS: usize = 64;

/// A range of bytes in the sender's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the start of the stream.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
}

/// A header line: RFC 9110 §5 calls it a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'h> {
    /// The name as it was sent.
    pub name: &'h str,
    /// The value, without surrounding whitespace.
    pub value: &'h [u8],
    /// From the name's first byte to the value's last; `None` if an HTTP library parsed the head.
    pub place: Option<Place>,
}

impl<'h> Field<'h> {
    /// A field without a place: an HTTP library parsed it.
    pub const fn new(name: &'h str, value: &'h [u8]) -> Self {
        Self { name, value, place: None }
    }

    /// The value if it is UTF-8, otherwise an empty string.
    pub fn text(&self) -> &'h str {
        str::from_utf8(self.value).unwrap_or("")
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("name", &self.name)
            .field("value", &HiddenValue(self.name, self.value))
            .field("place", &self.place)
            .finish()
    }
}

/// A line of a head that is not a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedLine {
    /// The line, without its end.
    pub place: Place,
    /// The fault, in a few words.
    pub fault: &'static str,
}

/// The fields of one head, in order.
#[derive(Clone, Debug, Default)]
pub struct Fields<'h> {
    list: Vec<Field<'h>>,
    malformed: Option<MalformedLine>,
}

impl<'h> Fields<'h> {
    /// Every field.
    pub fn iter(&self) -> impl Iterator<Item = Field<'h>> {
        self.list.iter().copied()
    }

    /// The first line that is not a field; the other ones are in no iterator.
    pub const fn malformed(&self) -> Option<MalformedLine> {
        self.malformed
    }

    pub(super) const fn with_malformed(list: Vec<Field<'h>>, malformed: MalformedLine) -> Self {
        Self { list, malformed: Some(malformed) }
    }

    /// The fields with this name, in order.
    pub fn named(&self, name: &str) -> impl Iterator<Item = Field<'h>> {
        self.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
    }

    /// The first field with this name.
    pub fn first(&self, name: &str) -> Option<Field<'h>> {
        self.named(name).next()
    }

    /// The non-empty elements of the lists in the fields with this name.
    pub fn elements(&self, name: &str) -> impl Iterator<Item = &'h str> {
        self.named(name)
            .flat_map(|field| field.text().split(','))
            .map(str::trim)
            .filter(|element| !element.is_empty())
    }

    /// The extensions that can be parsed, up to [`MAX_ELEMENTS`].
    pub(super) fn extensions(&self) -> Vec<Extension> {
        let mut left = MAX_ELEMENTS;
        let lines = self.named("sec-websocket-extensions");
        lines.filter_map(|field| parse_some(field.text(), &mut left).ok()).flatten().collect()
    }

    /// Looks for an element, ignoring case, among the first [`MAX_ELEMENTS`] in the fields with this name.
    pub(super) fn look_for(&self, name: &str, element: &str) -> Search<'h> {
        let is_it = |other: &[u8]| other.eq_ignore_ascii_case(element.as_bytes());
        let mut elements = 0;
        for field in self.named(name) {
            // Most lists have one element.
            if is_it(field.value) {
                return Search::Found;
            }
            for other in field.value.split(|&byte| byte == b',') {
                elements += 1;
                if elements > MAX_ELEMENTS {
                    return Search::TooMany(field);
                }
                if is_it(other.trim_ascii()) {
                    return Search::Found;
                }
            }
        }
        Search::Missing
    }
}

/// The result of looking for an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search<'h> {
    Found,
    Missing,
    /// The list has more than [`MAX_ELEMENTS`], the first one too many in this field.
    TooMany(Field<'h>),
}

impl<'h> FromIterator<Field<'h>> for Fields<'h> {
    fn from_iter<I: IntoIterator<Item = Field<'h>>>(fields: I) -> Self {
        Self { list: fields.into_iter().collect(), malformed: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_looked_for_in_all_lines_of_a_name_up_to_the_limit() {
        let search = |values: &[&str]| {
            let fields: Fields<'_> = values
                .iter()
                .map(|value| Field::new("A", value.as_bytes()))
                .chain([Field::new("B", b"it")])
                .collect();
            match fields.look_for("a", "it") {
                Search::Found => Ok(true),
                Search::Missing => Ok(false),
                Search::TooMany(field) => Err(field.value.len()),
            }
        };
        assert_eq!(search(&[]), Ok(false));
        for found in [&["it"][..], &["x", "IT"], &["x , it,y"], &[",,it"], &["\u{e9}", "it"]] {
            assert_eq!(search(found), Ok(true), "{found:?}");
        }
        for missing in [&[""][..], &["its"], &["x it"], &["i", "t"], &["x;it"]] {
            assert_eq!(search(missing), Ok(false), "{missing:?}");
        }
        // Empty elements count, and those of all lines.
        let commas = |count: usize| ",".repeat(count);
        assert_eq!(search(&[&commas(MAX_ELEMENTS - 1)]), Ok(false));
        assert_eq!(search(&[&commas(MAX_ELEMENTS)]), Err(MAX_ELEMENTS));
        assert_eq!(search(&[&commas(40), &commas(22)]), Ok(false));
        assert_eq!(search(&[&commas(40), &commas(23)]), Err(23));
        assert_eq!(search(&[&(commas(MAX_ELEMENTS - 1) + "it")]), Ok(true));
        assert_eq!(search(&[&(commas(MAX_ELEMENTS) + "it")]), Err(MAX_ELEMENTS + 2));
    }
}
