use core::time::Duration;

/// The limits of an endpoint (RFC 6455 §10.4: "Implementations … SHOULD impose a limit on the frame size and the
/// total message size"). All but `idle` are on by default.
///
/// ```
/// use framewise_rules::Limits;
///
/// let limits = Limits::default().message(1 << 20).no_fragments_limit();
/// assert_eq!((limits.message, limits.fragments), (1 << 20, u32::MAX));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Size of the head of a handshake, in bytes. Two limits are fixed: a head is also too large if it has more than 128
    /// header lines, or if a list that the handshake reads (Connection, Upgrade, Sec-WebSocket-Protocol,
    /// Sec-WebSocket-Extensions) has more than 64 elements; each parameter of an extension counts as one.
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
    /// Number of control frames within one second, counted from the first of them. The next count begins with the first
    /// control frame after that second.
    pub control_rate: u32,
    /// Payload of a compressed message after inflation, in bytes.
    pub inflated: u64,
    /// Ratio of the inflated to the compressed size of a message, which applies once the inflated size exceeds
    /// `inflate_ratio_from`. The compressed size is counted as it arrives, in steps of 4 KiB. A message above the ratio
    /// breaks `inflate-too-big`. `u32::MAX` sets no limit.
    ///
    /// DEFLATE compresses up to 1,032 times: without this limit, 64 KB of a message that never ends make the receiver hold
    /// 63 MB for as long as the connection lasts; with the default of 200, 13 MB. Large JSON documents reach ratios of 3 to
    /// 50 (50: records that differ in only one number). Data beyond 200 repeats the same bytes, such as zeros;
    /// `inflate_ratio_from` allows 1 MiB of it.
    pub inflate_ratio: u32,
    /// Inflated size of a message up to which `inflate_ratio` does not apply, in bytes.
    pub inflate_ratio_from: u64,
    /// Time that the opening handshake may take.
    pub handshake: Duration,
    /// Time that the peer may stay silent, and time that it may read nothing while data waits to be written to it.
    /// `None` sets no limit.
    pub idle: Option<Duration>,
    /// Time that the peer has to answer our Close; also, after a Close for a violation, to end its side of TCP. After a
    /// closing handshake without a violation, a server does not wait for the end of TCP, and a client at most a second
    /// (RFC 6455 §5.5.1).
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
        inflate_ratio: 200,
        inflate_ratio_from: 1024 * 1024,
        handshake: Duration::from_secs(10),
        idle: None,
        close: Duration::from_secs(5),
    };

    /// Sets [`Limits::head`](#structfield.head).
    #[must_use]
    pub const fn head(mut self, head: usize) -> Self {
        self.head = head;
        self
    }

    /// Sets [`Limits::message`](#structfield.message).
    #[must_use]
    pub const fn message(mut self, message: u64) -> Self {
        self.message = message;
        self
    }

    /// Sets [`Limits::frame`](#structfield.frame).
    #[must_use]
    pub const fn frame(mut self, frame: u64) -> Self {
        self.frame = frame;
        self
    }

    /// Sets [`Limits::fragments`](#structfield.fragments).
    #[must_use]
    pub const fn fragments(mut self, fragments: u32) -> Self {
        self.fragments = fragments;
        self
    }

    /// Sets [`Limits::control_run`](#structfield.control_run).
    #[must_use]
    pub const fn control_run(mut self, control_run: u32) -> Self {
        self.control_run = control_run;
        self
    }

    /// Sets [`Limits::control_rate`](#structfield.control_rate).
    #[must_use]
    pub const fn control_rate(mut self, control_rate: u32) -> Self {
        self.control_rate = control_rate;
        self
    }

    /// Sets [`Limits::inflated`](#structfield.inflated).
    #[must_use]
    pub const fn inflated(mut self, inflated: u64) -> Self {
        self.inflated = inflated;
        self
    }

    /// Sets [`Limits::inflate_ratio`](#structfield.inflate_ratio).
    #[must_use]
    pub const fn inflate_ratio(mut self, inflate_ratio: u32) -> Self {
        self.inflate_ratio = inflate_ratio;
        self
    }

    /// Sets [`Limits::inflate_ratio_from`](#structfield.inflate_ratio_from).
    #[must_use]
    pub const fn inflate_ratio_from(mut self, inflate_ratio_from: u64) -> Self {
        self.inflate_ratio_from = inflate_ratio_from;
        self
    }

    /// Sets [`Limits::handshake`](#structfield.handshake).
    #[must_use]
    pub const fn handshake(mut self, handshake: Duration) -> Self {
        self.handshake = handshake;
        self
    }

    /// Sets [`Limits::close`](#structfield.close).
    #[must_use]
    pub const fn close(mut self, close: Duration) -> Self {
        self.close = close;
        self
    }

    /// Sets [`Limits::idle`](#structfield.idle).
    #[must_use]
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Messages, frames and inflated messages of any size.
    #[must_use]
    pub const fn no_size_limit(self) -> Self {
        self.message(u64::MAX).frame(u64::MAX).inflated(u64::MAX).no_inflate_ratio()
    }

    /// Messages of any number of frames.
    #[must_use]
    pub const fn no_fragments_limit(self) -> Self {
        self.fragments(u32::MAX)
    }

    /// Control frames in any number.
    #[must_use]
    pub const fn no_control_limit(self) -> Self {
        self.control_run(u32::MAX).control_rate(u32::MAX)
    }

    /// Messages that inflate to any multiple of their size.
    #[must_use]
    pub const fn no_inflate_ratio(self) -> Self {
        self.inflate_ratio(u32::MAX)
    }

    /// The peer may be silent for any time: the default.
    #[must_use]
    pub const fn no_idle_limit(mut self) -> Self {
        self.idle = None;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
