//! How well texts with known answers are read: `cargo run -p framewise-messages --example measure -- FILES…`
//!
//! A file of JSON lines has reports (`text` and `causes`, or `paste`, `cause` and `also`), messages (`message`, and `rules` and `causes`, or `expect`) or
//! incidents (`title`, `messages`, `software`, `expect.cause`). A line with `kind` and `paste`, and any other file, is a text
//! that must claim nothing. With
//! `--totals` only the table is printed, so that a set that nobody has looked at remains one.
#![allow(missing_docs, clippy::cast_precision_loss, clippy::case_sensitive_file_extension_comparisons)]

use framewise_messages::{Decides, Reading, Speaks, read};
use serde_json::Value;

/// A text and the ids that are right as the first answer.
struct Case {
    name: String,
    text: String,
    right: Vec<String>,
    /// Whether a rule or a code is an answer too.
    denotes: bool,
}

#[derive(Debug, Default)]
struct Totals {
    texts: usize,
    first: usize,
    three: usize,
    none: usize,
    /// The right cause has evidence, but not among the first three; it has none.
    low: usize,
    unseen: usize,
    /// The first cause is asserted; and it is wrong.
    asserted: (usize, usize),
}

fn main() {
    let mut totals_only = false;
    let mut claims = (0, 0);
    println!("{:<40} {:>5} {:>6} {:>6} {:>6} {:>6}", "set", "texts", "first", "three", "none", "wrong");
    for argument in std::env::args().skip(1) {
        if argument == "--totals" {
            totals_only = true;
            continue;
        }
        let bytes = std::fs::read(&argument).expect("a readable file");
        let text = String::from_utf8_lossy(&bytes);
        if !argument.ends_with(".jsonl") {
            innocent(&argument, &text, &mut claims, totals_only);
            continue;
        }
        let mut totals = Totals::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let value: Value = serde_json::from_str(line).expect("JSON");
            if value["kind"].is_string() {
                let get = |name: &str| value[name].as_str().unwrap_or("");
                innocent(get("id"), get("paste"), &mut claims, totals_only);
            } else if let Some(case) = case(&value) {
                judge(&case, &mut totals, totals_only);
            }
        }
        if totals.texts == 0 {
            continue;
        }
        let share = |count: usize| format!("{:.0} %", 100.0 * count as f64 / totals.texts.max(1) as f64);
        println!(
            "{:<40} {:>5} {:>6} {:>6} {:>6} {:>6}   low {} unseen {} asserted {} wrongly {}",
            argument.rsplit('/').next().unwrap_or(""),
            totals.texts,
            share(totals.first),
            share(totals.three),
            share(totals.none),
            share(totals.texts - totals.three - totals.none),
            totals.low,
            totals.unseen,
            totals.asserted.0,
            totals.asserted.1
        );
    }
    if claims.1 > 0 {
        println!("{} of {} other texts claim something", claims.0, claims.1);
    }
}

/// A text that must claim nothing.
fn innocent(name: &str, text: &str, claims: &mut (usize, usize), totals_only: bool) {
    let reading = read(text);
    claims.1 += 1;
    if reading.causes.is_empty() && reading.messages.is_empty() {
        return;
    }
    claims.0 += 1;
    if !totals_only {
        println!("CLAIM {name} {:?}", reading.decides());
        show(&reading, text, 3);
        for found in reading.messages.iter().take(5) {
            println!(
                "      {:.2} {} <- {:?}",
                found.certainty,
                found.message.text,
                &text[found.span.clone()]
            );
        }
    }
}

fn judge(case: &Case, totals: &mut Totals, totals_only: bool) {
    let reading = read(&case.text);
    let is_right = |id: &str| case.right.iter().any(|right| right == id);
    let causes: Vec<&str> = reading.causes.iter().map(|cause| cause.is.id()).collect();
    let mut lists = vec![causes];
    if case.denotes {
        lists.push(reading.rules.iter().map(|rule| rule.is.id()).collect());
    }
    let codes: Vec<String> = reading.codes.iter().map(|code| code.is.0.to_string()).collect();
    if case.denotes {
        lists.push(codes.iter().map(String::as_str).collect());
    }
    let first = lists.iter().any(|list| list.first().is_some_and(|id| is_right(id)));
    let three = lists.iter().any(|list| list.iter().take(3).any(|id| is_right(id)));
    let none = lists.iter().all(Vec::is_empty);
    totals.texts += 1;
    totals.first += usize::from(first);
    totals.three += usize::from(three);
    totals.none += usize::from(none);
    let asserted = reading.decides() == Some(Decides::First);
    totals.asserted.0 += usize::from(asserted);
    totals.asserted.1 += usize::from(asserted && !first);
    let low = lists.iter().flatten().any(|id| is_right(id));
    totals.low += usize::from(!three && low);
    totals.unseen += usize::from(!three && !low);
    if !first && !totals_only {
        let kind = if none {
            "NONE"
        } else if three {
            "THREE"
        } else if low {
            "LOW"
        } else {
            "WRONG"
        };
        println!(
            "{kind} {} | {}\n   wanted {}",
            case.name,
            case.text.replace('\n', " \u{23ce} "),
            case.right.join(" ")
        );
        show(&reading, &case.text, 4);
        if case.denotes {
            println!("   rules {:?} codes {codes:?}", lists[1]);
        }
    }
}

fn show(reading: &Reading, text: &str, most: usize) {
    for cause in reading.causes.iter().take(most) {
        let evidence = cause.evidence.iter().take(4).map(|evidence| {
            let kind = match evidence.speaks {
                Speaks::Message(_) => "M",
                Speaks::Code(_) | Speaks::Status(_) | Speaks::Duration { .. } | Speaks::Size { .. } => "N",
                Speaks::Sign(_) => "S",
                Speaks::Software(_) => "P",
                Speaks::Words => "W",
            };
            format!("{kind}{:.1} {:?}", evidence.weight, &text[evidence.span.clone()])
        });
        println!("   {} {:.2}: {}", cause.is, cause.score, evidence.collect::<Vec<_>>().join(", "));
    }
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The case in a line; none where its answer cannot be told.
fn case(value: &Value) -> Option<Case> {
    let get = |name: &str| value[name].as_str().unwrap_or("").to_owned();
    if !value["paste"].is_null() {
        let mut right = strings(&value["also"]);
        right.push(get("cause"));
        right.retain(|id| framewise_rules::Cause::from_id(id).is_some());
        return (!right.is_empty()).then(|| Case {
            name: get("url"),
            text: get("paste"),
            right,
            denotes: false,
        });
    }
    if !value["text"].is_null() {
        let right = strings(&value["causes"]);
        return (!right.is_empty()).then(|| Case {
            name: get("url"),
            text: get("text"),
            right,
            denotes: false,
        });
    }
    if !value["message"].is_null() {
        let mut right = strings(&value["expect"]);
        right.extend(strings(&value["causes"]));
        right.extend(strings(&value["rules"]));
        let text = get("message").replace("{\u{2026}}", "x7").replace("{url}", "ws://a.example/b");
        return (!right.is_empty()).then(|| Case { name: get("url"), text, right, denotes: true });
    }
    let mut right = strings(&value["expect"]["causes_ok"]);
    right.extend(value["expect"]["cause"].as_str().map(str::to_owned));
    let mut parts = vec![get("title")];
    parts.extend(strings(&value["messages"]));
    parts.push(get("software"));
    let tellable = value["tellable"] == "cause" && !right.is_empty();
    tellable.then(|| Case { name: get("url"), text: parts.join("\n"), right, denotes: false })
}
