//! A frame's header: encoding a decoded header yields the same bytes, and an incomplete header is not decoded.

use framewise_proto::Header;
use framewise_proto::frame::MAX_HEADER;

/// The properties.
pub fn check(data: &[u8]) {
    let Some(header) = Header::decode(data) else {
        assert!(data.len() < MAX_HEADER, "{MAX_HEADER} bytes hold any header");
        return;
    };
    let size = header.size();
    assert!((2..=MAX_HEADER).contains(&size) && size <= data.len(), "{size} of {}", data.len());
    let (bytes, written) = header.encode();
    assert_eq!(&bytes[..written], &data[..size], "decoded and encoded");
    for cut in 0..size {
        assert_eq!(Header::decode(&data[..cut]), None, "cut at {cut}");
        // The masking key is not needed for the rest.
        if let Some(early) = Header::decode_without_mask(&data[..cut]) {
            let mask = early.mask.and(header.mask);
            assert_eq!(Header { mask, ..early }, header, "cut at {cut}");
        }
    }
}

/// The first header of each example's stream.
pub fn seeds() -> Vec<Vec<u8>> {
    crate::seeds::streams()
        .into_iter()
        .map(|(_, _, mut stream)| {
            stream.truncate(MAX_HEADER);
            stream
        })
        .collect()
}
