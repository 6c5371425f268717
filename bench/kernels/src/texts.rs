//! The payloads: four kinds of text, aligned like the payload of a frame.

/// Bytes past an aligned boundary: those of a masked frame's header with a short length
const HEADER: usize = 6;

const BOUNDARY: usize = 64;

pub const TEXTS: [(&str, &str); 4] = [
    (
        "ASCII",
        "{\"type\":\"message\",\"from\":4711,\"to\":[1,2,3],\"body\":\"See you at ten, and bring the map.\"}\n",
    ),
    (
        "Latin",
        "Il a été décidé que la réunion aurait lieu à Sète ; Jürgen möchte später ein größeres Café eröffnen. ",
    ),
    ("CJK", "今天的天气很好,我们一起去公园散步吧。会議は明日の午前十時に始まります。오늘 저녁에 만나요. "),
    ("emoji", "😀😃🎉 🚀🌍👩‍💻 ok 🦀🦀🔥 👍🏽 "),
];

/// Consecutive payloads, as a receive buffer holds the messages of one read
pub struct Slots {
    buffer: Vec<u8>,
    copy: Vec<u8>,
    first: usize,
    stride: usize,
    size: usize,
    count: usize,
}

impl Slots {
    /// As many payloads of `size` bytes as fit into half of a first-level cache, at least one. Each starts at a different
    /// offset in `text`, so that the branch predictor cannot memorise it.
    pub fn new(text: &str, size: usize) -> Self {
        let stride = (HEADER + size).next_multiple_of(BOUNDARY);
        let count = ((16 << 10) / stride).max(1);
        let mut buffer = vec![0; count * stride + BOUNDARY];
        let first = buffer.as_ptr().align_offset(BOUNDARY) + HEADER;
        for slot in 0..count {
            let start = first + slot * stride;
            let mut characters = text.chars().cycle().skip(slot * 7);
            let mut payload = String::new();
            while let Some(character) =
                characters.next().filter(|next| payload.len() + next.len_utf8() <= size)
            {
                payload.push(character);
            }
            buffer[start..start + size].fill(b' ');
            buffer[start..start + payload.len()].copy_from_slice(payload.as_bytes());
        }
        // The copy lies as the original does: `memcpy` is slow where they differ by a few bytes modulo 4096.
        let copy = vec![0; size + BOUNDARY];
        Self { buffer, copy, first, stride, size, count }
    }

    /// Each payload in turn, and a buffer for a copy of it.
    pub fn each(&mut self, mut job: impl FnMut(&mut [u8], &mut [u8])) {
        let copy = self.copy.as_ptr().align_offset(BOUNDARY) + HEADER;
        for slot in 0..self.count {
            let start = self.first + slot * self.stride;
            job(&mut self.buffer[start..start + self.size], &mut self.copy[copy..copy + self.size]);
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }
}
