//! The page of `framewise check --listen` in a real browser.

use std::path::Path;
use std::process::Command;

use framewise_peers::tools::{Tools, on_path};
use framewise_peers::{Inspect, Process, report_missing};

#[test]
fn the_page_shows_how_many_passed_and_what_failed() {
    let tools = Tools::find();
    let (Some(node), Some((chromium, libraries))) = (on_path("node"), tools.program("chromium")) else {
        return report_missing("chromium", "node or chromium is not installed");
    };
    if !tools.node.join("node_modules/playwright-core").is_dir() {
        return report_missing("chromium", "npm has not installed playwright-core");
    }
    let shown = |page: &str| {
        let mut script = Command::new(&node);
        script.arg(tools.node.join("check-page.mjs")).arg(page);
        script.env("CHROMIUM", &chromium).env("CHROMIUM_LIBRARIES", &libraries);
        let line = Process::without_input("check-page.mjs", &mut script).line();
        serde_json::from_str::<serde_json::Value>(&line).expect("it prints JSON")
    };
    let listen = || {
        let me = std::env::current_exe().expect("a test is a program");
        let profile = me.ancestors().nth(2).unwrap_or(Path::new("."));
        let mut check = Command::new(profile.join("framewise"));
        check.args(["check", "--listen", "127.0.0.1:0", "--patience", "1", "--only", "control/ping/empty"]);
        let mut check = Process::without_input("framewise check", &mut check);
        let line = check.line();
        let address = line.strip_prefix("listening on ws://").and_then(|rest| rest.split_once(": "));
        (check, address.unwrap_or_else(|| panic!("{line}")).0.to_owned())
    };

    let (_check, address) = listen();
    let good = shown(&format!("http://{address}/?stop"));
    assert_eq!(good["says"], "Done: 1 of 1 cases passed.", "{good}");
    assert_eq!(good["failed"], serde_json::json!([]), "{good}");

    // The browser's first frame does not arrive: the Pong is missing.
    let (_check, address) = listen();
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("it has a port");
    let proxy = Inspect::with(port, &["--fault", "drop at frame 1 from client"]);
    let bad = shown(&format!("{}?stop", proxy.url().replace("ws://", "http://")));
    assert_eq!(bad["says"], "Done: 0 of 1 cases passed, these failed:", "{bad}");
    assert_eq!(bad["failed"], serde_json::json!(["control/ping/empty"]), "{bad}");
}
