//! Where the values of a JSON text stand (RFC 8259), found in one pass that reads no more of them than it takes to see their ends.
//!
//! A request can be megabytes of text of which maia needs a few words. A parser that makes values, or looks at each byte of a string by itself, takes longer
//! for that than everything else maia does; here `memchr` crosses the strings.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2};

/// A range of bytes in a text.
pub type Span = Range<usize>;

/// The text is no JSON. Where and why is for a parser to say that is slower and has the words for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A place in a JSON text.
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    /// The brackets that are open in a value that is being crossed.
    open: Vec<u8>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            open: Vec::new(),
        }
    }

    /// The first byte of what comes next, white space aside.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                next => return next.copied(),
            }
        }
    }

    /// Makes sure that nothing follows.
    pub(super) fn finish(&mut self) -> Result<(), Malformed> {
        self.peek().map_or(Ok(()), |_| Err(Malformed))
    }

    /// Crosses an object; `member` gets the span of each key, quotation marks included, and crosses its value.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Span) -> Result<(), Malformed>,
    ) -> Result<Span, Malformed> {
        self.sequence(b'{', b'}', |cursor| {
            let key = cursor.key()?;
            member(cursor, key)
        })
    }

    /// Crosses an array; `item` crosses each of its values.
    pub(super) fn array(&mut self, item: impl FnMut(&mut Self) -> Result<(), Malformed>) -> Result<Span, Malformed> {
        self.sequence(b'[', b']', item)
    }

    fn sequence(
        &mut self,
        first: u8,
        last: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<Span, Malformed> {
        self.take(first)?;
        let start = self.at - 1;
        if self.peek() != Some(last) {
            item(self)?;
            while self.peek() == Some(b',') {
                self.at += 1;
                item(self)?;
            }
        }
        self.take(last)?;
        Ok(start..self.at)
    }

    /// Crosses any value, however deep, without recursion.
    pub(super) fn value(&mut self) -> Result<Span, Malformed> {
        self.peek();
        let start = self.at;
        let outside = self.open.len();
        loop {
            let mut more = match self.peek().ok_or(Malformed)? {
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    self.open.push(bracket);
                    if self.peek() == Some(closing(bracket)) {
                        false
                    } else {
                        if bracket == b'{' {
                            self.key()?;
                        }
                        true
                    }
                }
                b'"' => self.string().map(|_| false)?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => self.number()?,
            };
            while !more && self.open.len() > outside {
                more = self.next_in_bracket()?;
            }
            if !more {
                return Ok(start..self.at);
            }
        }
    }

    /// Behind a value in a bracket: crosses the comma and the key before the next one, or the end of the bracket. Whether a value follows.
    fn next_in_bracket(&mut self) -> Result<bool, Malformed> {
        let bracket = *self.open.last().ok_or(Malformed)?;
        let next = self.peek();
        if next == Some(closing(bracket)) {
            self.at += 1;
            self.open.pop();
            return Ok(false);
        }
        self.take(b',')?;
        if bracket == b'{' {
            self.key()?;
        }
        Ok(true)
    }

    fn key(&mut self) -> Result<Span, Malformed> {
        self.peek();
        let key = self.string()?;
        self.take(b':')?;
        Ok(key)
    }

    /// Crosses a string, which begins here.
    fn string(&mut self) -> Result<Span, Malformed> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let length = memchr2(b'"', b'\\', rest).ok_or(Malformed)?;
            let plain = rest.get(..length).unwrap_or_default();
            // Without an early end, so that the compiler makes vector instructions of it.
            if plain.iter().fold(0, |found, byte| found | u8::from(*byte < 0x20)) != 0 {
                return Err(Malformed);
            }
            self.at += length + 1;
            if rest.get(length) == Some(&b'"') {
                return Ok(start..self.at);
            }
            self.escape()?;
        }
    }

    /// Crosses what stands behind a backslash.
    fn escape(&mut self) -> Result<(), Malformed> {
        let length = match self.text.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
            Some(b'u') => {
                let digits = self.text.get(self.at + 1..self.at + 5).ok_or(Malformed)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Malformed);
                }
                5
            }
            _ => return Err(Malformed),
        };
        self.at += length;
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<bool, Malformed> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(Malformed);
        }
        self.at += word.len();
        Ok(false)
    }

    fn number(&mut self) -> Result<bool, Malformed> {
        self.skip(b"-", 1);
        if self.skip(b"0", 1) == 0 && self.digits() == 0 {
            return Err(Malformed);
        }
        if self.skip(b".", 1) == 1 && self.digits() == 0 {
            return Err(Malformed);
        }
        if self.skip(b"eE", 1) == 1 {
            self.skip(b"+-", 1);
            if self.digits() == 0 {
                return Err(Malformed);
            }
        }
        Ok(false)
    }

    fn digits(&mut self) -> usize {
        self.skip(b"0123456789", usize::MAX)
    }

    /// Crosses at most so many of these bytes; how many there were.
    fn skip(&mut self, bytes: &[u8], most: usize) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().take(most).take_while(|byte| bytes.contains(byte)).count();
        self.at += length;
        length
    }

    fn take(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

/// The bracket that closes one: in ASCII they stand two apart.
fn closing(bracket: u8) -> u8 {
    bracket + 2
}

/// The text of a JSON string that was found to be well formed, unless it spells a character by its number: nearly every string of a chat, and several times
/// as fast as by a parser, which has to check each byte.
fn plain_text(json: &str) -> Option<Cow<'_, str>> {
    let mut rest = json.strip_prefix('"')?.strip_suffix('"')?;
    let Some(first) = memchr(b'\\', rest.as_bytes()) else {
        return Some(rest.into());
    };
    let mut text = String::with_capacity(rest.len());
    let mut next = Some(first);
    while let Some(escape) = next {
        text.push_str(rest.get(..escape)?);
        text.push(match rest.as_bytes().get(escape + 1)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => return None,
        });
        rest = rest.get(escape + 2..)?;
        next = memchr(b'\\', rest.as_bytes());
    }
    text.push_str(rest);
    Some(text.into())
}

