use crate::Setup;
use crate::examples::{Bad, Examples, Good};

/// A request with this Sec-WebSocket-Extensions header, and a response with that one.
macro_rules! negotiation {
    ($offer:literal => $answer:literal) => {
        concat!(request!($offer), response!($answer),)
    };
}

pub(crate) const DeflateOfferInvalid: Examples = Examples {
    bad: &[
        Bad::new(request!("Sec-WebSocket-Extensions: permessage-deflate; window=15"), 150),
        Bad::new(
            request!(
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; client_max_window_bits=10"
            ),
            150,
        ),
        Bad::new(
            request!(
                "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; client_no_context_takeover"
            ),
            150,
        ),
        Bad::new(request!("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=7"), 150),
        Bad::new(request!("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=16"), 150),
        // A leading zero is not allowed.
        Bad::new(request!("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=09"), 150),
        // Only `client_max_window_bits` may have no value.
        Bad::new(request!("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits"), 150),
        Bad::new(
            request!("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover=true"),
            150,
        ),
        // The second offer is valid, and is accepted.
        Bad::new(
            request!(
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=0, permessage-deflate"
            ),
            150,
        ),
        Bad::new(
            request!("Sec-WebSocket-Extensions: x-other" "Sec-WebSocket-Extensions: permessage-deflate; level=9"),
            185,
        ),
    ],
    good: &[
        Good::new(request!("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")),
        Good::new(request!(
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=8; server_max_window_bits=15"
        )),
        Good::new(request!(
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        )),
        Good::new(request!(
            r#"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"10\", permessage-deflate"#
        )),
        // The parameters of another extension are not checked.
        Good::new(request!("Sec-WebSocket-Extensions: x-other; window=15")),
    ],
};

pub(crate) const DeflateResponseInvalid: Examples = Examples {
    bad: &[
        // The browser's offer sent back word for word: in a response the parameter needs a value.
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits" =>
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
            ),
            127,
        ),
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate" =>
                "Sec-WebSocket-Extensions: permessage-deflate; level=9"
            ),
            127,
        ),
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate" =>
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"
            ),
            127,
        ),
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits" =>
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=16"
            ),
            127,
        ),
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate" =>
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7"
            ),
            127,
        ),
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate" =>
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits"
            ),
            127,
        ),
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate" =>
                "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover=1"
            ),
            127,
        ),
    ],
    good: &[
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits" =>
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15"
        )),
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate" =>
            r#"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"8\"; server_no_context_takeover"#
        )),
    ],
};

pub(crate) const DeflateWindowUnoffered: Examples = Examples {
    bad: &[
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate" =>
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12"
            ),
            127,
        ),
        // A window of 15 restricts nothing, but was not offered either.
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15" =>
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15; client_max_window_bits=15"
            ),
            127,
        ),
    ],
    good: &[
        // A server may limit its own window unasked.
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate" =>
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12"
        )),
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits" =>
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12"
        )),
        // One of the two offers has the parameter.
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, permessage-deflate" =>
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9"
        )),
    ],
};

pub(crate) const DeflateWindowExceeds: Examples = Examples {
    bad: &[
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10" =>
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=11"
            ),
            127,
        ),
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10" =>
                "Sec-WebSocket-Extensions: permessage-deflate"
            ),
            127,
        ),
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10" =>
                "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15"
            ),
            127,
        ),
    ],
    good: &[
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10" =>
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8"
        )),
        // The client limits its own window: the server need not confirm.
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10" =>
            "Sec-WebSocket-Extensions: permessage-deflate"
        )),
        // The second offer requests nothing.
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10, permessage-deflate" =>
            "Sec-WebSocket-Extensions: permessage-deflate"
        )),
    ],
};

