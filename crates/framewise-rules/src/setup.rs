use crate::Limits;

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