/// The inside of a JSON string that was found to be well formed, as [`escaped`] writes it, and so the same however a client spells it. `None` where it is
/// no text.
pub(super) fn spelled_alike(json: &str) -> Option<Cow<'_, str>> {
    let inside = json.strip_prefix('"')?.strip_suffix('"')?;
    // `\u` and `\/` are all that can be written in another way. What looks like them, such as `\\u`, only takes longer. Without an early end, so that the
    // compiler makes vector instructions of it.
    let bytes = inside.as_bytes();
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    let other = pairs.fold(0, |found, (first, second)| {
        found | u8::from(*first == b'\\') & (u8::from(*second == b'u') | u8::from(*second == b'/'))
    });
    if other == 0 {
        return Some(inside.into());
    }
    text(json).map(|text| escaped(&text).into())
}

/// The text of a JSON string that was found to be well formed. A lone surrogate (`\ud83d`) is legal JSON and no text.
pub(super) fn text(json: &str) -> Option<Cow<'_, str>> {
    plain_text(json).or_else(|| parsed_text(json))
}

fn parsed_text(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<BorrowedText<'_>>(json).ok().map(|text| text.0)
}

#[derive(serde::Deserialize)]
struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text as a JSON string, in which nothing is escaped that need not be.
pub(crate) fn quoted(text: &str) -> String {
    // There is no text that cannot be written so.
    serde_json::to_string(text).unwrap_or_default()
}

/// The text as it stands inside such a string.
pub(crate) fn escaped(text: &str) -> String {
    let mut quoted = quoted(text);
    quoted.pop();
    quoted.remove(0);
    quoted
}
