//! Writes the tables of `src/text/tokens`: the tokens of `o200k_base`, and the classes of characters that its split pattern knows.
//!
//! The `bpe-openai` crate has the tokens, but unpacks them into tens of megabytes of tables at run time. Written in the form in which they
//! are searched, they are 3 MB of the binary's read-only data, of which the system loads what is used and may drop it again.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

use regex_syntax::hir::{Class, HirKind};

#[path = "src/text/tokens/format.rs"]
mod format;

use format::{BLOCK, EMPTY, ID_BITS, LETTER, LONGEST, LOWER, NUMBER, SLOTS, SPACE, UPPER};

/// The classes as the split pattern writes them.
const CLASSES: [(u8, &str); 5] = [
    (UPPER, r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"),
    (LOWER, r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"),
    (LETTER, r"\p{L}"),
    (NUMBER, r"\p{N}"),
    (SPACE, r"\s"),
];

fn main() -> Result<(), Box<dyn Error>> {
    // What else this script is made of, cargo knows.
    println!("cargo::rerun-if-changed=build.rs");
    let folder = env::var("OUT_DIR")?;
    write_tokens(folder.as_ref())?;
    write_classes(folder.as_ref())
}

/// `token_bytes`: the tokens one after the other, in the order of their ranks. `token_ends`: where each of them ends. `token_slots`: a hash
/// table with linear probing.
fn write_tokens(folder: &Path) -> Result<(), Box<dyn Error>> {
    let bpe = &bpe_openai::o200k_base().bpe;
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    let mut slots = vec![EMPTY; SLOTS];
    for id in 0..u32::try_from(bpe.num_tokens())? {
        let token = bpe.token_bytes(id);
        bytes.extend_from_slice(token);
        ends.extend(u32::try_from(bytes.len())?.to_le_bytes());
        let (first, tag) = format::place(token);
        let (before, after) = slots.split_at_mut(first);
        let free = after.iter_mut().chain(before).find(|slot| **slot == EMPTY);
        assert!(
            id < EMPTY % (1 << ID_BITS),
            "a slot has no room for the numbers of so many tokens"
        );
        assert!(token.len() <= LONGEST, "{LONGEST} bytes are not the longest token");
        *free.ok_or("the table has too few slots")? = tag | id;
    }
    let slots: Vec<u8> = slots.into_iter().flat_map(u32::to_le_bytes).collect();
    fs::write(folder.join("token_bytes"), bytes)?;
    fs::write(folder.join("token_ends"), ends)?;
    fs::write(folder.join("token_slots"), slots)?;
    Ok(())
}

/// `class_blocks`: the classes of characters in blocks, each different block once. `class_index`: which block holds a character.
fn write_classes(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut classes = vec![0; char::MAX as usize + 1];
    for (bit, pattern) in CLASSES {
        let HirKind::Class(Class::Unicode(class)) = regex_syntax::parse(pattern)?.into_kind() else {
            return Err(format!("{pattern} is no class of characters").into());
        };
        for range in class.iter() {
            let range = classes.get_mut(range.start() as usize..=range.end() as usize);
            range
                .ok_or("a character beyond the last")?
                .iter_mut()
                .for_each(|class| *class |= bit);
        }
    }
    let mut index = Vec::new();
    let mut numbers = HashMap::new();
    let mut blocks = Vec::new();
    for block in classes.chunks(BLOCK) {
        let new = u8::try_from(numbers.len())?;
        index.push(*numbers.entry(block).or_insert_with(|| {
            blocks.extend_from_slice(block);
            new
        }));
    }
    fs::write(folder.join("class_index"), index)?;
    fs::write(folder.join("class_blocks"), blocks)?;
    Ok(())
}
