mod authority;
mod browser;
mod record;

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use framewise_live::{Fault, Naming, Proxy, Upstream};
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::live::Live;
use crate::net;
use crate::output::{Output, To};
use crate::printer::{Frames, Printer};
use authority::Authority;
use browser::Browser;

/// Inspect a server's connections: pass the bytes on unchanged, and say what breaks
///
/// Point the client at the address that is printed first. Bytes, half-closed connections and resets are passed on as they
/// come, also after something broke. To a wss:// or https:// UPSTREAM, framewise speaks TLS; the client speaks plain
/// WebSocket to framewise. To trust a private CA, set `SSL_CERT_FILE` to its PEM file.
///
/// One thing is changed: if the request's Host has another name than UPSTREAM (127.0.0.1:6455, say), Host is rewritten to
/// UPSTREAM's name, because servers refuse names that they do not know. What was rewritten is printed. --keep-host passes it
/// on unchanged. A server that checks Origin may need --rewrite-origin.
///
/// With --tls, clients may connect with wss:// as well. The certificates are signed by a certificate authority of your own,
/// which is made at the first use, in the folder framewise of your data folder (--authority DIR chooses another one). Its key
/// is readable by you alone. --trust prints one line for each of curl, Node, Python, Java, Chromium and Firefox to trust it.
///
/// With --forward, clients ask for any server: by CONNECT (`http_proxy`, `https_proxy`), SOCKS 5, or absolute URLs. TLS inside
/// a tunnel is read with certificates of the local authority. WebSocket connections are inspected, everything else is passed
/// on. --browser starts Chromium, Chrome, Edge or Brave through it, with a profile of its own that trusts the authority.
///
/// With --pair ADDR=URL, UPSTREAM is an intermediary (nginx, a load balancer) that leads to ADDR, and URL is the server behind
/// it. Both sides of a connection are judged as one: what the intermediary changed is a finding.
///
/// Ctrl-C finishes the recordings, reports the connections that are still open, and ends. The exit code is 1 if there are
/// findings.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise inspect ws://localhost:8080
  framewise inspect --frames --listen 127.0.0.1:7000 wss://example.com
  framewise inspect --json --record session.txt http://localhost:3000
  framewise inspect --tls wss://example.com
  framewise inspect ws://localhost:80 --pair 127.0.0.1:6457=ws://localhost:9001
  framewise inspect --browser https://example.com/chat
  framewise inspect --fault 'close 1011 at message 3 from server' ws://localhost:8080
  framewise inspect --record a.txt --record a.pcapng --rotate 100M --keep 10 ws://localhost:8080

Faults: ACTION, where, and whose. ACTION is delay TIME, drop, cut, reset, flip BIT, split BYTES, join, close CODE [REASON],
replace TEXT, edit OLD NEW, hold MESSAGES (it is overtaken by so many), or inject text|binary|ping|pong|bytes CONTENT. Where is
`at message N`, `at every message`, `at every N messages`, `at message with TEXT`, `at frame N`, `at byte N` (an offset as in
findings) or `after TIME`. Whose is `from client`, `from server`, or left out for both, each with its own numbers. TEXT is in
quotes, bytes are hexadecimal, TIME is 200ms, 5s or 2m. What is diagnosed and recorded is what was passed on. Details:
docs/faults.md.

