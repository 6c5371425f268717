use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use framewise_rules::{Answer, Limits, Role, Rule};

use super::accept::{accept_value, key_value};
use super::head::{Head, HeadFault, HeaderLine, Start};
use super::request::{Request, ServerPolicy, first_line, push_line, push_lines, read_request};
use super::{Headers, Progress, verdict};
use crate::extension::{DeflateParameters, Extension, PERMESSAGE_DEFLATE, parse_extensions};
use crate::{Detail, Misuse, Strictness, Violation};

/// Headers of a request that are not the caller's: those of the handshake, of which RFC 6455 §11.3 and RFC 9112 §3.2 allow
/// one each, and those of a body, which it has not (§4.1).
const OF_A_REQUEST: [&str; 9] = [
    "Host",
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];

/// What a client asked for: what the response has to answer.
#[derive(Clone, Debug, Default)]
pub struct ClientOffer {
    /// Host, with the port where it is not the scheme's own.
    pub host: String,
    /// The request's target: path and query.
    pub target: String,
    /// Sec-WebSocket-Key.
    pub key: String,
    /// The subprotocols that are offered, the preferred one first.
    pub protocols: Vec<String>,
    /// The extensions that are offered, in order.
    pub extensions: Vec<Extension>,
    /// Other header lines; those of the handshake itself are refused.
    pub headers: Vec<(String, String)>,
}

impl ClientOffer {
    /// An offer of nothing but the protocol. `nonce`: sixteen random bytes (RFC 6455 §4.1).
    pub fn new(host: impl Into<String>, target: impl Into<String>, nonce: [u8; 16]) -> Self {
        Self { host: host.into(), target: target.into(), key: key_value(nonce), ..Self::default() }
    }

    /// What a request that was observed asked for.
    pub fn of(request: &Request) -> Self {
        Self {
            host: request.host.clone(),
            target: request.target.clone(),
            key: request.key.clone(),
            protocols: request.protocols.clone(),
            extensions: request.extensions.clone(),
            headers: Vec::new(),
        }
    }

    /// The head of the request.
    ///
    /// Errors: [`Misuse::Head`], [`Misuse::HandshakeHeader`] and [`Misuse::Request`], before anything is sent.
    pub fn encode(&self) -> Result<Vec<u8>, Misuse> {
        // A space in the target would end it.
        if !self.target.starts_with('/') || self.target.bytes().any(|byte| byte <= 0x20 || byte == 0x7f) {
            return Err(Misuse::Head);
        }
        let mut head = format!("GET {} HTTP/1.1\r\n", self.target);
        push_line(&mut head, "Host", &self.host)?;
        push_line(&mut head, "Upgrade", "websocket")?;
        push_line(&mut head, "Connection", "Upgrade")?;
        push_line(&mut head, "Sec-WebSocket-Key", &self.key)?;
        push_line(&mut head, "Sec-WebSocket-Version", "13")?;
        if !self.protocols.is_empty() {
            push_line(&mut head, "Sec-WebSocket-Protocol", &self.protocols.join(", "))?;
        }
        if !self.extensions.is_empty() {
            let offers: Vec<_> = self.extensions.iter().map(|extension| format!("{extension}")).collect();
            push_line(&mut head, "Sec-WebSocket-Extensions", &offers.join(", "))?;
        }
        push_lines(&mut head, &self.headers, &OF_A_REQUEST)?;
        head.push_str("\r\n");
        let head = head.into_bytes();
        // What a server would reject for a rule is not sent. How much it takes is its own affair.
        let limits = Limits { head: head.len(), ..Limits::DEFAULT };
        match read_request(&head, &ServerPolicy { limits, origins: None }) {
            Progress::Done { .. } => Ok(head),
            Progress::Broken(violation) => Err(Misuse::Request(violation.rule)),
            Progress::More => Err(Misuse::Head),
        }
    }

    /// Whether permessage-deflate was offered.
    pub fn deflate(&self) -> impl Iterator<Item = &Extension> {
        self.extensions.iter().filter(|extension| extension.name == PERMESSAGE_DEFLATE)
    }
}

/// A server's answer to an opening handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Its status; 101 where the connection is a WebSocket.
    pub status: u16,
    /// The subprotocol that was chosen.
    pub protocol: Option<String>,
    /// The extensions that were agreed.
    pub extensions: Vec<Extension>,
    /// Every header line.
    pub headers: Headers,
}

impl Response {
    /// What a head says, be it right or wrong.
    pub fn from_head(head: &Head<'_>) -> Self {
        Self {
            status: match head.start {
                Start::Response { status, .. } => status,
                Start::Request { .. } => 0,
            },
            protocol: head.first("sec-websocket-protocol").map(|line| line.text().to_owned()),
            extensions: head
                .named("sec-websocket-extensions")
                .filter_map(|line| parse_extensions(line.text()))
                .flatten()
                .collect(),
            headers: head.headers(),
        }
    }

    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name)
    }
}

