use crate::examples::{Bad, Examples, Good};

pub(crate) const ClosePayloadOneByte: Examples = Examples {
    bad: &[
        Bad::new("open\n> 88 81 37 fa 21 3d 34  # <03>", 6),
        Bad::new("open\n< 88 01 00", 2),
        Bad::new("open\n< 81 02 68 69\n< 88 01 e8", 6),
    ],
    good: &[
        Good::new("open\n> 88 80 37 fa 21 3d"),
        Good::new("open\n< 88 02 03 e8"),
        // One byte of payload, but in a Ping.
        Good::new("open\n< 89 01 03"),
    ],
};

pub(crate) const CloseCodeReserved: Examples = Examples {
    bad: &[
        Bad::new("open\n> 88 82 37 fa 21 3d 34 16  # 1004", 6),
        Bad::new("open\n> 88 82 37 fa 21 3d 34 17  # 1005", 6),
        Bad::new("open\n< 88 02 03 ee", 2),
        Bad::new("open\n< 88 05 03 f7 54 4c 53", 2),
        // The server sends back the 1005 that its API reports for an empty Close.
        Bad::new("open\n> 88 80 37 fa 21 3d\n< 88 02 03 ed", 2),
    ],
    good: &[
        Good::new("open\n> 88 82 37 fa 21 3d 34 11  # 1003"),
        Good::new("open\n< 88 02 03 ef"),
        Good::new("open\n< 88 02 03 f6"),
    ],
};

pub(crate) const CloseCodeInvalid: Examples = Examples {
    bad: &[
        Bad::new("open\n> 88 82 37 fa 21 3d 37 fa  # 0", 6),
        Bad::new("open\n< 88 02 03 e7", 2),
        Bad::new("open\n> 88 82 37 fa 21 3d 34 02  # 1016", 6),
        Bad::new("open\n< 88 05 04 4c 62 79 65", 2),
        Bad::new("open\n< 88 02 0b b7", 2),
        Bad::new("open\n> 88 82 37 fa 21 3d 24 72  # 5000", 6),
        Bad::new("open\n< 88 02 ff ff", 2),
        // 1000 with its bytes swapped; a reason without a code.
        Bad::new("open\n> 88 82 37 fa 21 3d df f9  # 59395", 6),
        Bad::new("open\n< 88 03 62 79 65", 2),
    ],
    good: &[
        Good::new("open\n> 88 82 37 fa 21 3d 34 12  # 1000\n< 88 02 03 e8"),
        Good::new("open\n< 88 09 03 f4 72 65 73 74 61 72 74"),
        Good::new("open\n> 88 82 37 fa 21 3d 3c 42  # 3000"),
        Good::new("open\n< 88 02 0f 9f"),
        Good::new("open\n> 88 82 37 fa 21 3d 38 5a  # 4000"),
        Good::new("open\n< 88 05 13 87 62 79 65"),
    ],
};

pub(crate) const CloseReasonInvalidUtf8: Examples = Examples {
    bad: &[
        Bad::new("open\n> 88 83 37 fa 21 3d 34 12 de  # 1000 <ff>", 8),
        Bad::new("open\n< 88 09 03 e9 66 65 72 6d e9 20 21", 9),
        Bad::new("open\n< 88 05 03 e8 ed a0 80", 5),
        Bad::new("open\n> 88 86 37 fa 21 3d 38 5a 49 54 f7 7a  # 4000 hi<c0><80>", 10),
        // The reason is cut inside a character: the offset is the first byte of that character.
        Bad::new("open\n> 88 87 37 fa 21 3d 34 12 47 58 45 97 e2  # 1000 ferm<c3>", 12),
        Bad::new(
            concat!(
                "open\n",
                "< 88 7c 03 e8 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 e2 82",
            ),
            124,
        ),
    ],
    good: &[
        Good::new("open\n> 88 8a 37 fa 21 3d 34 12 47 58 45 97 e2 94 17 db  # 1000 fermé !"),
        Good::new(concat!(
            "open\n",
            "< 88 7d 03 e8 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 e2 82 ac",
        )),
        Good::new("open\n< 88 02 03 e8"),
    ],
};

pub(crate) const CloseCodeWrongRole: Examples = Examples {
    bad: &[
        Bad::new("open\n< 88 02 03 f2", 2),
        Bad::new(
            concat!(
                "open\n",
                "< 81 02 68 69\n",
                "< 88 14 03 f2 70 65 72 6d 65 73 73 61 67 65 2d 64 65 66 6c 61 74 65",
            ),
            6,
        ),
    ],
    good: &[Good::new("open\n> 88 82 37 fa 21 3d 34 08  # 1010"), Good::new("open\n< 88 02 03 f3")],
};

pub(crate) const FrameAfterClose: Examples = Examples {
    bad: &[
        Bad::new("open\n> 88 82 37 fa 21 3d 34 12  # 1000\n> 81 82 37 fa 21 3d 5f 93  # hi", 8),
        Bad::new("open\n< 88 00\n< 89 00", 2),
        // Two code paths close the connection.
        Bad::new("open\n< 88 02 03 e9\n< 88 02 03 e9", 4),
        Bad::new("open\n< 01 03 48 65 6c\n< 88 00\n< 80 02 6c 6f", 7),
        Bad::new("open\n> 88 80 37 fa 21 3d\n< 88 00\n< 82 01 01", 2),
    ],
    good: &[
        // The other end has not sent its Close yet: it may still send data.
        Good::new("open\n> 88 80 37 fa 21 3d\n< 81 02 68 69\n< 88 00\n< eof"),
        Good::new(concat!(
            "open\n",
            "< 88 02 03 e9\n",
            "> 81 82 37 fa 21 3d 5f 93  # hi\n",
            "> 88 82 37 fa 21 3d 34 13  # 1001",
        )),
    ],
};

