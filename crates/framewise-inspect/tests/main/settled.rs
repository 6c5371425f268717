//! When causes are searched for, and which search counts.

use framewise_inspect::report::{Finding, Searched};
use framewise_inspect::{Endpoints, LegId, Observer};
use framewise_rules::{Cause, Role, Rule};

/// Bytes behind a finding with which its causes can be searched for.
const SETTLED: usize = 96 * 1024;

fn open(names: &[&str]) -> (Observer, Vec<LegId>) {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let legs: Vec<LegId> = names.iter().map(|name| observer.leg(name)).collect();
    for leg in &legs {
        observer.open(*leg, "");
    }
    (observer, legs)
}

/// A binary message of a server, with its header as many bytes as that.
fn message(bytes: usize) -> Vec<u8> {
    let length = (bytes - 10) as u64;
    [&[0x82, 127][..], &length.to_be_bytes(), &vec![7; bytes - 10]].concat()
}

fn causes(finding: &Finding) -> Vec<Cause> {
    finding.causes.iter().map(|cause| cause.id).collect()
}

/// Whose mask it is tells a frame of the server's that has one.
const MASKED: &[u8] = b"\x82\x82\x01\x02\x03\x04\x61\x62";

#[test]
fn a_finding_is_given_out_when_enough_bytes_follow_it_and_once() {
    let (mut observer, legs) = open(&["client-server"]);
    observer.bytes(legs[0], Role::Server, None, MASKED);
    observer.bytes(legs[0], Role::Server, None, &message(SETTLED - MASKED.len()));
    assert!(observer.poll_settled().is_none(), "a byte is missing");
    observer.bytes(legs[0], Role::Server, None, b"\x82");
    assert_eq!(observer.steps(), 0);
    let diagnosis = observer.poll_settled().expect("it has as many bytes behind it as it needs");
    assert!(observer.poll_settled().is_none());
    observer.diagnosed(diagnosis.compute());
    assert!(observer.steps() > 0, "the search took steps");
}

/// What was told while the bytes were there stands when they have gone.
#[test]
fn what_a_search_found_stands_when_its_bytes_have_gone() {
    let found = |hand_back: bool| {
        let (mut observer, legs) = open(&["client-server"]);
        // A text where a frame should begin.
        observer.bytes(legs[0], Role::Server, None, b"Traceback: the worker has died\n");
        observer.bytes(legs[0], Role::Server, None, &message(SETTLED + 64));
        let diagnosis = observer.poll_settled().expect("enough bytes follow it");
        if hand_back {
            observer.diagnosed(diagnosis.compute());
        }
        for _ in 0..4 {
            observer.bytes(legs[0], Role::Server, None, &message(SETTLED));
        }
        observer.finish().findings.swap_remove(0)
    };
    let settled = found(true);
    assert_eq!(causes(&settled), [Cause::TextWrittenToSocket]);
    assert_eq!(settled.searched, Searched::Done);
    // The bytes that are shown are those of the time when it was found.
    assert!(settled.bytes.starts_with("54 72 61 63"), "{}", settled.bytes);
    let lost = found(false);
    assert_eq!(causes(&lost), []);
    assert!(lost.bytes.starts_with("54 72 61 63"), "{}", lost.bytes);
}

/// A later search sees more, and what it finds replaces what an earlier one found.
#[test]
fn what_a_later_search_finds_replaces_what_an_earlier_one_found() {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let (own, other) = (observer.leg("client-proxy"), observer.leg("proxy-server"));
    observer.open(own, "");
    observer.bytes(own, Role::Server, None, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    observer.bytes(own, Role::Server, None, &message(SETTLED));
    let finding = observer.poll_settled().expect("enough bytes follow it").compute();
    assert_eq!(finding.rule, Some(Rule::Rsv1Unnegotiated));
    assert_eq!(causes(&finding).first(), Some(&Cause::CompressedWithoutAgreement));
    observer.diagnosed(finding);
    observer.open(other, "permessage-deflate");
    let findings = observer.finish().findings;
    assert_eq!(causes(&findings[0]).first(), Some(&Cause::ExtensionHeaderStripped));
}

/// Of many findings the first ones are searched.
#[test]
fn the_causes_of_the_first_64_findings_are_searched_for() {
    let (mut observer, legs) = open(&["client-server"]);
    for _ in 0..35 {
        observer.bytes(legs[0], Role::Server, None, MASKED);
        observer.bytes(legs[0], Role::Client, None, b"\x82\x02ab");
    }
    let findings = observer.finish().findings;
    assert_eq!(findings.len(), 70);
    let searched = findings.iter().take_while(|finding| finding.searched == Searched::Done).count();
    assert_eq!(searched, 64);
    assert!(findings[64..].iter().all(|finding| finding.searched == Searched::No));
}

/// Searches that are under way hold what they may take. The finding that explains the end is searched without it.
#[test]
fn the_finding_that_explains_the_end_is_searched_when_others_hold_the_budget() {
    let (mut observer, legs) = open(&["client-server"]);
    for _ in 0..9 {
        observer.bytes(legs[0], Role::Server, None, MASKED);
    }
    observer.bytes(legs[0], Role::Server, None, &message(SETTLED));
    let held: Vec<_> = (0..8).map_while(|_| observer.poll_settled()).collect();
    assert_eq!(held.len(), 8);
    let findings = observer.finish().findings;
    assert_eq!(findings[0].searched, Searched::Done);
    assert!(findings[1..].iter().all(|finding| finding.searched != Searched::Done));
    drop(held);
}

/// A head is no frame, and belongs to no message.
#[test]
fn a_finding_in_a_head_names_no_frame_and_no_message() {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.bytes(leg, Role::Client, None, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let findings = observer.finish().findings;
    assert_eq!((findings[0].frame, findings[0].message), (None, None));
    let (mut observer, legs) = open(&["client-server"]);
    observer.bytes(legs[0], Role::Server, None, MASKED);
    let findings = observer.finish().findings;
    assert_eq!((findings[0].frame, findings[0].message), (Some(1), Some(1)));
}

/// A Close that refuses what is legal is a finding as others are: none behind the first that is enforced.
#[test]
fn a_refusal_behind_the_first_enforced_finding_is_not_reported_where_only_that_is_asked_for() {
    let refused = |observer: Observer| {
        let mut observer = observer;
        let leg = observer.leg("client-server");
        observer.open(leg, "");
        observer.bytes(leg, Role::Server, None, b"\x82\x02hi");
        observer.bytes(leg, Role::Client, None, b"\x82\x02hi");
        observer.bytes(leg, Role::Client, None, b"\x88\x82\0\0\0\0\x03\xea");
        observer.finish().findings.iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(refused(Observer::new(Endpoints::UNKNOWN)), [Some(Rule::MaskMissing), None]);
    assert_eq!(refused(Observer::new(Endpoints::UNKNOWN).until_first_enforced()), [Some(Rule::MaskMissing)]);
}
