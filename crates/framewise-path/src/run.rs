//! Runs the probes.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use framewise::rustls::pki_types::CertificateDer;
use framewise::{Client, Limits, Proxy, Url};
use framewise_rules::Cause;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::file::Results;
use crate::judge::{self, Ends, Note};
use crate::memory::Watch;
use crate::outcome::{limited_life, outcome, skipped, worst_first};
use crate::play::{DIAL, Failed, Far, Taps};
use crate::probe::{Group, Measure, Probe};
use crate::reach::Unreached;
use crate::report::{Figure, Outcome, Report, Verdict};
use crate::server::{Plays, Server};
use crate::software;
use crate::tap::Tap;
use crate::token::Token;
use crate::transcript;
use crate::wire::random;

/// Probes at the same time.
const CONCURRENT: usize = 16;

/// Why a path could not be tested, in one sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// A path between our client and our server.
#[derive(Clone, Debug)]
pub struct Path {
    pub(crate) via: String,
    origin: String,
    pub(crate) url: Url,
    pub(crate) dialled: String,
    pub(crate) client: Client,
    pub(crate) host: String,
    pub(crate) taps: Taps,
    /// Certificates that the client trusts beside those of the system.
    pub(crate) roots: Vec<CertificateDer<'static>>,
    /// Lines that each request has.
    pub(crate) headers: Vec<(String, String)>,
    /// The intermediary's process, on this machine.
    process: Option<u32>,
}

impl Path {
    /// The path that begins at `via` (`ws://`, `wss://`, or the proxies `http://`, `https://`, `socks5://` and `socks5h://`)
    /// and ends at our server, which listens at `origin`.
    ///
    /// # Errors
    ///
    /// A URL or an address that is none.
    pub fn new(via: &str, origin: &str) -> Result<Self, Unusable> {
        Self::with_roots(Vec::new(), via, origin)
    }

    /// As [`Path::new`]; the client trusts these certificates too.
    ///
    /// # Errors
    ///
    /// A URL or an address that is none.
    pub fn with_roots(
        roots: Vec<CertificateDer<'static>>,
        via: &str,
        origin: &str,
    ) -> Result<Self, Unusable> {
        let mut client = Client::new();
        for root in &roots {
            client = client.add_root_certificate(root.clone());
        }
        let scheme = via.split_once("://").map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        let client = client.limits(Limits::DEFAULT.handshake(DIAL));
        let said = |error: framewise::Error| Unusable(error.to_string());
        let (client, dialled) = match scheme.as_str() {
            "http" | "https" | "socks5" | "socks5h" => {
                if origin.is_empty() {
                    return Err(Unusable(format!(
                        "{} is a proxy that tunnels: --target says to which server (HOST:PORT)",
                        without_login(via)
                    )));
                }
                let origin =
                    if origin.contains(':') { origin.to_owned() } else { format!("127.0.0.1:{origin}") };
                (client.proxy(Proxy::parse(via).map_err(said)?), format!("ws://{origin}/"))
            }
            "" => (client, format!("ws://{via}")),
            _ => (client, via.to_owned()),
        };
        let url: Url = dialled.parse().map_err(said)?;
        let host = url.authority().to_owned();
        let taps = Taps::default();
        let headers = Vec::new();
        Ok(Self {
            via: without_login(via),
            origin: origin.to_owned(),
            url,
            dialled,
            client,
            host,
            taps,
            roots,
            headers,
            process: None,
        })
    }

    /// Taps between the intermediaries, in the order of the path: each passes the connections of its listener on to an address.
    ///
    /// # Errors
    ///
    /// A listener without an address.
    pub fn taps(mut self, taps: Vec<(TcpListener, String)>) -> Result<Self, Unusable> {
        let mut all = Vec::new();
        for (listener, forward) in taps {
            let address = listener.local_addr().map_err(|error| Unusable(error.to_string()))?;
            all.push(Tap::new(listener, address.to_string(), forward));
        }
        self.taps = Arc::new(all);
        Ok(self)
    }

    /// A header that each request has: a login that the intermediary wants, say.
    ///
    /// # Errors
    ///
    /// A name that is not a token, or a value with a line break.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Unusable> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) || value.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(Unusable(format!("{name}: a header needs a name and a value in one line")));
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// The number of the intermediary's process, where it runs on this machine: how much its memory grows is measured (Linux).
    #[must_use]
    pub const fn process(mut self, number: u32) -> Self {
        self.process = Some(number);
        self
    }

