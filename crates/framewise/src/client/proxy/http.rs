//! HTTP tunnels: the method CONNECT (RFC 9110 §9.3.6).

use bytes::BytesMut;
use framewise_proto::handshake::ResponseHead;
use framewise_proto::handshake::http1::{
    FIRST_READ, HeadFault, MAX_LINES, Parsed, interim, parse_response, worth_reading,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Refusal, Target};
use crate::authority::Login;
use crate::client::handshake::is_tls;

pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    login: Option<&Login>,
    target: &Target<'_>,
    limit: usize,
) -> Result<(), Refusal> {
    // RFC 9112 §3.2.3: the target of CONNECT is host and port, and Host repeats it.
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(login) = login {
        request.extend(["Proxy-Authorization: ", &login.basic(), "\r\n"]);
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut bytes = BytesMut::with_capacity(FIRST_READ);
    loop {
        let before = bytes.len();
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(match before {
                0 => "closed the connection without an answer".to_owned().into(),
                _ => "closed the connection in the middle of its answer".to_owned().into(),
            });
        }
        if !worth_reading(&bytes, before, limit) {
            continue;
        }
        let within = &bytes[..bytes.len().min(limit)];
        match parse_response(within, interim(within, 0)) {
            Ok(None) if bytes.len() <= limit => {}
            Ok(None) => return Err(format!("answers with a head of more than {limit} bytes").into()),
            Ok(Some(Parsed { head, .. })) if head.fields.malformed().is_some() => {
                return Err("answers with a malformed header line".to_owned().into());
            }
            Ok(Some(answer)) => return judge(&answer, login, bytes.len() - interim(within, 0)),
            Err(HeadFault::TooManyLines) => {
                return Err(format!("answers with more than {MAX_LINES} header lines").into());
            }
            Err(HeadFault::NotHttp) => return Err(no_http(&bytes).into()),
        }
    }
}

/// Evaluates a complete head. `size` is the number of bytes that have arrived, from its start.
fn judge(answer: &Parsed<ResponseHead<'_>>, login: Option<&Login>, size: usize) -> Result<(), Refusal> {
    let ResponseHead { status, reason, fields, .. } = &answer.head;
    let status = *status;
    // RFC 9110 §9.3.6: "Any 2xx (Successful) response indicates that the sender (and all inbound proxies) will switch
    // to tunnel mode immediately after the response header section". A Content-Length in it means nothing.
    if (200..300).contains(&status) {
        // The client speaks first, in TLS as in HTTP: what comes unasked is not the server's.
        return if size == answer.size {
            Ok(())
        } else {
            Err(format!("answered {status} and sent {} more bytes than its answer", size - answer.size)
                .into())
        };
    }
    // 407 asks for authentication. Some answer a wrong password with 401.
    if status != 407 && (status != 401 || login.is_none()) {
        return Err(format!("refused: {status} {reason}").into());
    }
    // RFC 9110 §11.7.1: the schemes that it takes.
    let challenges: Vec<_> = fields.named("proxy-authenticate").map(|line| line.text()).collect();
    let mut words = challenges.iter().flat_map(|challenge| challenge.split([',', ' ']));
    let basic = challenges.is_empty() || words.any(|word| word.eq_ignore_ascii_case("basic"));
    Err(match (basic, login) {
        (true, None) => {
            "wants a name and a password (407): write them into its URL, http://NAME:PASSWORD@HOST:PORT"
                .to_owned()
        }
        (true, Some(_)) => format!("does not accept this name and password ({status})"),
        (false, _) => {
            let challenges = challenges.join(", ");
            format!("requires an authentication scheme other than Basic, which is not supported (407): {challenges}")
        }
    }
    .into())
}

fn no_http(bytes: &[u8]) -> String {
    if is_tls(bytes) {
        return "speaks TLS: write https:// for it".to_owned();
    }
    // The first byte of a SOCKS answer is its version: 5, and 0 for version 4.
    if let Some(0 | 5) = bytes.first() {
        return "does not answer in HTTP, but as SOCKS does: write socks5h:// for it".to_owned();
    }
    "does not answer in HTTP: is it a proxy?".to_owned()
}
