//! What the writer of the tables and their reader agree on. `build.rs` includes this file.

/// Slots of the hash table of tokens; a power of two. Three quarters of them are taken.
pub(crate) const SLOTS: usize = 1 << 18;
/// Low bits of a slot, which hold the number of a token. The bits above hold a part of its hash, so that other tokens are seldom compared.
pub(crate) const ID_BITS: u32 = 18;
/// A slot that holds no token.
pub(crate) const EMPTY: u32 = u32::MAX;

/// Longest token, in bytes.
pub(crate) const LONGEST: usize = 128;

/// The slot where the search for a token begins, and the upper bits of the slot that holds it. FNV-1a with its halves folded.
pub(crate) fn place(token: &[u8]) -> (usize, u32) {
    let hash = token.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let upper = (hash >> 32) as u32;
    let folded = upper ^ (hash & 0xffff_ffff) as u32;
    (folded as usize % SLOTS, upper >> ID_BITS << ID_BITS)
}

/// Class of letters and marks that stand in the first half of a word. Scripts without case are in both.
pub(crate) const UPPER: u8 = 1;
/// Class of letters and marks that stand in its second half.
pub(crate) const LOWER: u8 = 2;
/// Class of letters.
pub(crate) const LETTER: u8 = 4;
/// Class of numbers.
pub(crate) const NUMBER: u8 = 8;
/// Class of white space.
pub(crate) const SPACE: u8 = 16;

/// Characters in a block of the table of classes.
pub(crate) const BLOCK: usize = 256;
