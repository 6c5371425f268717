use framewise_rules::prose::{Family, Intermediary, Language, Section};
use framewise_rules::{Answer, Cause, CloseCode, Code, Offender, OnTheWire, Rule, SeenBy, Sender};

use super::tr;

/// What a term can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A close code; its row, unless no row has it.
    Code {
        number: u16,
        row: Option<Code>,
    },
    /// A range of close codes.
    Range(Code),
    Rule(Rule),
    Cause(Cause),
    Intermediary(Intermediary),
}

/// One line of the table above a page.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
}

impl Entry {
    /// The entry of exactly this name: a number, an id in any spelling of its words, or a title.
    pub(super) fn named(term: &str) -> Option<Self> {
        let term = term.trim().trim_matches(['"', '\'', '.', ',', ':', ';', '(', ')', '`']);
        let lower = term.to_lowercase();
        let bare =
            ["close code ", "status code ", "code "].iter().find_map(|prefix| lower.strip_prefix(prefix));
        let bare = bare.unwrap_or(&lower);
        if let Ok(number) = bare.parse::<u16>() {
            return Some(Self::code(number));
        }
        let id = bare.replace('–', "-");
        if let Some(range) = Code::ALL.iter().copied().find(|code| code.id() == id) {
            return Some(Self::Range(range));
        }
        let kebab = kebab(term);
        if let Some(rule) = Rule::from_id(&kebab) {
            return Some(Self::Rule(rule));
        }
        if let Some(cause) = Cause::ALL.iter().copied().find(|cause| cause.id() == kebab) {
            return Some(Self::Cause(cause));
        }
        // What our own errors begin with.
        if let Some(rule) = term.split_once(": ").and_then(|(id, _)| Rule::from_id(id)) {
            return Some(Self::Rule(rule));
        }
        let is = |title: &str| title.to_lowercase() == lower;
        let mut languages = Language::ALL.iter().copied();
        let titled = languages.find_map(|language| {
            let code = Code::ALL.iter().copied().find(|code| is(code.title(language)));
            let rule = Rule::ALL.iter().copied().find(|rule| is(rule.title(language)));
            let cause = Cause::ALL.iter().copied().find(|cause| is(cause.title(language)));
            code.map(Self::of_row).or(rule.map(Self::Rule)).or(cause.map(Self::Cause))
        });
        // Last: the name of a product hides no row.
        titled.or_else(|| Intermediary::from_name(term).map(Self::Intermediary))
    }

    pub(super) fn code(number: u16) -> Self {
        Self::Code { number, row: CloseCode(number).row() }
    }

    pub(super) fn of_row(row: Code) -> Self {
        let numbers = row.numbers();
        if numbers.start() == numbers.end() { Self::code(*numbers.start()) } else { Self::Range(row) }
    }

    /// What it is called: `1002`, `mask-missing`.
    pub(super) fn id(self) -> String {
        match self {
            Self::Code { number, .. } => number.to_string(),
            Self::Range(row) => row.id().to_owned(),
            Self::Rule(rule) => rule.id().to_owned(),
            Self::Cause(cause) => cause.id().to_owned(),
            Self::Intermediary(one) => one.id().to_owned(),
        }
    }

    pub(super) fn title(self, language: Language) -> String {
        match self {
            Self::Code { row: Some(row), .. } | Self::Range(row) => row.title(language).to_owned(),
            Self::Code { row: None, .. } => tr(language, "Not assigned", "Non attribué").to_owned(),
            Self::Rule(rule) => rule.title(language).to_owned(),
            Self::Cause(cause) => cause.title(language).to_owned(),
            Self::Intermediary(one) => one.title(language).to_owned(),
        }
    }

    /// Its text; that of the rule that it breaks, where a code is not assigned.
    pub(super) fn sections(self, language: Language) -> Vec<Section> {
        match self {
            Self::Code { row: Some(row), .. } | Self::Range(row) => row.sections(language),
            Self::Code { row: None, .. } => Rule::CloseCodeInvalid.sections(language),
            Self::Rule(rule) => rule.sections(language),
            Self::Cause(cause) => cause.sections(language),
            Self::Intermediary(one) => one.sections(language),
        }
    }

