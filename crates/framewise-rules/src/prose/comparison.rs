use super::{Language, markdown};
use crate::Code;

/// How two close codes that are easily confused differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The key differences, in Markdown.
    pub differences: &'static str,
    /// When to use which, in Markdown.
    pub when_to_use_which: &'static str,
}

macro_rules! compared {
    ($( $first:ident $second:ident $file:literal; )+) => {
        /// The pairs that the reference compares.
        pub const COMPARED: &[(Code, Code)] = &[$( (Code::$first, Code::$second), )+];

        /// One file per pair, the smaller code first.
        const fn text(first: Code, second: Code, language: Language) -> Option<&'static str> {
            match (first, second, language) {
                $(
                    (Code::$first, Code::$second, Language::English) => {
                        Some(include_str!(concat!("../../prose/en/compare/", $file, ".md")))
                    }
                    (Code::$first, Code::$second, Language::French) => {
                        Some(include_str!(concat!("../../prose/fr/compare/", $file, ".md")))
                    }
                )+
                _ => None,
            }
        }
    };
}

compared! {
    NormalClosure GoingAway "1000-1001";
    NormalClosure NoStatus "1000-1005";
    NormalClosure AbnormalClosure "1000-1006";
    GoingAway AbnormalClosure "1001-1006";
    GoingAway ServiceRestart "1001-1012";
    ProtocolError UnsupportedData "1002-1003";
    ProtocolError AbnormalClosure "1002-1006";
    ProtocolError InvalidPayload "1002-1007";
    ProtocolError PolicyViolation "1002-1008";
    UnsupportedData InvalidPayload "1003-1007";
    UnsupportedData PolicyViolation "1003-1008";
    NoStatus AbnormalClosure "1005-1006";
    AbnormalClosure InternalError "1006-1011";
    AbnormalClosure TlsHandshake "1006-1015";
    InvalidPayload InternalError "1007-1011";
    PolicyViolation MessageTooBig "1008-1009";
    PolicyViolation Unauthorized "1008-3000";
    PolicyViolation Forbidden "1008-3003";
    InternalError ServiceRestart "1011-1012";
    InternalError TryAgainLater "1011-1013";
    InternalError BadGateway "1011-1014";
    ServiceRestart TryAgainLater "1012-1013";
    Unauthorized Forbidden "3000-3003";
}

/// Compares two codes, given in any order; `None` if the reference does not compare them.
pub fn comparison(a: Code, b: Code, language: Language) -> Option<Comparison> {
    let text = text(a, b, language).or_else(|| text(b, a, language))?;
    Some(Comparison { differences: markdown::body(text, 0), when_to_use_which: markdown::body(text, 1) })
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn each_pair_is_compared_in_any_order() {
        for &(a, b) in COMPARED {
            assert!(a.numbers().start() < b.numbers().start(), "{a:?} {b:?}");
            for &language in Language::ALL {
                let text = text(a, b, language).unwrap();
                let file = format!("{} {} {}", language.code(), a.id(), b.id());
                assert!(!text.contains('\r'), "{file}");
                let headings = match language {
                    Language::English => ["Key differences", "When to use which"],
                    Language::French => ["Différences essentielles", "Lequel utiliser"],
                };
                assert!(markdown::sections(text).map(|section| section.heading).eq(headings), "{file}");
                let compared = comparison(b, a, language).unwrap();
                assert!(!compared.differences.is_empty() && !compared.when_to_use_which.is_empty(), "{file}");
            }
        }
        assert_eq!(comparison(Code::NormalClosure, Code::Private, Language::English), None);
    }
}
