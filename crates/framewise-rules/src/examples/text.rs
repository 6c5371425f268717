use crate::examples::{Bad, Examples, Good};

pub(crate) const TextInvalidUtf8: Examples = Examples {
    bad: &[
        // Bytes that cannot start a character: a continuation byte, C0 (always overlong), F5 (above U+10FFFF), FE and FF.
        Bad::new("open\n> 81 81 37 fa 21 3d b7  # <80>", 6),
        Bad::new("open\n< 81 04 68 69 20 bf", 5),
        Bad::new("open\n< 81 02 c0 80", 2),
        Bad::new("open\n> 81 84 37 fa 21 3d 5f 93 e0 82  # hi<c1><bf>", 8),
        Bad::new("open\n< 81 04 f5 80 80 80", 2),
        Bad::new("open\n> 81 84 37 fa 21 3d c9 05 21 55  # <fe><ff><00>h", 6),
        Bad::new("open\n< 81 07 63 61 66 c3 a9 20 ff", 8),
        // Overlong, a surrogate, above U+10FFFF: the second byte is the invalid one.
        Bad::new("open\n> 81 83 37 fa 21 3d d7 7a 8e  # <e0><80><af>", 7),
        Bad::new("open\n< 81 03 e0 9f bf", 3),
        Bad::new("open\n< 81 04 f0 80 80 af", 3),
        Bad::new("open\n> 81 86 37 fa 21 3d 5f 93 d1 b2 88 45  # hi<f0><8f><bf><bf>", 9),
        Bad::new("open\n> 81 86 37 fa 21 3d da 5a 9c d0 8f 7a  # <ed><a0><bd><ed><b8><80>", 7),
        Bad::new("open\n< 81 03 ed bf bf", 3),
        Bad::new("open\n< 81 04 f4 90 80 80", 3),
        // A continuation byte is missing: the byte in its place is the invalid one. First, "café !" in Latin-1.
        Bad::new("open\n> 81 86 37 fa 21 3d 54 9b 47 d4 17 db  # caf<e9> !", 10),
        Bad::new("open\n< 81 02 c3 28", 3),
        Bad::new("open\n< 81 03 e2 82 28", 4),
        Bad::new("open\n> 81 84 37 fa 21 3d c7 65 b9 fe  # <f0><9f><98><c3>", 9),
        // In a second fragment, and in a character split across two fragments.
        Bad::new(
            concat!("open\n", "> 01 83 37 fa 21 3d 54 9b 47  # caf\n", "> 80 82 37 fa 21 3d de db  # <e9>!",),
            16,
        ),
        Bad::new("open\n< 01 04 63 61 66 c3\n< 80 01 21", 8),
        Bad::new("open\n< 01 01 ed\n< 00 00\n< 00 01 a0", 7),
        // Reported at once, before the frame or the message is complete.
        Bad::new("open\n> 01 fe 01 2c 37 fa 21 3d 5f 93 de  # hi<ff>", 10),
        Bad::new("open\n< 81 7f 00 00 00 00 00 01 00 00 ff", 10),
        // Compressed text has no byte of its own on the wire: the offset is the start of the payload.
        Bad::new(
            concat!(
                "open permessage-deflate\n",
                "> c1 88 37 fa 21 3d 7d b4 6d 46 9e 5a 29 3d  # 4a 4e 4c 7b a9 a0 08 00 = caf<e9> !",
            ),
            6,
        ),
        // FF is inflated before the data that does not inflate.
        Bad::new(
            "open permessage-deflate\n> c1 87 01 02 03 04 01 03 03 fa fe fd 04  # 00 01 00 fe ff ff 07 = <ff>",
            6,
        ),
        Bad::new("open permessage-deflate\n< c1 07 00 01 00 fe ff ff 07", 2),
    ],
    good: &[
        // The first and last character of each encoded length.
        Good::new(concat!(
            "open\n",
            "> 81 94 37 fa 21 3d 37 85 e3 bd e8 45 c1 9d b7 15 9e 82 c7 6a a1 bd c3 75 9e 82  # <00><7f><c2><80><df><bf><e0><a0><80><ef><bf><bf><f0><90><80><80><f4><8f><bf><bf>",
        )),
        // The characters next to the surrogates, and U+FEFF.
        Good::new("open\n< 81 09 ed 9f bf ee 80 80 ef bb bf"),
        Good::new("open\n< 01 04 63 61 66 c3\n< 89 00\n< 80 01 a9"),
        // A binary message may contain any byte.
        Good::new("open\n> 82 83 37 fa 21 3d f7 7a de  # <c0><80><ff>\n< 8a 01 ff"),
        Good::new("open\n< 81 00"),
    ],
};

pub(crate) const TextTruncatedUtf8: Examples = Examples {
    bad: &[
        Bad::new("open\n> 81 84 37 fa 21 3d 54 9b 47 fe  # caf<c3>", 9),
        Bad::new("open\n< 81 02 e2 82", 2),
        Bad::new("open\n< 81 06 68 69 20 f0 9f 98", 5),
        Bad::new(
            concat!(
                "open\n",
                "> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n",
                "> 80 85 37 fa 21 3d 5b 95 01 df b5  # lo <e2><82>",
            ),
            18,
        ),
        // The character began in an earlier frame: the offset is in the final frame.
        Bad::new("open\n< 01 02 e2 82\n< 80 00", 4),
        Bad::new(
            concat!("open\n", "> 01 82 37 fa 21 3d c7 65  # <f0><9f>\n", "> 80 81 37 fa 21 3d af  # <98>",),
            8,
        ),
    ],
    good: &[
        Good::new(concat!(
            "open\n",
            "> 01 82 37 fa 21 3d c7 65  # <f0><9f>\n",
            "> 80 82 37 fa 21 3d af 7a  # <98><80>",
        )),
        // The message is not complete yet.
        Good::new("open\n< 01 02 e2 82"),
        Good::new("open\n< 01 01 e2\n< 00 01 82\n< 80 01 ac"),
        Good::new("open\n< 82 02 e2 82"),
    ],
};