    /// Runs the probes, and says of each what became of it as soon as it is known.
    ///
    /// # Errors
    ///
    /// Our server cannot listen, or nobody listens at the intermediary's address.
    pub async fn run(&self, probes: &[Probe], told: impl FnMut(&Outcome)) -> Result<Report, Unusable> {
        let listener = TcpListener::bind(&self.origin).await.map_err(|error| {
            let address = &self.origin;
            Unusable(if error.kind() == std::io::ErrorKind::AddrInUse {
                format!(
                    "{address} is in use by another program; stop it, since the intermediary forwards to this address"
                )
            } else {
                format!("cannot listen on {address}: {error}; --origin is where the intermediary forwards to")
            })
        })?;
        self.run_on(listener, probes, told).await
    }

    /// As [`Path::run`], with a listener for our server.
    ///
    /// # Errors
    ///
    /// Nobody listens at the intermediary's address.
    pub async fn run_on(
        &self,
        listener: TcpListener,
        probes: &[Probe],
        told: impl FnMut(&Outcome),
    ) -> Result<Report, Unusable> {
        let run = random();
        let mut table: HashMap<_, _> =
            probes.iter().map(|probe| (probe.name.clone(), Arc::new(probe.clone()))).collect();
        let plain = crate::probes::plain();
        table.entry(plain.name.clone()).or_insert_with(|| Arc::new(plain));
        let far = Far::Here(Server::new(listener, Plays::Run(run, table)));
        self.examine(far, run, probes, told).await
    }

    /// As [`Path::run`], with our server in another program, [`serve`](crate::serve), which is found through the
    /// intermediary; what it saw comes back the same way.
    ///
    /// # Errors
    ///
    /// Nobody listens at the intermediary's address, our server is of another version, or what it saw does not come back.
    pub async fn run_remotely(
        &self,
        probes: &[Probe],
        told: impl FnMut(&Outcome),
    ) -> Result<Report, Unusable> {
        self.examine(Far::There, random(), probes, told).await
    }

    /// As [`Path::run_remotely`]; what our server saw comes back in a file, to which
    /// [`serve_with_results`](crate::serve_with_results) appends: on a disk that both programs reach, or copied as it grows
    /// (`ssh SERVER tail -f FILE`).
    ///
    /// # Errors
    ///
    /// Nobody listens at the intermediary's address, or the file cannot be read.
    pub async fn run_with_results(
        &self,
        file: &std::path::Path,
        probes: &[Probe],
        told: impl FnMut(&Outcome),
    ) -> Result<Report, Unusable> {
        let results = Results::new(file)
            .map_err(|error| Unusable(format!("cannot read {}: {error}", file.display())))?;
        self.examine(Far::File(results), random(), probes, told).await
    }

