use serde::{Deserialize, Serialize};

/// A step for a client. Each but the last two waits for its answer: the echo or the Pong.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Step {
    /// Sends a text message.
    Text {
        /// The message.
        text: String,
    },
    /// Sends a binary message.
    Binary {
        /// The message, in hexadecimal.
        hex: String,
    },
    /// Sends a text message in several frames.
    Fragments {
        /// The payload of each frame.
        parts: Vec<String>,
    },
    /// Sends a Ping.
    Ping {
        /// Its payload, in hexadecimal.
        hex: String,
    },
    /// Closes the connection.
    Close {
        /// The code.
        code: u16,
        /// The reason.
        reason: String,
    },
    /// Only listens, until the connection ends.
    Listen,
}

impl Step {
    /// A text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// A binary message.
    pub fn binary(bytes: &[u8]) -> Self {
        Self::Binary { hex: hex(bytes) }
    }

    /// A text message in several frames.
    pub fn fragments(parts: &[&str]) -> Self {
        Self::Fragments { parts: parts.iter().map(|&part| part.to_owned()).collect() }
    }

    /// A Ping.
    pub fn ping(payload: &[u8]) -> Self {
        Self::Ping { hex: hex(payload) }
    }

    /// The end.
    pub fn close(code: u16, reason: &str) -> Self {
        Self::Close { code, reason: reason.to_owned() }
    }
}

/// What a peer reports.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "saw", rename_all = "lowercase")]
pub enum Saw {
    /// The connection is open.
    Open {
        /// The agreed extensions; some peers report only their names.
        extensions: String,
    },
    /// A text message.
    Text {
        /// The message.
        text: String,
    },
    /// A binary message.
    Binary {
        /// The message, in hexadecimal.
        hex: String,
    },
    /// A Ping, if the peer reports it.
    Ping {
        /// Its payload, in hexadecimal.
        hex: String,
    },
    /// A Pong.
    Pong {
        /// Its payload, in hexadecimal.
        hex: String,
    },
    /// An error.
    Error {
        /// The message that the peer shows.
        error: String,
    },
    /// The end of the connection.
    Close {
        /// The code, as the peer reports it.
        code: u16,
        /// The reason, as the peer reports it.
        reason: String,
        /// Whether the peer calls it clean.
        clean: bool,
    },
    /// The peer cannot take this step.
    Unsupported {
        /// The step's name.
        #[serde(rename = "do")]
        step: String,
    },
    /// The job is done.
    End,
}

impl Saw {
    /// A line of a script.
    pub(crate) fn read(line: &str) -> Self {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("no report: {line}: {error}"))
    }
}

/// The name and version that a script prints in its first line.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct About {
    pub(crate) peer: String,
    pub(crate) version: String,
    pub(crate) port: Option<u16>,
}

impl About {
    pub(crate) fn read(line: &str) -> Self {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("no introduction: {line}: {error}"))
    }
}

/// Bytes in the hexadecimal form of the scripts.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
