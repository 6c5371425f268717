use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use framewise::Role;
use framewise_conform::autobahn::{Results, Spec, Target};
use framewise_conform::{Case, Clients, Reported, Server, cases};
use tokio::sync::mpsc;

use crate::failure::{Failure, complain, plain};
use crate::net;
use crate::output::Output;
use crate::render::clean;

/// Run Autobahn's cases, with the command line, specification files and reports of its wstest
///
/// It also answers to this command line when it is started through a link named wstest. Unlike the original, it compares
/// the contents of large messages, and the exit code is 1 if a case failed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise wstest -m fuzzingclient -s fuzzingclient.json
  framewise wstest -m fuzzingserver -s fuzzingserver.json
  framewise wstest -m fuzzingclient -w ws://127.0.0.1:9001")]
pub(crate) struct WstestArgs {
    /// fuzzingserver tests clients, fuzzingclient tests servers
    #[arg(short, long, value_name = "MODE", default_value = "fuzzingserver", value_parser = mode)]
    mode: Mode,
    /// Specification file (default: MODE.json in this directory, which is written if it is missing)
    #[arg(short, long, value_name = "FILE")]
    spec: Option<PathBuf>,
    /// URL to listen on or to test, where the specification has none
    #[arg(short, long, value_name = "URL")]
    wsuri: Option<String>,
    /// Port of the page that runs a browser through the cases (0: none)
    #[arg(short = 'u', long, value_name = "PORT", default_value_t = 8080)]
    webport: u16,
    /// Accepted for compatibility
    #[arg(short, long, value_name = "NAME")]
    ident: Option<String>,
    /// Accepted for compatibility: the specification's `key` counts
    #[arg(short, long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Accepted for compatibility: the specification's `cert` counts
    #[arg(short, long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Accepted for compatibility
    #[arg(short, long, value_name = "FILE")]
    outfile: Option<PathBuf>,
    /// Accepted for compatibility
    #[arg(short, long)]
    debug: bool,
    /// Accepted for compatibility
    #[arg(short, long)]
    autobahnversion: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Server,
    Client,
}

/// The mode of this name; what to take instead of those of the original that are not here.
fn mode(name: &str) -> Result<Mode, String> {
    let instead = match name {
        "fuzzingserver" => return Ok(Mode::Server),
        "fuzzingclient" => return Ok(Mode::Client),
        "echoserver" | "testeeserver" => "`framewise serve` is an echo server",
        "echoclient" | "testeeclient" => "`framewise connect` is a client",
        "massconnect" => "`framewise bench` opens many connections",
        _ => return Err("the modes are fuzzingserver and fuzzingclient".into()),
    };
    Err(format!("this mode of Autobahn's is not here; {instead}"))
}

/// What the original writes where there is no specification.
const SERVER_SPEC: &str = r#"{
   "url": "ws://127.0.0.1:9001",
   "outdir": "./reports/clients",
   "cases": ["*"],
   "exclude-cases": [],
   "exclude-agent-cases": {}
}
"#;
const CLIENT_SPEC: &str = r#"{
   "outdir": "./reports/servers",
   "servers": [{ "url": "ws://127.0.0.1:9001" }],
   "cases": ["*"],
   "exclude-cases": [],
   "exclude-agent-cases": {}
}
"#;

