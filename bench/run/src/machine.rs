//! One line about the machine, and the versions of the peers. No date, so that two reports differ only in what was measured.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use crate::build::Built;

pub fn line() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, model)| model.trim());
    let cores = available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}, {}", kernel.trim(), compiler())
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text =
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    // Its own date and hash say no more than the number.
    text.split(" (").next().unwrap_or_default().to_owned()
}

/// `name version, name version`
pub fn versions(built: &Built) -> String {
    let lock = fs::read_to_string(built.bench.join("Cargo.lock")).unwrap_or_default();
    let mut versions: Vec<String> =
        ["tokio-tungstenite", "fastwebsockets", "tokio-websockets", "sockudo-ws", "wtx", "yawc", "tokio"]
            .iter()
            .filter_map(|name| Some(format!("{name} {}", locked(&lock, name)?)))
            .collect();
    versions.push("uWebSockets as libuwebsockets-sys 0.0.10 has it".into());
    versions.extend(built.bun_version().map(|version| format!("bun {version}")));
    versions.extend(installed(&built.bench, "ws").map(|version| format!("ws {version}")));
    versions.extend(built.node_version().map(|version| format!("Node {}", version.trim_start_matches('v'))));
    versions.join(", ")
}

fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    after.split('"').next()
}

fn installed(bench: &Path, name: &str) -> Option<String> {
    let text =
        fs::read_to_string(bench.join("servers/js/node_modules").join(name).join("package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(package["version"].as_str()?.to_owned())
}
