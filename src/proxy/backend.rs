//! Sends requests to the backend.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body::Body;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::address::Address;
use super::body::{BackendBody, BodyError, Progress, Upload};
use super::error::{BackendError, SetUpError, chain};
use super::headers::{strip_hop_by_hop, strip_own};
use crate::config;

/// Where Azure looks for its key.
const AZURE_KEY: HeaderName = HeaderName::from_static("api-key");
/// What stands behind `/proxy/v1` in a chat request.
pub const CHAT_COMPLETIONS: &str = "/chat/completions";
/// Where maia takes its own key in a proxied request.
const OWN_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What to do with `X-API-Key` and `Authorization` of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnKey {
    /// maia asks for no key, so what the client sends is for the backend.
    None,
    /// The key in `X-API-Key` is maia's.
    InHeader,
    /// The bearer token is maia's too.
    InBearer,
}

/// The backend. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backend {
    client: reqwest::Client,
    address: Address,
    /// Where chat goes, parsed once.
    chat: Url,
    key: Option<HeaderValue>,
    headers: HeaderMap,
    timeout_first_byte: Duration,
    timeout_idle: Duration,
}

impl Backend {
    /// Sets the client up.
    ///
    /// # Errors
    /// An address, a header or a certificate of the settings cannot be used.
    pub fn new(settings: &config::Proxy) -> Result<Self, SetUpError> {
        let address = Address::parse(&settings.backend, settings.backend_path.as_deref()).map_err(SetUpError)?;
        let key = match &settings.backend_api_key {
            Some(key) if address.is_azure() => Some(secret_value(key)?),
            Some(key) => Some(secret_value(&format!("Bearer {}", key.expose_secret()).into())?),
            None => None,
        };
        let chat = address.of_call(CHAT_COMPLETIONS, None);
        let chat = Url::parse(&chat).map_err(|error| SetUpError(format!("proxy.backend: {chat:?}: {error}")))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let name: HeaderName = name
                .parse()
                .map_err(|_| SetUpError(format!("proxy.headers: {name:?} is no header name")))?;
            headers.insert(name, secret_value(value)?);
        }
        // The provider of the process; whoever was first has set the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No redirects, no proxy of the environment, no second try, no decompression: what the backend says is relayed as it says it.
        let mut client = reqwest::Client::builder()
            .connect_timeout(settings.timeout_connect.unwrap_or(settings.timeout))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .pool_idle_timeout(Duration::from_secs(30));
        if let Some(path) = &settings.ca_file {
            let wrong =
                |error: &dyn std::fmt::Display| SetUpError(format!("proxy.ca_file {}: {error}", path.display()));
            let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(&error))?;
            client = client.tls_certs_merge(certificates);
        } else if chat.scheme() == "http" {
            // Certificates are not asked for, and a machine without any need not have them.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| {
            let problem = chain(&error);
            let hint = "install the package ca-certificates, or name a file of them in proxy.ca_file";
            if problem.contains("CA certificates") {
                SetUpError(format!("proxy.backend: {problem}; {hint}"))
            } else {
                SetUpError(problem)
            }
        })?;
        Ok(Self {
            client,
            address,
            chat,
            key,
            headers,
            timeout_first_byte: settings.timeout_first_byte.unwrap_or(settings.timeout),
            timeout_idle: settings.timeout_idle.unwrap_or(settings.timeout),
        })
    }

    /// Scheme, host and port of the backend, for people.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.address.origin()
    }

    /// Whether maia sends a key of its own.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Sends a call and returns when its answer begins. `path` is what stood behind `/proxy/v1`.
    ///
    /// # Errors
    /// No answer began: the backend is not there, too slow, or broke off.
    pub async fn send<B>(
        &self,
        method: Method,
        (path, query): (&str, Option<&str>),
        mut headers: HeaderMap,
        own_key: OwnKey,
        body: B,
    ) -> Result<Response<BackendBody>, BackendError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        strip_hop_by_hop(&mut headers);
        let has_length = headers.contains_key(header::CONTENT_LENGTH);
        strip_own(&mut headers);
        self.set_keys(&mut headers, own_key);
        let progress = Progress::start();
        let request = match (path, query) {
            (CHAT_COMPLETIONS, None) => self.client.request(method, self.chat.clone()),
            _ => self.client.request(method, self.address.of_call(path, query)),
        };
        let mut request = request.headers(headers);
        // A request without a body must not get one by being wrapped; one of known length keeps its length.
        let size = body.size_hint().exact();
        if size != Some(0) || has_length {
            request = request.body(reqwest::Body::wrap(Upload::new(body, progress.clone())));
        }
        let answer = tokio::select! {
            answer = request.send() => answer.map_err(|error| self.failed(&error))?,
            () = progress.stalled_for(self.timeout_first_byte) => return Err(BackendError::TimedOut),
        };
        let (mut parts, body) = Response::<reqwest::Body>::from(answer).into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            // Nobody asked for it: `Upgrade` is not forwarded.
            let message = format!("{} switched to another protocol", self.origin());
            return Err(BackendError::Unreachable(message));
        }
        strip_hop_by_hop(&mut parts.headers);
        Ok(Response::from_parts(parts, BackendBody::new(body, self.timeout_idle)))
    }

    fn set_keys(&self, headers: &mut HeaderMap, own_key: OwnKey) {
        if own_key != OwnKey::None {
            headers.remove(OWN_KEY);
        }
        if own_key == OwnKey::InBearer {
            headers.remove(header::AUTHORIZATION);
        }
        if let Some(key) = &self.key {
            headers.remove(header::AUTHORIZATION);
            headers.remove(AZURE_KEY);
            let name = if self.address.is_azure() {
                AZURE_KEY
            } else {
                header::AUTHORIZATION
            };
            headers.insert(name, key.clone());
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }

    fn failed(&self, error: &reqwest::Error) -> BackendError {
        if let Some(slow) = slow_upload(error) {
            BackendError::SlowUpload(slow)
        } else if error.is_timeout() {
            BackendError::TimedOut
        } else if error.is_body() {
            BackendError::RequestBody(chain(error))
        } else if error.is_connect() {
            let reason = innermost(error);
            BackendError::Unreachable(format!("no connection to {}: {reason}", self.origin()))
        } else {
            BackendError::Unreachable(format!(
                "{} broke off before it answered: {}",
                self.origin(),
                innermost(error)
            ))
        }
    }
}

fn secret_value(secret: &SecretString) -> Result<HeaderValue, SetUpError> {
    let mut value = HeaderValue::from_str(secret.expose_secret())
        .map_err(|_| SetUpError("a key or header of the proxy settings cannot stand in a header".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What an error says of a client that was too slow with its body.
fn slow_upload(error: &reqwest::Error) -> Option<BodyError> {
    let mut error: &dyn Error = error;
    loop {
        if let Some(BodyError::Idle(idle)) = error.downcast_ref() {
            return Some(BodyError::Idle(*idle));
        }
        error = error.source()?;
    }
}

/// The first cause of an error, without the address that `reqwest` puts before it: a query may hold what is not for logs.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
