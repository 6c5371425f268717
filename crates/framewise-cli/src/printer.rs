use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use framewise_inspect::Connection;
use framewise_inspect::report::Finding;
use framewise_live::{About, Event, Naming, Rewritten, Sink, TlsFault, Upstream};
use framewise_rules::{Answer, Role};

use crate::failure::plain;
use crate::live::Live;
use crate::output::{Output, To};
use crate::render::finding::{consequence, finding, summary};
use crate::render::line;
use crate::render::style::{FAINT, paint};

/// What connections do, printed as it happens.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    pub(crate) live: Live,
    pub(crate) to: To,
    pub(crate) json: bool,
    pub(crate) frames: Frames,
    /// The findings about one side alone.
    pub(crate) only: Option<Role>,
    /// How each connection begins and ends.
    pub(crate) summary: bool,
    /// Each line begins with the connection's number.
    pub(crate) numbered: bool,
    /// Whether a note counts as something found.
    pub(crate) notes_count: bool,
    /// The server that the connections lead to, and which fields of a request name it, where its answers need a hint.
    pub(crate) upstream: Option<(Upstream, Naming)>,
    pub(crate) width: usize,
    /// Set when something was found.
    pub(crate) found: Arc<AtomicBool>,
}

/// How much is printed of each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frames {
    Hidden,
    /// A line for each frame and head.
    Lines,
    /// Each byte as well.
    Bytes,
}

impl Frames {
    pub(crate) const fn when(shown: bool, how: Self) -> Self {
        if shown { how } else { Self::Hidden }
    }
}

/// A finding, with the connection that it belongs to: those of several come between each other.
#[derive(serde::Serialize)]
struct FindingLine<'f> {
    connection: &'f str,
    #[serde(flatten)]
    found: &'f Finding,
}

impl Printer {
    /// Prints findings about both sides, and how each connection begins and ends, on standard output.
    pub(crate) fn new(live: &Live, output: Output) -> Self {
        Self {
            live: live.clone(),
            to: To::Stdout,
            json: false,
            frames: Frames::Hidden,
            only: None,
            summary: true,
            numbered: false,
            notes_count: true,
            upstream: None,
            width: output.width(),
            found: Arc::default(),
        }
    }

    /// Whether something was found, now and later.
    pub(crate) fn found(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.found)
    }

    fn prefix(&self, connection: &About) -> String {
        // Some events are about no connection.
        if self.numbered && !connection.id.is_empty() {
            format!("#{} ", connection.id)
        } else {
            String::new()
        }
    }

    /// Prints a sentence that is not part of the JSON.
    fn sentence(&self, connection: &About, sentence: &str) {
        let to = if self.json { To::Stderr } else { self.to };
        self.live.sentence(to, &format!("{}{sentence}", self.prefix(connection)));
    }

    /// Reports something that could not be done.
    fn complaint(&self, sentence: &str) {
        self.live.sentence(To::Stderr, &format!("framewise: {sentence}"));
    }

    fn frame(&self, connection: &About, lines: &str) {
        let prefix = paint(FAINT, self.prefix(connection));
        for line in lines.lines() {
            self.live.chat(self.to, format!("{prefix}{line}\n"));
        }
    }

    fn finding(&self, connection: &About, found: &Finding) {
        if self.only.is_some() && found.by.is_some() && found.by != self.only {
            return;
        }
        if self.notes_count || found.answer != Some(Answer::Note) {
            self.found.store(true, Ordering::Relaxed);
        }
        if self.json {
            self.live.json(self.to, &FindingLine { connection: &connection.id, found });
        } else {
            // One fault is one block; what repeats it or follows from it is a line.
            let text = match found.consequence {
                Some(_) => consequence(found, self.width).trim_start().to_owned(),
                None => finding(found, self.width) + "\n",
            };
            self.live.say(self.to, format!("{}{text}", self.prefix(connection)));
        }
    }

    fn over(&self, about: &About, connection: &Connection) {
        if self.summary && self.json {
            self.live.json(self.to, connection);
        } else if self.summary {
            let prefix = paint(FAINT, self.prefix(about));
            let lines = summary(connection);
            let lines: Vec<_> = lines.lines().map(|line| format!("{prefix}{line}\n")).collect();
            self.live.say(self.to, lines.concat());
        }
        let status = connection.handshake.as_ref().and_then(|handshake| handshake.status);
        if let Some((upstream, naming)) = self.upstream.as_ref().filter(|(upstream, _)| upstream.is_tls())
            && let Some(status) = status
            && matches!(status, 300..400 | 403 | 404 | 421)
            && let Some(option) = hint(*naming, status)
        {
            let name = upstream.authority();
            let hint = format!("{option} ({name} answered {status})");
            self.sentence(about, &hint);
        }
    }
}

