use std::time::Duration;

use framewise_rules::{Limits, MessageKinds, Setup};

/// What an observer knows about the endpoints apart from their bytes.
#[derive(Clone, Copy, Debug)]
pub struct Endpoints {
    /// Their limits; `None` if unknown. A limit is then inferred from its effect, for example a Close 1009.
    pub limits: Option<Limits>,
    /// The Origins that the server accepts (RFC 6455 §10.2); `None` if unknown.
    pub origins: Option<&'static [&'static str]>,
    /// The types of message that they accept.
    pub messages: MessageKinds,
    /// Whether the client fails the connection when permessage-deflate is not agreed (RFC 6455 §7.4.1, code 1010).
    pub requires_deflate: bool,
}

/// Limits for unknown endpoints: only the size of a head. There is no deadline: a side that waits long and then continues
/// has none (RFC 6455 §7.1.1 and §10 leave deadlines to the endpoints), and one that gives up shows it by its end.
pub(crate) const UNLIMITED: Limits = Limits::DEFAULT
    .head(64 * 1024)
    .message(u64::MAX)
    .frame(u64::MAX)
    .fragments(u32::MAX)
    .control_run(u32::MAX)
    .control_rate(u32::MAX)
    .inflated(u64::MAX)
    .inflate_ratio(u32::MAX)
    .inflate_ratio_from(u64::MAX)
    .handshake(Duration::MAX)
    .no_idle_limit()
    .close(Duration::MAX);

impl Endpoints {
    /// Endpoints about which nothing is known.
    pub const UNKNOWN: Self =
        Self { limits: None, origins: None, messages: MessageKinds::All, requires_deflate: false };

    /// The limits that their bytes are checked against.
    pub(crate) fn limits(&self) -> Limits {
        self.limits.unwrap_or(UNLIMITED)
    }
}

impl From<Setup> for Endpoints {
    /// Endpoints with this setup: all their limits are known.
    fn from(setup: Setup) -> Self {
        let Setup { limits, origins, messages, requires_deflate, .. } = setup;
        Self { limits: Some(limits), origins, messages, requires_deflate }
    }
}
