//! HTTP/2 towards the client: whether the intermediary announces and bridges the extended CONNECT of RFC 8441.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use framewise::NetStream;
use framewise::rustls::{ClientConfig, RootCertStore};
use h2::ext::Protocol;
use h2::{RecvStream, SendStream};
use http::{Method, Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::timeout;

use crate::play::DIAL;
use crate::probe::Probe;
use crate::run::Path;
use crate::token::{HEADER, Token};

/// How long the settings may take, and the answer to a request.
const ANSWER: Duration = Duration::from_secs(5);
/// Bytes between a stream of HTTP/2 and the end that plays on it.
const BUFFER: usize = 64 * 1024;

/// What an intermediary answered.
#[derive(Debug)]
pub(crate) enum Bridge {
    /// It does not speak HTTP/2 here.
    NoHttp2(String),
    /// It does, and does not announce `SETTINGS_ENABLE_CONNECT_PROTOCOL`.
    NotAnnounced,
    /// It announces it, and rejects the request: the head of the answer.
    Rejected(String),
    /// The stream, the request and the answer as text.
    Open(DuplexStream, String, String),
}

impl Path {
    /// Sends an extended CONNECT.
    pub(crate) async fn bridge(&self, token: &Token, probe: &Probe) -> Bridge {
        let stream = match timeout(DIAL, self.dial_http2()).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(says)) => return Bridge::NoHttp2(says),
            Err(_) => return Bridge::NoHttp2("no connection in time".into()),
        };
        let started = timeout(ANSWER, h2::client::Builder::new().handshake::<_, Bytes>(stream)).await;
        let Ok(Ok((send, mut connection))) = started else {
            return Bridge::NoHttp2("the connection preface was not taken".into());
        };
        let ping = connection.ping_pong();
        tokio::spawn(async move {
            let _ = connection.await;
        });
        // RFC 9113 §3.4: the settings are the first frame of the server, so that they are there with the answer to a PING.
        let settled = match ping {
            Some(mut ping) => timeout(ANSWER, ping.ping(h2::Ping::opaque())).await,
            None => return Bridge::NoHttp2("it cannot be asked".into()),
        };
        match settled {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Bridge::NoHttp2(error.to_string()),
            Err(_) => return Bridge::NoHttp2("no settings in time".into()),
        }
        let Ok(mut send) = send.ready().await else {
            return Bridge::NoHttp2("the connection ended".into());
        };
        if !send.is_extended_connect_protocol_enabled() {
            return Bridge::NotAnnounced;
        }
        let Ok(request) = self.extended_connect(token, probe) else {
            return Bridge::Rejected("the request cannot be written".into());
        };
        let text = request_text(&request);
        let Ok((response, body)) = send.send_request(request, false) else {
            return Bridge::Rejected("the request was not taken".into());
        };
        match timeout(ANSWER, response).await {
            Ok(Ok(response)) if response.status() == 200 => {
                let head = response_text(&response);
                let (near, far) = duplex(BUFFER);
                tokio::spawn(pump(far, body, response.into_body()));
                Bridge::Open(near, text, head)
            }
            Ok(Ok(response)) => Bridge::Rejected(response_text(&response).trim_end().to_owned()),
            Ok(Err(error)) => Bridge::Rejected(error.to_string()),
            Err(_) => Bridge::Rejected("no answer in time".into()),
        }
    }

    /// TLS with the protocol h2, or plain TCP, on which HTTP/2 is spoken at once.
    async fn dial_http2(&self) -> Result<NetStream, String> {
        let mut client = self.client.clone();
        let tls = self.dialled.starts_with("wss:");
        if tls {
            client = client.tls_config(config(&self.roots)?.into());
        }
        let stream = client.dial(&self.dialled).await.map_err(|error| error.to_string())?;
        if tls && stream.tls().and_then(|tls| tls.alpn_protocol()) != Some(b"h2") {
            return Err("it does not choose h2 in TLS".into());
        }
        let _ = stream.tcp().set_nodelay(true);
        Ok(stream)
    }

    fn extended_connect(&self, token: &Token, probe: &Probe) -> Result<Request<()>, http::Error> {
        let scheme = if self.dialled.starts_with("wss:") { "https" } else { "http" };
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri(format!("{scheme}://{}{}", self.host, self.target(token)))
            .header("sec-websocket-version", "13")
            .header(HEADER, token.to_string());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in &probe.request {
            request = request.header(*name, value);
        }
        let mut request = request.body(())?;
        request.extensions_mut().insert(Protocol::from_static("websocket"));
        Ok(request)
    }
}