pub(crate) const CloseUnanswered: Examples = Examples {
    // The offender is the end that owed the Close: the offset is the length of its stream.
    bad: &[
        Bad::new("open\n> 88 82 37 fa 21 3d 34 12  # 1000\n< eof", 0),
        Bad::new("open\n< 81 02 68 69\n> 88 80 37 fa 21 3d\n< eof", 4),
        // The client keeps sending and ends without a Close.
        Bad::new("open\n< 88 02 03 e9\n> 81 82 37 fa 21 3d 5f 93  # hi\n> eof", 8),
        Bad::new(concat!(request!(), response!(), "> 88 82 37 fa 21 3d 34 12  # 1000\n", "< eof"), 129),
    ],
    good: &[
        Good::new("open\n> 88 82 37 fa 21 3d 34 12  # 1000\n< 88 02 03 e8\n< eof"),
        Good::new("open\n< 88 02 03 e9\n> 88 82 37 fa 21 3d 34 13  # 1001\n< eof\n> eof"),
        // The connection has not ended.
        Good::new("open\n> 88 82 37 fa 21 3d 34 12  # 1000"),
    ],
};

pub(crate) const CloseCodeNotEchoed: Examples = Examples {
    bad: &[
        Bad::new("open\n> 88 82 37 fa 21 3d 34 13  # 1001\n< 88 02 03 e8", 2),
        Bad::new("open\n< 88 08 0f a1 6b 69 63 6b 65 64\n> 88 82 37 fa 21 3d 34 12  # 1000", 6),
        Bad::new(
            concat!(
                "open\n",
                "< 88 02 03 f6\n",
                "> 81 82 37 fa 21 3d 5f 93  # hi\n",
                "> 88 82 37 fa 21 3d 34 10  # 1002",
            ),
            14,
        ),
    ],
    good: &[
        Good::new("open\n> 88 82 37 fa 21 3d 34 13  # 1001\n< 88 02 03 e9"),
        // The answer need not repeat the reason.
        Good::new("open\n< 88 08 0f a1 6b 69 63 6b 65 64\n> 88 82 37 fa 21 3d 38 5b  # 4001"),
        Good::new("open\n> 88 80 37 fa 21 3d\n< 88 00"),
    ],
};

pub(crate) const CloseMissing: Examples = Examples {
    bad: &[
        Bad::new("open\n< 81 02 68 69\n< eof", 4),
        Bad::new("open\n> 81 82 37 fa 21 3d 5f 93  # hi\n< 81 02 68 69\n> eof", 8),
        Bad::new("open\n< eof", 0),
        // Between two fragments the stream ends at a frame boundary, but the message is incomplete.
        Bad::new("open\n< 01 03 48 65 6c\n< eof", 5),
        // The server answers the upgrade, then closes the connection.
        Bad::new(concat!(request!(), response!(), "< eof"), 129),
        Bad::new(concat!(request!(), response!(), "> 81 82 37 fa 21 3d 5f 93  # hi\n", "> eof"), 160),
    ],
    good: &[
        Good::new("open\n< 81 02 68 69\n< 88 00\n> 88 80 37 fa 21 3d\n< eof"),
        Good::new("open\n> 88 80 37 fa 21 3d\n< 88 00\n< eof\n> eof"),
        Good::new("open\n< 81 02 68 69"),
    ],
};

pub(crate) const CloseTcpLingering: Examples = Examples {
    // The offset is the length of the server's stream.
    bad: &[
        // The client closes TCP first, because the server does not.
        Bad::new("open\n> 88 82 37 fa 21 3d 34 12  # 1000\n< 88 02 03 e8\n> eof", 4),
        Bad::new("open\n< 88 02 03 e9\n> 88 82 37 fa 21 3d 34 13  # 1001\n> eof", 4),
        Bad::new("open\n[0.0] > 88 80 37 fa 21 3d\n[0.1] < 88 00\n[1.2] > eof", 2),
        // The limit is 5 s.
        Bad::new("open\n[0.0] > 88 80 37 fa 21 3d\n[0.1] < 88 00\n[6.0] < eof", 2),
    ],
    good: &[
        Good::new("open\n> 88 82 37 fa 21 3d 34 12  # 1000\n< 88 02 03 e8\n< eof\n> eof"),
        Good::new("open\n[0.0] > 88 80 37 fa 21 3d\n[0.1] < 88 00\n[4.0] < eof"),
        // The client closes TCP without waiting for the server.
        Good::new("open\n[0.0] > 88 80 37 fa 21 3d\n[0.1] < 88 00\n[0.1] > eof"),
        Good::new("open\n[0.0] < 88 00\n[0.1] > 88 80 37 fa 21 3d\n[0.1] < eof\n[9.0] > eof"),
    ],
};

pub(crate) const ConnectionReset: Examples = Examples {
    bad: &[
        Bad::new("open\n< 81 02 68 69\n< reset", 4),
        Bad::new("open\n> 81 82 37 fa 21 3d 5f 93  # hi\n> reset", 8),
        Bad::new("open\n> 81 82 37 fa 21 3d 5f 93  # hi\n< reset", 0),
        // A reset inside a frame is still a reset: it discards data in flight.
        Bad::new("open\n< 81 05 48 65\n< reset", 4),
        Bad::new(concat!(request!(), response!(), "< reset"), 129),
    ],
    good: &[
        Good::new("open\n> 88 80 37 fa 21 3d\n< 88 00\n< eof"),
        // The closing handshake was complete and the server had closed: nothing is lost.
        Good::new("open\n> 88 80 37 fa 21 3d\n< 88 00\n< eof\n> reset"),
    ],
};
