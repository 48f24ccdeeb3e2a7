//! `POST /proxy/v1/chat/completions`: recall, inject, forward, relay, remember. The one place where memory and proxy meet.
//!
//! Trouble with memory is logged and counted, and the request goes on without: nothing here may fail or delay a completion.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::Full;

use super::access::Access;
use super::backend_answer::{self, Answered};
use super::chat_options::ChatOptions;
use super::consult::{Asked, consult, name_of};
use super::error::ApiError;
use super::extract::{read_body, require_json};
use super::log::RequestId;
use super::openapi::bodies::{BackendAnswer, ChatCompletion};
use super::openapi::params::Chat;
use crate::app::AppState;
use crate::memory::extract::Exchange;
use crate::memory::history::History;
use crate::memory::ingest::{ConversationId, Origin};
use crate::memory::inject::inject;
use crate::memory::query::MESSAGES;
use crate::memory::replay::Context;
use crate::memory::turns::Conversation;
use crate::memory::unwritten::Kept;
use crate::model::{self, ChatRequest, NamespaceNumber};
use crate::proxy::{Answer, CHAT_COMPLETIONS, OwnKey, tee};
use crate::store::{Activity, FactsNamespace, Injected as NotedMemory};
use crate::sync::lock;

/// Longest name of a model that is noted, in characters.
const MAX_MODEL_LENGTH: usize = 128;

const MEMORIES_USED: &str = "x-maia-memories-used";
const MEMORIES_NEW: &str = "x-maia-memories-new";
const TOKENS_INJECTED: &str = "x-maia-tokens-injected";
const MEMORY_IDS: &str = "x-maia-memory-ids";

/// What was put into a request.
#[derive(Debug, Default)]
struct Injected {
    memories: usize,
    new_memories: usize,
    tokens: u32,
    /// The new memories, as the activity of the namespace has them.
    noted: Vec<NotedMemory>,
    /// What later turns of the conversation are to know of it, once it is answered.
    kept: Option<Kept>,
}

