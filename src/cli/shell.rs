//! `maia completions` and `maia man`: what a shell and a reader of manuals want.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::work::say;
use super::{Cli, Failure};

/// Print a script that completes commands and flags in a shell.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia completions bash > ~/.local/share/bash-completion/completions/maia
  maia completions zsh > ~/.zfunc/_maia          with ~/.zfunc in fpath
  maia completions fish > ~/.config/fish/completions/maia.fish

Exit codes: 0 done, 2 wrong command line.")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = ["bash", "zsh", "fish"])]
    shell: String,
}

/// Print the manual page, or write a page for each command.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia man | man -l -
  maia man --dir ~/.local/share/man/man1

Exit codes: 0 done, 1 a file cannot be written, 2 wrong command line.")]
pub(super) struct ManArgs {
    /// Folder to write maia.1, maia-add.1 and all the others to
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let shell = match args.shell.as_str() {
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => Shell::Bash,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "maia", &mut script);
    say(&String::from_utf8_lossy(&script))
}

pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|error| Failure::Failed(format!("the page cannot be made: {error}")))?;
        return say(&String::from_utf8_lossy(&page));
    };
    let failed = |error: io::Error| Failure::Failed(format!("{}: {error}", dir.display()));
    fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(failed)?;
    say(&format!("the pages are in {}\n", dir.display()))
}
