//! The example: each case is a test of its own.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the example. `cargo test` and nextest build it beside the tests.
fn example(arguments: &[&str]) -> Output {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(Path::parent).expect("a folder");
    let program = profile.join("examples/one-test-per-case");
    assert!(
        program.is_file(),
        "{} is missing: cargo build --package framewise-conform --examples",
        program.display()
    );
    Command::new(program).args(arguments).output().expect("the example starts")
}

#[test]
fn each_case_is_a_test_that_a_name_selects() {
    let out = example(&["control/ping/"]);
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}");
    let passed = |line: &str| line.starts_with("test control/ping/empty ") && line.ends_with("... ok");
    assert!(text.lines().any(passed), "{text}");
    assert!(!text.contains("test text/"), "{text}");

    let listed = example(&["--list", "--format", "terse"]);
    let listed = String::from_utf8_lossy(&listed.stdout);
    let server = framewise_conform::cases::all().into_iter();
    let server = server.filter(|case| case.is_for(framewise_rules::Role::Server)).count();
    assert_eq!(listed.lines().filter(|line| line.ends_with(": test")).count(), server);
}
