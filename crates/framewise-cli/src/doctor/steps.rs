use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use framewise::{Client, NetStream, Url};
use framewise_conform::{Behaviour, Case, Pace, Server, Verdict, cases};
use framewise_inspect::diagnose;
use framewise_rules::prose::Language;
use framewise_rules::{Answer as Due, Cause, Role, Rule};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::answer::Answer;
use super::{DoctorArgs, Examination, Step, Trouble};
use crate::failure::plain;

/// Message sizes of `--echo`.
const SIZES: [usize; 5] = [1, 1000, 70_000, 300_000, 1_100_000];
/// Cases of `--strict`: one for each family of rules.
const STRICT: [&str; 6] = [
    "frame/reserved-bits/text-1",
    "frame/opcode/3-empty",
    "frame/mask/unmasked-text-5",
    "control/too-long/ping-126",
    "text/sequence/impossible-1",
    "close/code/1005",
];

/// Looks at the server, step by step; stops where nothing can come after.
pub(super) async fn examine(args: &DoctorArgs, url: &Url) -> Examination {
    let mut examination =
        Examination { next: "framewise check ".to_owned() + &args.url, ..Examination::default() };
    let Some(addresses) = dns(args, url, &mut examination).await else { return examination };
    if !tcp(args, &addresses, &mut examination).await {
        return examination;
    }
    if url.is_tls() && !tls(args, &mut examination).await {
        return examination;
    }
    let mut server = match Server::new(&args.url) {
        Ok(server) => server,
        Err(error) => return lost(examination, &error.to_string(), None),
    };
    server.patience = args.patience;
    args.request.put_into(&mut server.ask);
    if !handshake(args, &server, &mut examination).await {
        return examination;
    }
    variants(args, &server, &mut examination).await;
    if let Some(idle) = args.idle {
        self::idle(&server, idle, &mut examination).await;
    }
    if args.echo {
        echo(&server, &mut examination).await;
    }
    if args.strict {
        strict(&server, &mut examination).await;
    }
    examination
}

/// Ends the examination with what an error message says.
fn lost(mut examination: Examination, says: &str, cause: Option<Cause>) -> Examination {
    let cause = cause.or_else(|| framewise_messages::read(says).causes.first().map(|ranked| ranked.is));
    examination.trouble =
        Some(Trouble { cause, says: says.to_owned(), fix: cause.map(fix), ..Trouble::default() });
    examination.next = format!("framewise explain \"{}\"", says.replace('"', "'"));
    examination
}

fn fail(examination: &mut Examination, says: &str, cause: Option<Cause>) {
    *examination = lost(std::mem::take(examination), says, cause);
}

fn fix(cause: Cause) -> String {
    cause.fix_line(Language::English)
}

async fn dns(args: &DoctorArgs, url: &Url, examination: &mut Examination) -> Option<Vec<SocketAddr>> {
    let start = Instant::now();
    if let Ok(address) = url.host().parse::<IpAddr>() {
        return Some(vec![SocketAddr::new(address, url.port())]);
    }
    let found = timeout(args.patience, lookup_host((url.host(), url.port()))).await;
    let (ok, says, addresses) = match found {
        Ok(Ok(addresses)) => {
            let mut addresses: Vec<_> = addresses.collect();
            addresses.dedup();
            (!addresses.is_empty(), format!("{} has {}", url.host(), count(addresses.len())), addresses)
        }
        Ok(Err(error)) => (false, format!("{} has no address: {}", url.host(), plain(&error)), Vec::new()),
        Err(_) => (false, format!("no answer to the question for {}", url.host()), Vec::new()),
    };
    let details = addresses.iter().map(|address| address.ip().to_string()).collect();
    examination.steps.push(Step { name: "dns", ok, says: says.clone(), took: start.elapsed(), details });
    if ok {
        return Some(addresses);
    }
    fail(
        examination,
        &format!("{says}: check the name, and the network's DNS"),
        Some(Cause::ServerUnreachable),
    );
    None
}

