use alloc::string::ToString;
use alloc::vec::Vec;

use framewise_rules::Role;

use crate::extension::{DeflateParameters, Extension, PERMESSAGE_DEFLATE};

/// An endpoint's settings for permessage-deflate.
///
/// [`Context`] gives its cost in memory.
///
/// ```
/// use framewise_proto::deflate::DeflateConfig;
///
/// let deflate = DeflateConfig::default().level(1).window_bits(11);
/// assert_eq!((deflate.level, deflate.window_bits, deflate.peer_window_bits), (1, 11, 15));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeflateConfig {
    /// zlib's level, 1 (fast) to 9 (small).
    pub level: u8,
    /// Shorter messages, in bytes, are sent uncompressed.
    pub threshold: usize,
    /// The window of this end's compressor, 8 to 15 bits: how far back it refers.
    pub window_bits: u8,
    /// The window that the peer's compressor may use, 8 to 15 bits. Fewer than 15 cost time, because each
    /// back-reference is checked.
    pub peer_window_bits: u8,
    /// This end's compressor starts each message with an empty window.
    pub no_context_takeover: bool,
    /// The peer's compressor is requested to start each message with an empty window.
    pub peer_no_context_takeover: bool,
    /// A client closes with code 1010 if the server does not agree to compression.
    pub required: bool,
    /// What the connection keeps of the compressor between messages.
    pub context: Context,
}

/// What a connection keeps between messages, in a direction with context takeover (without
/// [`DeflateConfig::no_context_takeover`]).
///
/// Each thread has a compressor for each window size in use (160 KiB and four windows) and one inflater (47 KiB) for
/// the messages of all its connections. They are allocated when the first message needs them, and freed with the
/// thread. A connection in the middle of a message uses one exclusively.
///
/// A connection holds this much memory between two messages. `W` is the window of that direction: 32 KiB with 15 bits,
/// 2 KiB with 11. Before its first compressed message, and in a direction without takeover, it holds none.
///
/// | | to compress | to inflate |
/// |---|---|---|
/// | `Kept` | 160 KiB and four times `W` | what was received last, up to `W` |
/// | `Shared` | what was sent last, up to `W` | the same |
///
/// Without the feature `std` nothing is shared by thread: compressor and inflater are then allocated for each message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Context {
    /// Keeps the compressor.
    #[default]
    Kept,
    /// Keeps only the history, which the thread's compressor reads before each message. With many connections and a
    /// window of up to 12 bits it is also faster: the thread's compressor is in the processor's cache, a connection's
    /// own is not. With 15 bits a message of 1 KiB takes up to three times as long.
    Shared,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self {
            level: 6,
            threshold: 128,
            window_bits: 15,
            peer_window_bits: 15,
            no_context_takeover: false,
            peer_no_context_takeover: false,
            required: false,
            context: Context::Kept,
        }
    }
}

impl DeflateConfig {
    /// Sets [`DeflateConfig::level`](#structfield.level).
    #[must_use]
    pub const fn level(mut self, level: u8) -> Self {
        self.level = level;
        self
    }

    /// Sets [`DeflateConfig::threshold`](#structfield.threshold).
    #[must_use]
    pub const fn threshold(mut self, threshold: usize) -> Self {
        self.threshold = threshold;
        self
    }

    /// Sets [`DeflateConfig::window_bits`](#structfield.window_bits).
    #[must_use]
    pub const fn window_bits(mut self, window_bits: u8) -> Self {
        self.window_bits = window_bits;
        self
    }

    /// Sets [`DeflateConfig::peer_window_bits`](#structfield.peer_window_bits).
    #[must_use]
    pub const fn peer_window_bits(mut self, peer_window_bits: u8) -> Self {
        self.peer_window_bits = peer_window_bits;
        self
    }

    /// Sets [`DeflateConfig::no_context_takeover`](#structfield.no_context_takeover).
    #[must_use]
    pub const fn no_context_takeover(mut self, no_context_takeover: bool) -> Self {
        self.no_context_takeover = no_context_takeover;
        self
    }

    /// Sets [`DeflateConfig::peer_no_context_takeover`](#structfield.peer_no_context_takeover).
    #[must_use]
    pub const fn peer_no_context_takeover(mut self, peer_no_context_takeover: bool) -> Self {
        self.peer_no_context_takeover = peer_no_context_takeover;
        self
    }

    /// Sets [`DeflateConfig::required`](#structfield.required).
    #[must_use]
    pub const fn required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// Sets [`DeflateConfig::context`](#structfield.context).
    #[must_use]
    pub const fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// The offer of a client with these settings.
    pub fn offer(&self) -> Extension {
        let mut parameters = Vec::new();
        let mut flag = |name: &str, set| {
            if set {
                parameters.push((name.to_string(), None));
            }
        };
        flag("server_no_context_takeover", self.peer_no_context_takeover);
        flag("client_no_context_takeover", self.no_context_takeover);
        if self.peer_window_bits < 15 {
            parameters.push(("server_max_window_bits".into(), Some(self.peer_window_bits.to_string())));
        }
        // RFC 7692 §7.1.2.2: with this parameter "a client informs the peer server" that the answer may limit its
        // window.
        let bits = (self.window_bits < 15).then(|| self.window_bits.to_string());
        parameters.push(("client_max_window_bits".into(), bits));
        Extension { name: PERMESSAGE_DEFLATE.into(), parameters }
    }
}

/// One direction of an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The compressor's window, 8 to 15 bits.
    pub window_bits: u8,
    /// A message may refer to earlier ones (context takeover).
    pub takeover: bool,
}

/// The parameters that client and server agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateAgreement {
    /// The direction from client to server.
    pub client: Direction,
    /// The direction from server to client.
    pub server: Direction,
}