pub(crate) const DeflateTakeoverIgnored: Examples = Examples {
    bad: &[
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover" =>
                "Sec-WebSocket-Extensions: permessage-deflate"
            ),
            127,
        ),
        Bad::new(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover" =>
                "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover"
            ),
            127,
        ),
    ],
    good: &[
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover" =>
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"
        )),
        // The client restricts its own compressor: the server need not confirm.
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover" =>
            "Sec-WebSocket-Extensions: permessage-deflate"
        )),
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate" =>
            "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover"
        )),
        Good::new(negotiation!(
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover, permessage-deflate" =>
            "Sec-WebSocket-Extensions: permessage-deflate"
        )),
    ],
};

const REQUIRED: Setup = Setup { requires_deflate: true, ..Setup::DEFAULT };

pub(crate) const ExtensionRequired: Examples = Examples {
    bad: &[
        Bad::with(
            concat!(request!("Sec-WebSocket-Extensions: permessage-deflate"), response!()),
            0,
            REQUIRED,
        ),
        // A different extension was agreed.
        Bad::with(
            negotiation!(
                "Sec-WebSocket-Extensions: x-other, permessage-deflate; client_max_window_bits" =>
                "Sec-WebSocket-Extensions: x-other"
            ),
            0,
            REQUIRED,
        ),
    ],
    good: &[
        Good::with(
            negotiation!(
                "Sec-WebSocket-Extensions: permessage-deflate" =>
                "Sec-WebSocket-Extensions: permessage-deflate"
            ),
            REQUIRED,
        ),
        // This client does not require the extension.
        Good::new(concat!(request!("Sec-WebSocket-Extensions: permessage-deflate"), response!())),
    ],
};

pub(crate) const Rsv1OnContinuation: Examples = Examples {
    bad: &[
        Bad::new(
            concat!(
                "open permessage-deflate\n",
                "> 41 83 37 fa 21 3d c5 b2 ec  # f2 48 cd\n",
                "> c0 84 37 fa 21 3d fe 33 26 3d  # c9 c9 07 00",
            ),
            9,
        ),
        Bad::new("open permessage-deflate\n< 42 03 f2 48 cd\n< 40 04 c9 c9 07 00", 5),
        // The message itself is not compressed.
        Bad::new("open permessage-deflate\n< 01 03 48 65 6c\n< c0 02 6c 6f", 5),
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Extensions: permessage-deflate"),
                response!("Sec-WebSocket-Extensions: permessage-deflate"),
                "> 41 83 37 fa 21 3d c5 b2 ec  # f2 48 cd\n",
                "> 89 80 37 fa 21 3d\n",
                "> c0 84 a1 5c 0e 93 68 95 09 93  # c9 c9 07 00",
            ),
            213,
        ),
    ],
    good: &[
        Good::new(concat!(
            "open permessage-deflate\n",
            "> 41 83 37 fa 21 3d c5 b2 ec  # f2 48 cd\n",
            "> 80 84 37 fa 21 3d fe 33 26 3d  # c9 c9 07 00",
        )),
        Good::new("open permessage-deflate\n< 41 07 f2 48 cd c9 c9 07 00\n< 00 00\n< 80 00"),
    ],
};

pub(crate) const Rsv1OnControl: Examples = Examples {
    bad: &[
        Bad::new("open permessage-deflate\n> c9 82 37 fa 21 3d 5f 93  # hi", 0),
        Bad::new("open permessage-deflate\n< ca 00", 0),
        Bad::new("open permessage-deflate\n< c8 02 03 e8", 0),
        // Between the fragments of a compressed message.
        Bad::new(
            concat!(
                "open permessage-deflate\n",
                "> 41 83 37 fa 21 3d c5 b2 ec  # f2 48 cd\n",
                "> c9 80 37 fa 21 3d",
            ),
            9,
        ),
    ],
    good: &[
        Good::new(concat!(
            "open permessage-deflate\n",
            "> 41 83 37 fa 21 3d c5 b2 ec  # f2 48 cd\n",
            "> 89 80 37 fa 21 3d\n",
            "> 80 84 a1 5c 0e 93 68 95 09 93  # c9 c9 07 00",
        )),
        Good::new("open permessage-deflate\n< 88 02 03 e8"),
    ],
};