    /// What can be said of it in a few words each.
    pub(super) fn facts(self, language: Language) -> Vec<Fact> {
        let l = language;
        let fact = |label, value: &str| Fact { label, value: value.to_owned() };
        let mut facts = vec![fact(tr(l, "Title", "Titre"), &self.title(l))];
        match self {
            Self::Code { row: Some(row), .. } | Self::Range(row) => {
                if matches!(self, Self::Code { number, .. } if row.id() != number.to_string()) {
                    facts.push(fact(tr(l, "Range", "Plage"), row.id()));
                }
                facts.push(fact(tr(l, "Sent by", "Envoyé par"), sender(row.sender(), l)));
                facts.push(fact(tr(l, "On the wire", "Sur le réseau"), on_the_wire(row.on_the_wire(), l)));
                facts.push(fact(registered_by(l), &localised(row.registered(), l)));
            }
            Self::Code { row: None, .. } => {
                let wire = tr(l, "never: answered with 1002", "jamais : la réponse est 1002");
                facts.push(fact(tr(l, "Sent by", "Envoyé par"), sender(Sender::Neither, l)));
                facts.push(fact(tr(l, "On the wire", "Sur le réseau"), wire));
                facts.push(fact(tr(l, "Breaks", "Enfreint"), Rule::CloseCodeInvalid.id()));
            }
            Self::Rule(rule) => {
                facts.push(fact(tr(l, "Broken by", "Enfreinte par"), by(rule.by(), l)));
                facts.push(fact(tr(l, "Answer", "Réponse"), &answer(rule.answer(), l)));
                facts.push(fact(tr(l, "Seen by", "Vue par"), seen_by(rule.seen_by(), l)));
                let sources: Vec<_> = rule.sources().iter().map(ToString::to_string).collect();
                facts.push(fact("Source", &sources.join(", ")));
            }
            Self::Cause(_) => {}
            Self::Intermediary(one) => {
                facts.push(fact(tr(l, "Kind", "Genre"), family(one.family(), l)));
                facts.push(fact("Documentation", one.documentation()));
            }
        }
        facts
    }
}

/// `MaskMissing`, `mask missing` and `mask_missing` as `mask-missing`.
fn kebab(term: &str) -> String {
    let mut kebab = String::new();
    let mut previous_lower = false;
    for c in term.chars() {
        if c.is_uppercase() && previous_lower {
            kebab.push('-');
        }
        previous_lower = c.is_lowercase() || c.is_ascii_digit();
        kebab.extend(if matches!(c, ' ' | '_') { '-' } else { c }.to_lowercase());
    }
    kebab
}

/// What kind of thing an intermediary is, in words.
pub(super) fn family(family: Family, language: Language) -> &'static str {
    match family {
        Family::Server => tr(language, "a server", "un serveur"),
        Family::Library => tr(language, "a library or a tool", "une bibliothèque ou un outil"),
        Family::Cloud => tr(language, "a cloud service", "un service cloud"),
        Family::Kubernetes => tr(language, "a part of Kubernetes", "un élément de Kubernetes"),
        Family::Appliance => tr(language, "an appliance", "un équipement"),
    }
}

pub(super) fn registered_by(language: Language) -> &'static str {
    tr(language, "Registered by", "Enregistré par")
}

pub(super) fn sender(sender: Sender, language: Language) -> &'static str {
    match sender {
        Sender::Either => tr(language, "client and server", "client et serveur"),
        Sender::Client => tr(language, "only the client", "le client seulement"),
        Sender::Server => tr(
            language,
            "only the server, or a gateway for it",
            "le serveur seulement, ou une passerelle à sa place",
        ),
        Sender::Neither => tr(language, "neither end", "aucune des deux extrémités"),
    }
}

