//! A cell of the tables: the number of connections, the size and kind of the messages, and how many are in flight.

use std::fmt;
use std::str::FromStr;

/// Written `64x128x16:text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub connections: usize,
    pub bytes: usize,
    pub in_flight: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// ASCII text.
    Text,
    /// Text in several scripts, as people write it.
    Utf8,
    Binary,
    /// JSON, each message slightly different: the typical use of deflate.
    Json,
}

impl Kind {
    /// The opcode of the frames.
    pub fn opcode(self) -> u8 {
        match self {
            Kind::Text | Kind::Utf8 | Kind::Json => 1,
            Kind::Binary => 2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Utf8 => "utf8",
            Kind::Binary => "binary",
            Kind::Json => "json",
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}:{}", self.connections, self.bytes, self.in_flight, self.kind.name())
    }
}

impl FromStr for Cell {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a cell: expected CONNECTIONSxBYTESxINFLIGHT:text|utf8|binary|json");
        let (numbers, kind) = text.split_once(':').ok_or_else(wrong)?;
        let kind = [Kind::Text, Kind::Utf8, Kind::Binary, Kind::Json]
            .into_iter()
            .find(|candidate| candidate.name() == kind)
            .ok_or_else(wrong)?;
        let numbers: Vec<usize> =
            numbers.split('x').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        match numbers[..] {
            [connections, bytes, in_flight] if connections > 0 && bytes > 0 && in_flight > 0 => {
                Ok(Cell { connections, bytes, in_flight, kind })
            }
            _ => Err(wrong()),
        }
    }
}
