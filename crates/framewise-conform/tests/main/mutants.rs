//! Every fault of an endpoint is noticed, by a case that names the right rule; an endpoint without one passes.

use framewise_conform::{Behaviour, Case, Clients, Closing, Reported, Server, Verdict, Work, cases};
use framewise_rules::{Answer, Offender, Role, Rule, SeenBy};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::peer::{self, Fault};

/// Cases that are small: the peer is not fast.
fn small(case: &Case) -> bool {
    let long = matches!(case.work, Work::Echoes(_))
        || case.name.starts_with("size/")
        || case.name.starts_with("flood/20000");
    // The peer inflates with zlib, which sees no data that reach beyond the window.
    let beyond_zlib =
        ["security/bomb/", "table/deflate-window"].iter().any(|prefix| case.name.starts_with(prefix));
    !long && !beyond_zlib
}

async fn server_verdicts(fault: Fault, wanted: impl Fn(&Case) -> bool) -> Vec<(Case, Verdict)> {
    let chosen: Vec<_> = cases::all().into_iter().filter(|case| small(case) && wanted(case)).collect();
    let url = peer::server(fault).await;
    let mut server = Server::new(&url).expect("a URL");
    server.patience = PATIENCE;
    let (verdicts, mut done) = mpsc::channel(64);
    let run = tokio::spawn(server.run(chosen.clone(), verdicts));
    let mut all = Vec::new();
    while let Some(done) = done.recv().await {
        all.push((chosen[done.index].clone(), done.verdict));
    }
    run.await.expect("no panic").expect("it is reached");
    all
}

async fn client_verdicts(fault: Fault, wanted: impl Fn(&Case) -> bool) -> Vec<(Case, Verdict)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let mut clients =
        Clients::new(cases::all().into_iter().filter(|case| small(case) && wanted(case)).collect());
    clients.patience = PATIENCE;
    let all = clients.cases.clone();
    let (told, mut heard) = mpsc::channel(64);
    let run = tokio::spawn(clients.run(listener, told));
    let count = all.len();
    let asking = tokio::spawn(async move {
        for first in (1..=count).step_by(16) {
            let mut asked = tokio::task::JoinSet::new();
            for case in first..=count.min(first + 15) {
                let address = address.clone();
                asked.spawn(async move {
                    peer::client(&address, &format!("/runCase?case={case}&agent=a"), fault).await;
                });
            }
            while asked.join_next().await.is_some() {}
        }
        peer::client(&address, "/stopServer", Fault::Nothing).await;
    });
    let mut verdicts = Vec::new();
    while let Some(reported) = heard.recv().await {
        if let Reported::Done { index, verdict, .. } = reported {
            verdicts.push((all[index].clone(), *verdict));
        }
    }
    run.await.expect("no panic");
    asking.await.expect("no panic");
    verdicts
}

/// What nothing comes for is waited for so long; the peer is on this machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

