//! A place in a line of JSON of the plainest kind: strings without escapes, numbers that only count. Whoever meets anything
//! else stops.

/// A place in a line.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    line: &'a str,
    /// Never within a character.
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The line's beginning; `None` when there is an escape or a control character in it.
    pub(super) fn over(line: &'a str) -> Option<Cursor<'a>> {
        // All of them are looked at, whatever the first ones say: so it is done many at once.
        let unusual = line.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'\\'));
        (!unusual).then_some(Cursor { line, at: 0 })
    }

    /// An object: what `field` takes after each name.
    #[inline]
    pub(super) fn object(
        &mut self,
        mut field: impl FnMut(&mut Cursor<'a>, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        loop {
            let name = self.text()?;
            self.take(b':')?;
            field(self, name)?;
            match self.next()? {
                b',' => self.at += 1,
                _ => return self.take(b'}'),
            }
        }
    }

    /// The next byte that is no space, which stays.
    pub(super) fn next(&mut self) -> Option<u8> {
        loop {
            match *self.line.as_bytes().get(self.at)? {
                b' ' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// A string's content.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let rest = self.line.get(self.at..)?;
        let count = first_quote(rest.as_bytes())?;
        self.at += count + 1;
        rest.get(..count)
    }

    /// An integer of 64 bits that is not negative. What follows it is not looked at.
    pub(super) fn natural(&mut self) -> Option<u64> {
        if self.next()? == b'0' {
            self.at += 1;
            return Some(0);
        }
        let start = self.at;
        let mut number = 0u64;
        while let Some(byte @ b'0'..=b'9') = self.line.as_bytes().get(self.at) {
            number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }

    /// Whatever comes before the next comma, brace or space.
    pub(super) fn word(&mut self) -> Option<&'a str> {
        self.next()?;
        let rest = self.line.get(self.at..)?;
        let count = rest.bytes().position(|byte| matches!(byte, b',' | b'}' | b' '))?;
        self.at += count;
        rest.get(..count)
    }

    /// Nothing comes any more.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.next().is_none()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        let found = self.next()? == wanted;
        self.at += usize::from(found);
        found.then_some(())
    }
}

/// The place of the first quote. Most strings are short, so it is looked for in eight bytes at once: of the bytes that
/// differ from a quote by nothing, the first has the lowest of the bits that are left.
fn first_quote(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let mut at = 0;
    while let Some(eight) = bytes.get(at..)?.first_chunk() {
        let differing = u64::from_le_bytes(*eight) ^ (ONES * u64::from(b'"'));
        let same = differing.wrapping_sub(ONES) & !differing & (ONES << 7);
        if same != 0 {
            return Some(at + same.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let last = bytes.get(at..)?.iter().position(|byte| *byte == b'"')?;
    Some(at + last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_quote_is_found_wherever_it_is_and_whatever_is_beside_it() {
        for length in 0..40 {
            // A quote's neighbours, its complement and its like with the high bit.
            for beside in [b'x', b'!', b'#', 0xdd, 0xa2, 0x23, 0xff, 0x00] {
                let mut bytes = vec![beside; length];
                assert_eq!(first_quote(&bytes), None);
                for place in (0..length).rev() {
                    bytes[place] = b'"';
                    assert_eq!(first_quote(&bytes), Some(place), "of {length} bytes {beside}");
                }
            }
        }
    }

    #[test]
    fn only_plain_numbers_that_fit_are_read() {
        let read = |line: &str| {
            let mut cursor = Cursor::over(line)?;
            let number = cursor.natural()?;
            cursor.is_at_end().then_some(number)
        };
        for number in [0, 1, 9, 10, 1_234_567_890, u64::MAX] {
            assert_eq!(read(&format!(" {number} ")), Some(number));
        }
        for text in
            ["", "-1", "+1", "01", "00", "1.0", "1e1", "18446744073709551616", "99999999999999999999", "x"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
