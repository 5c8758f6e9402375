/// Take in a key of another platform.
mod import;
/// Every key and what became of it.
mod list;
/// Everything under a new master key.
mod reseal;

use clap::Subcommand;

use super::Settings;
use super::failure::Result;
use super::opening::within;

/// `rollcall key …`
#[derive(Debug, Subcommand)]
pub enum Key {
    /// List every signing key and what became of it
    List,
    /// Take in a key of another platform, so that what it has issued is accepted here
    Import(import::Import),
    /// Say that someone else may have a signing key; it is dated, and shown for ever
    #[command(
        after_help = "Nothing stops working by it, and nothing captured is lost: a token counts because it is \
registered, whatever its key. What to do next is rotate; with a look-back the rotation can be finalised at once.

Examples:
  rollcall key compromised g3-Qm9iQm9i --reason 'found in a public repository'
  rollcall rotation start --lookback 40d --reason 'leaked key'"
    )]
    Compromised {
        /// The key's name: the KID that `rollcall key list` shows
        #[arg(value_name = "KID")]
        kid: String,
        /// Why, for the audit
        #[arg(long, value_name = "R")]
        reason: String,
    },
    /// Close the alarm about tokens that someone forged with a key; the next one opens it again
    CloseAlarm {
        /// The key's name: the KID that `rollcall key list` shows
        #[arg(value_name = "KID")]
        kid: String,
    },
    /// Move everything that is sealed to a new master key, while nodes go on working
    Reseal(reseal::Reseal),
}

impl Key {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        let output = settings.output();
        match self {
            Self::Import(import) => return import.run(settings).await,
            Self::Reseal(reseal) => return reseal.run(settings).await,
            Self::List => {}
            Self::Compromised { kid, reason } => {
                return within(settings, async |at| {
                    at.engine.mark_compromised(&at.by, &kid, &reason).await?;
                    output.say(&format!(
                        "{kid} is marked as compromised. Rotate now: rollcall rotation start --lookback 40d"
                    ));
                    list::show(at, output).await
                })
                .await;
            }
            Self::CloseAlarm { kid } => {
                return within(settings, async |at| {
                    at.engine.close_alarm(&at.by, &kid).await?;
                    output.say(&format!(
                        "the alarm about {kid} is closed; the next forgery opens it again"
                    ));
                    list::show(at, output).await
                })
                .await;
            }
        }
        within(settings, async |at| list::show(at, output).await).await
    }
}
