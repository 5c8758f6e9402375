use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Rollcall;
use super::failure::{Failure, Result};
use super::output::write_out;

/// `rollcall completions SHELL`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  rollcall completions bash > ~/.local/share/bash-completion/completions/rollcall")]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Rollcall::command(),
            "rollcall",
            &mut script,
        );
        write_out(&String::from_utf8_lossy(&script))
    }
}

/// Prints the manual: the page of `rollcall`, then those of its nouns and verbs.
pub fn man() -> Result<()> {
    let mut root = Rollcall::command();
    root.build();
    let mut pages = Vec::new();
    render(&root, &mut pages)
        .map_err(|error| Failure::failed(format!("the manual cannot be written: {error}")))?;
    write_out(&String::from_utf8_lossy(&pages))
}

fn render(command: &clap::Command, pages: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(pages)?;
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        render(inner, pages)?;
    }
    Ok(())
}