pub(crate) fn run(args: &WstestArgs, output: Output) -> Result<ExitCode, Failure> {
    let mut spec = specification(args)?;
    if args.key.is_some() || args.cert.is_some() {
        complain(
            "--key and --cert change nothing, as in the original: the specification's `key` and `cert` count",
        );
    }
    for field in spec.others.keys().filter(|field| *field != "webport" && *field != "protocols") {
        complain(&format!("the specification's `{field}` is ignored"));
    }
    let cases = spec.select(cases::all());
    if cases.is_empty() {
        return Err(Failure::said("the specification selects no case"));
    }
    let runtime = net::runtime()?;
    let result = match args.mode {
        Mode::Server => {
            let url = spec
                .url
                .take()
                .or_else(|| args.wsuri.clone())
                .unwrap_or_else(|| "ws://127.0.0.1:9001".into());
            runtime.block_on(serve(&url, args.webport, spec, cases, output))
        }
        Mode::Client => {
            if spec.servers.is_empty() {
                let Some(url) = args.wsuri.clone() else {
                    return Err(Failure::said(
                        "the specification names no server; add one to `servers`, or use -w URL",
                    ));
                };
                spec.servers.push(Target { url, ..Target::default() });
            }
            runtime.block_on(test(&spec, &cases, output))
        }
    };
    runtime.shutdown_background();
    Ok(ExitCode::from(u8::from(!result?)))
}

fn specification(args: &WstestArgs) -> Result<Spec, Failure> {
    let (name, default) = match args.mode {
        Mode::Server => ("fuzzingserver.json", SERVER_SPEC),
        Mode::Client => ("fuzzingclient.json", CLIENT_SPEC),
    };
    let text = match &args.spec {
        Some(path) => read(path)?,
        None if args.wsuri.is_some() => "{}".to_owned(),
        None => {
            let path = Path::new(name);
            if path.exists() {
                read(path)?
            } else {
                std::fs::write(path, default)
                    .map_err(|error| Failure::said(format!("cannot write {name}: {}", plain(&error))))?;
                default.to_owned()
            }
        }
    };
    let shown = args.spec.as_deref().unwrap_or(Path::new(name)).display().to_string();
    Spec::parse(&text).map_err(|error| Failure::said(format!("{shown} is no specification: {error}")))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::said(format!("cannot read {}: {}", path.display(), plain(&error))))
}

/// Tests servers. Whether nothing failed.
async fn test(spec: &Spec, cases: &[Case], output: Output) -> Result<bool, Failure> {
    let folder = PathBuf::from(spec.outdir.as_deref().unwrap_or("./reports/servers"));
    writable(&folder)?;
    output.print(format!(
        "Ok, will run {} test cases against {} servers\n",
        cases.len(),
        spec.servers.len()
    ))?;
    let mut results = Results::default();
    let mut reached = false;
    for target in &spec.servers {
        let mut server = Server::new(&target.url).map_err(|error| Failure::said(error.to_string()))?;
        server.brief = false;
        server.ask.protocols.clone_from(&target.protocols);
        server.ask.headers.extend(target.origin.iter().map(|origin| ("Origin".to_owned(), origin.clone())));
        if let Some(host) = &target.hostname {
            server.ask.host.clone_from(host);
        }
        let agent = match &target.agent {
            Some(agent) => agent.clone(),
            None => server.named().await.unwrap_or_else(|| "UnknownServer".into()),
        };
        let cases: Vec<_> = cases
            .iter()
            .filter(|case| !spec.leaves_out(&agent, case.autobahn.as_deref().unwrap_or_default()))
            .cloned()
            .collect();
        let (verdicts, mut done) = mpsc::channel(64);
        let run = tokio::spawn(server.run(cases.clone(), verdicts));
        while let Some(done) = done.recv().await {
            let case = &cases[done.index];
            output.print(format!(
                "Running test case ID {} for agent {} from peer {}\n",
                case.autobahn.as_deref().unwrap_or_default(),
                clean(&agent),
                clean(&target.url)
            ))?;
            results.add(&agent, case, done.verdict);
        }
        match run.await {
            Ok(Ok(())) => reached = true,
            // One that is not reached is skipped; the others are tested.
            Ok(Err(unreachable)) => complain(&unreachable.says),
            Err(error) => complain(&format!("the run against {} ended by itself: {error}", target.url)),
        }
    }
    if !reached {
        return Err(Failure::said("no server could be tested"));
    }
    write(&results, &folder, Role::Server)?;
    output.print("Report generation complete.\n".into())?;
    Ok(results.passed())
}

