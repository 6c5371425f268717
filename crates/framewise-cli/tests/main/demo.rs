//! `framewise demo`

use crate::common::run;

#[test]
fn every_scene_is_explained() {
    let done = run(&["demo"]);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    assert!(done.out.contains("12 of 12 explained"), "{}", done.out);
    for part in
        ["broken mask-missing", "broken response-accept-wrong", "broken payload-truncated", "cause", "fix"]
    {
        assert!(done.out.contains(part), "no {part}");
    }
    // One block for each scene's fault, and one for a note; what follows from a fault is a line.
    let count = |part| done.out.matches(part).count();
    assert_eq!((count("\nbroken "), count("\nnote "), count("  source ")), (12, 1, 13), "{}", done.out);
    let again = "\nagain: `mask-missing` in frame 2 (byte ";
    assert_eq!(done.out.matches(again).count(), 1, "{}", done.out);
}

#[test]
fn as_json() {
    let done = run(&["demo", "--json"]);
    let lines = done.json_lines();
    let verdicts: Vec<_> = lines.iter().filter_map(|line| line["verdict"]["rule"].as_str()).collect();
    assert_eq!(verdicts.len(), 12);
    assert!(verdicts.contains(&"mask-missing") && verdicts.contains(&"rsv1-unnegotiated"), "{verdicts:?}");
}
