//! What the commands that work on the network share.

use std::io;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch::Receiver;

use crate::failure::Failure;

/// Two threads are enough for what a person looks at, also on a large machine.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::said(format!("the runtime cannot start: {}", plain(&error))))
}

/// Until somebody ends the program: Ctrl-C, or a SIGTERM or SIGHUP. What comes from here on counts, also before the first
/// poll: once any listener exists, the system does nothing by itself.
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

#[cfg(not(unix))]
pub(crate) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the system's own takes the signal.
        std::future::pending::<()>().await;
    }
}

/// Until the program is told to end.
pub(crate) async fn told(stopped: &mut Receiver<bool>) {
    // A sender that is gone says nothing any more.
    if stopped.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Listens on `HOST:PORT`, or on a port of this machine.
#[expect(clippy::wildcard_enum_match_arm, reason = "the system has more ways to fail than a sentence each")]
pub(crate) async fn listen(address: &str) -> Result<TcpListener, Failure> {
    let port_alone = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_digit());
    let address = if port_alone { format!("127.0.0.1:{address}") } else { address.to_owned() };
    if !address.contains(':') {
        return Err(Failure::said(format!(
            "{address} is no address to listen on; give HOST:PORT, 127.0.0.1:0 for a free port"
        )));
    }
    TcpListener::bind(&address).await.map_err(|error| {
        Failure::said(match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "{address} is in use by another program; end it, or take another port with --listen, 127.0.0.1:0 for a \
                 free one"
            ),
            io::ErrorKind::AddrNotAvailable => format!("{address} is no address of this machine; 127.0.0.1 and 0.0.0.0 always are"),
            io::ErrorKind::PermissionDenied => format!("{address} may not be listened on: ports below 1024 are for the system; take a higher one"),
            io::ErrorKind::InvalidInput => format!("{address} is no address to listen on; give HOST:PORT, 127.0.0.1:0 for a free port"),
            _ => format!("{address} cannot be listened on: {}", plain(&error)),
        })
    })
}

/// What the system says, without its number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
