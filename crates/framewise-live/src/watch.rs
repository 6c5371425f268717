use std::sync::Arc;
use std::time::Duration;

use framewise_inspect::report::Finding;
use framewise_inspect::{Connection, Diagnosis, Endpoints, LegId, Observed, Observer};
use framewise_rules::{Answer, Role};
use framewise_transcript::{Action, Event as Recorded};

use crate::pair::Position;
use crate::search::off_the_byte_path;
use crate::tap::{Did, Step};
use crate::{About, Event, Recorder, Sink};

/// Bytes that the observer takes at once: of more, the search for causes would miss the beginning.
const PIECE: usize = 32 * 1024;

/// Bytes of a connection with permessage-deflate that are observed at once: they may inflate to a thousand times as many.
const INFLATED_AT_ONCE: usize = 2 * 1024;

/// One connection that is observed while it passes: what each side does goes in, events come out.
pub struct Watch {
    about: About,
    endpoints: Endpoints,
    sink: Arc<dyn Sink>,
    recorder: Option<Recorder>,
    observer: Observer,
    leg: LegId,
    /// The leg behind an intermediary, once something of it was seen.
    behind: Option<LegId>,
    place: Position,
    judging: Judging,
    /// What each side of each leg may still do.
    sides: [[Side; 2]; 2],
    /// Findings that were reported already.
    reported: usize,
    /// What waits for a search.
    rest: Option<Rest<Vec<u8>>>,
}

/// One side of a leg, as the byte path reported it: reading and writing may both tell of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Open,
    /// It closed its direction.
    Ended,
    Reset,
}

/// A search for the causes of a finding, which may take long.
#[derive(Debug)]
pub(crate) struct Search {
    diagnosis: Box<Diagnosis>,
    of: Of,
}

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// The causes of a finding that is not reported yet.
    New,
    /// Those of a reported one, before the bytes around it are dropped.
    Settled,
}

/// Bytes that one side sent, of which some were observed.
#[derive(Debug)]
struct Rest<B> {
    leg: LegId,
    from: Role,
    time: Duration,
    bytes: B,
}

/// How long a connection is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judging {
    /// To its end.
    Everything,
    /// Up to the first rule that is broken and enforced.
    UntilFirstEnforced,
    /// Not any more.
    Done,
}

impl Watch {
    /// Observes a connection, with what is known about its endpoints.
    pub fn new(about: About, endpoints: Endpoints, sink: Arc<dyn Sink>) -> Self {
        let mut observer = observer(endpoints, &*sink);
        let leg = observer.leg("client-server");
        Self {
            about,
            endpoints,
            sink,
            recorder: None,
            observer,
            leg,
            behind: None,
            place: Position::Alone,
            judging: Judging::Everything,
            sides: [[Side::Open; 2]; 2],
            reported: 0,
            rest: None,
        }
    }

