use core::time::Duration;

/// What belongs to a rule beside its row: example transcripts, in the notation of [`crate::transcript`].
#[derive(Clone, Copy, Debug)]
pub struct Guide {
    /// Each breaks the rule, and no other, at its last step.
    pub bad: &'static [Bad],
    /// Look alike and break nothing.
    pub good: &'static [Good],
}

/// A transcript that breaks a rule at its last step.
#[derive(Clone, Copy, Debug)]
pub struct Bad {
    /// The transcript.
    pub transcript: &'static str,
    /// Bytes from the start of the offender's stream (the handshake included, where the transcript has one) to the
    /// first byte that breaks the rule. For an end of the stream: the stream's length.
    pub offset: u64,
    /// How the endpoint or the observer that judges it is set up.
    pub setup: Setup,
}

/// A transcript that breaks nothing.
#[derive(Clone, Copy, Debug)]
pub struct Good {
    /// The transcript.
    pub transcript: &'static str,
    /// How the endpoint or the observer that judges it is set up.
    pub setup: Setup,
}

/// What a judge of a transcript has to know that the bytes do not tell.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The limits in force.
    pub limits: Limits,
    /// The Origins that the server lets in; all, if `None`.
    pub origins: Option<&'static [&'static str]>,
    /// The kinds of message that the receiver takes.
    pub messages: MessageKinds,
    /// Whether the client gives up without permessage-deflate.
    pub requires_deflate: bool,
    /// Whether the endpoint offers (client) or accepts (server) permessage-deflate.
    pub deflate: bool,
}

impl Setup {
    /// The defaults of an endpoint.
    pub const DEFAULT: Self = Self {
        limits: Limits::DEFAULT,
        origins: None,
        messages: MessageKinds::All,
        requires_deflate: false,
        deflate: true,
    };

    pub(crate) const fn limited(limits: Limits) -> Self {
        Self { limits, ..Self::DEFAULT }
    }
}

/// The kinds of message that an endpoint takes (RFC 6455 §7.4.1, code 1003).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageKinds {
    /// Text and binary.
    #[default]
    All,
    /// Text alone.
    TextOnly,
    /// Binary alone.
    BinaryOnly,
}

/// The limits of an endpoint (RFC 6455 §10.4: "Implementations … SHOULD impose a limit on the frame size and the
/// total message size"). All are on by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a handshake's head.
    pub head: usize,
    /// Bytes of payload of one message; of a compressed one, as it arrives.
    pub message: u64,
    /// Bytes of payload of one frame.
    pub frame: u64,
    /// Frames of one message.
    pub fragments: u32,
    /// Control frames within a second without a data frame in between: a heartbeat may go on for ever.
    pub control_run: u32,
    /// Control frames in any one second.
    pub control_rate: u32,
    /// Bytes of payload of a compressed message after inflation.
    pub inflated: u64,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// How long the peer may be silent, and how long it may read nothing while something is to be written to it; for
    /// ever, if `None`.
    pub idle: Option<Duration>,
    /// How long the closing handshake may take, from our Close to the peer's, and from there to the end of TCP.
    pub close: Duration,
}

impl Limits {
    /// What an endpoint starts with.
    pub const DEFAULT: Self = Self {
        head: 16 * 1024,
        message: 64 * 1024 * 1024,
        frame: 64 * 1024 * 1024,
        fragments: 131_072,
        control_run: 4_096,
        control_rate: 1_024,
        inflated: 64 * 1024 * 1024,
        handshake: Duration::from_secs(10),
        idle: None,
        close: Duration::from_secs(5),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use crate::transcript::{Transcript, What};
    use crate::{By, Role, Rule};

    #[test]
    fn every_rule_has_a_bad_and_a_good_transcript_and_all_of_them_parse() {
        for &rule in Rule::ALL {
            let guide = rule.guide();
            assert!(!guide.bad.is_empty() && !guide.good.is_empty(), "{rule}");
            let bad = guide.bad.iter().map(|bad| bad.transcript);
            for text in bad.chain(guide.good.iter().map(|good| good.transcript)) {
                match Transcript::parse(text) {
                    Ok(transcript) => {
                        assert!(
                            transcript.legs.len() == 1 && !transcript.events.is_empty(),
                            "{rule}: {text}"
                        );
                    }
                    Err(error) => panic!("{rule}: {error}\n{text}"),
                }
            }
        }
    }

    #[test]
    fn an_offset_lies_in_a_stream_of_who_can_break_the_rule() {
        for &rule in Rule::ALL {
            for bad in rule.guide().bad {
                let transcript = Transcript::parse(bad.transcript).unwrap();
                let offenders =
                    [Role::Client, Role::Server].into_iter().filter(|&role| rule.by().includes(role));
                let longest = offenders.map(|role| transcript.stream(0, role).len() as u64).max();
                assert!(longest >= Some(bad.offset), "{rule}: {}", bad.transcript);
            }
        }
    }

    #[test]
    fn a_rule_of_both_sides_is_broken_by_both() {
        for &rule in Rule::ALL.iter().filter(|rule| rule.by() == By::Either) {
            let sides = rule.guide().bad.iter().map(|bad| {
                let transcript = Transcript::parse(bad.transcript).unwrap();
                transcript.events.last().map(|event| event.from)
            });
            let sides: Vec<_> = sides.collect();
            assert!(sides.contains(&Some(Role::Client)) && sides.contains(&Some(Role::Server)), "{rule}");
        }
    }

    #[test]
    fn no_two_transcripts_of_a_rule_are_the_same() {
        for &rule in Rule::ALL {
            let bad = rule.guide().bad.iter().map(|bad| (bad.transcript, alloc::format!("{:?}", bad.setup)));
            let good =
                rule.guide().good.iter().map(|good| (good.transcript, alloc::format!("{:?}", good.setup)));
            let mut all: Vec<_> = bad.chain(good).collect();
            let count = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), count, "{rule}");
        }
    }

    #[test]
    fn a_step_that_is_bytes_has_some() {
        for &rule in Rule::ALL {
            for bad in rule.guide().bad {
                for event in Transcript::parse(bad.transcript).unwrap().events {
                    assert_ne!(event.what, What::Bytes(Vec::new()), "{rule}");
                }
            }
        }
    }
}
