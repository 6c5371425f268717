//! `cargo xtask check`: the static checks, and what needs a tree of dependencies of its own.

use crate::Result;
use crate::run::{self, cargo};

pub(crate) fn run() -> Result {
    run::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run::run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "--deny",
        "warnings",
    ]))?;
    // framewise-proto without `std`: a library that does not build where something below it brings `std` in.
    for features in ["", "deflate"] {
        let no_std =
            ["build", "--manifest-path", "checks/no-std/Cargo.toml", "--target-dir", "target/no-std"];
        run::run(cargo(&no_std).args(["--locked", "--features", features]))?;
    }
    run::run(&mut cargo(&["fmt", "--manifest-path", "checks/no-std/Cargo.toml", "--check"]))?;
    // The workspace of the fuzzers, which the above leaves out.
    run::run(&mut cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    run::run(
        cargo(&["clippy", "--manifest-path", "fuzz/Cargo.toml", "--all-targets", "--target-dir", "target"])
            .args(["--", "--deny", "warnings"]),
    )?;
    run::run(
        cargo(&["doc", "--workspace", "--all-features", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings"),
    )?;
    two_providers(&[])?;
    two_providers(&["--features", "second"])
}

/// Framewise beside rustls with its default features. A test of its own process each: a provider is installed for all.
fn two_providers(features: &[&str]) -> Result {
    let manifest = ["--manifest-path", "checks/two-providers/Cargo.toml", "--target-dir", "target"];
    run::run(cargo(&["nextest", "run"]).args(manifest).args(features))
}
