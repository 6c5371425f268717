use core::time::Duration;

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
