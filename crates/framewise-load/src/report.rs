//! What a run came to.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The result of a run. All latencies are in microseconds.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Report {
    /// The server's URL, without a password.
    pub target: String,
    /// Whether the run came to its end.
    pub complete: bool,
    /// Seconds that the percentiles cover: the run without its warm-up.
    pub seconds: f64,
    /// What became of the connections.
    pub connections: Connections,
    /// What became of the messages.
    pub messages: Messages,
    /// From when a message was due to its reply. Messages without a reply count with the time that they had waited. With a
    /// number of messages in flight instead of a rate, a message is due when it is sent.
    pub latency: Latency,
    /// From when a message was sent to its reply. It leaves out the time that messages waited because the server did not
    /// read.
    pub since_sent: Latency,
    /// From the start of a connection to the end of its handshake.
    pub handshake: Latency,
    /// Second by second.
    pub series: Vec<Second>,
    /// What the server did wrong, the most frequent first.
    pub findings: Vec<Finding>,
    /// The load generator itself.
    pub generator: Generator,
}

/// What became of the connections.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Connections {
    /// That were opened.
    pub opened: u32,
    /// That could not be opened.
    pub failed: u32,
    /// That ended before the run did.
    pub lost: u32,
}

/// What became of the messages, without those of the warm-up.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Messages {
    /// That were sent, Pings included.
    pub sent: u64,
    /// That were answered.
    pub answered: u64,
    /// That were due, and had no answer when the run ended: not sent yet, or not answered.
    pub unanswered: u64,
    /// Whose answer was not what was expected.
    pub wrong: u64,
    /// Answers a second.
    pub per_second: f64,
    /// Bytes of payload that were sent.
    pub bytes_sent: u64,
    /// Bytes of payload that were received.
    pub bytes_received: u64,
}

/// A distribution of times, in microseconds; all zero if nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Latency {
    /// The number of times.
    pub count: u64,
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

/// One second of a run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Second {
    /// Its number, from 0.
    pub second: u64,
    /// Messages sent in it.
    pub sent: u64,
    /// Answers that arrived in it.
    pub answered: u64,
    /// The latency of those answers.
    pub p50: f64,
    /// The latency of those answers.
    pub p99: f64,
    /// The latency of those answers.
    pub max: f64,
}

/// Something that the server did wrong, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Finding {
    /// The rule that it broke; `None` where no rule of the protocol is broken.
    pub rule: Option<String>,
    /// How often.
    pub count: u64,
    /// The first of them, in one sentence.
    pub says: String,
}

/// The load generator itself: what it may have added to the latencies.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Generator {
    /// How late it was to send messages that were due; part of `latency`.
    pub late: Latency,
    /// The CPU time that it used, as a share of its threads' time: at 1 it could not send faster. `None` where the system
    /// does not say.
    pub busy: Option<f64>,
}

impl Latency {
    /// The distribution of a histogram in nanoseconds.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let quantile = |quantile| micros(histogram.value_at_quantile(quantile));
        Self {
            count: histogram.len(),
            min: micros(histogram.min()),
            mean: round(histogram.mean() / 1000.0),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: micros(histogram.max()),
        }
    }
}

pub(crate) fn micros(nanos: u64) -> f64 {
    round(nanos as f64 / 1000.0)
}

/// One digit after the point is more than the timer can measure.
fn round(micros: f64) -> f64 {
    (micros * 10.0).round() / 10.0
}

/// A histogram of times from a microsecond to an hour, in nanoseconds, exact to a thousandth.
pub(crate) fn histogram() -> Histogram<u64> {
    // The bounds are constants that the constructor accepts.
    Histogram::new_with_bounds(1_000, 3_600_000_000_000, 3).unwrap_or_else(|_| unreachable!("valid bounds"))
}

impl Report {
    /// Whether the server did nothing wrong: every connection was opened and stayed, and every message was answered as
    /// expected.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The report as JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The report as one HTML page with plots, which loads nothing.
    pub fn html(&self) -> String {
        crate::html::page(self)
    }
}
