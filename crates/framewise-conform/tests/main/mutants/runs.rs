//! Runs cases against the peer.

use framewise_conform::{Case, Clients, Reported, Server, Verdict, cases};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::peer::{self, Fault};

/// What nothing comes for is waited for so long; the peer is on this machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(8);

pub(super) async fn server_verdicts(fault: Fault, wanted: impl Fn(&Case) -> bool) -> Vec<(Case, Verdict)> {
    let chosen: Vec<_> = cases::all().into_iter().filter(|case| wanted(case)).collect();
    let url = peer::server(fault).await;
    let mut server = Server::new(&url).expect("a URL");
    server.patience = PATIENCE;
    let (verdicts, mut done) = mpsc::channel(64);
    let run = tokio::spawn(server.run(chosen.clone(), verdicts));
    let mut all = Vec::new();
    while let Some(done) = done.recv().await {
        all.push((chosen[done.index].clone(), done.verdict));
    }
    run.await.expect("no panic").expect("it is reached");
    all
}

pub(super) async fn client_verdicts(fault: Fault, wanted: impl Fn(&Case) -> bool) -> Vec<(Case, Verdict)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let mut clients = Clients::new(cases::all().into_iter().filter(|case| wanted(case)).collect());
    clients.patience = PATIENCE;
    let all = clients.cases.clone();
    let (told, mut heard) = mpsc::channel(64);
    let run = tokio::spawn(clients.run(listener, told));
    let count = all.len();
    let asking = tokio::spawn(async move {
        for first in (1..=count).step_by(16) {
            let mut asked = tokio::task::JoinSet::new();
            for case in first..=count.min(first + 15) {
                let address = address.clone();
                asked.spawn(async move {
                    peer::client(&address, &format!("/runCase?case={case}&agent=a"), fault).await;
                });
            }
            while asked.join_next().await.is_some() {}
        }
        peer::client(&address, "/stopServer", Fault::Nothing).await;
    });
    let mut verdicts = Vec::new();
    while let Some(reported) = heard.recv().await {
        if let Reported::Done { index, verdict, .. } = reported {
            verdicts.push((all[index].clone(), *verdict));
        }
    }
    run.await.expect("no panic");
    asking.await.expect("no panic");
    verdicts
}
