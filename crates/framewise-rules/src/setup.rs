use crate::Limits;

/// The configuration under which a transcript is judged: what the bytes alone do not show.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The limits in force.
    pub limits: Limits,
    /// The Origins that the server accepts (RFC 6455 §10.2); `None` accepts all.
    pub origins: Option<&'static [&'static str]>,
    /// The types of message that the receiver accepts.
    pub messages: MessageKinds,
    /// Whether the client fails the connection when permessage-deflate is not agreed (RFC 6455 §7.4.1, code 1010).
    pub requires_deflate: bool,
    /// Whether the endpoint offers (client) or accepts (server) permessage-deflate.
    pub deflate: bool,
}

impl Setup {
    /// The default configuration of an endpoint.
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

/// The types of message that an endpoint accepts (RFC 6455 §7.4.1, code 1003).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageKinds {
    /// Text and binary.
    #[default]
    All,
    /// Text only.
    TextOnly,
    /// Binary only.
    BinaryOnly,
}
