use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};

use framewise::Role;
use framewise_conform::report::{Entry, Report};
use framewise_conform::{Case, Clients, Reported};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::CheckArgs;
use crate::failure::{Failure, plain};
use crate::net;
use crate::output::Output;
use crate::render::{clean, shorten};

/// Checks the clients that connect, until one of them, the command of `--run`, or the user ends it.
pub(crate) async fn check(
    args: &CheckArgs,
    address: &str,
    cases: &[Case],
    output: Output,
) -> Result<Vec<Report>, Failure> {
    let listener = net::listen(address).await?;
    let address = listener.local_addr().map_err(|error| Failure::said(plain(&error)))?;
    let url = format!("ws://{address}");
    if !args.json {
        output.print(format!(
            "listening on {url}: {} cases; clients ask for /getCaseCount, /runCase?case=N&agent=NAME and /updateReports\n",
            cases.len()
        ))?;
    }
    let mut clients = Clients::new(cases.to_vec());
    clients.patience = args.patience;
    clients.brief = !args.full;
    let (told, mut heard) = mpsc::channel(64);
    let run = tokio::spawn(clients.run(listener, told));
    let mut started = args.run.as_deref().map(|command| start(command, &url)).transpose()?;
    let mut agents: BTreeMap<String, BTreeMap<usize, Entry>> = BTreeMap::new();
    let mut interrupted = std::pin::pin!(net::interrupted());
    let ended = loop {
        tokio::select! {
            biased;
            next = heard.recv() => match next {
                Some(Reported::Done { agent, index, verdict }) => {
                    let entry = Entry::new(&cases[index], &verdict);
                    agents.entry(agent).or_default().insert(index, entry);
                }
                Some(Reported::Other { target }) => {
                    crate::failure::complain(&format!("a client asked for {}", shorten(&clean(&target), 200)));
                }
                // A client that says that it is done ends the run; the command of `--run` may go on with another.
                Some(Reported::Reports { .. }) if started.is_none() => break Ended::Asked,
                Some(Reported::Began { .. } | Reported::Reports { .. }) => {}
                None => break Ended::Asked,
            },
            status = exit(&mut started), if started.is_some() => break Ended::Command(status),
            () = &mut interrupted => break Ended::Interrupted,
        }
    };
    run.abort();
    // What was reported before the command ended is still there.
    while let Ok(reported) = heard.try_recv() {
        if let Reported::Done { agent, index, verdict } = reported {
            agents.entry(agent).or_default().insert(index, Entry::new(&cases[index], &verdict));
        }
    }
    if let Some(mut child) = started {
        // It has ended, or is to end with the run.
        let _ = child.kill().await;
    }
    if agents.is_empty() {
        return Err(Failure::said(match ended {
            Ended::Command(Ok(status)) => {
                format!(
                    "the command ended ({status}) before a client asked for a case: it is to connect to {url}"
                )
            }
            Ended::Command(Err(error)) => format!("cannot wait for the command: {}", plain(&error)),
            Ended::Asked | Ended::Interrupted => "no client asked for a case".to_owned(),
        }));
    }
    let complete = !matches!(ended, Ended::Interrupted);
    Ok(agents
        .into_iter()
        .map(|(agent, entries)| Report {
            target: agent,
            role: Role::Client.to_string(),
            complete,
            cases: entries.into_values().collect(),
        })
        .collect())
}

enum Ended {
    Asked,
    Interrupted,
    Command(std::io::Result<ExitStatus>),
}

/// Starts the command with the shell. `{url}` in it stands for the address; it is in the variable `FRAMEWISE_URL`, too.
fn start(command: &str, url: &str) -> Result<Child, Failure> {
    let command = command.replace("{url}", url);
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    Command::new(shell)
        .args([flag, &command])
        .env("FRAMEWISE_URL", url)
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()))
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Failure::said(format!("cannot start `{command}`: {}", plain(&error))))
}

async fn exit(child: &mut Option<Child>) -> std::io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => std::future::pending().await,
    }
}
