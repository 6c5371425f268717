//! Each offer of permessage-deflate, and compressed data with each of its bits turned.

use std::fmt::Write as _;

use framewise_proto::Opcode;
use framewise_proto::deflate::DeflateAgreement;
use framewise_proto::extension::parse_extensions;
use framewise_rules::{Role, Rule};

use super::deflate::{HELLO, PLAIN, needing};
use super::handshake::{FIELDS, case, request};
use super::table::Strict;
use super::{frames, limits};
use crate::case::{Case, Deflate, Due, DueStatus, Echoes, Frame, Level, Material, Needs, Step};
use crate::wire::{Numbers, push_frame};

pub(super) fn push(cases: &mut Vec<Case>) {
    offers(cases);
    invalid_offers(cases);
    turned_bits(cases);
}

/// RFC 7692 §7.1: what an offer may ask for and promise. A server accepts it, with parameters that fit, or declines it; and
/// then messages of two sizes come back, with the parameters that were agreed.
fn offers(cases: &mut Vec<Case>) {
    let server_bits = [None, Some(9), Some(10), Some(11), Some(12), Some(13), Some(14), Some(15)];
    for (client_takeover, server_takeover) in [(true, true), (true, false), (false, true), (false, false)] {
        for client_bits in [None, Some(0), Some(9), Some(10), Some(12), Some(15)] {
            for bits in server_bits {
                let (mut offer, mut answer) = (PLAIN.to_owned(), PLAIN.to_owned());
                let mut name = String::from("deflate/offer/");
                let mut word = |text: &str| {
                    if !name.ends_with('/') {
                        name.push('-');
                    }
                    name.push_str(text);
                };
                if !client_takeover {
                    word("cnct");
                    offer.push_str("; client_no_context_takeover");
                    answer.push_str("; client_no_context_takeover");
                }
                if !server_takeover {
                    word("snct");
                    offer.push_str("; server_no_context_takeover");
                }
                match client_bits {
                    None => {}
                    Some(0) => {
                        word("cmwb");
                        offer.push_str("; client_max_window_bits");
                    }
                    Some(bits) => {
                        word(&format!("cmwb{bits}"));
                        let _ = write!(offer, "; client_max_window_bits={bits}");
                        let _ = write!(answer, "; client_max_window_bits={bits}");
                    }
                }
                if let Some(bits) = bits {
                    word(&format!("smwb{bits}"));
                    let _ = write!(offer, "; server_max_window_bits={bits}");
                }
                if name.ends_with('/') {
                    name.push_str("plain");
                }
                let deflate =
                    Deflate { offer: offer.clone().into(), answers: vec![answer.into()], exactly: None };
                for (suffix, size) in [("", 64), ("-large", 4_000)] {
                    let echoes = Echoes { of: Material::Json, size, count: 3, fragment: 0 };
                    let says = format!("Under the offer `{offer}` messages of {size} come back as they were");
                    let case = limits::echo_case(format!("{name}{suffix}"), says, echoes);
                    cases.push(needing(deflate.clone(), case));
                }
            }
        }
    }
}

/// RFC 7692 §7.1: "A server MUST decline an extension negotiation offer for this extension if any of the following
/// conditions are met". Declining is not failing: the handshake continues, without the extension.
fn invalid_offers(cases: &mut Vec<Case>) {
    for (name, parameters) in [
        ("unknown-parameter", "x=1"),
        ("window-7", "server_max_window_bits=7"),
        ("window-16", "server_max_window_bits=16"),
        ("window-0", "server_max_window_bits=0"),
        ("window-leading-zero", "server_max_window_bits=010"),
        ("window-text", "server_max_window_bits=ten"),
        ("window-negative", "server_max_window_bits=-10"),
        ("server-window-without-value", "server_max_window_bits"),
        ("client-window-7", "client_max_window_bits=7"),
        ("client-window-16", "client_max_window_bits=16"),
        ("client-takeover-with-value", "client_no_context_takeover=1"),
        ("server-takeover-with-value", "server_no_context_takeover=true"),
        ("repeated-client-takeover", "client_no_context_takeover; client_no_context_takeover"),
        ("repeated-window", "server_max_window_bits=10; server_max_window_bits=11"),
    ] {
        let value = format!("{PLAIN}; {parameters}");
        let fields: Vec<_> = FIELDS.iter().copied().chain([("Sec-WebSocket-Extensions", &*value)]).collect();
        let head = request("GET {path} HTTP/1.1", &fields);
        let says = format!("The offer `{value}` is declined, and the handshake goes on");
        let case = case(format!("deflate/invalid-offer/{name}"), says, head, DueStatus::Decline);
        cases.push(case.rule(Rule::DeflateOfferInvalid));
    }
}

/// RFC 7692 §7.2.2: data that does not inflate fails the connection; and what inflates to something else is another message.
/// Which of them a turned bit makes of it, the engine says.
fn turned_bits(cases: &mut Vec<Case>) {
    let deflate = Deflate { offer: PLAIN.into(), answers: vec![PLAIN.into()], exactly: None };
    let agreed = parse_extensions(PLAIN).as_deref().and_then(DeflateAgreement::in_response);
    let mut numbers = Numbers::new();
    let mut reads = |frame: &Frame| {
        let mut bytes = Vec::new();
        push_frame(&mut bytes, frame, Role::Client, &mut numbers);
        Strict::reads(Role::Server, agreed.as_ref(), &bytes)
    };
    let mut add = |name: String, payload: Vec<u8>, ends_early: bool| {
        let frame = Frame::new(Opcode::Text, payload).rsv(4);
        let strict = reads(&frame);
        // That data end inside a block is seen by few decoders, and no sentence says that it has to be.
        let observed = ends_early || strict.broke && !reads(&frame.clone().unfinished()).broke;
        let (due, says) = if observed {
            (Due::Observe, "Compressed data that end too early: what the endpoint does")
        } else if strict.broke {
            // What inflates is not UTF-8, or it does not inflate: 1007 says so in either case.
            let due = Due::Fail { codes: vec![1007, 1002], before: vec![], late: vec![] };
            (due, "Compressed data with a fault does not inflate to a text, and fails the connection")
        } else {
            (
                Due::Answer(strict.answers),
                "Compressed data with a bit turned is another message, and comes back",
            )
        };
        let case = frames(name, says, vec![Step::Frame(frame)], due);
        let broken = strict.broke && !observed;
        let case = if broken { case.rule(Rule::DeflateDataInvalid) } else { case };
        let case = case.level(if observed { Level::Observe } else { Level::Must });
        let needs = Needs { deflate: Some(deflate.clone()), ..case.needs.clone() };
        cases.push(Case { needs, ..case });
    };
    for at in 0..HELLO.len() * 8 {
        let mut payload = HELLO.to_vec();
        payload[at / 8] ^= 1 << (at % 8);
        // BFINAL: RFC 7692 §7.2.3.4 lets data end with it, and endpoints differ in what may follow.
        add(format!("deflate/turned-bit/{at}"), payload, at == 0);
    }
    for length in 1..HELLO.len() - 1 {
        add(format!("deflate/truncated/{length}"), HELLO[..length].to_vec(), false);
    }
}