impl DeflateAgreement {
    /// The agreement in a valid answer.
    pub fn of(answer: &DeflateParameters) -> Self {
        Self {
            client: Direction {
                window_bits: answer.client_max_window_bits.flatten().unwrap_or(15),
                takeover: !answer.client_no_context_takeover,
            },
            server: Direction {
                window_bits: answer.server_max_window_bits.unwrap_or(15),
                takeover: !answer.server_no_context_takeover,
            },
        }
    }

    /// The agreement in a response's extensions; `None` if there is none, or it is not valid.
    pub fn in_response(extensions: &[Extension]) -> Option<Self> {
        let answer = extensions.iter().find(|extension| extension.name == PERMESSAGE_DEFLATE)?;
        DeflateParameters::of_answer(answer).map(|answer| Self::of(&answer))
    }

    /// The direction in which this end sends.
    pub const fn sent_by(&self, role: Role) -> Direction {
        match role {
            Role::Client => self.client,
            Role::Server => self.server,
        }
    }
}

/// A server's answer to the first acceptable offer of a request (RFC 7692 §5.1). `None` if there is none: the
/// connection continues without compression.
pub fn negotiate(offers: &[Extension], config: &DeflateConfig) -> Option<(Extension, DeflateAgreement)> {
    let mut offers = offers.iter().filter(|extension| extension.name == PERMESSAGE_DEFLATE);
    let offer = offers.find_map(DeflateParameters::of_offer)?;

    let mut answer = DeflateParameters {
        // §7.1.1.1: the server accepts what the client requires of it. §7.1.1.2: what the client says of itself is a
        // hint.
        server_no_context_takeover: offer.server_no_context_takeover || config.no_context_takeover,
        client_no_context_takeover: offer.client_no_context_takeover || config.peer_no_context_takeover,
        ..DeflateParameters::default()
    };
    let server_bits = offer.server_max_window_bits.unwrap_or(15).min(config.window_bits);
    if offer.server_max_window_bits.is_some() || server_bits < 15 {
        answer.server_max_window_bits = Some(server_bits);
    }
    // §7.1.2.2: the server may limit the window only of a client that offered the parameter.
    if let Some(hint) = offer.client_max_window_bits {
        let bits = hint.unwrap_or(15).min(config.peer_window_bits);
        if bits < 15 {
            answer.client_max_window_bits = Some(Some(bits));
        }
    }
    Some((written(&answer), DeflateAgreement::of(&answer)))
}

fn written(answer: &DeflateParameters) -> Extension {
    let mut parameters = Vec::new();
    if answer.server_no_context_takeover {
        parameters.push(("server_no_context_takeover".into(), None));
    }
    if answer.client_no_context_takeover {
        parameters.push(("client_no_context_takeover".into(), None));
    }
    if let Some(bits) = answer.server_max_window_bits {
        parameters.push(("server_max_window_bits".into(), Some(bits.to_string())));
    }
    if let Some(Some(bits)) = answer.client_max_window_bits {
        parameters.push(("client_max_window_bits".into(), Some(bits.to_string())));
    }
    Extension { name: PERMESSAGE_DEFLATE.into(), parameters }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extension::parse_extensions;

    fn answer(offers: &str, config: &DeflateConfig) -> Option<alloc::string::String> {
        let offers = parse_extensions(offers).expect("the offers follow the grammar");
        negotiate(&offers, config).map(|(answer, _)| answer.to_string())
    }

    #[test]
    fn each_offer_is_answered_with_what_it_allows() {
        let config = DeflateConfig::default();
        for (offers, expected) in [
            ("permessage-deflate", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
            (
                "permessage-deflate; server_max_window_bits=10; server_no_context_takeover",
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
            ),
            ("permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"),
            // The first that is valid, of several.
            (
                "permessage-deflate; x, permessage-deflate; client_no_context_takeover, permessage-deflate",
                "permessage-deflate; client_no_context_takeover",
            ),
        ] {
            assert_eq!(answer(offers, &config).as_deref(), Some(expected), "{offers}");
        }
        assert_eq!(
            answer("x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=16", &config),
            None
        );
    }

    #[test]
    fn a_window_is_asked_only_of_a_client_that_offered_it() {
        let config = DeflateConfig { peer_window_bits: 9, window_bits: 12, ..DeflateConfig::default() };
        assert_eq!(
            answer("permessage-deflate", &config).as_deref(),
            Some("permessage-deflate; server_max_window_bits=12")
        );
        assert_eq!(
            answer("permessage-deflate; client_max_window_bits", &config).as_deref(),
            Some("permessage-deflate; server_max_window_bits=12; client_max_window_bits=9")
        );
    }

    #[test]
    fn what_we_answer_breaks_no_rule_towards_what_we_offer() {
        let windows = [8, 9, 12, 15];
        for client in windows.map(|bits| DeflateConfig {
            window_bits: bits,
            peer_window_bits: bits,
            ..DeflateConfig::default()
        }) {
            for server in windows.map(|bits| DeflateConfig {
                window_bits: bits,
                peer_window_bits: bits,
                no_context_takeover: bits == 9,
                ..DeflateConfig::default()
            }) {
                let offer = client.offer();
                let (answer, agreed) =
                    negotiate(core::slice::from_ref(&offer), &server).expect("it is a valid offer");
                let answer = DeflateParameters::of_answer(&answer).expect("it is a valid answer");
                let offer = DeflateParameters::of_offer(&offer).expect("it is a valid offer");
                assert_eq!(answer.answer_fault(&offer), None);
                assert!(agreed.server.window_bits <= client.peer_window_bits.min(server.window_bits));
            }
        }
    }
}
