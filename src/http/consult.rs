//! What memory says to a chat request: its namespace, and what is known there that matters for it, within half a second or not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chat_options::ChatOptions;
use super::error::ApiError;
use super::extract::no_such_namespace;
use crate::app::AppState;
use crate::memory::history::History;
use crate::memory::recall::{Budget, Recall};
use crate::memory::replay::{Context, Terms};
use crate::memory::unwritten::{Unwritten, UnwrittenBlocks};
use crate::model::{ContextPosition, Namespace, NamespaceName};
use crate::store::{ReadError, Reader, StoreError};

/// Longest time that a request waits for memory before it goes on without.
const MEMORY_TIMEOUT: Duration = Duration::from_millis(500);
/// Largest namespace that is searched on the thread that serves the request. In a larger one a search may take long enough for others to notice.
pub(super) const GLANCE_MEMORIES: i64 = 20_000;

/// What is to be recalled for.
#[derive(Clone)]
pub(super) struct Asked {
    /// What the user said, newest first.
    pub(super) texts: Vec<String>,
    pub(super) history: History,
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
    turns: u32,
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
        // Before the first look at the database, which may be written between the two.
        let unwritten = self.unwritten.now();
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
            turns: self.turns,
        };
        let context = self
            .asked
            .as_ref()
            .map(|asked| self.context(reader, &unwritten, &namespace, asked, budget))
            .transpose()?;
        Ok(Some((namespace, context)))
    }

    fn context(
        &self,
        reader: &Reader<'_>,
        unwritten: &UnwrittenBlocks,
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
        Context::of_turn(reader, unwritten, history, terms, recall)
    }
}

/// The namespace of a request, made on its first use where that is allowed, and what it knows about the texts; neither where the store is in trouble.
pub(super) async fn consult(
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
        turns: state.memory.turns_tokens,
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
pub(super) fn name_of<'a>(state: &'a AppState, options: &'a ChatOptions) -> &'a NamespaceName {
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

async fn within_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(MEMORY_TIMEOUT, work)
        .await
        .unwrap_or(Err(StoreError::Busy))
}
