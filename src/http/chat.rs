//! `POST /proxy/v1/chat/completions`: recall, inject, forward, relay, remember. The one place where memory and proxy meet.
//!
//! Trouble with memory is logged and counted, and the request goes on without: nothing here may fail or delay a completion.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::Full;

use super::backend_answer::{self, Answered};
use super::chat_options::ChatOptions;
use super::error::ApiError;
use super::extract::{no_such_namespace, read_body, require_json};
use super::log::RequestId;
use crate::app::AppState;
use crate::memory::extract::Exchange;
use crate::memory::ingest::{Origin, conversation_of};
use crate::memory::inject::inject;
use crate::memory::query::MESSAGES;
use crate::memory::recall::{Budget, Recall};
use crate::memory::turns::Conversation;
use crate::model::{self, ChatRequest, MemoryId, Namespace, NamespaceName};
use crate::proxy::{Answer, CHAT_COMPLETIONS, tee};
use crate::store::{FactsNamespace, ReadError, Reader, StoreError};

/// Longest time that a request waits for memory before it goes on without.
const MEMORY_TIMEOUT: Duration = Duration::from_millis(500);
/// Largest namespace that is searched on the thread that serves the request. In a larger one a search may take long enough for others to notice.
const GLANCE_MEMORIES: i64 = 20_000;

const MEMORIES_USED: &str = "x-maia-memories-used";
const TOKENS_INJECTED: &str = "x-maia-tokens-injected";
const MEMORY_IDS: &str = "x-maia-memory-ids";

/// What was put into a request.
#[derive(Debug, Default)]
struct Injected {
    memories: Vec<MemoryId>,
    tokens: u32,
}

pub(super) async fn complete(
    State(state): State<AppState>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    let state = &state;
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let options = ChatOptions::from_headers(&parts.headers)?;
    let body = read_body(body, state.proxy.max_body_bytes).await?;
    let chat = ChatRequest::parse(&body).map_err(ApiError::bad_request)?;

    let recalls = state.proxy.auto_context && !options.skip_memory && chat.newest_user().is_some();
    let remembers = state.proxy.auto_remember && !options.skip_extract && chat.newest_user().is_some();
    let show_memories = options.show_memories;
    let texts = recalls.then(|| chat.user_texts().take(MESSAGES).map(Cow::into_owned).collect());
    let turns_of = state
        .memory
        .remember_turns
        .then(|| Conversation::of(&chat, options.conversation_id.as_deref()))
        .flatten();
    let (namespace, recall) = if recalls || remembers {
        let conversation = turns_of.as_ref().and_then(Conversation::known);
        consult(state, &options, texts, conversation).await?
    } else {
        (None, None)
    };
    let (injected, forwarded) = match (&namespace, recall) {
        (Some(namespace), Some(recall)) => add_context(state, namespace, &chat, &recall),
        _ => None,
    }
    .map_or_else(
        || (Injected::default(), body.clone()),
        |(injected, forwarded)| (injected, forwarded.into()),
    );
    let place = match namespace {
        Some(namespace) => Some(FactsNamespace::Known(namespace.number)),
        // The store could not be asked. It is asked again when the exchange is kept.
        None if state.memory.auto_create_namespace => Some(FactsNamespace::Named(name_of(state, &options).clone())),
        None => None,
    };
    let exchange = place.filter(|_| remembers).map(|namespace| Heard {
        namespace,
        user: chat.unanswered_user().map(|message| chat.text(message).into_owned()),
        turns_of,
        conversation_id: options
            .conversation_id
            .unwrap_or_else(|| conversation_of(&chat.oldest_user_text())),
        at: model::now(),
        request_id,
    });

    let query = parts.uri.query().map(str::to_owned);
    let answer = forward(state, parts.headers, query.as_deref(), forwarded, exchange).await;
    let mut response = answer.unwrap_or_else(ApiError::into_response);
    response
        .headers_mut()
        .insert(MEMORIES_USED, HeaderValue::from(injected.memories.len()));
    response
        .headers_mut()
        .insert(TOKENS_INJECTED, HeaderValue::from(injected.tokens));
    if show_memories {
        let ids: Vec<String> = injected.memories.iter().map(MemoryId::to_string).collect();
        // Of digits, letters and commas, so it is always a value that a header may have.
        if let Ok(ids) = HeaderValue::try_from(ids.join(",")) {
            response.headers_mut().insert(MEMORY_IDS, ids);
        }
    }
    Ok(response)
}