fn config(roots: &[framewise::rustls::pki_types::CertificateDer<'static>]) -> Result<ClientConfig, String> {
    let provider = framewise::crypto_provider().ok_or("there is no crypto provider for TLS")?;
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store.add_parsable_certificates(roots.iter().cloned());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config =
        builder.map_err(|error| error.to_string())?.with_root_certificates(store).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// Our server's side: where the intermediary passes bytes on, or translates, HTTP/2 arrives here. Each extended CONNECT is
/// answered with the headers that belong to its head, and handed on as a stream.
pub(crate) async fn accept(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    answers: impl Fn(&str) -> Vec<(&'static str, String)>,
    mut opened: impl FnMut(DuplexStream, String),
) {
    let mut builder = h2::server::Builder::new();
    builder.enable_connect_protocol();
    let Ok(Ok(mut connection)) = timeout(ANSWER, builder.handshake::<_, Bytes>(stream)).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let text = request_text(&request);
        let connect =
            request.extensions().get::<Protocol>().is_some_and(|protocol| protocol.as_str() == "websocket");
        let mut response = Response::builder().status(if connect { 200 } else { 404 });
        for (name, value) in answers(&text).into_iter().filter(|_| connect) {
            response = response.header(name, value);
        }
        let Ok(response) = response.body(()) else { return };
        let Ok(body) = respond.send_response(response, !connect) else { continue };
        if connect {
            let (near, far) = duplex(BUFFER);
            tokio::spawn(pump(far, body, request.into_body()));
            opened(near, text);
        }
    }
}

/// The answer of our server as text.
pub(crate) fn accepted(headers: &[(&'static str, String)]) -> String {
    let mut text = "HTTP/2 200\r\n".to_owned();
    for (name, value) in headers {
        let _ = write!(text, "{}: {value}\r\n", name.to_ascii_lowercase());
    }
    text + "\r\n"
}

fn request_text<T>(request: &Request<T>) -> String {
    let mut text = format!("{} {} HTTP/2\r\n", request.method(), request.uri());
    if let Some(protocol) = request.extensions().get::<Protocol>() {
        let _ = write!(text, ":protocol: {}\r\n", protocol.as_str());
    }
    fields(&mut text, request.headers());
    text
}

fn response_text<T>(response: &Response<T>) -> String {
    let mut text = format!("HTTP/2 {}\r\n", response.status().as_u16());
    fields(&mut text, response.headers());
    text
}

fn fields(text: &mut String, headers: &http::HeaderMap) {
    for (name, value) in headers {
        let _ = write!(text, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    text.push_str("\r\n");
}

/// Passes bytes between an end and a stream of HTTP/2, until both directions have ended.
async fn pump(end: DuplexStream, mut send: SendStream<Bytes>, mut receive: RecvStream) {
    let (mut read, mut write) = tokio::io::split(end);
    let up = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = match read.read(&mut buffer).await {
                Ok(0) | Err(_) => return send.send_data(Bytes::new(), true),
                Ok(count) => count,
            };
            let mut rest = Bytes::copy_from_slice(&buffer[..count]);
            while !rest.is_empty() {
                send.reserve_capacity(rest.len());
                let Some(room) = std::future::poll_fn(|cx| send.poll_capacity(cx)).await else {
                    return Ok(());
                };
                let part = rest.split_to(room?.min(rest.len()));
                send.send_data(part, false)?;
            }
        }
    };
    let down = async {
        while let Some(Ok(data)) = receive.data().await {
            let _ = receive.flow_control().release_capacity(data.len());
            if write.write_all(&data).await.is_err() {
                return;
            }
        }
        let _ = write.shutdown().await;
    };
    let _ = tokio::join!(up, down);
}
