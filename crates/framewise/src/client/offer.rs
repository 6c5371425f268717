//! What a client asks of a server.

use framewise_proto::handshake::{ClientOffer, Headers};

use super::{Client, redirect};
use crate::{Error, random};

impl Client {
    /// The header lines of a handshake that another HTTP library sends, with a new Sec-WebSocket-Key: for its GET request over
    /// HTTP/1.1. Pass them to [`Adopt::request`](crate::Adopt::request), so that the answer is checked against them.
    ///
    /// ```
    /// # fn handshake() -> Result<(), framewise::Error> {
    /// let lines = framewise::Client::new().protocol("chat").handshake_headers()?;
    /// assert_eq!(lines.get("sec-websocket-protocol"), Some(&b"chat"[..]));
    /// assert_eq!(lines.get("sec-websocket-key").map(<[u8]>::len), Some(24));
    /// # Ok(())
    /// # }
    /// # handshake().unwrap();
    /// ```
    ///
    /// They include those of [`Client::header`] and the offer of [`Client::deflate`], but no Host, unless it was set: the other
    /// library has the URL. Each call makes a key, which serves for one request.
    ///
    /// Errors: [`Error::Misuse`], as [`Client::connect`].
    pub fn handshake_headers(&self) -> Result<Headers, Error> {
        // Which host is asked does not matter to the lines that are left.
        let offer = offer(self, "localhost", "/", false)?;
        let has_host = self.headers.get("host").is_some();
        let fields = offer.fields()?;
        Ok(fields.into_iter().filter(|(name, _)| has_host || *name != "Host").collect())
    }
}

/// What the settings of a client offer to this host. One to which a redirect leads (`foreign`) does not get what was meant for
/// another.
pub(super) fn offer(client: &Client, host: &str, target: &str, foreign: bool) -> Result<ClientOffer, Error> {
    let mut offer = ClientOffer::new(host, target, random::nonce()?);
    offer.protocols.clone_from(&client.protocols);
    // The first Host of the caller replaces that of the URL. A second one is a mistake, which `fields` reports.
    let mut has_host = false;
    for (name, value) in &client.headers {
        if !has_host && name.eq_ignore_ascii_case("host") {
            has_host = true;
            if !foreign {
                offer.host = String::from_utf8_lossy(value).into_owned();
            }
        } else if !(foreign && redirect::is_secret(name)) {
            offer.headers.push(name, value);
        }
    }
    offer.extensions.extend(client.config.deflate.map(|deflate| deflate.offer()));
    Ok(offer)
}