Transcripts: the first connection is written to FILE, the next ones to FILE-2, FILE-3 (the number goes before the extension).
Packets: FILE has those of all connections, from the client to framewise and from framewise to UPSTREAM, TLS with its secrets
(so only you can read the file); with --rotate, they go on in FILE-2 (`cat` them to read all of it). If a file cannot be written any more, because the disk
is full, that is reported once, and the connections go on.
With --json, standard output has one object per line: each finding as it occurs, with its connection, and each connection at its end.")]
pub(crate) struct InspectArgs {
    /// Server to inspect: a ws://, wss://, http:// or https:// URL
    #[arg(required_unless_present_any = ["trust", "forward", "browser"])]
    upstream: Option<String>,
    /// Address for clients to connect to; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:6455")]
    listen: String,
    /// Record to FILE, which `framewise read` reads, and replace it: packets if its name ends with .pcapng, transcripts
    /// otherwise; can be given once for each
    #[arg(long, value_name = "FILE")]
    record: Vec<PathBuf>,
    /// Most bytes of a recorded file (10M, 1G): packets go on in another one
    #[arg(long, value_name = "SIZE", value_parser = record::size)]
    rotate: Option<u64>,
    /// Number of recorded files that are kept: the newest of each kind
    #[arg(long, value_name = "FILES")]
    keep: Option<usize>,
    /// Pass the request's Host on unchanged
    #[arg(long)]
    keep_host: bool,
    /// Rewrite Origin too: Host and Origin name UPSTREAM, with its port
    #[arg(long)]
    rewrite_origin: bool,
    /// Make a fault, as 'drop at message 3 from server'; can be given several times
    #[arg(long, value_name = "RULE")]
    fault: Vec<Fault>,
    /// Make the faults in a file with a rule on each line
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Accept wss:// clients too, with certificates of a local authority
    #[arg(long)]
    tls: bool,
    /// Be a forward proxy (CONNECT, absolute URLs, SOCKS 5) for clients whose URL cannot be changed
    #[arg(long, conflicts_with_all = ["upstream", "keep_host", "rewrite_origin"])]
    forward: bool,
    /// Start a browser at URL through a forward proxy (implies --forward); the end of the browser ends the command
    #[arg(long, value_name = "URL", conflicts_with_all = ["upstream", "keep_host", "rewrite_origin"])]
    browser: Option<String>,
    /// The browser, made from Chromium, with arguments of its own
    #[arg(long, value_name = "PROGRAM", requires = "browser")]
    browser_program: Option<String>,
    /// Inspect behind an intermediary too: listen at ADDR, where UPSTREAM leads to, and pass on to URL
    #[arg(long, value_name = "ADDR=URL", requires = "upstream")]
    pair: Option<String>,
    /// The header field by which both sides of the intermediary are paired (default: Sec-WebSocket-Key)
    #[arg(long, value_name = "NAME", requires = "pair")]
    pair_header: Option<String>,
    /// Folder of the local authority
    #[arg(long, value_name = "DIR")]
    authority: Option<PathBuf>,
    /// Print how to make clients trust the local authority, and exit
    #[arg(long, conflicts_with = "upstream")]
    trust: bool,
    /// Print a line for each frame and each handshake head
    #[arg(long)]
    frames: bool,
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &InspectArgs, output: Output) -> Result<ExitCode, Failure> {
    if args.trust {
        let authority = Authority::load(args.authority.as_deref())?;
        output.print(authority.how_to_trust())?;
        return Ok(ExitCode::SUCCESS);
    }
    let upstream = args.upstream.as_deref().map(Upstream::parse).transpose();
    let upstream = upstream.map_err(|error| Failure::said(error.to_string()))?;
    let runtime = net::runtime()?;
    let result = runtime.block_on(inspect(args, upstream, output));
    runtime.shutdown_background();
    Ok(ExitCode::from(u8::from(result?)))
}

impl InspectArgs {
    /// The faults of the command line, then those of the file.
    fn all_faults(&self) -> Result<Vec<Fault>, Failure> {
        let mut faults = self.fault.clone();
        if let Some(file) = &self.faults {
            let name = file.display();
            let text = std::fs::read_to_string(file).map_err(|error| {
                Failure::said(format!("cannot read {name}: {}", crate::failure::plain(&error)))
            })?;
            faults.extend(
                Fault::parse_all(&text)
                    .map_err(|error| Failure::said(format!("cannot use {name}: {error}")))?,
            );
        }
        Ok(faults)
    }

    const fn naming(&self) -> Naming {
        match (self.keep_host, self.rewrite_origin) {
            (true, false) => Naming::Unchanged,
            (false, false) => Naming::Host,
            (true, true) => Naming::Origin,
            (false, true) => Naming::HostAndOrigin,
        }
    }
}

/// What listens behind an intermediary, and where that leads to.
async fn behind(args: &InspectArgs) -> Result<Option<(TcpListener, Upstream)>, Failure> {
    let Some(pair) = &args.pair else { return Ok(None) };
    let (address, url) = pair.split_once('=').ok_or_else(|| {
        Failure::said(format!(
            "cannot pair with {pair}: use --pair ADDR=URL, as 127.0.0.1:6457=ws://127.0.0.1:9001"
        ))
    })?;
    let upstream = Upstream::parse(url).map_err(|error| Failure::said(error.to_string()))?;
    Ok(Some((net::listen(address).await?, upstream)))
}

fn address_of(listener: &TcpListener) -> String {
    listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
}

