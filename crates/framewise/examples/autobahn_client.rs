//! The client's side of the Autobahn suite: `cargo run --release --example autobahn_client -- ws://127.0.0.1:9001`
//!
//! Asks for the number of cases, echoes in each, and has the report written. A server that breaks off a case, or hangs,
//! ends that case alone.

use std::process::ExitCode;
use std::time::Duration;

use framewise::{Client, DeflateConfig, Error, Limits};
use tokio::time::timeout;

const AGENT: &str = "framewise";
/// A case may take so long: those of 16 MiB take seconds in a slow suite.
const CASE: Duration = Duration::from_secs(120);

/// A server that says nothing for half a minute has hung.
fn client() -> Client {
    let limits = Limits::DEFAULT.idle(Duration::from_secs(30));
    Client::new().limits(limits).deflate(DeflateConfig::default())
}

async fn case_count(url: &str) -> Result<Option<u32>, Error> {
    let mut ws = client().connect(&format!("{url}/getCaseCount")).await?;
    let answer = ws.next().await.transpose()?;
    ws.close(1000, "").await?;
    Ok(answer.and_then(|message| message.as_text()?.trim().parse().ok()))
}

async fn run_case(url: &str, case: u32) -> Result<(), Error> {
    let mut ws = client().connect(&format!("{url}/runCase?case={case}&agent={AGENT}")).await?;
    while let Some(message) = ws.next().await {
        ws.send(message?).await?;
    }
    Ok(())
}

async fn update_reports(url: &str) -> Result<(), Error> {
    let mut ws = client().connect(&format!("{url}/updateReports?agent={AGENT}")).await?;
    while ws.next().await.transpose()?.is_some() {}
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: autobahn_client ws://HOST:PORT");
        return ExitCode::from(2);
    };
    let url = url.trim_end_matches('/');
    let count = match timeout(CASE, case_count(url)).await {
        Ok(Ok(Some(count))) => count,
        Ok(Ok(None)) => {
            eprintln!("{url}/getCaseCount did not answer with a number");
            return ExitCode::from(2);
        }
        Ok(Err(error)) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
        Err(_) => {
            eprintln!("{url}/getCaseCount does not come to an end");
            return ExitCode::from(2);
        }
    };
    for case in 1..=count {
        match timeout(CASE, run_case(url, case)).await {
            // What the suite breaks on purpose is a finding here: the suite judges.
            Ok(Ok(()) | Err(Error::Violation(_))) => {}
            Ok(Err(error)) => eprintln!("case {case}: {error}"),
            Err(_) => eprintln!("case {case}: given up after {} s", CASE.as_secs()),
        }
    }
    match timeout(CASE, update_reports(url)).await {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("the reports: {error}");
            ExitCode::FAILURE
        }
        Err(_) => {
            eprintln!("the reports: no answer");
            ExitCode::FAILURE
        }
    }
}
