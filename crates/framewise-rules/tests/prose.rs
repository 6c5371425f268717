//! The files of the reference are written by hand: each must have the form that `explain` and the pages rely on.
#![cfg(feature = "prose")]
#![allow(missing_docs)]

use framewise_rules::prose::{Evidence, Intermediary, Language, Section};
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
    for &one in Intermediary::ALL {
        check(format!("fr/intermediaries/{}.md", one.id()), one.title(Language::French));
        for text in one.sections(Language::French).iter().map(|section| section.body) {
            check(format!("fr/intermediaries/{}.md", one.id()), text);
        }
        for figure in one.figures() {
            check(format!("{}: {}", one.id(), figure.setting), figure.meaning(Language::French));
        }
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

#[test]
fn intermediaries() {
    let mut faults = Faults::default();
    for &language in Language::ALL {
        let headings = match language {
            Language::English => ["What to set", "How it shows when it is wrong"],
            Language::French => ["À configurer", "Comment une erreur se manifeste"],
        };
        for &one in Intermediary::ALL {
            let file = format!("{}/intermediaries/{}.md", language.code(), one.id());
            let sections = one.sections(language);
            let first = one.what_to_set(language);
            faults.check_text(
                &file,
                &sections,
                &headings,
                one.title(language),
                first.split("\n\n").next().unwrap_or(""),
            );
            let bodies = [one.what_to_set(language), one.how_it_shows(language)];
            faults.check(sections.iter().map(|section| section.body).eq(bodies), &file, "a getter is off");
            for figure in one.figures() {
                let meaning = figure.meaning(language);
                faults.check(!meaning.is_empty() && !meaning.ends_with('.'), &file, figure.setting);
            }
        }
    }
    faults.assert_none();
}

#[test]
fn each_figure_and_each_point_has_a_source_in_both_languages() {
    let mut faults = Faults::default();
    for &one in Intermediary::ALL {
        let id = one.id();
        faults.check(one.documentation().starts_with("https://"), id, "no documentation");
        faults.check(!one.figures().is_empty(), id, "no figure");
        for (index, figure) in one.figures().iter().enumerate() {
            let setting = figure.setting;
            faults.check(
                figure.source.starts_with("https://") && !figure.source.contains(char::is_whitespace),
                id,
                &format!("{setting} has no source"),
            );
            faults.check(!figure.value.is_empty(), id, &format!("{setting} has no value"));
            let [en, fr] = [Language::English, Language::French].map(|language| figure.meaning(language));
            faults.check(en != fr, id, &format!("{setting} is not translated"));
            faults.check(
                one.figures()[..index].iter().all(|other| other.setting != setting),
                id,
                &format!("{setting} is there twice"),
            );
        }
        for language in [Language::English, Language::French] {
            let points = one.how_it_shows(language).lines().filter(|line| line.starts_with("- ")).count();
            faults.check(
                points > 0 && points == one.evidence().len() && one.shows(language).count() == points,
                id,
                &format!("{points} points say how it shows, and {} have evidence", one.evidence().len()),
            );
        }
        for evidence in one.evidence() {
            let given = match evidence {
                Evidence::Page(page) => page.starts_with("https://") && !page.contains(char::is_whitespace),
                Evidence::Run(proxy, configuration) => !proxy.is_empty() && !configuration.is_empty(),
            };
            faults.check(given, id, &format!("{evidence:?} is not evidence"));
        }
        for (index, (cause, fix)) in one.fixes().iter().enumerate() {
            faults.check(!fix.is_empty(), id, &format!("the fix of {cause:?} is empty"));
            faults.check(
                one.fixes()[..index].iter().all(|(other, _)| other != cause),
                id,
                &format!("{cause:?} is there twice"),
            );
        }
    }
    faults.assert_none();
}

#[test]
fn names_of_intermediaries_are_unique_and_are_found() {
    for &one in Intermediary::ALL {
        for name in one.aliases().iter().chain([&one.id(), &one.name()]) {
            assert_eq!(Intermediary::from_name(name), Some(one), "{name}");
            assert_eq!(Intermediary::from_name(&name.to_uppercase()), Some(one), "{name}");
        }
        assert!(Cause::ALL.iter().all(|cause| cause.id() != one.id()), "{} is a cause", one.id());
    }
    assert_eq!(Intermediary::from_name("AWS_ALB"), Some(Intermediary::AwsAlb));
    for name in ["", " ", "nginx: [emerg]", "the nginx", "proxy", "aws"] {
        assert_eq!(Intermediary::from_name(name), None, "{name}");
    }
}
