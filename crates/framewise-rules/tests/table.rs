//! What the types beside the table say: names, numbers, defaults, and the setups of the examples.
#![allow(missing_docs)]

use std::time::Duration;

use framewise_rules::{
    Answer, Cause, CloseCode, Document, Limits, MessageKinds, Offender, Role, Rule, Setup,
};

#[test]
fn an_id_leads_back_and_is_what_is_displayed() {
    for &cause in Cause::ALL {
        assert_eq!(Cause::from_id(cause.id()), Some(cause));
        assert_eq!(cause.to_string(), cause.id());
    }
    assert_eq!(Cause::from_id("no-such-cause"), None);
    for &rule in Rule::ALL {
        assert_eq!(rule.to_string(), rule.id());
    }
    assert_eq!(Rule::from_id("no-such-rule"), None);
}

#[test]
fn a_role_has_its_name_and_its_peer() {
    assert_eq!((Role::Client.peer(), Role::Server.peer()), (Role::Server, Role::Client));
    assert_eq!([Role::Client, Role::Server].map(|role| role.to_string()), ["client", "server"]);
    let both = [Role::Client, Role::Server];
    assert_eq!(both.map(|role| Offender::Either.includes(role)), [true, true]);
    assert_eq!(both.map(|role| Offender::Client.includes(role)), [true, false]);
    assert_eq!(both.map(|role| Offender::Server.includes(role)), [false, true]);
}

/// RFC 6455 §7.4.1 reserves four codes, and no others.
#[test]
fn four_codes_are_reserved() {
    let reserved: Vec<u16> = (0..=u16::MAX).filter(|&code| CloseCode(code).is_reserved()).collect();
    assert_eq!(reserved, [1004, 1005, 1006, 1015]);
    assert_eq!(CloseCode::from(1000), CloseCode::NORMAL_CLOSURE);
    assert_eq!(CloseCode(4321).to_string(), "4321");
    assert_eq!(format!("{:>5}", CloseCode(1000)), " 1000");
}

#[test]
fn an_answer_is_displayed_with_its_number() {
    let answers =
        [Answer::Close(CloseCode(1002)), Answer::Http(426), Answer::Abort, Answer::Lost, Answer::Note];
    assert_eq!(
        answers.map(|answer| answer.to_string()),
        ["close 1002", "http 426", "abort", "1006", "note"].map(str::to_owned)
    );
    assert_eq!(
        answers.map(Answer::close_code),
        [Some(CloseCode(1002)), None, None, Some(CloseCode(1006)), None]
    );
}

#[test]
fn a_source_is_displayed_with_its_section_and_has_an_address() {
    let shown = |rule: Rule, document| {
        let source = rule.sources().iter().find(|source| source.document == document).expect("a source");
        (source.to_string(), source.url())
    };
    assert_eq!(
        shown(Rule::MaskMissing, Document::Rfc6455),
        ("RFC 6455 §5.1".into(), "https://www.rfc-editor.org/rfc/rfc6455#section-5.1".into())
    );
    assert_eq!(
        shown(Rule::Rsv1OnControl, Document::Rfc7692).1,
        "https://www.rfc-editor.org/rfc/rfc7692#section-6.1"
    );
}

/// The defaults are part of the interface: the documentation names them.
#[test]
fn the_default_limits_are_those_that_are_documented() {
    let Limits { head, message, frame, fragments, control_run, control_rate, inflated, .. } =
        Limits::default();
    assert_eq!((head, message, frame), (16_384, 67_108_864, 67_108_864));
    assert_eq!((fragments, control_run, control_rate, inflated), (131_072, 4_096, 1_024, 67_108_864));
    let Limits { inflate_ratio, inflate_ratio_from, handshake, idle, close, .. } = Limits::default();
    assert_eq!((inflate_ratio, inflate_ratio_from), (200, 1_048_576));
    assert_eq!((handshake, idle, close), (Duration::from_secs(10), None, Duration::from_secs(5)));
}

/// An example that shows a limit is judged under one that its bytes can pass.
#[test]
fn the_examples_of_a_setting_are_set_up_for_it() {
    type Differs = fn(&Setup) -> bool;
    let settings: [(Rule, Differs); 17] = [
        (Rule::UnsupportedData, |setup| setup.messages == MessageKinds::TextOnly),
        (Rule::UnsupportedData, |setup| setup.messages == MessageKinds::BinaryOnly),
        (Rule::MessageTooBig, |setup| setup.limits.message == 16),
        (Rule::FrameTooBig, |setup| setup.limits.frame == 16),
        (Rule::FragmentsTooMany, |setup| setup.limits.fragments == 2),
        (Rule::InflateTooBig, |setup| setup.limits.inflated == 16),
        (Rule::InflateTooBig, |setup| {
            setup.limits.inflate_ratio == 1 && setup.limits.inflate_ratio_from == 16
        }),
        (Rule::ControlFlood, |setup| setup.limits.control_run == 2),
        (Rule::ControlFlood, |setup| setup.limits.control_rate == 2),
        (Rule::IdleTimeout, |setup| setup.limits.idle == Some(Duration::from_secs(60))),
        (Rule::CloseTimeout, |setup| setup.limits.close < Limits::DEFAULT.close),
        (Rule::RequestTooLarge, |setup| setup.limits.head < 200),
        (Rule::ResponseTooLarge, |setup| setup.limits.head < 200),
        (Rule::RequestTimeout, |setup| setup.limits.handshake < Limits::DEFAULT.handshake),
        (Rule::ResponseTimeout, |setup| setup.limits.handshake < Limits::DEFAULT.handshake),
        (Rule::RequestOrigin, |setup| setup.origins.is_some()),
        (Rule::ExtensionRequired, |setup| setup.requires_deflate),
    ];
    let mut lacking = Vec::new();
    for (index, (rule, differs)) in settings.into_iter().enumerate() {
        let examples = rule.examples();
        lacking.extend((!examples.bad.iter().any(|bad| differs(&bad.setup))).then_some((index, rule, "bad")));
        lacking.extend(
            (!examples.good.iter().any(|good| differs(&good.setup))).then_some((index, rule, "good")),
        );
    }
    assert!(lacking.is_empty(), "{lacking:?}");
    for rule in [Rule::RequestTooLarge, Rule::ResponseTooLarge] {
        let heads = |setups: Vec<&Setup>| -> Vec<usize> {
            setups.iter().map(|setup| setup.limits.head).filter(|head| *head < 200).collect()
        };
        let examples = rule.examples();
        let bad = heads(examples.bad.iter().map(|bad| &bad.setup).collect());
        let good = heads(examples.good.iter().map(|good| &good.setup).collect());
        assert!(bad.iter().any(|bad| good.contains(&(bad + 1))), "{rule}: {bad:?} and {good:?}");
    }
    let second = Rule::CloseTimeout.examples().bad.iter().filter(|bad| bad.setup.limits.close.as_secs() == 1);
    assert_eq!(second.count(), 1, "one Close comes too late for an endpoint that waits for a second");
}