/// Reads a response's head from the start of what the server sent. Interim responses before it are skipped; they count
/// in its size, and towards its limit.
pub fn read_response(
    bytes: &[u8],
    offer: &ClientOffer,
    limits: &Limits,
    strictness: Strictness,
) -> Progress<Response> {
    let broken = |rule, offset, length| Progress::Broken(violation(rule, offset, length));
    let limit = limits.head;
    let within = &bytes[..bytes.len().min(limit)];
    let start = interim(within);
    let head = match Head::response(&within[start..]) {
        Ok(Some(head)) => head,
        Ok(None) if bytes.len() > limit => return broken(Rule::ResponseTooLarge, limit, bytes.len() - limit),
        Ok(None) => return Progress::More,
        Err(HeadFault::TooManyLines) => return broken(Rule::ResponseTooLarge, 0, bytes.len()),
        Err(HeadFault::NotHttp) => {
            return broken(Rule::ResponseNotHttp, start, first_line(&bytes[start..]));
        }
    };
    let mut found = check_response(&head, offer);
    for violation in &mut found {
        violation.offset = violation.offset.map(|offset| offset + start as u64);
    }
    let enforced =
        |violation: &Violation| violation.answer() != Answer::Note && !strictness.tolerates(violation.rule);
    match verdict(found, enforced) {
        Ok(notes) => Progress::Done { value: Response::from_head(&head), size: start + head.size, notes },
        Err(violation) => Progress::Broken(violation),
    }
}

/// Bytes of the interim responses at the start of what a server sent: 100 Continue, 103 Early Hints. They answer
/// nothing. A 101 is none of them.
pub fn interim(bytes: &[u8]) -> usize {
    let mut end = 0;
    // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final response,
    // even if the client does not expect one. A user agent MAY ignore unexpected 1xx responses."
    while let Ok(Some(head)) = Head::response(&bytes[end..])
        && matches!(head.start, Start::Response { status: 100 | 102..=199, .. })
    {
        end += head.size;
    }
    end
}

/// The connection ended, and `bytes` of a response are all there is.
pub fn response_ended(bytes: &[u8]) -> Violation {
    violation(Rule::ResponseMissing, bytes.len(), 0)
}

/// The response was not complete in time.
pub fn response_timed_out(bytes: &[u8]) -> Violation {
    violation(Rule::ResponseTimeout, bytes.len(), 0)
}

/// An extension that the client cannot do without was not agreed. The handshake is done, so the answer is a Close.
pub fn extension_required(head: usize) -> Violation {
    violation(Rule::ExtensionRequired, 0, head)
}

/// Every rule that a complete head breaks, in no order. Of a status other than 101 nothing but the status is wrong.
pub fn check_response(head: &Head<'_>, offer: &ClientOffer) -> Vec<Violation> {
    let mut found = Vec::new();
    // RFC 6455 §4.1: "If the status code received from the server is not 101, the client handles the response per
    // HTTP procedures."
    if let Start::Response { status, .. } = head.start
        && status != 101
    {
        found.push(violation(Rule::ResponseStatus, 0, head.size).with(Detail::Status(status)));
        return found;
    }
    let mut at =
        |rule, line: Option<HeaderLine<'_>>| {
            found.push(line.map_or_else(
                || violation(rule, 0, head.size),
                |line| violation(rule, line.offset, line.length),
            ));
        };
    // RFC 6455 §4.1: "If the response lacks an |Upgrade| header field or the |Upgrade| header field contains a value
    // that is not an ASCII case-insensitive match for the value "websocket", the client MUST _Fail the WebSocket
    // Connection_."
    let mut upgrades = head.elements("upgrade");
    if !(upgrades.next().is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        && upgrades.next().is_none())
    {
        at(Rule::ResponseUpgrade, head.first("upgrade"));
    }
    // §4.1: the same of "a |Connection| header field" that "doesn't contain a token" "Upgrade".
    if !head.has("connection", "upgrade") {
        at(Rule::ResponseConnection, head.first("connection"));
    }
    // §4.1: the same of a |Sec-WebSocket-Accept| that "contains a value other than the base64-encoded SHA-1 of the
    // concatenation of the |Sec-WebSocket-Key| … with the string" of the protocol, "but ignoring any leading and
    // trailing whitespace".
    let mut accepts = head.named("sec-websocket-accept");
    match (accepts.next(), accepts.next()) {
        (None, _) => at(Rule::ResponseAcceptMissing, None),
        (Some(line), None) if line.value == accept_value(&offer.key).as_bytes() => {}
        (Some(line), second) => at(Rule::ResponseAcceptWrong, Some(second.unwrap_or(line))),
    }
    protocol(head, offer, &mut at);
    extensions(head, offer, &mut at);
    // RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx",
    // RFC 9112 §6.1: nor a Transfer-Encoding.
    if let Some(line) = head.first("transfer-encoding").or_else(|| head.first("content-length")) {
        at(Rule::ResponseBodyFraming, Some(line));
    }
    if let Some(line) = head.first("content-encoding") {
        at(Rule::ResponseContentEncoding, Some(line));
    }
    found
}

