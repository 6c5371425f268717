use alloc::sync::Arc;
use alloc::vec::Vec;

use framewise_rules::{Answer, Limits, MessageKinds, Rule};

use crate::Keepalive;
use crate::deflate::{DeflateConfig, InflateBudget};

/// How an endpoint judges what its peer sends.
#[derive(Clone, Debug)]
pub struct Config {
    /// The limits; all are on by default.
    pub limits: Limits,
    /// The kinds of message that it takes.
    pub messages: MessageKinds,
    /// What it lets pass.
    pub strictness: Strictness,
    /// permessage-deflate: offered by a client, accepted by a server. Not at all, if `None`: it costs up to 320 KiB a
    /// connection ([`crate::deflate::Context`] says when), and time.
    pub deflate: Option<DeflateConfig>,
    /// How much the compressed messages that are being received may come to, of all connections that share this budget.
    /// `None`: each connection has [`Limits::inflated`] to itself.
    pub inflate_budget: Option<Arc<InflateBudget>>,
    /// Pings that it sends by itself. None, if `None`: a peer that vanished without a word is then noticed by
    /// [`Limits::idle`], when something is sent to it, or not at all.
    pub keepalive: Option<Keepalive>,
    /// Bytes queued from which on a sender waits until some of them are written, and Pings are answered together.
    pub send_queue: usize,
}

impl Default for Config {
    /// The limits' defaults, every kind of message, nothing let pass, no compression, no Pings, a queue of 64 KiB.
    fn default() -> Self {
        Self {
            limits: Limits::DEFAULT,
            messages: MessageKinds::All,
            strictness: Strictness::default(),
            deflate: None,
            inflate_budget: None,
            keepalive: None,
            send_queue: 64 * 1024,
        }
    }
}

/// The leniencies, one by one; all are off by default. A rule that is let pass is still reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strictness {
    /// A client takes masked frames (`mask-present`): Firefox, aiohttp and websocket-client do.
    pub masked_server_frames: bool,
    /// A server takes frames without a mask (`mask-missing`).
    pub unmasked_client_frames: bool,
    /// Lengths in a longer form than needed (`length-not-minimal-16`, `length-not-minimal-64`): most libraries take them.
    pub long_lengths: bool,
    /// Close codes that no frame may carry (`close-code-reserved`, `close-code-invalid`): reported as they came, and
    /// answered without a code.
    pub invalid_close_codes: bool,
    /// Content-Length or Transfer-Encoding on a 101 (`response-body-framing`): an HTTP library's default headers.
    pub body_headers_on_101: bool,
}

impl Strictness {
    /// Whether this rule is let pass.
    pub fn tolerates(&self, rule: Rule) -> bool {
        (self.masked_server_frames && rule == Rule::MaskPresent)
            || (self.unmasked_client_frames && rule == Rule::MaskMissing)
            || (self.long_lengths && matches!(rule, Rule::LengthNotMinimal16 | Rule::LengthNotMinimal64))
            || (self.invalid_close_codes && matches!(rule, Rule::CloseCodeReserved | Rule::CloseCodeInvalid))
            || (self.body_headers_on_101 && rule == Rule::ResponseBodyFraming)
    }

    /// Of several rules that one header, or one head, breaks: the one that is reported, with the others beside it. It is
    /// the first that is enforced; where all are tolerated, the first.
    pub fn rank(&self, mut broken: Vec<Rule>) -> Option<Ranked> {
        let enforced = broken.iter().position(|&rule| rule.answer() != Answer::Note && !self.tolerates(rule));
        if broken.is_empty() {
            return None;
        }
        let rule = broken.remove(enforced.unwrap_or(0));
        Some(Ranked { rule, enforced: enforced.is_some(), also: broken })
    }
}

/// Several rules that were broken at once, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// The one that is reported.
    pub rule: Rule,
    /// Whether it ends the connection: it is neither tolerated nor a note.
    pub enforced: bool,
    /// The others.
    pub also: Vec<Rule>,
}