/// Whether something was found.
async fn inspect(args: &InspectArgs, upstream: Option<Upstream>, output: Output) -> Result<bool, Failure> {
    let faults = args.all_faults()?;
    let forward = upstream.is_none();
    let authority = (args.tls || forward).then(|| Authority::load(args.authority.as_deref())).transpose()?;
    let listener = net::listen(&args.listen).await?;
    let address = listener.local_addr().map_err(|error| Failure::said(crate::failure::plain(&error)))?;
    if let Some(upstream) = &upstream
        && upstream.leads_to(address).await
    {
        return Err(Failure::said(format!(
            "cannot inspect {upstream}: it is the address that this proxy listens on ({address}); choose another port with \
             --listen"
        )));
    }
    let to_whom =
        upstream.as_ref().map_or_else(|| "any server that clients ask for".to_owned(), Upstream::to_string);
    let behind = behind(args).await?;
    // Before the first client: a file that cannot be written is reported at the start.
    let record::Recorded { transcripts, packets } =
        record::begin(&args.record, &format!("framewise inspect {to_whom}"), args.rotate, args.keep)?;
    let interrupted = net::interrupted();
    let (live, writer) = Live::start(output);
    let to = if args.json { To::Stderr } else { To::Stdout };
    let scheme = match (forward, args.tls) {
        (true, _) => "http",
        (false, true) => "wss",
        (false, false) => "ws",
    };
    live.sentence(to, &format!("listening on {scheme}://{address}"));
    live.sentence(to, &format!("inspecting {scheme}://{address} -> {to_whom}"));
    if forward && args.browser.is_none() {
        live.sentence(
            to,
            &format!(
                "set http_proxy and https_proxy to http://{address}, or the proxy to socks5://{address}"
            ),
        );
    }
    if let Some(authority) = &authority {
        let file = authority.file().display();
        live.sentence(
            to,
            &format!("certificates are signed by {file}; how to trust it: framewise inspect --trust"),
        );
        if authority.is_new() {
            live.say(to, authority.how_to_trust());
        }
    }
    if let Some(path) = upstream.as_ref().and_then(Upstream::unused_path) {
        live.sentence(to, &format!("the path {path} is ignored: each client's own request is passed on"));
    }
    let printer = Printer {
        json: args.json,
        frames: Frames::when(args.frames, Frames::Lines),
        numbered: true,
        upstream: upstream.clone().map(|upstream| (upstream, args.naming())),
        ..Printer::new(&live, output)
    };
    let found = printer.found();
    let fingerprint = authority.as_ref().and_then(Authority::fingerprint);
    let printer = Arc::new(printer);
    let to_pair = behind.map(|(listener, upstream)| {
        live.sentence(to, &format!("behind the intermediary: {} -> {upstream}", address_of(&listener)));
        (listener, Proxy::new(upstream, Arc::clone(&printer) as Arc<dyn framewise_live::Sink>))
    });
    let mut proxy = match upstream {
        Some(upstream) => Proxy::new(upstream, printer).naming(args.naming()),
        None => Proxy::forward(printer),
    };
    proxy = proxy.recorded(transcripts).packets(packets).faults(faults).most_open(net::most_open());
    if let Some(authority) = authority {
        proxy = proxy.tls(Arc::new(authority));
    }
    let browser = args
        .browser
        .as_deref()
        .map(|url| Browser::start(args.browser_program.as_deref(), url, address, fingerprint.as_deref()));
    let mut browser = browser.transpose()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (stop_behind, stopped_behind) = tokio::sync::oneshot::channel::<()>();
    let mut serving: std::pin::Pin<Box<dyn Future<Output = ()>>> = match to_pair {
        None => Box::pin(proxy.serve(listener, stopped)),
        Some((at, behind)) => {
            let (before, behind) = proxy.paired(behind.most_open(net::most_open()), args.pair_header.clone());
            Box::pin(async move {
                tokio::join!(before.serve(listener, stopped), behind.serve(at, stopped_behind));
            })
        }
    };
    let ended = async {
        let interrupted = pin!(interrupted);
        match &mut browser {
            Some(browser) => tokio::select! {
                () = interrupted => {}
                () = browser.closed() => {}
            },
            None => interrupted.await,
        }
    };
    tokio::select! {
        () = &mut serving => {}
        () = ended => {
            drop((stop, stop_behind));
            // A second Ctrl-C does not wait for what is open to be reported.
            tokio::select! {
                () = serving => {}
                () = net::interrupted() => {}
            }
        }
    }
    if let Some(browser) = browser {
        browser.end().await;
    }
    writer.finish(live);
    Ok(found.load(Ordering::Relaxed))
}