pub(crate) const DeflateDataInvalid: Examples = Examples {
    bad: &[
        // Text that was never compressed: it reads as a stored block with inconsistent lengths.
        Bad::new(
            concat!("open permessage-deflate\n", "> c1 85 37 fa 21 3d 7f 9f 4d 51 58  # 48 65 6c 6c 6f",),
            6,
        ),
        // Block type 3 does not exist.
        Bad::new("open permessage-deflate\n< c2 01 07", 2),
        // The text inflated before the fault is valid; a binary message may contain any byte.
        Bad::new("open permessage-deflate\n< c1 07 00 01 00 fe ff 61 07", 2),
        Bad::new(
            "open permessage-deflate\n> c2 87 01 02 03 04 01 03 03 fa fe fd 04  # 00 01 00 fe ff ff 07",
            6,
        ),
        // A zlib header, then a gzip header.
        Bad::new("open permessage-deflate\n< c1 0d 78 9c f3 48 cd c9 c9 07 00 05 8c 01 f5", 2),
        Bad::new(
            concat!(
                "open permessage-deflate\n",
                "> c1 99 37 fa 21 3d 28 71 29 3d 37 fa 21 3d 35 f9 d2 75 fa 33 e8 3a 37 78 a8 ec c0 ff 21 3d 37  # 1f 8b 08 00 00 00 00 00 02 03 f3 48 cd c9 c9 07 00 82 89 d1 f7 05 00 00 00",
            ),
            6,
        ),
        // The first fragment inflates, the last does not: the offset is the payload of the last.
        Bad::new(
            concat!(
                "open permessage-deflate\n",
                "> 41 8b 37 fa 21 3d c5 b2 ec f4 fe fd 21 3d 37 05 de  # f2 48 cd c9 c9 07 00 00 00 ff ff\n",
                "> 80 81 37 fa 21 3d 30  # 07",
            ),
            23,
        ),
    ],
    good: &[
        Good::new(concat!(
            "open permessage-deflate\n",
            "> c1 87 37 fa 21 3d c5 b2 ec f4 fe fd 21  # f2 48 cd c9 c9 07 00 = Hello\n",
            "< 81 05 48 65 6c 6c 6f",
        )),
        // The examples of RFC 7692 §7.2.3: a stored block, a final block, two blocks; and an empty message.
        Good::new("open permessage-deflate\n< c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00"),
        Good::new(concat!(
            "open permessage-deflate\n",
            "> c1 88 37 fa 21 3d c4 b2 ec f4 fe fd 21 3d  # f3 48 cd c9 c9 07 00 00 = Hello",
        )),
        Good::new("open permessage-deflate\n< c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00"),
        Good::new("open permessage-deflate\n< c1 01 00"),
    ],
};

