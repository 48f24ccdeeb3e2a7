//! The table of results, a column a size.

use std::collections::BTreeMap;

/// What was measured, by row in order of appearance.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(String, String)>,
    cells: BTreeMap<(String, u64), (String, Option<bool>)>,
    sizes: Vec<u64>,
}

impl Table {
    /// Adds a figure; `reached` says whether it meets the aim, where there is one for this size.
    pub(crate) fn add(&mut self, size: u64, what: &str, aim: &str, figure: String, reached: Option<bool>) {
        let mark = reached.map_or("", |reached| if reached { " (reached)" } else { " (NOT reached)" });
        println!(
            "{size:>8}  {what}: {figure}{mark}{}",
            if aim.is_empty() {
                String::new()
            } else {
                format!(" [aim: {aim}]")
            }
        );
        if !self.rows.iter().any(|(row, _)| row == what) {
            self.rows.push((what.to_owned(), aim.to_owned()));
        }
        if !self.sizes.contains(&size) {
            self.sizes.push(size);
        }
        self.cells.insert((what.to_owned(), size), (figure, reached));
    }

    /// Prints it as Markdown.
    pub(crate) fn print(&self) {
        if self.rows.is_empty() {
            return;
        }
        let sizes: Vec<String> = self.sizes.iter().map(u64::to_string).collect();
        println!("\n| what | aim | {} |", sizes.join(" | "));
        println!("|{}", " --- |".repeat(sizes.len() + 2));
        for (what, aim) in &self.rows {
            let cell = |size: &u64| match self.cells.get(&(what.clone(), *size)) {
                Some((figure, Some(true))) => format!("{figure} ✓"),
                Some((figure, Some(false))) => format!("**{figure}** ✗"),
                Some((figure, None)) => figure.clone(),
                None => "–".to_owned(),
            };
            let cells: Vec<String> = self.sizes.iter().map(cell).collect();
            println!("| {what} | {aim} | {} |", cells.join(" | "));
        }
        println!("\n✓ reached, ✗ not reached, unmarked: no aim at this size.");
    }
}
