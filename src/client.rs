//! Speaks to a maia: to one that serves elsewhere, or to one inside this process. Both are sent the same requests and give the same answers.

mod completion;
mod trust;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::{AnswerBody, App};
pub use completion::Completion;

/// How long a server may take to take a connection, and to say that it is maia.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server may take for an answer that is not streamed.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

/// A maia that can be asked.
pub struct Client {
    way: Way,
    key: Option<HeaderValue>,
}

enum Way {
    Server {
        http: reqwest::Client,
        base: String,
        /// The socket that the server listens on, as `unix:/path`.
        socket: Option<String>,
    },
    Here(Box<App>),
}

/// A whole answer of the API, as it came.
pub struct Answer {
    /// The bytes of its body.
    pub body: Bytes,
    /// Which version of a thing it shows, for [`Client::change`].
    pub version: Option<HeaderValue>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody is there, or the connection broke.
    #[error("{0}")]
    Unreachable(String),
    /// Somebody is there who is not maia.
    #[error("what answers at {0} is not maia")]
    NotMaia(String),
    /// An error that maia answered with.
    #[error("{message}")]
    Refused {
        /// Status of the answer.
        status: StatusCode,
        /// The error's `code`.
        code: String,
        /// What is wrong.
        message: String,
    },
    /// The answer is not what this version understands.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

#[derive(Deserialize)]
struct ErrorEnvelope {
    error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
    message: String,
    code: Option<Value>,
}

impl Client {
    /// A client of the server at this address, such as `http://localhost:8080` or `unix:/run/maia.sock`. Over HTTPS the certificates in the file
    /// `trusted` are trusted besides those of the system.
    ///
    /// # Errors
    /// The address, the key or the file cannot be used.
    pub fn of_server(address: &str, key: Option<&SecretString>, trusted: Option<&Path>) -> Result<Self, String> {
        let socket = address.strip_prefix("unix:").filter(|path| !path.is_empty());
        // The name of a server behind a socket is not looked up.
        let url = if socket.is_some() { "http://localhost" } else { address };
        let url = Url::parse(url).map_err(|error| format!("{address:?} is no address: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(format!(
                "{address:?} is no address such as http://localhost:8080 or unix:/run/maia.sock"
            ));
        }
        let key = key.map(|key| HeaderValue::from_str(key.expose_secret())).transpose();
        let mut key = key.map_err(|_| "the key holds characters that no key has".to_owned())?;
        if let Some(key) = &mut key {
            key.set_sensitive(true);
        }
        // The provider of the process; whoever was first has set the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if url.scheme() == "http" {
            // Certificates are not asked for, and a machine without any need not have them.
            http = http.tls_certs_only([]);
        }
        if let Some(path) = socket {
            http = http.unix_socket(path);
        }
        if let Some(file) = trusted.filter(|_| url.scheme() == "https") {
            http = http.tls_backend_preconfigured(trust::trusting(file)?);
        }
        let http = http.build().map_err(|error| error.to_string())?;
        // What clients of the proxy have as their base address is taken too.
        let base = url.as_str().trim_end_matches('/');
        let base = ["/proxy/v1", "/v1"]
            .iter()
            .find_map(|suffix| base.strip_suffix(suffix))
            .unwrap_or(base)
            .to_owned();
        Ok(Self {
            way: Way::Server {
                http,
                base,
                socket: socket.map(|_| address.to_owned()),
            },
            key,
        })
    }

    /// A client of a maia in this process.
    #[must_use]
    pub fn of(app: App) -> Self {
        Self {
            way: Way::Here(Box::new(app)),
            key: None,
        }
    }

    /// The maia in this process, where it is one.
    #[must_use]
    pub fn app(&self) -> Option<&App> {
        match &self.way {
            Way::Server { .. } => None,
            Way::Here(app) => Some(app),
        }
    }

    /// Where the server is, for people.
    #[must_use]
    pub fn base(&self) -> Option<&str> {
        match &self.way {
            Way::Server { base, socket, .. } => Some(socket.as_ref().unwrap_or(base)),
            Way::Here(_) => None,
        }
    }

    /// Whether a key is sent.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Makes sure that a maia answers.
    ///
    /// # Errors
    /// None does.
    pub async fn greet(&self) -> Result<(), ClientError> {
        let hello = self.get("/health").await.map_err(|error| match error {
            ClientError::Unreachable(_) => error,
            _ => ClientError::NotMaia(self.base().unwrap_or("this process").to_owned()),
        })?;
        let hello: Value = serde_json::from_slice(&hello.body).unwrap_or_default();
        if hello.get("service").and_then(Value::as_str) == Some("maia") {
            Ok(())
        } else {
            Err(ClientError::NotMaia(self.base().unwrap_or("this process").to_owned()))
        }
    }

    /// Asks for what is at a path (with its query).
    ///
    /// # Errors
    /// There is no answer, or it is an error.
    pub async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.call(Method::GET, path, None).await
    }

    /// Makes a call and waits for the whole answer.
    ///
    /// # Errors
    /// There is no answer, or it is an error.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, ClientError> {
        self.whole(method, path, HeaderMap::new(), body).await
    }

    /// Changes fields of what is at a path, unless it is no longer what `seen` showed: that is refused with status 412.
    ///
    /// # Errors
    /// There is no answer, or it is an error.
    pub async fn change(&self, path: &str, fields: &Value, seen: Option<&HeaderValue>) -> Result<Answer, ClientError> {
        let condition = seen.map(|version| (header::IF_MATCH, version.clone()));
        self.whole(Method::PATCH, path, HeaderMap::from_iter(condition), Some(fields))
            .await
    }

    async fn whole(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<&Value>,
    ) -> Result<Answer, ClientError> {
        let whole = async {
            let response = self.send(method, path, headers, body).await?;
            collected(response).await
        };
        tokio::time::timeout(ANSWER_TIMEOUT, whole).await.unwrap_or_else(|_| {
            let limit = ANSWER_TIMEOUT.as_secs();
            Err(ClientError::Unreachable(format!("no answer within {limit} seconds")))
        })
    }

    /// Sends a call and returns when its answer begins. An error that maia answers with is an error here.
    ///
    /// # Errors
    /// No answer begins, or it is an error.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Option<&Value>,
    ) -> Result<Response<AnswerBody>, ClientError> {
        if let Some(key) = &self.key {
            headers.insert("x-api-key", key.clone());
        }
        let body = body.map(Value::to_string);
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let response = match &self.way {
            Way::Server { http, base, .. } => {
                let request = http
                    .request(method, format!("{base}{path}"))
                    .headers(headers)
                    .body(body.unwrap_or_default());
                let response = request.send().await;
                let response = response.map_err(|error| unreachable(self.base().unwrap_or(base), &error))?;
                Response::<reqwest::Body>::from(response).map(|body| AnswerBody::new(body.map_err(Into::into)))
            }
            Way::Here(app) => {
                let mut request = Request::new(Full::from(body.unwrap_or_default()));
                *request.method_mut() = method;
                *request.uri_mut() = format!("http://localhost{path}")
                    .parse()
                    .map_err(|_| ClientError::Unreadable(format!("{path:?} is no path")))?;
                *request.headers_mut() = headers;
                app.answer(request).await
            }
        };
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(response).await)
    }
}

impl Answer {
    /// What the body says.
    ///
    /// # Errors
    /// It is not what was expected.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| ClientError::Unreadable(error.to_string()))
    }
}

async fn collected(response: Response<AnswerBody>) -> Result<Answer, ClientError> {
    let version = response.headers().get(header::ETAG).cloned();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| ClientError::Unreachable(format!("the answer broke off: {error}")))?;
    Ok(Answer {
        body: body.to_bytes(),
        version,
    })
}

async fn refusal(response: Response<AnswerBody>) -> ClientError {
    let status = response.status();
    let body = match collected(response).await {
        Ok(answer) => answer.body,
        Err(error) => return error,
    };
    match serde_json::from_slice(&body) {
        Ok(ErrorEnvelope { error }) => ClientError::Refused {
            status,
            code: error
                .code
                .as_ref()
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            message: error.message,
        },
        Err(_) => ClientError::Refused {
            status,
            code: String::new(),
            message: format!("the answer is {status}"),
        },
    }
}

fn unreachable(base: &str, error: &reqwest::Error) -> ClientError {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    ClientError::Unreachable(format!("no maia answers at {base}: {cause}"))
}

/// A text as one segment of a path, or as a value behind the `?`.
#[must_use]
pub fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
