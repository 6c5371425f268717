use crate::examples::{Bad, Examples, Good};

pub(crate) const Rsv1Unnegotiated: Examples = Examples {
    bad: &[
        Bad::new("open\n> c1 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello", 0),
        Bad::new("open\n< c2 02 01 02", 0),
        // Without an agreement this rule applies to continuation and control frames too.
        Bad::new(
            concat!("open\n", "> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n", "> c0 82 37 fa 21 3d 5b 95  # lo",),
            9,
        ),
        Bad::new("open\n< c9 00", 0),
        Bad::new("open\n> c8 82 37 fa 21 3d 34 12  # 1000", 0),
        // The header alone breaks the rule: the payload need not arrive.
        Bad::new("open\n< c1 7e 01 00", 0),
        // The extension was offered, but not agreed.
        Bad::new(
            concat!(
                request!("Sec-WebSocket-Extensions: permessage-deflate"),
                response!(),
                "< c1 07 f2 48 cd c9 c9 07 00",
            ),
            129,
        ),
    ],
    good: &[
        Good::new(concat!(
            "open permessage-deflate\n",
            "> c1 87 37 fa 21 3d c5 b2 ec f4 fe fd 21  # f2 48 cd c9 c9 07 00 = Hello",
        )),
        Good::new("open\n> 81 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello\n< 82 02 c1 c2"),
        Good::new(concat!(
            request!("Sec-WebSocket-Extensions: permessage-deflate"),
            response!("Sec-WebSocket-Extensions: permessage-deflate"),
            "< c1 07 f2 48 cd c9 c9 07 00",
        )),
    ],
};

pub(crate) const Rsv2Set: Examples = Examples {
    bad: &[
        Bad::new("open\n> a1 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello", 0),
        Bad::new("open\n< a2 00", 0),
        Bad::new("open\n> 02 81 37 fa 21 3d 36  # <01>\n> a0 81 37 fa 21 3d 35  # <02>", 7),
        Bad::new("open\n< 81 02 68 69\n< a9 02 68 69", 4),
        // permessage-deflate defines only RSV1.
        Bad::new("open permessage-deflate\n> a1 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello", 0),
    ],
    good: &[
        Good::new("open\n< 82 02 a1 a2"),
        Good::new(concat!(
            "open permessage-deflate\n",
            "> c1 87 37 fa 21 3d c5 b2 ec f4 fe fd 21  # f2 48 cd c9 c9 07 00 = Hello",
        )),
    ],
};

pub(crate) const Rsv3Set: Examples = Examples {
    bad: &[
        Bad::new("open\n> 91 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello", 0),
        Bad::new("open\n< 12 01 01", 0),
        Bad::new(
            concat!("open\n", "> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n", "> 90 82 37 fa 21 3d 5b 95  # lo",),
            9,
        ),
        Bad::new("open\n< 9a 00", 0),
        Bad::new("open permessage-deflate\n< 91 02 68 69", 0),
    ],
    good: &[Good::new("open\n> 82 81 37 fa 21 3d a6  # <91>\n< 8a 00"), Good::new("open\n< 02 01 01")],
};

pub(crate) const OpcodeReservedData: Examples = Examples {
    bad: &[
        Bad::new("open\n> 83 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello", 0),
        Bad::new("open\n> 87 80 37 fa 21 3d", 0),
        Bad::new("open\n< 84 02 68 69", 0),
        // The same without FIN.
        Bad::new("open\n< 05 02 68 69", 0),
        Bad::new(
            concat!("open\n", "> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n", "> 86 82 37 fa 21 3d 5b 95  # lo",),
            9,
        ),
    ],
    good: &[
        Good::new("open\n> 82 85 37 fa 21 3d 7f 9f 4d 51 58  # Hello"),
        Good::new("open\n< 01 02 68 69\n< 80 01 21"),
    ],
};

pub(crate) const OpcodeReservedControl: Examples = Examples {
    bad: &[
        Bad::new("open\n> 8b 80 37 fa 21 3d", 0),
        Bad::new("open\n> 8f 82 37 fa 21 3d 5f 93  # hi", 0),
        Bad::new("open\n< 8c 00", 0),
        Bad::new("open\n< 81 02 68 69\n< 8e 02 68 69", 4),
    ],
    good: &[Good::new("open\n> 8a 80 37 fa 21 3d\n< 89 00"), Good::new("open\n< 88 00")],
};

