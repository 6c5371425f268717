mod limit;
mod text;

use std::io::{IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use framewise::{DeflateConfig, Limits};
use framewise_load::{Expect, Kind, LARGEST, Pace, Phase, Plan, Progress, Report, Scenario};

use crate::bench::limit::Limit;
use crate::destination::{Destination, Destinations, Kind as Form};
use crate::failure::{Failure, plain};
use crate::net;
use crate::output::Output;
use crate::request::RequestArgs;

/// Send load to a server: throughput, latency percentiles, every rule that it breaks
///
/// Messages are sent at a fixed rate, spread over all connections. The latency of a message counts from when it was due, not
/// from when it could be sent: a server that stalls delays every message that was due meanwhile, and all of them count (no
/// coordinated omission). With --in-flight, each connection sends its next message when an answer arrives: that measures
/// throughput, and its latencies leave out what a stall kept from being sent.
///
/// The server should send each message back; --expect says otherwise. Use it on your own servers only.
///
/// The exit code is 1 if the server broke a rule, lost a connection, left a message unanswered or exceeded a --limit.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise bench ws://127.0.0.1:9001
  framewise bench --connections 1000 --rate 20000 --ramp 5 --duration 30 ws://127.0.0.1:9001
  framewise bench --in-flight 16 --size 1024 --binary ws://127.0.0.1:9001
  framewise bench --limit p99=20ms --report html=load.html wss://staging.example.com/ws
  framewise bench --scenario burst.txt ws://127.0.0.1:9001

A scenario has one statement a line:
  phase 5s 0..1000       # a ramp, in messages a second
  phase 30s 1000
  text 128               # what each connection sends, in turn
  text \"{\\\"type\\\":\\\"hello\\\"}\"
  binary 65536
  ping")]
pub(crate) struct BenchArgs {
    /// Server URL, ws:// or wss://
    #[arg(required_unless_present = "schema")]
    url: Option<String>,
    /// Number of connections
    #[arg(long, short = 'c', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Messages a second, over all connections together
    #[arg(long, short = 'r', value_name = "N", default_value = "1000", value_parser = positive)]
    rate: f64,
    /// Instead of a rate: messages that each connection keeps in flight
    #[arg(long, value_name = "N", conflicts_with_all = ["rate", "ramp"], value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: Option<u16>,
    /// Seconds to send
    #[arg(long, short = 'd', value_name = "SECONDS", default_value = "10", value_parser = crate::connect::seconds)]
    duration: Duration,
    /// Seconds in which the rate rises from 0, before the duration; not in the percentiles
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = crate::connect::seconds)]
    ramp: Duration,
    /// Size of a message in bytes; several take turns
    #[arg(long, short = 's', value_name = "BYTES", value_delimiter = ',', default_values_t = [128_usize], value_parser = size)]
    size: Vec<usize>,
    /// Send binary messages instead of text
    #[arg(long)]
    binary: bool,
    /// Send Pings instead of messages: for a server that does not echo
    #[arg(long, conflicts_with_all = ["size", "binary"])]
    ping: bool,
    /// Phases and messages from a file, instead of --rate, --duration, --size
    #[arg(long, value_name = "FILE", conflicts_with_all = ["size", "binary", "ping"])]
    scenario: Option<PathBuf>,
    /// What answers a message
    #[arg(long, value_enum, default_value_t, value_name = "ANSWER")]
    expect: Answer,
    /// Seconds at the start that are not in the percentiles
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = crate::connect::seconds)]
    warm_up: Duration,
    /// Seconds to wait for the last answers
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = crate::connect::seconds)]
    drain: Duration,
    /// Connections to begin per second
    #[arg(long, value_name = "N", default_value = "500", value_parser = positive)]
    connect_rate: f64,
    /// Threads to send from [default: half of the processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Offer permessage-deflate
    #[arg(long)]
    deflate: bool,
    #[command(flatten)]
    request: RequestArgs,
    /// Fail if a percentile is longer: p50, p90, p99, p99.9, max or mean, such as p99=20ms; repeatable
    #[arg(long, value_name = "PERCENTILE=TIME", value_delimiter = ',')]
    limit: Vec<Limit>,
    /// Write reports: html=FILE, json=FILE; separated by commas, or repeated
    #[arg(long, value_name = "KIND=FILE", value_delimiter = ',')]
    report: Vec<Destination>,
    /// Print the JSON schema of the report
    #[arg(long)]
    schema: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Answer {
    /// The same message
    #[default]
    Echo,
    /// Any message
    Reply,
    /// Nothing: messages are only counted
    Nothing,
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number")?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("expected a number above 0".into()) }
}

