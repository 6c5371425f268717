mod remote;
mod report;
mod text;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use framewise_path::{Outcome, Path, Probe, Report, probes};

use crate::destination::{self, Destination, Destinations};
use crate::expect::{self, Expected};
use crate::failure::{Failure, plain};
use crate::net;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::clean;

/// Find out what a proxy or load balancer does to WebSocket connections
///
/// A client connects to the intermediary, a server listens where the intermediary forwards to, and what was sent is compared
/// with what arrived, byte for byte: heads, frames, closing, time. The intermediary must forward to the address of --origin.
///
/// The exit code is 1 if something was found that is not in the file of --expect, 2 if nothing could be tested.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise path --via ws://127.0.0.1:8080 --origin 127.0.0.1:9001
  framewise path --via wss://staging.example.com/ws --origin 0.0.0.0:9001 --skip idle --json
  framewise path --via http://proxy.example:3128 --origin 192.0.2.7:9001
  framewise path --server 0.0.0.0:9001                    (on the machine that the intermediary forwards to)
  framewise path --via wss://staging.example.com/ws       (on the client's machine)
  framewise path --list")]
pub(crate) struct PathArgs {
    /// Where the client connects: ws://, wss://, or a proxy: http:// (CONNECT), https://, socks5://, socks5h://
    #[arg(long, value_name = "URL", required_unless_present_any = ["list", "server"])]
    via: Option<String>,
    /// Where our server listens, and where the intermediary forwards to. Without it, our server is another program: --server
    #[arg(long, value_name = "ADDR")]
    origin: Option<String>,
    /// Be the server of a path, for a client that runs elsewhere with --via; results go back through the path
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["via", "origin", "list"])]
    server: Option<String>,
    /// With --server: append what the server saw to this file (-: standard output). With --via: read it there, and not through the
    /// intermediary
    #[arg(long, value_name = "FILE", conflicts_with = "origin")]
    results: Option<PathBuf>,
    /// Behind a proxy that tunnels: the address of our server, where that is another program
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "origin")]
    target: Option<String>,
    /// Listen here and forward there, between two intermediaries, to tell apart which one it is; repeatable, in their order
    #[arg(long, value_name = "LISTEN=FORWARD", value_parser = tap)]
    tap: Vec<(String, String)>,
    /// A header of each request, such as a login: NAME:VALUE; repeatable
    #[arg(long, value_name = "NAME:VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Trust the certificates of this PEM file, in addition to those of the system
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// The intermediary's process on this machine: measures how much its memory grows (Linux)
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// A command that has the intermediary read its configuration again: what becomes of open connections
    #[arg(long, value_name = "COMMAND")]
    reload: Option<String>,
    /// Only probes whose name contains this; repeatable
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// Leave out probes whose name contains this, such as idle; repeatable
    #[arg(long, value_name = "PATTERN")]
    skip: Vec<String>,
    /// Lengths of the silences to try, in seconds [default: 2,5,10,20,35,65]
    #[arg(long, value_name = "SECONDS", value_delimiter = ',', value_parser = crate::connect::seconds)]
    idle: Vec<Duration>,
    /// List the probes without running them
    #[arg(long)]
    list: bool,
    /// Write reports: html=FILE, json=FILE, junit=FILE; separated by commas, or repeated
    #[arg(long, value_name = "KIND=FILE", value_delimiter = ',')]
    report: Vec<Destination>,
    /// Probes that are known to fail, one per line, each with its reason after a #
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Write the failures of this run as a file for --expect
    #[arg(long, value_name = "FILE")]
    write_expect: Option<PathBuf>,
    /// Compare with an older report of --json: what is new and what is gone
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write a transcript of each probe that did not arrive as sent into this folder, for framewise read
    #[arg(long, value_name = "FOLDER")]
    transcripts: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &PathArgs, output: Output) -> Result<ExitCode, Failure> {
    let probes = selected(args)?;
    if args.list {
        list(&probes, args.json, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(address) = &args.server {
        return remote::serve(address, args.results.as_deref(), output);
    }
    let Some(via) = &args.via else { return Err(Failure::said("--via is required")) };
    let baseline = args.baseline.as_deref().map(text::Baseline::read).transpose()?;
    let destinations = Destinations::open(&args.report, report::KINDS)?;
    let expected = args.expect.as_deref().map(Expected::read).transpose()?;
    if let Some(file) = &args.write_expect {
        destination::writable(file)?;
    }
    let end = args.origin.as_ref().or(args.target.as_ref()).map_or("", String::as_str);
    let path = Path::with_roots(remote::certificates(args.cacert.as_deref())?, via, end)
        .map_err(|error| Failure::said(error.to_string()))?;
    let path = args.header.iter().try_fold(path, |path, (name, value)| path.header(name, value));
    let path = path.map_err(|error| Failure::said(error.to_string()))?;
    let path = if let Some(pid) = args.pid { path.process(pid) } else { path };
    let report = examine(path, &probes, args)?;
    if let Some(folder) = &args.transcripts {
        write_transcripts(folder, &report)?;
    }
    destinations.write(|kind| report::rendered(&report, kind))?;
    if let Some(file) = &args.write_expect {
        expect::write(file, &report.probes)?;
    }
    let judged = expect::judge(&report.probes, expected.as_ref());
    if args.json {
        output.json(&report)?;
    } else {
        output.print(text::text(&report, &judged, baseline.as_ref(), output.width()))?;
    }
    let passed = judged.unexpected.is_empty() && judged.stale.is_empty();
    Ok(ExitCode::from(u8::from(!passed)))
}

fn examine(path: Path, probes: &[Probe], args: &PathArgs) -> Result<Report, Failure> {
    let runtime = net::runtime()?;
    let progress = Progress::start(format!("running {} probes", probes.len()));
    let done = AtomicUsize::new(0);
    let report = runtime.block_on(async {
        let path = remote::tapped(path, &args.tap).await?;
        let told = |_: &Outcome| {
            done.fetch_add(1, Ordering::Relaxed);
        };
        let run = async {
            let origin = match (&args.origin, &args.results) {
                (Some(origin), _) => origin,
                (None, Some(file)) => return Ok(path.run_with_results(file, probes, told).await),
                (None, None) => return Ok(path.run_remotely(probes, told).await),
            };
            let listener = net::listen(origin).await.map_err(|failure| {
                Failure::said(failure.to_string().replace("with --listen", "with --origin, and let the intermediary forward to it"))
            })?;
            Ok(path.run_on(listener, probes, told).await)
        };
        tokio::select! {
            report = run => report?.map_err(|error| Failure::said(error.to_string())),
            () = net::interrupted() => {
                Err(Failure::said(format!("interrupted after {} of {} probes", done.load(Ordering::Relaxed), probes.len())))
            }
        }
    });
    drop(progress);
    runtime.shutdown_background();
    report
}

/// Each transcript in a file with the name of its probe.
fn write_transcripts(folder: &std::path::Path, report: &Report) -> Result<(), Failure> {
    let failed = |path: &std::path::Path, error: &std::io::Error| {
        Failure::said(format!("cannot write {}: {}", path.display(), plain(error)))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    for outcome in report.probes.iter().filter(|outcome| !outcome.transcript.is_empty()) {
        let path = folder.join(format!("{}.txt", outcome.name.replace('/', "-")));
        std::fs::write(&path, &outcome.transcript).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

/// The probes that the arguments select.
fn selected(args: &PathArgs) -> Result<Vec<Probe>, Failure> {
    let mut all = probes::all(&args.idle);
    all.extend(args.reload.as_deref().map(probes::reload).into_iter().flatten());
    let matches = |patterns: &[String], probe: &Probe| {
        patterns.iter().any(|pattern| probe.name.contains(pattern.as_str()))
    };
    for pattern in args.only.iter().chain(&args.skip) {
        if !all.iter().any(|probe| probe.name.contains(pattern.as_str())) {
            return Err(Failure::said(format!(
                "no probe is named like {}; `framewise path --list` lists them",
                clean(pattern)
            )));
        }
    }
    let chosen =
        |probe: &Probe| (args.only.is_empty() || matches(&args.only, probe)) && !matches(&args.skip, probe);
    let probes: Vec<_> = all.into_iter().filter(chosen).collect();
    if probes.is_empty() {
        return Err(Failure::said(
            "--skip leaves out every probe that --only selects; `framewise path --list` lists them",
        ));
    }
    Ok(probes)
}

/// `NAME:VALUE`.
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once(':').ok_or("expected NAME:VALUE, such as Authorization:\"Basic eDp5\"")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// `LISTEN=FORWARD`.
fn tap(text: &str) -> Result<(String, String), String> {
    let (listen, forward) =
        text.split_once('=').ok_or("expected LISTEN=FORWARD, such as 127.0.0.1:9100=127.0.0.1:8081")?;
    if !forward.contains(':') {
        return Err(format!("{forward} is not an address: expected HOST:PORT"));
    }
    Ok((listen.to_owned(), forward.to_owned()))
}

fn list(probes: &[Probe], json: bool, output: Output) -> Result<(), Failure> {
    if json {
        let rows: Vec<_> = probes
            .iter()
            .map(|probe| {
                serde_json::json!({
                    "name": probe.name,
                    "says": probe.says,
                    "hurts": probe.hurts,
                    "severity": probe.severity,
                    "rule": probe.rule.map(framewise::Rule::id),
                })
            })
            .collect();
        return output.json(&rows);
    }
    let mut text = String::new();
    for probe in probes {
        let _ = writeln!(text, "{}: {}", probe.name, probe.says);
    }
    let _ = writeln!(text, "{} probes", probes.len());
    output.print(text)
}

/// Why a baseline cannot be used.
pub(crate) fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::said(format!("cannot read {}: {}", path.display(), plain(error)))
}
