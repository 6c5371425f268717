//! `cargo xtask deny`: licences, sources and known vulnerabilities of the dependencies, and the version of Rust that they need.

use serde_json::Value;

use crate::run::{self, cargo, quietly};
use crate::{Result, install};

pub(crate) fn run() -> Result {
    versions()?;
    install::deny()?;
    run::run(&mut cargo(&["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]))?;
    // The database of advisories is a Git repository, which not every network lets us fetch.
    if let Err(error) = quietly(&mut cargo(&["deny", "fetch", "db"])) {
        let last = error.lines().last().unwrap_or_default();
        eprintln!("xtask: the advisories are not checked, because their database cannot be fetched: {last}");
        return Ok(());
    }
    run::run(&mut cargo(&["deny", "--log-level", "error", "check", "advisories"]))
}

/// Every dependency must say that it builds with the version of Rust that we promise. Clippy says the same of the standard
/// library (`incompatible_msrv`).
fn versions() -> Result {
    let metadata = quietly(&mut cargo(&["metadata", "--locked", "--all-features", "--format-version", "1"]))?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata: no packages")?;
    let faults = too_new(packages)?;
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// The packages that need a newer Rust than ours, one line each.
fn too_new(packages: &[Value]) -> Result<Vec<String>> {
    let needs = |package: &Value| package["rust_version"].as_str().and_then(version);
    let ours = packages
        .iter()
        .find(|package| package["name"] == "framewise" && package["source"].is_null())
        .and_then(needs)
        .ok_or("framewise has no rust-version")?;
    let newer = packages.iter().filter(|package| needs(package).is_some_and(|needed| needed > ours));
    Ok(newer
        .map(|package| {
            let [name, version, needed] =
                ["name", "version", "rust_version"].map(|field| package[field].as_str().unwrap_or_default());
            format!("{name} {version} needs Rust {needed}; framewise promises {}.{}", ours.0, ours.1)
        })
        .collect())
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next().unwrap_or(Ok(0)).ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_needs_a_newer_rust_is_a_fault() {
        let package = |name: &str, needs: Value| json!({ "name": name, "version": "1.0.0", "rust_version": needs, "source": "r" });
        let mut framewise = package("framewise", json!("1.89"));
        framewise["source"] = Value::Null;
        let packages = [
            framewise,
            package("older", json!("1.9")),
            package("same", json!("1.89.0")),
            package("silent", Value::Null),
            package("newer", json!("1.90")),
        ];
        assert_eq!(
            too_new(&packages).unwrap_or_default(),
            ["newer 1.0.0 needs Rust 1.90; framewise promises 1.89"]
        );
    }
}