    async fn examine(
        &self,
        far: Far,
        run: u64,
        probes: &[Probe],
        mut told: impl FnMut(&Outcome),
    ) -> Result<Report, Unusable> {
        let plain = crate::probes::plain();
        let mut number = 0;
        let (reached, ends) = match Box::pin(self.reach()).await {
            Ok(()) => {
                let (reached, ends, failed) = self.play(&plain, &far, run, &mut number).await;
                if let Some(Failed::Results(says)) = failed {
                    return Err(Unusable(format!("{}: {says}", self.via)));
                }
                (reached, ends)
            }
            Err(Unreached::Nothing(says)) => return Err(Unusable(says)),
            Err(Unreached::Refused(note, ends)) => {
                let mut reached = outcome(&plain, vec![note], (Vec::new(), Vec::new()), Duration::ZERO);
                if !ends.client.sent.bytes.is_empty() {
                    reached.transcript = transcript::transcript(&ends);
                }
                (reached, *ends)
            }
        };
        let software = software::recognise(&ends);
        let open = reached.verdict != Verdict::Refused
            && (reached.verdict == Verdict::AsSent
                || reached.verdict == Verdict::Changed
                || ends.server.is_some() && ends.client.got.head > 0);
        let mut outcomes: Vec<Option<Outcome>> = vec![None; probes.len()];
        let mut put = |index: usize, outcome: Outcome, outcomes: &mut Vec<Option<Outcome>>| {
            told(&outcome);
            outcomes[index] = Some(outcome);
        };
        for (index, probe) in probes.iter().enumerate() {
            if probe.name == plain.name {
                put(index, reached.clone(), &mut outcomes);
            } else if !open {
                put(index, skipped(probe, "no connection can be opened: see handshake/plain"), &mut outcomes);
            }
        }
        let (path, far) = (Arc::new(self.clone()), Arc::new(far));
        let slots = Arc::new(Semaphore::new(CONCURRENT));
        let mut running = JoinSet::new();
        let mut start = |index: usize, probe: &Probe, running: &mut JoinSet<(usize, Outcome)>, slot| {
            let (path, far, probe) = (path.clone(), far.clone(), probe.clone());
            let mut first = number;
            number += probe.connections;
            running.spawn(async move {
                let (outcome, ..) = path.play(&probe, &far, run, &mut first).await;
                drop(slot);
                (index, outcome)
            });
        };
        let due: Vec<_> =
            probes.iter().enumerate().filter(|(_, probe)| open && probe.name != plain.name).collect();
        // Silence costs nothing: it lasts while the rest runs.
        for (index, probe) in due.iter().filter(|(_, probe)| probe.group == Group::Idle) {
            start(*index, probe, &mut running, None);
        }
        // A reload ends whatever is open in some intermediaries: it is the last thing that happens.
        let last = |probe: &Probe| probe.measure == Measure::Reload || probe.name == "time/after-reload";
        for (index, probe) in due.iter().filter(|(_, probe)| probe.group != Group::Idle && !last(probe)) {
            let weight = if probe.alone { CONCURRENT as u32 } else { 1 };
            let Ok(slot) = slots.clone().acquire_many_owned(weight).await else { break };
            start(*index, probe, &mut running, Some(slot));
            while let Some(Ok((index, outcome))) = running.try_join_next() {
                put(index, outcome, &mut outcomes);
            }
        }
        while let Some(Ok((index, outcome))) = running.join_next().await {
            put(index, outcome, &mut outcomes);
        }
        for (index, probe) in due.iter().filter(|(_, probe)| last(probe)) {
            start(*index, probe, &mut running, None);
            while let Some(Ok((index, outcome))) = running.join_next().await {
                put(index, outcome, &mut outcomes);
            }
        }
        let mut probes: Vec<_> = outcomes.into_iter().flatten().collect();
        // What keeps every connection from opening is found, whatever was selected.
        if !open && !probes.iter().any(|outcome| outcome.name == reached.name) {
            probes.insert(0, reached);
        }
        limited_life(&mut probes);
        let causes = worst_first(&probes);
        let fixes = software::fixes(software, &causes);
        Ok(Report {
            via: self.via.clone(),
            origin: self.origin.clone(),
            software: software.map(str::to_owned),
            probes,
            causes,
            fixes,
        })
    }

