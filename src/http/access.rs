//! What a call needs, and whether its caller may have it.
//!
//! Each route stands in one table with the right that it needs. A caller without that right goes no further; one that has it is asked again for each
//! namespace, by whatever finds it. A route that is in no table has no right that a key could have, so it finds no namespace for one.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use uuid::Uuid;

use super::error::ApiError;
use crate::model::{Key, NamespacePatterns, Right};
use crate::proxy::OwnKey;

/// The routes that ask for a key: method (`*` for any), path and the right that they need, in the namespace of the path where there is one. What they need
/// elsewhere they ask for themselves.
pub const ROUTES: &[(&str, &str, Right)] = &[
    ("GET", "/v1/namespaces", Right::Read),
    ("POST", "/v1/namespaces", Right::Write),
    ("GET", "/v1/namespaces/{namespace}", Right::Read),
    ("PUT", "/v1/namespaces/{namespace}", Right::Write),
    ("PATCH", "/v1/namespaces/{namespace}", Right::Write),
    ("DELETE", "/v1/namespaces/{namespace}", Right::Write),
    ("POST", "/v1/namespaces/{namespace}/clear", Right::Write),
    ("POST", "/v1/namespaces/{namespace}/clone", Right::Read),
    ("POST", "/v1/namespaces/{namespace}/extract", Right::Write),
    ("POST", "/v1/namespaces/{namespace}/context", Right::Read),
    ("GET", "/v1/namespaces/{namespace}/activity", Right::Read),
    ("GET", "/v1/namespaces/{namespace}/stats", Right::Read),
    ("GET", "/v1/namespaces/{namespace}/memories", Right::Read),
    ("POST", "/v1/namespaces/{namespace}/memories", Right::Write),
    ("DELETE", "/v1/namespaces/{namespace}/memories", Right::Write),
    ("POST", "/v1/namespaces/{namespace}/memories/batch", Right::Write),
    ("POST", "/v1/namespaces/{namespace}/memories/copy", Right::Read),
    ("POST", "/v1/namespaces/{namespace}/memories/move", Right::Write),
    ("POST", "/v1/namespaces/{namespace}/memories/search", Right::Read),
    ("GET", "/v1/namespaces/{namespace}/memories/{id}", Right::Read),
    ("PUT", "/v1/namespaces/{namespace}/memories/{id}", Right::Write),
    ("PATCH", "/v1/namespaces/{namespace}/memories/{id}", Right::Write),
    ("DELETE", "/v1/namespaces/{namespace}/memories/{id}", Right::Write),
    ("GET", "/v1/namespaces/{namespace}/memories/{id}/history", Right::Read),
    ("POST", "/v1/memories", Right::Write),
    ("POST", "/v1/memories/search", Right::Read),
    ("GET", "/v1/memories/{id}", Right::Read),
    ("PUT", "/v1/memories/{id}", Right::Write),
    ("PATCH", "/v1/memories/{id}", Right::Write),
    ("DELETE", "/v1/memories/{id}", Right::Write),
    ("POST", "/v1/context", Right::Read),
    ("GET", "/v1/stats", Right::Read),
    ("GET", "/v1/backup", Right::Admin),
    ("GET", "/v1/keys", Right::Admin),
    ("POST", "/v1/keys", Right::Admin),
    ("GET", "/v1/keys/{key}", Right::Admin),
    ("DELETE", "/v1/keys/{key}", Right::Admin),
    ("POST", "/proxy/v1/chat/completions", Right::Chat),
    ("*", "/proxy/v1/{*path}", Right::Chat),
];

/// The right that a call needs; `None` where the table has no such route.
fn needed(method: &Method, path: &str) -> Option<Right> {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let found = ROUTES
        .iter()
        .find(|(known, route, _)| *route == path && (*known == "*" || *known == method.as_str()));
    found.map(|(.., right)| *right)
}

/// Who calls and what for.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// `None`: somebody who may do everything.
    key: Option<Arc<Key>>,
    /// What the call needs.
    right: Option<Right>,
    /// What its key headers mean for the backend.
    pub(super) own_key: OwnKey,
}

impl Access {
    /// Lets a call to a route in, where its caller may do such things somewhere.
    pub(super) fn to(
        method: &Method,
        path: Option<&str>,
        key: Option<Arc<Key>>,
        own_key: OwnKey,
    ) -> Result<Self, ApiError> {
        let right = path.and_then(|path| needed(method, path));
        match (&key, right) {
            (Some(key), Some(right)) if !key.may(right) => Err(ApiError::forbidden(format!(
                "this key may not do that: it lacks the right {right}"
            ))),
            _ => Ok(Self { key, right, own_key }),
        }
    }

    /// The same caller, who needs another right.
    pub(super) fn asking(&self, right: Right) -> Self {
        Self {
            right: Some(right),
            ..self.clone()
        }
    }

    /// Whether the caller may do what the call is for in the namespace of a name.
    pub(super) fn is_allowed(&self, namespace: &str) -> bool {
        match (&self.key, self.right) {
            (None, _) => true,
            (Some(key), Some(right)) => key.may_in(right, namespace),
            (Some(_), None) => false,
        }
    }

    /// Refuses what the caller may not do in a namespace. The words are the same whether it is there or not.
    pub(super) fn check(&self, namespace: &str) -> Result<(), ApiError> {
        if self.is_allowed(namespace) {
            Ok(())
        } else {
            Err(self.refusal(namespace))
        }
    }

    /// The error for a namespace that the caller may not use, which is called as the caller has called it.
    pub(super) fn refusal(&self, namespace: &str) -> ApiError {
        let message = match self.right {
            Some(right) => {
                format!("this key may not {right} in the namespace {namespace:?}: it lacks the right {right} there")
            }
            None => format!("this key may do nothing of that kind in the namespace {namespace:?}"),
        };
        ApiError::forbidden(message).with_param("namespace")
    }

    /// The namespaces that the caller may see; `None`: all.
    pub(super) fn visible(&self) -> Option<NamespacePatterns> {
        let key = self.key.as_ref().filter(|key| !key.is_admin());
        key.map(|key| key.namespaces.clone())
    }

    /// Whose calls these are, where not everybody's are the same.
    pub(super) fn key_id(&self) -> Option<Uuid> {
        self.key.as_ref().map(|key| key.id)
    }
}

impl<S: Sync> FromRequestParts<S> for Access {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let access = parts.extensions.get::<Self>().cloned();
        access.ok_or_else(|| ApiError::forbidden("nobody has looked at the key of this call"))
    }
}
