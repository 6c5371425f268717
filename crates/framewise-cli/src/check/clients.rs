use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use framewise::Role;
use framewise_conform::report::{Entry, Report};
use framewise_conform::{Case, Clients, Reported};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::CheckArgs;
use crate::failure::{Failure, plain};
use crate::net;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::{clean, shorten};

/// Checks the clients that connect, until one of them, the command of `--run`, or the user ends it.
pub(crate) async fn check(
    args: &CheckArgs,
    address: &str,
    cases: &[Case],
    output: Output,
) -> Result<Vec<Report>, Failure> {
    let mut interrupted = std::pin::pin!(net::interrupted());
    let wrap =
        args.cert.as_deref().zip(args.key.as_deref()).map(|(cert, key)| net::tls(cert, key)).transpose()?;
    let listener = net::listen(address).await?;
    let address = listener.local_addr().map_err(|error| Failure::said(plain(&error)))?;
    let tls = if wrap.is_some() { "s" } else { "" };
    let url = format!("ws{tls}://{address}");
    let says = format!(
        "listening on {url}: {} cases; clients ask for /getCaseCount, /runCase?case=N&agent=NAME and /updateReports; \
         a browser opens http{tls}://{address}/\n",
        cases.len()
    );
    if !args.json {
        output.print(says)?;
    } else if args.run.is_none() {
        anstream::eprint!("{says}");
    }
    let mut clients = Clients::new(cases.to_vec());
    clients.patience = args.patience;
    clients.brief = !args.full;
    clients.wrap = wrap;
    let (told, mut heard) = mpsc::channel(64);
    let run = tokio::spawn(clients.run(listener, told));
    let mut started = args.run.as_deref().map(|command| Command::start(command, &url)).transpose()?;
    let mut agents: Agents = BTreeMap::new();
    // A case under way ends by itself, so that this much silence is that of a command that does nothing.
    let silence = args.patience * SILENCE;
    let mut silent = std::pin::pin!(tokio::time::sleep(silence));
    let progress = Progress::counted("checking clients".to_owned(), cases.len());
    let ended = loop {
        tokio::select! {
            biased;
            next = heard.recv() => {
                silent.as_mut().reset(Instant::now() + silence);
                match next {
                    Some(Reported::Done { agent, index, verdict }) => {
                        add(&mut agents, agent, Entry::new(&cases[index], &verdict), index);
                        progress.step();
                    }
                    Some(Reported::Other { target }) => {
                        crate::failure::complain(&format!("a client asked for {}", shorten(&clean(&target), 200)));
                    }
                    Some(Reported::Refused { says }) => {
                        crate::failure::complain(&format!("a client was refused: {}", shorten(&clean(&says), 200)));
                    }
                    // A client that says that it is done ends the run; the command of `--run` may go on with another.
                    Some(Reported::Reports { .. }) if started.is_none() => break Ended::Asked,
                    Some(Reported::Began { .. } | Reported::Reports { .. }) => {}
                    None => break Ended::Asked,
                }
            }
            status = Command::exit(&mut started), if started.is_some() => break Ended::Command(status),
            () = silent.as_mut(), if started.is_some() => break Ended::Silent(silence),
            () = &mut interrupted => break Ended::Interrupted,
        }
    };
    drop(progress);
    run.abort();
    // What was reported before the command ended is still there.
    while let Ok(reported) = heard.try_recv() {
        if let Reported::Done { agent, index, verdict } = reported {
            add(&mut agents, agent, Entry::new(&cases[index], &verdict), index);
        }
    }
    if let Some(started) = &mut started {
        // It has ended, or is to end with the run, with all that it has started.
        started.kill().await;
    }
    if agents.is_empty() {
        return Err(Failure::said(match ended {
            Ended::Command(Ok(status)) => {
                format!(
                    "the command ended ({status}) before a client asked for a case: it is to connect to {url}"
                )
            }
            Ended::Command(Err(error)) => format!("cannot wait for the command: {}", plain(&error)),
            Ended::Silent(silence) => format!(
                "the command runs, and no client asked for a case in {} s: it is to connect to {url}",
                silence.as_secs()
            ),
            Ended::Asked | Ended::Interrupted => "no client asked for a case".to_owned(),
        }));
    }
    if let Ended::Silent(silence) = ended {
        let seconds = silence.as_secs();
        crate::failure::complain(&format!("the command was ended: no client did anything for {seconds} s"));
    }
    let interrupted = matches!(ended, Ended::Interrupted | Ended::Silent(_));
    Ok(agents
        .into_iter()
        .map(|(agent, entries)| Report {
            target: agent,
            role: Role::Client.to_string(),
            // A client that ended early has left cases out.
            complete: !interrupted && entries.len() == cases.len(),
            cases: entries.into_values().collect(),
        })
        .collect())
}

/// What was seen of each client, by the places of the cases.
type Agents = BTreeMap<String, BTreeMap<usize, Entry>>;

fn add(agents: &mut Agents, agent: String, entry: Entry, index: usize) {
    agents.entry(agent).or_default().insert(index, entry);
}

/// How many times the patience no client does anything, before the command of `--run` is taken for one that hangs.
const SILENCE: u32 = 12;

enum Ended {
    Asked,
    Interrupted,
    Silent(Duration),
    Command(std::io::Result<ExitStatus>),
}

/// The command of `--run`.
struct Command(Child);

impl Command {
    /// Starts it with the shell. `{url}` in it stands for the address; it is in the variable `FRAMEWISE_URL`, too.
    fn start(command: &str, url: &str) -> Result<Self, Failure> {
        let command = command.replace("{url}", url);
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut started = tokio::process::Command::new(shell);
        started
            .args([flag, &command])
            .env("FRAMEWISE_URL", url)
            .stdin(Stdio::null())
            .stdout(Stdio::from(std::io::stderr()))
            .kill_on_drop(true);
        // A group of its own, which is ended as one: the shell may have started others.
        #[cfg(unix)]
        started.process_group(0);
        let child = started.spawn();
        child.map(Self).map_err(|error| Failure::said(format!("cannot start `{command}`: {}", plain(&error))))
    }

    async fn exit(command: &mut Option<Self>) -> std::io::Result<ExitStatus> {
        match command {
            Some(command) => command.0.wait().await,
            None => std::future::pending().await,
        }
    }

    async fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(pid) =
            self.0.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw)
        {
            // Where it has just ended there is none.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.0.kill().await;
    }
}
