use core::time::Duration;

use crate::examples::{Bad, Examples, Good};
use crate::{Limits, MessageKinds, Setup};

const TEXT_ONLY: Setup = Setup { messages: MessageKinds::TextOnly, ..Setup::DEFAULT };
const BINARY_ONLY: Setup = Setup { messages: MessageKinds::BinaryOnly, ..Setup::DEFAULT };
const MESSAGE_OF_16: Setup = Setup::limited(Limits { message: 16, ..Limits::DEFAULT });
const FRAME_OF_16: Setup = Setup::limited(Limits { frame: 16, ..Limits::DEFAULT });
const TWO_FRAGMENTS: Setup = Setup::limited(Limits { fragments: 2, ..Limits::DEFAULT });
const INFLATED_TO_16: Setup = Setup::limited(Limits { inflated: 16, ..Limits::DEFAULT });
const ONCE_ITS_PAYLOAD: Setup =
    Setup::limited(Limits { inflate_ratio: 1, inflate_ratio_from: 16, ..Limits::DEFAULT });
const RUN_OF_2: Setup = Setup::limited(Limits { control_run: 2, ..Limits::DEFAULT });
const TWO_A_SECOND: Setup = Setup::limited(Limits { control_rate: 2, ..Limits::DEFAULT });
const IDLE_60_S: Setup = Setup::limited(Limits { idle: Some(Duration::from_secs(60)), ..Limits::DEFAULT });
const CLOSE_IN_1_S: Setup = Setup::limited(Limits { close: Duration::from_secs(1), ..Limits::DEFAULT });

pub(crate) const UnsupportedData: Examples = Examples {
    bad: &[
        Bad::with("open\n> 82 82 37 fa 21 3d 36 f8  # <01><02>", 0, TEXT_ONLY),
        Bad::with("open\n< 81 02 68 69", 0, BINARY_ONLY),
        // The first fragment shows the type.
        Bad::with("open\n< 81 02 68 69\n< 02 01 01", 4, TEXT_ONLY),
        Bad::with(
            concat!(
                "open permessage-deflate\n",
                "> c1 87 37 fa 21 3d c5 b2 ec f4 fe fd 21  # f2 48 cd c9 c9 07 00 = Hello",
            ),
            0,
            BINARY_ONLY,
        ),
    ],
    good: &[
        Good::with("open\n> 81 82 37 fa 21 3d 5f 93  # hi\n> 89 82 37 fa 21 3d 5f 93  # hi", TEXT_ONLY),
        Good::with("open\n< 02 01 01\n< 80 01 02", BINARY_ONLY),
        Good::new("open\n> 82 82 37 fa 21 3d 36 f8  # <01><02>"),
    ],
};

pub(crate) const MessageTooBig: Examples = Examples {
    bad: &[
        // The header shows the length before the payload arrives.
        Bad::with("open\n> 82 91 37 fa 21 3d", 0, MESSAGE_OF_16),
        Bad::with("open\n< 82 7e 00 7e", 0, MESSAGE_OF_16),
        Bad::with(
            concat!("open\n", "> 81 ff 00 00 00 00 00 01 00 00 37 fa 21 3d 7f 9f 4d 51 58  # Hello",),
            0,
            MESSAGE_OF_16,
        ),
        // The limit applies to the sum of the fragments.
        Bad::with(
            concat!("open\n", "< 01 0a 78 78 78 78 78 78 78 78 78 78\n", "< 80 07 78 78 78 78 78 78 78",),
            12,
            MESSAGE_OF_16,
        ),
        Bad::with(
            concat!(
                "open\n",
                "> 02 90 37 fa 21 3d 4f 82 59 45 4f 82 59 45 4f 82 59 45 4f 82 59 45  # xxxxxxxxxxxxxxxx\n",
                "> 00 80 37 fa 21 3d\n",
                "> 80 81 a1 5c 0e 93 d9  # x",
            ),
            28,
            MESSAGE_OF_16,
        ),
        // For a compressed message the limit applies before inflation.
        Bad::with("open permessage-deflate\n< c1 11", 0, MESSAGE_OF_16),
    ],
    good: &[
        Good::with(
            concat!(
                "open\n",
                "> 82 90 37 fa 21 3d 4f 82 59 45 4f 82 59 45 4f 82 59 45 4f 82 59 45  # xxxxxxxxxxxxxxxx",
            ),
            MESSAGE_OF_16,
        ),
        Good::with(
            concat!(
                "open\n",
                "< 01 0a 78 78 78 78 78 78 78 78 78 78\n",
                "< 80 06 78 78 78 78 78 78\n",
                "< 81 10 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78",
            ),
            MESSAGE_OF_16,
        ),
        // A control frame is not a message.
        Good::with("open\n< 8a 11 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78", MESSAGE_OF_16),
        Good::with(
            concat!(
                "open permessage-deflate\n",
                "> c1 86 37 fa 21 3d 7d b6 85 00 37 fa  # 4a 4c a4 3d 00 00",
            ),
            MESSAGE_OF_16,
        ),
    ],
};