pub(super) fn on_the_wire(wire: OnTheWire, language: Language) -> &'static str {
    match wire {
        OnTheWire::Yes => tr(language, "yes, in a Close frame", "oui, dans une trame Close"),
        OnTheWire::Never => tr(language, "never: only an API reports it", "jamais : seule une API l'indique"),
    }
}

pub(super) fn by(by: Offender, language: Language) -> &'static str {
    match by {
        Offender::Client => tr(language, "the client", "le client"),
        Offender::Server => tr(language, "the server", "le serveur"),
        Offender::Either => tr(language, "client or server", "client ou serveur"),
    }
}

pub(super) fn seen_by(kind: SeenBy, language: Language) -> &'static str {
    match kind {
        SeenBy::Receiver => {
            tr(language, "the receiver, which enforces it", "le récepteur, qui la fait respecter")
        }
        SeenBy::Observer => tr(
            language,
            "only an observer of both directions, or of the clock",
            "un observateur des deux sens, ou de l'horloge, seulement",
        ),
    }
}

/// What a strict endpoint does, in words.
pub(super) fn answer(answer: Answer, language: Language) -> String {
    let l = language;
    match answer {
        Answer::Close(code) => {
            let title = code.row().map_or("", |row| row.title(language));
            format!("{} {code} ({title})", tr(l, "Close", "Close"))
        }
        Answer::Http(status) => match l {
            Language::English => format!("HTTP {status}: the server rejects the handshake"),
            Language::French => format!("HTTP {status} : le serveur rejette le handshake"),
        },
        Answer::Abort => {
            tr(l, "the client drops the connection", "le client abandonne la connexion").to_owned()
        }
        Answer::Lost => tr(
            l,
            "none can be sent; the application gets 1006",
            "aucune ne peut être envoyée ; l'application reçoit 1006",
        )
        .to_owned(),
        Answer::Note => {
            tr(l, "none: it is reported, never enforced", "aucune : le fait est signalé, jamais sanctionné")
                .to_owned()
        }
        _ => answer.to_string(),
    }
}

fn localised(registered: &str, language: Language) -> String {
    match language {
        Language::English => registered.to_owned(),
        Language::French => registered.replace("IANA registry", "registre de l'IANA"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_any_spelling() {
        for spelling in ["mask-missing", "MaskMissing", "Mask Missing", "mask_missing", "`mask-missing`"] {
            assert_eq!(Entry::named(spelling), Some(Entry::Rule(Rule::MaskMissing)), "{spelling}");
        }
        let text = "mask-missing: A client's frame without a mask; sent by the client, at byte 0";
        assert_eq!(Entry::named(text), Some(Entry::Rule(Rule::MaskMissing)));
        assert_eq!(Entry::named("close code 1002"), Some(Entry::code(1002)));
        assert_eq!(Entry::named("Normal closure"), Some(Entry::code(1000)));
        assert_eq!(Entry::named("erreur de protocole"), Some(Entry::code(1002)));
        assert_eq!(Entry::named("4000–4999"), Some(Entry::Range(Code::Private)));
        assert_eq!(Entry::named("3999"), Some(Entry::Code { number: 3999, row: Some(Code::Registered) }));
        assert_eq!(Entry::named("2500"), Some(Entry::Code { number: 2500, row: None }));
        assert_eq!(Entry::named("99999"), None);
        assert_eq!(Entry::named("AWS ALB"), Some(Entry::Intermediary(Intermediary::AwsAlb)));
    }

    #[test]
    fn every_row_is_found_by_its_name() {
        for &rule in Rule::ALL {
            assert_eq!(Entry::named(rule.id()), Some(Entry::Rule(rule)));
        }
        for &cause in Cause::ALL {
            // A cause that has the name of a rule would be out of reach.
            assert_eq!(Entry::named(cause.id()), Some(Entry::Cause(cause)));
        }
        for &code in Code::ALL {
            assert_eq!(Entry::named(code.id()), Some(Entry::of_row(code)));
        }
        for &one in Intermediary::ALL {
            assert_eq!(Entry::named(one.id()), Some(Entry::Intermediary(one)));
        }
    }
}
