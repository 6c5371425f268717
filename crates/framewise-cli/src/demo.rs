mod play;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use framewise::{Role, Rule};
use framewise_inspect::Connection;
use framewise_live::{Proxy, Upstream};

use crate::failure::Failure;
use crate::live::Live;
use crate::net;
use crate::output::{Output, To};
use crate::printer::Printer;
use crate::render::style::{HEADING, paint};
use play::Script;

/// A scene that lasts longer than that is left.
const PATIENCE: Duration = Duration::from_secs(3);

/// Show what framewise does: servers and clients that break rules in turn, inspected and explained
///
/// Everything happens on this machine's loopback, through the same proxy as `framewise inspect`, and takes some seconds.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise demo
  framewise demo --json")]
pub(crate) struct DemoArgs {
    /// Print JSON, as `framewise inspect --json` does
    #[arg(long)]
    json: bool,
}

/// Who breaks which rule, and in what way people come to do so. The bytes are those of the rule's first example.
const SCENES: &[(Role, Rule, &str)] = &[
    (
        Role::Client,
        Rule::RequestUpgrade,
        "a proxy that was not told about WebSocket leaves the Upgrade header out",
    ),
    (
        Role::Server,
        Rule::ResponseAcceptWrong,
        "a server computes Sec-WebSocket-Accept from something else than the key",
    ),
    (Role::Client, Rule::MaskMissing, "a hand-written client forgets to mask"),
    (Role::Server, Rule::Rsv1Unnegotiated, "a server sends compressed frames that nobody agreed on"),
    (Role::Server, Rule::MaskPresent, "a server masks, as only clients do"),
    (Role::Server, Rule::LengthNotMinimal16, "a server's length encoder is off by one"),
    (Role::Client, Rule::DataInterleaved, "a client begins a message before the last one is complete"),
    (Role::Server, Rule::ContinuationOrphan, "a server goes on with a message that it never began"),
    (Role::Client, Rule::TextInvalidUtf8, "a client sends bytes as text that are no UTF-8"),
    (Role::Client, Rule::ControlFragmented, "a client sends a Ping as a fragment"),
    (Role::Client, Rule::CloseCodeReserved, "a relay passes the code of a local event on to the network"),
    (Role::Server, Rule::PayloadTruncated, "a server dies in the middle of a frame"),
];

pub(crate) fn run(args: &DemoArgs, output: Output) -> Result<ExitCode, Failure> {
    let runtime = net::runtime()?;
    let interrupted = runtime.block_on(async {
        tokio::select! {
            result = demo(args, output) => result.map(|()| false),
            () = net::interrupted() => Ok(true),
        }
    });
    runtime.shutdown_background();
    Ok(ExitCode::from(if interrupted? { 130 } else { 0 }))
}

async fn demo(args: &DemoArgs, output: Output) -> Result<(), Failure> {
    let (live, writer) = Live::start(output);
    let printer = Printer { json: args.json, ..Printer::new(&live, output) };
    let say = |text: String| {
        if !args.json {
            live.say(To::Stdout, text);
        }
    };
    say(format!(
        "{}\n\n",
        paint(
            HEADING,
            format!(
                "{} connections, each with something wrong, through the proxy of `framewise inspect`",
                SCENES.len()
            )
        )
    ));
    let mut explained = 0;
    for (number, &(by, rule, story)) in (1..).zip(SCENES) {
        say(format!("{}\n", paint(HEADING, format!("{number} of {}: {story}", SCENES.len()))));
        let Some(script) = Script::of(rule, by) else { continue };
        let connection = tokio::time::timeout(PATIENCE, scene(script, number, printer.clone())).await;
        if let Ok(connection) = connection
            && connection?
                .is_some_and(|connection| connection.findings.iter().any(|found| found.rule == Some(rule)))
        {
            explained += 1;
        }
        say("\n".to_owned());
    }
    say(format!(
        "{explained} of {} explained. For a server of your own: framewise inspect ws://HOST:PORT, and let the client connect to \
         ws://127.0.0.1:6455. More on each rule: framewise explain RULE.\n",
        SCENES.len()
    ));
    // The writer ends when nobody holds its queue any more.
    drop(printer);
    writer.finish(live);
    Ok(())
}

/// One connection from a client over the proxy to a server, on real sockets.
async fn scene(script: Script, number: u64, printer: Printer) -> Result<Option<Connection>, Failure> {
    let (proxy, server) = (net::listen("127.0.0.1:0").await?, net::listen("127.0.0.1:0").await?);
    let address = |listener: &tokio::net::TcpListener| {
        listener.local_addr().map_err(|error| Failure::said(net::plain(&error)))
    };
    let upstream = Upstream::at(address(&server)?).map_err(|error| Failure::said(error.to_string()))?;
    let (at_proxy, inspecting) = (address(&proxy)?, Proxy::new(upstream, Arc::new(printer)));
    let passing = async {
        let (client, from) = proxy.accept().await.ok()?;
        inspecting.pass(client, from, number, std::future::pending::<()>()).await
    };
    let (connection, (), ()) = tokio::join!(passing, script.serve(server), script.connect(at_proxy));
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_has_its_bytes() {
        for &(by, rule, _) in SCENES {
            assert!(Script::of(rule, by).is_some(), "{rule}");
            assert!(rule.by().includes(by), "{rule}");
        }
    }
}
