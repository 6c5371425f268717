use crate::examples::{Bad, Examples, Good};

pub(crate) const MaskMissing: Examples = Examples {
    bad: &[
        Bad::new("open\n> 81 02 68 69", 0),
        // An empty frame still needs the MASK bit and a key.
        Bad::new("open\n> 89 00", 0),
        Bad::new("open\n> 88 02 03 e8", 0),
        Bad::new("open\n> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n> 80 02 6c 6f", 9),
        Bad::new("open\n> 82 7e 00 7e 01 02", 0),
        Bad::new("open\n> 82 7f 00 00 00 00 00 01 00 00 01 02", 0),
        Bad::new("open permessage-deflate\n> c1 07 f2 48 cd c9 c9 07 00", 0),
        Bad::new(concat!(request!(), response!(), "> 81 02 68 69"), 152),
    ],
    good: &[
        Good::new("open\n> 81 82 37 fa 21 3d 5f 93  # hi\n< 81 02 68 69"),
        Good::new("open\n> 8a 80 37 fa 21 3d"),
        // The key is zero, so the payload is in the clear: legal, with a probability of 1 in 2^32.
        Good::new("open\n> 81 82 00 00 00 00 68 69  # hi"),
    ],
};

pub(crate) const MaskPresent: Examples = Examples {
    bad: &[
        Bad::new("open\n< 81 82 37 fa 21 3d 5f 93  # hi", 0),
        Bad::new("open\n< 8a 80 37 fa 21 3d", 0),
        Bad::new("open\n< 81 82 00 00 00 00 68 69  # hi", 0),
        Bad::new("open\n< 01 03 48 65 6c\n< 80 82 37 fa 21 3d 5b 95  # lo", 5),
        // A length of 128 written into the 7-bit field sets MASK.
        Bad::new("open\n< 82 80", 0),
        Bad::new(concat!(request!(), response!(), "< 88 82 37 fa 21 3d 34 12  # 1000"), 129),
    ],
    good: &[Good::new("open\n< 81 02 68 69"), Good::new("open\n< 8a 00\n> 8a 80 37 fa 21 3d")],
};

pub(crate) const MaskKeyPredictable: Examples = Examples {
    bad: &[
        Bad::new(
            concat!(
                "open\n",
                "> 81 81 37 fa 21 3d 56  # a\n",
                "> 81 81 37 fa 21 3d 55  # b\n",
                "> 81 81 37 fa 21 3d 54  # c",
            ),
            14,
        ),
        Bad::new(
            concat!(
                "open\n",
                "> 81 81 00 00 00 00 61  # a\n",
                "> 8a 80 00 00 00 00\n",
                "> 81 81 00 00 00 00 63  # c",
            ),
            13,
        ),
        Bad::new(
            concat!(
                "open\n",
                "> 81 81 00 00 00 01 61  # a\n",
                "> 81 81 00 00 00 02 62  # b\n",
                "> 81 81 00 00 00 03 63  # c",
            ),
            14,
        ),
        // The count carries into the next byte.
        Bad::new(
            concat!(
                "open\n",
                "> 82 81 12 34 00 fe 73  # a\n",
                "> 82 81 12 34 00 ff 70  # b\n",
                "> 82 81 12 34 01 00 71  # c",
            ),
            14,
        ),
    ],
    good: &[
        Good::new(concat!(
            "open\n",
            "> 81 81 37 fa 21 3d 56  # a\n",
            "> 81 81 a1 5c 0e 93 c3  # b\n",
            "> 81 81 5b 07 d4 68 38  # c",
        )),
        // A key used twice proves nothing.
        Good::new(concat!(
            "open\n",
            "> 81 81 37 fa 21 3d 56  # a\n",
            "> 81 81 37 fa 21 3d 55  # b\n",
            "> 81 81 a1 5c 0e 93 c2  # c",
        )),
    ],
};