pub(crate) const DeflateWindowViolated: Examples = Examples {
    bad: &[
        // "wind", 300 times "x", and "wind" again, compressed with a window of 32 KiB.
        Bad::new(
            concat!(
                "open permessage-deflate; client_max_window_bits=8\n",
                "> c1 8e 37 fa 21 3d 1d 35 ed 76 9e e2 24 79 b4 88 41 45 36 fa  # 2a cf cc 4b a9 18 05 44 83 72 60 78 01 00",
            ),
            6,
        ),
        Bad::new(
            concat!(
                "open permessage-deflate; server_max_window_bits=9\n",
                "< c1 10 2a cf cc 4b a9 18 05 a3 80 06 a0 1c 98 b6 00 00",
            ),
            2,
        ),
        // One byte beyond the window.
        Bad::new(
            concat!(
                "open permessage-deflate; server_max_window_bits=8\n",
                "< c2 0d 2a cf cc 4b a9 18 c9 a0 1c 18 00 00 00",
            ),
            2,
        ),
        // A back-reference into the previous message.
        Bad::new(
            concat!(
                "open permessage-deflate; client_max_window_bits=8\n",
                "> c1 8b 37 fa 21 3d 1d 35 ed 76 9e e2 24 79 34 fa 21  # 2a cf cc 4b a9 18 05 44 03 00 00\n",
                "> c1 85 37 fa 21 3d 1d fd a7 2a 37  # 2a 07 86 17 00",
            ),
            23,
        ),
    ],
    good: &[
        Good::new(concat!(
            "open permessage-deflate\n",
            "> c1 8e 37 fa 21 3d 1d 35 ed 76 9e e2 24 79 b4 88 41 45 36 fa  # 2a cf cc 4b a9 18 05 44 83 72 60 78 01 00",
        )),
        Good::new(concat!(
            "open permessage-deflate; client_max_window_bits=8\n",
            "> c1 8d 37 fa 21 3d 1d 35 ed 76 9e e2 e0 9d 2b 12 5e 3d 37  # 2a cf cc 4b a9 18 c1 a0 1c e8 7f 00 00",
        )),
        // The limit applies to the other direction.
        Good::new(concat!(
            "open permessage-deflate; client_max_window_bits=8\n",
            "< c1 0e 2a cf cc 4b a9 18 05 44 83 72 60 78 01 00",
        )),
    ],
};

pub(crate) const DeflateContextMismatch: Examples = Examples {
    bad: &[
        // A second "Hello", as a reference to the previous message (RFC 7692 §7.2.3.2).
        Bad::new(
            concat!(
                "open permessage-deflate; client_no_context_takeover\n",
                "> c1 87 37 fa 21 3d c5 b2 ec f4 fe fd 21  # f2 48 cd c9 c9 07 00 = Hello\n",
                "> c1 85 37 fa 21 3d c5 fa 30 3d 37  # f2 00 11 00 00",
            ),
            19,
        ),
        Bad::new(
            concat!(
                "open permessage-deflate; server_no_context_takeover\n",
                "< c1 07 f2 48 cd c9 c9 07 00\n",
                "< c1 05 f2 00 11 00 00",
            ),
            11,
        ),
        // There is no previous message.
        Bad::new("open permessage-deflate\n< c1 05 f2 00 11 00 00", 2),
        // Neither an uncompressed message nor the other direction adds to the history.
        Bad::new(
            concat!(
                "open permessage-deflate\n",
                "> 81 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello\n",
                "> c1 85 37 fa 21 3d c5 fa 30 3d 37  # f2 00 11 00 00",
            ),
            17,
        ),
        Bad::new(
            concat!(
                "open permessage-deflate\n",
                "< c1 07 f2 48 cd c9 c9 07 00\n",
                "> c1 85 37 fa 21 3d c5 fa 30 3d 37  # f2 00 11 00 00",
            ),
            6,
        ),
    ],
    good: &[
        Good::new(concat!(
            "open permessage-deflate\n",
            "> c1 87 37 fa 21 3d c5 b2 ec f4 fe fd 21  # f2 48 cd c9 c9 07 00 = Hello\n",
            "> c1 85 37 fa 21 3d c5 fa 30 3d 37  # f2 00 11 00 00",
        )),
        Good::new(concat!(
            "open permessage-deflate; client_no_context_takeover\n",
            "> c1 87 37 fa 21 3d c5 b2 ec f4 fe fd 21  # f2 48 cd c9 c9 07 00 = Hello\n",
            "> c1 87 37 fa 21 3d c5 b2 ec f4 fe fd 21  # f2 48 cd c9 c9 07 00 = Hello",
        )),
        Good::new(concat!(
            "open permessage-deflate; client_no_context_takeover\n",
            "< c1 07 f2 48 cd c9 c9 07 00\n",
            "< c1 05 f2 00 11 00 00",
        )),
    ],
};
