//! Our server in another program, taps between intermediaries, and an intermediary that takes another configuration.

use framewise_path::{Path, Report, Verdict, probes};
use framewise_rules::Cause;

use crate::relay::{Fault, listener, tapped, through, through_to_a_server, through_with_a_file};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_at_the_other_end_saw_comes_back_through_the_path() {
    const PROBES: &[&str] =
        &["handshake/", "size/1", "early/", "ping/", "close/1000", "end/", "idle/", "illegal/", "time/small"];
    let report = through_to_a_server(Fault::None, PROBES).await.expect("a report");
    let wrong: Vec<_> = report.probes.iter().filter(|outcome| outcome.verdict != Verdict::AsSent).collect();
    assert!(wrong.is_empty() && report.causes.is_empty(), "{wrong:#?}");
    assert!(report.probes.len() > 80, "{}", report.probes.len());
}

/// Both ways of running find the same, also where no upgrade passes and where what comes back is changed.
#[tokio::test(flavor = "multi_thread")]
async fn two_programs_find_what_one_finds() {
    let mut running = tokio::task::JoinSet::new();
    for fault in [
        Fault::UpgradeDropped,
        Fault::KeyMissing,
        Fault::Chunked,
        Fault::Split(64),
        Fault::ByteChanged,
        Fault::Remasked,
        Fault::CloseSwallowed,
        Fault::EarlyLost,
        Fault::HalfCloseCut,
        Fault::None,
    ] {
        running.spawn(async move {
            let probes = ["handshake/plain", "early/", "size/126-", "close/1000", "end/half-close"];
            tokio::join!(through(fault, &probes), through_to_a_server(fault, &probes), async { fault })
        });
    }
    while let Some(ran) = running.join_next().await {
        let (here, there, fault) = ran.expect("no panic");
        let there = there.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        let found = |report: &Report| {
            let probes = report.probes.iter();
            probes
                .map(|outcome| (outcome.name.clone(), outcome.verdict, outcome.causes.clone()))
                .collect::<Vec<_>>()
        };
        let something = here.probes.iter().any(|outcome| outcome.verdict != Verdict::AsSent);
        assert_eq!(something, fault != Fault::None, "{fault:?}: {:#?}", here.probes);
        assert_eq!(found(&there), found(&here), "{fault:?}: {:#?}", there.probes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_do_not_come_back_are_said() {
    let error = through_to_a_server(Fault::Held, &["handshake/plain"]).await.expect_err("frames are held");
    assert!(error.to_string().contains("did not come back"), "{error}");
}

/// A file takes the results where the path does not, and an older run in it does no harm.
#[tokio::test(flavor = "multi_thread")]
async fn results_come_back_in_a_file_where_the_path_lets_nothing_through() {
    const PROBES: &[&str] = &["handshake/plain", "size/126-", "early/", "close/1000-"];
    let file = std::env::temp_dir().join(format!("framewise-path-results-{}", std::process::id()));
    let _ = std::fs::remove_file(&file);
    for fault in [Fault::None, Fault::ByteChanged, Fault::Held] {
        let report = through_with_a_file(fault, PROBES, &file).await.expect("a report");
        let here = through(fault, PROBES).await;
        let found = |report: &Report| {
            let probes = report.probes.iter();
            probes.map(|outcome| (outcome.name.clone(), outcome.verdict)).collect::<Vec<_>>()
        };
        assert_eq!(found(&report), found(&here), "{fault:?}: {:#?}", report.probes);
        assert_eq!(report.causes, here.causes, "{fault:?}: {:#?}", report.probes);
    }
    std::fs::write(&file, "fw-1-2.x\nnothing of ours\n").expect("it is ours");
    let origin = listener().await.0;
    let via = origin.local_addr().expect("an address");
    let path = Path::new(&format!("ws://{via}/"), "").expect("a path");
    let task = tokio::spawn(framewise_path::serve(origin));
    let error = path.run_with_results(&file, &probes::all(&[])[..1], |_| {}).await.expect_err("another file");
    assert!(error.to_string().contains("--results"), "{error}");
    std::fs::remove_file(&file).expect("the file");
    let error = path.run_with_results(&file, &probes::all(&[])[..1], |_| {}).await.expect_err("no file");
    assert!(error.to_string().contains("cannot read"), "{error}");
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_tells_which_of_two_intermediaries_it_is() {
    const PROBES: &[&str] = &["handshake/plain", "size/126-client", "size/4096-server", "close/1000-client"];
    let report = tapped(Fault::None, Fault::None, PROBES).await;
    assert!(report.causes.is_empty(), "{:#?}", report.probes);
    assert!(report.probes.iter().all(|outcome| outcome.hops.is_empty()), "{:#?}", report.probes);
    for (fault, name, cause) in [
        (Fault::ByteChanged, "size/126-client", Cause::BytesAlteredOnPath),
        (Fault::ByteChanged, "size/4096-server", Cause::BytesAlteredOnPath),
        (Fault::CloseSwallowed, "close/1000-client", Cause::CloseSwallowedOnPath),
        (Fault::HostChanged, "handshake/plain", Cause::HeadersChangedOnPath),
        (Fault::KeyRewritten, "handshake/plain", Cause::KeyRewritten),
    ] {
        for (first, second, from, to) in
            [(fault, Fault::None, "the client", "tap 1"), (Fault::None, fault, "tap 1", "the server")]
        {
            let report = tapped(first, second, PROBES).await;
            let outcome = report.probes.iter().find(|outcome| outcome.name == name).expect("it ran");
            let [hop] = &outcome.hops[..] else { panic!("{fault:?} {from}: {outcome:#?}") };
            assert!(hop.from.starts_with(from) && hop.to.starts_with(to), "{fault:?} {from}: {hop:#?}");
            assert!(hop.causes.contains(&cause), "{fault:?} {from}: {hop:#?}");
        }
    }
}

/// A relay that ends its connections when somebody writes into the pipe, or does not.
#[cfg(unix)]
async fn reloading(
    relay: tokio::net::TcpListener,
    origin: std::net::SocketAddr,
    pipe: std::path::PathBuf,
    ends: bool,
) {
    let mut reloaded = Some(tokio::task::spawn_blocking(move || std::fs::read(pipe)));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let reload = async {
            match &mut reloaded {
                Some(reloaded) => reloaded.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = relay.accept() => {
                let Ok((mut client, _)) = accepted else { return };
                connections.spawn(async move {
                    let Ok(mut server) = tokio::net::TcpStream::connect(origin).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
            _ = reload => {
                reloaded = None;
                if ends {
                    connections.abort_all();
                }
            }
        }
    }
}

/// The reload is the last thing that happens: a silence that lasts longer than every other probe is over before it.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_ends_connections_is_named_and_one_that_does_not_is_not() {
    let folder = std::env::temp_dir().join(format!("framewise-path-reload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, ends) in [("ends", true), ("lives", false)] {
        let pipe = folder.join(name);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let ((origin, address), (relay, via)) = (listener().await, listener().await);
        let task = tokio::spawn(reloading(relay, address, pipe.clone(), ends));
        let path = Path::new(&format!("ws://{via}/"), "127.0.0.1:0").expect("a path");
        // The reload is asked for first.
        let mut chosen = probes::reload(&format!("echo reload > '{}'", pipe.display()));
        let others = probes::all(&[std::time::Duration::from_secs(1)]).into_iter();
        chosen.extend(
            others.filter(|probe| probe.name.starts_with("idle/") || probe.name.starts_with("ping/")),
        );
        let report = path.run_on(origin, &chosen, |_| {}).await.expect("the relay listens");
        task.abort();
        let verdicts: Vec<_> = report.probes.iter().map(|outcome| outcome.verdict).collect();
        let first = if ends { Verdict::Closed } else { Verdict::AsSent };
        assert_eq!(verdicts[0], first, "{:#?}", report.probes);
        let others = &verdicts[1..];
        assert!(
            others.len() > 10 && others.iter().all(|&one| one == Verdict::AsSent),
            "{:#?}",
            report.probes
        );
        if ends {
            assert_eq!(report.causes, [Cause::ConnectionCutOnPath]);
            assert!(report.probes[0].says.contains("another configuration"), "{:#?}", report.probes);
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder");
    let (origin, address) = listener().await;
    let path = Path::new(&format!("ws://{address}/"), "127.0.0.1:0").expect("a path");
    let report = path.run_on(origin, &probes::reload("exit 3"), |_| {}).await.expect("a report");
    assert!(report.probes[0].says.contains("the command failed"), "{:#?}", report.probes);
}
