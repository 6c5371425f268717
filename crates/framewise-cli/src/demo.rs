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

/// How long a scene may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Demonstrate framewise: servers and clients break rules, and each fault is explained
///
/// Everything runs on the loopback interface, through the proxy of `framewise inspect`, and takes a few seconds.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise demo
  framewise demo --json")]
pub(crate) struct DemoArgs {
    /// Print JSON, like `framewise inspect --json`
    #[arg(long)]
    json: bool,
}

/// Who breaks which rule, and how it usually happens. The bytes are those of the rule's first example.
const SCENES: &[(Role, Rule, &str)] = &[
    (
        Role::Client,
        Rule::RequestUpgrade,
        "a proxy that is not configured for WebSocket removes the Upgrade header",
    ),
    (
        Role::Server,
        Rule::ResponseAcceptWrong,
        "a server computes Sec-WebSocket-Accept from something other than the key",
    ),
    (Role::Client, Rule::MaskMissing, "a hand-written client forgets to mask"),
    (
        Role::Server,
        Rule::Rsv1Unnegotiated,
        "a server sends compressed frames without having agreed to compression",
    ),
    (Role::Server, Rule::MaskPresent, "a server masks its frames, as only clients may"),
    (Role::Server, Rule::LengthNotMinimal16, "a server's length encoder is off by one"),
    (Role::Client, Rule::DataInterleaved, "a client begins a message before the last one is complete"),
    (Role::Server, Rule::ContinuationOrphan, "a server continues a message that it never began"),
    (Role::Client, Rule::TextInvalidUtf8, "a client sends text that is not UTF-8"),
    (Role::Client, Rule::ControlFragmented, "a client sends a Ping as a fragment"),
    (Role::Client, Rule::CloseCodeReserved, "a relay sends a close code that is reserved for local use"),
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
                "{} connections, each with a fault, through the proxy of `framewise inspect`",
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
        "{explained} of {} explained. To inspect your own server: framewise inspect ws://HOST:PORT, then connect the client to \
         ws://127.0.0.1:6455. For more on a rule: framewise explain RULE.\n",
        SCENES.len()
    ));
    // The writer ends when the last handle of its queue is dropped.
    drop(printer);
    writer.finish(live);
    Ok(())
}

/// One connection from a client over the proxy to a server, on real sockets.
async fn scene(script: Script, number: u64, printer: Printer) -> Result<Option<Connection>, Failure> {
    let (proxy, server) = (net::listen("127.0.0.1:0").await?, net::listen("127.0.0.1:0").await?);
    let address = |listener: &tokio::net::TcpListener| {
        listener.local_addr().map_err(|error| Failure::said(crate::failure::plain(&error)))
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
