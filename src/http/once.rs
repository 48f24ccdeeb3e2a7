//! `Idempotency-Key`: a client that does not know whether its request arrived sends it again, and nothing is made twice.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::access::Access;
use super::error::ApiError;
use super::extract::{MAX_BODY, parse_object, read_json};
use crate::app::AppState;
use crate::store::{Made, Once};

const KEY: &str = "idempotency-key";
/// Says that an answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in characters.
const MAX_KEY_LENGTH: usize = 255;

/// The body of a request that makes something, and the key that it came with.
pub(super) struct OnceBody<T, const LIMIT: usize = MAX_BODY>(pub(super) T, pub(super) Option<Once>);

impl<T: DeserializeOwned, const LIMIT: usize> FromRequest<AppState> for OnceBody<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, ApiError> {
        let key = key(request.headers())?;
        // What one caller calls a request is nothing to another.
        let caller = request.extensions().get::<Access>().and_then(Access::key_id);
        let caller = caller.map_or(Vec::new(), |id| id.as_bytes().to_vec());
        let body = read_json(request, LIMIT).await?;
        let once = key.map(|key| Once {
            key: beginning_of_hash(&[caller, key].concat()),
            request: beginning_of_hash(&body),
        });
        parse_object(&body, "").map(|value| Self(value, once))
    }
}

fn key(headers: &HeaderMap) -> Result<Option<Vec<u8>>, ApiError> {
    let mut values = headers.get_all(KEY).iter();
    let Some(key) = values.next() else {
        return Ok(None);
    };
    let key = key.as_bytes();
    let is_sound = (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if is_sound && values.next().is_none() {
        Ok(Some(key.to_owned()))
    } else {
        let problem = format!(
            "must stand once and have 1 to {MAX_KEY_LENGTH} printable ASCII characters (got {})",
            key.len()
        );
        Err(ApiError::bad_value("Idempotency-Key", problem))
    }
}

fn beginning_of_hash(bytes: &[u8]) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let mut beginning = [0; 16];
    beginning.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    beginning
}

/// A header of an answer that was given before.
pub(super) type Replayed = Option<[(HeaderName, &'static str); 1]>;

pub(super) const MADE_NOW: Replayed = None;
pub(super) const MADE_BEFORE: Replayed = Some([(REPLAYED, "true")]);

/// What was made, now or before.
pub(super) fn made<T>(made: Made<T>) -> Result<(Replayed, T), ApiError> {
    match made {
        Made::Now(made) => Ok((MADE_NOW, made)),
        Made::Before(made) => Ok((MADE_BEFORE, made)),
        Made::OtherRequest => Err(ApiError::key_reused()),
        Made::Gone => Err(gone()),
    }
}

pub(super) fn gone() -> ApiError {
    let message = "what was made with this Idempotency-Key has been deleted since";
    ApiError::not_found(message).with_param("Idempotency-Key")
}
