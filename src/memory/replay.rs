//! What a request gets as context, so that its prompt begins with the prompt of the turn before.
//!
//! A backend need not read again what it has read, as long as a prompt begins with the same bytes. A client sends its conversation without what was
//! injected into it, so maia knows the conversation again ([`super::history`]), puts back what it injected, byte for byte where it stood, and adds only
//! memories that are not in it yet, with the newest message.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use uuid::Uuid;

use super::block::Block;
use super::history::{History, UserTurn};
use super::inject::Place;
use super::recall::{Recall, Recalled};
use super::unwritten::UnwrittenBlocks;
use crate::model::{ContextPosition, NamespaceNumber};
use crate::store::{Injected, InjectedBlock, InjectedBlocks, NewInjectedBlock, ReadError, Reader, Seen, TURN_VARIANTS};

/// Where contexts go, and how long they may stay as they are.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The namespace of the conversation.
    pub namespace: NamespaceNumber,
    /// Where contexts go in it.
    pub position: ContextPosition,
    /// Most tokens in one request, replayed ones too.
    pub budget: u32,
    /// How many times as long as when its blocks began a conversation must be before it starts afresh because the budget is used up.
    pub refresh: f64,
}

/// What a request gets as context.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The blocks, each with its place.
    pub blocks: Vec<(Place, Arc<str>)>,
    /// Row ids of all memories in them.
    pub memories: FxHashSet<i64>,
    /// How many of them are new.
    pub new_memories: usize,
    /// Tokens of the blocks that stood in an earlier turn.
    pub replayed_tokens: u32,
    /// Tokens of the new block.
    pub new_tokens: u32,
    /// The new memories, as the activity of the namespace has them.
    pub noted: Vec<Injected>,
    /// What is to be known of this turn in the next one.
    pub to_keep: Option<NewInjectedBlock>,
}

/// A block and the message that it goes with.
#[derive(Clone, Debug)]
struct Placed {
    message: usize,
    block: Arc<InjectedBlock>,
}

/// What was injected into a conversation up to some turn.
#[derive(Clone, Debug)]
struct Chain {
    /// Oldest first.
    blocks: Vec<Placed>,
    begun_at_bytes: i64,
}

impl Chain {
    fn tokens(&self) -> u32 {
        let tokens = self.blocks.iter().map(|placed| placed.block.tokens);
        tokens.fold(0, u32::saturating_add)
    }

    fn ids(&self) -> Vec<Uuid> {
        self.blocks.iter().map(|placed| placed.block.id).collect()
    }
}

impl Context {
    /// The context of a request by itself: one block, as it was recalled, where there is a place for it.
    #[must_use]
    pub fn anew(recall: &Recall, history: &History, position: ContextPosition) -> Self {
        let newest = history.turns.last().map(|turn| Place::first(position, turn.message));
        let Some(place) = newest.filter(|place| history.takes(*place) && !recall.block.is_empty()) else {
            return Self::default();
        };
        Self {
            blocks: vec![(place, recall.block.text().into())],
            memories: recall.memories.iter().map(|recalled| recalled.memory.row_id).collect(),
            new_memories: recall.memories.len(),
            new_tokens: recall.block.tokens(),
            noted: recall.memories.iter().map(Recalled::noted).collect(),
            ..Self::default()
        }
    }

