//! Guesses the encoding of a text that is not UTF-8.

use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1251, WINDOWS_1252};

/// How many bytes of a payload are read.
const LOOKED_AT: usize = 4096;
/// The largest cost of a guess: each byte is decoded in six encodings, and its character looked up among the frequent
/// ones.
pub(crate) const STEPS: u64 = 64 * LOOKED_AT as u64;

/// The most frequent characters of simplified and traditional Chinese, Japanese and Korean. A right guess yields many
/// of them, a wrong one rare characters.
const SIMPLIFIED: &str = "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市测试中文字符数据错误连接用户消息登录成功失败";
const TRADITIONAL: &str = "的一是不了在人有我他這中大來上個國到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她裡後小麼心多天而能好都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長知民樣現分將外但身些與高意進把法此實回二理美點月明其種聲全工己話兒者向情部正名定女問力機給等幾很業最間新什打便位因重被走電四第門相次東政海口使教西再平真聽世氣信北少關並內加化由卻代軍產入先山五太水萬市測試";
const HANGUL: &str = "이다는을의에가하고지도로한은기사대나를인그서정수자시어아리해라있일부제상전보장스안들것주동여성원조만공우소선과신유국세경무마게관오계회구미문연으개거방비생와용명운진요니물실금면화분습같때말안녕하세요메시지테스트한글";

/// The most frequent letters of Russian.
const CYRILLIC: &str = "оеаинтсрвлкм";

/// The encoding in which the bytes are text, and the text; `None` if there is none.
pub(crate) fn guess(bytes: &[u8]) -> Option<(&'static str, String)> {
    let bytes = &bytes[..bytes.len().min(LOOKED_AT)];
    if let Some(found) = utf16(bytes) {
        return Some(found);
    }
    // None of the encodings has control characters in text.
    if bytes.iter().any(|&byte| matches!(byte, 0..=8 | 0xb | 0xe..=0x1a | 0x1c..=0x1f | 0x7f)) {
        return None;
    }
    let high = bytes.iter().filter(|&&byte| byte >= 0x80).count();
    if high == 0 {
        return None;
    }
    let candidates = [
        ("GBK", GBK, SIMPLIFIED),
        ("Shift-JIS", SHIFT_JIS, ""),
        ("EUC-KR", EUC_KR, HANGUL),
        ("Big5", BIG5, TRADITIONAL),
        ("Windows-1251", WINDOWS_1251, CYRILLIC),
    ];
    let multibyte = candidates.into_iter().filter_map(|(name, encoding, frequent)| {
        let text = decode(encoding, bytes)?;
        let (wide, score) = weigh(&text, frequent);
        // Any single high byte is a letter in some alphabet.
        let least = if encoding == WINDOWS_1251 { 3 } else { 1 };
        (wide >= least).then_some((score, name, text))
    });
    let best = multibyte.max_by_key(|(score, ..)| *score);
    // There each byte is a character.
    let western = decode(WINDOWS_1252, bytes)?;
    let letters = latin(&western);
    match best {
        Some((score, name, text)) if score > letters => Some((name, text)),
        _ => (letters > 0).then_some(("Windows-1252 (Latin-1)", western)),
    }
}

fn decode(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    // A text that was shortened may end within a character.
    let cut = usize::from(bytes.len() == LOOKED_AT);
    (0..=cut).find_map(|cut| {
        encoding
            .decode_without_bom_handling_and_without_replacement(&bytes[..bytes.len() - cut])
            .map(Into::into)
    })
}

fn utf16(bytes: &[u8]) -> Option<(&'static str, String)> {
    let (encoding, name, rest) = match bytes {
        [0xff, 0xfe, rest @ ..] => (UTF_16LE, "UTF-16, little-endian", rest),
        [0xfe, 0xff, rest @ ..] => (UTF_16BE, "UTF-16, big-endian", rest),
        _ => {
            // Without a byte order mark: each Latin letter has a NUL before or after it.
            let pairs = bytes.len() / 2;
            let nuls =
                |at: usize| bytes.chunks_exact(2).filter(|pair| pair[at] == 0 && pair[1 - at] != 0).count();
            match (nuls(0), nuls(1)) {
                (_, low) if pairs >= 2 && low * 2 > pairs => (UTF_16LE, "UTF-16, little-endian", bytes),
                (high, _) if pairs >= 2 && high * 2 > pairs => (UTF_16BE, "UTF-16, big-endian", bytes),
                _ => return None,
            }
        }
    };
    if rest.len() < 2 {
        return None;
    }
    let text = decode(encoding, &rest[..rest.len() & !1])?;
    text.chars().all(|c| !c.is_control() || c.is_whitespace()).then_some((name, text))
}