pub(crate) const FrameTooBig: Examples = Examples {
    bad: &[
        Bad::with("open\n> 82 91 37 fa 21 3d", 0, FRAME_OF_16),
        Bad::with("open\n< 81 7f 00 00 00 00 00 01 00 00 78 78 78 78 78 78 78 78 78 78", 0, FRAME_OF_16),
        Bad::with("open\n< 01 03 48 65 6c\n< 80 11", 5, FRAME_OF_16),
    ],
    good: &[
        Good::with(
            concat!(
                "open\n",
                "> 82 90 37 fa 21 3d 4f 82 59 45 4f 82 59 45 4f 82 59 45 4f 82 59 45  # xxxxxxxxxxxxxxxx",
            ),
            FRAME_OF_16,
        ),
        // The message has more than 16 bytes, but no frame does.
        Good::with(
            concat!(
                "open\n",
                "< 01 10 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78\n",
                "< 80 10 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78",
            ),
            FRAME_OF_16,
        ),
    ],
};

pub(crate) const FragmentsTooMany: Examples = Examples {
    bad: &[
        Bad::with(
            concat!(
                "open\n",
                "> 01 81 37 fa 21 3d 56  # a\n",
                "> 00 81 37 fa 21 3d 55  # b\n",
                "> 80 81 a1 5c 0e 93 c2  # c",
            ),
            14,
            TWO_FRAGMENTS,
        ),
        // Empty fragments count.
        Bad::with("open\n< 02 00\n< 00 00\n< 89 00\n< 00 00", 6, TWO_FRAGMENTS),
    ],
    good: &[
        Good::with("open\n> 01 81 37 fa 21 3d 56  # a\n> 80 81 37 fa 21 3d 55  # b", TWO_FRAGMENTS),
        Good::with("open\n< 01 01 61\n< 89 00\n< 80 01 62\n< 01 01 63\n< 80 01 64", TWO_FRAGMENTS),
    ],
};

