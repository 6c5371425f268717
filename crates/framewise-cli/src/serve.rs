use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use framewise::{AcceptLoop, DeflateConfig, Incoming, Limits, Role, Server, Stop, WebSocket};
use framewise_inspect::Endpoints;
use framewise_live::{About, Sink, Tee, Watch};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::live::Live;
use crate::net;
use crate::output::{Output, To};
use crate::printer::{Frames, Printer};

/// A message or a frame larger than this is refused with 1009.
const LARGEST: u64 = 64 << 20;
/// A head larger than this is refused with 431.
const LARGEST_HEAD: usize = 64 << 10;

/// Run an echo server to test clients against
///
/// It echoes text and binary messages of up to 64 MiB, and reports the rules that clients break. Ctrl-C closes the
/// connections with 1001. The exit code is 1 if a client broke a rule.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise serve
  framewise serve --listen 127.0.0.1:0 --protocol chat.v2")]
pub(crate) struct ServeArgs {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9001")]
    listen: String,
    /// Accept a subprotocol; repeatable, in order of preference
    #[arg(long, value_name = "NAME")]
    protocol: Vec<String>,
    /// Print a line for each frame and each handshake head
    #[arg(long)]
    frames: bool,
    /// Do not diagnose clients (faster, for load tests)
    #[arg(long, conflicts_with = "frames")]
    quiet: bool,
    /// Print findings as JSON, one object per line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ServeArgs, output: Output) -> Result<ExitCode, Failure> {
    let runtime = net::runtime()?;
    let result = runtime.block_on(serve(args, output));
    runtime.shutdown_background();
    Ok(ExitCode::from(u8::from(result?)))
}

/// Whether a client broke a rule.
async fn serve(args: &ServeArgs, output: Output) -> Result<bool, Failure> {
    let interrupted = net::interrupted();
    let listener = net::listen(&args.listen).await?;
    let address = listener.local_addr().map_err(|error| Failure::said(crate::failure::plain(&error)))?;
    let (live, writer) = Live::start(output);
    live.say(if args.json { To::Stderr } else { To::Stdout }, format!("listening on ws://{address}\n"));
    let printer = Printer {
        json: args.json,
        frames: Frames::when(args.frames, Frames::Lines),
        only: Some(Role::Client),
        summary: false,
        numbered: true,
        notes_count: false,
        ..Printer::new(&live, output)
    };
    let found = printer.found();
    let stop = Stop::new();
    let echo = Echo {
        server: server(&args.protocol).stop(&stop),
        sink: (!args.quiet).then(|| Arc::new(printer) as Arc<dyn Sink>),
        stop,
    };
    echo.serve(listener, interrupted).await;
    writer.finish(live);
    Ok(found.load(Ordering::Relaxed))
}

fn server(protocols: &[String]) -> Server {
    Server::new().limits(limits()).deflate(DeflateConfig::default()).protocols(protocols)
}

fn limits() -> Limits {
    Limits::DEFAULT.head(LARGEST_HEAD).message(LARGEST).frame(LARGEST).inflated(LARGEST)
}

struct Echo {
    server: Server,
    /// `None`: clients are not judged.
    sink: Option<Arc<dyn Sink>>,
    stop: Stop,
}

impl Echo {
    /// Serves until Ctrl-C (`interrupted`), then closes each connection with 1001.
    async fn serve(self, listener: TcpListener, interrupted: impl Future<Output = ()>) {
        let echo = Arc::new(self);
        let mut accepting = AcceptLoop::new(listener).max_open(net::most_open());
        let mut open = JoinSet::new();
        accepting
            .run(interrupted, |incoming| {
                while open.try_join_next().is_some() {}
                open.spawn(Arc::clone(&echo).connection(incoming));
            })
            .await;
        drop(accepting);
        // No time for the rest: the tasks are waited for here.
        echo.stop.stop(Duration::ZERO).await;
        // The second Ctrl-C does not wait for clients that do not answer.
        tokio::select! {
            () = async { while open.join_next().await.is_some() {} } => {}
            () = net::interrupted() => {}
        }
    }

    async fn connection(self: Arc<Self>, incoming: Incoming) {
        let Incoming { stream, peer, number, slot, .. } = incoming;
        let Some(sink) = &self.sink else { return self.handshake(stream).await };
        let about = About { id: number.to_string(), client: Some(peer.to_string()), server: None };
        let endpoints = Endpoints { limits: Some(limits()), ..Endpoints::UNKNOWN };
        // What a client sends after the rule that its connection was closed for is discarded, and not judged either.
        let watch = Watch::new(about, endpoints, Arc::clone(sink)).until_first_enforced();
        let (stream, watching) = Tee::new(stream, Role::Server, watch);
        self.handshake(stream).await;
        watching.finish().await;
        drop(slot);
    }

    async fn handshake<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        tokio::select! {
            biased;
            // What goes wrong in the handshake is reported by the observer.
            accepted = self.server.accept(stream) => if let Ok(ws) = accepted { self.echo(ws).await },
            // Without a handshake there is nothing to close.
            () = self.stop.stopped() => {}
        }
    }

    /// Sends each message back, until the client or the server ends the connection.
    async fn echo<S>(&self, mut ws: WebSocket<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while let Some(message) = ws.next().await {
            // A violation was answered and is reported by the observer; `next` completes the closing.
            let Ok(message) = message else { continue };
            tokio::select! {
                biased;
                // A client that sends and does not read must not hold up the end.
                () = self.stop.stopped() => {}
                _ = ws.send(message) => {}
            }
        }
    }
}