    /// The context of a turn of a conversation; `recall` is asked only where something may be added.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn of_turn(
        reader: &Reader<'_>,
        unwritten: &UnwrittenBlocks,
        history: &History,
        terms: Terms,
        recall: impl FnOnce() -> Result<Recall, ReadError>,
    ) -> Result<Self, ReadError> {
        let mut look = Look {
            written: reader.injected(terms.namespace, terms.position)?,
            unwritten,
            terms,
            turns: &history.turns,
        };
        let Some((newest, earlier)) = history.turns.split_last() else {
            return Ok(Self::default());
        };
        let before = look.longest_known(earlier)?;
        let own = look.blocks_for(newest, if history.continues { TURN_VARIANTS } else { 1 })?;
        if history.continues
            && let Some(block) = choose(&own, newest)
        {
            let chain = look.chain(block)?;
            // The answer has begun: whatever was added now would stand in the middle of what the backend knows.
            if chain.tokens() <= terms.budget {
                let mut context = Self::default();
                context.replay(chain, terms.position);
                return Ok(context);
            }
        }
        let turn = Turn {
            history,
            newest,
            terms,
            own,
            rewrites: look.written.rewrites(),
        };
        let recall = recall()?;
        Ok(match before.filter(|chain| chain.tokens() <= terms.budget) {
            None => turn.beginning(&recall),
            Some(chain) => {
                let known: FxHashSet<i64> = known(&chain).collect();
                let addition = Addition::of(&recall, &known, terms.budget - chain.tokens());
                if addition.left_out && has_grown(history.bytes, chain.begun_at_bytes, terms.refresh) {
                    turn.beginning(&recall)
                } else {
                    turn.with(chain, addition, false)
                }
            }
        })
    }

    fn replay(&mut self, chain: Chain, position: ContextPosition) {
        self.replayed_tokens = chain.tokens();
        self.memories.extend(known(&chain));
        self.blocks.extend(chain.blocks.into_iter().map(|placed| {
            let place = place(position, placed.block.begins, placed.message);
            (place, Arc::clone(&placed.block.text))
        }));
    }

    fn add(&mut self, place: Place, text: Arc<str>, tokens: u32, memories: FxHashSet<i64>) {
        if text.is_empty() {
            return;
        }
        self.new_memories = memories.len();
        self.new_tokens = tokens;
        self.memories.extend(memories);
        self.blocks.push((place, text));
    }
}

/// The turn that a context is for.
struct Turn<'a> {
    history: &'a History,
    newest: &'a UserTurn,
    terms: Terms,
    /// What was injected into it before, newest first.
    own: Vec<Arc<InjectedBlock>>,
    /// The rewrites that there have been in the namespace.
    rewrites: i64,
}

impl Turn<'_> {
    /// One block at the first place of the position, from which later turns go on.
    fn beginning(&self, recall: &Recall) -> Context {
        let addition = Addition {
            block: recall.block.clone(),
            seen: recall.memories.iter().map(seen).collect(),
            noted: recall.memories.iter().map(Recalled::noted).collect(),
            left_out: false,
        };
        let chain = Chain {
            blocks: Vec::new(),
            begun_at_bytes: self.history.bytes,
        };
        self.with(chain, addition, true)
    }

    /// What stood before, and what is added to it.
    fn with(&self, chain: Chain, mut addition: Addition, begins: bool) -> Context {
        let terms = self.terms;
        let mut context = Context::default();
        let place = place(terms.position, begins, self.newest.message);
        if !self.history.takes(place) {
            addition = Addition::default();
        }
        let before = chain.ids();
        let begun_at_bytes = chain.begun_at_bytes;
        context.replay(chain, terms.position);
        let memories: FxHashSet<i64> = addition.seen.iter().map(|seen| seen.row_id).collect();
        let as_before = self.own.first().filter(|block| {
            block.begins == begins
                && block.before == before
                && block.memories.len() == memories.len()
                && block.memories.iter().all(|row_id| memories.contains(row_id))
        });
        // The same memories in another order would be other bytes.
        let (text, tokens) = match as_before.filter(|block| block.tokens <= terms.budget) {
            Some(block) => (Arc::clone(&block.text), block.tokens),
            None => (addition.block.text().into(), addition.block.tokens()),
        };
        context.to_keep = Some(NewInjectedBlock {
            namespace: terms.namespace,
            position: terms.position,
            block: Arc::new(InjectedBlock {
                id: Uuid::now_v7(),
                history: self.newest.history,
                answered: None,
                begins,
                begun_at_bytes,
                before,
                text: Arc::clone(&text),
                tokens,
                memories: addition.seen.iter().map(|seen| seen.row_id).collect(),
            }),
            seen: addition.seen,
            rewrites: self.rewrites,
        });
        context.noted = addition.noted;
        context.add(place, text, tokens, memories);
        context
    }
}

/// What of a recall is not there yet.
struct Addition {
    block: Block,
    seen: Vec<Seen>,
    noted: Vec<Injected>,
    /// Whether something of it did not fit.
    left_out: bool,
}

impl Default for Addition {
    fn default() -> Self {
        Self {
            block: Block::new(0),
            seen: Vec::new(),
            noted: Vec::new(),
            left_out: false,
        }
    }
}

