//! A backend that always says the same, on a thread for each connection: nothing on one machine answers sooner.

use std::io::Result;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::Connection;

/// Chunks in a stream.
const CHUNKS: u32 = 500;
/// The time between two chunks of a paced stream.
const PACE: Duration = Duration::from_micros(200);
/// As much of each end of a body as is looked at: a field stands before or after the messages.
const END: usize = 1024;

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"static","choices":[{"index":0,"message":{"role":"assistant","content":"It depends."},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#;

/// Answers until the process ends.
pub(crate) fn serve(listener: &TcpListener) -> Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        thread::Builder::new().stack_size(128 << 10).spawn(move || {
            // A client that leaves in the middle is nothing to report.
            let _ = answer_all(stream);
        })?;
    }
    Ok(())
}

/// What the request asks for. Proxies that rewrite a body keep `stream` and the number of tokens, by which streams are told apart.
enum Wanted {
    Answer,
    /// As fast as the reader takes them.
    Chunks,
    PacedChunks,
    /// One chunk and then silence.
    Silence,
}

fn wanted(body: &[u8]) -> Wanted {
    let ends = [&body[..body.len().min(END)], &body[body.len().saturating_sub(END)..]];
    let says = |words: &str| {
        ends.iter()
            .any(|end| end.windows(words.len()).any(|window| window == words.as_bytes()))
    };
    if !says(r#""stream":true"#) && !says(r#""stream": true"#) {
        Wanted::Answer
    } else if says(r#"tokens":501"#) || says(r#"tokens": 501"#) {
        Wanted::PacedChunks
    } else if says(r#"tokens":502"#) || says(r#"tokens": 502"#) {
        Wanted::Silence
    } else {
        Wanted::Chunks
    }
}

fn answer_all(stream: TcpStream) -> Result<()> {
    let mut connection = Connection::new(stream)?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    let mut body = Vec::new();
    while let Some(head) = connection.head()? {
        body.clear();
        connection.body(&head, |piece| {
            body.extend_from_slice(piece);
            true
        })?;
        match wanted(&body) {
            Wanted::Answer => connection.write(answer.as_bytes())?,
            Wanted::Chunks => stream_chunks(&mut connection, None)?,
            Wanted::PacedChunks => stream_chunks(&mut connection, Some(PACE))?,
            Wanted::Silence => {
                begin_stream(&mut connection)?;
                connection.write(chunk(0).as_bytes())?;
                // Until the client leaves.
                connection.head()?;
                return Ok(());
            }
        }
        if head.closes {
            return Ok(());
        }
    }
    Ok(())
}

fn begin_stream(connection: &mut Connection) -> Result<()> {
    connection.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
}

/// Each chunk is written by itself.
fn stream_chunks(connection: &mut Connection, pace: Option<Duration>) -> Result<()> {
    begin_stream(connection)?;
    let begun = Instant::now();
    for number in 0..CHUNKS {
        if let Some(pace) = pace {
            thread::sleep((pace * number).saturating_sub(begun.elapsed()));
        }
        connection.write(chunk(number).as_bytes())?;
    }
    connection.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
}

fn chunk(number: u32) -> String {
    let finish = if number + 1 == CHUNKS { r#""stop""# } else { "null" };
    let event = format!(
        r#"data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"static","choices":[{{"index":0,"delta":{{"role":"assistant","content":" word"}},"finish_reason":{finish}}}]}}"#
    );
    format!("{:x}\r\n{event}\n\n\r\n", event.len() + 2)
}