/// What to try where the server may have rejected a request for the names in it.
const fn hint(naming: Naming, status: u16) -> Option<&'static str> {
    match naming {
        Naming::Unchanged => {
            Some("the request's Host and Origin are those of the client; try it without --keep-host")
        }
        Naming::Origin => Some("the request's Host is that of the client; try it without --keep-host"),
        // Only a check of Origin is left, and that one forbids.
        Naming::Host if status == 403 => {
            Some("the request's Origin is that of the client; try --rewrite-origin")
        }
        Naming::Host | Naming::HostAndOrigin => None,
    }
}

/// Why TLS with a client failed, and what to do.
fn not_encrypted(fault: &TlsFault) -> String {
    let why = match fault {
        TlsFault::Rejected(alert) => {
            return format!(
                "the client rejects this proxy's certificate (TLS alert {alert:?}): let it trust the authority; `framewise \
                 inspect --trust` prints how"
            );
        }
        TlsFault::TimedOut(limit) => {
            format!("it did not complete the handshake within {} s", limit.as_secs())
        }
        TlsFault::Other(error) => plain(error),
        _ => "unknown reason".to_owned(),
    };
    format!("no TLS with the client: {why}")
}

impl Sink for Printer {
    fn handles_frames(&self) -> bool {
        self.frames != Frames::Hidden && !self.json
    }

    fn event(&self, connection: &About, event: Event) {
        match event {
            Event::Accepted if self.summary && !self.json => {
                let client = connection.client.as_deref().unwrap_or("a client");
                self.sentence(connection, &format!("connection from {client}"));
            }
            Event::Unreachable(error) => self.sentence(connection, &error.to_string()),
            Event::Loop => {
                self.sentence(connection, "closed: the upstream leads back to this proxy; correct its address");
            }
            Event::NotEncrypted(fault) => self.sentence(connection, &not_encrypted(&fault)),
            Event::Full { open } => self.complaint(&format!(
                "{open} connections are open, and further clients wait; does the upstream lead back to this proxy?"
            )),
            Event::NotAccepted(error) => self.complaint(&format!("cannot accept a client: {}", plain(&error))),
            Event::NotRecorded { path, error } => self.complaint(&format!(
                "cannot write {}: {}; connections go on without a recording",
                path.display(),
                plain(&error)
            )),
            Event::GivenUp { silent, after } => {
                let sentence = format!(
                    "closed: the {} had closed its side, and the {silent} sent nothing for {} s",
                    silent.peer(),
                    after.as_secs()
                );
                self.sentence(connection, &sentence);
            }
            Event::Rewritten(Rewritten { field, was, now }) if now.is_empty() => {
                self.sentence(connection, &format!("{field} removed: {was}"));
            }
            Event::Rewritten(Rewritten { field, was, now }) => {
                self.sentence(connection, &format!("{field} rewritten: {was} -> {now}"));
            }
            Event::NotPaired => self.sentence(
                connection,
                "not paired: no connection before the intermediary has its key (--pair-header NAME pairs by another field)",
            ),
            Event::Injected { from, fault } => {
                self.sentence(connection, &format!("fault made in what the {from} sends: {fault}"));
            }
            Event::AlternativeService { value } => self.sentence(
                connection,
                &format!("Alt-Svc: {value}: a browser may use that instead, and bypass this proxy"),
            ),
            Event::Head { from, time, text } if self.frames != Frames::Hidden && !self.json => {
                self.frame(connection, &line::head(from, time, &text));
            }
            Event::Frame { from, time, header, payload } if self.frames != Frames::Hidden && !self.json => {
                let frame = line::Frame { from, time, header, payload: &payload };
                self.frame(connection, &line::frame(&frame, self.frames == Frames::Bytes));
            }
            Event::Finding(found) => self.finding(connection, &found),
            Event::Over(over) => self.over(connection, &over),
            Event::Accepted | Event::Head { .. } | Event::Frame { .. } | _ => {}
        }
    }
}
