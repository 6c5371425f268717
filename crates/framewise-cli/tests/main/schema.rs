//! `framewise read --schema`: what `--json` prints is what the schema says, and nothing else.

use framewise_inspect::diagnose;
use framewise_rules::Rule;
use framewise_transcript::Transcript;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::common::{framewise, run, run_with};

fn schema() -> Value {
    let done = run(&["read", "--schema"]);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    done.json()
}

/// The schema lets later versions add fields. Here a field that it does not know is a fault.
fn strict() -> Validator {
    fn close(schema: &mut Value) {
        if let Value::Object(map) = &mut *schema {
            if map.contains_key("properties") {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
            map.values_mut().for_each(close);
        } else if let Value::Array(list) = schema {
            list.iter_mut().for_each(close);
        }
    }
    let mut schema = schema();
    close(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

fn assert_valid(validator: &Validator, report: &Value) {
    let faults: Vec<String> =
        validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(faults, [""; 0], "{report:#}");
}

#[test]
fn the_report_of_every_example_of_every_rule_is_valid() {
    let validator = strict();
    let mut count = 0;
    for rule in Rule::ALL {
        let examples = rule.examples();
        let bad = examples.bad.iter().map(|bad| bad.transcript);
        for text in bad.chain(examples.good.iter().map(|good| good.transcript)) {
            let transcript: Transcript = text.parse().unwrap();
            let report = json!({ "connections": [diagnose(&transcript)], "notes": [] });
            assert_valid(&validator, &report);
            count += 1;
        }
    }
    assert!(count > 300, "{count} examples");
}

#[test]
fn what_the_command_prints_is_valid() {
    let validator = strict();
    for recording in [
        "open\n[12.503] > 81 02 68 69\n> 81 02 68 69\n",
        "open\n< 88 07 03 e9 62 79 65 21 21\n> 88 82 00 00 00 00 03 e9\n< eof\n",
        "> \"GET / HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n\"\n< \"HTTP/1.1 426 Upgrade Required\\r\\n\\r\\n\"\n",
        "83 00",
    ] {
        let done = run_with(framewise().args(["read", "--json", "-"]), recording.as_bytes());
        assert!(done.code.is_some_and(|code| code < 2), "{done:?}");
        assert_valid(&validator, &done.json());
    }
}

/// A schema that allows anything would pass the tests above.
#[test]
fn what_the_command_does_not_print_is_not_valid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let done = run_with(framewise().args(["read", "--json", "-"]), b"open\n> 81 02 68 69\n");
    let report = done.json();
    assert!(validator.is_valid(&report));
    for (path, value) in [
        ("/connections", json!({})),
        ("/notes", json!([1])),
        ("/connections/0/id", json!(1)),
        ("/connections/0/findings/0/answer", json!({ "close": "1002" })),
        ("/connections/0/findings/0/answer", json!({ "hang-up": true })),
        ("/connections/0/findings/0/by", json!("intermediary")),
        ("/connections/0/findings/0/offset", json!(-1)),
        ("/connections/0/findings/0/time", json!("12 s")),
        ("/connections/0/findings/0/causes/0/fault", json!("nobody")),
        ("/connections/0/verdict/close", json!(70_000)),
    ] {
        let mut changed = report.clone();
        *changed.pointer_mut(path).unwrap() = value;
        assert!(!validator.is_valid(&changed), "{path}: {changed:#}");
    }
    for (path, field) in [("", "notes"), ("/connections/0", "verdict"), ("/connections/0/findings/0", "says")]
    {
        let mut changed = report.clone();
        changed.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(field).unwrap();
        assert!(!validator.is_valid(&changed), "{path} without {field}");
    }
}

#[test]
fn the_page_about_the_json_names_every_field() {
    fn fields(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(map) => {
                if let Some(Value::Object(properties)) = map.get("properties") {
                    found.extend(properties.keys().cloned());
                }
                map.values().for_each(|value| fields(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| fields(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let page = include_str!("../../../../docs/read-json.md");
    let mut found = Vec::new();
    fields(&schema(), &mut found);
    assert!(found.len() > 30, "{found:?}");
    for field in found {
        assert!(page.contains(&format!("`{field}`")), "docs/read-json.md does not name `{field}`");
    }
}
