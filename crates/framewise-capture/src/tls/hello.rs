//! The beginning of a TLS stream: its hello, or the alert that came instead.

/// Bytes of a stream that are searched for its hello.
const MOST: usize = 48 * 1024;

/// A server's random that says `HelloRetryRequest` (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) random: [u8; 32],
    pub(super) suite: u16,
    /// TLS 1.2 or later.
    pub(super) is_12: bool,
    pub(super) is_13: bool,
    /// It agreed to encrypt before it authenticates (RFC 7366), which matters to CBC suites.
    pub(super) encrypts_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hello {
    Client { random: [u8; 32] },
    Server(ServerHello),
}

/// What a beginning has shown so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Found {
    /// More bytes may tell.
    #[default]
    NotYet,
    Hello(Hello),
    /// It does not begin with a hello.
    Nothing,
}

/// The beginning of one side's stream.
#[derive(Debug, Default)]
pub(super) struct Start {
    bytes: Vec<u8>,
    /// Bytes before which looking again tells nothing new.
    need: usize,
    found: Found,
    alert: Option<u8>,
}

impl Start {
    pub(super) const fn found(&self) -> &Found {
        &self.found
    }

    /// A fatal alert that was sent in the clear.
    pub(super) const fn alert(&self) -> Option<u8> {
        self.alert
    }

    /// The next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.found != Found::NotYet {
            // After its hello, an end may still refuse the other one's in the clear.
            if self.alert.is_none()
                && let [21, 3, _, 0, 2, 2, description, ..] = *bytes
            {
                self.alert = Some(description);
            }
            return;
        }
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() < self.need {
            return;
        }
        self.found = self.look();
        if self.found != Found::NotYet {
            self.bytes = Vec::new();
        } else if self.bytes.len() > MOST {
            self.end();
        }
    }

    /// What comes next is not known: a hello that is not there will not be.
    pub(super) fn end(&mut self) {
        if self.found == Found::NotYet {
            self.found = Found::Nothing;
            self.bytes = Vec::new();
        }
    }

    fn look(&mut self) -> Found {
        let mut rest = &self.bytes[..];
        let mut messages = Vec::new();
        let mut over = false;
        loop {
            let &[kind, major, _, high, low, ref after @ ..] = rest else {
                self.need = self.bytes.len() + 5 - rest.len();
                break;
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            if major != 3 {
                return Found::Nothing;
            }
            let Some(body) = after.get(..length) else {
                self.need = self.bytes.len() + length - after.len();
                break;
            };
            match kind {
                22 => messages.extend_from_slice(body),
                // RFC 8446 §5: a change_cipher_spec may stand between a HelloRetryRequest and what follows.
                20 => {}
                21 => {
                    self.alert = body.get(1).copied();
                    over = true;
                }
                // What follows a hello may be there already.
                _ => over = true,
            }
            if over {
                break;
            }
            rest = &after[length..];
        }
        let mut messages = &messages[..];
        while let [kind, a, b, c, after @ ..] = messages {
            let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            let Some(body) = after.get(..length) else { break };
            match kind {
                1 => return client(body).map_or(Found::Nothing, Found::Hello),
                2 => match server(body) {
                    Some(hello) if hello.random == RETRY => {}
                    Some(hello) => return Found::Hello(Hello::Server(hello)),
                    None => return Found::Nothing,
                },
                _ => return Found::Nothing,
            }
            messages = &after[length..];
        }
        if over { Found::Nothing } else { Found::NotYet }
    }
}

/// RFC 8446 §4.1.2: version, random.
fn client(body: &[u8]) -> Option<Hello> {
    Some(Hello::Client { random: body.get(2..34)?.try_into().ok()? })
}

/// RFC 8446 §4.1.3: version, random, session, suite, compression, extensions.
fn server(body: &[u8]) -> Option<ServerHello> {
    let random = body.get(2..34)?.try_into().ok()?;
    let session = usize::from(*body.get(34)?);
    let rest = body.get(35 + session..)?;
    let suite = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
    let mut extensions = rest.get(5..).unwrap_or_default();
    let (mut is_13, mut encrypts_first) = (false, false);
    while let &[a, b, c, d, ref after @ ..] = extensions {
        let value = after.get(..usize::from(u16::from_be_bytes([c, d])))?;
        // supported_versions
        is_13 |= u16::from_be_bytes([a, b]) == 43 && value == [3, 4];
        // encrypt_then_mac
        encrypts_first |= u16::from_be_bytes([a, b]) == 22;
        extensions = &after[value.len()..];
    }
    Some(ServerHello { random, suite, is_12: body[..2] == [3, 3], is_13, encrypts_first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 3, 3, 0, body.len() as u8], body].concat()
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 0, 0, body.len() as u8], body].concat()
    }

    fn server_hello(random: [u8; 32], is_13: bool) -> Vec<u8> {
        let versions: &[u8] = if is_13 { &[0, 6, 0, 43, 0, 2, 3, 4] } else { &[] };
        message(2, &[&[3, 3], &random[..], &[0, 0x13, 0x01, 0], versions].concat())
    }

    const fn hello(is_13: bool) -> ServerHello {
        ServerHello { random: [5; 32], suite: 0x1301, is_12: true, is_13, encrypts_first: false }
    }

    /// What is found when the bytes come one by one.
    fn found(bytes: &[u8]) -> (Found, Option<u8>) {
        let mut start = Start::default();
        bytes.chunks(1).for_each(|byte| start.push(byte));
        (*start.found(), start.alert())
    }

    #[test]
    fn hellos_are_found_across_records() {
        let client = message(1, &[&[3, 3][..], &[7; 32], &[0; 4]].concat());
        let expected = Found::Hello(Hello::Client { random: [7; 32] });
        assert_eq!(found(&record(22, &client)), (expected, None));
        // With what follows it, in one piece.
        let mut start = Start::default();
        start.push(&[record(22, &client), record(23, &[0; 9])].concat());
        assert_eq!(*start.found(), expected);
        let (first, second) = client.split_at(9);
        assert_eq!(found(&[record(22, first), record(22, second)].concat()).0, expected);
        for is_13 in [true, false] {
            let expected = Found::Hello(Hello::Server(hello(is_13)));
            assert_eq!(found(&record(22, &server_hello([5; 32], is_13))).0, expected);
        }
    }

    #[test]
    fn a_retry_is_no_hello() {
        let retry = record(22, &server_hello(RETRY, true));
        assert_eq!(found(&retry).0, Found::NotYet);
        let real = record(22, &server_hello([5; 32], true));
        let expected = Found::Hello(Hello::Server(hello(true)));
        assert_eq!(found(&[retry, record(20, &[1]), real].concat()).0, expected);
    }

    #[test]
    fn what_is_no_hello_is_nothing() {
        assert_eq!(found(&record(23, &[0; 40])).0, Found::Nothing);
        assert_eq!(found(&record(21, &[2, 48])), (Found::Nothing, Some(48)));
        assert_eq!(found(&record(22, &message(11, &[0; 9]))).0, Found::Nothing);
    }
}
