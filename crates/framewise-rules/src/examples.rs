//! The examples of the rules, one file per topic. Each constant has the name of its rule.
//!
//! The comment on a masked line says what the payload is in the clear.
#![allow(non_upper_case_globals, reason = "examples are found by the name of their row")]

/// One step of a transcript: these lines as an HTTP head, and the bytes that follow it in the same segment.
macro_rules! head {
    ($from:literal $($line:literal)+ $(; $rest:literal)?) => {
        concat!($from, " \"", $($line, r"\r\n",)+ r"\r\n", $($rest,)? "\"\n")
    };
}

/// The request of RFC 6455 §1.3 in its shortest form, with extra lines.
macro_rules! request {
    ($($line:literal)* $(; $rest:literal)?) => {
        head!(">" "GET /ws HTTP/1.1" "Host: example.com" "Upgrade: websocket" "Connection: Upgrade"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13" $($line)* $(; $rest)?)
    };
}

/// The response to `request!`, with extra lines.
macro_rules! response {
    ($($line:literal)* $(; $rest:literal)?) => {
        head!("<" "HTTP/1.1 101 Switching Protocols" "Upgrade: websocket" "Connection: Upgrade"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" $($line)* $(; $rest)?)
    };
}

pub(crate) mod closing;
pub(crate) mod control;
pub(crate) mod extension;
pub(crate) mod fragmentation;
pub(crate) mod framing;
pub(crate) mod handshake;
pub(crate) mod http2;
pub(crate) mod limit;
pub(crate) mod masking;
pub(crate) mod text;

use crate::Setup;

/// The example transcripts of a rule, in the notation of the crate `framewise-transcript`.
#[derive(Clone, Copy, Debug)]
pub struct Examples {
    /// Transcripts that break this rule, and no other, at their last step.
    pub bad: &'static [Bad],
    /// Transcripts that look similar and break nothing.
    pub good: &'static [Good],
}

/// A transcript that breaks a rule at its last step.
#[derive(Clone, Copy, Debug)]
pub struct Bad {
    /// The transcript.
    pub transcript: &'static str,
    /// Offset of the first byte that breaks the rule, in bytes from the start of the offender's stream, including the
    /// handshake if the transcript has one. If the end of the stream breaks the rule: the length of the stream.
    pub offset: u64,
    /// The configuration of the endpoint or observer that judges the transcript.
    pub setup: Setup,
}

/// A transcript that breaks nothing.
#[derive(Clone, Copy, Debug)]
pub struct Good {
    /// The transcript.
    pub transcript: &'static str,
    /// The configuration of the endpoint or observer that judges the transcript.
    pub setup: Setup,
}

impl Bad {
    pub(crate) const fn new(transcript: &'static str, offset: u64) -> Self {
        Self { transcript, offset, setup: Setup::DEFAULT }
    }

    pub(crate) const fn with(transcript: &'static str, offset: u64, setup: Setup) -> Self {
        Self { transcript, offset, setup }
    }
}

impl Good {
    pub(crate) const fn new(transcript: &'static str) -> Self {
        Self { transcript, setup: Setup::DEFAULT }
    }

    pub(crate) const fn with(transcript: &'static str, setup: Setup) -> Self {
        Self { transcript, setup }
    }
}
