use framewise::Role;
use framewise_conform::report::{Entry, Report};
use framewise_conform::{Case, Server};
use tokio::sync::mpsc;

use super::CheckArgs;
use crate::failure::Failure;
use crate::net;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::{clean, shorten};

/// Runs the cases against a server.
pub(crate) async fn check(
    args: &CheckArgs,
    cases: Vec<Case>,
    _output: Output,
) -> Result<Vec<Report>, Failure> {
    let url = args.url.as_deref().unwrap_or_default();
    let mut server = Server::new(url).map_err(|error| Failure::said(error.to_string()))?;
    server.concurrent = usize::from(args.concurrent);
    server.patience = args.patience;
    server.brief = !args.full;
    args.request.put_into(&mut server.ask);
    if let Some(host) = take(&mut server.ask.headers, "host") {
        server.ask.host = host;
    }
    if let Some(address) = &args.resolve {
        let (host, port) = split(address)?;
        server.client = server.client.connect_to(host, port);
    }
    let server_cases = cases.iter().filter(|case| case.is_for(Role::Server)).count();
    let progress = Progress::counted(format!("checking {}", clean(&shorten(url, 50))), server_cases);
    let (verdicts, mut done) = mpsc::channel(64);
    let run = tokio::spawn(server.run(cases.clone(), verdicts));
    let mut entries: Vec<Option<Entry>> = vec![None; cases.len()];
    let mut interrupted = std::pin::pin!(net::interrupted());
    let complete = loop {
        tokio::select! {
            biased;
            () = &mut interrupted => {
                run.abort();
                break false;
            }
            next = done.recv() => match next {
                Some(done) => {
                    entries[done.index] = Some(Entry::new(&cases[done.index], &done.verdict));
                    progress.step();
                }
                None => break true,
            },
        }
    };
    drop(progress);
    if complete {
        match run.await {
            Ok(Ok(())) => {}
            Ok(Err(unreachable)) => return Err(Failure::said(unreachable.says)),
            Err(error) => return Err(Failure::said(format!("the run ended by itself: {error}"))),
        }
    }
    Ok(vec![Report {
        target: url.to_owned(),
        role: Role::Server.to_string(),
        complete,
        cases: entries.into_iter().flatten().collect(),
    }])
}

/// Host and port of `--resolve`.
fn split(address: &str) -> Result<(&str, u16), Failure> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = parts.filter(|(host, _)| !host.is_empty()).ok_or_else(|| {
        Failure::said(format!("{} is not an address to connect to; use HOST:PORT", clean(address)))
    })?;
    Ok((host.trim_start_matches('[').trim_end_matches(']'), port))
}

/// Takes a header that the handshake has itself out of those of the caller.
fn take(headers: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let at = headers.iter().position(|(header, _)| header.eq_ignore_ascii_case(name))?;
    Some(headers.remove(at).1)
}
