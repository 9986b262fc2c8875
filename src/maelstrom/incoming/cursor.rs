//! A place in a line of JSON of the plainest kind: strings without escapes, numbers that only count. Whoever meets anything
//! else stops.

/// A place in a line. What is done to it is inlined throughout, so that the place stays in a register: it takes a third less time.
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
    #[inline(always)]
    pub(super) fn object(
        &mut self,
        mut field: impl FnMut(&mut Cursor<'a>, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        loop {
            let name = self.text()?;
            self.take(b':')?;
            field(self, name)?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.take(b'}'),
            }
        }
    }

    /// The next byte that is no space, which stays.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.line.as_bytes().get(self.at)? {
                b' ' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Takes a string without escapes; gives its content.
    #[inline(always)]
    pub(super) fn text(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let rest = self.line.get(self.at..)?;
        let count = rest.bytes().position(|byte| byte == b'"')?;
        self.at += count + 1;
        rest.get(..count)
    }

    /// An integer of 64 bits that is not negative. What follows it is not looked at.
    #[inline(always)]
    pub(super) fn natural(&mut self) -> Option<u64> {
        if self.peek()? == b'0' {
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
        self.peek()?;
        let rest = self.line.get(self.at..)?;
        let count = rest.bytes().position(|byte| matches!(byte, b',' | b'}' | b' '))?;
        self.at += count;
        rest.get(..count)
    }

    /// Nothing comes any more.
    #[inline(always)]
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    #[inline(always)]
    fn take(&mut self, wanted: u8) -> Option<()> {
        let found = self.peek()? == wanted;
        self.at += usize::from(found);
        found.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
