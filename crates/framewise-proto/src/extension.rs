//! Extensions (RFC 6455 §9) and the parameters of permessage-deflate (RFC 7692 §7): parses and checks offers and
//! answers.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use framewise_rules::Rule;

/// One element of Sec-WebSocket-Extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The extension's name.
    pub name: String,
    /// Its parameters, in order.
    pub parameters: Vec<(String, Option<String>)>,
}

/// The name of the only registered extension that is in use.
pub const PERMESSAGE_DEFLATE: &str = "permessage-deflate";

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.parameters {
            write!(f, "; {name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// Whether a byte is allowed in a token (RFC 9110 §5.6.2).
static TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        token[byte] = matches!(byte as u8, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`'
            | b'|' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z');
        byte += 1;
    }
    token
};

pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| TOKEN[usize::from(byte)])
}

/// Parses one value of Sec-WebSocket-Extensions: RFC 6455 §9.1, "extension-list = 1#extension". `None` if it does not
/// parse; an empty value does not parse.
pub fn parse_extensions(value: &str) -> Option<Vec<Extension>> {
    let mut left = usize::MAX;
    parse_some(value, &mut left).ok()
}

/// Why a list is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListFault {
    /// It does not parse.
    Syntax,
    /// It has more elements and parameters than allowed.
    TooMany,
}

/// As [`parse_extensions`], for a list with at most `left` elements and parameters, empty elements included. Subtracts
/// them from `left`.
pub(crate) fn parse_some(value: &str, left: &mut usize) -> Result<Vec<Extension>, ListFault> {
    let mut parser = Parser { rest: value, left };
    let mut extensions = Vec::new();
    loop {
        parser.space();
        if parser.rest.is_empty() {
            break;
        }
        parser.count()?;
        // RFC 9110 §5.6.1.2: "A recipient MUST parse and ignore a reasonable number of empty list elements".
        if !parser.take(',') {
            extensions.push(parser.extension()?);
            parser.space();
            if parser.rest.is_empty() {
                break;
            }
            if !parser.take(',') {
                return Err(ListFault::Syntax);
            }
        }
    }
    if extensions.is_empty() { Err(ListFault::Syntax) } else { Ok(extensions) }
}

struct Parser<'v> {
    rest: &'v str,
    left: &'v mut usize,
}

impl Parser<'_> {
    /// Counts an element or a parameter.
    fn count(&mut self) -> Result<(), ListFault> {
        *self.left = self.left.checked_sub(1).ok_or(ListFault::TooMany)?;
        Ok(())
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn token(&mut self) -> Option<String> {
        let end = self.rest.bytes().position(|byte| !TOKEN[usize::from(byte)]).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then(|| token.into())
    }

    fn extension(&mut self) -> Result<Extension, ListFault> {
        let mut extension =
            Extension { name: self.token().ok_or(ListFault::Syntax)?, parameters: Vec::new() };
        loop {
            self.space();
            if !self.take(';') {
                return Ok(extension);
            }
            self.count()?;
            self.space();
            let name = self.token().ok_or(ListFault::Syntax)?;
            self.space();
            let value = if self.take('=') {
                self.space();
                Some(self.value().ok_or(ListFault::Syntax)?)
            } else {
                None
            };
            extension.parameters.push((name, value));
        }
    }

    /// RFC 6455 §9.1: "When using the quoted-string syntax variant, the value after quoted-string unescaping MUST
    /// conform to the 'token' ABNF."
    fn value(&mut self) -> Option<String> {
        if !self.take('"') {
            return self.token();
        }
        let mut value = String::new();
        let mut characters = self.rest.chars();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => value.push(characters.next()?),
                other => value.push(other),
            }
        }
        self.rest = characters.as_str();
        is_token(value.as_bytes()).then_some(value)
    }
}

/// The parameters of permessage-deflate in an offer or an answer (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeflateParameters {
    /// The server's compressor starts each message with an empty window.
    pub server_no_context_takeover: bool,
    /// The client's compressor starts each message with an empty window.
    pub client_no_context_takeover: bool,
    /// The server's window size as a power of two, 8 to 15.
    pub server_max_window_bits: Option<u8>,
    /// The client's window size as a power of two, 8 to 15; an offer may leave out the value.
    pub client_max_window_bits: Option<Option<u8>>,
}

impl DeflateParameters {
    /// The parameters of an offer; `None` if one is unknown, repeated or invalid (RFC 7692 §7: "a server MUST decline"
    /// it).
    pub fn of_offer(extension: &Extension) -> Option<Self> {
        Self::parse(extension, true)
    }

    /// The parameters of an answer; `None` if one is unknown, repeated or invalid (RFC 7692 §7: "a client MUST _Fail
    /// the WebSocket Connection_").
    pub fn of_answer(extension: &Extension) -> Option<Self> {
        Self::parse(extension, false)
    }

    fn parse(extension: &Extension, offer: bool) -> Option<Self> {
        let mut parameters = Self::default();
        for (name, value) in &extension.parameters {
            let seen = match (name.as_str(), value) {
                ("server_no_context_takeover", None) => {
                    core::mem::replace(&mut parameters.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    core::mem::replace(&mut parameters.client_no_context_takeover, true)
                }
                ("server_max_window_bits", Some(value)) => {
                    parameters.server_max_window_bits.replace(window_bits(value)?).is_some()
                }
                // RFC 7692 §7.1.2.2: without a value it is a hint in an offer, and has no meaning in an answer.
                ("client_max_window_bits", None) if offer => {
                    parameters.client_max_window_bits.replace(None).is_some()
                }
                ("client_max_window_bits", Some(value)) => {
                    parameters.client_max_window_bits.replace(Some(window_bits(value)?)).is_some()
                }
                _ => return None,
            };
            if seen {
                return None;
            }
        }
        Some(parameters)
    }

    /// The first rule that an answer with these parameters breaks, given the offer that it answers.
    pub fn answer_fault(&self, offer: &Self) -> Option<Rule> {
        // RFC 7692 §7.1.2.2: "If a received extension negotiation offer doesn't have the "client_max_window_bits"
        // extension parameter, the corresponding extension negotiation response to the offer MUST NOT include" it.
        if self.client_max_window_bits.is_some() && offer.client_max_window_bits.is_none() {
            return Some(Rule::DeflateWindowUnoffered);
        }
        // §7.1.2.1: a server accepts server_max_window_bits "by including" it "with the same or smaller value".
        let asked = offer.server_max_window_bits;
        if asked.is_some_and(|asked| self.server_max_window_bits.is_none_or(|bits| bits > asked)) {
            return Some(Rule::DeflateWindowExceeds);
        }
        // §7.1.2.2: a value in the offer is the largest window that the client's compressor will use.
        if let (Some(Some(asked)), Some(Some(bits))) =
            (offer.client_max_window_bits, self.client_max_window_bits)
            && bits > asked
        {
            return Some(Rule::DeflateWindowExceeds);
        }
        // §7.1.1.1: a server accepts server_no_context_takeover "by including" it.
        if offer.server_no_context_takeover && !self.server_no_context_takeover {
            return Some(Rule::DeflateTakeoverIgnored);
        }
        None
    }
}

/// RFC 7692 §7.1.2: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
fn window_bits(value: &str) -> Option<u8> {
    match value {
        "8" => Some(8),
        "9" => Some(9),
        "10" => Some(10),
        "11" => Some(11),
        "12" => Some(12),
        "13" => Some(13),
        "14" => Some(14),
        "15" => Some(15),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_list_is_parsed_with_quotes_and_empty_elements() {
        let parsed = parse_extensions(" a; b=\"c\" ,, d;e ; f=g").expect("it follows the grammar");
        let written: Vec<_> = parsed.iter().map(ToString::to_string).collect();
        assert_eq!(written, ["a; b=c", "d; e; f=g"]);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for value in
            ["", " ", ",", ";", "a;", "a;=b", "a b", "a; b=", "a; b=\"c", "a; b=\"c d\"", "a; b=\"\"", "a=b"]
        {
            assert_eq!(parse_extensions(value), None, "{value:?}");
        }
    }

    #[test]
    fn elements_and_parameters_count_together() {
        let value = "a; b; c=d,, e";
        for (enough, left) in [(4, Err(ListFault::TooMany)), (5, Ok(0)), (6, Ok(1))] {
            let mut budget = enough;
            assert_eq!(parse_some(value, &mut budget).map(|_| budget), left);
        }
        assert_eq!(parse_some(",,,", &mut 2), Err(ListFault::TooMany));
        assert_eq!(parse_some(",,,", &mut 3), Err(ListFault::Syntax));
    }

    #[test]
    fn window_bits_have_no_leading_zero_and_lie_between_8_and_15() {
        for value in ["", "0", "7", "16", "08", "+8", "8 ", "256"] {
            assert_eq!(window_bits(value), None, "{value:?}");
        }
        assert_eq!((8..=15).filter_map(|bits| window_bits(&bits.to_string())).count(), 8);
    }
}