/// What a request asks of memory.
#[derive(Clone)]
struct Question {
    namespace: NamespaceName,
    /// What the user said, newest first; `None` where nothing is to be recalled.
    texts: Option<Vec<String>>,
    /// The conversation that the request is a part of, and holds itself.
    conversation: Option<String>,
    /// Tokens of context that the request itself asks for.
    budget: Option<u32>,
    /// Tokens of context otherwise.
    usual_budget: u32,
    profile: u32,
}

/// What memory says: the namespace, and what it knows.
type Consulted = (Namespace, Option<Recall>);

impl Question {
    /// `None` where there is no such namespace, or one of more than `most` memories.
    fn ask(&self, reader: &Reader<'_>, most: i64) -> Result<Option<Consulted>, ReadError> {
        let found = reader.namespace(self.namespace.as_str())?;
        let Some(namespace) = found.filter(|namespace| namespace.stats.memory_count <= most) else {
            return Ok(None);
        };
        let budget = Budget {
            total: self
                .budget
                .or(namespace.config.token_budget)
                .unwrap_or(self.usual_budget),
            profile: self.profile,
        };
        let recall = self
            .texts
            .as_ref()
            .map(|texts| Recall::of(reader, &namespace, texts, self.conversation.as_deref(), budget))
            .transpose()?;
        Ok(Some((namespace, recall)))
    }
}

/// The namespace of a request, made on its first use where that is allowed, and what it knows about the texts; neither where the store is in trouble.
async fn consult(
    state: &AppState,
    options: &ChatOptions,
    texts: Option<Vec<String>>,
    conversation: Option<String>,
) -> Result<(Option<Namespace>, Option<Recall>), ApiError> {
    let begun = Instant::now();
    let name = name_of(state, options);
    let question = Question {
        namespace: name.clone(),
        texts,
        conversation,
        budget: options.token_budget,
        usual_budget: state.proxy.token_budget,
        profile: state.memory.profile_tokens,
    };
    let consulted = match state.store.glance(|reader| question.ask(reader, GLANCE_MEMORIES)) {
        Some(consulted) => Ok(Some(consulted)),
        None => within_time(look_up(state, question)).await,
    };
    match consulted {
        Ok(None) => Err(no_such_namespace(name.as_str()).with_param("X-MAIA-Namespace")),
        Ok(Some((namespace, recall))) => {
            if recall.is_some() {
                state.metrics.recall_took(begun.elapsed());
            }
            Ok((Some(namespace), recall))
        }
        Err(error) => {
            tracing::warn!(%error, "memory could not be consulted; the request goes on without it");
            state.metrics.memory_failed("recall");
            Ok((None, None))
        }
    }
}

/// The name of the namespace that a request is in.
fn name_of<'a>(state: &'a AppState, options: &'a ChatOptions) -> &'a NamespaceName {
    options.namespace.as_ref().unwrap_or(&state.memory.default_namespace)
}

async fn look_up(state: &AppState, question: Question) -> Result<Option<Consulted>, StoreError> {
    let name = question.namespace.clone();
    match state
        .store
        .reading(move |reader| question.ask(reader, i64::MAX))
        .await?
    {
        None if state.memory.auto_create_namespace => Ok(Some((state.store.ensure_namespace(name).await?, None))),
        consulted => Ok(consulted),
    }
}

