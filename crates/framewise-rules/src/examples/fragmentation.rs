use crate::examples::{Bad, Examples, Good};

pub(crate) const ContinuationOrphan: Examples = Examples {
    bad: &[
        Bad::new("open\n> 80 82 37 fa 21 3d 5b 95  # lo", 0),
        Bad::new("open\n< 00 02 6c 6f", 0),
        // The previous message was complete.
        Bad::new(
            concat!("open\n", "> 81 83 37 fa 21 3d 7f 9f 4d  # Hel\n", "> 80 82 37 fa 21 3d 5b 95  # lo",),
            9,
        ),
        Bad::new("open\n< 01 03 48 65 6c\n< 80 02 6c 6f\n< 80 00", 9),
        // The other end has a message in progress, this one does not.
        Bad::new("open\n> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n< 80 02 6c 6f", 0),
        Bad::new("open\n< 8a 00\n< 80 00", 2),
    ],
    good: &[
        Good::new(concat!(
            "open\n",
            "> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n",
            "> 80 82 37 fa 21 3d 5b 95  # lo",
        )),
        // Empty frames count as fragments.
        Good::new("open\n< 02 00\n< 00 00\n< 80 00"),
        Good::new(concat!(
            "open\n",
            "> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n",
            "< 01 03 48 65 6c\n",
            "> 80 82 37 fa 21 3d 5b 95  # lo\n",
            "< 80 02 6c 6f",
        )),
    ],
};

pub(crate) const DataInterleaved: Examples = Examples {
    bad: &[
        Bad::new(
            concat!("open\n", "> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n", "> 81 82 37 fa 21 3d 5b 95  # lo",),
            9,
        ),
        Bad::new("open\n< 02 01 01\n< 02 01 02", 3),
        Bad::new("open\n< 01 03 48 65 6c\n< 82 01 01", 5),
        Bad::new("open\n< 01 03 48 65 6c\n< 00 02 6c 6f\n< 89 00\n< 01 01 21", 11),
    ],
    good: &[
        // A control frame may be sent between fragments (RFC 6455 §5.4).
        Good::new(concat!(
            "open\n",
            "> 01 83 37 fa 21 3d 7f 9f 4d  # Hel\n",
            "> 89 80 37 fa 21 3d\n",
            "> 80 82 a1 5c 0e 93 cd 33  # lo",
        )),
        Good::new("open\n< 01 03 48 65 6c\n< 80 02 6c 6f\n< 81 01 21"),
    ],
};
