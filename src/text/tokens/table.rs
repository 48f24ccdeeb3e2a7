//! The tables that `build.rs` wrote, searched where they lie in the binary: nothing is loaded, nothing allocated.

use super::format::{BLOCK, EMPTY, ID_BITS, LONGEST, SLOTS, place};

static BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/token_bytes"));
static ENDS: &[[u8; 4]] = include_bytes!(concat!(env!("OUT_DIR"), "/token_ends")).as_chunks().0;
static SLOTTED: &[[u8; 4]] = include_bytes!(concat!(env!("OUT_DIR"), "/token_slots")).as_chunks().0;
static CLASS_INDEX: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/class_index"));
static CLASS_BLOCKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/class_blocks"));

/// The rank of a token, where these bytes are one: the lower, the sooner it is merged.
pub(super) fn rank(bytes: &[u8]) -> Option<u32> {
    if bytes.len() > LONGEST {
        return None;
    }
    let (first, tag) = place(bytes);
    (first..first + SLOTS)
        .map_while(|slot| match u32::from_le_bytes(*SLOTTED.get(slot % SLOTS)?) {
            EMPTY => None,
            slot => Some(slot),
        })
        .filter(|slot| slot >> ID_BITS == tag >> ID_BITS)
        .map(|slot| slot & ((1 << ID_BITS) - 1))
        .find(|id| token(*id) == Some(bytes))
}

fn token(id: u32) -> Option<&'static [u8]> {
    let end = |id: usize| Some(u32::from_le_bytes(*ENDS.get(id)?) as usize);
    let id = id as usize;
    let start = if id == 0 { 0 } else { end(id - 1)? };
    BYTES.get(start..end(id)?)
}

/// The classes of a character, a bit each.
pub(super) fn classes(character: char) -> u8 {
    let character = character as usize;
    let block = CLASS_INDEX
        .get(character / BLOCK)
        .map_or(0, |block| usize::from(*block));
    CLASS_BLOCKS
        .get(block * BLOCK + character % BLOCK)
        .copied()
        .unwrap_or(0)
}