impl Addition {
    fn of(recall: &Recall, known: &FxHashSet<i64>, budget: u32) -> Self {
        let mut addition = Self {
            block: Block::new(budget),
            ..Self::default()
        };
        for recalled in &recall.memories {
            let memory = &recalled.memory;
            if known.contains(&memory.row_id) {
                continue;
            }
            if addition.block.add(&memory.statement(), memory.token_count) {
                addition.seen.push(seen(recalled));
                addition.noted.push(recalled.noted());
            } else {
                addition.left_out = true;
            }
        }
        addition
    }
}

fn seen(recalled: &Recalled) -> Seen {
    Seen {
        row_id: recalled.memory.row_id,
        updated_at: recalled.memory.updated_at,
    }
}

fn known(chain: &Chain) -> impl Iterator<Item = i64> {
    chain
        .blocks
        .iter()
        .flat_map(|placed| placed.block.memories.iter().copied())
}

fn place(position: ContextPosition, begins: bool, message: usize) -> Place {
    if begins {
        Place::first(position, message)
    } else {
        Place::later(position, message)
    }
}

fn has_grown(bytes: i64, begun_at: i64, ratio: f64) -> bool {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the length of a conversation is far below 2^53"
    )]
    let (bytes, begun_at) = (bytes as f64, begun_at as f64);
    bytes >= begun_at * ratio
}

/// Of blocks for the same history, the one whose answer follows here; or else the newest.
fn choose<'a>(blocks: &'a [Arc<InjectedBlock>], turn: &UserTurn) -> Option<&'a Arc<InjectedBlock>> {
    let followed = |block: &&Arc<InjectedBlock>| turn.answered.is_some() && block.answered == turn.answered;
    blocks.iter().find(followed).or_else(|| blocks.first())
}

/// A look at what is known of a conversation.
struct Look<'a> {
    written: InjectedBlocks<'a>,
    unwritten: &'a UnwrittenBlocks,
    terms: Terms,
    turns: &'a [UserTurn],
}

impl Look<'_> {
    /// What was injected up to the newest of these turns that is known.
    fn longest_known(&mut self, turns: &[UserTurn]) -> Result<Option<Chain>, ReadError> {
        for turn in turns.iter().rev() {
            if let Some(block) = choose(&self.blocks_for(turn, TURN_VARIANTS)?, turn) {
                return self.chain(block).map(Some);
            }
        }
        Ok(None)
    }

    /// The blocks that were found for a turn, newest first, `most` of them.
    fn blocks_for(&mut self, turn: &UserTurn, most: u8) -> Result<Vec<Arc<InjectedBlock>>, ReadError> {
        let Terms {
            namespace, position, ..
        } = self.terms;
        let mut blocks = Vec::new();
        for new in self.unwritten.found_for(namespace, position, &turn.history) {
            if self.written.are_unchanged(new)? {
                blocks.push(Arc::clone(&new.block));
            }
            if blocks.len() == usize::from(most) {
                return Ok(blocks);
            }
        }
        blocks.extend(self.written.found_for(&turn.history, most)?);
        blocks.truncate(usize::from(most));
        Ok(blocks)
    }

    /// A block and those before it, as far as they are still there.
    fn chain(&mut self, last: &Arc<InjectedBlock>) -> Result<Chain, ReadError> {
        let mut blocks = Vec::with_capacity(last.before.len() + 1);
        for id in &last.before {
            blocks.extend(self.block(*id)?);
        }
        blocks.push(Arc::clone(last));
        // Their turns follow each other as they do.
        let mut turns = self.turns;
        let place = |block: Arc<InjectedBlock>| {
            let at = turns.iter().position(|turn| turn.history == block.history)?;
            let message = turns.get(at)?.message;
            turns = turns.get(at + 1..)?;
            Some(Placed { message, block })
        };
        Ok(Chain {
            begun_at_bytes: last.begun_at_bytes,
            blocks: blocks
                .into_iter()
                .filter(|block| !block.text.is_empty())
                .filter_map(place)
                .collect(),
        })
    }

    fn block(&mut self, id: Uuid) -> Result<Option<Arc<InjectedBlock>>, ReadError> {
        match self.unwritten.named(self.terms.namespace, id) {
            Some(new) if self.written.are_unchanged(new)? => Ok(Some(Arc::clone(&new.block))),
            _ => self.written.named(id),
        }
    }
}
