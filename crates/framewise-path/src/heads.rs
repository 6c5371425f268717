//! Compares a head as it was sent with how it arrived.

use framewise_rules::Cause;

/// Headers that intermediaries add without harm.
const HARMLESS: &[&str] = &[
    "via",
    "forwarded",
    "server",
    "date",
    "age",
    "alt-svc",
    "nel",
    "report-to",
    "server-timing",
    "cf-ray",
    "cf-cache-status",
    "traceparent",
    "tracestate",
    "cdn-loop",
    "true-client-ip",
    "strict-transport-security",
    "accept-encoding",
    "keep-alive",
    "user-agent",
    "accept",
    "x-request-id",
    "connection",
];

/// One difference between two heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// `None`: without harm.
    pub(crate) cause: Option<Cause>,
    pub(crate) says: String,
}

struct Head<'h> {
    start: &'h str,
    fields: Vec<(&'h str, &'h str)>,
}

impl<'h> Head<'h> {
    fn of(text: &'h str) -> Self {
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default();
        // RFC 9113 §8.3: a name that begins with a colon is no header: it stands for a part of the start line.
        let lines = lines.filter(|line| !line.starts_with(':'));
        let fields = lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()));
        Self { start, fields: fields.collect() }
    }

    fn all(&self, name: &str) -> Vec<&'h str> {
        self.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1).collect()
    }

    /// Whether the request passed the same proxy more than once.
    fn looped(&self) -> Option<String> {
        let hops = self.all("via").join(",");
        let names: Vec<_> = hops.split(',').map(str::trim).filter(|hop| !hop.is_empty()).collect();
        let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name))?;
        Some((*twice.1).to_owned())
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .iter()
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(token))
    }

    fn elements(&self, name: &str) -> Vec<String> {
        let values = self.all(name);
        let elements = values.iter().flat_map(|value| value.split(','));
        elements
            .map(|element| element.replace(' ', "").to_ascii_lowercase())
            .filter(|element| !element.is_empty())
            .collect()
    }

    fn is_request(&self) -> bool {
        !self.start.starts_with("HTTP/")
    }
}

/// Every difference, in the order of the head that was sent.
pub(crate) fn compare(sent: &str, got: &str) -> Vec<Change> {
    let (one, other) = (Head::of(sent), Head::of(got));
    let mut changes = Vec::new();
    let mut found = |cause: Option<Cause>, says: String| changes.push(Change { cause, says });
    let mut seen: Vec<String> = Vec::new();
    let http2 = |head: &Head<'_>| head.start.contains("HTTP/2");
    if http2(&one) == http2(&other) {
        start_line(&one, &other, &mut found);
        upgrade(&one, &other, &mut found);
    } else {
        // RFC 8441 §5: over HTTP/2 there is neither Upgrade nor a key, and the status is 200.
        let to = if http2(&other) { "as HTTP/2 (RFC 8441)" } else { "from HTTP/2 as HTTP/1.1" };
        found(None, format!("it arrived {to}"));
        seen.extend(["host", "sec-websocket-key", "sec-websocket-accept"].map(str::to_owned));
    }
    for (name, _) in &one.fields {
        let lower = name.to_ascii_lowercase();
        if lower == "upgrade"
            || lower == "connection"
            || lower == "sec-websocket-extensions"
            || seen.contains(&lower)
        {
            continue;
        }
        field(&lower, name, (&one, &other), &mut found);
        seen.push(lower);
    }
    extensions(&one, &other, &mut found);
    for (name, value) in &other.fields {
        let lower = name.to_ascii_lowercase();
        let new = one.all(name).is_empty() && !seen.contains(&lower) && lower != "sec-websocket-extensions";
        if !new || lower == "upgrade" || lower == "connection" {
            continue;
        }
        let cause = added(&lower);
        seen.push(lower);
        found(cause, format!("{name}: {value} was added"));
    }
    if let Some(proxy) = other.looped().filter(|_| one.is_request()) {
        found(
            Some(Cause::ForwardingLoop),
            format!("the request passed “{proxy}” more than once (Via): it forwards to itself"),
        );
    }
    spelling(&one, &other, &mut found);
    changes
}

