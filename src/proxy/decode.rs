//! Undoes the compression of the copy of an answer (RFC 9110, section 8.4.1). The answer itself is relayed as it came.

use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{self, HeaderMap};

/// Most codings that are undone, one upon the other. Two are rare already.
const MAX_CODINGS: usize = 3;
/// Buffer between a Brotli decoder and what it writes to, in bytes.
const BROTLI_BUFFER: usize = 4 << 10;
/// Largest window of Zstandard, as a power of two: the 8 MB that an HTTP client has to take (RFC 9659). More would be memory on a sender's word.
const MAX_ZSTD_WINDOW: u32 = 23;

/// Whatever bytes are written to.
pub(super) type Sink = Box<dyn Write + Send>;

/// The codings of an answer, in the order in which they were applied.
pub(super) fn codings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect()
}

/// Undoes the codings before it writes to `sink`; `None` where one of them is not known.
pub(super) fn decoding(codings: &[String], sink: Sink) -> Option<Sink> {
    if codings.len() > MAX_CODINGS {
        return None;
    }
    // What was applied last is undone first, so it ends up outermost.
    codings.iter().try_fold(sink, |sink, coding| {
        let sink: Sink = match coding.as_str() {
            "gzip" | "x-gzip" => Box::new(MultiGzDecoder::new(sink)),
            "deflate" => Box::new(Deflate::Unknown(Some(sink))),
            "br" => Box::new(DecompressorWriter::new(sink, BROTLI_BUFFER)),
            "zstd" => {
                let mut decoder = zstd::stream::write::Decoder::new(sink).ok()?;
                decoder.window_log_max(MAX_ZSTD_WINDOW).ok()?;
                Box::new(decoder)
            }
            _ => return None,
        };
        Some(sink)
    })
}

/// `deflate` means the zlib format, but some servers send the bare stream of RFC 1951. The first byte tells them apart.
enum Deflate {
    /// Gone for a moment only, while its successor is made.
    Unknown(Option<Sink>),
    Known(Sink),
}

impl Write for Deflate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let (Self::Unknown(sink), Some(first)) = (&mut *self, bytes.first())
            && let Some(sink) = sink.take()
        {
            // Compression method 8 of RFC 1950; in a bare stream these bits would be padding, which encoders leave at zero.
            *self = Self::Known(if first & 0x0f == 8 {
                Box::new(ZlibDecoder::new(sink))
            } else {
                Box::new(DeflateDecoder::new(sink))
            });
        }
        match self {
            Self::Known(decoder) => decoder.write(bytes),
            Self::Unknown(_) => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Known(decoder) => decoder.flush(),
            Self::Unknown(_) => Ok(()),
        }
    }
}
