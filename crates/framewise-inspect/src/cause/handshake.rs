//! Causes in the heads of the handshake, apart from status and accept value.

mod accept;
mod early;
mod key;
mod line;
mod status;

pub(super) use accept::{accept_miscomputed, accept_not_computed, accept_of_other_connection, key_rewritten};
pub(super) use early::{early_frames_lost, sent_before_upgrade, upgrade_answered_then_closed};
pub(super) use key::key_length_wrong;
pub(super) use line::header_line_unchecked;
pub(super) use status::{
    authentication_required, header_token_mismatch, not_a_websocket_endpoint, origin_refused, redirected,
    rejected_with_words, server_error_status,
};

use framewise_proto::handshake::HttpVersion;
use framewise_rules::{Answer, Cause, CloseCode, Role, Rule};
use std::collections::BTreeSet;

use super::evidence::{Evidence, quote};
use super::sign::Sign;
use crate::leg::Leg;

/// A header repeated, or repeated and joined with a comma by an intermediary.
pub(super) fn header_repeated(e: &Evidence<'_>) -> Option<Sign> {
    let names: &[&str] = match e.finding.rule? {
        Rule::RequestKeyRepeated | Rule::RequestKeyInvalid => &["sec-websocket-key"],
        Rule::RequestHost | Rule::RequestHostInvalid => &["host"],
        Rule::RequestContentLength => &["content-length"],
        Rule::RequestVersion | Rule::RequestLegacyDraft => &["sec-websocket-version"],
        Rule::RequestSubprotocolSyntax => &["sec-websocket-protocol"],
        Rule::ResponseAcceptWrong => &["sec-websocket-accept"],
        Rule::ResponseUpgrade => &["upgrade"],
        Rule::ResponseSubprotocolUnoffered => &["sec-websocket-protocol"],
        Rule::ResponseExtensionUnoffered | Rule::DeflateResponseInvalid => &["sec-websocket-extensions"],
        _ => return None,
    };
    let values = |name: &str| -> Vec<String> {
        match e.stream {
            Role::Client => e
                .request()
                .map_or_else(Vec::new, |request| request.headers(name).map(str::to_owned).collect()),
            Role::Server => e
                .response()
                .map_or_else(Vec::new, |response| response.headers(name).map(str::to_owned).collect()),
        }
    };
    for name in names {
        let values = values(name);
        let joined = values.first().and_then(|value| {
            let parts = value.split(',').map(str::trim);
            let (times, different) = (parts.clone().count(), parts.collect::<BTreeSet<_>>().len());
            // Two keys or versions are always a repetition; in a list of subprotocols one element must occur twice.
            let single = !matches!(*name, "sec-websocket-protocol" | "sec-websocket-extensions" | "upgrade");
            (times > 1 && (different < times || single)).then_some(times)
        });
        let evidence = match (values.len(), joined) {
            (0 | 1, None) => continue,
            (_, Some(times)) => {
                format!("{name} contains {times} values joined with commas: {}", quote(values[0].as_bytes()))
            }
            (times, None) => format!("{name} is sent {times} times"),
        };
        return e.own_fault(Cause::HeaderJoinedOrRepeated, evidence);
    }
    None
}

/// A Sec-WebSocket-* header with an empty value, instead of none.
pub(super) fn empty_header(e: &Evidence<'_>) -> Option<Sign> {
    let header = match e.finding.rule? {
        Rule::RequestSubprotocolSyntax | Rule::ResponseSubprotocolUnoffered => "sec-websocket-protocol",
        Rule::RequestExtensionSyntax | Rule::ResponseExtensionSyntax | Rule::ResponseExtensionUnoffered => {
            "sec-websocket-extensions"
        }
        Rule::RequestKeyInvalid => "sec-websocket-key",
        Rule::ResponseAcceptWrong => "sec-websocket-accept",
        Rule::RequestVersion => "sec-websocket-version",
        _ => return None,
    };
    let empty = match e.stream {
        Role::Client => e.request()?.headers(header).any(|value| value.trim_matches([' ', ',']).is_empty()),
        Role::Server => e.response()?.headers(header).any(|value| value.trim_matches([' ', ',']).is_empty()),
    };
    empty.then(|| e.own_fault(Cause::EmptyHeaderWritten, format!("{header} is sent with an empty value")))?
}

/// Whether a request was meant for a WebSocket: it has headers that only the handshake has.
fn means_websocket(e: &Evidence<'_>) -> bool {
    e.request().is_some_and(|request| {
        request
            .request
            .headers
            .iter()
            .any(|(name, _)| name.to_ascii_lowercase().starts_with("sec-websocket-"))
    })
}

