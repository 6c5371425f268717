mod proxy;
mod tap;
mod upstream;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch::Sender;
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::live::Live;
use crate::net;
use crate::output::{Output, To};
use crate::watch::{Recorder, Show};
pub(crate) use proxy::pass;
pub(crate) use upstream::{ToServer, Upstream};

/// Stand in front of a server, pass every byte on unchanged, and say what breaks
///
/// Point the client at the address that is printed first. Bytes, half-closed sides and resets are passed on as they
/// come, also after something broke. For a wss:// or https:// UPSTREAM the client speaks plain to framewise, and
/// framewise TLS to the server; a private authority goes into `SSL_CERT_FILE`. The request is not rewritten, so that Host
/// and Origin name what the client connected to: a server that compares them may refuse.
///
/// Ctrl-C ends it: recordings are finished and the connections that are open reported. Exit code 1 if something was found.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise inspect ws://localhost:8080
  framewise inspect --frames --listen 127.0.0.1:7000 wss://example.com
  framewise inspect --json --record session.txt http://localhost:3000

Recordings: the first connection goes to FILE, the next ones to FILE-2, FILE-3, before the extension.
With --json, what was found stands on standard output, one object a line: a finding as it comes, with the connection that it belongs to, and each connection at its end.")]
pub(crate) struct InspectArgs {
    /// The server: ws://, wss://, http:// or https://, host and port
    upstream: String,
    /// Where clients connect to; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6455")]
    listen: String,
    /// Write what passes as transcripts, which `framewise read` reads; an older file is replaced
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// A line for each frame and each head
    #[arg(long)]
    frames: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &InspectArgs, output: Output) -> Result<ExitCode, Failure> {
    let upstream = Arc::new(Upstream::parse(&args.upstream)?);
    let runtime = net::runtime()?;
    let found = Arc::new(AtomicBool::new(false));
    let result = runtime.block_on(inspect(args, upstream, output, Arc::clone(&found)));
    runtime.shutdown_background();
    result?;
    Ok(ExitCode::from(u8::from(found.load(Ordering::Relaxed))))
}

async fn inspect(
    args: &InspectArgs,
    upstream: Arc<Upstream>,
    output: Output,
    found: Arc<AtomicBool>,
) -> Result<(), Failure> {
    let listener = net::listen(&args.listen).await?;
    let address = listener.local_addr().map_err(|error| Failure::said(net::plain(&error)))?;
    // Before the first client: a file that cannot be written is told at the start.
    let first =
        args.record.as_deref().map(|path| Recorder::create(path, &about(&upstream, 1))).transpose()?;
    let (live, writer) = Live::start(output);
    let to = if args.json { To::Stderr } else { To::Stdout };
    live.sentence(to, &format!("listening on ws://{address}"));
    live.sentence(to, &format!("inspecting ws://{address} -> {upstream}"));
    if let Some(path) = upstream.unused_path() {
        live.sentence(to, &format!("{path} is not used: each client's own request is passed on"));
    }
    let show = Show {
        live: live.clone(),
        to: To::Stdout,
        json: args.json,
        frames: args.frames,
        bytes: false,
        only: None,
        summary: true,
        prefix: String::new(),
        width: output.width(),
        notes_count: true,
        found,
    };
    let proxy = Proxy { upstream, show, record: args.record.clone(), first };
    let (stop, _) = tokio::sync::watch::channel(false);
    let open = proxy.accept(listener, &stop).await;
    finish(open, &stop).await;
    writer.finish(live);
    Ok(())
}

/// Ends what is open, and waits until it is reported; a second Ctrl-C does not wait.
async fn finish(mut open: JoinSet<()>, stop: &Sender<bool>) {
    stop.send_replace(true);
    tokio::select! {
        () = async { while open.join_next().await.is_some() {} } => {}
        () = net::interrupted() => {}
    }
}

struct Proxy {
    upstream: Arc<Upstream>,
    show: Show,
    record: Option<PathBuf>,
    first: Option<Recorder>,
}

impl Proxy {
    /// Takes clients until Ctrl-C; the connections that are open then.
    async fn accept(mut self, listener: TcpListener, stop: &Sender<bool>) -> JoinSet<()> {
        let mut open = JoinSet::new();
        let mut number = 0;
        let interrupted = net::interrupted();
        tokio::pin!(interrupted);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut interrupted => return open,
            };
            while open.try_join_next().is_some() {}
            match accepted {
                Ok((client, address)) => {
                    number += 1;
                    let recorder = self.recorder(number);
                    let show = Show { prefix: format!("#{number} "), ..self.show.clone() };
                    let upstream = Arc::clone(&self.upstream);
                    let stopped = stop.subscribe();
                    open.spawn(async move {
                        pass(client, address, &upstream, number, show, recorder, stopped).await;
                    });
                }
                // Out of file descriptors, say: the clients that are there are served on.
                Err(error) => {
                    let sentence = format!("framewise: a client cannot be accepted: {}", net::plain(&error));
                    self.show.live.sentence(To::Stderr, &sentence);
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn recorder(&mut self, number: u64) -> Option<Recorder> {
        let path = self.record.as_deref()?;
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        match Recorder::create(&Recorder::path_of(path, number), &about(&self.upstream, number)) {
            Ok(recorder) => Some(recorder),
            Err(failure) => {
                failure.report();
                None
            }
        }
    }
}

/// The comment at the head of a recording.
fn about(upstream: &Upstream, number: u64) -> String {
    format!("framewise inspect {upstream}, connection {number}")
}
