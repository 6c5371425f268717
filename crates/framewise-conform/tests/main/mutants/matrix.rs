//! The matrix: each mutant, and the case that caught it.

use std::collections::BTreeSet;
use std::sync::Arc;

use framewise_conform::{Behaviour, Case, Due, DueStatus, Level, Verdict, Work, cases};
use framewise_rules::{Role, Rule, SeenBy};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::faults::{LEFT_OUT, Mutant, all};
use super::runs::{client_verdicts, server_verdicts};
use crate::peer::Fault;

/// Cases that are run against a mutant, at the most: one that notices it is enough.
const MOST_CASES: usize = 12;
/// Mutants at a time: most of the time they wait.
const AT_A_TIME: usize = 6;

/// What became of a mutant.
struct Caught {
    place: usize,
    mutant: Mutant,
    run: usize,
    by: Option<(Case, Verdict)>,
}

/// The cases for a mutant: of many, some from each part of the list.
fn chosen(mutant: &Mutant) -> BTreeSet<String> {
    let named: Vec<_> = cases::all()
        .into_iter()
        .filter(|case| case.is_for(mutant.role) && is_judged(case))
        .filter(|case| match mutant.cases {
            "" => case.rule == mutant.rule,
            prefix => case.name.starts_with(prefix),
        })
        .map(|case| case.name)
        .collect();
    named.iter().step_by(named.len().div_ceil(MOST_CASES).max(1)).cloned().collect()
}

/// The cases for all of the mutants.
pub(super) fn all_chosen() -> BTreeSet<String> {
    all().iter().flat_map(chosen).collect()
}

/// Whether a failing case names the rule of the mutant, and ends as it does.
fn names(mutant: &Mutant, case: &Case, verdict: &Verdict) -> bool {
    let rule = mutant.rule.is_none() || case.rule == mutant.rule || verdict.broke == mutant.rule;
    // What nothing obliges an endpoint to is noticed, and no failure.
    let noticed = !verdict.passed() || case.level == Level::May && verdict.behaviour == Behaviour::NonStrict;
    noticed && rule && mutant.closing.is_none_or(|closing| closing == verdict.closing)
}

async fn tried(place: usize, mutant: Mutant) -> Caught {
    let chosen = chosen(&mutant);
    let wanted = |case: &Case| chosen.contains(&case.name);
    let verdicts = match mutant.role {
        Role::Server => server_verdicts(mutant.fault, wanted).await,
        Role::Client => client_verdicts(mutant.fault, wanted).await,
    };
    let run = verdicts.len();
    let by = verdicts.into_iter().find(|(case, verdict)| names(&mutant, case, verdict));
    Caught { place, mutant, run, by }
}

/// Whether the case can fail by what it is about, and not only by a rule that the endpoint breaks besides.
fn is_judged(case: &Case) -> bool {
    !matches!(
        case.work,
        Work::Frames { due: Due::Observe, .. } | Work::Request { due: DueStatus::Observe, .. }
    )
}

fn row(caught: &Caught) -> String {
    let Mutant { fault, role, rule, .. } = &caught.mutant;
    let rule = rule.map_or("-", Rule::id);
    let fault = if let Fault::Unchecked(rule) = fault {
        format!("does not check {rule}")
    } else {
        format!("{fault:?}")
    };
    let by = match &caught.by {
        Some((case, verdict)) => {
            format!("{} ({}, {})", case.name, verdict.behaviour.id(), verdict.closing.id())
        }
        None => format!("SURVIVED {} cases", caught.run),
    };
    format!("| {role} | {fault} | {rule} | {by} |")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mutant_is_caught_by_a_case_that_names_its_rule() {
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for (place, mutant) in all().into_iter().enumerate() {
        let slots = slots.clone();
        running.spawn(async move {
            let _slot = slots.acquire_owned().await.expect("it is not closed");
            tried(place, mutant).await
        });
    }
    let mut rows = running.join_all().await;
    rows.sort_by_key(|caught| caught.place);
    println!("| endpoint | mutant | rule | caught by |\n|---|---|---|---|");
    for caught in &rows {
        println!("{}", row(caught));
    }
    let caught = rows.iter().filter(|caught| caught.by.is_some()).count();
    println!("{} mutants, {caught} caught", rows.len());
    for (rule, why) in LEFT_OUT {
        println!("not switched off by itself: {rule} ({why})");
    }
    let survivors: Vec<_> = rows.iter().filter(|caught| caught.by.is_none()).map(row).collect();
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

/// The family of a case: the first part of its name; of compression, the second one as well.
fn family(name: &str) -> String {
    let mut parts = name.split('/');
    let first = parts.next().unwrap_or_default();
    match (first, parts.next()) {
        ("deflate", Some(second)) => format!("deflate/{}", second.split('-').next().unwrap_or_default()),
        _ => first.to_owned(),
    }
}

#[test]
fn each_rule_and_each_family_has_a_mutant() {
    let mutants = all();
    for &rule in Rule::ALL {
        let left_out = LEFT_OUT.iter().any(|&(left_out, _)| left_out == rule);
        let has = mutants.iter().any(|mutant| mutant.rule == Some(rule));
        assert!(rule.seen_by() != SeenBy::Receiver || has || left_out, "{rule}");
    }
    let judged: BTreeSet<_> =
        cases::all().iter().filter(|case| is_judged(case)).map(|case| family(&case.name)).collect();
    let mut has: BTreeSet<_> = mutants.iter().map(|mutant| family(mutant.cases)).collect();
    // Those of a rule run what derives from the table, too.
    has.insert("table".into());
    // The same exchange with another material.
    let same = ["deflate/image", "deflate/prose", "deflate/html", "deflate/compressed"];
    let missing: Vec<_> =
        judged.iter().filter(|family| !has.contains(*family) && !same.contains(&family.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
