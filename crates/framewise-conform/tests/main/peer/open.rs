//! The handshakes of the endpoint.

use std::sync::Arc;
use std::time::Duration;

use framewise_proto::Config;
use framewise_proto::deflate::{DeflateAgreement, DeflateConfig, negotiate};
use framewise_proto::extension::{Extension, parse_extensions};
use framewise_proto::handshake::http1::{
    Progress, parse_request, parse_response, read_request, read_response,
};
use framewise_proto::handshake::{ClientOffer, Headers, Request, ServerPolicy, accept_value, rejection};
use framewise_rules::{Role, Rule};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Fault;
use super::deflate::Compression;
use super::frames::Peer;

/// How long a faulty server waits for the rest of a request.
const MOMENT: Duration = Duration::from_millis(50);

/// A server: it accepts connections until the test is over.
pub(crate) async fn server(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let end = Arc::new(Notify::new());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(accept(stream, fault, end.clone()));
        }
    });
    url
}

/// What is left of a request where its fault is not checked: the key, if there is one.
fn lenient(inbox: &[u8]) -> Request {
    // The key comes last where a head is large.
    let text = String::from_utf8_lossy(&inbox[inbox.len().saturating_sub(1024)..]);
    let value = |name: &str| {
        let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    Request { key: value("sec-websocket-key").unwrap_or_default(), ..Request::default() }
}

/// Reads a request; `None` where it was rejected, or did not come.
async fn request(stream: &mut TcpStream, inbox: &mut Vec<u8>, fault: Fault) -> Option<(Request, usize)> {
    let unchecked = |rule| fault == Fault::Unchecked(rule);
    loop {
        match read_request(inbox, &ServerPolicy::default()) {
            Progress::Done { value, size, .. } => return Some((value, size)),
            Progress::Broken(violation) if unchecked(violation.rule) => {
                if let Ok(Some(parsed)) = parse_request(inbox) {
                    return Some((Request::from_head(&parsed.head), parsed.size));
                }
                // What is no head at all is read up to its empty line.
                let size = to_its_end(stream, inbox).await?;
                return Some((lenient(inbox), size));
            }
            Progress::Broken(violation) => {
                if let Some(reply) = rejection(&violation) {
                    let _ = stream.write_all(&reply.encode()).await;
                }
                let _ = stream.shutdown().await;
                // What still comes is read, so that the answer is not lost with a reset.
                while matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {}
                return None;
            }
            Progress::More => {}
        }
        let read = stream.read_buf(inbox);
        let more = if unchecked(Rule::RequestTimeout) {
            let Ok(read) = timeout(MOMENT, read).await else { return Some((lenient(inbox), inbox.len())) };
            read
        } else {
            read.await
        };
        if !matches!(more, Ok(1..)) {
            return unchecked(Rule::RequestTruncated).then(|| (lenient(inbox), inbox.len()));
        }
    }
}

/// Reads up to an empty line: where it ends.
async fn to_its_end(stream: &mut TcpStream, inbox: &mut Vec<u8>) -> Option<usize> {
    let mut seen = 0;
    loop {
        let end = inbox[seen..].windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(at) = end {
            return Some(seen + at + 4);
        }
        seen = inbox.len().saturating_sub(3);
        if !matches!(stream.read_buf(inbox).await, Ok(1..)) {
            return None;
        }
    }
}

async fn accept(mut stream: TcpStream, fault: Fault, end: Arc<Notify>) {
    let mut inbox = Vec::new();
    let Some((request, size)) = request(&mut stream, &mut inbox, fault).await else { return };
    let exact = b"\r\nUpgrade: websocket\r\n";
    if fault == Fault::ComparesCase && !inbox.windows(exact.len()).any(|line| line == exact) {
        return;
    }
    let mut agreed = negotiate(&request.extensions, &DeflateConfig::default()).map(|(answer, _)| answer);
    if let (Fault::AgreesTooMuch, Some(answer)) = (fault, &mut agreed) {
        answer.parameters.retain(|(name, _)| name != "client_max_window_bits");
        answer.parameters.push(("client_max_window_bits".into(), Some("7".into())));
    }
    if let (Fault::IgnoresTakeover, Some(answer)) = (fault, &mut agreed) {
        answer.parameters.retain(|(name, _)| name != "server_no_context_takeover");
    }
    let invalid = fault == Fault::Unchecked(Rule::DeflateOfferInvalid) && agreed.is_none();
    if invalid && !request.extensions.is_empty() {
        agreed = parse_extensions("permessage-deflate").and_then(|mut list| list.pop());
    }
    if fault == Fault::AgreesToAll {
        agreed = request.extensions.first().cloned();
    }
    let extensions: Vec<Extension> = agreed.into_iter().collect();
    let none = Headers::default();
    let accepted = Request {
        key: if fault == Fault::WrongAccept { OTHER_KEY.into() } else { request.key.clone() },
        ..request
    };
    let reply = match accepted.accept(None, &extensions, &none) {
        Ok(reply) => reply.encode(),
        // The library does not accept a request without a key.
        Err(_) => format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            accept_value(&accepted.key)
        )
        .into_bytes(),
    };
    if stream.write_all(&reply).await.is_err() {
        return;
    }
    inbox.drain(..size);
    let mut peer = Peer::new(Role::Server, stream, inbox, fault);
    let agreed = DeflateAgreement::in_response(&extensions);
    peer.deflate = agreed.map(|agreed| Compression::new(Role::Server, &agreed, fault));
    peer.all = Some(end.clone());
    // With `EndsAll` the others end with the first that breaks a rule.
    tokio::select! {
        () = peer.run() => {}
        () = end.notified() => {}
    }
}

