//! The texts that are learnt from.

use framewise_messages::{Sample, sample};
use framewise_rules::Cause;
use serde_json::Value;

/// A text, what it shows, and what is right.
pub(crate) struct Row {
    pub(crate) set: String,
    pub(crate) name: String,
    pub(crate) sample: Sample,
    /// By the order of `Cause::ALL`; the last is "no cause".
    pub(crate) right: Vec<bool>,
    /// How much it counts.
    pub(crate) counts: f64,
    /// Whether it is only learnt from, never judged.
    pub(crate) taught: bool,
}

/// How much a message, a text about something else, and an invented description count beside a report.
const MESSAGE: f64 = 0.3;
const INNOCENT: f64 = 0.5;
/// A text about WebSocket that reports nothing: a question, a plan, notes of a release.
const LOOK_ALIKE: f64 = 2.0;
const DESCRIPTION: f64 = 2.0;

/// The name of the set of texts that report nothing.
pub(crate) const NONE: &str = "(none)";

/// The rows of a file: `.jsonl` as `measure` reads it, `descriptions.txt`, or a text that reports nothing.
pub(crate) fn rows(path: &str) -> Vec<Row> {
    let bytes = std::fs::read(path).expect("a readable file");
    let text = String::from_utf8_lossy(&bytes);
    let name = path.rsplit('/').next().unwrap_or("");
    if path.ends_with(".jsonl") {
        text.lines().filter_map(|line| labelled(name, line)).collect()
    } else if name == "descriptions.txt" {
        text.lines().filter(|line| !line.starts_with('#')).map(described).collect()
    } else {
        vec![innocent(name, &text)]
    }
}

fn innocent(name: &str, text: &str) -> Row {
    let mut right = vec![false; Cause::ALL.len()];
    right.push(true);
    Row {
        set: NONE.to_owned(),
        name: name.to_owned(),
        sample: sample(text),
        right,
        counts: INNOCENT,
        taught: false,
    }
}

/// `cause cause: text`, or `none: text`
fn described(line: &str) -> Row {
    let (ids, text) = line.split_once(": ").expect("causes and a text");
    let known = |id: &str| Cause::ALL.iter().map(|cause| cause.id()).chain(["none"]).any(|known| known == id);
    let ids: Vec<&str> = ids.split(' ').inspect(|id| assert!(known(id), "{id}")).collect();
    let mut right: Vec<bool> = Cause::ALL.iter().map(|cause| ids.contains(&cause.id())).collect();
    right.push(ids.contains(&"none"));
    Row {
        set: "descriptions".to_owned(),
        name: String::new(),
        sample: sample(text),
        right,
        counts: DESCRIPTION,
        taught: true,
    }
}

fn labelled(set: &str, line: &str) -> Option<Row> {
    let value: Value = serde_json::from_str(line).ok()?;
    let get = |name: &str| value[name].as_str().unwrap_or("").to_owned();
    if value["kind"].is_string() {
        return Some(Row { counts: LOOK_ALIKE, set: set.to_owned(), ..innocent(&get("id"), &get("paste")) });
    }
    let mut ids: Vec<&str> = Vec::new();
    for list in [&value["also"], &value["causes"], &value["expect"]["causes_ok"]] {
        ids.extend(list.as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    ids.extend([&value["cause"], &value["expect"]["cause"]].into_iter().filter_map(Value::as_str));
    let mut right: Vec<bool> = Cause::ALL.iter().map(|cause| ids.contains(&cause.id())).collect();
    right.push(false);
    let messages = || value["messages"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let text = match (&value["paste"], &value["text"], &value["message"]) {
        (Value::String(text), _, _) | (_, Value::String(text), _) => text.clone(),
        (_, _, Value::String(text)) => text.replace("{\u{2026}}", "x7").replace("{url}", "ws://a.example/b"),
        _ if value["tellable"] != "none" => {
            format!("{}\n{}\n{}", get("title"), messages().collect::<Vec<_>>().join("\n"), get("software"))
        }
        _ => return None,
    };
    // A message alone says less about how people write.
    let counts = if value["message"].is_string() { MESSAGE } else { 1.0 };
    right.contains(&true).then(|| Row {
        set: set.to_owned(),
        name: get("url"),
        sample: sample(&text),
        right,
        counts,
        taught: false,
    })
}