/// Connects to each address. Whether one of them takes the connection.
async fn tcp(args: &DoctorArgs, addresses: &[SocketAddr], examination: &mut Examination) -> bool {
    let start = Instant::now();
    let mut details = Vec::new();
    let mut reached = 0;
    let mut last = String::new();
    for address in addresses {
        let began = Instant::now();
        let connected = timeout(args.patience, TcpStream::connect(address)).await;
        let took = began.elapsed().as_millis();
        match connected {
            Ok(Ok(_)) => {
                reached += 1;
                details.push(format!("{address}: connected in {took} ms"));
            }
            Ok(Err(error)) => {
                last = format!("{address}: {}", plain(&error));
                details.push(last.clone());
            }
            Err(_) => {
                last = format!("{address}: no answer in {} s", args.patience.as_secs());
                details.push(last.clone());
            }
        }
    }
    let takes = if addresses.len() == 1 { "takes" } else { "take" };
    let says = format!("{reached} of {} {takes} a connection", count(addresses.len()));
    let ok = reached == addresses.len();
    examination.steps.push(Step { name: "tcp", ok, says, took: start.elapsed(), details });
    if reached == 0 {
        fail(
            examination,
            &format!("no address takes a connection; the last said {last}"),
            Some(Cause::ServerUnreachable),
        );
    } else if !ok {
        // A client that tries them one by one waits for those that are dead.
        fail(
            examination,
            &format!("some addresses of the host take no connection: {last}"),
            Some(Cause::ServerUnreachable),
        );
    }
    reached > 0
}

async fn tls(args: &DoctorArgs, examination: &mut Examination) -> bool {
    let start = Instant::now();
    let dialled = timeout(args.patience, Client::new().dial(&args.url)).await;
    let (ok, says, details) = match &dialled {
        Ok(Ok(stream)) => (true, "the certificate is valid for this name".to_owned(), certificates(stream)),
        Ok(Err(error)) => (false, error.to_string(), Vec::new()),
        Err(_) => (false, "the TLS handshake did not end in time".to_owned(), Vec::new()),
    };
    examination.steps.push(Step { name: "tls", ok, says: says.clone(), took: start.elapsed(), details });
    if !ok {
        let cause = says.contains("certificate").then_some(Cause::CertificateRejected);
        fail(examination, &says, cause);
    }
    ok
}

/// The version, the cipher suite, and what the server chose of ALPN.
fn certificates(stream: &NetStream) -> Vec<String> {
    let Some(tls) = stream.tls() else { return Vec::new() };
    let mut details = Vec::new();
    if let Some(version) = tls.protocol_version() {
        details.push(format!("protocol {version:?}"));
    }
    if let Some(suite) = tls.negotiated_cipher_suite() {
        details.push(format!("cipher suite {:?}", suite.suite()));
    }
    if let Some(alpn) = tls.alpn_protocol() {
        details.push(format!("ALPN {}", String::from_utf8_lossy(alpn)));
    }
    if let Some(chain) = tls.peer_certificates() {
        details.push(format!("a chain of {} certificates", chain.len()));
    }
    details
}

/// A case that is nothing but a handshake, a Ping and the closing.
async fn visit(server: &Server, deflate: bool) -> Verdict {
    server.case(&cases::visit(deflate), &Pace::new(server.patience)).await
}

/// The plainest handshake, a Ping, the closing. Whether the server is a WebSocket server.
async fn handshake(args: &DoctorArgs, server: &Server, examination: &mut Examination) -> bool {
    let verdict = visit(server, false).await;
    let answer = Answer::of(&verdict.transcript);
    let details = answer.as_ref().map_or_else(Vec::new, |answer| {
        let mut details = answer.headers.clone();
        details.extend(answer.body.iter().map(|body| format!("the body says: {body}")));
        details
    });
    let says = match &answer {
        Some(answer) => format!("answered with {} {}", answer.status, answer.reason).trim_end().to_owned(),
        None => verdict.says.clone(),
    };
    let opened = answer.as_ref().is_some_and(|answer| answer.status == 101) && verdict.broke.is_none();
    let took = opening(&verdict).unwrap_or(verdict.took);
    examination.steps.push(Step { name: "handshake", ok: opened, says: says.clone(), took, details });
    if !opened {
        diagnosed(examination, &verdict, answer.as_ref());
        if args.request.origin.is_none()
            && matches!(answer.as_ref().map(|answer| answer.status), Some(401 | 403))
        {
            origin(server, examination).await;
        }
        return false;
    }
    if let Some(round_trip) = round_trip(&verdict) {
        let says = format!("the Pong came in {:.1} ms", round_trip.as_secs_f64() * 1000.0);
        examination.steps.push(Step { name: "ping", ok: true, says, took: round_trip, details: Vec::new() });
    } else {
        let says = "the server did not answer a Ping".to_owned();
        examination.steps.push(Step {
            name: "ping",
            ok: false,
            says,
            took: verdict.took,
            details: Vec::new(),
        });
    }
    let closed = verdict.passed();
    let says = verdict.says.clone();
    examination.steps.push(Step { name: "close", ok: closed, says, took: verdict.took, details: Vec::new() });
    if !closed {
        diagnosed(examination, &verdict, None);
    }
    true
}