/// A key that no client has sent.
const OTHER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

/// What a client with this fault offers: the response breaks its rule only then.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other fault is shown with an ordinary offer")]
fn offered(fault: Fault) -> Vec<Extension> {
    let text = match fault {
        Fault::Unchecked(Rule::DeflateWindowUnoffered) => "permessage-deflate",
        Fault::Unchecked(Rule::DeflateWindowExceeds) => {
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10"
        }
        Fault::Unchecked(Rule::DeflateTakeoverIgnored) => "permessage-deflate; server_no_context_takeover",
        _ => return vec![DeflateConfig::default().offer()],
    };
    parse_extensions(text).expect("an offer")
}

/// A client that asks for one case.
pub(crate) async fn client(address: &str, target: &str, fault: Fault) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let mut offer = ClientOffer::new(address, target, [7; 16]);
    offer.extensions = offered(fault);
    let request = offer.encode().expect("a right request");
    if stream.write_all(&request).await.is_err() {
        return;
    }
    let mut inbox = Vec::new();
    let Some((size, agreed)) = response(&mut stream, &mut inbox, &offer, fault).await else { return };
    inbox.drain(..size);
    let mut peer = Peer::new(Role::Client, stream, inbox, fault);
    peer.deflate = agreed.map(|agreed| Compression::new(Role::Client, &agreed, fault));
    peer.run().await;
}

/// Reads a response; `None` where the client gives up.
async fn response(
    stream: &mut TcpStream,
    inbox: &mut Vec<u8>,
    offer: &ClientOffer,
    fault: Fault,
) -> Option<(usize, Option<DeflateAgreement>)> {
    let unchecked = |rule| fault == Fault::Unchecked(rule);
    loop {
        match read_response(inbox, offer, &Config::default()) {
            Progress::Done { value, size, .. } => {
                return Some((size, DeflateAgreement::in_response(&value.extensions)));
            }
            Progress::Broken(violation) if unchecked(violation.rule) => {
                if let Ok(Some(parsed)) = parse_response(inbox, 0) {
                    return Some((parsed.size, None));
                }
                return Some((to_its_end(stream, inbox).await?, None));
            }
            Progress::Broken(_) if !unchecked(Rule::ResponseMissing) => return None,
            Progress::Broken(_) | Progress::More => {}
        }
        if !matches!(stream.read_buf(inbox).await, Ok(1..)) {
            let at = inbox.windows(2).rposition(|window| window == b"\r\n")?;
            return unchecked(Rule::ResponseMissing).then_some((at + 2, None));
        }
    }
}