/// The server's leg lacks Upgrade or Connection.
pub(super) fn upgrade_headers_dropped(e: &Evidence<'_>) -> Option<Sign> {
    let (header, token) = match e.finding.rule? {
        Rule::RequestUpgrade | Rule::ResponseUpgrade => ("Upgrade", "websocket"),
        Rule::RequestConnection | Rule::ResponseConnection => ("Connection", "Upgrade"),
        // A proxy that uses HTTP/1.0 drops them as well.
        Rule::RequestHttpVersion if e.breaks(Rule::RequestUpgrade) => ("Upgrade", "websocket"),
        _ => return None,
    };
    let value = |leg: &Leg| -> Option<String> {
        match e.stream {
            Role::Client => leg.request.as_ref()?.header(header).map(str::to_owned),
            Role::Server => leg.response.as_ref()?.header(header).map(str::to_owned),
        }
    };
    let has = |value: &str| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token));
    let here = match value(e.leg) {
        Some(value) => format!("{header}: {}", quote(value.as_bytes())),
        None => format!("no {header}"),
    };
    if let Some((other, value)) =
        e.other_legs().find_map(|leg| Some((leg, value(leg).filter(|value| has(value))?)))
    {
        let evidence = format!(
            "the leg {} carries {header}: {value}, the leg {} carries {here}",
            other.name, e.leg.name
        );
        return e.path_fault(Cause::UpgradeHeadersDropped, evidence);
    }
    // Upgrade and Connection are hop-by-hop (RFC 9110 §7.6.1): a proxy removes them and keeps the other headers.
    let left = match e.stream {
        Role::Client => means_websocket(e).then_some("Sec-WebSocket-* is there")?,
        Role::Server => {
            e.response()?.header("sec-websocket-accept").map(|_| "Sec-WebSocket-Accept is there")?
        }
    };
    // Another value was written by the server itself.
    if e.stream == Role::Server && value(e.leg).is_some_and(|value| header == "Upgrade" && !value.is_empty())
    {
        return None;
    }
    let evidence = format!("{left}, but {here}");
    match e.stream {
        Role::Client => e.path_fault(Cause::UpgradeHeadersDropped, evidence),
        // One leg does not show who removed it from a response, so its sender is named.
        Role::Server => e.own_fault(Cause::UpgradeHeadersDropped, evidence),
    }
}

/// The server's leg says HTTP/1.0.
pub(super) fn http10_to_upstream(e: &Evidence<'_>) -> Option<Sign> {
    if !e.breaks(Rule::RequestHttpVersion) || !means_websocket(e) {
        return None;
    }
    let other = e
        .other_legs()
        .find(|leg| leg.request.as_ref().is_some_and(|request| request.version > HttpVersion::Http10));
    let evidence = match other {
        Some(other) => {
            format!(
                "the request is HTTP/1.0 on the leg {} and HTTP/1.1 on the leg {}",
                e.leg.name, other.name
            )
        }
        None => {
            "the WebSocket handshake is HTTP/1.0, which proxies use by default towards a server".to_owned()
        }
    };
    e.path_fault(Cause::Http10ToUpstream, evidence)
}

/// A hand-made request without key or version.
pub(super) fn not_a_websocket_client(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[
        Rule::RequestMethod,
        Rule::RequestUpgrade,
        Rule::RequestConnection,
        Rule::RequestKeyMissing,
        Rule::RequestKeyInvalid,
        Rule::RequestVersion,
        Rule::RequestHttpVersion,
        Rule::RequestBody,
    ]) {
        return None;
    }
    let request = e.request()?;
    let missing: Vec<_> = [
        ("Sec-WebSocket-Key", "sec-websocket-key"),
        ("Sec-WebSocket-Version", "sec-websocket-version"),
        ("Upgrade", "upgrade"),
    ]
    .into_iter()
    .filter(|(_, name)| request.header(name).is_none())
    .map(|(shown, _)| shown)
    .collect();
    let key = missing.contains(&"Sec-WebSocket-Key");
    if e.is(&[Rule::RequestKeyInvalid]) {
        let key = request.header("sec-websocket-key")?;
        let evidence = format!("the key is {}, which libraries do not generate", quote(key.as_bytes()));
        return e.own_fault(Cause::NotAWebsocketClient, evidence);
    }
    // A library never omits the key. Hybi drafts and hixie have other keys.
    if !key || request.is_hixie() {
        return None;
    }
    let agent =
        request.header("user-agent").map(|agent| format!("; User-Agent: {agent}")).unwrap_or_default();
    e.own_fault(Cause::NotAWebsocketClient, format!("the request has no {}{agent}", missing.join(", no ")))
}

