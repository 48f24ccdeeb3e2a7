//! The copy of an answer: decoded where it is compressed, read as far as its limits go, and given up without a word to the client.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use http::header::{self, HeaderMap};

use super::answer::{Answer, Collector, Unread};
use super::decode::{Sink, codings, decoding};
use crate::sync::lock;

/// Most bytes that a compressed answer is decoded to. It is some hundred times the text that is kept, which is what the protocol wraps around each
/// word; a bomb costs no more than decoding that much, and no memory.
const MAX_DECODED: usize = 32 << 20;

/// Reads an answer as it passes.
pub(super) enum AnswerCopy {
    Plain(Collector),
    Encoded {
        decoder: Sink,
        /// What the decoder writes to.
        decoded: Arc<Mutex<Decoded>>,
    },
    GivenUp(Unread),
}

impl AnswerCopy {
    /// For an answer with these headers.
    pub(super) fn new(headers: &HeaderMap) -> Self {
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        let collector = Collector::new(content_type);
        let codings = codings(headers);
        if codings.is_empty() {
            return Self::Plain(collector);
        }
        let decoded = Arc::new(Mutex::new(Decoded {
            collector: Some(collector),
            room: MAX_DECODED,
        }));
        match decoding(&codings, Box::new(Handle(Arc::clone(&decoded)))) {
            Some(chain) => Self::Encoded {
                decoder: chain,
                decoded,
            },
            None => Self::GivenUp(Unread::Encoding),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let fed = match self {
            Self::Plain(collector) => collector.feed(bytes),
            Self::Encoded { decoder, .. } => decoder.write_all(bytes).map_err(|error| reason(&error)),
            Self::GivenUp(_) => return,
        };
        if let Err(unread) = fed {
            // What was kept goes at once, not with the end of the answer.
            *self = Self::GivenUp(unread);
        }
    }

    /// The answer; `ended` says whether the body came to its end.
    pub(super) fn finish(self, ended: bool) -> Answer {
        match self {
            Self::Plain(collector) => collector.finish(ended),
            Self::Encoded { mut decoder, decoded } => {
                if let (Err(error), true) = (decoder.flush(), ended) {
                    return Answer::unread(reason(&error));
                }
                let collector = lock(&decoded).collector.take();
                collector.map_or_else(Answer::default, |collector| collector.finish(ended))
            }
            Self::GivenUp(unread) => Answer::unread(unread),
        }
    }
}

/// Decoded bytes on their way to the collector.
pub(super) struct Decoded {
    /// Gone once the answer was taken out.
    collector: Option<Collector>,
    /// How many more bytes may come.
    room: usize,
}

/// The decoder's hold on it.
struct Handle(Arc<Mutex<Decoded>>);

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut decoded = lock(&self.0);
        let too_large = || io::Error::from(io::ErrorKind::FileTooLarge);
        decoded.room = decoded.room.checked_sub(bytes.len()).ok_or_else(too_large)?;
        if let Some(collector) = &mut decoded.collector {
            collector.feed(bytes).map_err(|_| too_large())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn reason(error: &io::Error) -> Unread {
    if error.kind() == io::ErrorKind::FileTooLarge {
        Unread::TooLarge
    } else {
        Unread::Encoding
    }
}
