//! `POST /proxy/v1/chat/completions`: recall, inject, forward, relay, remember. The one place where memory and proxy meet.
//!
//! Trouble with memory is logged and counted, and the request goes on without: nothing here may fail or delay a completion.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
use crate::memory::history::History;
use crate::memory::ingest::{Origin, conversation_of};
use crate::memory::inject::inject;
use crate::memory::query::MESSAGES;
use crate::memory::recall::{Budget, Recall};
use crate::memory::replay::{Context, Terms};
use crate::memory::turns::Conversation;
use crate::memory::unwritten::{Kept, Unwritten};
use crate::model::{self, ChatRequest, ContextPosition, Namespace, NamespaceName, NamespaceNumber};
use crate::proxy::{Answer, CHAT_COMPLETIONS, tee};
use crate::store::{Activity, FactsNamespace, Injected as NotedMemory, ReadError, Reader, StoreError};

/// Longest time that a request waits for memory before it goes on without.
const MEMORY_TIMEOUT: Duration = Duration::from_millis(500);
/// Largest namespace that is searched on the thread that serves the request. In a larger one a search may take long enough for others to notice.
const GLANCE_MEMORIES: i64 = 20_000;

/// Longest name of a model that is noted, in characters.
const MAX_MODEL_LENGTH: usize = 128;

const MEMORIES_USED: &str = "x-maia-memories-used";
const MEMORIES_NEW: &str = "x-maia-memories-new";
const TOKENS_INJECTED: &str = "x-maia-tokens-injected";

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

pub(super) async fn complete(
    State(state): State<AppState>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    let state = &state;
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let options = ChatOptions::from_headers(&parts.headers)?;
    let body = read_body(body, state.proxy.max_body_bytes).await?;
    let chat = ChatRequest::parse(&body).map_err(ApiError::bad_request)?;

    let recalls = state.proxy.auto_context && !options.skip_memory && chat.newest_user().is_some();
    let remembers = state.proxy.auto_remember && !options.skip_extract && chat.newest_user().is_some();
    let asked = History::of(&chat).filter(|_| recalls).map(|history| Asked {
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
        conversation_id: options
            .conversation_id
            .unwrap_or_else(|| conversation_of(&chat.oldest_user_text())),
        at: model::now(),
        request_id,
    });
    let followed = Followed {
        heard: exchange,
        kept: injected.kept.take(),
    };

    let query = parts.uri.query().map(str::to_owned);
    let answer = forward(state, parts.headers, query.as_deref(), forwarded, followed).await;
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
    Ok(response)
}

/// What is to be recalled for.
#[derive(Clone)]
struct Asked {
    /// What the user said, newest first.
    texts: Vec<String>,
    history: History,
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

/// What a request asks of memory.
#[derive(Clone)]
struct Question {
    namespace: NamespaceName,
    /// `None` where nothing is to be recalled.
    asked: Option<Asked>,
    /// The conversation that the request is a part of, and holds itself.
    conversation: Option<String>,
    /// Tokens of context that the request itself asks for.
    budget: Option<u32>,
    /// Tokens of context otherwise.
    usual_budget: u32,
    profile: u32,
    usual_position: ContextPosition,
    /// How far a conversation may grow on what was injected into it; `None` where each turn gets its context anew.
    refresh: Option<f64>,
    unwritten: Arc<Unwritten>,
}

/// What memory says: the namespace, and what the request gets of it.
type Consulted = (Namespace, Option<Context>);

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
        let context = self
            .asked
            .as_ref()
            .map(|asked| self.context(reader, &namespace, asked, budget))
            .transpose()?;
        Ok(Some((namespace, context)))
    }

    fn context(
        &self,
        reader: &Reader<'_>,
        namespace: &Namespace,
        Asked { texts, history }: &Asked,
        budget: Budget,
    ) -> Result<Context, ReadError> {
        let position = namespace.config.context_position.unwrap_or(self.usual_position);
        let recall = || Recall::of(reader, namespace, texts, self.conversation.as_deref(), budget);
        let Some(refresh) = self.refresh else {
            return Ok(Context::anew(&recall()?, history, position));
        };
        let terms = Terms {
            namespace: namespace.number,
            position,
            budget: budget.total,
            refresh,
        };
        Context::of_turn(reader, &self.unwritten, history, terms, recall)
    }
}

/// The namespace of a request, made on its first use where that is allowed, and what it knows about the texts; neither where the store is in trouble.
async fn consult(
    state: &AppState,
    options: &ChatOptions,
    asked: Option<Asked>,
    conversation: Option<String>,
) -> Result<(Option<Namespace>, Option<Context>), ApiError> {
    let begun = Instant::now();
    let name = name_of(state, options);
    let question = Question {
        namespace: name.clone(),
        asked,
        conversation,
        budget: options.token_budget,
        usual_budget: state.proxy.token_budget,
        profile: state.memory.profile_tokens,
        usual_position: state.proxy.context_position,
        refresh: state.proxy.context_reuse.then_some(state.proxy.context_reuse_refresh),
        unwritten: Arc::clone(&state.unwritten),
    };
    let consulted = match state.store.glance(|reader| question.ask(reader, GLANCE_MEMORIES)) {
        Some(consulted) => Ok(Some(consulted)),
        None => within_time(look_up(state, question)).await,
    };
    match consulted {
        Ok(None) => Err(no_such_namespace(name.as_str()).with_param("X-MAIA-Namespace")),
        Ok(Some((namespace, context))) => {
            if context.is_some() {
                state.metrics.recall_took(begun.elapsed());
                state.searches.took(namespace.number, begun.elapsed());
            }
            Ok((Some(namespace), context))
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
    let again = question.clone();
    match state
        .store
        .reading(move |reader| question.ask(reader, i64::MAX))
        .await?
    {
        None if state.memory.auto_create_namespace => {
            state.store.ensure_namespace(name).await?;
            state.store.reading(move |reader| again.ask(reader, i64::MAX)).await
        }
        consulted => Ok(consulted),
    }
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
    followed: Followed,
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
    conversation_id: String,
    /// The conversation that the words of the exchange are kept as a part of, where they are kept.
    turns_of: Option<Conversation>,
    at: DateTime<Utc>,
    request_id: String,
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
        let (tasks, background) = (state.tasks.clone(), state.background.clone());
        if let Some(kept) = kept {
            let (state, text) = (state.clone(), answer.text.clone());
            tasks.spawn_on(async move { write_injected(&state, kept, &text).await }, &background);
        }
        if let Some(heard) = heard {
            lock(&state.finished.waiting).push_back((heard, answer));
            // A long text takes longer to read than the last bytes of its answer may wait.
            tasks.spawn_blocking_on(move || remember_next(&state), &background);
        }
    }
}

async fn write_injected(state: &AppState, kept: Kept, answer: &str) {
    if let Err(error) = kept.write(&state.store, answer).await {
        tracing::warn!(%error, "what was injected could not be kept; the next turn of its conversation gets its context anew");
        state.metrics.memory_failed("replay");
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
