//! Errors that maia makes, in the one shape that the `OpenAI` SDKs read
//! (<https://platform.openai.com/docs/guides/error-codes>): `{"error": {"message", "type", "param", "code"}}`.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::proxy::BackendError;
use crate::record::FieldError;
use crate::store::StoreError;

/// An error as a client sees it.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    kind: &'static str,
    code: &'static str,
    message: String,
    param: Option<String>,
    /// For the log, where the message may hold what is not for it.
    detail: Option<String>,
    /// Boxed, for an error should not weigh more than what it stands in for.
    headers: Box<HeaderMap>,
}

/// What the body of an error is.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct Envelope {
    error: ErrorBody,
}

/// An error in the shape of the protocol.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorDetail)]
pub(super) struct ErrorBody {
    /// What is wrong, for a person: the field, the limit and what was there.
    message: String,
    /// The kind of error.
    r#type: &'static str,
    /// The field, parameter or header that it is about, as `tags[1]`.
    #[schema(required = true)]
    param: Option<String>,
    /// What is wrong, for a program.
    code: &'static str,
}

/// Marks a response as one that maia made for an error, for the log.
#[derive(Clone, Debug)]
pub(super) struct ErrorMark {
    pub(super) code: &'static str,
    /// What happened, where the message to the client says less.
    pub(super) detail: Option<String>,
}

const INVALID: &str = "invalid_request_error";

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code,
            message: message.into(),
            param: None,
            detail: None,
            headers: Box::default(),
        }
    }

    /// 400: the request is wrong, and `message` says where.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID, "bad_request", message)
    }

    /// 400 about one field, parameter or header.
    pub(super) fn bad_value(name: &str, problem: impl std::fmt::Display) -> Self {
        let error = Self::bad_request(format!("{name}: {problem}"));
        Self {
            param: Some(name.to_owned()),
            ..error
        }
    }

    /// 401, the same for every kind of wrong key.
    pub(super) fn unauthorized() -> Self {
        let mut error = Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "unauthorized",
            "A valid key is needed: send it in the header X-API-Key",
        );
        error
            .headers
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        error
    }

    /// 403: this client is not answered, or not in this.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission_error", "forbidden", message)
    }

    /// 404.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, INVALID, "not_found", message)
    }

    /// 405.
    pub(super) fn method_not_allowed(method: &Method) -> Self {
        let message = format!("{method} is not possible here; the header Allow says what is");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, INVALID, "method_not_allowed", message)
    }

    /// 408: the client sent no more of its body.
    pub(super) fn request_timeout(problem: impl std::fmt::Display) -> Self {
        let message = format!("the request body did not arrive: {problem}");
        Self::new(StatusCode::REQUEST_TIMEOUT, INVALID, "request_timeout", message)
    }

    /// 409.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, INVALID, "conflict", message)
    }

    /// 412: what is to be changed is not what the client has seen.
    pub(super) fn precondition_failed(etag: &str) -> Self {
        let message = format!("it has changed since: its ETag is {etag} now; read it again and decide anew");
        let status = StatusCode::PRECONDITION_FAILED;
        Self::new(status, INVALID, "precondition_failed", message).with_param("If-Match")
    }

    /// 422: a key that stands for one request came with another.
    pub(super) fn key_reused() -> Self {
        let message =
            "this Idempotency-Key came with another body within the last 24 hours; a new request needs a new key";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(status, INVALID, "idempotency_key_reused", message).with_param("Idempotency-Key")
    }

    /// 413.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, INVALID, "too_large", message)
    }

    /// 415.
    pub(super) fn unsupported_media_type() -> Self {
        let message = "the body must be JSON, sent with Content-Type: application/json";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            INVALID,
            "unsupported_media_type",
            message,
        )
    }

    /// Names the kinds of patches that are understood (RFC 5789).
    pub(super) fn accepting_patches(mut self) -> Self {
        let kinds = HeaderValue::from_static("application/merge-patch+json, application/json");
        self.headers.insert("accept-patch", kinds);
        self
    }

    /// 431.
    pub(super) fn headers_too_large(limit: usize) -> Self {
        let message = format!("the headers of the request are larger than {limit} bytes");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, INVALID, "headers_too_large", message)
    }

    /// 415 for a compressed body: what is in it could not be looked at.
    pub(super) fn compressed() -> Self {
        let mut error = Self::unsupported_media_type();
        error.message = "the body must not be compressed; send it without Content-Encoding".into();
        let none = HeaderValue::from_static("identity");
        error.headers.insert(header::ACCEPT_ENCODING, none);
        error
    }

    /// 429.
    pub(super) fn rate_limited(headers: HeaderMap) -> Self {
        let error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_error",
            "rate_limited",
            "Rate limit exceeded",
        );
        Self {
            headers: Box::new(headers),
            ..error
        }
    }

    /// 500: without random numbers there is no secret.
    pub(super) fn no_random_numbers(error: &impl std::fmt::Display) -> Self {
        let message = format!("the system gives no random numbers: {error}; nothing was made");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "api_error", "no_random_numbers", message)
    }

    /// The backend answered with an error that is not for the client as it is: its status, and what it said in our shape.
    pub(super) fn backend_answered(status: StatusCode, message: &str, headers: HeaderMap) -> Self {
        let message = format!("Backend returned error: {message}");
        Self {
            headers: Box::new(headers),
            ..Self::new(status, "api_error", "backend_error", message)
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The error as it stands in a body.
    pub(super) fn into_body(self) -> ErrorBody {
        ErrorBody {
            message: self.message,
            r#type: self.kind,
            param: self.param,
            code: self.code,
        }
    }

    /// Logs this instead of the message.
    pub(super) fn with_detail(self, detail: String) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }

    /// Names the field or header that is wrong.
    pub(super) fn with_param(self, name: &str) -> Self {
        Self {
            param: Some(name.to_owned()),
            ..self
        }
    }
}

impl From<FieldError> for ApiError {
    fn from(FieldError { field, problem }: FieldError) -> Self {
        Self::bad_value(&field, problem)
    }
}

impl From<BackendError> for ApiError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::TimedOut => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "timeout_error",
                "backend_timeout",
                error.to_string(),
            ),
            BackendError::Unreachable(reason) => {
                Self::backend_answered(StatusCode::BAD_GATEWAY, &reason, HeaderMap::new())
            }
            BackendError::SlowUpload(slow) => Self::request_timeout(slow),
            BackendError::RequestBody(_) => Self::bad_request(error.to_string()),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let (status, code) = match &error {
            StoreError::Full | StoreError::NoRoom { .. } => (StatusCode::INSUFFICIENT_STORAGE, "storage_full"),
            StoreError::ReadOnly | StoreError::Busy | StoreError::Closed => {
                (StatusCode::SERVICE_UNAVAILABLE, "storage_unavailable")
            }
            StoreError::Disk(_) | StoreError::Database(_) => (StatusCode::SERVICE_UNAVAILABLE, "storage_error"),
        };
        Self::new(status, "api_error", code, format!("{error}; nothing was changed"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(mut self) -> Response {
        let detail = self
            .detail
            .take()
            .or_else(|| self.status.is_server_error().then(|| self.message.clone()));
        let (status, code) = (self.status, self.code);
        let headers = std::mem::take(&mut *self.headers);
        let error = self.into_body();
        let mut response = (status, Json(Envelope { error })).into_response();
        response.headers_mut().extend(headers);
        response.extensions_mut().insert(ErrorMark { code, detail });
        response
    }
}