/// Whether an Origin changes a 401 or a 403: the server's own, as its pages would send it.
async fn origin(server: &Server, examination: &mut Examination) {
    let mut with = server.clone();
    let scheme = if server.url.starts_with("wss") { "https" } else { "http" };
    let origin = format!("{scheme}://{}", server.ask.host);
    with.ask.headers.push(("Origin".into(), origin.clone()));
    let verdict = visit(&with, false).await;
    let status = Answer::of(&verdict.transcript).map(|answer| answer.status);
    let accepted = status == Some(101);
    let says = match status {
        Some(status) => format!("with Origin: {origin} the answer is {status}"),
        None => verdict.says.clone(),
    };
    examination.steps.push(Step {
        name: "origin",
        ok: accepted,
        says,
        took: verdict.took,
        details: Vec::new(),
    });
    if accepted && let Some(trouble) = &mut examination.trouble {
        trouble.rule = Some(Rule::RequestOrigin);
        trouble.cause = Some(Cause::OriginRefused);
        trouble.says = format!("the server wants an Origin: with {origin} it accepts the handshake");
        trouble.fix = Some(format!("send Origin: {origin}, or have the server accept requests without one"));
        examination.next = format!("framewise connect --origin {origin} {}", server.url);
    }
}

/// Other handshakes: with permessage-deflate, and without the subprotocols that were given.
async fn variants(args: &DoctorArgs, server: &Server, examination: &mut Examination) {
    let verdict = visit(server, true).await;
    let (ok, says) = if verdict.behaviour == Behaviour::Unsupported {
        (true, "the server does not agree to permessage-deflate".to_owned())
    } else if verdict.passed() {
        (true, "the server agrees to permessage-deflate".to_owned())
    } else {
        (false, format!("with an offer of permessage-deflate {}", verdict.says))
    };
    examination.steps.push(Step { name: "deflate", ok, says, took: verdict.took, details: Vec::new() });
    if !ok && examination.trouble.is_none() {
        diagnosed(examination, &verdict, None);
    }
    if args.request.protocol.is_empty() {
        return;
    }
    let mut without = server.clone();
    without.ask.protocols.clear();
    let verdict = visit(&without, false).await;
    let says = if verdict.passed() {
        "without a subprotocol the server accepts, too".to_owned()
    } else {
        format!("the server demands a subprotocol: without one {}", verdict.says)
    };
    examination.steps.push(Step {
        name: "subprotocol",
        ok: true,
        says,
        took: verdict.took,
        details: Vec::new(),
    });
}

/// A connection on which nothing is sent.
async fn idle(server: &Server, idle: Duration, examination: &mut Examination) {
    let start = Instant::now();
    let lived = server.idle(idle).await;
    let took = start.elapsed();
    let (ok, says) = match &lived {
        Ok(()) => (true, format!("a connection without traffic lives for {} s", idle.as_secs())),
        Err(says) => (false, format!("after {:.1} s without traffic {says}", took.as_secs_f64())),
    };
    examination.steps.push(Step { name: "idle", ok, says: says.clone(), took, details: Vec::new() });
    if !ok && examination.trouble.is_none() {
        examination.trouble = Some(Trouble {
            cause: Some(Cause::IdleTimeoutIntermediary),
            says,
            fix: Some(fix(Cause::IdleTimeoutIntermediary)),
            ..Trouble::default()
        });
    }
}

async fn echo(server: &Server, examination: &mut Examination) {
    let start = Instant::now();
    let mut largest = None;
    for size in SIZES {
        let verdict = server.case(&cases::echo(size), &Pace::new(server.patience)).await;
        if !verdict.passed() {
            let says = match largest {
                None => format!("a message of {size} bytes does not come back: {}", verdict.says),
                Some(largest) => {
                    format!("{largest} bytes come back, and {size} do not: {}", verdict.says)
                }
            };
            examination.steps.push(Step {
                name: "echo",
                ok: false,
                says,
                took: start.elapsed(),
                details: Vec::new(),
            });
            if examination.trouble.is_none() {
                diagnosed(examination, &verdict, None);
            }
            return;
        }
        largest = Some(size);
    }
    let says = format!("messages of up to {} bytes come back", SIZES[SIZES.len() - 1]);
    examination.steps.push(Step { name: "echo", ok: true, says, took: start.elapsed(), details: Vec::new() });
}

