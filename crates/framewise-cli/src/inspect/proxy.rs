use std::io;
use std::net::SocketAddr;

use framewise_inspect::{Connection, Endpoints};
use framewise_rules::Role;
use framewise_transcript::Action;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch::Receiver;

use super::tap::{Tap, tap};
use super::upstream::{ToServer, Upstream};
use crate::net::told;
use crate::output::To;
use crate::watch::{About, Recorder, Show, Watch};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Why a connection was not passed on to its end.
enum Cut {
    /// A side reset it: the other one is to see that.
    Reset,
    /// The program ends.
    Stopped,
}

/// Passes one connection on, byte by byte as it comes, until both sides have ended it.
pub(crate) async fn pass(
    mut client: TcpStream,
    address: SocketAddr,
    upstream: &Upstream,
    number: u64,
    show: Show,
    recorder: Option<Recorder>,
    stopped: Receiver<bool>,
) -> Option<Connection> {
    let (live, to, prefix) =
        (show.live.clone(), if show.json { To::Stderr } else { show.to }, show.prefix.clone());
    if show.summary && !show.json {
        live.say(to, format!("{prefix}connection from {address}\n"));
    }
    let mut server = match upstream.connect().await {
        Ok(server) => server,
        Err(sentence) => {
            // A client's error, told to nobody but the person who looks: the client sees its connection closed.
            live.sentence(to, &format!("{prefix}{sentence}"));
            return None;
        }
    };
    let _ = client.set_nodelay(true);
    let about = About {
        id: number.to_string(),
        client: Some(address.to_string()),
        server: Some(upstream.authority()),
    };
    let (tap, watched) = tap(Watch::new(about, show, Endpoints::UNKNOWN, recorder));
    let cut = match &mut server {
        ToServer::Plain(server) => {
            let (client_reads, client_writes) = client.split();
            let (server_reads, server_writes) = server.split();
            both(client_reads, client_writes, server_reads, server_writes, &tap, stopped).await
        }
        ToServer::Tls(server) => {
            let (client_reads, client_writes) = client.split();
            let (server_reads, server_writes) = tokio::io::split(server.as_mut());
            both(client_reads, client_writes, server_reads, server_writes, &tap, stopped).await
        }
    };
    if matches!(cut, Err(Cut::Reset)) {
        // Closed without lingering, a socket sends RST: what one side did is done to the other.
        let _ = client.set_zero_linger();
        let _ = match &server {
            ToServer::Plain(server) => server.set_zero_linger(),
            ToServer::Tls(server) => server.get_ref().0.set_zero_linger(),
        };
    }
    drop((client, server, tap));
    let connection = watched.await.ok()?;
    if upstream.is_tls()
        && let Some(status) = connection.handshake.as_ref().and_then(|handshake| handshake.status)
        && matches!(status, 300..400 | 403 | 404 | 421)
    {
        let name = upstream.authority();
        let hint = format!(
            "{prefix}the request names this proxy in Host and Origin, not {name}; a server that compares them answers \
             {status}: let the client send `Host: {name}` to see whether this one does"
        );
        live.sentence(to, &hint);
    }
    Some(connection)
}

/// Both directions at once, until both have ended.
async fn both(
    client_reads: impl AsyncRead + Unpin,
    client_writes: impl AsyncWrite + Unpin,
    server_reads: impl AsyncRead + Unpin,
    server_writes: impl AsyncWrite + Unpin,
    tap: &Tap,
    mut stopped: Receiver<bool>,
) -> Result<(), Cut> {
    let pumps = async {
        tokio::try_join!(
            pump(Role::Client, client_reads, server_writes, tap),
            pump(Role::Server, server_reads, client_writes, tap),
        )
    };
    tokio::select! {
        result = pumps => result.map(|_| ()),
        () = told(&mut stopped) => Err(Cut::Stopped),
    }
}

/// One direction: what was read is noted in the order of the reads, and written before anything looks at it.
async fn pump(
    from: Role,
    mut reads: impl AsyncRead + Unpin,
    mut writes: impl AsyncWrite + Unpin,
    tap: &Tap,
) -> Result<(), Cut> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let room = tap.room().await;
        match reads.read(&mut buffer).await {
            Ok(0) => {
                room.note(from, Action::Eof);
                // The other side may have gone: then its own direction says so.
                let _ = writes.shutdown().await;
                return Ok(());
            }
            Ok(count) => {
                room.note(from, Action::Bytes(buffer[..count].to_vec()));
                let written = async {
                    writes.write_all(&buffer[..count]).await?;
                    writes.flush().await
                }
                .await;
                if written.is_err() {
                    // Whoever is written to has gone; the system tells it here before the other direction reads it.
                    tap.room().await.note(from.peer(), Action::Reset);
                    return Err(Cut::Reset);
                }
            }
            // TLS without its closing alert: the end of TCP is the end.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                room.note(from, Action::Eof);
                let _ = writes.shutdown().await;
                return Ok(());
            }
            Err(_) => {
                room.note(from, Action::Reset);
                return Err(Cut::Reset);
            }
        }
    }
}
