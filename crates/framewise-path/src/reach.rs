//! Whether the intermediary takes a connection at all, and what it says where it does not.

use std::time::Duration;

use framewise::{ConnectFault, Error};
use framewise_rules::Cause;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::compare::hex;
use crate::end::Record;
use crate::judge::{Ends, Note, words};
use crate::play::DIAL;
use crate::report::Verdict;
use crate::run::Path;
use crate::tape::Ended;

/// How long a proxy may take for its answer.
const ANSWER: Duration = Duration::from_secs(3);
/// The longest answer of a proxy that is read.
const LONGEST: usize = 16 * 1024;

/// Where the client connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Near {
    kind: Kind,
    host: String,
    port: u16,
    /// The URL has a name and a password.
    login: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The URL of a WebSocket.
    WebSocket,
    /// A proxy for CONNECT.
    Http,
    /// A proxy for CONNECT, over TLS.
    Https,
    /// A proxy that speaks SOCKS 5.
    Socks,
}

/// Why the plainest handshake cannot be sent.
#[derive(Debug)]
pub(crate) enum Unreached {
    /// Nobody is there, or the URL is wrong: nothing can be tested.
    Nothing(String),
    /// Somebody is there and does not let the connection through.
    Refused(Note, Box<Ends>),
}

impl Near {
    /// The address in the URL that the user named; the port of the scheme where it has none.
    pub(crate) fn of(via: &str) -> Option<Self> {
        let (scheme, rest) = via.split_once("://").unwrap_or(("ws", via));
        let (kind, port) = match &*scheme.to_ascii_lowercase() {
            "http" => (Kind::Http, 80),
            "https" => (Kind::Https, 443),
            "socks5" | "socks5h" => (Kind::Socks, 1080),
            "wss" => (Kind::WebSocket, 443),
            _ => (Kind::WebSocket, 80),
        };
        let authority = rest.split(['/', '?', '#']).next()?;
        let (login, address) =
            authority.rsplit_once('@').map_or((false, authority), |(_, address)| (true, address));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, digits)) if !digits.contains(']') => (host, digits.parse().ok()?),
            _ => (address, port),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        Some(Self { kind, host, port, login })
    }
}

impl Path {
    /// Opens a connection, and closes it again.
    pub(crate) async fn reach(&self) -> Result<(), Unreached> {
        let Err(error) = self.client.dial(&self.dialled).await else { return Ok(()) };
        let nothing = || Unreached::Nothing(error.to_string());
        let (Error::Connect(fault), Some(near)) = (&error, Near::of(&self.via)) else {
            return Err(nothing());
        };
        // Where nobody accepts a connection, there is no intermediary: that is no finding.
        let listens = timeout(DIAL, TcpStream::connect((near.host.as_str(), near.port))).await;
        if !matches!(listens, Ok(Ok(_))) {
            return Err(nothing());
        }
        let (verdict, cause) = match fault.fault() {
            ConnectFault::Proxy => return Err(self.proxy_says(&near, &error.to_string()).await),
            ConnectFault::ServerSpeaksTls => (Verdict::Refused, Cause::PlainInTlsPort),
            ConnectFault::ServerSpeaksPlain => (Verdict::Refused, Cause::TlsInPlainStream),
            ConnectFault::Tls => {
                let certificate =
                    fault.io_error().is_some_and(|error| error.to_string().contains("certificate"));
                let cause = if certificate { Cause::CertificateRejected } else { Cause::ConnectionCutOnPath };
                (Verdict::Refused, cause)
            }
            ConnectFault::TimedOut => (Verdict::Hung, Cause::ConnectionCutOnPath),
            ConnectFault::Network => (Verdict::Closed, Cause::ConnectionCutOnPath),
            ConnectFault::Url
            | ConnectFault::Redirect
            | ConnectFault::Name
            | ConnectFault::NobodyListens
            | ConnectFault::TlsLeftOut
            | _ => return Err(nothing()),
        };
        Err(Unreached::Refused(Note::new(verdict, &[cause], error.to_string()), Box::default()))
    }

    /// Asks the proxy once more, for its own words.
    async fn proxy_says(&self, near: &Near, error: &str) -> Unreached {
        let mut ends = Ends::default();
        // A proxy that wants a login is asked with it by the client alone: its password is in no report.
        let asked =
            if near.login { None } else { timeout(ANSWER, self.ask(near, &mut ends.client)).await.ok() };
        let cause = asked.flatten().unwrap_or_else(|| {
            let login = ["name and password", "authentication", "(407)"];
            let certificate = error.contains("certificate");
            match (login.iter().any(|word| error.contains(word)), certificate) {
                (true, _) => Cause::AuthenticationRequired,
                (false, true) => Cause::CertificateRejected,
                (false, false) => Cause::ConnectionCutOnPath,
            }
        });
        let lines = match near.kind {
            Kind::Socks => vec![format!("arrived  {}", hex(&ends.client.got.bytes))],
            Kind::WebSocket | Kind::Http | Kind::Https => words(&ends.client),
        };
        let mut note = Note::new(Verdict::Refused, &[cause], error);
        note.bytes = lines;
        Unreached::Refused(note, Box::new(ends))
    }

