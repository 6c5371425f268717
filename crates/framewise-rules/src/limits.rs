use core::time::Duration;

/// The limits of an endpoint (RFC 6455 §10.4: "Implementations … SHOULD impose a limit on the frame size and the
/// total message size"). All but `idle` are on by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the head of a handshake, in bytes.
    pub head: usize,
    /// Payload of one message, in bytes; for a compressed message, before inflation.
    pub message: u64,
    /// Payload of one frame, in bytes.
    pub frame: u64,
    /// Number of frames in one message.
    pub fragments: u32,
    /// Number of control frames within one second without a data frame between them. A slower heartbeat may go on
    /// forever.
    pub control_run: u32,
    /// Number of control frames in any one second.
    pub control_rate: u32,
    /// Payload of a compressed message after inflation, in bytes.
    pub inflated: u64,
    /// Time that the opening handshake may take.
    pub handshake: Duration,
    /// Time that the peer may stay silent, and time that it may read nothing while data waits to be written to it.
    /// `None` sets no limit.
    pub idle: Option<Duration>,
    /// Time that the peer has to answer our Close, and then again to end the TCP connection (RFC 6455 §7.1.1).
    pub close: Duration,
}

impl Limits {
    /// The default limits of an endpoint.
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
