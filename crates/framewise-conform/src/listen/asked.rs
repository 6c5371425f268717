//! What a client asks for: the target of its request.

use std::collections::BTreeMap;

/// What a request asks for.
pub(super) struct Asked {
    pub(super) path: String,
    parameters: BTreeMap<String, String>,
}

impl Asked {
    /// RFC 9112 §3.2.2: "a server MUST accept the absolute-form in requests", and RFC 6455 §4.1 has a client send "a relative URI" or
    /// "an absolute http/https URI".
    pub(super) fn of(target: &str) -> Self {
        let after_scheme = ["http://", "https://"].iter().find_map(|scheme| target.strip_prefix(scheme));
        let target = after_scheme.map_or(target, |rest| rest.find('/').map_or("/", |at| &rest[at..]));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parameters = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect();
        Self { path: path.to_owned(), parameters }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// Text of a query without its percent signs and pluses.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let rest = bytes.as_slice();
                let hex = rest.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
                match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    Some(byte) => {
                        out.push(byte);
                        bytes.nth(1);
                    }
                    None => out.push(b'%'),
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_broken_escapes_stay() {
        let asked = Asked::of("/runCase?case=3&agent=My+Client%2F1.0&x=%zz%4");
        assert_eq!(asked.path, "/runCase");
        assert_eq!(asked.get("agent"), Some("My Client/1.0"));
        assert_eq!(asked.get("x"), Some("%zz%4"));
        assert_eq!(asked.get("y"), None);
    }

    #[test]
    fn an_absolute_target_asks_for_its_path() {
        for (target, path, case) in [
            ("http://127.0.0.1:9001/runCase?case=3", "/runCase", Some("3")),
            ("https://a.example/getCaseCount", "/getCaseCount", None),
            ("http://a.example", "/", None),
            ("/http://a.example/runCase?case=3", "/http://a.example/runCase", Some("3")),
            ("ftp://a.example/runCase?case=3", "ftp://a.example/runCase", Some("3")),
        ] {
            let asked = Asked::of(target);
            assert_eq!((&*asked.path, asked.get("case")), (path, case), "{target}");
        }
    }
}
