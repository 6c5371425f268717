//! What numbers, heads, configurations and addresses speak for.

use framewise_rules::CloseCode;

use super::Weighing;
use crate::facts::{Fact, facts};
use crate::find::Text;
use crate::reading::{Evidence, Speaks};
use crate::table::{NumberKind, TABLE};
use crate::{config, heads, urls};

impl Weighing {
    pub(super) fn numbers(&mut self, text: &Text<'_>) {
        let mut facts = facts(text);
        for numbers in [&mut facts.codes, &mut facts.statuses, &mut facts.durations, &mut facts.sizes] {
            numbers.retain(|number| !self.lines.is_code(number.span.start));
        }
        for status in facts.statuses {
            if !self.statuses.iter().any(|other| other.value == status.value && other.span == status.span) {
                self.statuses.push(status);
            }
        }
        for status in self.statuses.clone() {
            let value = status.value as u16;
            if let Some(row) = TABLE.number(NumberKind::Http, status.value) {
                self.spoken(&row.spoken, Speaks::Status(value), &status.span);
            }
            self.shown.number(Speaks::Status(value));
        }
        self.statuses.sort_by_key(|status| status.span.start);
        // An end that did not get the other's Close reports 1006.
        let others = |code: &&Fact| matches!(code.value, 1000 | 1001 | 1008 | 1011 | 3000..=4999);
        if facts.codes.iter().any(|code| code.value == 1006)
            && let Some(other) = facts.codes.iter().find(others)
            && let Some(sign) = TABLE.sign("two-codes")
        {
            self.spoken(&sign.spoken, Speaks::Sign(sign), &other.span);
        }
        for code in facts.codes {
            let value = code.value as u16;
            let speaks = Speaks::Code(value);
            self.codes.add(CloseCode(value), Evidence { span: code.span.clone(), speaks, weight: 1.0 });
            let wrong = self.wrong_codes.iter().any(|span| span.contains(&code.span.start));
            if !wrong {
                self.shown.number(speaks);
            }
            if !wrong && let Some(row) = TABLE.number(NumberKind::Close, code.value) {
                self.spoken(&row.spoken, speaks, &code.span);
            }
        }
        let says = |words: &[&str]| {
            text.words.iter().any(|word| words.iter().any(|start| word.text.starts_with(start)))
        };
        // A time or a size alone is no evidence: something must have ended, something must have been too large.
        if says(&[
            "clos",
            "disconnect",
            "drop",
            "timeout",
            "timed",
            "reset",
            "idle",
            "cut",
            "inactiv",
            "reconnect",
            "lost",
            "sever",
            "die",
            "断",
            "闲",
            "terminat",
            "kill",
            "1006",
            "1001",
            "eof",
        ]) {
            for duration in facts.durations {
                if let Some(row) = TABLE.number(NumberKind::Seconds, duration.value) {
                    let speaks = Speaks::Duration { seconds: duration.value, whose: row.whose };
                    self.spoken(&row.spoken, speaks, &duration.span);
                }
            }
        }
        if says(&["limit", "exceed", "big", "large", "size", "max", "payload", "longer", "1009"]) {
            for size in facts.sizes {
                if let Some(row) = TABLE.number(NumberKind::Bytes, size.value) {
                    let speaks = Speaks::Size { bytes: size.value, whose: row.whose };
                    self.spoken(&row.spoken, speaks, &size.span);
                }
            }
        }
    }

    pub(super) fn signs(&mut self, text: &str) {
        for (id, span) in heads::signs(text).into_iter().chain(config::signs(text)).chain(urls::signs(text)) {
            if let Some(sign) = TABLE.sign(id) {
                self.spoken(&sign.spoken, Speaks::Sign(sign), &span);
                self.seen.push((sign.id, span));
            }
        }
    }
}
