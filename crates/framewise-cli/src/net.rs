//! What the commands that work on the network share.

use std::io;
use std::path::Path;
use std::sync::Arc;

use framewise::rustls::ServerConfig;
use framewise::rustls::crypto::ring;
use framewise::rustls::pki_types::pem::PemObject as _;
use framewise::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use framewise_conform::{Io, Made, Wrap};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::failure::{Failure, plain};

/// Two threads are enough for what a person looks at, also on a large machine. On one processor, two would only wake each other.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.min(2))
        .enable_all()
        .build()
        .map_err(|error| Failure::said(format!("cannot start the runtime: {}", plain(&error))))
}

/// Until somebody ends the program: Ctrl-C, or a SIGTERM or SIGHUP. What comes after this call counts, also before the first
/// poll: once any listener exists, the system does nothing by itself. A command that prints where it listens calls it first,
/// because its reader may press Ctrl-C as soon as the line is there.
#[cfg(unix)]
pub(crate) fn interrupted() -> impl Future<Output = ()> {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::signal::unix::{SignalKind, signal};

    // Without a handler the system's own takes the signal.
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let mut signals: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
    poll_fn(move |cx| {
        let came = signals.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
        if came { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// The same on Windows: Ctrl-C, Ctrl-Break, or the window of the console is closed.
#[cfg(windows)]
pub(crate) fn interrupted() -> impl Future<Output = ()> {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};

    // Without a handler the system's own takes the signal.
    let (mut interrupt, mut stop, mut close) = (ctrl_c().ok(), ctrl_break().ok(), ctrl_close().ok());
    poll_fn(move |cx| {
        let came = interrupt.as_mut().is_some_and(|signal| signal.poll_recv(cx).is_ready())
            || stop.as_mut().is_some_and(|signal| signal.poll_recv(cx).is_ready())
            || close.as_mut().is_some_and(|signal| signal.poll_recv(cx).is_ready());
        if came { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// Connections that a proxy or a server may have open: a proxied one takes two descriptors, and some are for everything
/// else.
#[cfg(unix)]
pub(crate) fn most_open() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    (limit.saturating_sub(64) / 2).clamp(8, 16 * 1024)
}

/// Raises the limit of open files so that this many connections fit.
#[cfg(unix)]
pub(crate) fn room_for(connections: usize) -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let needed = connections as u64 + 64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(|_| {
        let most = limit.maximum.unwrap_or_default().saturating_sub(64);
        Failure::said(format!(
            "{connections} connections are more than the system allows this process ({most}): raise it with `ulimit -Hn {needed}`"
        ))
    })
}

#[cfg(not(unix))]
pub(crate) const fn room_for(_connections: usize) -> Result<(), Failure> {
    Ok(())
}

#[cfg(not(unix))]
pub(crate) const fn most_open() -> usize {
    1024
}

/// TLS for the clients of a server, with a certificate and its key from files in PEM.
pub(crate) fn tls(cert: &Path, key: &Path) -> Result<Wrap, Failure> {
    let cannot = |path: &Path, says: &str| Failure::said(format!("cannot use {}: {says}", path.display()));
    let read = |path: &Path| std::fs::read(path).map_err(|error| cannot(path, &plain(&error)));
    let pem = read(cert)?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| cannot(cert, "it has no certificate in PEM"))?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?);
    let private = private.map_err(|_| cannot(key, "it has no private key in PEM"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| cannot(cert, &format!("with {}: {error}", key.display())))?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Ok(Arc::new(move |tcp: TcpStream| {
        let acceptor = acceptor.clone();
        Box::pin(async move {
            // A TLS record begins with its type, which is not a letter (RFC 8446 §5.1); a request begins with its method.
            let mut first = [0];
            if tcp.peek(&mut first).await? == 1 && first[0].is_ascii_alphabetic() {
                let says = "the client sent a plain HTTP request to a TLS port: connect to wss://";
                return Err(io::Error::new(io::ErrorKind::InvalidData, says));
            }
            Ok(Box::new(acceptor.accept(tcp).await?) as Box<dyn Io>)
        }) as Made
    }))
}

/// Listens on `HOST:PORT`, or on a port of this machine.
#[expect(clippy::wildcard_enum_match_arm, reason = "the system has more ways to fail than a sentence each")]
pub(crate) async fn listen(address: &str) -> Result<TcpListener, Failure> {
    let port_alone = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_digit());
    let address = if port_alone { format!("127.0.0.1:{address}") } else { address.to_owned() };
    if !address.contains(':') {
        return Err(Failure::said(not_an_address(&address)));
    }
    TcpListener::bind(&address).await.map_err(|error| {
        Failure::said(match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "{address} is in use by another program; stop it, or choose another port with --listen (127.0.0.1:0 picks a \
                 free one)"
            ),
            io::ErrorKind::AddrNotAvailable => {
                format!("{address} is not an address of this machine; use 127.0.0.1, or 0.0.0.0 for all its addresses")
            }
            io::ErrorKind::PermissionDenied => format!(
                "cannot listen on {address}: permission denied: ports below 1024 need privileges; choose a higher one"
            ),
            io::ErrorKind::InvalidInput => not_an_address(&address),
            _ => format!("cannot listen on {address}: {}", plain(&error)),
        })
    })
}

fn not_an_address(text: &str) -> String {
    format!("{text} is not an address to listen on; use HOST:PORT, or 127.0.0.1:0 for a free port")
}