    /// Records the connection as well.
    #[must_use]
    pub fn recorded(mut self, recorder: Option<Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Judges nothing after the first rule that is broken and enforced: a strict endpoint ends the connection there, and a
    /// hostile peer could send broken frames without end.
    #[must_use]
    pub fn until_first_enforced(mut self) -> Self {
        self.observer = self.observer.until_first_enforced();
        self.judging = Judging::UntilFirstEnforced;
        self
    }

    /// Where on the way it is.
    pub(crate) fn at(mut self, place: Position) -> Self {
        if let Position::Before(_) = place {
            let mut observer = observer(self.endpoints, &*self.sink).with_several_legs();
            self.leg = observer.leg("client-proxy");
            self.observer = observer;
        }
        self.place = place;
        self
    }

    pub(crate) const fn place(&self) -> &Position {
        &self.place
    }

    /// No connection before the intermediary is this one.
    pub(crate) fn is_not_paired(&self) {
        self.sink.event(&self.about, Event::NotPaired);
    }

    fn leg_of(&mut self, behind: bool) -> LegId {
        if behind { *self.behind.get_or_insert_with(|| self.observer.leg("proxy-server")) } else { self.leg }
    }

    /// Whether noting this may take long: a recording is written to a disk, and a small payload may inflate to a large one.
    pub(crate) fn takes_long(&self, did: Did<'_>) -> bool {
        let inflates = match did {
            Did::Bytes(bytes) => bytes.len() > INFLATED_AT_ONCE && self.observer.inflates(),
            Did::Eof | Did::Reset => false,
        };
        inflates || self.recorder.is_some()
    }

    /// Whether every step may take long.
    pub(crate) const fn stays_in_task(&self) -> bool {
        self.recorder.is_some()
    }

    /// Takes in what one side did. Where causes are to be searched for, the rest waits for [`Watch::searched`].
    pub(crate) fn note(&mut self, time: Duration, behind: bool, from: Role, did: Did<'_>) -> Option<Search> {
        let side = &mut self.sides[usize::from(behind)][usize::from(from == Role::Server)];
        // Only a reset can follow an end, and nothing a reset.
        let is_reset = matches!(did, Did::Reset);
        if *side == Side::Reset || (*side == Side::Ended && !is_reset) {
            return None;
        }
        match did {
            Did::Eof => *side = Side::Ended,
            Did::Reset => *side = Side::Reset,
            Did::Bytes(_) => {}
        }
        let leg = self.leg_of(behind);
        // What is finer than a microsecond says nothing about a connection.
        let time = Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        if self.recorder.is_some() {
            let action = did.to_action();
            self.record(&Recorded { line: 0, time: Some(time), leg: usize::from(behind), from, action });
        }
        if self.judging == Judging::Done {
            return None;
        }
        match did {
            Did::Bytes(bytes) => return self.observe(Rest { leg, from, time, bytes }),
            Did::Eof => self.observer.eof(leg, from, Some(time)),
            Did::Reset => self.observer.reset(leg, from, Some(time)),
        }
        self.report()
    }

    /// As [`Watch::note`], and searches for causes off the byte path.
    pub(crate) async fn step(&mut self, Step { time, behind, from, action }: Step) {
        let did = match &action {
            Action::Bytes(bytes) => Did::Bytes(bytes),
            Action::Eof => Did::Eof,
            Action::Reset => Did::Reset,
            // The byte path misses nothing.
            Action::Gap(_) => return,
        };
        let search = self.note(time, behind, from, did);
        self.search(search).await;
    }

    /// Does a search, and those that follow from it.
    pub(crate) async fn search(&mut self, mut search: Option<Search>) {
        while let Some(Search { diagnosis, of }) = search {
            let finding = off_the_byte_path(|| diagnosis.compute()).await;
            search = self.searched(of, finding);
        }
    }

    fn searched(&mut self, of: Of, finding: Finding) -> Option<Search> {
        match of {
            Of::Settled => self.observer.diagnosed(finding),
            Of::New => self.found(finding),
        }
        if let Some(search) = self.report() {
            return Some(search);
        }
        let Rest { leg, from, time, bytes } = self.rest.take()?;
        self.observe(Rest { leg, from, time, bytes: &bytes })
    }

    /// Observes bytes up to the first search for causes.
    fn observe(&mut self, Rest { leg, from, time, bytes }: Rest<&[u8]>) -> Option<Search> {
        let mut rest = bytes;
        while !rest.is_empty() && self.judging != Judging::Done {
            let (piece, more) = rest.split_at(rest.len().min(PIECE));
            rest = more;
            self.observer.bytes(leg, from, Some(time), piece);
            if let Some(search) = self.report() {
                self.rest = Some(Rest { leg, from, time, bytes: rest.to_vec() });
                return Some(search);
            }
        }
        None
    }

    /// Reports what was observed, up to the first search for causes.
    fn report(&mut self) -> Option<Search> {
        if self.judging == Judging::Done {
            return None;
        }
        if let Some(diagnosis) = self.observer.poll_settled() {
            return Some(Search { diagnosis: Box::new(diagnosis), of: Of::Settled });
        }
        while let Some(observed) = self.observer.poll_observed() {
            match observed {
                Observed::Finding(diagnosis) => return Some(Search { diagnosis, of: Of::New }),
                // The leg of the client is shown; the other one is compared with it.
                Observed::Head { leg, .. } | Observed::Frame { leg, .. } if leg != self.leg => {}
                Observed::Head { from, time, text, .. } => {
                    if from == Role::Server
                        && let Some(value) = alternative_service(&text)
                    {
                        self.sink.event(&self.about, Event::AlternativeService { value });
                    }
                    self.sink.event(&self.about, Event::Head { from, time, text });
                }
                Observed::Frame { from, time, header, payload, .. } => {
                    self.sink.event(&self.about, Event::Frame { from, time, header, payload });
                }
                _ => {}
            }
        }
        None
    }

    fn record(&mut self, step: &Recorded) {
        let Some(recorder) = &mut self.recorder else { return };
        if let Err(error) = recorder.write(step) {
            let (path, says) = (recorder.path().to_owned(), recorder.says());
            self.recorder = None;
            if says {
                self.sink.event(&self.about, Event::NotRecorded { path, error });
            }
        }
    }

    fn found(&mut self, finding: Finding) {
        self.reported += 1;
        let enforced = finding.answer.is_some_and(|answer| answer != Answer::Note);
        if enforced && self.judging == Judging::UntilFirstEnforced {
            self.judging = Judging::Done;
        }
        self.sink.event(&self.about, Event::Finding(Box::new(finding)));
    }

    /// Ends the observation, and returns everything that was found.
    pub(crate) async fn finish(self) -> Connection {
        let observer = self.observer;
        let mut connection = off_the_byte_path(|| observer.finish()).await;
        connection.id.clone_from(&self.about.id);
        connection.client.clone_from(&self.about.client);
        connection.server.clone_from(&self.about.server);
        if self.judging != Judging::Done {
            // What only the end of the connection shows.
            for finding in connection.findings.iter().skip(self.reported) {
                self.sink.event(&self.about, Event::Finding(Box::new(finding.clone())));
            }
        }
        self.sink.event(&self.about, Event::Over(Box::new(connection.clone())));
        connection
    }
}

fn observer(endpoints: Endpoints, sink: &dyn Sink) -> Observer {
    let observer = Observer::new(endpoints);
    if sink.handles_frames() { observer } else { observer.without_frames() }
}

/// RFC 7838 §3: "An HTTP(S) origin server can advertise the availability of alternative services to clients by adding an
/// Alt-Svc header field to responses"; `clear` takes that back.
fn alternative_service(head: &str) -> Option<String> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut values = fields.filter(|(name, _)| name.trim().eq_ignore_ascii_case("alt-svc"));
    values.find_map(|(_, value)| Some(value.trim()).filter(|value| *value != "clear").map(str::to_owned))
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch")
            .field("about", &self.about)
            .field("judging", &self.judging)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use framewise_transcript::Transcript;