/// Tests clients, until one asks for the end. Whether nothing failed.
async fn serve(
    url: &str,
    webport: u16,
    spec: Spec,
    cases: Vec<Case>,
    output: Output,
) -> Result<bool, Failure> {
    let folder = PathBuf::from(spec.outdir.as_deref().unwrap_or("./reports/clients"));
    writable(&folder)?;
    let parsed: framewise::Url = url.parse().map_err(|_: framewise::Error| {
        Failure::said(format!("{} is not a URL to listen on; use ws://127.0.0.1:9001", clean(url)))
    })?;
    let host = if parsed.host() == "localhost" { "127.0.0.1" } else { parsed.host() };
    let address = if host.contains(':') {
        format!("[{host}]:{}", parsed.port())
    } else {
        format!("{host}:{}", parsed.port())
    };
    let wrap = match (&spec.cert, &spec.key, parsed.is_tls()) {
        (Some(cert), Some(key), true) => Some(net::tls(Path::new(cert), Path::new(key))?),
        (_, _, false) => None,
        (_, _, true) => {
            return Err(Failure::said(format!(
                "{} needs TLS: give the specification a `cert` and a `key`, files in PEM",
                clean(url)
            )));
        }
    };
    let mut interrupted = std::pin::pin!(net::interrupted());
    let listener = net::listen(&address).await.map_err(|failure| {
        let option = "with --listen (127.0.0.1:0 picks a free one)";
        Failure::said(failure.to_string().replace(option, "in the specification's `url`"))
    })?;
    if webport != 0 {
        // The page is on the port of the cases as well: one that is in use prevents nothing.
        match net::listen(&format!("127.0.0.1:{webport}")).await {
            Ok(listener) => {
                let url = url.to_owned();
                tokio::spawn(async move { framewise_conform::serve_page(listener, &url).await });
            }
            Err(failure) => complain(&failure.to_string()),
        }
    }
    output.print(format!("Ok, will run {} test cases for any clients connecting\n", cases.len()))?;
    let spec = Arc::new(spec);
    let mut clients = Clients::new(cases.clone());
    clients.brief = false;
    clients.nameless = false;
    clients.wrap = wrap;
    clients.commands = true;
    let left_out = spec.clone();
    clients.left_out =
        Arc::new(move |agent, case| left_out.leaves_out(agent, case.autobahn.as_deref().unwrap_or_default()));
    let (told, mut heard) = mpsc::channel(64);
    let run = tokio::spawn(clients.run(listener, told));
    let mut results = Results::default();
    loop {
        let next = tokio::select! {
            biased;
            next = heard.recv() => next,
            () = &mut interrupted => None,
        };
        match next {
            Some(Reported::Began { agent, index }) => output.print(format!(
                "Running test case ID {} for agent {} from peer {}\n",
                cases[index].autobahn.as_deref().unwrap_or_default(),
                clean(&agent),
                address
            ))?,
            Some(Reported::Done { agent, index, verdict }) => results.add(&agent, &cases[index], *verdict),
            Some(Reported::Reports { agent, .. }) => {
                output.print(format!("Updating reports, requested by peer {}\n", clean(&agent)))?;
                write(&results, &folder, Role::Client)?;
            }
            Some(Reported::Other { .. } | Reported::Refused { .. }) => {}
            None => break,
        }
    }
    run.abort();
    write(&results, &folder, Role::Client)?;
    Ok(results.passed())
}

/// Looks whether the reports can be written, before the run.
fn writable(folder: &Path) -> Result<(), Failure> {
    let probe = folder.join("index.json");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::OpenOptions::new().append(true).create(true).open(&probe).map(drop))
        .map_err(|error| Failure::said(format!("cannot write to {}: {}", folder.display(), plain(&error))))
}

fn write(results: &Results, folder: &Path, role: Role) -> Result<(), Failure> {
    results
        .write(folder, role)
        .map_err(|error| Failure::said(format!("cannot write to {}: {}", folder.display(), plain(&error))))
}
