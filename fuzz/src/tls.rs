//! Encrypted captures with a key log before them: two bytes say how long it is. Whatever is in either, there are connections or
//! an error, as with a capture alone.

use std::io::Cursor;

use framewise_capture::{Format, Options, read_with_keys};

/// The properties.
pub fn check(data: &[u8]) {
    let Some((length, rest)) = data.split_first_chunk::<2>() else { return };
    let (keys, capture) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
    let options = Options { format: Some(Format::Capture), ..Options::default() };
    crate::pcap::holds(&|sink| read_with_keys(capture, Cursor::new(keys.to_vec()), &options, sink).is_ok());
}

/// Real ones, of both versions, with a gap and with an update of the keys.
pub fn seeds() -> Vec<Vec<u8>> {
    macro_rules! real {
        ($($name:literal)*) => {
            [$( (
                &include_bytes!(concat!("../../crates/framewise-capture/tests/real/tls/", $name))[..],
                &include_bytes!(concat!("../../crates/framewise-capture/tests/real/tls/", $name, ".keys"))[..],
            ) ),*]
        };
    }
    let real = real!["openssl-13.pcap" "openssl-13-keyupdate.pcap" "rustls-12-chacha.pcap" "node-12.pcap" "gap-13.pcapng"];
    let seed = |(capture, keys): (&[u8], &[u8])| {
        let length = u16::try_from(keys.len()).unwrap_or(0).to_le_bytes();
        [&length[..], &keys[..usize::from(u16::from_le_bytes(length))], capture].concat()
    };
    real.into_iter().map(seed).collect()
}