    use super::*;

    /// What is recorded of these actions of the server.
    async fn recorded(name: &str, actions: &[Action]) -> Vec<Action> {
        let path = std::env::temp_dir().join(format!("framewise-watch-{}-{name}", std::process::id()));
        let recorder = Recorder::create(&path, "a test").expect("a file");
        let sink: Arc<dyn Sink> = Arc::new(|_: &About, _: Event| {});
        let mut watch = Watch::new(About::default(), Endpoints::UNKNOWN, sink).recorded(Some(recorder));
        for action in actions {
            let (time, from, action) = (Duration::ZERO, Role::Server, action.clone());
            watch.step(Step { time, behind: false, from, action }).await;
        }
        drop(watch);
        let text = std::fs::read_to_string(&path).expect("it was written");
        std::fs::remove_file(&path).expect("it is there");
        let transcript: Transcript = text.parse().expect("a transcript");
        transcript.events.into_iter().map(|event| event.action).collect()
    }

    #[tokio::test]
    async fn one_reset_can_follow_an_end_and_nothing_a_reset() {
        let (bytes, eof, reset) = (Action::Bytes(vec![0x81, 0]), Action::Eof, Action::Reset);
        let all = [
            bytes.clone(),
            eof.clone(),
            eof.clone(),
            bytes.clone(),
            reset.clone(),
            reset.clone(),
            eof.clone(),
        ];
        assert_eq!(recorded("end", &all).await, [bytes.clone(), eof, reset.clone()]);
        assert_eq!(recorded("reset", &[reset.clone(), reset.clone(), bytes.clone()]).await, [reset]);
        assert_eq!(recorded("open", &[bytes.clone(), bytes.clone()]).await, [bytes.clone(), bytes]);
    }

    #[test]
    fn much_that_may_inflate_takes_long() {
        let heads = |extensions: &str| {
            let request = format!(
                "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
            );
            let response = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{extensions}\r\n"
            );
            let sink: Arc<dyn Sink> = Arc::new(|_: &About, _: Event| {});
            let mut watch = Watch::new(About::default(), Endpoints::UNKNOWN, sink);
            for (from, head) in [(Role::Client, request), (Role::Server, response)] {
                let search = watch.note(Duration::ZERO, false, from, Did::Bytes(head.as_bytes()));
                assert!(search.is_none(), "{from}");
            }
            watch
        };
        let (small, large) = (vec![0; INFLATED_AT_ONCE], vec![0; INFLATED_AT_ONCE + 1]);
        let inflating = heads("Sec-WebSocket-Extensions: permessage-deflate\r\n");
        assert!(inflating.takes_long(Did::Bytes(&large)) && !inflating.takes_long(Did::Bytes(&small)));
        assert!(!heads("").takes_long(Did::Bytes(&large)), "nothing inflates");
    }
}
