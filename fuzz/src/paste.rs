//! Texts that people paste: any of them gives connections or an error, whatever the bytes; what is read can be written in the
//! notation.

use framewise_capture::{Format, Options, transcripts};

/// The properties.
pub fn check(data: &[u8]) {
    for format in [None, Some(Format::Paste)] {
        let options = Options { format, ..Options::default() };
        for (about, transcript) in transcripts(data, &options).unwrap_or_default() {
            assert!(about.number > 0 && !about.legs.is_empty(), "{about:?}");
            assert!(transcript.events.iter().all(|event| event.leg < about.legs.len()), "{about:?}");
            crate::transcript::round_trip(transcript, &String::from_utf8_lossy(data));
        }
    }
}

/// The beginnings of each kind; the corpus has real ones.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "> GET / HTTP/1.1\r\n> Host: a\r\n> \r\n< HTTP/1.1 101 x\r\n< \r\n\u{81}",
        "=> Send header, 2 bytes (0x2)\n0000: 47 45 GE\n<= Recv data, 2 bytes (0x2)\n0000: ..\n",
        "12:00:00.1 IP a > b: x\n\t0x0000:  4500 0028 0000 4000 4006 0000 7f00 0001\n\t0x0010:  7f00 0001 0050 9c40 0000 0001 0000 0001\n",
        "> 2026/11/28 04:46:02.5  length=2 from=0 to=1\n 81 00\n--\n",
        "Follow: tcp,raw\nFilter: x\nNode 0: a\nNode 1: b\n8180\n\t8100\n====",
        "peers:\n  - peer: 0\npackets:\n  - packet: 1\n    peer: 0\n    data: !!binary |\n      gQA=\n",
        "char peer0_0[] = { /* Packet 1 */\n0x81, 0x00 };\n",
        "00000000  81 00\n\t00000000  81 00\n",
        "GET / HTTP/1.1\nHost: a\n\nHTTP/1.1 400 Bad Request\n",
        r#"{"log":{"creator":{"name":"x"},"entries":[{"request":{"method":"GET","url":"ws://a/b","headers":[]},"response":{"status":101,"headers":[]},"_webSocketMessages":[{"type":"send","time":1.5,"opcode":1,"data":"hi"}],"_webSocketClose":{"code":1006}}]}}"#,
        r#"{"method":"Network.webSocketFrameReceived","params":{"requestId":"1","timestamp":1.5,"response":{"opcode":2,"mask":false,"payloadData":"AAE="}}}"#,
        "++Rcv raw: b'\\x81\\x01a'\n++Sent raw: b'\\x88\\x80abcd'\n",
        "= connection is OPEN\n> TEXT 'hi' [2 bytes]\n< CLOSE 1002 (protocol error) x [3 bytes]\n< EOF\n",
        "<Buffer 88 02 03 e8 ... 4 more bytes>\nb'\\x88\\x00'\n[-120, 2, 3, -24]\ngQA=\n",
    ]
    .iter()
    .map(|seed| seed.as_bytes().to_vec())
    .collect()
}