/// Complete a chat, with memory
///
/// Puts what is known into the request, relays the answer as it arrives, and remembers what was new. Where the backend refuses, its own error is the
/// answer; where it fails, a `backend_error` of the same status.
#[utoipa::path(
    post,
    path = "/proxy/v1/chat/completions",
    operation_id = "complete_chat",
    tag = "proxy",
    params(Chat),
    request_body = ChatCompletion,
    responses(
        (status = 200, description = "The backend's answer; server-sent events where `stream` is `true`", content((BackendAnswer = "application/json"), (BackendAnswer = "text/event-stream"))),
        (status = "default", description = "What the backend answered", body = BackendAnswer, content_type = "*/*"),
    )
)]
pub(super) async fn complete(
    State(state): State<AppState>,
    access: Access,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    let state = &state;
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let options = ChatOptions::from_headers(&parts.headers)?;
    access
        .check(name_of(state, &options).as_str())
        .map_err(|error| error.with_param("X-MAIA-Namespace"))?;
    let body = read_body(body, state.proxy.max_body_bytes).await?;
    let chat = ChatRequest::parse(&body).map_err(ApiError::bad_request)?;

    let recalls = state.proxy.auto_context && !options.skip_memory && chat.newest_user().is_some();
    let remembers = state.proxy.auto_remember && !options.skip_extract && chat.newest_user().is_some();
    let history = recalls.then(|| History::of(&chat)).flatten();
    let asked = history.map(|history| Asked {
        texts: chat.user_texts().take(MESSAGES).map(Cow::into_owned).collect(),
        history,
    });
    let turns_of = state
        .memory
        .remember_turns
        .then(|| Conversation::of(&chat, options.conversation_id.as_deref()))
        .flatten();
    let (namespace, context) = if recalls || remembers {
        let conversation = turns_of.as_ref().and_then(Conversation::known);
        consult(state, &options, asked, conversation).await?
    } else {
        (None, None)
    };
    let recall_time = context.is_some().then(|| begun.elapsed());
    let (mut injected, forwarded) = context
        .and_then(|context| add_context(state, &chat, context))
        .unwrap_or_default();
    let forwarded = forwarded.map_or_else(|| body.clone(), Bytes::from);
    let memory_ids = options.show_memories.then(|| {
        let ids: Vec<String> = injected.noted.iter().map(|memory| memory.id.to_string()).collect();
        ids.join(",")
    });
    let noted = namespace.as_ref().map(|namespace| {
        let model = chat.model().map(|model| model.chars().take(MAX_MODEL_LENGTH).collect());
        activity(namespace.number, request_id.clone(), model, recall_time, &mut injected)
    });
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
        beginning: match options.conversation_id {
            Some(id) => Beginning::Named(id),
            None => Beginning::With(chat.oldest_user_text().into_owned()),
        },
        at: model::now(),
        request_id,
    });
    let followed = Followed {
        heard: exchange,
        kept: injected.kept.take(),
    };

    let query = parts.uri.query().map(str::to_owned);
    let headers = (parts.headers, access.own_key);
    let answer = forward(state, headers, query.as_deref(), forwarded, followed).await;
    let mut response = answer.unwrap_or_else(ApiError::into_response);
    if let Some(noted) = noted {
        state.activity.note(Activity {
            status: response.status().as_u16(),
            latency: microseconds(begun.elapsed()),
            ..noted
        });
    }
    response
        .headers_mut()
        .insert(MEMORIES_USED, HeaderValue::from(injected.memories));
    response
        .headers_mut()
        .insert(MEMORIES_NEW, HeaderValue::from(injected.new_memories));
    response
        .headers_mut()
        .insert(TOKENS_INJECTED, HeaderValue::from(injected.tokens));
    // Of digits, letters and commas, so it is always a value that a header may have.
    if let Some(ids) = memory_ids.and_then(|ids| HeaderValue::try_from(ids).ok()) {
        response.headers_mut().insert(MEMORY_IDS, ids);
    }
    Ok(response)
}

