//! Causes of a status other than 101.

use framewise_rules::{Cause, Rule};

use crate::body;
use crate::cause::evidence::{Evidence, quote};
use crate::cause::sign::Sign;
use crate::heads::ResponseSeen;
use crate::report::Fault;

/// The steps that reading a body takes.
const BODY: u64 = 4096;

fn rejection<'a>(e: &Evidence<'a>) -> Option<(&'a ResponseSeen, u16)> {
    let response = e.response().filter(|_| e.is(&[Rule::ResponseStatus]))?;
    Some((response, response.response.status))
}

/// The beginning of the rejection's body, in lower case.
fn page(e: &Evidence<'_>, response: &ResponseSeen) -> String {
    String::from_utf8_lossy(e.read(response.end(), 2048)).to_ascii_lowercase()
}

/// The status, and what the body says about it.
fn status_line(e: &Evidence<'_>, response: &ResponseSeen) -> String {
    let status = format!("{} {}", response.response.status, response.reason);
    match body::sentence(e.leg) {
        Some(sentence) if e.work.take(BODY) => format!("{}: {sentence:?}", status.trim_end()),
        Some(_) | None => status,
    }
}

/// 3xx, with the Location and whether it changes the scheme, the host or a trailing slash.
pub(crate) fn redirected(e: &Evidence<'_>) -> Option<Sign> {
    let (response, _) = rejection(e).filter(|(_, status)| (300..400).contains(status))?;
    let Some(location) = response.header("location") else {
        return e.own_fault(Cause::Redirected, format!("{}, without a Location", status_line(e, response)));
    };
    let request = e.request();
    let target = request.map_or("", |request| request.request.target.as_str());
    let host = request.map_or("", |request| request.request.host.as_str());
    let (scheme, rest) =
        location.split_once("://").map_or((None, location), |(scheme, rest)| (Some(scheme), rest));
    let (authority, path) = match scheme {
        Some(_) => rest.find('/').map_or((rest, "/"), |at| rest.split_at(at)),
        None => (host, rest),
    };
    let slash = path != target && path.trim_end_matches('/') == target.trim_end_matches('/');
    let doubled = target.contains("//") && path == target.replace("//", "/");
    let mut changes = Vec::new();
    if let Some(scheme) = scheme {
        changes.push(format!("the scheme changes to {scheme}"));
    }
    if !authority.eq_ignore_ascii_case(host) {
        changes.push(format!("the host changes to {authority}"));
    }
    if slash {
        changes.push("the path differs only in a trailing slash".to_owned());
    } else if doubled {
        changes.push("the path differs only in a doubled slash".to_owned());
    } else if path != target {
        changes.push("the path changes".to_owned());
    }
    let evidence = format!("{}, Location: {location}; {}", status_line(e, response), changes.join("; "));
    e.peer_fault(Cause::Redirected, evidence.trim_end_matches("; "))
}

/// 403 for one Origin.
pub(crate) fn origin_refused(e: &Evidence<'_>) -> Option<Sign> {
    let origin = e.request()?.header("origin");
    if e.is(&[Rule::RequestOrigin]) {
        return e.own_fault(Cause::OriginRefused, format!("Origin: {}", origin.unwrap_or("none")));
    }
    let (response, status) = rejection(e)?;
    let named =
        page(e, response).contains("origin") || response.reason.to_ascii_lowercase().contains("origin");
    let challenged = response.header("www-authenticate").is_some();
    if challenged || !(named && (400..500).contains(&status) || (status == 403 && origin.is_some())) {
        return None;
    }
    let Some(origin) = origin else {
        return e.path_fault(
            Cause::OriginRefused,
            format!(
                "{}, and its page mentions the Origin, which the request does not contain",
                status_line(e, response)
            ),
        );
    };
    let host = &e.request()?.request.host;
    let same = origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
    let evidence = format!(
        "{} for Origin: {origin}, with Host: {host}{}",
        status_line(e, response),
        if same { "" } else { ": the two differ" }
    );
    // A proxy replaced Host: at the client it was equal to the Origin's host.
    let rewritten =
        e.other_legs().any(|leg| leg.request.as_ref().is_some_and(|request| &request.request.host != host));
    let fault = if rewritten { Fault::Intermediary } else { Fault::Server };
    Some(Sign { cause: Cause::OriginRefused, fault: Some(fault), evidence })
}

