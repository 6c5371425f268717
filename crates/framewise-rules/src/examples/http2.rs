use crate::{Bad, Examples, Good};

/// The preface of a client (RFC 9113 §3.4), with an empty SETTINGS frame.
macro_rules! preface {
    () => {
        concat!(r#"> "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n""#, "\n> 00 00 00 04 00 00 00 00 00\n")
    };
}

/// A CONNECT with `:protocol` = `websocket` in stream 1 (RFC 8441 §4).
macro_rules! connect {
    () => {
        concat!(
            "> 00 00 4b 01 04 00 00 00 01",
            " 02 07 43 4f 4e 4e 45 43 54",
            " 00 09 3a 70 72 6f 74 6f 63 6f 6c 09 77 65 62 73 6f 63 6b 65 74",
            " 87 04 03 2f 77 73 01 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d",
            " 00 15 73 65 63 2d 77 65 62 73 6f 63 6b 65 74 2d 76 65 72 73 69 6f 6e 02 31 33\n",
        )
    };
}

pub(crate) const H2ConnectNotEnabled: Examples = Examples {
    bad: &[
        // The server's SETTINGS set the number of streams alone.
        Bad::new(concat!(preface!(), "< 00 00 06 04 00 00 00 00 00 00 03 00 00 00 64\n", connect!()), 0),
        // It says that it does not support it.
        Bad::new(concat!(preface!(), "< 00 00 06 04 00 00 00 00 00 00 08 00 00 00 00\n", connect!()), 0),
        // Its SETTINGS are empty, and the client gives up.
        Bad::new(concat!(preface!(), "< 00 00 00 04 00 00 00 00 00\n", "> eof"), 0),
    ],
    good: &[
        Good::new(concat!(preface!(), "< 00 00 06 04 00 00 00 00 00 00 08 00 00 00 01\n", connect!())),
        // An ordinary GET over HTTP/2 needs no such setting.
        Good::new(concat!(
            preface!(),
            "< 00 00 06 04 00 00 00 00 00 00 03 00 00 00 64\n",
            "> 00 00 06 01 05 00 00 00 01 82 87 84 01 01 61\n",
            "> eof",
        )),
    ],
};

/// SETTINGS of a server that enable WebSockets: 15 bytes.
macro_rules! enabled {
    () => {
        "< 00 00 06 04 00 00 00 00 00 00 08 00 00 00 01\n"
    };
}

pub(crate) const H2Status: Examples = Examples {
    bad: &[
        // 404, as an entry of the static table.
        Bad::new(concat!(preface!(), enabled!(), connect!(), "< 00 00 01 01 05 00 00 00 01 8d"), 15),
        // 426 and 403, in ASCII and in Huffman's code.
        Bad::new(
            concat!(preface!(), enabled!(), connect!(), "< 00 00 05 01 05 00 00 00 01 08 03 34 32 36"),
            15,
        ),
        Bad::new(
            concat!(preface!(), enabled!(), connect!(), "< 00 00 05 01 05 00 00 00 01 48 83 68 0c ff"),
            15,
        ),
    ],
    good: &[
        Good::new(concat!(preface!(), enabled!(), connect!(), "< 00 00 01 01 04 00 00 00 01 88")),
        // The answer to another request.
        Good::new(concat!(
            preface!(),
            enabled!(),
            "> 00 00 03 01 05 00 00 00 01 82 87 84\n",
            "< 00 00 01 01 05 00 00 00 01 8d\n",
        )),
    ],
};

pub(crate) const H2StreamReset: Examples = Examples {
    bad: &[
        // Instead of an answer.
        Bad::new(concat!(preface!(), enabled!(), connect!(), "< 00 00 04 03 00 00 00 00 01 00 00 00 01"), 15),
        // INTERNAL_ERROR in a WebSocket that is open.
        Bad::new(
            concat!(
                preface!(),
                enabled!(),
                connect!(),
                "< 00 00 01 01 04 00 00 00 01 88\n",
                "< 00 00 04 00 00 00 00 00 01 81 02 68 69\n",
                "< 00 00 04 03 00 00 00 00 01 00 00 00 02",
            ),
            38,
        ),
        // The client, before an answer.
        Bad::new(
            concat!(preface!(), enabled!(), connect!(), "> 00 00 04 03 00 00 00 00 01 00 00 00 08"),
            117,
        ),
        // RFC 8441 §5: CANCEL is what a reset of the TCP connection is over HTTP/1.1.
        Bad::new(
            concat!(
                preface!(),
                enabled!(),
                connect!(),
                "< 00 00 01 01 04 00 00 00 01 88\n",
                "< 00 00 04 00 00 00 00 00 01 81 02 68 69\n",
                "< 00 00 04 03 00 00 00 00 01 00 00 00 08",
            ),
            38,
        ),
    ],
    good: &[
        // After a Close, CANCEL ends a stream that nobody needs any more.
        Good::new(concat!(
            preface!(),
            enabled!(),
            connect!(),
            "< 00 00 01 01 04 00 00 00 01 88\n",
            "> 00 00 08 00 00 00 00 00 01\n",
            "> 88 82 00 00 00 00 03 e8  # 1000\n",
            "> 00 00 04 03 00 00 00 00 01 00 00 00 08",
        )),
        // So it does after the end of a side.
        Good::new(concat!(
            preface!(),
            enabled!(),
            connect!(),
            "< 00 00 01 01 04 00 00 00 01 88\n",
            "< 00 00 00 00 01 00 00 00 01\n",
            "> 00 00 04 03 00 00 00 00 01 00 00 00 08",
        )),
        // Another stream.
        Good::new(concat!(preface!(), enabled!(), connect!(), "> 00 00 04 03 00 00 00 00 03 00 00 00 01")),
    ],
};
