//! `framewise explain`

use std::process::Stdio;

use crate::common::{Running, framewise, run, run_with};

fn text(args: &[&str]) -> String {
    let done = run(&[&["explain"], args].concat());
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{args:?}");
    assert!(!done.out.contains('\x1b'), "no colours in a pipe");
    done.out
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn codes() {
    has(&text(&["1002"]), &["1002  Protocol error", "RFC 6455 §7.4.1", "When you see it", "mask-missing"]);
    has(&text(&["1006"]), &["never: only an API reports it", "close-missing"]);
    has(&text(&["3999"]), &["3999  Registered by libraries", "3000-3999"]);
    has(&text(&["4123"]), &["4123  Private use", "4000-4999"]);
    has(&text(&["4000-4999"]), &["Private use"]);
    has(&text(&["2500"]), &["Not assigned", "1016-2999", "close-code-invalid"]);
    has(&text(&["12592"]), &["\"10\"", "close-code-as-text"]);
    has(&text(&["59395"]), &["1000", "close-code-byte-order"]);
    has(&text(&["426"]), &["HTTP status", "request-upgrade"]);
}

#[test]
fn rules_and_causes() {
    let page = text(&["mask-missing"]);
    has(
        &page,
        &[
            "Broken by  the client",
            "Close 1002",
            "RFC 6455 §5.1",
            "https://www.rfc-editor.org/",
            "How to fix it",
        ],
    );
    has(&page, &["> 81 02 68 69\n    ^^ byte 0", "A similar example that is legal"]);
    assert_eq!(text(&["MaskMissing"]), page);
    has(&text(&["interleaved-writers"]), &["interleaved-writers  ", "What happened", "How to fix it"]);
}

#[test]
fn every_row_has_a_page_in_each_language() {
    use framewise_rules::{Cause, Code, Rule};
    let ids = Code::ALL.iter().map(|code| code.id()).chain(Rule::ALL.iter().map(|rule| rule.id()));
    let ids: Vec<_> = ids.chain(Cause::ALL.iter().map(|cause| cause.id())).collect();
    for id in &ids {
        has(&text(&[id]), &[id]);
    }
    let list = text(&["--lang", "fr"]);
    has(&list, &ids);
    has(&list, &["Codes de fermeture", "Règles : "]);
}

#[test]
fn a_proxy_has_a_page_and_a_text_that_names_it_is_still_a_text() {
    let page = text(&["nginx"]);
    has(
        &page,
        &[
            "proxy_set_header Upgrade $http_upgrade;",
            "proxy_read_timeout  60 s",
            "https://nginx.org/",
            "idle-timeout-intermediary",
        ],
    );
    has(&text(&["--lang", "fr", "haproxy"]), &["timeout tunnel", "Valeurs par défaut", "À configurer"]);
    assert_eq!(text(&["aws", "alb"]), text(&["AWS-ALB"]));
    assert_eq!(text(&["nginx", "proxy", "manager"]), text(&["npm"]));
    assert_eq!(text(&["npm", "http-proxy"]), text(&["http-proxy"]));
    // Node's npm in a text is not Nginx Proxy Manager.
    assert!(!text(&["npm ERR! WebSocket connection failed with code 1006"]).contains("nginx-proxy-manager"));
    has(&text(&["nginx", "envoy"]), &["nginx", "envoy", "How it shows when it is wrong"]);
    has(&text(&["idle-timeout-intermediary"]), &["nginx", "proxy_read_timeout 1h;", "timeout tunnel 1h"]);
    has(&text(&[]), &["Proxies and load balancers", "aws-alb"]);
    let object = run(&["explain", "--json", "envoy"]).json();
    assert_eq!(object["intermediary"], "envoy");
    assert!(object["figures"][0]["source"].as_str().unwrap().starts_with("https://"), "{object}");
    // Each point of how it shows has its source below it: a page, or a run of the proxy.
    assert_eq!(
        object["shows"][0]["tried"],
        serde_json::json!({ "proxy": "envoy", "configuration": "no-upgrade" })
    );
    assert!(object["shows"][1]["source"].as_str().unwrap().starts_with("https://"), "{object}");
    has(
        &text(&["nginx"]),
        &["A cookie above 8 KiB: 400.\n    https://nginx.org/", "tried: nginx no-upgrade, "],
    );
    has(&text(&["--lang", "fr", "nginx"]), &["essayé\u{a0}: nginx no-upgrade, "]);
    // A message that names it, and a word that is not its name.
    let paste =
        "nginx: upstream timed out (110: Connection timed out) while reading upstream, upgraded connection";
    has(&text(&[paste]), &["Likely causes", "framewise explain nginx"]);
    assert!(!text(&["Invalid frame header"]).contains("framewise explain nginx"));
    assert!(run(&["explain", "nginxx"]).refused().contains("did you mean nginx"));
}

#[test]
fn codes_of_one_range_are_told_apart_by_who_uses_them() {
    let page = text(&["4000", "4401"]);
    has(&page, &["same range, 4000-4999", "for the protocol they are alike", "4000, 4401"]);
    assert_eq!(page.matches("Discord").count(), 1, "{page}");
    let page = text(&["3000", "4000"]);
    assert!(!page.contains("same range"), "{page}");
    has(&text(&["4000", "4401", "--lang", "fr"]), &["dans la même plage, 4000-4999"]);
}

#[test]
fn two_are_compared() {
    let page = text(&["1002", "1007"]);
    has(
        &page,
        &[
            "Key differences",
            "When to use which",
            "What it means",
            "When you see it",
            "How to fix it",
            "Sent by",
        ],
    );
    // In any order, and where nobody wrote a comparison by hand.
    has(&text(&["1007", "1002"]), &["Key differences"]);
    has(
        &text(&["1001", "1013"]),
        &[
            "Key differences",
            "- Sent by: 1001 – client and server; 1013 – only the server",
            "When to use which",
        ],
    );
    has(&text(&["mask-missing", "mask-present"]), &["Broken by", "On the wire", "> 81 02 68 69", "< 81 82"]);
    has(&text(&["1002", "mask-missing"]), &["1002 is what `mask-missing` ends in"]);
    has(&text(&["1006", "close-code-reserved"]), &["A Close frame with 1006 breaks"]);
    let done = run(&["explain", "1000", "1001", "1002"]);
    assert!(done.refused().contains("compares two terms at a time"));
}

#[test]
fn messages() {
    let page = text(&["WebSocket connection to 'wss://x.example/a?b' failed: Invalid frame header"]);
    has(
        &page,
        &[
            "Chrome",
            "rules; the bytes on the wire show which",
            "length-not-minimal-16",
            "http-response-in-stream",
        ],
    );
    // Without quotes, as it was pasted.
    has(&text(&["invalid", "frame", "HEADER"]), &["Invalid frame header"]);
    has(&text(&["RangeError: Invalid WebSocket frame: MASK must be set"]), &["Node ws", "mask-missing"]);
    // What the messages say is cleaned, and so is what is quoted.
    assert!(!text(&["\x1b]0;x\x07 Invalid frame header \u{202e}"]).contains(['\x1b', '\x07', '\u{202e}']));
    has(&text(&["socket ended with code=1006 on port 8080"]), &["1006  Abnormal closure"]);
    has(
        &text(&["mask-missing: A frame from the client is not masked; sent by the client, at byte 0"]),
        &["How to fix it"],
    );
}

#[test]
fn a_paste_is_read_for_all_that_it_says() {
    let paste = "2026-11-22 10:00:01 [error] 31#31: *7 upstream timed out (110: Connection timed out) while proxying \
                 upgraded connection, client: 10.0.0.1\n\
                 client: closed after 60 s, code: 1006, reason: ''\n\
                 location /ws {\n    proxy_pass http://app:3000;\n    proxy_http_version 1.1;\n    \
                 proxy_set_header Upgrade $http_upgrade;\n    proxy_set_header Connection upgrade;\n}";
    let page = text(&[paste]);
    let parts = [
        "1. idle-timeout-intermediary",
        "\"60 s\" (line 2)",
        "a default of nginx",
        "Messages in the text",
        "line 1  upstream timed out",
        "1006  Abnormal closure",
        "To settle it",
        "framewise inspect",
    ];
    has(&page, &parts);
    let french = text(&["--lang", "fr", paste]);
    has(&french, &["Causes probables", "« 60 s » (ligne 2)", "Messages du texte", "Pour trancher"]);
    // From standard input, and from a file.
    let piped = run_with(framewise().args(["explain", "--lang", "en", "-"]), paste.as_bytes());
    assert_eq!(piped.out, page);
    let file = std::env::temp_dir().join(format!("framewise-paste-{}.log", std::process::id()));
    std::fs::write(&file, paste).unwrap();
    let read = run(&["explain", file.to_str().unwrap()]);
    std::fs::write(&file, b"\x01\x00\x02").unwrap();
    let binary = run(&["explain", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(read.out, page);
    assert!(binary.refused().contains("framewise read"));
    assert!(run_with(framewise().args(["explain", "-"]), b" \n").refused().contains("empty"));
}

#[test]
fn a_paste_as_json_has_places_and_scores() {
    let paste = "first line\nwebsockets.exceptions.ConnectionClosedError: sent 1009 (message too big) frame exceeds limit of \
                 1048576 bytes; no close frame received";
    let object = run(&["explain", "--json", paste]).json();
    let cause = &object["causes"][0];
    assert_eq!(cause["cause"], "limit-of-receiver");
    for key in ["title", "fix", "evidence", "next"] {
        assert!(!cause[key].as_str().unwrap().is_empty(), "{key}: {object}");
    }
    assert!(cause["score"].as_f64().unwrap() > 0.5, "{object}");
    assert_eq!(
        (&object["rules"][0]["rule"], &object["codes"][0]["code"]),
        (&"message-too-big".into(), &"1009".into())
    );
    let place = &object["messages"][0]["place"];
    assert_eq!((&place["line"], &place["offset"]), (&2.into(), &56.into()), "{object}");
    assert!(paste[56..].starts_with(place["text"].as_str().unwrap().split(' ').next().unwrap()));
    // Nothing is guessed.
    let nothing = run(&["explain", "--json", "closed with code 1006"]).json();
    assert_eq!(
        (nothing["causes"].as_array().unwrap().len(), &nothing["codes"][0]["code"]),
        (0, &"1006".into())
    );
    assert!(nothing["next"].as_str().unwrap().contains("framewise inspect"));
}

#[test]
fn each_field_of_the_json_of_a_paste_is_explained() {
    let page = include_str!("../../../../docs/explain-json.md");
    let symptom =
        "closed with code 1006 after 60 s, nginx in front\nHTTP/1.1 404 Not Found\nInvalid frame header";
    let object = run(&["explain", "--json", symptom]).json();
    let mut fields: Vec<&String> = object.as_object().unwrap().keys().collect();
    for list in ["causes", "rules", "codes", "messages", "statuses", "software"] {
        fields.extend(object[list][0].as_object().unwrap_or_else(|| panic!("{list}: {object}")).keys());
    }
    fields.extend(object["messages"][0]["place"].as_object().unwrap().keys());
    for field in fields {
        assert!(page.contains(&format!("`{field}`")), "docs/explain-json.md does not name `{field}`");
    }
    let sure = "sent 1009 (message too big) frame exceeds limit of 1048576 bytes; no close frame received";
    for (paste, decides) in [(sure, "first"), (symptom, "symptom"), ("closed with code 1006", "none")] {
        assert_eq!(run(&["explain", "--json", paste]).json()["decides"], decides, "{paste}");
    }
    for decides in ["first", "among", "symptom", "none"] {
        assert!(page.contains(&format!("`{decides}`")), "docs/explain-json.md does not explain `{decides}`");
    }
}

#[test]
fn what_is_not_known_is_refused_with_what_is_near() {
    assert!(run(&["explain", "mask-mising"]).refused().contains("did you mean mask-missing?"));
    assert!(run(&["explain", "the quick brown fox"]).refused().contains("is not known"));
    assert!(run(&["explain", "70000"]).refused().contains("65535"));
    assert!(run(&["explain", ""]).refused().contains("empty"));
    assert!(run(&["explain", "--lang", "de", "1006"]).refused().contains("expected en or fr"));
    let long = run(&["explain", &"x ".repeat(50_000)]);
    assert_eq!(long.code, Some(0));
    has(&long.out, &["Nothing in this text points clearly to a cause.", "framewise inspect"]);
    assert!(long.out.len() < 1_000, "{}", long.out);
    let none = run(&["explain", "--json", "the quick brown fox"]).json();
    assert_eq!(
        (&none["causes"], &none["rules"], &none["codes"]),
        (&none["messages"], &none["messages"], &none["messages"])
    );
    // What a terminal would act upon is not repeated to it.
    assert!(!run(&["explain", "a\x1b[2Jb"]).refused().contains('\x1b'));
}

#[test]
fn french_by_option_and_by_locale() {
    let page = text(&["--lang", "fr", "mask-missing"]);
    has(
        &page,
        &[
            "Une trame du client n'est pas masquée",
            "Enfreinte par",
            "Comment le corriger",
            "Un exemple qui enfreint la règle",
        ],
    );
    for (variable, value) in [("LANG", "fr_FR.UTF-8"), ("LC_MESSAGES", "fr_BE"), ("LC_ALL", "fr")] {
        assert_eq!(
            run_with(framewise().env(variable, value).args(["explain", "mask-missing"]), b"").out,
            page,
            "{variable}"
        );
    }
    let english =
        run_with(framewise().env("LANG", "fr_FR").env("LC_ALL", "C").args(["explain", "1006"]), b"");
    has(&english.out, &["Abnormal closure"]);
    has(&text(&["--lang", "fr", "1000", "1001"]), &["Différences essentielles", "Lequel utiliser"]);
    has(
        &text(&["--lang", "fr", "Invalid frame header"]),
        &["règles ; les octets échangés montrent laquelle", "Pour trancher"],
    );
    has(&text(&["--lang", "fr", "2500"]), &["plage non attribuée"]);
}

#[test]
fn json() {
    let rule = run(&["explain", "--json", "mask-missing"]).json();
    assert_eq!(rule["rule"], "mask-missing");
    assert_eq!(rule["answer"]["close"], 1002);
    assert!(rule["examples"]["bad"][0]["transcript"].is_string());
    let code = run(&["explain", "--json", "4123"]).json();
    assert_eq!((&code["code"], &code["range"]), (&"4123".into(), &"4000-4999".into()));
    let two = run(&["explain", "--json", "1002", "1007"]).json();
    assert!(two["compare"].as_array().unwrap().len() == 2 && two["differences"].is_string());
    let said = run(&["explain", "--json", "Invalid frame header"]).json();
    assert!(said["rules"].as_array().unwrap().len() > 6, "{said}");
    let all = run(&["explain", "--json"]).json();
    assert!(all["rules"].as_array().unwrap().len() > 80);
}

#[test]
fn colours_where_they_are_wanted() {
    assert!(run(&["explain", "--color", "always", "1006"]).out.contains('\x1b'));
    assert!(!run_with(framewise().env("NO_COLOR", "1").args(["explain", "1006"]), b"").out.contains('\x1b'));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let mut child = framewise().arg("explain").stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let done = Running::of(child).done();
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in
        ["explain", "read", "inspect", "check", "path", "wstest", "connect", "serve", "demo", "bench"]
    {
        let done = run(&[command, "--help"]);
        assert_eq!(done.code, Some(0));
        has(&done.out, &["Examples:", &format!("  framewise {command}")]);
    }
    assert!(run(&["site"]).refused().contains("unrecognized subcommand"));
    assert_eq!(run(&[]).code, Some(2));
    assert_eq!(run(&["--version"]).code, Some(0));
}