pub(crate) const InflateTooBig: Examples = Examples {
    bad: &[
        // "a" repeated 100 times.
        Bad::with(
            concat!(
                "open permessage-deflate\n",
                "> c1 86 37 fa 21 3d 7d b6 85 00 37 fa  # 4a 4c a4 3d 00 00",
            ),
            6,
            INFLATED_TO_16,
        ),
        Bad::with("open permessage-deflate\n< c2 06 4a 4c 44 03 00 00", 2, INFLATED_TO_16),
        Bad::with("open permessage-deflate\n< 42 01 4a\n< 80 05 4c a4 3d 00 00", 5, INFLATED_TO_16),
        // "a" repeated 5,000 and 4,097 times: the compressed size counts as 4,096 bytes.
        Bad::with(
            "open permessage-deflate\n< c1 17 ec c1 31 01 00 00 00 c2 a0 ac eb 5f c2 14 7e 40 01 00 00 00 00 6f 03",
            2,
            ONCE_ITS_PAYLOAD,
        ),
        Bad::with(
            concat!(
                "open permessage-deflate\n",
                "> c1 96 37 fa 21 3d db 3b 20 30 37 fa 21 ff 97 56 ce 62 f5 e4 2f 15 37 fa 21 dd e9 fa",
                "  # ec c1 01 0d 00 00 00 c2 a0 ac ef 5f c2 1e 0e 28 00 00 00 e0 de 00",
            ),
            6,
            ONCE_ITS_PAYLOAD,
        ),
    ],
    good: &[
        Good::with(
            concat!(
                "open permessage-deflate\n",
                "> c1 86 37 fa 21 3d 7d b6 65 38 37 fa  # 4a 4c 44 05 00 00 = aaaaaaaaaaaaaaaa\n",
                "< c1 06 4a 4c 44 05 00 00",
            ),
            INFLATED_TO_16,
        ),
        // The limit on inflated size does not apply to an uncompressed message.
        Good::with(
            concat!(
                "open permessage-deflate\n",
                "> 81 91 37 fa 21 3d 56 9b 40 5c 56 9b 40 5c 56 9b 40 5c 56 9b 40 5c 56  # aaaaaaaaaaaaaaaaa",
            ),
            INFLATED_TO_16,
        ),
        Good::new(concat!(
            "open permessage-deflate\n",
            "> c1 86 37 fa 21 3d 7d b6 85 00 37 fa  # 4a 4c a4 3d 00 00",
        )),
        // "a" repeated 4,096 times.
        Good::with(
            "open permessage-deflate\n< c1 16 ec c1 01 0d 00 00 00 c2 a0 ac ef 5f c2 1e 0e 28 00 00 00 e0 dd 00",
            ONCE_ITS_PAYLOAD,
        ),
    ],
};

pub(crate) const ControlFlood: Examples = Examples {
    bad: &[
        Bad::with("open\n< 8a 00\n< 8a 00\n< 8a 00", 4, RUN_OF_2),
        Bad::with(
            concat!(
                "open\n",
                "> 81 82 37 fa 21 3d 5f 93  # hi\n",
                "> 8a 80 37 fa 21 3d\n",
                "> 8a 80 a1 5c 0e 93\n",
                "> 89 80 5b 07 d4 68",
            ),
            20,
            RUN_OF_2,
        ),
        // The limit also applies inside a fragmented message.
        Bad::with("open\n< 01 01 61\n< 8a 00\n< 8a 00\n< 8a 00", 7, RUN_OF_2),
        Bad::with("open\n[0.0] < 8a 00\n[0.4] < 8a 00\n[0.8] < 8a 00", 4, TWO_A_SECOND),
        // Data frames in between do not lower the rate.
        Bad::with(
            "open\n[1.0] < 8a 00\n[1.1] < 81 01 61\n[1.2] < 8a 00\n[1.3] < 81 01 62\n[1.4] < 8a 00",
            10,
            TWO_A_SECOND,
        ),
    ],
    good: &[
        Good::with("open\n< 8a 00\n< 8a 00\n< 81 02 68 69\n< 8a 00\n< 8a 00", RUN_OF_2),
        // A Close does not count.
        Good::with("open\n[0.0] < 8a 00\n[0.1] < 8a 00\n[0.2] < 88 00", RUN_OF_2),
        Good::with("open\n[0.0] < 8a 00\n[0.1] < 8a 00\n[0.2] < 88 00", TWO_A_SECOND),
        // A slow heartbeat.
        Good::with(
            "open\n[0.0] < 8a 00\n[20.0] < 8a 00\n[40.0] < 8a 00\n[60.0] < 8a 00\n[80.0] < 89 00",
            RUN_OF_2,
        ),
        // Each direction counts separately.
        Good::with("open\n< 8a 00\n> 8a 80 37 fa 21 3d\n< 8a 00\n> 8a 80 37 fa 21 3d", RUN_OF_2),
        Good::with("open\n[0.0] < 8a 00\n[0.6] < 8a 00\n[1.2] < 8a 00\n[1.8] < 8a 00", TWO_A_SECOND),
    ],
};

