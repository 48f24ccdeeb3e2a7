//! What was injected into requests whose answers are on their way. The next turn comes after the answer, and may come before the block is on the disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::history::answered;
use crate::model::{self, ContextPosition, NamespaceNumber};
use crate::store::{HistoryHash, InjectedBlock, NewInjectedBlock, Store, StoreError};

/// Blocks of requests whose answers are on their way, and of which the database does not know yet.
#[derive(Debug, Default)]
pub struct Unwritten {
    blocks: Mutex<Arc<UnwrittenBlocks>>,
}

/// The same as they are at one moment. Who looks at the database after that moment finds every block in one of the two.
#[derive(Clone, Debug, Default)]
pub struct UnwrittenBlocks {
    by_id: FxHashMap<Uuid, Arc<NewInjectedBlock>>,
    /// Oldest first.
    by_history: FxHashMap<HistoryHash, Vec<Arc<NewInjectedBlock>>>,
}

/// The hold on a block that is not written. Dropping it forgets the block.
#[derive(Debug)]
pub struct Kept {
    unwritten: Arc<Unwritten>,
    new: NewInjectedBlock,
}

impl Unwritten {
    /// Lets later turns know of this one, from now on.
    pub fn keep(self: &Arc<Self>, new: NewInjectedBlock) -> Kept {
        self.put(&new);
        Kept {
            unwritten: Arc::clone(self),
            new,
        }
    }

    fn put(&self, new: &NewInjectedBlock) {
        let shared = Arc::new(new.clone());
        let mut blocks = self.blocks();
        let blocks = Arc::make_mut(&mut blocks);
        blocks.by_id.insert(new.block.id, Arc::clone(&shared));
        let same = blocks.by_history.entry(new.block.history).or_default();
        match same.iter_mut().find(|known| known.block.id == new.block.id) {
            Some(known) => *known = shared,
            None => same.push(shared),
        }
    }

    /// What there is at this moment.
    #[must_use]
    pub fn now(&self) -> Arc<UnwrittenBlocks> {
        Arc::clone(&self.blocks())
    }

    fn forget(&self, block: &InjectedBlock) {
        let mut blocks = self.blocks();
        let blocks = Arc::make_mut(&mut blocks);
        blocks.by_id.remove(&block.id);
        if let Some(same) = blocks.by_history.get_mut(&block.history) {
            same.retain(|other| other.block.id != block.id);
            if same.is_empty() {
                blocks.by_history.remove(&block.history);
            }
        }
    }

    fn blocks(&self) -> MutexGuard<'_, Arc<UnwrittenBlocks>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnwrittenBlocks {
    /// What is known of a turn, newest first.
    pub(super) fn found_for(
        &self,
        namespace: NamespaceNumber,
        position: ContextPosition,
        history: &HistoryHash,
    ) -> Vec<Arc<NewInjectedBlock>> {
        let found = self.by_history.get(history).into_iter().flatten().rev();
        found
            .filter(|new| new.namespace == namespace && new.position == position)
            .cloned()
            .collect()
    }

    /// A block by its id.
    pub(super) fn named(&self, namespace: NamespaceNumber, id: Uuid) -> Option<Arc<NewInjectedBlock>> {
        let new = self.by_id.get(&id).cloned();
        new.filter(|new| new.namespace == namespace)
    }
}

impl Kept {
    /// Notes the answer, which tells this turn from others in the same words.
    pub fn answered(&mut self, answer: &str) {
        // Without words the answer is a call of a tool, or was not read.
        if !answer.trim().is_empty() {
            let block = Arc::make_mut(&mut self.new.block);
            block.answered = Some(answered(&block.history, answer));
            self.unwritten.put(&self.new);
        }
    }

    /// Writes the block and forgets it then.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn write(self, store: &Store) -> Result<(), StoreError> {
        store.keep_injected(self.new.clone(), model::now()).await
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.unwritten.forget(&self.new.block);
    }
}
