//! Whether a number is the status of an HTTP response.

use super::{after, before, is_part, is_unit, sign_after, sign_before};
use crate::find::Text;

/// The statuses with which handshakes fail: few other numbers look like them.
fn is_usual(value: u64) -> bool {
    matches!(value, 301 | 302 | 307 | 308 | 400 | 401 | 403 | 404 | 405 | 426 | 429 | 500 | 502 | 503 | 504)
}

/// What surrounds such a number where people and logs write it.
fn stands_as_status(text: &Text<'_>, index: usize) -> bool {
    let (first, next) = (before(text, index).next(), after(text, index).next());
    // `404 GET /ws`
    let before_method = matches!(next, Some("get" | "post" | "head" | "connect" | "options"));
    // `(403)`, `"403"`
    let quoted = matches!(
        (sign_before(text, index), sign_after(text, index)),
        (Some('('), Some(')')) | (Some('`'), Some('`')) | (Some('\''), Some('\'')) | (Some('"'), Some('"'))
    );
    if before_method || quoted {
        return true;
    }
    let joined = sign_after(text, index) == Some('-');
    if is_part(text, index)
        || joined
        || matches!(next, Some("lines" | "rows" | "characters" | "chars" | "px" | "items"))
    {
        return false;
    }
    // "rejected with 403", "I get a 403", "gives me 502"
    let led = matches!(
        first,
        Some(
            "a" | "an"
                | "the"
                | "got"
                | "get"
                | "gets"
                | "getting"
                | "with"
                | "as"
                | "throws"
                | "receive"
                | "receives"
                | "receiving"
                | "give"
                | "gives"
                | "me"
                | "returning"
                | "http"
                | "status"
                | "failed"
                | "handshake"
                | "sends"
                | "see"
                | "seeing"
                | "always"
                | "is"
                | "was"
                | "fails"
                | "failing"
        )
    );
    // "403 when it connects"
    let followed = matches!(
        next,
        Some(
            "error"
                | "errors"
                | "response"
                | "responses"
                | "when"
                | "while"
                | "on"
                | "from"
                | "for"
                | "if"
                | "because"
                | "http"
                | "page"
                | "status"
                | "forbidden"
                | "unauthorized"
                | "after"
                | "during"
                | "every"
                | "but"
        )
    );
    led && !is_unit(next) || followed
}

pub(super) fn is_status(text: &Text<'_>, index: usize, value: u64) -> bool {
    if !(100..600).contains(&value) || text.words[index].span.len() != 3 || is_unit(after(text, index).next())
    {
        return false;
    }
    let mut near = before(text, index);
    let (first, second, third, fourth) = (near.next(), near.next(), near.next(), near.next());
    // HTTP/1.1 404, HTTP/2 307, HTTP 502
    let http = [first, second, third].contains(&Some("http")) && first.is_some_and(|word| word.len() <= 4);
    let says = |word: Option<&str>| {
        matches!(
            word,
            Some(
                "status"
                    | "response"
                    | "responded"
                    | "responds"
                    | "returned"
                    | "returns"
                    | "answered"
                    | "answers"
                    | "answer"
                    | "return"
                    | "gives"
                    | "answering"
                    | "getstatus"
                    | "received"
                    | "expected"
            )
        )
    };
    let coded = matches!(
        first,
        Some(
            "code"
                | "codes"
                | "error"
                | "status"
                | "got"
                | "a"
                | "gets"
                | "getting"
                | "with"
                | "an"
                | "is"
                | "was"
                | "of"
        )
    ) && ([second, third, fourth].into_iter().any(says)
        || [first, second, third].contains(&Some("http")));
    let reason = reason_follows(text, index, value);
    // "a 200 http response instead of 101"
    let instead = after(text, index).take(4).any(|word| word == "instead")
        || before(text, index).take(3).any(|word| word == "expected");
    if (is_usual(value) || ((200..400).contains(&value) && instead)) && stands_as_status(text, index) {
        return true;
    }
    // Nothing else on the line.
    let lone = before(text, index).next().is_none() && after(text, index).next().is_none();
    if lone && (400..600).contains(&value) {
        return true;
    }
    if is_part(text, index) && !http && !reason {
        return false;
    }
    // "error 403", "code 404 is returned", "(302)"
    let alone = matches!(first, Some("error" | "code")) && !matches!(value, 100..200) && {
        let rest: Vec<&str> = after(text, index).take(4).collect();
        second == Some("http")
            || rest.is_empty()
            || rest
                .iter()
                .any(|word| matches!(*word, "returned" | "error" | "during" | "forbidden" | "unauthorized"))
    };
    http || says(first) || coded || reason || alone
        || (first == Some("error")
            && (400..600).contains(&value)
            && (text.words.len() < 40
                || matches!(after(text, index).next(), Some("when" | "while" | "on" | "after" | "if" | "from"))))
        // 403 error during …
        || (matches!(value, 400..=404 | 426 | 500..=504) && after(text, index).next().is_some_and(|word| matches!(word, "error" | "errors" | "response" | "requests")))
}

fn reason_follows(text: &Text<'_>, index: usize, value: u64) -> bool {
    let mut after = after(text, index);
    let (first, second) = (after.next().unwrap_or(""), after.next().unwrap_or(""));
    match value {
        101 => first == "switching",
        200 => first == "ok",
        301 => first == "moved",
        302 => first == "found",
        307 => first == "temporary",
        308 => first == "permanent",
        400 => (first, second) == ("bad", "request") || first == "badreq",
        401 => first == "unauthorized" || first == "unauthorised",
        403 => first == "forbidden",
        404 => (first, second) == ("not", "found"),
        405 => (first, second) == ("method", "not"),
        407 => first == "proxy",
        408 => (first, second) == ("request", "timeout"),
        426 => (first, second) == ("upgrade", "required"),
        429 => (first, second) == ("too", "many"),
        500 => (first, second) == ("internal", "server"),
        501 => (first, second) == ("not", "implemented"),
        502 => (first, second) == ("bad", "gateway"),
        503 => (first, second) == ("service", "unavailable"),
        504 => first == "gateway",
        _ => false,
    }
}