pub(crate) const IdleTimeout: Examples = Examples {
    // The offender is the end that was silent: the offset is the length of its stream so far.
    bad: &[
        // The client keeps sending, the server is silent.
        Bad::with(
            concat!(
                "open\n",
                "[0.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
                "[0.0] < 81 02 68 69\n",
                "[40.0] > 81 82 a1 5c 0e 93 c9 35  # hi\n",
                "[61.0] > 81 82 5b 07 d4 68 33 6e  # hi",
            ),
            4,
            IDLE_60_S,
        ),
        Bad::with(
            concat!(
                "open\n",
                "[0.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
                "[30.0] < 81 04 74 69 63 6b\n",
                "[59.0] < 81 04 74 69 63 6b\n",
                "[60.5] < 81 04 74 69 63 6b",
            ),
            8,
            IDLE_60_S,
        ),
        // The client sends again, but too late.
        Bad::with(
            concat!(
                "open\n",
                "[0.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
                "[0.0] < 81 02 68 69\n",
                "[45.0] < 81 04 74 69 63 6b\n",
                "[75.0] > 81 82 a1 5c 0e 93 c9 35  # hi",
            ),
            8,
            IDLE_60_S,
        ),
        Bad::with(
            concat!(
                "open\n",
                "[0.0] < 81 02 68 69\n",
                "[50.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
                "[70.0] < 81 02 68 69",
            ),
            4,
            IDLE_60_S,
        ),
    ],
    good: &[
        // A Pong counts as activity.
        Good::with(
            concat!(
                "open\n",
                "[0.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
                "[50.0] < 89 00\n",
                "[50.1] > 8a 80 37 fa 21 3d\n",
                "[100.0] < 89 00\n",
                "[100.1] > 8a 80 a1 5c 0e 93",
            ),
            IDLE_60_S,
        ),
        Good::with(
            concat!(
                "open\n",
                "[0.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
                "[0.0] < 81 02 68 69\n",
                "[59.9] > 81 82 a1 5c 0e 93 c9 35  # hi\n",
                "[59.9] < 81 02 68 69",
            ),
            IDLE_60_S,
        ),
        // Without a limit any silence is legal.
        Good::new(concat!(
            "open\n",
            "[0.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
            "[0.0] < 81 02 68 69\n",
            "[86400.0] < 81 02 68 69",
        )),
    ],
};

// Not exactly the default: an observer applies only limits that were set.
const CLOSE_IN_5_S: Setup = Setup::limited(Limits { close: Duration::from_millis(4_950), ..Limits::DEFAULT });

pub(crate) const CloseTimeout: Examples = Examples {
    // The offender is the end that owed the Close: the offset is the length of its stream so far.
    bad: &[
        // The server sends data instead of a Close.
        Bad::with("open\n[0.0] > 88 82 37 fa 21 3d 34 12  # 1000\n[5.5] < 81 02 68 69", 0, CLOSE_IN_5_S),
        // The client answers too late.
        Bad::with(
            concat!(
                "open\n",
                "[0.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
                "[1.0] < 88 02 03 e9\n",
                "[6.5] > 88 82 37 fa 21 3d 34 13  # 1001",
            ),
            8,
            CLOSE_IN_5_S,
        ),
        Bad::with(
            concat!(
                "open\n",
                "[0.0] < 81 02 68 69\n",
                "[0.5] > 88 80 37 fa 21 3d\n",
                "[5.4] < 81 02 68 69\n",
                "[5.6] < 88 00",
            ),
            8,
            CLOSE_IN_5_S,
        ),
        Bad::with("open\n[0.0] > 88 80 37 fa 21 3d\n[1.5] < 88 00", 0, CLOSE_IN_1_S),
    ],
    good: &[
        Good::with(
            concat!(
                "open\n",
                "[0.0] > 88 82 37 fa 21 3d 34 12  # 1000\n",
                "[4.9] < 88 02 03 e8\n",
                "[4.9] < eof",
            ),
            CLOSE_IN_5_S,
        ),
        Good::with(
            concat!(
                "open\n",
                "[0.0] < 88 00\n",
                "[3.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
                "[4.9] > 88 80 37 fa 21 3d",
            ),
            CLOSE_IN_5_S,
        ),
        // The time starts with the Close.
        Good::with(
            concat!(
                "open\n",
                "[0.0] > 81 82 37 fa 21 3d 5f 93  # hi\n",
                "[9.0] > 88 80 37 fa 21 3d\n",
                "[9.5] < 88 00",
            ),
            CLOSE_IN_5_S,
        ),
    ],
};
