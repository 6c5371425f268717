//! The reference: what a rule, a close code or a cause means, when one meets it, and how to fix it; in English and in
//! French.
//!
//! The texts are Markdown, one file each in `prose/`, and part of the binary: a translation that is missing does not
//! compile.
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
mod markdown;

use alloc::string::String;
use alloc::vec::Vec;

pub use comparison::{COMPARED, Comparison, comparison};

use crate::{Cause, Code, Rule};

/// A language of the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, the language that the reference is written in.
    #[default]
    English,
    /// French.
    French,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Self] = &[Self::English, Self::French];

    /// Its code in BCP 47: `en`, `fr`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// The language of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// The language of a locale as the environment names it, `fr_FR.UTF-8` say; English for one that the reference has
    /// no translation for.
    pub fn from_locale(locale: &str) -> Self {
        locale.split(['_', '-', '.', '@']).next().and_then(Self::from_code).unwrap_or_default()
    }
}

/// A part of a text under its heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading, without its marks.
    pub heading: &'static str,
    /// Markdown, without blank lines around it.
    pub body: &'static str,
}

/// What rules, codes and causes share; the named getters say where in the file each section stands.
macro_rules! reference {
    ($row:ty { $( $(#[$doc:meta])* $getter:ident = $index:literal; )+ }) => {
        impl $row {
            /// Its text, section by section.
            pub fn sections(self, language: Language) -> Vec<Section> {
                markdown::sections(self.markdown(language)).collect()
            }

            $( $(#[$doc])* pub fn $getter(self, language: Language) -> &'static str {
                markdown::body(self.markdown(language), $index)
            } )+

            /// The first paragraph of how to fix it, on one line.
            pub fn fix_line(self, language: Language) -> String {
                markdown::first_paragraph(self.fix(language))
            }
        }
    };
}

reference!(Rule {
    /// What it means.
    meaning = 0;
    /// When one sees it.
    when_seen = 1;
    /// How to fix it.
    fix = 2;
});

reference!(Code {
    /// What it means.
    meaning = 0;
    /// When one sees it.
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
    /// What it says, in a few words.
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
