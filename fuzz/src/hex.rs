//! Recordings in any format: a recording that was read can be written in the notation. Hexadecimal in each common form
//! reads as the same bytes.

use std::fmt::Write as _;

use framewise_capture::{Format, Options, transcripts};
use framewise_rules::Role;
use framewise_transcript::Action;

/// The properties.
pub fn check(data: &[u8]) {
    for (_, transcript) in transcripts(data, &Options::default()).unwrap_or_default() {
        crate::transcript::round_trip(transcript, &String::from_utf8_lossy(data));
    }
    let options = Options { format: Some(Format::Hex), from: Some(Role::Client), ..Options::default() };
    for (_, transcript) in transcripts(data, &options).unwrap_or_default() {
        let bytes = transcript.stream(0, Role::Client);
        if bytes.len() <= 4096 {
            written(&bytes, &options);
        }
    }
    written(&data[..data.len().min(64)], &options);
}

/// The bytes in common forms of hexadecimal.
fn written(bytes: &[u8], options: &Options) {
    let join = |separator: &str, prefix: &str| {
        let digits: Vec<_> = bytes.iter().map(|byte| format!("{prefix}{byte:02x}")).collect();
        digits.join(separator)
    };
    let mut forms = vec![join(" ", ""), join(", ", "0x"), join(":", "")];
    let (mut xxd, mut hexdump) = (String::new(), String::new());
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let text: String =
            chunk.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { byte.into() } else { '.' }).collect();
        let pairs: Vec<String> = chunk
            .chunks(2)
            .map(|pair| match pair {
                [first, second] => format!("{first:02x}{second:02x}"),
                _ => format!("{:02x}", pair[0]),
            })
            .collect();
        let _ = writeln!(xxd, "{:08x}: {:<39}  {text}", row * 16, pairs.join(" "));
        let digits: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(hexdump, "{:08x}  {:<48}  |{text}|", row * 16, digits.join(" "));
    }
    forms.extend([xxd, hexdump]);
    for form in forms {
        let read = transcripts(form.as_bytes(), options).unwrap_or_else(|error| panic!("{error}\n{form}"));
        // No bytes are no recording.
        assert_eq!(read.len(), usize::from(!bytes.is_empty()), "{form}");
        for (_, transcript) in read {
            assert_eq!(transcript.stream(0, Role::Client), bytes, "{form}");
            assert!(transcript.events.iter().all(|event| matches!(event.action, Action::Bytes(_))));
        }
    }
}

/// Dumps of the examples' streams.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = crate::seeds::streams()
        .into_iter()
        .step_by(8)
        .map(|(_, _, stream)| {
            let digits: Vec<_> = stream.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
            digits.join(" ").into_bytes()
        })
        .collect();
    for dump in [
        "00000000  81 02 68 69                                       |..hi|\n00000010\n",
        "00000000: 8102 6869                                ..hi\n",
        "0000000 81 02 68 69\n*\n0000020 00\n0000021\n",
        "0x81, 0x02, 0x68, 0x69",
        "\\x81\\x02hi",
        "\u{feff}81 02 # text\n68 69",
    ] {
        seeds.push(dump.as_bytes().to_vec());
    }
    seeds
}
