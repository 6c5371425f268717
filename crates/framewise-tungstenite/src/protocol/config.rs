use framewise::{Config, DeflateConfig, Keepalive, Limits, Strictness};

/// The settings of a connection.
///
/// `deflate`, `strictness`, `limits` and `keepalive` are not in tungstenite.
///
/// ```
/// use framewise_tungstenite::framewise::DeflateConfig;
/// use framewise_tungstenite::tungstenite::protocol::WebSocketConfig;
///
/// let config = WebSocketConfig::default().max_message_size(Some(1 << 20)).deflate(DeflateConfig::default());
/// assert_eq!(config.max_message_size, Some(1 << 20));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WebSocketConfig {
    /// The read buffer of a blocking [`WebSocket`](crate::WebSocket). Otherwise ignored: buffers are shared by the connections of
    /// a thread.
    pub read_buffer_size: usize,
    /// How many bytes may be queued before `poll_ready` writes them. Default: 128 KiB. With 0, each message is written when
    /// the next one is to be sent, or on `flush`.
    pub write_buffer_size: usize,
    /// How many bytes may be queued before a message is refused ([`Error::WriteBufferFull`](crate::Error::WriteBufferFull)).
    /// Default: no limit.
    pub max_write_buffer_size: usize,
    /// The largest message that is received, in bytes, also after inflation. Default: 64 MiB. `None`: no limit.
    pub max_message_size: Option<usize>,
    /// The largest frame that is received, in bytes. Default: 16 MiB. `None`: no limit.
    pub max_frame_size: Option<usize>,
    /// Whether a server accepts frames without a mask. Default: no.
    pub accept_unmasked_frames: bool,
    /// permessage-deflate (RFC 7692): a client offers it, a server accepts it. Default: `None`, and with the feature `deflate`
    /// the default settings. A connection after the handshake of another library
    /// ([`from_raw_socket`](crate::WebSocketStream::from_raw_socket)) has none.
    pub deflate: Option<DeflateConfig>,
    /// The violations that are tolerated. Default: none.
    pub strictness: Strictness,
    /// Limits and deadlines. Those of `max_message_size` and `max_frame_size` replace `message`, `inflated` and `frame`.
    pub limits: Limits,
    /// Automatic Pings. Default: none.
    pub keepalive: Option<Keepalive>,
}

impl Default for WebSocketConfig {
    fn default() -> Self {
        Self {
            read_buffer_size: 128 * 1024,
            write_buffer_size: 128 * 1024,
            max_write_buffer_size: usize::MAX,
            max_message_size: Some(64 * 1024 * 1024),
            max_frame_size: Some(16 * 1024 * 1024),
            accept_unmasked_frames: false,
            deflate: cfg!(feature = "deflate").then(DeflateConfig::default),
            strictness: Strictness::default(),
            limits: Limits::DEFAULT,
            keepalive: None,
        }
    }
}

/// Makes one method for each field, which sets it.
macro_rules! setters {
    ($($field:ident: $type:ty = |$value:ident| $set:expr;)*) => {
        impl WebSocketConfig { $(
            #[doc = concat!("Sets [`Self::", stringify!($field), "`](#structfield.", stringify!($field), ").")]
            #[must_use]
            pub fn $field(mut self, $value: $type) -> Self {
                self.$field = $set;
                self
            }
        )* }
    };
}

setters! {
    read_buffer_size: usize = |bytes| bytes;
    write_buffer_size: usize = |bytes| bytes;
    max_write_buffer_size: usize = |bytes| bytes;
    max_message_size: Option<usize> = |bytes| bytes;
    max_frame_size: Option<usize> = |bytes| bytes;
    accept_unmasked_frames: bool = |accept| accept;
    deflate: impl Into<Option<DeflateConfig>> = |deflate| deflate.into();
    strictness: Strictness = |strictness| strictness;
    limits: Limits = |limits| limits;
    keepalive: impl Into<Option<Keepalive>> = |keepalive| keepalive.into();
}

impl WebSocketConfig {
    /// # Panics
    ///
    /// If `max_write_buffer_size` is not larger than `write_buffer_size`, as in tungstenite.
    pub(crate) fn check(&self) {
        assert!(
            self.max_write_buffer_size > self.write_buffer_size,
            "max_write_buffer_size must be larger than write_buffer_size"
        );
    }

    /// The settings of framewise. Panics as [`Self::check`].
    pub(crate) fn to_framewise(self) -> Config {
        self.check();
        let bytes = |limit: Option<usize>| limit.map_or(u64::MAX, |bytes| bytes as u64);
        let message = bytes(self.max_message_size);
        let limits = self.limits.message(message).inflated(message).frame(bytes(self.max_frame_size));
        let mut strictness = self.strictness;
        strictness.unmasked_client_frames |= self.accept_unmasked_frames;
        Config::default()
            .limits(limits)
            .strictness(strictness)
            .deflate(self.deflate)
            .keepalive(self.keepalive)
            .send_queue(self.write_buffer_size)
    }
}
