//! The program `maia`: all of it is in the library, where tests and other programs reach it too.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes more than a hundred small allocations; the system's allocator takes a sixth of its processor time for them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    maia::cli::run()
}