/// The number of wide characters in a decoded text, and their score: frequent ones add, rare ones subtract.
fn weigh(text: &str, frequent: &str) -> (i32, i32) {
    let mut wide = 0;
    let mut score = 0;
    for character in text.chars().filter(|c| !c.is_ascii()) {
        wide += 1;
        score += match character {
            c if frequent.contains(c) => {
                if c < '\u{3000}' {
                    4
                } else {
                    8
                }
            }
            // Kana, and the punctuation of East Asia.
            '\u{3041}'..='\u{30ff}' => 6,
            '\u{3000}'..='\u{303f}' | '\u{ff01}'..='\u{ff5e}' => 3,
            '\u{430}'..='\u{44f}' => 3,
            '\u{4e00}'..='\u{9fff}' => 2,
            '\u{ac00}'..='\u{d7a3}' => 2,
            // Half-width kana: in Shift-JIS any high byte may be one.
            '\u{ff61}'..='\u{ff9f}' => -2,
            '\u{e000}'..='\u{f8ff}' => -8,
            _ => -1,
        };
    }
    (wide, score)
}

/// The score of the high bytes as Western European letters and signs, which occur singly between ASCII letters.
fn latin(text: &str) -> i32 {
    let characters: Vec<char> = text.chars().collect();
    let mut score = 0;
    for (at, &character) in characters.iter().enumerate().filter(|(_, c)| !c.is_ascii()) {
        if character.is_control() {
            return 0;
        }
        let before = at.checked_sub(1).map(|before| characters[before]);
        let after = characters.get(at + 1).copied();
        let beside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic() || c == ' ');
        score += match (character.is_alphabetic(), beside(before), beside(after)) {
            (true, true, true) => 9,
            (true, true, _) | (true, _, true) => 4,
            // Quotation marks, dashes, currencies, degrees.
            (false, true, _) | (false, _, true) => 3,
            (false, ..) if before.is_some_and(|c| c.is_ascii_digit()) => 3,
            _ => -2,
        };
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        for (name, text, bytes) in [
            ("GBK", "你好", &b"\xc4\xe3\xba\xc3"[..]),
            ("GBK", "test中", b"test\xd6\xd0"),
            ("Shift-JIS", "こんにちは", b"\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd"),
            ("EUC-KR", "안녕하세요", b"\xbe\xc8\xb3\xe7\xc7\xcf\xbc\xbc\xbf\xe4"),
            ("Big5", "中文測試", b"\xa4\xa4\xa4\xe5\xb4\xfa\xb8\xd5"),
            // In Big5 the two bytes would be one of the most frequent characters.
            ("Windows-1252 (Latin-1)", "10 µL", b"10 \xb5L"),
            ("Windows-1252 (Latin-1)", "{\"t\":\"21°\"}", b"{\"t\":\"21\xb0\"}"),
            ("UTF-16, little-endian", "h", b"\xff\xfeh\0"),
            ("Windows-1252 (Latin-1)", "café", b"caf\xe9"),
            ("Windows-1252 (Latin-1)", "{\"t\":\"21°C\"}", b"{\"t\":\"21\xb0C\"}"),
            ("Windows-1252 (Latin-1)", "Müller sagt “ja”", b"M\xfcller sagt \x93ja\x94"),
            ("Windows-1251", "Привет, мир", b"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0"),
            ("UTF-16, little-endian", "hé", b"h\0\xe9\0"),
            ("UTF-16, big-endian", "hi", b"\xfe\xff\0h\0i"),
        ] {
            assert_eq!(guess(bytes), Some((name, text.to_owned())), "{bytes:x?}");
        }
    }

    #[test]
    fn a_text_that_was_cut_inside_a_character_is_told_by_what_is_before_it() {
        let text = [&b"a"[..], &b"\xc4\xe3\xba\xc3".repeat(1024)].concat();
        let (name, read) = guess(&text).expect("it is GBK");
        assert_eq!((name, read.chars().count()), ("GBK", 1 + (LOOKED_AT - 2) / 2));
        // Of a text that was not cut half a character is none of its encoding.
        assert_ne!(guess(&text[..4]).map(|(name, _)| name), Some("GBK"));
    }

    #[test]
    fn what_is_no_text_is_none() {
        for bytes in [&b"\xff"[..], b"\x9d\xa1\x14AB", b"\x81\x00\x02\xff", b"", b"plain"] {
            assert_eq!(guess(bytes), None, "{bytes:x?}");
        }
    }
}