async fn strict(server: &Server, examination: &mut Examination) {
    let start = Instant::now();
    let all = cases::all();
    let mut details = Vec::new();
    for case in all.iter().filter(|case: &&Case| STRICT.contains(&case.name.as_str())) {
        let verdict = server.case(case, &Pace::new(server.patience)).await;
        if !verdict.passed() {
            details.push(format!("{}: {}", case.name, verdict.says));
        }
    }
    let ok = details.is_empty();
    let says = if ok {
        "the server rejects what is illegal".to_owned()
    } else {
        format!("{} of {} illegal frames are not answered as they should be", details.len(), STRICT.len())
    };
    examination.steps.push(Step { name: "strict", ok, says: says.clone(), took: start.elapsed(), details });
    if !ok && examination.trouble.is_none() {
        examination.trouble = Some(Trouble { says, ..Trouble::default() });
    }
}

/// What the diagnosis says of a recording.
fn diagnosed(examination: &mut Examination, verdict: &Verdict, answer: Option<&Answer>) {
    let connection = diagnose(&verdict.transcript);
    let finding = match &connection.verdict {
        Some(verdict) => connection.findings.get(verdict.finding),
        None => connection.findings.iter().find(|finding| finding.answer != Some(Due::Note)),
    };
    let mut trouble = Trouble { says: verdict.says.clone(), ..Trouble::default() };
    if let Some(finding) = finding {
        trouble.rule = finding.rule;
        trouble.says.clone_from(&finding.says);
        if let Some(cause) = finding.causes.first() {
            trouble.cause = Some(cause.id);
            trouble.fault = cause.fault.map(|fault| fault.to_string());
            trouble.fix = Some(cause.fix.clone());
        }
    }
    if let Some(answer) = answer {
        refused(&mut trouble, answer);
    }
    examination.trouble = Some(trouble);
    examination.next = match answer.and_then(|answer| answer.header("location")) {
        Some(location) => format!("framewise doctor {}", location.replacen("http", "ws", 1)),
        None => {
            format!("framewise connect --frames {}", examination.next.trim_start_matches("framewise check "))
        }
    };
}

/// What a status says that is none of the protocol's.
fn refused(trouble: &mut Trouble, answer: &Answer) {
    let said = answer.body.as_ref().map_or_else(String::new, |body| format!(" It says: {body}."));
    let who = answer
        .header("server")
        .or_else(|| answer.header("via"))
        .map_or_else(|| "the server".to_owned(), |who| format!("{who}, by its own header,"));
    let what = match answer.status {
        101 => return,
        300..=399 => "redirects; WebSocket clients mostly do not follow",
        401 | 407 => "asks for a login",
        403 => "forbids it: an Origin, a token, or an address may be missing on a list",
        404 => "knows no such path",
        426 => "wants another Upgrade: the one of this request may have been lost on its way",
        429 => "has had too many requests",
        502..=504 => "is a proxy that does not reach the server behind it",
        200..=299 => "answers as to a page: the request's Upgrade was lost, or this path is no WebSocket",
        _ => "rejects the request",
    };
    trouble.says = format!("{who} answers with {}: it {what}.{said}", answer.status);
}

/// `1 address`, `2 addresses`
fn count(addresses: usize) -> String {
    format!("{addresses} address{}", if addresses == 1 { "" } else { "es" })
}

/// From the request to the end of the response's head.
fn opening(verdict: &Verdict) -> Option<Duration> {
    let mut events = verdict.transcript.events.iter();
    let request = events.find(|event| event.from == Role::Client)?.time?;
    let response = events.find(|event| event.from == Role::Server)?.time?;
    response.checked_sub(request)
}

/// From the Ping to its Pong: the first that the server sent after the handshake.
fn round_trip(verdict: &Verdict) -> Option<Duration> {
    let mut events = verdict.transcript.events.iter();
    events.find(|event| event.from == Role::Server)?;
    let ping = events.find(|event| event.from == Role::Client)?.time?;
    let pong = events.find(|event| event.from == Role::Server)?.time?;
    pong.checked_sub(ping)
}
