//! Our own endpoint passes every case, in both roles.

use framewise::{Client, DeflateConfig, Error, Limits, NetStream, WebSocket};
use framewise_conform::{Behaviour, Case, Clients, Reported, Server, Verdict, cases};
use futures_util::{StreamExt as _, stream};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_server_passes_every_case_without_deflate() {
    server_passes(chosen(false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_server_passes_every_case_with_deflate() {
    server_passes(chosen(true)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_client_passes_every_case_without_deflate() {
    client_passes(chosen(false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_client_passes_every_case_with_deflate() {
    client_passes(chosen(true)).await;
}

/// An endpoint that does everything right is waited for as long as a busy machine makes it take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// The cases with permessage-deflate, or those without it.
fn chosen(deflate: bool) -> Vec<Case> {
    cases::all().into_iter().filter(|case| case.needs.deflate.is_some() == deflate).collect()
}

async fn server_passes(all: Vec<Case>) {
    let url = echo_server().await;
    let mut server = Server::new(&url).expect("a URL");
    server.patience = PATIENCE;
    let (verdicts, mut done) = mpsc::channel(64);
    let run = tokio::spawn(server.run(all.clone(), verdicts));
    let (mut failed, mut count) = (Vec::new(), 0);
    while let Some(done) = done.recv().await {
        count += 1;
        failed.extend(complaint(&all[done.index], &done.verdict));
    }
    run.await.expect("no panic").expect("it is reached");
    assert!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n"));
}

async fn client_passes(cases: Vec<Case>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}", listener.local_addr().expect("an address"));
    let mut clients = Clients::new(cases);
    clients.patience = PATIENCE;
    let all = clients.cases.clone();
    let (told, mut heard) = mpsc::channel(64);
    let run = tokio::spawn(clients.run(listener, told));
    let count = all.len();
    let client = tokio::spawn(async move {
        // A busy machine makes the handshake take as long as the rest.
        let limits = Limits::default().handshake(PATIENCE * 4);
        let client = Client::new().limits(limits).deflate(DeflateConfig::default());
        stream::iter(1..=count)
            .for_each_concurrent(16, |case| {
                let (client, url) = (client.clone(), format!("{url}/runCase?case={case}&agent=own"));
                async move {
                    // What goes wrong is what the case is about.
                    let Ok(mut ws) = client.connect(&url).await else { return };
                    while let Some(Ok(message)) = ws.next().await {
                        if ws.send(message).await.is_err() {
                            break;
                        }
                    }
                    while ws.next().await.is_some() {}
                }
            })
            .await;
        let _ = client.connect(&format!("{url}/stopServer")).await;
    });
    let mut failed = Vec::new();
    let mut done = 0;
    while let Some(reported) = heard.recv().await {
        if let Reported::Done { index, verdict, .. } = reported {
            done += 1;
            failed.extend(complaint(&all[index], &verdict));
        }
    }
    run.await.expect("no panic");
    client.await.expect("no panic");
    assert_eq!(done, count);
    assert!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n"));
}

/// What is wrong with a verdict on an endpoint that does everything right.
fn complaint(case: &Case, verdict: &Verdict) -> Option<String> {
    let strict = verdict.passed() && verdict.behaviour != Behaviour::NonStrict;
    let Verdict { behaviour, closing, says, transcript, .. } = verdict;
    let shown: String = transcript.to_string().chars().take(2000).collect();
    (!strict).then(|| format!("{}: {behaviour:?} {closing:?}: {says}\n{shown}", case.name))
}

async fn echo_server() -> String {
    let server = framewise::Server::new().deflate(DeflateConfig::default());
    let listener = server.bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(listener.serve(|mut ws: WebSocket<NetStream>| async move {
        while let Some(message) = ws.next().await {
            ws.send(message?).await?;
        }
        Ok::<(), Error>(())
    }));
    url
}
