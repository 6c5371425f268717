//! What messages are made of: texts and bytes that compress as the real ones do, made by rule, the same each time.

use std::fmt::Write as _;

use crate::case::{Material, Payload, Seen};

/// Characters or bytes that are made, before they repeat.
const LENGTH: usize = 160_000;

/// Messages out of a material, one after the other.
#[derive(Debug)]
pub(crate) struct Source {
    kind: Kind,
    /// The byte that the next message begins at.
    at: usize,
}

#[derive(Debug)]
enum Kind {
    Text(String),
    Binary(Vec<u8>),
}

impl Source {
    pub(crate) fn new(material: Material) -> Self {
        let kind = match material {
            Material::Letter => Kind::Text("*".repeat(LENGTH)),
            Material::Byte => Kind::Binary(vec![0xfe; LENGTH]),
            Material::Json => Kind::Text(json()),
            Material::Html => Kind::Text(html()),
            Material::Prose => Kind::Binary(prose().into_bytes()),
            Material::Image => Kind::Binary(image()),
            Material::Compressed => {
                let mut noise = Noise(7);
                Kind::Binary((0..LENGTH).map(|_| noise.below(256) as u8).collect())
            }
        };
        Self { kind, at: 0 }
    }

    /// The next message: this many characters of a text, this many bytes of anything else.
    pub(crate) fn message(&mut self, size: usize) -> Seen {
        let (mut message, mut missing) = (Vec::with_capacity(size), size);
        while missing > 0 {
            let (piece, taken) = match &self.kind {
                Kind::Text(text) => {
                    let rest = &text[self.at..];
                    let mut characters = rest.chars();
                    // Whole pieces: taking one character after the other costs more than the rest of the exchange.
                    match characters.nth(missing - 1) {
                        Some(_) => (&rest.as_bytes()[..rest.len() - characters.as_str().len()], missing),
                        None => (rest.as_bytes(), rest.chars().count()),
                    }
                }
                Kind::Binary(bytes) => {
                    let rest = &bytes[self.at..];
                    let taken = missing.min(rest.len());
                    (&rest[..taken], taken)
                }
            };
            message.extend_from_slice(piece);
            missing -= taken;
            self.at += piece.len();
            if self.at == self.kind.len() {
                self.at = 0;
            }
        }
        let payload = Payload::Bytes(message);
        match &self.kind {
            Kind::Text(_) => Seen::Text(payload),
            Kind::Binary(_) => Seen::Binary(payload),
        }
    }
}

impl Kind {
    const fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// Numbers by a fixed rule (a linear congruence).
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

const WORDS: [&str; 24] = [
    "frame", "größer", "leise", "message", "während", "server", "client", "Übung", "the", "and", "of",
    "nicht", "offset", "Straße", "payload", "again", "für", "close", "opens", "maß", "quiet", "table",
    "rule", "zurück",
];

fn json() -> String {
    let mut noise = Noise(1);
    let mut text = String::from("[");
    while text.len() < LENGTH {
        let name = WORDS[noise.below(24) as usize];
        let _ = writeln!(
            text,
            "{{\"id\": {}, \"name\": \"{name}\", \"value\": {}.{:02}, \"active\": {}, \"tags\": [\"{}\", \"{}\"]}},",
            noise.below(100_000),
            noise.below(1_000),
            noise.below(100),
            noise.below(2) == 0,
            WORDS[noise.below(24) as usize],
            WORDS[noise.below(24) as usize],
        );
    }
    text
}

fn html() -> String {
    let mut noise = Noise(2);
    let mut text = String::from("<!doctype html>\n<ul>\n");
    while text.len() < LENGTH {
        let (a, b) = (WORDS[noise.below(24) as usize], WORDS[noise.below(24) as usize]);
        let number = noise.below(10_000);
        let _ = writeln!(text, "  <li class=\"entry\"><a href=\"/{a}/{number}\">{b} {number}</a></li>");
    }
    text
}

fn prose() -> String {
    let mut noise = Noise(3);
    let mut text = String::new();
    while text.len() < LENGTH {
        for _ in 0..=noise.below(12) {
            text.push_str(WORDS[noise.below(24) as usize]);
            text.push(' ');
        }
        text.push_str(if noise.below(4) == 0 { "?\n" } else { ".\n" });
    }
    text
}

fn image() -> Vec<u8> {
    let mut noise = Noise(4);
    (0..LENGTH)
        .map(|index| {
            let (x, y) = (index % 400, index / 400);
            ((x + y) / 4 + noise.below(8) as usize) as u8
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Material; 7] = [
        Material::Letter,
        Material::Byte,
        Material::Json,
        Material::Html,
        Material::Prose,
        Material::Image,
        Material::Compressed,
    ];

    #[test]
    fn a_message_has_its_size_in_characters_or_bytes() {
        for material in ALL {
            let mut source = Source::new(material);
            for size in [0, 1, 1000, 200_000] {
                match source.message(size) {
                    Seen::Text(payload) => {
                        let bytes = payload.bytes();
                        let text = std::str::from_utf8(&bytes).expect("text is valid");
                        assert_eq!(text.chars().count(), size, "{material:?}");
                    }
                    Seen::Binary(payload) => assert_eq!(payload.len(), size, "{material:?}"),
                    Seen::Ping(_) | Seen::Pong(_) => unreachable!("a source gives messages"),
                }
            }
        }
    }

    #[test]
    fn a_material_begins_again_where_it_ends() {
        let mut source = Source::new(Material::Compressed);
        let (first, second) = (source.message(LENGTH - 1), source.message(3));
        let (Seen::Binary(first), Seen::Binary(second)) = (first, second) else {
            unreachable!("it is binary")
        };
        let (first, second) = (first.bytes(), second.bytes());
        assert_eq!(second[1..], first[..2]);
    }

    #[test]
    fn messages_follow_one_another() {
        let (mut two, mut one) = (Source::new(Material::Json), Source::new(Material::Json));
        let (Seen::Text(a), Seen::Text(b), Seen::Text(both)) =
            (two.message(300), two.message(500), one.message(800))
        else {
            unreachable!("JSON is text")
        };
        assert_eq!([a.bytes(), b.bytes()].concat(), *both.bytes());
    }
}