fn protocol<'b>(head: &Head<'b>, offer: &ClientOffer, at: &mut impl FnMut(Rule, Option<HeaderLine<'b>>)) {
    let mut lines = head.named("sec-websocket-protocol");
    match (lines.next(), lines.next()) {
        (None, _) if offer.protocols.is_empty() => {}
        (None, _) => at(Rule::ResponseSubprotocolMissing, None),
        // RFC 6455 §4.1: "If the response includes a |Sec-WebSocket-Protocol| header field and this header field
        // indicates the use of a subprotocol that was not present in the client's handshake … the client MUST _Fail
        // the WebSocket Connection_." §11.3.4: "MUST NOT appear more than once in an HTTP response".
        (Some(line), None) if offer.protocols.iter().any(|offered| offered == line.text()) => {}
        (Some(line), second) => at(Rule::ResponseSubprotocolUnoffered, Some(second.unwrap_or(line))),
    }
}

fn extensions<'b>(head: &Head<'b>, offer: &ClientOffer, at: &mut impl FnMut(Rule, Option<HeaderLine<'b>>)) {
    let mut agreed: Vec<String> = Vec::new();
    for line in head.named("sec-websocket-extensions") {
        let Some(extensions) = parse_extensions(line.text()) else {
            at(Rule::ResponseExtensionSyntax, Some(line));
            continue;
        };
        for extension in extensions {
            // RFC 6455 §4.1: "the use of an extension that was not present in the client's handshake" fails it.
            let offered = offer.extensions.iter().any(|other| other.name == extension.name);
            if !offered || agreed.contains(&extension.name) {
                at(Rule::ResponseExtensionUnoffered, Some(line));
            } else if extension.name == PERMESSAGE_DEFLATE
                && let Some(rule) = deflate(&extension, offer)
            {
                at(rule, Some(line));
            }
            agreed.push(extension.name);
        }
    }
}

/// The rule that an answer of permessage-deflate breaks towards every offer; `None` where one of the offers allows it.
fn deflate(answer: &Extension, offer: &ClientOffer) -> Option<Rule> {
    // RFC 7692 §7: an answer with an unknown, repeated or ill-valued parameter fails the connection.
    let Some(answer) = DeflateParameters::of_answer(answer) else {
        return Some(Rule::DeflateResponseInvalid);
    };
    let mut fault = None;
    for offered in offer.deflate().filter_map(DeflateParameters::of_offer) {
        match answer.answer_fault(&offered) {
            None => return None,
            Some(rule) => fault = fault.or(Some(rule)),
        }
    }
    fault
}

fn violation(rule: Rule, offset: usize, length: usize) -> Violation {
    Violation::in_handshake(rule, Role::Server, offset, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_the_handshakes_own_is_refused_by_its_name() {
        let mut offer = ClientOffer::new("example.com", "/chat", [7; 16]);
        for name in OF_A_REQUEST {
            for written in [name.to_owned(), name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
                offer.headers = Vec::from([("X-Other".into(), "1".into()), (written, "1".into())]);
                assert_eq!(offer.encode(), Err(Misuse::HandshakeHeader(name)));
                assert!(format!("{}", Misuse::HandshakeHeader(name)).starts_with(name));
            }
        }
        for (protocols, rule) in [
            (&["chat", "chat"][..], Rule::RequestSubprotocolSyntax),
            (&["a chat"], Rule::RequestSubprotocolSyntax),
            (&[""], Rule::RequestSubprotocolSyntax),
        ] {
            let offer = ClientOffer {
                protocols: protocols.iter().map(|&name| name.into()).collect(),
                ..offer.clone()
            };
            let offer = ClientOffer { headers: Vec::new(), ..offer };
            assert_eq!(offer.encode(), Err(Misuse::Request(rule)), "{protocols:?}");
        }
        for name in ["Hosts", "X-Host", "Origin", "Sec-WebSocket-Keys", "Cookie"] {
            offer.headers = Vec::from([(name.into(), "1".into())]);
            let head = offer.encode().expect("a request");
            assert!(head.ends_with(format!("\r\n{name}: 1\r\n\r\n").as_bytes()));
        }
    }
}