/// A version that is not 13, or a 426 that names others.
pub(super) fn version_unsupported(e: &Evidence<'_>) -> Option<Sign> {
    if e.is(&[Rule::RequestVersion]) {
        let request = e.request()?;
        let named = e.response().is_some_and(|response| response.header("sec-websocket-version").is_some());
        let asked = request
            .header("sec-websocket-version")
            .map_or("no version".to_owned(), |version| format!("version {}", quote(version.as_bytes())));
        let answer = match e.response() {
            Some(response) if !named => {
                format!("; the response {} does not name one either", response.response.status)
            }
            _ => String::new(),
        };
        return e.own_fault(Cause::VersionUnsupported, format!("the request asks for {asked}{answer}"));
    }
    if !e.is(&[Rule::ResponseStatus]) {
        return None;
    }
    let response = e.response()?;
    let versions = response.header("sec-websocket-version")?;
    if versions.split(',').any(|version| version.trim() == "13") {
        return None;
    }
    let evidence = format!(
        "the response {} names the versions {}",
        response.response.status,
        quote(versions.as_bytes())
    );
    e.own_fault(Cause::VersionUnsupported, evidence)
}

/// A 426 to a valid request, without a hint at what is required.
pub(super) fn upgrade_required(e: &Evidence<'_>) -> Option<Sign> {
    let response =
        e.response().filter(|response| e.is(&[Rule::ResponseStatus]) && response.response.status == 426)?;
    let broken = e.request()?.breaks.iter().any(|rule| rule.answer() != Answer::Note);
    if broken || response.header("sec-websocket-version").is_some() || header_token_mismatch(e).is_some() {
        return None;
    }
    e.own_fault(
        Cause::VersionUnsupported,
        "the response to a request with version 13 is 426, without a Sec-WebSocket-Version that names another",
    )
}

/// Chosen, not offered.
pub(super) fn subprotocol_invented(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::ResponseSubprotocolUnoffered]) {
        return None;
    }
    let chosen = e.response()?.header("sec-websocket-protocol").filter(|chosen| !chosen.is_empty())?;
    let offered: Vec<_> = e.request()?.headers("sec-websocket-protocol").collect();
    let offered =
        if offered.is_empty() { "nothing".to_owned() } else { quote(offered.join(", ").as_bytes()) };
    e.own_fault(
        Cause::SubprotocolInvented,
        format!("the server chose {}, but the client offered {offered}", quote(chosen.as_bytes())),
    )
}

/// Offered but not chosen: by itself, or because the client ends the connection at once.
pub(super) fn subprotocol_not_echoed(e: &Evidence<'_>) -> Option<Sign> {
    let (request, response) =
        (e.request()?, e.response().filter(|response| response.response.status == 101)?);
    let offered = request.header("sec-websocket-protocol").filter(|offered| !offered.is_empty())?;
    if response.header("sec-websocket-protocol").is_some() {
        return None;
    }
    let gave_up = e.is(&[Rule::CloseMissing, Rule::ConnectionReset])
        && e.stream == Role::Client
        && e.frames().is_some_and(|frames| frames.frames() == 0);
    if !(gave_up || e.is(&[Rule::ResponseSubprotocolMissing])) {
        return None;
    }
    // A server that says itself that it does not speak what the client offers.
    let refuses = e.leg.close_of(Role::Server).filter(|close| {
        close.code == Some(CloseCode(4406)) || close.reason.to_ascii_lowercase().contains("subprotocol")
    });
    let rest = match refuses {
        Some(close) => format!(", and the server then closes with {:?}", close.reason),
        None if gave_up => "; the client ended the connection before it sent a frame".to_owned(),
        None => String::new(),
    };
    let evidence = format!(
        "the client offered {}, but the 101 does not contain Sec-WebSocket-Protocol{rest}",
        quote(offered.as_bytes())
    );
    let by = if refuses.is_some() { Role::Client } else { Role::Server };
    Some(Sign { cause: Cause::SubprotocolNotEchoed, fault: Some(by.into()), evidence })
}

/// The head's last empty line is missing.
pub(super) fn head_incomplete(e: &Evidence<'_>) -> Option<Sign> {
    let side = match e.finding.rule? {
        Rule::RequestTimeout | Rule::RequestTruncated => Role::Client,
        Rule::ResponseTimeout => Role::Server,
        // Without a complete request there is nothing to answer.
        Rule::ResponseMissing if e.request().is_none() => Role::Client,
        Rule::ResponseMissing => Role::Server,
        _ => return None,
    };
    let bytes = e.look_at(e.leg.dir(side).window.from(0));
    let lines = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
    if lines == 0 || bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        return None;
    }
    let tail = &bytes[bytes.len().saturating_sub(16)..];
    let evidence = format!(
        "the head of the {side} has {lines} lines and ends with {}; the empty line is missing",
        quote(tail)
    );
    Some(Sign { cause: Cause::HeadIncomplete, fault: Some(side.into()), evidence })
}
