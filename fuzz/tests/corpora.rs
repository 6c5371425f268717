//! Every target over its seeds and its corpus: what the fuzzer found once stays mended.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use framewise_fuzz::differential::{Difference, differences, known, shows};
use framewise_fuzz::{TARGETS, target};

/// Runs a target over everything that there is for it.
fn replay(name: &str) {
    let target = target(name).expect("a target");
    let inputs = inputs(name);
    println!("{name}: {} inputs", inputs.len());
    let failures: Vec<String> = inputs
        .into_iter()
        .filter(|(_, input)| std::panic::catch_unwind(|| (target.check)(input)).is_err())
        .map(|(from, input)| format!("{from}: {input:02x?}"))
        .collect();
    assert!(failures.is_empty(), "{} failures in {name}:\n{}", failures.len(), failures.join("\n"));
}

/// Everything that there is for a target.
fn inputs(name: &str) -> Vec<(String, Vec<u8>)> {
    let target = target(name).expect("a target");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let seeds = (target.seeds)().into_iter().enumerate();
    let mut inputs: Vec<_> = seeds.map(|(index, seed)| (format!("seed {index}"), seed)).collect();
    assert!(!inputs.is_empty(), "{name} has no seeds");
    let before = inputs.len();
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in files {
        let path = entry.expect("a file").path();
        inputs.push((path.display().to_string(), fs::read(&path).expect("a file that can be read")));
    }
    assert!(inputs.len() > before, "{name} has no corpus");
    inputs
}

/// A row of differences.md that nothing shows any more is out of date.
#[test]
fn every_listed_difference_is_there() {
    let met: BTreeSet<Difference> = inputs("differential")
        .iter()
        .flat_map(|(_, input)| differences(input))
        .map(|(difference, _)| difference)
        .collect();
    let asked = |difference: &&Difference| {
        difference.0 != "wsproto" || std::env::var_os("FRAMEWISE_FUZZ_PYTHON").is_some()
    };
    let gone: Vec<_> =
        known().iter().filter(asked).filter(|row| !met.iter().any(|met| shows(row, met))).collect();
    assert!(gone.is_empty(), "{gone:#?}");
    if std::env::var_os("FRAMEWISE_FUZZ_LIST").is_some() {
        for (from, input) in inputs("differential") {
            for (difference, detail) in differences(&input) {
                println!("{difference:?}\n{from}: {input:02x?}\n{detail}");
            }
        }
    }
}

/// They are cloned by everybody.
#[test]
fn the_corpora_are_small() {
    let size: usize = TARGETS
        .iter()
        .flat_map(|target| inputs(target.name))
        .filter(|(from, _)| !from.starts_with("seed "))
        .map(|(_, input)| input.len())
        .sum();
    assert!(size <= 300 << 10, "{size} bytes");
}

macro_rules! replay {
    ($($name:ident)*) => {
        $( #[test] fn $name() { replay(stringify!($name)); } )*

        #[test]
        fn every_target_is_replayed() {
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), [$( stringify!($name) ),*]);
        }
    };
}

replay! { header engine handshake deflate observer transcript hex pcap paste tls json logs mitmproxy explain differential }
