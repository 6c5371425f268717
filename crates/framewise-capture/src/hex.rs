use framewise_transcript::hex_pairs;

use crate::{Error, Position};

/// The largest number of bytes of a dump: `*` repeats rows, so a short file may mean many bytes.
const MOST: usize = 256 << 20;
const TOO_LARGE: &str = "the dump holds more than 256 MiB";
const HALF: &str = "half a byte: expected a second hexadecimal digit";

/// Reads plain hexadecimal (`81 85`, `8185`, `0x81, 0x85`, `81:85`, `\x81\x85`), and the dumps of `xxd`, `hexdump -C`
/// and `od -A x -t x1`.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let dump = is_dump(text);
    // Where the bytes of the last row are.
    let mut row = 0..0;
    let mut repeat = false;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let mut body = line.split(" #").next().unwrap_or(line);
        if body.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        if dump {
            if body.trim() == "*" {
                repeat = true;
                continue;
            }
            let trimmed = body.trim_start();
            let end = trimmed.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(trimmed.len());
            let at = line.len() - trimmed.len();
            let error = |message: &str| fault(number, at + 1, message.to_owned());
            let offset = usize::from_str_radix(&trimmed[..end], 16)
                .map_err(|_| error("expected the offset of the row"))?;
            if repeat {
                if row.is_empty() {
                    return Err(error("`*` repeats the row before it, but there is none"));
                }
                if offset > MOST {
                    return Err(error(TOO_LARGE));
                }
                while bytes.len() < offset {
                    bytes.extend_from_within(row.clone());
                }
                repeat = false;
            }
            body = text_column_cut(&trimmed[end..]);
        }
        let before = bytes.len();
        let column = body.as_ptr() as usize - line.as_ptr() as usize;
        digits(body, &mut bytes).map_err(|(at, message)| {
            let column = line[..column + at].chars().count() + 1;
            fault(number, column, message)
        })?;
        if bytes.len() > MOST {
            return Err(fault(number, 1, TOO_LARGE.to_owned()));
        }
        row = before..bytes.len();
    }
    Ok(bytes)
}

fn fault(line: usize, column: usize, message: String) -> Error {
    Error::Hex { at: Position { line, column }, message }
}

/// Whether lines begin with their offset: it ends with a colon, or it is all zeros.
fn is_dump(text: &str) -> bool {
    let line = text
        .lines()
        .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .unwrap_or("")
        .trim();
    let (first, rest) = line.split_at(line.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(line.len()));
    let colon = rest.starts_with(": ");
    let bar = rest.starts_with("  ") && line.ends_with('|');
    let zeros = first.len() >= 4
        && first.bytes().all(|byte| byte == b'0')
        && rest.split_whitespace().next().is_none_or(|token| token.len() == 2);
    (first.len() >= 4 && (colon || bar)) || zeros
}

/// The bytes of a dump's line without the text beside them: it follows a bar, or two spaces after the bytes.
fn text_column_cut(body: &str) -> &str {
    let (body, colon) = body.strip_prefix(':').map_or((body, false), |body| (body, true));
    let end = body.find('|').unwrap_or(body.len());
    let body = &body[..end];
    // `xxd` has one space between its groups and two before the text.
    let start = body.len() - body.trim_start().len();
    match body[start..].find("  ").filter(|_| colon) {
        Some(gap) => &body[..start + gap],
        None => body,
    }
}

/// Pairs of digits, with the usual separators.
fn digits(body: &str, bytes: &mut Vec<u8>) -> Result<(), (usize, String)> {
    let mut high: Option<(usize, u8)> = None;
    let mut at = 0;
    loop {
        if high.is_none() {
            at += hex_pairs(&body.as_bytes()[at..], bytes);
        }
        let Some(c) = body[at..].chars().next() else { break };
        let rest = &body[at..];
        let prefix =
            high.is_none() && (rest.starts_with("0x") || rest.starts_with("0X") || rest.starts_with("\\x"));
        if prefix {
            at += 2;
            continue;
        }
        match (c.to_digit(16), high) {
            (Some(digit), None) => high = Some((at, digit as u8)),
            (Some(digit), Some((_, before))) => {
                bytes.push(before << 4 | digit as u8);
                high = None;
            }
            (None, Some((at, _))) => {
                return Err((at, HALF.to_owned()));
            }
            (None, None)
                if c.is_whitespace() || matches!(c, ',' | ':' | ';' | '-' | '{' | '}' | '[' | ']' | '"') => {}
            (None, None) => {
                return Err((at, format!("expected a hexadecimal digit, found `{}`", c.escape_default())));
            }
        }
        at += c.len_utf8();
    }
    match high {
        Some((at, _)) => Err((at, HALF.to_owned())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

    #[test]
    fn every_way_of_writing_bytes_is_read() {
        for text in [
            "81 85 37 fa 21 3d 7f 9f 4d 51 58",
            "818537fa213d7f9f4d5158",
            "# a frame\n81 85 37 FA  # header\n21 3d 7f 9f 4d 51 58\n",
            "0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58",
            "81:85:37:fa:21:3d:7f:9f:4d:51:58",
            r"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
            "00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n",
            "00000000: 8185 37fa 213d 7f9f  ..7.!=..\n00000008: 4d51 58  MQX\n",
            "00000000  81 85 37 fa 21 3d 7f 9f  4d 51 58                 |..7.!=..MQX|\n0000000b\n",
            "000000 81 85 37 fa 21 3d 7f 9f\n000008 4d 51 58\n00000b\n",
        ] {
            assert_eq!(crate::detect::format(text), crate::Format::Hex, "{text}");
            assert_eq!(parse(text).as_deref(), Ok(&BYTES[..]), "{text}");
        }
    }

    #[test]
    fn repeated_rows_are_repeated_and_not_without_end() {
        let text = "00000000  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n*\n00000040  62  |b|\n00000041\n";
        let bytes = parse(text).expect("a dump of hexdump -C");
        assert_eq!((bytes.len(), bytes[63], bytes[64]), (65, b'a', b'b'));
        let hostile = "00000000: 6161\n*\nffffffffffffff: 61\n";
        assert_eq!(
            parse(hostile).expect_err("too large").to_string(),
            "line 3, column 1: the dump holds more than 256 MiB"
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_column() {
        let told = |text| parse(text).expect_err(text).to_string();
        assert_eq!(told("81 85\n8g"), "line 2, column 1: half a byte: expected a second hexadecimal digit");
        assert_eq!(told("81 8"), "line 1, column 4: half a byte: expected a second hexadecimal digit");
        assert_eq!(told("81 é"), "line 1, column 4: expected a hexadecimal digit, found `\\u{e9}`");
    }
}
