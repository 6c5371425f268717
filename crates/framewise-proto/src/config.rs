use alloc::sync::Arc;
use alloc::vec::Vec;

use framewise_rules::{Answer, Limits, MessageKinds, Rule};

use crate::Keepalive;
use crate::deflate::{DeflateConfig, InflateBudget};

/// The configuration of an endpoint.
///
/// ```
/// use framewise_proto::rules::Limits;
/// use framewise_proto::{Config, Keepalive};
///
/// let config = Config::default().limits(Limits::default().message(1 << 20)).keepalive(Keepalive::default());
/// assert_eq!(config.limits.message, 1 << 20);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
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
    /// How many bytes may be queued before a sender waits, and several Pings are answered with one Pong. Default: 64 KiB.
    pub send_queue: usize,
}

impl Config {
    /// Sets [`Config::limits`](#structfield.limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`Config::messages`](#structfield.messages).
    #[must_use]
    pub fn messages(mut self, messages: MessageKinds) -> Self {
        self.messages = messages;
        self
    }

    /// Sets [`Config::strictness`](#structfield.strictness).
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Sets [`Config::deflate`](#structfield.deflate); `None` turns compression off.
    #[must_use]
    pub fn deflate(mut self, deflate: impl Into<Option<DeflateConfig>>) -> Self {
        self.deflate = deflate.into();
        self
    }

    /// Sets [`Config::inflate_budget`](#structfield.inflate_budget).
    #[must_use]
    pub fn inflate_budget(mut self, inflate_budget: impl Into<Option<Arc<InflateBudget>>>) -> Self {
        self.inflate_budget = inflate_budget.into();
        self
    }

    /// Sets [`Config::keepalive`](#structfield.keepalive); `None` turns Pings off.
    #[must_use]
    pub fn keepalive(mut self, keepalive: impl Into<Option<Keepalive>>) -> Self {
        self.keepalive = keepalive.into();
        self
    }

    /// Sets [`Config::send_queue`](#structfield.send_queue).
    #[must_use]
    pub fn send_queue(mut self, send_queue: usize) -> Self {
        self.send_queue = send_queue;
        self
    }
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
///
/// ```
/// use framewise_proto::Strictness;
/// use framewise_proto::rules::Rule;
///
/// assert!(Strictness::default().long_lengths(true).tolerates(Rule::LengthNotMinimal16));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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
    /// Sets [`Strictness::masked_server_frames`](#structfield.masked_server_frames).
    #[must_use]
    pub const fn masked_server_frames(mut self, masked_server_frames: bool) -> Self {
        self.masked_server_frames = masked_server_frames;
        self
    }

    /// Sets [`Strictness::unmasked_client_frames`](#structfield.unmasked_client_frames).
    #[must_use]
    pub const fn unmasked_client_frames(mut self, unmasked_client_frames: bool) -> Self {
        self.unmasked_client_frames = unmasked_client_frames;
        self
    }

    /// Sets [`Strictness::long_lengths`](#structfield.long_lengths).
    #[must_use]
    pub const fn long_lengths(mut self, long_lengths: bool) -> Self {
        self.long_lengths = long_lengths;
        self
    }

    /// Sets [`Strictness::invalid_close_codes`](#structfield.invalid_close_codes).
    #[must_use]
    pub const fn invalid_close_codes(mut self, invalid_close_codes: bool) -> Self {
        self.invalid_close_codes = invalid_close_codes;
        self
    }

    /// Sets [`Strictness::body_headers_on_101`](#structfield.body_headers_on_101).
    #[must_use]
    pub const fn body_headers_on_101(mut self, body_headers_on_101: bool) -> Self {
        self.body_headers_on_101 = body_headers_on_101;
        self
    }

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
