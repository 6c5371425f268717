//! SOCKS 5: RFC 1928, and the name and password of RFC 1929.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Refusal, Target};
use crate::authority::Login;
use crate::client::handshake::is_tls;

const VERSION: u8 = 5;
/// The version of the negotiation of RFC 1929.
const LOGIN_VERSION: u8 = 1;

const NO_AUTHENTICATION: u8 = 0;
const NAME_AND_PASSWORD: u8 = 2;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;

const CONNECT: u8 = 1;

const IPV4: u8 = 1;
const DOMAIN_NAME: u8 = 3;
const IPV6: u8 = 4;

pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    login: Option<&Login>,
    target: &Target<'_>,
) -> Result<(), Refusal> {
    let request = request(target)?;
    authenticate(stream, login).await?;
    send(stream, &request).await?;
    // RFC 1928 §6: version, reply, reserved, and the address that the proxy has taken, which says nothing here.
    let [version, reply, _, kind] = read(stream).await?;
    check_version(version, &[version, reply])?;
    if reply != 0 {
        return Err(refusal(reply, target));
    }
    let address = match kind {
        IPV4 => 4,
        IPV6 => 16,
        DOMAIN_NAME => usize::from(stream.read_u8().await?),
        other => return Err(format!("answers with an address of the unknown type {other}").into()),
    };
    // With the port after it; 257 bytes at the most.
    stream.read_exact(&mut [0; 257][..address + 2]).await?;
    Ok(())
}

async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    login: Option<&Login>,
) -> Result<(), Refusal> {
    // RFC 1928 §3: version, count, methods.
    let methods: &[u8] = match login {
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, NAME_AND_PASSWORD],
        None => &[VERSION, 1, NO_AUTHENTICATION],
    };
    send(stream, methods).await?;
    let [version, method] = read(stream).await?;
    check_version(version, &[version, method])?;
    match (method, login) {
        (NO_AUTHENTICATION, _) => Ok(()),
        (NAME_AND_PASSWORD, Some(login)) => {
            // RFC 1929 §2: version, name, password, each with its length, which were looked at when the URL was read.
            let (name, password) = (&login.name[..], &login.password[..]);
            let (name_length, password_length) = (name.len() as u8, password.len() as u8);
            let message =
                [&[LOGIN_VERSION, name_length], name, &[password_length], password].concat();
            send(stream, &message).await?;
            // "If the server returns a `failure' (STATUS value other than X'00') status, it MUST close the connection."
            match read(stream).await? {
                [LOGIN_VERSION, 0] => Ok(()),
                [_, _] => Err("does not accept this name and password".to_owned().into()),
            }
        }
        (NO_ACCEPTABLE_METHOD, None) => {
            Err("requires authentication: write a name and a password into its URL, socks5h://NAME:PASSWORD@HOST:PORT"
                .to_owned()
                .into())
        }
        (NO_ACCEPTABLE_METHOD, Some(_)) => {
            Err("requires an authentication method that is not supported (supported: none, or name and password)".to_owned().into())
        }
        (other, _) => Err(format!("chose the authentication method {other}, which was not offered").into()),
    }
}

/// Encodes a request (RFC 1928 §4).
fn request(target: &Target<'_>) -> Result<Vec<u8>, Refusal> {
    let mut request = vec![VERSION, CONNECT, 0];
    let port = match target {
        Target::Address(SocketAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.ip().octets());
            address.port()
        }
        Target::Address(SocketAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.ip().octets());
            address.port()
        }
        Target::Name(name, port) => {
            let Ok(length) = u8::try_from(name.len()) else {
                return Err(
                    format!("cannot resolve a name of {} bytes: 255 is the maximum", name.len()).into()
                );
            };
            request.extend([DOMAIN_NAME, length]);
            request.extend(name.as_bytes());
            *port
        }
    };
    request.extend(port.to_be_bytes());
    Ok(request)
}

/// The meaning of a reply (RFC 1928 §6).
fn refusal(reply: u8, target: &Target<'_>) -> Refusal {
    let says = match reply {
        1 => format!("failed to connect to {target}, and does not say why"),
        2 => format!("does not allow connections to {target}"),
        3 => format!("has no route to {target}"),
        4 => format!("cannot reach the host of {target}"),
        5 => format!("reached the host, but {target} refused the connection"),
        6 => format!("cannot reach {target}: TTL expired"),
        7 => "does not know the command CONNECT".to_owned(),
        8 => match target {
            Target::Name(..) => "does not resolve names: write socks5:// for it".to_owned(),
            Target::Address(_) => format!("does not support the address type of {target}"),
        },
        other => format!("answers with {other}, which is not a reply of SOCKS 5"),
    };
    Refusal { says, unreached: matches!(reply, 1 | 3..=6 | 8) }
}

fn check_version(version: u8, first: &[u8]) -> Result<(), Refusal> {
    let says = match version {
        VERSION => return Ok(()),
        0 | 4 => "speaks SOCKS 4, not 5".to_owned(),
        b'H' => "answers in HTTP: write http:// for it".to_owned(),
        _ if is_tls(first) => "speaks TLS, which SOCKS does not have".to_owned(),
        _ => "does not answer as SOCKS 5 does".to_owned(),
    };
    Err(says.into())
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> Result<(), Refusal> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

async fn read<S: AsyncRead + Unpin, const N: usize>(stream: &mut S) -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