fn size(text: &str) -> Result<usize, String> {
    let size: usize = text.parse().map_err(|_| "expected a number of bytes")?;
    if size <= LARGEST { Ok(size) } else { Err(format!("expected at most {LARGEST} bytes")) }
}

pub(crate) fn run(args: &BenchArgs, output: Output) -> Result<ExitCode, Failure> {
    if args.schema {
        output.json(&crate::schema::of::<Report>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let url = args.url.as_deref().unwrap_or_default();
    let plan = plan(args, url)?;
    let interrupted = interruption()?;
    // What cannot be written is reported before the run.
    let destinations = Destinations::open(&args.report, &[Form::Html, Form::Json])?;
    net::room_for(args.connections as usize)?;
    let mut shown = Shown::default();
    let report = plan.run(|progress| {
        shown.show(progress);
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    shown.clear();
    let report = report.map_err(|error| Failure::said(error.to_string()))?;
    destinations.write(|form| if form == Form::Html { report.html() } else { report.json() })?;
    let exceeded: Vec<_> = args.limit.iter().filter_map(|limit| limit.exceeded(&report.latency)).collect();
    if args.json {
        output.json(&report)?;
    } else {
        output.print(text::text(&report, &exceeded, args.in_flight.is_some()))?;
    }
    Ok(ExitCode::from(u8::from(!report.is_clean() || !exceeded.is_empty())))
}

fn plan(args: &BenchArgs, url: &str) -> Result<Plan, Failure> {
    let mut client = args.request.client().limits(Limits::default().no_size_limit());
    if args.deflate {
        client = client.deflate(DeflateConfig::default());
    }
    let scenario = args.scenario.as_deref().map(read).transpose()?.unwrap_or_default();
    let (pace, ramp) = match args.in_flight {
        Some(each) => (Pace::InFlight(each, args.duration), Duration::ZERO),
        None if !scenario.phases.is_empty() => (Pace::Rate(scenario.phases), Duration::ZERO),
        None => {
            let ramp = Phase { duration: args.ramp, from: 0.0, to: args.rate };
            let steady = Phase { duration: args.duration, from: args.rate, to: args.rate };
            (Pace::Rate(vec![ramp, steady]), args.ramp)
        }
    };
    let mix = if !scenario.mix.is_empty() {
        scenario.mix
    } else if args.ping {
        vec![Kind::Ping]
    } else {
        args.size
            .iter()
            .map(|&size| if args.binary { Kind::Binary(size) } else { Kind::Text(size) })
            .collect()
    };
    let workers = args.workers.unwrap_or_else(|| {
        // The other half is for the server, which often runs on the same machine.
        let half = std::thread::available_parallelism().map_or(1, |count| count.get() / 2);
        u16::try_from(half).unwrap_or(u16::MAX).clamp(1, 16)
    });
    Ok(Plan::new(url, pace)
        .client(client)
        .mix(mix)
        .connections(args.connections)
        .connect_rate(args.connect_rate)
        .workers(workers.min(u16::try_from(args.connections).unwrap_or(u16::MAX)))
        .warm_up(args.warm_up + ramp)
        .drain(args.drain)
        .expect(match args.expect {
            Answer::Echo => Expect::Echo,
            Answer::Reply => Expect::Reply,
            Answer::Nothing => Expect::Nothing,
        }))
}

fn read(path: &Path) -> Result<Scenario, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::said(format!("cannot read {}: {}", path.display(), plain(&error))))?;
    Scenario::parse(&text).map_err(|error| Failure::said(format!("{}, {error}", path.display())))
}

/// Becomes true at Ctrl-C; at the second one the process ends.
fn interruption() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::said(format!("cannot start the runtime: {}", plain(&error))))?;
    // The signals are caught from here on, before the thread has started.
    let signal = {
        let _entered = runtime.enter();
        net::interrupted()
    };
    let flag = interrupted.clone();
    std::thread::spawn(move || {
        runtime.block_on(signal);
        flag.store(true, Ordering::Relaxed);
        let second = {
            let _entered = runtime.enter();
            net::interrupted()
        };
        runtime.block_on(second);
        std::process::exit(130);
    });
    Ok(interrupted)
}

/// The line of progress, on a terminal.
#[derive(Debug, Default)]
struct Shown {
    line: bool,
}

impl Shown {
    fn show(&mut self, progress: Progress) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        self.line = true;
        let line = text::progress(progress);
        let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
    }

    fn clear(&self) {
        if self.line {
            // The line is erased: it is not part of the result.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
