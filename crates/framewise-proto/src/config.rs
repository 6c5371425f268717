use alloc::sync::Arc;
use alloc::vec::Vec;

use framewise_rules::{Answer, Limits, MessageKinds, Rule};

use crate::Keepalive;
use crate::deflate::{DeflateConfig, InflateBudget};

/// The configuration of an endpoint.
#[derive(Clone, Debug)]
pub struct Config {
    /// The limits; all are on by default.
    pub limits: Limits,
    /// The kinds of message that it accepts.
    pub messages: MessageKinds,
    /// The violations that it tolerates.
    pub strictness: Strictness,
    /// permessage-deflate: a client offers it, a server accepts it. Default: `None`, because it costs time and up to 320 KiB
    /// for each connection (see [`crate::deflate::Context`]).
    pub deflate: Option<DeflateConfig>,
    /// The memory budget for inflated messages that are being received, over all connections that share it. `None`: only
    /// [`Limits::inflated`] of each connection applies.
    pub inflate_budget: Option<Arc<InflateBudget>>,
    /// Automatic Pings. Without them, a peer that has vanished is only noticed by [`Limits::idle`], or when something is sent
    /// to it.
    pub keepalive: Option<Keepalive>,
    /// How many bytes may be queued before a sender waits, and several Pings are answered with one Pong.
    pub send_queue: usize,
}

impl Default for Config {
    /// The default limits, every kind of message, no tolerated violations, no compression, no Pings, a queue of 64 KiB.
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

/// The violations that can be tolerated. By default, none is. A tolerated violation is still reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strictness {
    /// A client accepts masked frames (`mask-present`), as Firefox, aiohttp and websocket-client do.
    pub masked_server_frames: bool,
    /// A server accepts unmasked frames (`mask-missing`).
    pub unmasked_client_frames: bool,
    /// Lengths in a longer form than necessary (`length-not-minimal-16`, `length-not-minimal-64`): most libraries accept them.
    pub long_lengths: bool,
    /// Close codes that must not be sent (`close-code-reserved`, `close-code-invalid`): reported as received, and answered
    /// without a code.
    pub invalid_close_codes: bool,
    /// Content-Length or Transfer-Encoding on a 101 (`response-body-framing`), which some HTTP libraries add.
    pub body_headers_on_101: bool,
}

impl Strictness {
    /// Whether violations of this rule are tolerated.
    pub fn tolerates(&self, rule: Rule) -> bool {
        (self.masked_server_frames && rule == Rule::MaskPresent)
            || (self.unmasked_client_frames && rule == Rule::MaskMissing)
            || (self.long_lengths && matches!(rule, Rule::LengthNotMinimal16 | Rule::LengthNotMinimal64))
            || (self.invalid_close_codes && matches!(rule, Rule::CloseCodeReserved | Rule::CloseCodeInvalid))
            || (self.body_headers_on_101 && rule == Rule::ResponseBodyFraming)
    }

    /// Selects the rule to report, of several that one header or head breaks: the first that is enforced, or the first one if
    /// none is.
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
    /// The rule that is reported.
    pub rule: Rule,
    /// Whether it ends the connection: it is neither tolerated nor a note.
    pub enforced: bool,
    /// The other rules.
    pub also: Vec<Rule>,
}