/// What is noted of a request before it is answered.
fn activity(
    namespace: NamespaceNumber,
    request_id: String,
    model: Option<String>,
    recall: Option<Duration>,
    injected: &mut Injected,
) -> Activity {
    Activity {
        namespace,
        at: model::now(),
        request_id,
        model,
        status: 0,
        recall_time: recall.map(microseconds),
        latency: 0,
        token_count: injected.tokens,
        injected: std::mem::take(&mut injected.noted),
        extracted: Vec::new(),
    }
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// What the request gets, and the request with it; without where that is nothing. `None` where there is no place for it.
fn add_context(state: &AppState, chat: &ChatRequest<'_>, context: Context) -> Option<(Injected, Option<String>)> {
    let edited = match context.blocks.as_slice() {
        [] => None,
        blocks => Some(inject(chat, blocks)?),
    };
    state.metrics.recalled(context.new_tokens, context.replayed_tokens);
    let injected = Injected {
        memories: context.memories.len(),
        new_memories: context.new_memories,
        tokens: context.new_tokens.saturating_add(context.replayed_tokens),
        noted: context.noted,
        kept: context.to_keep.map(|new| state.unwritten.keep(new)),
    };
    state.access.note(context.memories);
    Some((injected, edited))
}

async fn forward(
    state: &AppState,
    (headers, own_key): (HeaderMap, OwnKey),
    query: Option<&str>,
    body: Bytes,
    followed: Followed,
) -> Result<Response, ApiError> {
    let method = axum::http::Method::POST;
    let path = (CHAT_COMPLETIONS, query);
    let sent = state
        .backend
        .send(method, path, headers, own_key, Full::new(body))
        .await;
    let response = sent.inspect_err(|error| backend_answer::count(&state.metrics, error))?;
    match backend_answer::judge(response).await {
        Answered::Error(error) => {
            state.metrics.backend_failed("status");
            Err(error)
        }
        Answered::Relayed(response) => Ok(response),
        Answered::Good(response) if followed.wants_answer() => Ok(tee(response, follow_later(state, followed))
            .map(Body::new)
            .into_response()),
        Answered::Good(response) => Ok(response.map(Body::new)),
    }
}

/// What is done once the answer has ended.
struct Followed {
    /// Reads the exchange for facts.
    heard: Option<Heard>,
    /// Writes down what was injected.
    kept: Option<Kept>,
}

impl Followed {
    fn wants_answer(&self) -> bool {
        self.heard.is_some() || self.kept.is_some()
    }
}

/// What the user said, and where it is to be remembered.
struct Heard {
    namespace: FactsNamespace,
    user: Option<String>,
    beginning: Beginning,
    /// The conversation that the words of the exchange are kept as a part of, where they are kept.
    turns_of: Option<Conversation>,
    at: DateTime<Utc>,
    request_id: String,
}

/// What tells the conversation from others: see [`ConversationId`].
enum Beginning {
    Named(String),
    With(String),
}

/// Writes down what was injected and remembers the exchange, once its answer has ended. Of an answer that was cut off only the question counts: half a
/// sentence may say the opposite of the whole.
fn follow_later(state: &AppState, followed: Followed) -> impl FnOnce(Answer) + Send + Unpin + 'static {
    let state = state.clone();
    move |answer: Answer| {
        let Followed { heard, kept } = followed;
        if let Some(reason) = answer.unread {
            let reason = reason.as_str();
            let request_id = heard.as_ref().map(|heard| heard.request_id.as_str());
            tracing::warn!(reason, request_id, "an answer was relayed but could not be read");
            state.metrics.unread(reason);
        }
        if let Some(usage) = answer.prompt {
            state.metrics.prompt_read(usage.cached, usage.tokens - usage.cached);
        }
        if let Some(kept) = kept {
            kept.answered(&answer.text);
        }
        if let Some(heard) = heard
            && state.finished.add(heard, answer)
        {
            let (tasks, background) = (state.tasks.clone(), state.background.clone());
            // A long text takes longer to read than the last bytes of its answer may wait.
            tasks.spawn_blocking_on(move || remember_finished(&state), &background);
        }
    }
}

/// Exchanges that are to be remembered, in the order in which they ended: what was said later may contradict what was said before. One thread at a time
/// reads them.
#[derive(Default)]
pub struct FinishedExchanges(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    exchanges: VecDeque<(Heard, Answer)>,
    /// Whether somebody reads them, until there are no more.
    is_read: bool,
}

impl FinishedExchanges {
    /// Whether somebody must begin to read.
    fn add(&self, heard: Heard, answer: Answer) -> bool {
        let mut waiting = lock(&self.0);
        waiting.exchanges.push_back((heard, answer));
        !std::mem::replace(&mut waiting.is_read, true)
    }

    fn next(&self) -> Option<(Heard, Answer)> {
        let mut waiting = lock(&self.0);
        let next = waiting.exchanges.pop_front();
        waiting.is_read = next.is_some();
        next
    }
}

fn remember_finished(state: &AppState) {
    while let Some((heard, answer)) = state.finished.next() {
        // What is wrong with one must not keep those behind it from being read.
        let read = catch_unwind(AssertUnwindSafe(|| remember(state, heard, &answer)));
        if read.is_err() {
            tracing::error!("an exchange was let go: reading it for facts failed");
            state.metrics.exchanges_dropped(1);
        }
    }
}

fn remember(state: &AppState, heard: Heard, answer: &Answer) {
    let exchange = Exchange {
        user: heard.user.as_deref(),
        assistant: answer.complete.then_some(answer.text.as_str()),
        at: heard.at,
    };
    let origin = Origin {
        request_id: &heard.request_id,
        conversation: match &heard.beginning {
            Beginning::Named(id) => ConversationId::Given(id),
            Beginning::With(message) => ConversationId::BeginsWith(message),
        },
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
