//! Lists that come in pages.

use clap::Args;
use serde::Deserialize;

use super::display::note;

/// Which part of a list.
#[derive(Args)]
pub(super) struct PageArgs {
    /// How many, 1 to 1,000
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub(super) limit: u32,
    /// How many to pass over
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(super) offset: u64,
}

impl PageArgs {
    /// As parameters of a list.
    pub(super) fn query(&self) -> String {
        format!("limit={}&offset={}", self.limit, self.offset)
    }
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) total: u64,
    #[serde(default)]
    pub(super) offset: u64,
    #[serde(default)]
    pub(super) has_more: bool,
}

impl<T> Page<T> {
    /// Says how what follows is reached, where something does; `shown` is what there is, as `7 keys`.
    pub(super) fn note_rest(&self, shown: &str) {
        if self.has_more {
            let next = self.offset + self.data.len() as u64;
            note(&format!("{shown}; --offset {next} shows what follows"));
        }
    }
}