fn start_line(one: &Head<'_>, other: &Head<'_>, found: &mut impl FnMut(Option<Cause>, String)) {
    if one.start == other.start {
        return;
    }
    let says = format!("the first line “{}” arrived as “{}”", one.start, other.start);
    let parts = |head: &Head<'_>| head.start.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (sent, got) = (parts(one), parts(other));
    let cause = if one.is_request() {
        if got.last().is_some_and(|version| version == "HTTP/1.0") {
            Some(Cause::Http10ToUpstream)
        } else if sent.first() != got.first() || sent.get(1) != got.get(1) {
            Some(Cause::HeadersChangedOnPath)
        } else {
            None
        }
    } else {
        // A reason phrase has no meaning.
        (sent.get(1) != got.get(1)).then_some(Cause::HeadersChangedOnPath)
    };
    found(cause, says);
}

fn upgrade(one: &Head<'_>, other: &Head<'_>, found: &mut impl FnMut(Option<Cause>, String)) {
    for (name, token) in [("Upgrade", "websocket"), ("Connection", "upgrade")] {
        if one.has_token(name, token) && !other.has_token(name, token) {
            let arrived = other.all(name).join(", ");
            let arrived = if arrived.is_empty() {
                "is missing".to_owned()
            } else {
                format!("arrived as “{arrived}”")
            };
            found(
                Some(Cause::UpgradeHeadersDropped),
                format!("{name}: {} {arrived}", one.all(name).join(", ")),
            );
        } else if one.all(name) != other.all(name) {
            let says =
                format!("{name}: {} arrived as “{}”", one.all(name).join(", "), other.all(name).join(", "));
            found(None, says);
        }
    }
}

fn field(
    lower: &str,
    name: &str,
    (one, other): (&Head<'_>, &Head<'_>),
    found: &mut impl FnMut(Option<Cause>, String),
) {
    let (sent, got) = (one.all(name), other.all(name));
    if sent == got {
        return;
    }
    let shown = |values: &[&str]| values.join(" | ");
    if got.is_empty() {
        let cause = match lower {
            "sec-websocket-key" => Some(Cause::KeyDroppedOnPath),
            "server" | "date" | "user-agent" => None,
            _ => Some(Cause::HeadersChangedOnPath),
        };
        return found(cause, format!("{name}: {} is missing", shown(&sent)));
    }
    let joined = sent.len() != got.len();
    let cause = match lower {
        "sec-websocket-key" => Some(Cause::KeyRewritten),
        "server" | "date" | "user-agent" | "via" => None,
        // A cookie may be split and joined (RFC 9113 §8.2.3).
        "cookie" if sent.join("; ") == got.join("; ") => None,
        // RFC 9110 §5.3: "A recipient MAY combine multiple field lines within a field section that have the same field name into
        // one field line", except for Set-Cookie.
        _ if lower != "set-cookie" && sent.join(",").replace(' ', "") == got.join(",").replace(' ', "") => {
            None
        }
        _ if joined => Some(Cause::HeaderJoinedOrRepeated),
        _ => Some(Cause::HeadersChangedOnPath),
    };
    found(cause, format!("{name}: {} arrived as “{}”", shown(&sent), shown(&got)));
}

fn extensions(one: &Head<'_>, other: &Head<'_>, found: &mut impl FnMut(Option<Cause>, String)) {
    const NAME: &str = "Sec-WebSocket-Extensions";
    let (sent, got) = (one.elements(NAME), other.elements(NAME));
    let which = if one.is_request() { "offer" } else { "answer" };
    for element in sent.iter().filter(|element| !got.contains(element)) {
        found(
            Some(Cause::ExtensionHeaderStripped),
            format!("the {which} {element} of {NAME} did not arrive"),
        );
    }
    for element in got.iter().filter(|element| !sent.contains(element)) {
        found(
            Some(Cause::ExtensionHeaderAdded),
            format!("the {which} {element} of {NAME} arrived and was not sent"),
        );
    }
}