    /// Plays a probe on as many connections as it has, and judges it; the ends of the connection that it is about.
    async fn play(
        &self,
        probe: &Probe,
        far: &Far,
        run: u64,
        number: &mut usize,
    ) -> (Outcome, Ends, Option<Failed>) {
        if probe.group == Group::Http2 {
            return self.play_http2(probe, far, run, number).await;
        }
        let began = Instant::now();
        let tokens: Vec<_> = (*number..*number + probe.connections)
            .map(|number| Token::new(run, number, &probe.name))
            .collect();
        *number += probe.connections;
        // Others do not run at the same time.
        let memory = self.process.filter(|_| probe.alone && probe.measures_memory()).and_then(Watch::new);
        let connections = tokens.iter().map(|token| self.connection(probe, token, far)).collect();
        let ends = together(connections).await;
        if let Some(failed @ Failed::Results(says)) = ends.iter().find_map(|ends| ends.as_ref().err()) {
            return (skipped(probe, says), Ends::default(), Some(failed.clone()));
        }
        let (mut bad, mut first_bad) = (0, 0);
        let mut notes = Vec::new();
        let mut hops = Vec::new();
        for (index, ends) in ends.iter().enumerate() {
            let seen = match ends {
                Ok(ends) => judge::judge(probe, ends),
                Err(Failed::NotTaken(says) | Failed::Results(says)) => {
                    vec![Note::new(Verdict::Refused, &[Cause::ConnectionCutOnPath], says.clone())]
                }
            };
            bad += usize::from(!seen.is_empty());
            if notes.is_empty() {
                if let (Ok(ends), false) = (ends, seen.is_empty()) {
                    hops = judge::hops(probe, ends);
                }
                (notes, first_bad) = (seen, index);
            }
        }
        if probe.connections > 1 && bad > 0 {
            notes[0].says = format!("{bad} of {} connections failed: {}", probe.connections, notes[0].says);
        }
        // What is shown is the connection that the notes are about.
        let shown = ends.into_iter().nth(first_bad).and_then(Result::ok).unwrap_or_default();
        let mut figures = judge::figures(probe, &shown);
        if let Some(memory) = memory {
            let value = f64::from(u32::try_from(memory.grew() >> 10).unwrap_or(u32::MAX)) / 1024.0;
            figures.push(Figure { what: "growth of the intermediary’s memory".into(), value, unit: "MiB" });
        }
        let mut outcome = outcome(probe, notes, (figures, hops), began.elapsed());
        if outcome.verdict != Verdict::AsSent {
            outcome.transcript = transcript::transcript(&shown);
        }
        (outcome, shown, None)
    }
}

impl Path {
    async fn play_http2(
        &self,
        probe: &Probe,
        far: &Far,
        run: u64,
        number: &mut usize,
    ) -> (Outcome, Ends, Option<Failed>) {
        let began = Instant::now();
        let token = Token::new(run, *number, &probe.name);
        *number += 1;
        let (notes, ends) = match self.stream(probe, &token, far).await {
            Err(Failed::NotTaken(says) | Failed::Results(says)) => {
                return (skipped(probe, says), Ends::default(), None);
            }
            Ok(Err(bridge)) => match judge::http2::unopened(bridge) {
                Ok(note) => (vec![note], Ends::default()),
                Err(says) => return (skipped(probe, says), Ends::default(), None),
            },
            Ok(Ok(ends)) => (judge::http2::judge(probe, &ends), ends),
        };
        let mut outcome = outcome(probe, notes, (Vec::new(), Vec::new()), began.elapsed());
        if outcome.verdict != Verdict::AsSent {
            outcome.transcript = transcript::transcript(&ends);
        }
        (outcome, ends, None)
    }
}

/// The URL as it is shown: a report is passed on, and the name and password of a proxy are not for others.
fn without_login(via: &str) -> String {
    let start = via.find("://").map_or(0, |scheme| scheme + 3);
    let end = via[start..].find(['/', '?', '#']).map_or(via.len(), |end| start + end);
    match via[start..end].rfind('@') {
        Some(at) => format!("{}***{}", &via[..start], &via[start + at..]),
        None => via.to_owned(),
    }
}

/// All of them at the same time.
async fn together<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    use std::task::Poll;
    let mut running: Vec<_> = futures.into_iter().map(|future| (Some(Box::pin(future)), None)).collect();
    std::future::poll_fn(move |cx| {
        let mut all = true;
        for (future, output) in &mut running {
            if let Some(pinned) = future {
                match pinned.as_mut().poll(cx) {
                    Poll::Ready(done) => (*future, *output) = (None, Some(done)),
                    Poll::Pending => all = false,
                }
            }
        }
        if all {
            Poll::Ready(running.iter_mut().filter_map(|(_, output)| output.take()).collect())
        } else {
            Poll::Pending
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_in_no_report() {
        for (via, shown) in [
            ("http://name:pass@proxy:3128", "http://***@proxy:3128"),
            ("socks5://name:p@ss@[::1]:1080/", "socks5://***@[::1]:1080/"),
            ("ws://127.0.0.1:8080/a@b?c@d", "ws://127.0.0.1:8080/a@b?c@d"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
        ] {
            assert_eq!(without_login(via), shown);
        }
        let path = Path::new("http://name:secret@127.0.0.1:1", "127.0.0.1:2").expect("a path");
        assert!(!path.via.contains("secret"));
        let error = Path::new("socks5://name:secret@127.0.0.1:1", "").expect_err("no target");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
