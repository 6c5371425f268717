//! The reference: what a rule, a close code or a cause means, when you see it, and how to fix it; what proxies and load
//! balancers must be told about WebSockets; in English and French.
//!
//! The texts are Markdown files in `prose/`, embedded at compile time: a missing translation does not compile.
//!
//! ```
//! use framewise_rules::Rule;
//! use framewise_rules::prose::Language;
//!
//! let language = Language::from_locale("fr_FR.UTF-8");
//! assert_eq!(Rule::MaskMissing.sections(language)[2].heading, "Comment le corriger");
//! println!("{}", Rule::MaskMissing.fix_line(language));
//! ```

mod comparison;
mod intermediary;
mod markdown;

use alloc::string::String;
use alloc::vec::Vec;

pub use comparison::{COMPARED, Comparison, comparison};
pub use intermediary::{Evidence, Family, Figure, Intermediary};

use crate::{Cause, Code, Rule};

/// A language of the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, the original of the reference.
    #[default]
    English,
    /// French.
    French,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Self] = &[Self::English, Self::French];

    /// The language tag (BCP 47): `en` or `fr`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// The language with this tag, in any case.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// The language of a locale in the form of `LANG`, such as `fr_FR.UTF-8`; English if there is no translation.
    pub fn from_locale(locale: &str) -> Self {
        locale.split(['_', '-', '.', '@']).next().and_then(Self::from_code).unwrap_or_default()
    }
}

/// One section of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading, without `##`.
    pub heading: &'static str,
    /// The body in Markdown, without surrounding blank lines.
    pub body: &'static str,
}

/// The getters that rules, codes and causes share. Each index is the position of the section in the file.
macro_rules! reference {
    ($row:ty { $( $(#[$doc:meta])* $getter:ident = $index:literal; )+ }) => {
        impl $row {
            /// The text, section by section.
            pub fn sections(self, language: Language) -> Vec<Section> {
                markdown::sections(self.markdown(language)).collect()
            }

            $( $(#[$doc])* pub fn $getter(self, language: Language) -> &'static str {
                markdown::body(self.markdown(language), $index)
            } )+

            /// The first paragraph of the fix, on one line.
            pub fn fix_line(self, language: Language) -> String {
                markdown::first_paragraph(self.fix(language))
            }
        }
    };
}

reference!(Rule {
    /// What it means.
    meaning = 0;
    /// When you see it.
    when_seen = 1;
    /// How to fix it.
    fix = 2;
});

reference!(Code {
    /// What it means.
    meaning = 0;
    /// When you see it.
    when_seen = 1;
    /// How to fix it.
    fix = 2;
    /// When to send it.
    when_to_use = 3;
});

reference!(Cause {
    /// What happened.
    what_happened = 0;
    /// How to fix it.
    fix = 1;
});

impl Rule {
    /// What was seen, in one sentence.
    pub fn title(self, language: Language) -> &'static str {
        match language {
            // Written once, in the table.
            Language::English => self.sentence(),
            Language::French => markdown::title(self.markdown(language)),
        }
    }
}

impl Code {
    /// The meaning of the code in a few words.
    pub fn title(self, language: Language) -> &'static str {
        match language {
            // Written once, in the table.
            Language::English => self.name(),
            Language::French => markdown::title(self.markdown(language)),
        }
    }
}

impl Cause {
    /// What happened, in a few words.
    pub fn title(self, language: Language) -> &'static str {
        markdown::title(self.markdown(language))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_its_language_or_english_is_spoken() {
        for (locale, language) in [
            ("fr_FR.UTF-8", Language::French),
            ("fr", Language::French),
            ("FR-ca", Language::French),
            ("fr@euro", Language::French),
            ("en_GB.UTF-8", Language::English),
            ("frr_DE", Language::English),
            ("C.UTF-8", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::from_locale(locale), language, "{locale}");
        }
    }
}
