use clap::Args;

use super::Settings;
use super::failure::Result;

/// `rollcall demo`
#[derive(Debug, Args)]
pub struct Demo {}

impl Demo {
    /// Runs it.
    pub async fn run(self, _settings: &Settings) -> Result<()> {
        Ok(())
    }
}