/// 401, 403 or 407 with its challenge.
pub(crate) fn authentication_required(e: &Evidence<'_>) -> Option<Sign> {
    let (response, status) = rejection(e)?;
    let challenge = response.header("www-authenticate").or_else(|| response.header("proxy-authenticate"));
    let asks = matches!(status, 401 | 407)
        || (status == 403 && (challenge.is_some() || e.request()?.header("origin").is_none()));
    if !asks {
        return None;
    }
    let sent = ["authorization", "proxy-authorization", "cookie"]
        .into_iter()
        .find(|name| e.request().is_some_and(|request| request.header(name).is_some()));
    let evidence = format!(
        "{}{}; the request contains {}",
        status_line(e, response),
        challenge.map(|challenge| format!(", {}", quote(challenge.as_bytes()))).unwrap_or_default(),
        sent.unwrap_or("no credentials")
    );
    let fault = if status == 407 { Fault::Intermediary } else { Fault::Client };
    Some(Sign { cause: Cause::AuthenticationRequired, fault: Some(fault), evidence })
}

/// 200, 404, 405 or a page instead of 101.
pub(crate) fn not_a_websocket_endpoint(e: &Evidence<'_>) -> Option<Sign> {
    let (response, status) = rejection(e)?;
    let html = response.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    let page = matches!(status, 402 | 406 | 409..=425 | 451) && html;
    if !(matches!(status, 200..=299 | 404 | 405 | 410) || page) {
        return None;
    }
    let target = e.request().map_or("", |request| request.request.target.as_str());
    e.own_fault(Cause::NotAWebsocketEndpoint, format!("{} for {target}", status_line(e, response)))
}

/// 5xx instead of 101.
pub(crate) fn server_error_status(e: &Evidence<'_>) -> Option<Sign> {
    let (response, _) = rejection(e).filter(|(_, status)| *status >= 500)?;
    let server = response.header("server").map(|server| format!(", from {server}")).unwrap_or_default();
    e.own_fault(Cause::ServerErrorStatus, format!("{}{server}", status_line(e, response)))
}

/// A valid request is rejected and its Connection is a list: the server compares the complete value.
pub(crate) fn header_token_mismatch(e: &Evidence<'_>) -> Option<Sign> {
    let request = e.request()?;
    let (response, status) = rejection(e)?;
    if !matches!(status, 400 | 412 | 426 | 501)
        || request.breaks.iter().any(|rule| rule.answer() != framewise_rules::Answer::Note)
    {
        return None;
    }
    let list = ["connection", "upgrade"].into_iter().find_map(|name| {
        // RFC 9110 §5.3: several lines of one name are one list.
        let value = request.headers(name).collect::<Vec<_>>().join(", ");
        let single = if name == "connection" { "upgrade" } else { "websocket" };
        (!value.eq_ignore_ascii_case(single)).then_some((name, value))
    });
    let (name, value) = list?;
    let evidence = format!(
        "the request is valid and contains {name}: {value}, but the response is {}",
        status_line(e, response)
    );
    e.own_fault(Cause::HeaderTokenMismatch, evidence)
}

/// A rejection of a valid request that no other detector explains: the body does.
pub(crate) fn rejected_with_words(e: &Evidence<'_>) -> Option<Sign> {
    let (response, status) = rejection(e).filter(|(_, status)| (400..500).contains(status))?;
    let explained = [
        redirected,
        origin_refused,
        authentication_required,
        not_a_websocket_endpoint,
        header_token_mismatch,
        super::version_unsupported,
        super::upgrade_required,
        crate::cause::stream::plain_in_tls_port,
    ];
    if !e.work.take(BODY) || explained.iter().any(|detect| detect(e).is_some()) {
        return None;
    }
    let sentence = body::sentence(e.leg)?;
    let evidence = format!("{} {} says {sentence:?}", status, response.reason.trim_end()).replace("  ", " ");
    // 400 is for a request that breaks a rule (RFC 9110 §15.5.1), and this one does not.
    let broken = e.request()?.breaks.iter().any(|rule| rule.answer() != framewise_rules::Answer::Note);
    if status == 400 && !broken {
        return e.own_fault(Cause::RejectedWithWords, evidence);
    }
    e.nobodys_fault(Cause::RejectedWithWords, evidence)
}
