//! Whether to try again, and when.

use std::time::{Duration, SystemTime};

use framewise_proto::Violation;
use framewise_proto::rules::{Answer, Rule};

use crate::error::{ConnectFault, Error, Rejected};

impl Error {
    /// Whether the same may succeed later: the server is down or overloaded, or the connection was lost. Otherwise another
    /// try has the same result until a person changes something.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), framewise::Error> {
    /// use std::time::Duration;
    ///
    /// let mut ws = loop {
    ///     match framewise::connect("wss://example.com/").await {
    ///         Ok(ws) => break ws,
    ///         Err(error) if error.is_transient() => {
    ///             let wait = error.retry_after().unwrap_or(Duration::from_secs(5));
    ///             tokio::time::sleep(wait).await;
    ///         }
    ///         Err(error) => return Err(error),
    ///     }
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A client that stays connected waits longer after each failure, by a random time: see the example `reconnect`. After a
    /// Close, see [`CloseCode::is_transient`](crate::CloseCode::is_transient).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect(error) => error.fault().is_transient(),
            Self::Rejected(rejected) => rejected.is_transient(),
            Self::Violation(violation) => is_transient(violation),
            Self::Io(_) => true,
            // The caller, or the application that this server runs.
            Self::Misuse(_) | Self::RequestRejected(_) | Self::Other(_) => false,
        }
    }

    /// How long the server wants this client to wait: [`Rejected::retry_after`].
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(rejected) => rejected.retry_after(),
            Self::Connect(_)
            | Self::Violation(_)
            | Self::Io(_)
            | Self::Misuse(_)
            | Self::RequestRejected(_)
            | Self::Other(_) => None,
        }
    }
}

fn is_transient(violation: &Violation) -> bool {
    match violation.answer() {
        // The network, a proxy or the server is gone: what connecting again is for.
        Answer::Lost => true,
        // A server that stops during the handshake, or is too slow for it. A peer that breaks another rule breaks it again.
        Answer::Abort => matches!(violation.rule, Rule::ResponseMissing | Rule::ResponseTimeout),
        Answer::Close(_) | Answer::Http(_) | Answer::Note => false,
        _ => false,
    }
}

impl ConnectFault {
    /// As [`Error::is_transient`].
    pub const fn is_transient(self) -> bool {
        match self {
            // The network, or a name server. A proxy that rejects is reported like one that is down.
            Self::Name | Self::Proxy | Self::NobodyListens | Self::Network | Self::TimedOut => true,
            // A URL or a certificate does not change by waiting. (Never try again without TLS.)
            Self::Url
            | Self::Redirect
            | Self::Tls
            | Self::ServerSpeaksTls
            | Self::ServerSpeaksPlain
            | Self::TlsLeftOut => false,
        }
    }
}

impl Rejected {
    /// Whether the status says that the same request may succeed later (RFC 9110 §15): 408, 425, 429, 500, 502, 503, 504, or
    /// another one with a header Retry-After. After 401, 403, 404 or a redirect, another request is needed.
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500 | 502..=504)
            || self.status >= 400 && self.retry_after().is_some()
    }

    /// How long the server wants this client to wait: the header Retry-After (RFC 9110 §10.2.3), a number of seconds or a
    /// date. A date is compared with the clock of this machine; one that is past is zero.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = std::str::from_utf8(self.header("retry-after")?).ok()?.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // More seconds than fit are a very long time, too, and a caller may add to it.
            return Some(Duration::from_secs(value.parse::<u32>().unwrap_or(u32::MAX).into()));
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Some(date(value)?.saturating_sub(now))
    }
}

/// A date as servers must send it (RFC 9110 §5.6.7), `Sun, 06 Nov 1994 08:49:37 GMT`, since the Unix epoch. `None` for one
/// before that.
fn date(text: &str) -> Option<Duration> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (_, date) = text.split_once(", ")?;
    let (date, clock) = date.strip_suffix(" GMT")?.rsplit_once(' ')?;
    let [day, month, year] = split(date, ' ')?;
    let [hour, minute, second] = split(clock, ':')?;
    let month = MONTHS.find(month).filter(|at| at % 3 == 0 && month.len() == 3)? as u64 / 3;
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    // A leap second is allowed.
    if !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Counted from a 1 March, leap days come last: the Gregorian calendar has 365 days and a leap day in every 4th year, but
    // not in the 100th, except in the 400th.
    let (year, month) = if month < 2 { (year.checked_sub(1)?, month + 10) } else { (year, month - 2) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    // 719,468 days from 1 March of the year 0 to 1 January 1970.
    let days = days.checked_sub(719_468)?;
    Some(Duration::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second))
}

fn split(text: &str, at: char) -> Option<[&str; 3]> {
    let parts: Vec<_> = text.split(at).collect();
    parts.try_into().ok()
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_servers_must_send_it() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Mon, 28 Feb 2000 23:59:59 GMT", 951_782_399),
            ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
            ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
            ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] {
            assert_eq!(date(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 ovD 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Nov 1994 08:59:61 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
