//! The program `maia`: all of it is in the library, where tests and other programs reach it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    maia::cli::run()
}
