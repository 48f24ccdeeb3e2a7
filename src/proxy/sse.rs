//! Server-sent events, as far as the copy of an answer needs them (WHATWG HTML, section 9.2, "Server-sent events").

use memchr::memchr2;

/// Longest event that is read, in bytes. A longer one is relayed all the same.
const MAX_EVENT: usize = 256 << 10;

/// An event is longer than what is read.
#[derive(Debug)]
pub struct TooLong;

/// Cuts a stream of bytes, split anywhere, into the data of its events.
#[derive(Debug, Default)]
pub struct SseParser {
    /// The line that has begun.
    line: Vec<u8>,
    /// The event that has begun: its `data` lines.
    data: Option<Vec<u8>>,
    /// The last byte was CR: an LF right behind it belongs to the same line end.
    after_cr: bool,
    /// The first line may begin with a byte order mark.
    begun: bool,
}

impl SseParser {
    /// Takes the next bytes of the stream; calls `event` with the data of each event that they complete. After an error nothing more can be read.
    ///
    /// # Errors
    /// An event is longer than what is read.
    pub fn feed(&mut self, mut bytes: &[u8], mut event: impl FnMut(&[u8])) -> Result<(), TooLong> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let Some(end) = memchr2(b'\r', b'\n', bytes) else {
                return self.keep(bytes);
            };
            let (line, rest) = bytes.split_at(end);
            self.after_cr = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
            if self.line.is_empty() {
                self.end_line(line, &mut event)?;
            } else {
                self.keep(line)?;
                let line = std::mem::take(&mut self.line);
                self.end_line(&line, &mut event)?;
                self.line = line;
                self.line.clear();
            }
        }
        Ok(())
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + part.len() > MAX_EVENT {
            return Err(TooLong);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, line: &[u8], event: &mut impl FnMut(&[u8])) -> Result<(), TooLong> {
        let line = if std::mem::replace(&mut self.begun, true) {
            line
        } else {
            line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
        };
        if line.is_empty() {
            if let Some(data) = self.data.take() {
                event(&data);
            }
        } else if let Some(data) = line
            .strip_prefix(b"data")
            .filter(|rest| rest.is_empty() || rest.starts_with(b":"))
        {
            let data = data.strip_prefix(b":").unwrap_or(data);
            self.add_data(data.strip_prefix(b" ").unwrap_or(data))?;
        }
        Ok(())
    }

    fn add_data(&mut self, line: &[u8]) -> Result<(), TooLong> {
        let before = self.data.as_ref().map_or(0, |data| data.len() + 1);
        if before + line.len() > MAX_EVENT {
            return Err(TooLong);
        }
        match &mut self.data {
            None => self.data = Some(line.to_vec()),
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(line);
            }
        }
        Ok(())
    }

    /// The data of an event that the stream ended in: some backends leave out the last empty line.
    ///
    /// # Errors
    /// It is longer than what is read.
    pub fn finish(mut self, mut event: impl FnMut(&[u8])) -> Result<(), TooLong> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.end_line(&line, &mut event)?;
        }
        self.end_line(b"", &mut event)
    }
}
