use crate::examples::{Bad, Examples, Good};

pub(crate) const ControlFragmented: Examples = Examples {
    bad: &[
        Bad::new("open\n> 09 82 37 fa 21 3d 5f 93  # hi", 0),
        Bad::new("open\n< 09 00", 0),
        Bad::new("open\n> 0a 80 37 fa 21 3d", 0),
        Bad::new("open\n< 08 02 03 e8", 0),
        Bad::new("open\n< 01 03 48 65 6c\n< 0a 02 68 69", 5),
    ],
    good: &[
        Good::new(concat!(
            "open\n",
            "> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n",
            "> 89 82 37 fa 21 3d 5f 93  # hi\n",
            "> 80 82 a1 5c 0e 93 cd 33  # lo",
        )),
        Good::new("open\n< 8a 00"),
    ],
};

pub(crate) const ControlTooLong: Examples = Examples {
    bad: &[
        Bad::new("open\n> 89 fe 00 7e 37 fa 21 3d", 0),
        Bad::new("open\n< 8a 7e 00 7e", 0),
        Bad::new("open\n< 89 7f 00 00 00 00 00 01 00 00", 0),
        // The first two bytes show the fault: a control frame cannot have an extended length.
        Bad::new("open\n> 88 fe", 0),
        Bad::new("open\n< 89 7f", 0),
        Bad::new("open\n> 89 fe 00 02 37 fa 21 3d 5f 93  # hi", 0),
        Bad::new("open\n< 81 02 68 69\n< 8a 7f 00 00 00 00 00 00 00 00", 4),
        // A long reason, passed on without a length check.
        Bad::new("open\n< 81 02 68 69\n< 88 7e 01 2c 03 f3 54 72 61 63 65 62 61 63 6b", 4),
    ],
    good: &[
        Good::new("open\n> 89 fd 37 fa 21 3d 5f 93  # hi"),
        Good::new(concat!(
            "open\n",
            "< 88 7d 03 e8 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78",
        )),
        Good::new("open\n< 82 7e 00 7e 01 02"),
    ],
};

pub(crate) const PingUnanswered: Examples = Examples {
    // The offender is the end that owed the Pong: the offset is the length of its stream.
    bad: &[
        Bad::new("open\n< 89 01 31\n< 89 01 32", 0),
        Bad::new("open\n> 89 80 37 fa 21 3d\n> 89 80 37 fa 21 3d", 0),
        // The client sends data, but no Pong.
        Bad::new("open\n< 89 01 31\n> 81 82 37 fa 21 3d 5f 93  # hi\n< 89 01 32", 8),
        Bad::new(
            concat!(
                "open\n",
                "> 89 81 37 fa 21 3d 06  # 1\n",
                "< 8a 01 31\n",
                "> 89 81 37 fa 21 3d 05  # 2\n",
                "> 89 81 a1 5c 0e 93 92  # 3",
            ),
            3,
        ),
    ],
    good: &[
        Good::new(concat!(
            "open\n",
            "< 89 01 31\n",
            "> 8a 81 37 fa 21 3d 06  # 1\n",
            "< 89 01 32\n",
            "> 8a 81 37 fa 21 3d 05  # 2",
        )),
        // The Pong follows a message that was already on its way.
        Good::new(concat!(
            "open\n",
            "> 89 81 37 fa 21 3d 06  # 1\n",
            "< 81 02 68 69\n",
            "< 8a 01 31\n",
            "> 89 81 37 fa 21 3d 05  # 2",
        )),
        Good::new("open\n< 89 01 31"),
    ],
};

pub(crate) const PongMismatched: Examples = Examples {
    bad: &[
        Bad::new("open\n< 89 03 6f 6e 65\n> 8a 83 37 fa 21 3d 43 8d 4e  # two", 0),
        Bad::new("open\n> 89 83 37 fa 21 3d 58 94 44  # one\n< 8a 00", 0),
        // The payload is echoed while still masked.
        Bad::new("open\n> 89 83 37 fa 21 3d 58 94 44  # one\n< 8a 03 58 94 44", 0),
        Bad::new(
            concat!(
                "open\n",
                "< 89 00\n",
                "> 81 82 37 fa 21 3d 5f 93  # hi\n",
                "> 8a 84 37 fa 21 3d 47 95 4f 5a  # pong",
            ),
            8,
        ),
    ],
    good: &[
        Good::new("open\n< 89 03 6f 6e 65\n> 8a 83 37 fa 21 3d 58 94 44  # one"),
        // Unsolicited Pongs: a one-way heartbeat (RFC 6455 §5.5.3).
        Good::new(concat!(
            "open\n",
            "> 8a 85 37 fa 21 3d 56 96 48 4b 52  # alive\n",
            "< 8a 0a 61 6c 69 76 65 2c 20 74 6f 6f",
        )),
        Good::new(concat!(
            "open\n",
            "< 89 03 6f 6e 65\n",
            "> 8a 83 37 fa 21 3d 58 94 44  # one\n",
            "> 8a 85 a1 5c 0e 93 c0 30 67 e5 c4  # alive",
        )),
    ],
};
