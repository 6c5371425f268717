//! The files of the reference are written by hand: each must have the form that `explain` and the pages rely on.
#![cfg(feature = "prose")]
#![allow(missing_docs)]

use framewise_rules::prose::{Language, Section};
use framewise_rules::{Cause, Code, Rule};

/// The faults of all texts, collected so that one run shows all of them.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn check(&mut self, right: bool, file: &str, fault: &str) {
        if !right {
            self.0.push(format!("{file}: {fault}"));
        }
    }

    fn check_text(
        &mut self,
        file: &str,
        sections: &[Section],
        headings: &[&str],
        title: &str,
        fix_line: &str,
    ) {
        let found: Vec<_> = sections.iter().map(|section| section.heading).collect();
        self.check(found == headings, file, &format!("the headings are {found:?}"));
        self.check(!title.is_empty() && title.trim() == title, file, "no title");
        self.check(!title.ends_with('.'), file, "the title ends with a full stop");
        for section in sections {
            let Section { heading, body } = section;
            self.check(!body.is_empty(), file, &format!("nothing under {heading:?}"));
            self.check(!body.contains('\r'), file, "CRLF");
            let fences = body.lines().filter(|line| line.trim_start().starts_with("```")).count();
            self.check(fences.is_multiple_of(2), file, &format!("an open fence under {heading:?}"));
        }
        let length = fix_line.chars().count();
        self.check(length > 0, file, "how to fix it does not start with a paragraph");
        self.check(length <= 260, file, &format!("the first paragraph of the fix has {length} characters"));
    }

    fn check_words(&mut self, file: &str, sections: &[Section]) {
        let words: usize = sections.iter().map(|section| section.body.split_whitespace().count()).sum();
        self.check((40..=190).contains(&words), file, &format!("{words} words"));
    }

    fn assert_none(self) {
        assert!(self.0.is_empty(), "{} faults:\n{}", self.0.len(), self.0.join("\n"));
    }
}

#[test]
fn rules() {
    let mut faults = Faults::default();
    for &language in Language::ALL {
        let headings = match language {
            Language::English => ["What it means", "When you see it", "How to fix it"],
            Language::French => ["Ce que cela signifie", "Quand on le rencontre", "Comment le corriger"],
        };
        for &rule in Rule::ALL {
            let file = format!("{}/rules/{rule}.md", language.code());
            let sections = rule.sections(language);
            faults.check_text(&file, &sections, &headings, rule.title(language), &rule.fix_line(language));
            faults.check_words(&file, &sections);
            let bodies = [rule.meaning(language), rule.when_seen(language), rule.fix(language)];
            faults.check(sections.iter().map(|section| section.body).eq(bodies), &file, "a getter is off");
        }
    }
    faults.assert_none();
}

#[test]
fn codes() {
    let mut faults = Faults::default();
    for &language in Language::ALL {
        let headings = match language {
            Language::English => ["What it means", "When you see it", "How to fix it", "When to use it"],
            Language::French => {
                ["Ce que cela signifie", "Quand on le rencontre", "Comment le corriger", "Quand l'utiliser"]
            }
        };
        for &code in Code::ALL {
            let file = format!("{}/codes/{}.md", language.code(), code.id());
            let sections = code.sections(language);
            faults.check_text(&file, &sections, &headings, code.title(language), &code.fix_line(language));
            faults.check_words(&file, &sections);
            let bodies = [
                code.meaning(language),
                code.when_seen(language),
                code.fix(language),
                code.when_to_use(language),
            ];
            faults.check(sections.iter().map(|section| section.body).eq(bodies), &file, "a getter is off");
        }
    }
    faults.assert_none();
}

#[test]
fn causes() {
    let mut faults = Faults::default();
    for &language in Language::ALL {
        let headings = match language {
            Language::English => ["What happened", "How to fix it"],
            Language::French => ["Ce qui s'est passé", "Comment le corriger"],
        };
        for &cause in Cause::ALL {
            let file = format!("{}/causes/{}.md", language.code(), cause.id());
            let sections = cause.sections(language);
            faults.check_text(&file, &sections, &headings, cause.title(language), &cause.fix_line(language));
            let bodies = [cause.what_happened(language), cause.fix(language)];
            faults.check(sections.iter().map(|section| section.body).eq(bodies), &file, "a getter is off");
        }
    }
    faults.assert_none();
}

#[test]
fn a_translation_has_a_title_of_its_own() {
    let mut faults = Faults::default();
    for &rule in Rule::ALL {
        let [en, fr] = [Language::English, Language::French].map(|language| rule.title(language));
        faults.check(en != fr, rule.id(), "its title is not translated");
    }
    faults.assert_none();
}

/// `text` without code: neither fenced blocks nor `inline` code.
fn prose_of(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            // Every other piece is code; an empty one keeps the space before punctuation.
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    prose
}

#[test]
fn french_punctuation_follows_a_no_break_space() {
    let mut faults = Faults::default();
    let mut check = |file: String, text: &str| {
        let prose = prose_of(text);
        for mark in [':', ';', '!', '?', '»'] {
            faults.check(
                !prose.contains([' ', mark].iter().collect::<String>().as_str()),
                &file,
                "a space before punctuation: use U+00A0",
            );
        }
        faults.check(!prose.contains("« "), &file, "a space after «: use U+00A0");
    };
    for &rule in Rule::ALL {
        check(format!("fr/rules/{rule}.md"), rule.title(Language::French));
        rule.sections(Language::French).iter().for_each(|s| check(format!("fr/rules/{rule}.md"), s.body));
    }
    for &code in Code::ALL {
        code.sections(Language::French)
            .iter()
            .for_each(|s| check(format!("fr/codes/{}.md", code.id()), s.body));
    }
    for &cause in Cause::ALL {
        check(format!("fr/causes/{}.md", cause.id()), cause.title(Language::French));
        cause
            .sections(Language::French)
            .iter()
            .for_each(|s| check(format!("fr/causes/{}.md", cause.id()), s.body));
    }
    faults.assert_none();
}

/// The table has the English titles of rules and codes; the files have the others.
#[test]
fn a_title_comes_from_the_table_or_from_the_file() {
    for &code in Code::ALL {
        assert_eq!(code.title(Language::English), code.name());
        assert_ne!(code.title(Language::French), code.name(), "{code:?} is not translated");
    }
    for &rule in Rule::ALL {
        assert_eq!(rule.title(Language::English), rule.sentence());
    }
    assert_eq!(Cause::ServerMasks.title(Language::English), "The server masks its frames");
    assert_eq!(Cause::ServerMasks.title(Language::French), "Le serveur masque ses trames");
}