pub(crate) const LengthNotMinimal16: Examples = Examples {
    bad: &[
        Bad::new("open\n< 81 7e 00 05 48 65 6c 6c 6f", 0),
        Bad::new("open\n> 81 fe 00 05 37 fa 21 3d 7f 9f 4d 51 58  # Hello", 0),
        Bad::new("open\n< 82 7e 00 00", 0),
        // 125, the largest length that fits in 7 bits.
        Bad::new("open\n< 82 7e 00 7d", 0),
        Bad::new(
            concat!(
                "open\n",
                "> 81 82 37 fa 21 3d 5f 93  # hi\n",
                "> 81 fe 00 05 37 fa 21 3d 7f 9f 4d 51 58  # Hello",
            ),
            8,
        ),
    ],
    good: &[
        Good::new("open\n< 82 7d 01 02"),
        Good::new("open\n< 82 7e 00 7e 01 02"),
        Good::new("open\n> 81 fe ff ff 37 fa 21 3d 7f 9f 4d 51 58  # Hello"),
    ],
};

pub(crate) const LengthNotMinimal64: Examples = Examples {
    bad: &[
        Bad::new("open\n< 81 7f 00 00 00 00 00 00 00 05 48 65 6c 6c 6f", 0),
        Bad::new("open\n> 81 ff 00 00 00 00 00 00 00 05 37 fa 21 3d 7f 9f 4d 51 58  # Hello", 0),
        Bad::new("open\n< 82 7f 00 00 00 00 00 00 00 00", 0),
        Bad::new("open\n< 82 7f 00 00 00 00 00 00 00 7e", 0),
        // 65,535, the largest length that fits in 16 bits.
        Bad::new("open\n> 82 ff 00 00 00 00 00 00 ff ff 37 fa 21 3d", 0),
        Bad::new("open\n< 81 02 68 69\n< 81 7f 00 00 00 00 00 00 00 00", 4),
    ],
    good: &[
        Good::new("open\n< 82 7e ff ff 01 02"),
        Good::new("open\n< 82 7f 00 00 00 00 00 01 00 00 01 02"),
        Good::new(concat!("open\n", "> 81 ff 00 00 00 00 00 01 00 00 37 fa 21 3d 7f 9f 4d 51 58  # Hello",)),
    ],
};

pub(crate) const LengthTopBit: Examples = Examples {
    bad: &[
        Bad::new("open\n< 82 7f 80 00 00 00 00 00 00 05", 0),
        // -1 as a signed length.
        Bad::new("open\n> 82 ff ff ff ff ff ff ff ff ff 37 fa 21 3d", 0),
        Bad::new("open\n< 81 02 68 69\n< 81 7f 80 00 00 00 00 00 00 00", 4),
    ],
    good: &[
        Good::new("open\n< 82 7f 00 00 00 00 00 01 00 00 01 02"),
        // Exactly the default message limit.
        Good::new("open\n> 82 ff 00 00 00 00 04 00 00 00 37 fa 21 3d"),
    ],
};

pub(crate) const HeaderTruncated: Examples = Examples {
    bad: &[
        Bad::new("open\n< 81\n< eof", 1),
        Bad::new("open\n> 81 85 37 fa\n> eof", 4),
        Bad::new("open\n< 82 7e 01\n< eof", 3),
        Bad::new("open\n< 82 7f 00 00 00 00\n< eof", 6),
        // The frame is empty, but its masking key is part of the header.
        Bad::new("open\n> 81 82 37 fa 21 3d 5f 93  # hi\n> 8a 80\n> eof", 10),
        Bad::new(concat!(request!(), response!(), "< 88\n< eof"), 130),
    ],
    good: &[
        // The stream has not ended: the rest may still arrive.
        Good::new("open\n> 81 85 37 fa"),
        Good::new(concat!(
            "open\n",
            "< 81 02 68 69\n",
            "< 88 02 03 e8\n",
            "> 88 82 37 fa 21 3d 34 12  # 1000\n",
            "< eof",
        )),
    ],
};

pub(crate) const PayloadTruncated: Examples = Examples {
    bad: &[
        Bad::new("open\n< 81 05 48 65\n< eof", 4),
        Bad::new("open\n> 82 85 37 fa 21 3d 7f 9f  # He\n> eof", 8),
        // The header is complete, but no payload follows.
        Bad::new("open\n< 82 7e 01 00\n< eof", 4),
        Bad::new("open\n> 89 84 37 fa 21 3d 47 93  # pi\n> eof", 8),
        Bad::new("open\n< 88 02 03\n< eof", 3),
        Bad::new("open\n< 01 03 48 65 6c\n< 80 02 6c\n< eof", 8),
        Bad::new(concat!(request!(), response!(), "> 81 85 37 fa 21 3d 7f 9f 4d 51  # Hell\n", "> eof"), 162),
    ],
    good: &[
        Good::new("open\n< 81 05 48 65"),
        Good::new("open\n< 81 05 48 65\n< 6c 6c 6f"),
        Good::new("open\n< 81 00\n< 88 00\n> 88 80 37 fa 21 3d\n< eof"),
    ],
};
