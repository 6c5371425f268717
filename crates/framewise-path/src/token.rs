//! The token in each request: it says to our server which probe a connection belongs to, and to the report that it was our
//! server that was reached.

use std::fmt;

use framewise_proto::handshake::ClientOffer;

/// The header with the token. It is in the query as well, since intermediaries drop headers and rewrite targets.
pub(crate) const HEADER: &str = "X-Framewise-Path";
/// The name of the token in the query.
pub(crate) const QUERY: &str = "framewise-path";
/// The name that asks for the results of a probe.
const RESULTS: &str = "results/";

/// A connection of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) run: u64,
    pub(crate) number: usize,
    /// The name of the probe, or what is asked for.
    name: String,
}

/// What a client wants to know about a connection that it has played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Played {
    /// Bytes after the head that it sent.
    pub(crate) sent: usize,
    /// Bytes after the head that it got.
    pub(crate) got: usize,
    /// It got a 101.
    pub(crate) answered: bool,
}

impl Token {
    pub(crate) fn new(run: u64, number: usize, name: &str) -> Self {
        Self { run, number, name: name.to_owned() }
    }

    /// What names the connection, whatever it is about.
    pub(crate) const fn connection(&self) -> (u64, usize) {
        (self.run, self.number)
    }

    pub(crate) fn probe(&self) -> &str {
        &self.name
    }

    /// Asks for the results of this connection.
    pub(crate) fn results(&self, played: Played) -> Self {
        let Played { sent, got, answered } = played;
        Self { name: format!("{RESULTS}{sent}-{got}-{}", u8::from(answered)), ..self.clone() }
    }

    /// What is asked about the results.
    pub(crate) fn asks_for_results(&self) -> Option<Played> {
        let mut parts = self.name.strip_prefix(RESULTS)?.split('-');
        let mut next = || parts.next()?.parse().ok();
        let (sent, got, answered) = (next()?, next()?, next()?);
        Some(Played { sent, got, answered: answered == 1 })
    }

    /// The Sec-WebSocket-Key of the connection: our server knows it even if it does not arrive.
    pub(crate) fn key(&self) -> String {
        let mut nonce = [0; 16];
        let number = (self.number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        nonce[..8].copy_from_slice(&self.run.to_be_bytes());
        nonce[8..].copy_from_slice(&(self.run ^ number).to_be_bytes());
        ClientOffer::new("", "", nonce).key
    }

    /// The token in a head, wherever it is.
    pub(crate) fn find(head: &str) -> Option<Self> {
        head.match_indices("fw-").find_map(|(at, _)| Self::parse(&head[at..]))
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.split(|c: char| c.is_ascii_whitespace() || "&;,\"#".contains(c)).next()?;
        let (run, rest) = text.strip_prefix("fw-")?.split_once('-')?;
        let (number, name) = rest.split_once('.')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits(run) || !digits(number) {
            return None;
        }
        let name = name.replace("%2F", "/").replace("%2f", "/").replace("%7E", "~").replace('~', "+");
        Some(Self { run: u64::from_str_radix(run, 16).ok()?, number: number.parse().ok()?, name })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A plus in a query is a space to some.
        write!(f, "fw-{:016x}-{:04}.{}", self.run, self.number, self.name.replace('+', "~"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_a_query_and_in_a_header_and_in_nothing_else() {
        let token = Token::new(7, 12, "size/1m+1-client");
        assert_eq!(token.to_string(), "fw-0000000000000007-0012.size/1m~1-client");
        for head in [
            format!("GET /a?b=c&{QUERY}={token}&d HTTP/1.1\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nfw-: fw-x\r\n{HEADER}: {token}\r\n\r\n"),
            format!("GET /?{QUERY}={} HTTP/1.1\r\n\r\n", token.to_string().replace('/', "%2F")),
        ] {
            assert_eq!(Token::find(&head), Some(token.clone()), "{head}");
        }
        for head in ["GET / HTTP/1.1", "fw-", "fw-x-1.a", "fw-1-.a", "fw-1-2", "fw-11111111111111111-2.a"] {
            assert_eq!(Token::find(head), None, "{head}");
        }
        let played = Played { sent: 3, got: 4, answered: true };
        let asks = token.results(played);
        assert_eq!((asks.asks_for_results(), asks.connection()), (Some(played), token.connection()));
        assert_eq!(token.asks_for_results(), None);
    }
}