fn failures(verdicts: &[(Case, Verdict)]) -> Vec<String> {
    verdicts
        .iter()
        .filter(|(_, verdict)| !verdict.passed())
        .map(|(case, verdict)| {
            format!("{}: {:?} {:?} {}", case.name, verdict.behaviour, verdict.closing, verdict.says)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_without_a_fault_passes_everything() {
    let server = failures(&server_verdicts(Fault::Nothing, |_| true).await);
    assert!(server.is_empty(), "{}", server.join("\n"));
    let client = failures(&client_verdicts(Fault::Nothing, |_| true).await);
    assert!(client.is_empty(), "{}", client.join("\n"));
}

/// The rules that the peer checks, by the role that breaks them.
fn checked(by: Role) -> impl Iterator<Item = Rule> {
    Rule::ALL.iter().copied().filter(move |rule| {
        let side = match rule.by() {
            Offender::Client => by == Role::Client,
            Offender::Server => by == Role::Server,
            Offender::Either => true,
        };
        // What a peer without a check of its own would have to agree to, and what only its own decoder sees.
        let deflate = rule.topic() == "extension"
            && !matches!(rule, Rule::Rsv1OnControl | Rule::Rsv1OnContinuation | Rule::DeflateDataInvalid);
        let bytes = matches!(rule.answer(), Answer::Close(_) | Answer::Http(_) | Answer::Abort);
        side && bytes && !deflate && rule.topic() != "limit" && rule.seen_by() == SeenBy::Receiver
            // What is no HTTP, or no whole head, cannot be accepted by who does not check it.
            && !matches!(
                rule,
                Rule::RequestNotHttp
                    | Rule::RequestTruncated
                    | Rule::RequestTimeout
                    | Rule::RequestTooLarge
                    | Rule::RequestOrigin
                    | Rule::ResponseNotHttp
                    | Rule::ResponseMissing
                    | Rule::ResponseTooLarge
                    | Rule::ResponseTimeout
            )
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rule_that_a_server_does_not_check_is_noticed() {
    let mut missed = Vec::new();
    for rule in checked(Role::Client) {
        let verdicts = server_verdicts(Fault::Unchecked(rule), |case| case.rule == Some(rule)).await;
        if verdicts.iter().all(|(_, verdict)| verdict.passed()) {
            missed.push(format!("{rule}: {} cases", verdicts.len()));
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rule_that_a_client_does_not_check_is_noticed() {
    let mut missed = Vec::new();
    for rule in checked(Role::Server) {
        let verdicts = client_verdicts(Fault::Unchecked(rule), |case| case.rule == Some(rule)).await;
        if verdicts.iter().all(|(_, verdict)| verdict.passed()) {
            missed.push(format!("{rule}: {} cases", verdicts.len()));
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

/// What else an endpoint may do wrong, the cases that notice it, and what they say.
const FAULTS: [(Fault, &str, Option<Closing>); 21] = [
    (Fault::DropsInsteadOfFailing, "frame/opcode/3-empty", Some(Closing::Dropped)),
    (Fault::FailsWith(1000), "frame/opcode/3-empty", Some(Closing::WrongCode)),
    (Fault::FailsWith(1007), "frame/opcode/3-empty", Some(Closing::WrongCode)),
    (Fault::FailsWith(1002), "text/sequence/impossible-1", Some(Closing::WrongCode)),
    (Fault::EmptyPongs, "control/ping/text", None),
    (Fault::NoPongs, "control/ping/text", None),
    (Fault::AnswersPongs, "control/pong/unsolicited-then-ping", None),
    (Fault::EmptyCloses, "close/code/3000-is-echoed", Some(Closing::NoCode)),
    (Fault::NoCloses, "close/payload/code", None),
    (Fault::Lingers, "close/payload/code", Some(Closing::Lingering)),
    (Fault::ReplacesLong, "frame/length/text-65536", None),
    (Fault::WrongKind, "frame/length/binary-1", None),
    (Fault::WrongMask, "frame/length/text-1", None),
    (Fault::Unchecked(Rule::FrameTooBig), "limit/announced/1-tib", Some(Closing::Missing)),
    (Fault::NoTakeover, "deflate/frames/takeover", None),
    (Fault::DoesNotInflate, "deflate/frames/one-frame", None),
    (Fault::LosesFragments, "flood/100-fragments", None),
    (Fault::TiredOfPings, "flood/100-pings-empty", None),
    // Faults of servers alone.
    (Fault::EndsAll, "isolation/rsv2-set", None),
    (Fault::AgreesTooMuch, "deflate/frames/one-frame", None),
    (Fault::ComparesCase, "handshake/accepts/upgrade-upper-case", None),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_other_fault_is_noticed() {
    let mut missed = Vec::new();
    for (fault, name, closing) in FAULTS {
        for role in [Role::Server, Role::Client] {
            // A client does not end TCP first.
            let of_servers =
                matches!(fault, Fault::Lingers | Fault::EndsAll | Fault::AgreesTooMuch | Fault::ComparesCase);
            if of_servers && role == Role::Client {
                continue;
            }
            let verdicts = match role {
                Role::Server => server_verdicts(fault, |case| case.name == name).await,
                Role::Client => client_verdicts(fault, |case| case.name == name).await,
            };
            let [(_, verdict)] = &verdicts[..] else { panic!("{name} for {role}: {} cases", verdicts.len()) };
            if verdict.passed() || closing.is_some_and(|closing| closing != verdict.closing) {
                missed.push(format!(
                    "{fault:?} of a {role}: {:?} {:?} {}",
                    verdict.behaviour, verdict.closing, verdict.says
                ));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_reads_after_a_close_or_checks_late_is_told_apart() {
    let after = server_verdicts(Fault::ReadsAfterClose, |case| case.name == "close/message-after").await;
    assert!(!after[0].1.passed(), "{:?}", after[0].1);
    let late = server_verdicts(Fault::ChecksLate, |case| case.name.starts_with("text/fail-fast/")).await;
    assert_eq!(late.len(), 4);
    for (case, verdict) in late {
        assert_eq!(verdict.behaviour, Behaviour::NonStrict, "{}: {}", case.name, verdict.says);
    }
}
