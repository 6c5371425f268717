//! Every fault of an endpoint is noticed, by a case that names the right rule; an endpoint without one passes.
//!
//! `cargo xtask mutants --matrix` prints the table.

mod faults;
mod matrix;
mod runs;

use framewise_conform::{Behaviour, Case, Verdict};

use crate::peer::Fault;
use runs::{client_verdicts, server_verdicts};

/// Cases that are small: the peer is not fast.
fn small(case: &Case) -> bool {
    let large = ["size/", "many/", "security/bomb/", "security/head-", "response/too-large/", "flood/20000"];
    if large.iter().any(|prefix| case.name.starts_with(prefix)) {
        return false;
    }
    let parts = [
        "/frames/",
        "/fault/",
        "/turned-bit/",
        "/truncated/",
        "/invalid-offer/",
        "/dense/",
        "/offer/",
        "-64",
    ];
    !case.name.starts_with("deflate/") || parts.iter().any(|part| case.name.contains(part))
}

fn failures(verdicts: &[(Case, Verdict)]) -> Vec<String> {
    verdicts
        .iter()
        .filter(|(_, verdict)| !verdict.passed())
        .map(|(case, verdict)| {
            format!("{}: {:?} {:?} {}", case.name, verdict.behaviour, verdict.closing, verdict.says)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_without_a_fault_passes_everything() {
    // Those by which the mutants are caught as well.
    let catching = matrix::all_chosen();
    let wanted = |case: &Case| small(case) || catching.contains(&case.name);
    let server = failures(&server_verdicts(Fault::Nothing, wanted).await);
    assert!(server.is_empty(), "{}", server.join("\n"));
    let client = failures(&client_verdicts(Fault::Nothing, wanted).await);
    assert!(client.is_empty(), "{}", client.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_checked_late_is_told_apart() {
    let late = server_verdicts(Fault::ChecksLate, |case| case.name.starts_with("text/fail-fast/")).await;
    assert_eq!(late.len(), 4);
    for (case, verdict) in late {
        assert_eq!(verdict.behaviour, Behaviour::NonStrict, "{}: {}", case.name, verdict.says);
    }
}
