//! Server-sent events, as far as the copy of an answer needs them (WHATWG HTML, section 9.2, "Server-sent events").

use memchr::memchr2;

/// Longest event that is read, in bytes; a longer one is passed over. It is relayed all the same.
const MAX_EVENT: usize = 1 << 20;

/// Cuts a stream of bytes, split anywhere, into the data of its events.
#[derive(Debug, Default)]
pub(super) struct SseParser {
    /// The line that has begun.
    line: Vec<u8>,
    /// The event that has begun: its `data` lines.
    data: Option<Vec<u8>>,
    /// The event or the line is too long and is being passed over.
    oversized: bool,
    /// The last byte was CR: an LF right behind it belongs to the same line end.
    after_cr: bool,
    /// The first line may begin with a byte order mark.
    begun: bool,
}

impl SseParser {
    /// Takes the next bytes of the stream; calls `event` with the data of each event that they complete.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut event: impl FnMut(&[u8])) {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let Some(end) = memchr2(b'\r', b'\n', bytes) else {
                self.keep(bytes);
                return;
            };
            let (line, rest) = bytes.split_at(end);
            self.after_cr = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
            if self.line.is_empty() {
                self.end_line(line, &mut event);
            } else {
                self.keep(line);
                let line = std::mem::take(&mut self.line);
                self.end_line(&line, &mut event);
                self.line = line;
                self.line.clear();
            }
        }
    }

    fn keep(&mut self, part: &[u8]) {
        if self.line.len() + part.len() > MAX_EVENT {
            self.oversized = true;
            self.line.clear();
            // One byte, so that the end of this line is not taken for an empty line.
            self.line.push(b':');
        } else {
            self.line.extend_from_slice(part);
        }
    }

    fn end_line(&mut self, line: &[u8], event: &mut impl FnMut(&[u8])) {
        let line = if std::mem::replace(&mut self.begun, true) {
            line
        } else {
            line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
        };
        if line.is_empty() {
            let oversized = std::mem::take(&mut self.oversized);
            if let Some(data) = self.data.take().filter(|_| !oversized) {
                event(&data);
            }
        } else if let Some(data) = line
            .strip_prefix(b"data")
            .filter(|rest| rest.is_empty() || rest.starts_with(b":"))
        {
            let data = data.strip_prefix(b":").unwrap_or(data);
            self.add_data(data.strip_prefix(b" ").unwrap_or(data));
        }
    }

    fn add_data(&mut self, line: &[u8]) {
        match &mut self.data {
            None => self.data = Some(line.to_vec()),
            Some(data) if data.len() + line.len() < MAX_EVENT => {
                data.push(b'\n');
                data.extend_from_slice(line);
            }
            Some(_) => self.oversized = true,
        }
    }

    /// The data of an event that the stream ended in: some backends leave out the last empty line.
    pub(super) fn finish(&mut self, mut event: impl FnMut(&[u8])) {
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.end_line(&line, &mut event);
        }
        self.end_line(b"", &mut event);
    }
}