/// The request with what is relevant to it; `None` where nothing is.
fn add_context(
    state: &AppState,
    namespace: &Namespace,
    chat: &ChatRequest<'_>,
    recall: &Recall,
) -> Option<(Injected, String)> {
    let position = namespace
        .config
        .context_position
        .unwrap_or(state.proxy.context_position);
    let edited = (!recall.block.is_empty())
        .then(|| inject(chat, position, &recall.block.text()))
        .flatten();
    let tokens = if edited.is_some() { recall.block.tokens() } else { 0 };
    state.metrics.recalled(tokens);
    let edited = edited?;
    state
        .access
        .note(recall.memories.iter().map(|recalled| recalled.memory.row_id));
    Some((
        Injected {
            memories: recall.memories.iter().map(|recalled| recalled.memory.id).collect(),
            tokens,
        },
        edited,
    ))
}

async fn within_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(MEMORY_TIMEOUT, work)
        .await
        .unwrap_or(Err(StoreError::Busy))
}

async fn forward(
    state: &AppState,
    headers: HeaderMap,
    query: Option<&str>,
    body: Bytes,
    heard: Option<Heard>,
) -> Result<Response, ApiError> {
    let method = axum::http::Method::POST;
    let path = (CHAT_COMPLETIONS, query);
    let sent = state
        .backend
        .send(method, path, headers, state.own_key, Full::new(body))
        .await;
    let response = sent.inspect_err(|error| backend_answer::count(&state.metrics, error))?;
    match backend_answer::judge(response).await {
        Answered::Error(error) => {
            state.metrics.backend_failed("status");
            Err(error)
        }
        Answered::Relayed(response) => Ok(response),
        Answered::Good(response) => Ok(match heard {
            Some(heard) => tee(response, remember_later(state, heard))
                .map(Body::new)
                .into_response(),
            None => response.map(Body::new),
        }),
    }
}

/// What the user said, and where it is to be remembered.
struct Heard {
    namespace: FactsNamespace,
    user: Option<String>,
    conversation_id: String,
    /// The conversation that the words of the exchange are kept as a part of, where they are kept.
    turns_of: Option<Conversation>,
    at: DateTime<Utc>,
    request_id: String,
}

/// Remembers the exchange once its answer has ended. Of an answer that was cut off only the question counts: half a sentence may say the opposite of the whole.
fn remember_later(state: &AppState, heard: Heard) -> impl FnOnce(Answer) + Send + Unpin + 'static {
    let state = state.clone();
    move |answer: Answer| {
        if let Some(reason) = answer.unread {
            let reason = reason.as_str();
            tracing::warn!(
                reason,
                request_id = heard.request_id,
                "an answer was relayed but could not be read"
            );
            state.metrics.unread(reason);
        }
        let (tasks, background) = (state.tasks.clone(), state.background.clone());
        lock(&state.finished.waiting).push_back((heard, answer));
        // A long text takes longer to read than the last bytes of its answer may wait.
        tasks.spawn_blocking_on(move || remember_next(&state), &background);
    }
}

/// Exchanges that are to be remembered, in the order in which they ended: what was said later may contradict what was said before.
#[derive(Default)]
pub struct FinishedExchanges {
    waiting: Mutex<VecDeque<(Heard, Answer)>>,
    turn: Mutex<()>,
}

fn remember_next(state: &AppState) {
    let _turn = lock(&state.finished.turn);
    let next = lock(&state.finished.waiting).pop_front();
    if let Some((heard, answer)) = next {
        remember(state, heard, &answer);
    }
}

/// A panic elsewhere leaves what is guarded whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(state: &AppState, heard: Heard, answer: &Answer) {
    let exchange = Exchange {
        user: heard.user.as_deref(),
        assistant: answer.complete.then_some(answer.text.as_str()),
        at: heard.at,
    };
    let origin = Origin {
        request_id: &heard.request_id,
        conversation_id: &heard.conversation_id,
    };
    let turns_of = heard
        .turns_of
        .map(|conversation| conversation.answered(exchange.assistant));
    let dropped = state.ingest.hear(
        &state.extractor,
        heard.namespace,
        &exchange,
        origin,
        turns_of.as_deref(),
    );
    if dropped > 0 {
        tracing::warn!(
            dropped,
            "too many exchanges wait to be remembered; the oldest was let go"
        );
    }
    state.metrics.exchanges_dropped(dropped);
}
