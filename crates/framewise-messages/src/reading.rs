//! What a text says: the result of reading it.

use framewise_rules::{Cause, CloseCode};

use crate::table::{Message, Named, Sign};
use crate::words::Span;

/// What a text says.
#[derive(Debug, Default)]
pub struct Reading {
    /// The causes that it speaks for, the likeliest first; empty where nothing speaks clearly enough.
    pub causes: Vec<Ranked<Cause>>,
    /// The rules that it denotes, the likeliest first.
    pub rules: Vec<Ranked<Named>>,
    /// Its close codes.
    pub codes: Vec<Ranked<CloseCode>>,
    /// Its HTTP statuses, with their places.
    pub statuses: Vec<(u16, Span)>,
    /// The messages of the table that are in it, in the order of the text.
    pub messages: Vec<Recognized>,
    /// The software that it names.
    pub software: Vec<(&'static str, Span)>,
    /// Bytes at its start that were not read: a text longer than [`LIMIT`](crate::LIMIT) is read from its end.
    pub skipped: usize,
}

/// Something that a text speaks for.
#[derive(Clone, Debug)]
pub struct Ranked<T> {
    /// What it is.
    pub is: T,
    /// Its share among everything that the text speaks for, from 0 to 1.
    pub score: f64,
    /// What speaks for it, the strongest first.
    pub evidence: Vec<Evidence>,
}

/// Something in a text that speaks for a cause, a rule or a code.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Where it is.
    pub span: Span,
    /// What it is.
    pub speaks: Speaks,
    /// How much it counts.
    pub weight: f64,
}

impl Evidence {
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        match (self.speaks, other.speaks) {
            (Speaks::Message(a), Speaks::Message(b)) => std::ptr::eq(a, b) || self.span == other.span,
            (Speaks::Sign(a), Speaks::Sign(b)) => std::ptr::eq(a, b),
            (a, b) => {
                std::mem::discriminant(&a) == std::mem::discriminant(&b)
                    && a.value() == b.value()
                    && a.value().is_some()
            }
        }
    }
}

/// What speaks.
#[derive(Clone, Copy, Debug)]
pub enum Speaks {
    /// A message of the table.
    Message(&'static Message),
    /// A close code.
    Code(u16),
    /// An HTTP status.
    Status(u16),
    /// A duration, and whose default it is (empty if it is not a default).
    Duration {
        /// In seconds.
        seconds: u64,
        /// Products with this default.
        whose: &'static str,
    },
    /// A size, and whose default it is (empty if it is not a default).
    Size {
        /// In bytes.
        bytes: u64,
        /// Products with this default.
        whose: &'static str,
    },
    /// A head, or a configuration.
    Sign(&'static Sign),
    /// A product.
    Software(&'static str),
    /// Words of the description.
    Words,
}

impl Speaks {
    fn value(self) -> Option<u64> {
        match self {
            Self::Code(code) | Self::Status(code) => Some(code.into()),
            Self::Duration { seconds: value, .. } | Self::Size { bytes: value, .. } => Some(value),
            Self::Message(_) | Self::Sign(_) | Self::Software(_) | Self::Words => None,
        }
    }
}

/// A message of the table that is in a text.
#[derive(Clone, Debug)]
pub struct Recognized {
    /// The message.
    pub message: &'static Message,
    /// The same words, as other products print them.
    pub also: Vec<&'static Message>,
    /// Where it is.
    pub span: Span,
    /// Whether it is there word for word; else it was cut, or is only like the message.
    pub exact: bool,
    /// How sure it is that the text has this message, from 0 to 1.
    pub certainty: f64,
}

/// How far a text decides between its causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decides {
    /// The first cause may be asserted.
    First,
    /// It is one of the causes; the text does not say which.
    Among,
    /// The messages tell only that something failed, and nothing beside them says why.
    Symptom,
}

/// The share from which on the first cause may be asserted. Of 166 reports that were measured once, 62 had a first cause with
/// this share; it was wrong in 3 (`tests/reports.md`).
const ASSERTED: f64 = 0.85;

impl Reading {
    /// How far the text decides between its causes; none where it names no cause.
    pub fn decides(&self) -> Option<Decides> {
        let first = self.causes.first()?;
        let symptoms = self.messages.iter().all(|found| found.message.symptom);
        Some(if first.score >= ASSERTED {
            Decides::First
        } else if symptoms && !self.messages.is_empty() {
            Decides::Symptom
        } else {
            Decides::Among
        })
    }

    /// Places in the complete text, not in the part that was read.
    pub(crate) fn shift(&mut self, by: usize) {
        let spans = self.causes.iter_mut().flat_map(|ranked| &mut ranked.evidence);
        let spans = spans.chain(self.rules.iter_mut().flat_map(|ranked| &mut ranked.evidence));
        let spans = spans
            .chain(self.codes.iter_mut().flat_map(|ranked| &mut ranked.evidence))
            .map(|evidence| &mut evidence.span);
        let spans = spans.chain(self.statuses.iter_mut().map(|(_, span)| span));
        let spans = spans.chain(self.messages.iter_mut().map(|message| &mut message.span));
        for span in spans.chain(self.software.iter_mut().map(|(_, span)| span)) {
            *span = span.start + by..span.end + by;
        }
    }
}