fn added(lower: &str) -> Option<Cause> {
    match lower {
        "transfer-encoding" | "content-length" => Some(Cause::BodyHeadersOn101),
        "content-encoding" => Some(Cause::HttpCompressionApplied),
        "sec-websocket-protocol" => Some(Cause::SubprotocolInvented),
        _ if HARMLESS.contains(&lower) || !lower.starts_with("sec-websocket-") => None,
        _ => Some(Cause::HeadersChangedOnPath),
    }
}

/// Order and case of the names, which no endpoint may depend on (RFC 9110 §5.1: "Field names are case-insensitive", §5.3).
/// Proxies with their documented configuration change them, HAProxy and Envoy the case; so it is said, and is no finding.
fn spelling(one: &Head<'_>, other: &Head<'_>, found: &mut impl FnMut(Option<Cause>, String)) {
    let names = |head: &Head<'_>, of: &Head<'_>| -> Vec<String> {
        let both = head.fields.iter().filter(|field| !of.all(field.0).is_empty());
        both.map(|field| field.0.to_owned()).collect()
    };
    let (sent, got) = (names(one, other), names(other, one));
    if sent == got {
        return;
    }
    let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect::<Vec<_>>();
    let (low_sent, low_got) = (lower(&sent), lower(&got));
    let mut sorted = (low_sent.clone(), low_got.clone());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    let case = sent.iter().find(|name| !got.contains(name));
    if let Some(name) = case {
        let arrived = got.iter().find(|other| other.eq_ignore_ascii_case(name)).map_or("", String::as_str);
        found(None, format!("the name {name} arrived as {arrived}"));
    }
    if low_sent != low_got && sorted.0 == sorted.1 {
        found(None, format!("the order of the headers changed: {}", got.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "GET /?t HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\n\
                        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nOrigin: o\r\n\r\n";

    fn causes(got: &str) -> Vec<Cause> {
        compare(SENT, got).into_iter().filter_map(|change| change.cause).collect()
    }

    #[test]
    fn each_change_of_a_head_has_its_cause_and_what_is_harmless_has_none() {
        assert!(compare(SENT, SENT).is_empty());
        for (from, to, cause) in [
            ("HTTP/1.1", "HTTP/1.0", Cause::Http10ToUpstream),
            ("Upgrade: websocket\r\n", "", Cause::UpgradeHeadersDropped),
            ("Connection: Upgrade", "Connection: close", Cause::UpgradeHeadersDropped),
            ("Sec-WebSocket-Key: k\r\n", "", Cause::KeyDroppedOnPath),
            ("Key: k", "Key: other", Cause::KeyRewritten),
            ("; client_max_window_bits", "", Cause::ExtensionHeaderStripped),
            ("Sec-WebSocket-Extensions", "X", Cause::ExtensionHeaderStripped),
            ("_bits", "_bits, x-webkit", Cause::ExtensionHeaderAdded),
            ("Host: a", "Host: b", Cause::HeadersChangedOnPath),
            ("Origin: o\r\n", "", Cause::HeadersChangedOnPath),
            ("Origin: o\r\n", "Origin: o\r\nTransfer-Encoding: chunked\r\n", Cause::BodyHeadersOn101),
        ] {
            assert!(causes(&SENT.replace(from, to)).contains(&cause), "{from} → {to}");
        }
        let moved = SENT.replace("Origin: o\r\n", "").replace("Host: a", "Origin: o\r\nHost: a");
        assert!(causes(&moved).is_empty());
        assert!(compare(SENT, &moved)[0].says.contains("order"));
        for (from, to) in [
            ("Connection: Upgrade", "Connection: upgrade"),
            ("Origin: o\r\n", "Origin: o\r\nX-Forwarded-For: 127.0.0.1\r\nVia: 1.1 x\r\n"),
        ] {
            let got = SENT.replace(from, to);
            assert_eq!((causes(&got).len(), compare(SENT, &got).is_empty()), (0, false), "{from} → {to}");
        }
    }
}
