//! What was injected and is not in the database yet. The next turn comes after the answer, and may come before the block is on the disk.
//!
//! Blocks are written together, once a second: a write for each request would cost more than all else that memory does for it, and makes every reader
//! read its pages again. A crash loses the last of them, and costs the backend one prompt that it has to read anew.

use std::sync::{Arc, Mutex};

use rpds::HashTrieMapSync;
use uuid::Uuid;

use super::history::answered;
use crate::model::{self, ContextPosition, NamespaceNumber};
use crate::store::{HistoryHash, NewInjectedBlock, Store, StoreError, TURN_VARIANTS};
use crate::sync::lock;

/// Most answered requests whose blocks wait to be written; those of others are forgotten.
const MOST_WAITING: usize = 4_096;

/// Blocks of which the database does not know yet.
#[derive(Debug, Default)]
pub struct Unwritten {
    blocks: Mutex<UnwrittenBlocks>,
    /// Those whose answers have ended.
    waiting: Mutex<Vec<Arc<NewInjectedBlock>>>,
}

/// The same as they are at one moment. Who looks at the database after that moment finds every block in one of the two. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct UnwrittenBlocks {
    by_id: HashTrieMapSync<Uuid, Arc<NewInjectedBlock>>,
    /// Oldest first.
    by_history: HashTrieMapSync<HistoryHash, Vec<Arc<NewInjectedBlock>>>,
}

/// The hold on a block whose answer is on its way. Dropping it forgets the block.
#[derive(Debug)]
pub struct Kept {
    unwritten: Arc<Unwritten>,
    new: Arc<NewInjectedBlock>,
    /// Whether it waits to be written.
    waits: bool,
}

impl Unwritten {
    /// Lets later turns know of this one, from now on.
    pub fn keep(self: &Arc<Self>, new: NewInjectedBlock) -> Kept {
        let new = Arc::new(new);
        lock(&self.blocks).put(&new);
        Kept {
            unwritten: Arc::clone(self),
            new,
            waits: false,
        }
    }

    /// What there is at this moment.
    #[must_use]
    pub fn now(&self) -> UnwrittenBlocks {
        lock(&self.blocks).clone()
    }

    /// Writes the blocks of requests that were answered since the last call.
    ///
    /// # Errors
    /// The store is in trouble; these blocks are forgotten.
    pub async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        if waiting.is_empty() {
            return Ok(());
        }
        let written = store.keep_injected(waiting.clone(), model::now()).await;
        let mut blocks = lock(&self.blocks);
        for new in &waiting {
            blocks.forget(new);
        }
        written
    }
}

impl UnwrittenBlocks {
    /// What is known of a turn, newest first.
    pub(super) fn found_for(
        &self,
        namespace: NamespaceNumber,
        position: ContextPosition,
        history: &HistoryHash,
    ) -> impl Iterator<Item = &NewInjectedBlock> {
        let found = self.by_history.get(history).into_iter().flatten().rev();
        found
            .map(Arc::as_ref)
            .filter(move |new| new.namespace == namespace && new.position == position)
    }

    /// A block by its id.
    pub(super) fn named(&self, namespace: NamespaceNumber, id: Uuid) -> Option<&NewInjectedBlock> {
        let new = self.by_id.get(&id).map(Arc::as_ref);
        new.filter(|new| new.namespace == namespace)
    }

    fn put(&mut self, new: &Arc<NewInjectedBlock>) {
        let id = new.block.id;
        self.by_id.insert_mut(id, Arc::clone(new));
        let mut same = self.by_history.get(&new.block.history).cloned().unwrap_or_default();
        match same.iter_mut().find(|known| known.block.id == id) {
            Some(known) => known.clone_from(new),
            None => same.push(Arc::clone(new)),
        }
        let surplus = same.len().saturating_sub(usize::from(TURN_VARIANTS));
        same.drain(..surplus);
        self.by_history.insert_mut(new.block.history, same);
    }

    fn forget(&mut self, new: &NewInjectedBlock) {
        self.by_id.remove_mut(&new.block.id);
        let Some(same) = self.by_history.get(&new.block.history) else {
            return;
        };
        let others: Vec<_> = same
            .iter()
            .filter(|other| other.block.id != new.block.id)
            .cloned()
            .collect();
        if others.is_empty() {
            self.by_history.remove_mut(&new.block.history);
        } else {
            self.by_history.insert_mut(new.block.history, others);
        }
    }
}

impl Kept {
    /// Notes that the answer has ended, and what it was, which tells this turn from others in the same words. The block is written soon.
    pub fn answered(mut self, answer: &str) {
        // Without words the answer is a call of a tool, or was not read.
        if !answer.trim().is_empty() {
            let block = Arc::make_mut(&mut Arc::make_mut(&mut self.new).block);
            block.answered = Some(answered(&block.history, answer));
            lock(&self.unwritten.blocks).put(&self.new);
        }
        let mut waiting = lock(&self.unwritten.waiting);
        if waiting.len() < MOST_WAITING {
            waiting.push(Arc::clone(&self.new));
            self.waits = true;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.waits {
            lock(&self.unwritten.blocks).forget(&self.new);
        }
    }
}
