//! A key of another length.

use framewise_rules::{Cause, Rule};

use crate::cause::evidence::{Evidence, quote};
use crate::cause::sign::Sign;

/// The key is base64, of more or fewer than 16 bytes.
pub(in crate::cause) fn key_length_wrong(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::RequestKeyInvalid]) {
        return None;
    }
    let key = e.request()?.header("sec-websocket-key")?;
    let length = decoded(key.as_bytes()).filter(|&length| length != 16)?;
    let bytes = if length == 1 { "one byte".to_owned() } else { format!("{length} bytes") };
    let evidence = format!(
        "the key {} decodes to {bytes}, must be 16 bytes: a bug of this client",
        quote(key.as_bytes())
    );
    e.own_fault(Cause::KeyLengthWrong, evidence)
}

/// The number of bytes that base64 with padding (RFC 4648 §4) decodes to; `None` if it is not that.
fn decoded(text: &[u8]) -> Option<usize> {
    let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    let digits = &text[..text.len() - padding];
    let valid = digits.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    (valid && !digits.is_empty() && padding <= 2 && text.len().is_multiple_of(4))
        .then_some(digits.len() * 3 / 4)
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn base64_says_how_many_bytes_it_holds() {
        for (text, length) in
            [("AA==", Some(1)), ("AAA=", Some(2)), ("AAAA", Some(3)), ("qjaovfzeqzo=", Some(8))]
        {
            assert_eq!(decoded(text.as_bytes()), length, "{text}");
        }
        for text in ["", "====", "AAA", "AA-_", "A=AA", "key"] {
            assert_eq!(decoded(text.as_bytes()), None, "{text}");
        }
    }
}