    /// What the proxy answers, in its bytes; `None` where that says nothing.
    async fn ask(&self, near: &Near, record: &mut Record) -> Option<Cause> {
        let start = Instant::now();
        let scheme = if near.kind == Kind::Https { "wss" } else { "ws" };
        let host = if near.host.contains(':') { format!("[{}]", near.host) } else { near.host.clone() };
        let dialled = format!("{scheme}://{host}:{}/", near.port);
        let direct = framewise::Client::new();
        let direct = self.roots.iter().fold(direct, |client, root| client.add_root_certificate(root.clone()));
        let mut stream = direct.dial(&dialled).await.ok()?;
        let mut buffer = [0; 4096];
        if near.kind == Kind::Socks {
            // RFC 1928 §3: version 5, one method, no authentication.
            record.sent.push(&[5, 1, 0], start.elapsed());
            stream.write_all(&[5, 1, 0]).await.ok()?;
            stream.read_exact(&mut buffer[..2]).await.ok()?;
            record.got.push(&buffer[..2], start.elapsed());
            // "If the selected METHOD is X'FF', none of the methods listed by the client are acceptable".
            if buffer[..2] != [5, 0] {
                return (buffer[..2] == [5, 0xff]).then_some(Cause::AuthenticationRequired);
            }
            // §4: CONNECT to a name.
            let name = self.url.host().as_bytes();
            let length = u8::try_from(name.len()).ok()?;
            let request = [&[5, 1, 0, 3, length][..], name, &self.url.port().to_be_bytes()].concat();
            record.sent.push(&request, start.elapsed());
            stream.write_all(&request).await.ok()?;
            stream.read_exact(&mut buffer[..2]).await.ok()?;
            record.got.push(&buffer[..2], start.elapsed());
            // §6: 2 is "connection not allowed by ruleset"; 1 and 3 to 6 that the server was not reached.
            return match buffer[1] {
                2 => Some(Cause::RejectedWithWords),
                1 | 3..=6 => Some(Cause::ServerUnreachable),
                _ => None,
            };
        }
        let target = format!("{}:{}", self.url.host(), self.url.port());
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        record.sent.push(request.as_bytes(), start.elapsed());
        stream.write_all(request.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        // The answer and its body, which is for people: until its end, or until nothing more comes.
        loop {
            let quiet = Duration::from_millis(if record.got.head > 0 { 300 } else { 3000 });
            match timeout(quiet, stream.read(&mut buffer)).await {
                Ok(Ok(count @ 1..)) if record.got.bytes.len() < LONGEST => {
                    record.got.push(&buffer[..count], start.elapsed());
                }
                Ok(Ok(0)) => {
                    record.got.end = Some((Ended::Eof, start.elapsed()));
                    break;
                }
                Ok(Err(_)) => {
                    record.got.end = Some((Ended::Reset, start.elapsed()));
                    break;
                }
                Ok(Ok(_)) | Err(_) => break,
            }
        }
        let status = record.got.head_text().split(' ').nth(1)?.parse::<u16>().ok()?;
        // RFC 9110 §15.5.8 and §11.7.1: 407 asks for a login. §15.6.3: 502 to 504 are about the server behind.
        match status {
            401 | 407 => Some(Cause::AuthenticationRequired),
            502..=504 => Some(Cause::ServerUnreachable),
            300..=399 => Some(Cause::Redirected),
            500..=599 => Some(Cause::ServerErrorStatus),
            404 | 405 => Some(Cause::NotAWebsocketEndpoint),
            400..=499 => Some(Cause::RejectedWithWords),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_each_kind_of_url_is_found() {
        for (via, kind, host, port, login) in [
            ("ws://127.0.0.1:8080/a?b", Kind::WebSocket, "127.0.0.1", 8080, false),
            ("wss://x.example", Kind::WebSocket, "x.example", 443, false),
            ("x.example/ws", Kind::WebSocket, "x.example", 80, false),
            ("http://name:pass@proxy:3128", Kind::Http, "proxy", 3128, true),
            ("https://proxy", Kind::Https, "proxy", 443, false),
            ("socks5h://[::1]:1081", Kind::Socks, "::1", 1081, false),
            ("SOCKS5://[::1]", Kind::Socks, "::1", 1080, false),
        ] {
            let near = Near { kind, host: host.into(), port, login };
            assert_eq!(Near::of(via), Some(near), "{via}");
        }
        assert_eq!(Near::of("ws://x:y"), None);
    }
}
