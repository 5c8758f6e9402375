/// The affected list as CSV.
mod sheet;
/// How a rotation reads on a terminal.
mod text;

use clap::Subcommand;
use serde::Serialize;

use super::failure::Result;
use super::opening::{Installation, within};
use super::output::{Output, write_out};
use super::{Settings, words};
use crate::model::{Generation, Phase, RotationId, Span, UnixMs};
use crate::rotation::held::{Breaking, with_held};
use crate::rotation::phases::Plan;
use crate::rotation::status::Status;
use crate::store::rotations;

/// `rollcall rotation …`
#[derive(Debug, Subcommand)]
pub enum Rotation {
    /// Start a rotation: a new key signs, the old private key is destroyed, use is recorded
    #[command(
        after_help = "Old tokens go on working. Each that makes a request is captured, and goes on after \
the cutover too. Nothing stops working before `rollcall rotation finalise`.

Examples:
  rollcall rotation start
  rollcall rotation start --window 14d --lookback 40d --reason 'yearly rotation'"
    )]
    Start {
        /// How long the recording phase is promised to last
        #[arg(long, value_name = "14d", default_value = "14d")]
        window: Span,
        /// Use this long before now counts as presence; 40d reaches monthly jobs
        #[arg(long, value_name = "40d", default_value = "0d")]
        lookback: Span,
        /// Its name; the month when left out
        #[arg(long, value_name = "N")]
        name: Option<String>,
        /// Why, for the audit and the announcement
        #[arg(long, value_name = "R", default_value = "")]
        reason: String,
    },
    /// Show the rotation now: phase, dates, counts
    Status,
    /// Say who would break if we finalised now
    #[command(
        after_help = "With --lookback, while no rotation is open: who would break if one were started now with \
that look-back and finalised at once. That is what an emergency costs.

Examples:
  rollcall rotation rehearse
  rollcall rotation rehearse --lookback 40d"
    )]
    Rehearse {
        /// Of a rotation that is not started yet: use this long before now would count as presence
        #[arg(long, value_name = "40d")]
        lookback: Option<Span>,
    },
    /// List the accounts that a cutover hits, or has hit
    Affected {
        /// Write CSV, one line an integration
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// List every rotation
    History,
    /// Cut over: what was not captured is refused from now on
    #[command(
        after_help = "Rehearse first. Until `close` it can be undone by `reopen`.

Example:
  rollcall rotation finalise --confirm 2026-11"
    )]
    Finalise {
        /// The rotation's name, typed
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
    /// Undo a cutover: back to recording; nothing is lost
    Reopen {
        /// The rotation's name, typed
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
    /// Give up a rotation that is recording; nothing stops working
    Abort {
        /// The rotation's name, typed
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
    /// Forget everything old that could verify. There is no way back
    Close {
        /// The rotation's name, typed
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
}

impl Rotation {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        within(settings, async |at| self.run_at(at, settings).await).await
    }

    async fn run_at(self, at: &Installation, settings: &Settings) -> Result<()> {
        let (engine, by, output) = (&at.engine, &at.by, settings.output());
        let status = match self {
            Self::Status => engine.status().await?,
            Self::Rehearse { lookback: None } => return rehearse(at, output).await,
            Self::Rehearse {
                lookback: Some(lookback),
            } => return rehearse_start(at, output, lookback).await,
            Self::Affected { csv: true } => {
                return write_out(&sheet::of(&breaking(at).await?)?);
            }
            Self::Affected { csv: false } => return affected(at, output).await,
            Self::History => return history(at, output).await,
            Self::Start {
                window,
                lookback,
                name,
                reason,
            } => {
                let plan = Plan {
                    window,
                    lookback,
                    name: name.map(|name| name.parse()).transpose()?,
                    reason,
                };
                engine.start_rotation(by, plan).await?
            }
            Self::Finalise { confirm } => engine.finalise(by, &confirm).await?,
            Self::Reopen { confirm } => engine.reopen(by, &confirm).await?,
            Self::Abort { confirm } => engine.abort(by, &confirm).await?,
            Self::Close { confirm } => engine.close_rotation(by, &confirm).await?,
        };
        tell(output, &status, at)
    }
}

fn tell(output: Output, status: &Status, at: &Installation) -> Result<()> {
    output.data(status, || text::status(status, at.engine.now()))
}

async fn rehearse(at: &Installation, output: Output) -> Result<()> {
    let hit = at.engine.rehearse(&at.by).await?;
    let held = at.engine.held_by_account(&at.by).await?;
    let status = at.engine.status().await?;
    let text = text::rehearsal(&hit, &held, &status, at.engine.now());
    let cut_over = status.phase != "recording";
    output.data(&with_held(hit, held, cut_over), || text)
}

async fn rehearse_start(at: &Installation, output: Output, lookback: Span) -> Result<()> {
    let hit = at.engine.rehearse_start(&at.by, lookback).await?;
    output.data(&hit, || text::emergency(&hit, lookback, at.engine.now()))
}

async fn affected(at: &Installation, output: Output) -> Result<()> {
    let hit = at.engine.rehearse(&at.by).await?;
    let all = breaking(at).await?;
    if all.is_empty() {
        output.say("No account is affected.");
    }
    let held = at.engine.held_by_account(&at.by).await?;
    output.data(&all, || {
        let lines = [text::affected(&hit, at.engine.now()), text::held(&held)];
        lines
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n")
    })
}

/// What a cutover hits: registered tokens and held ones.
async fn breaking(at: &Installation) -> Result<Vec<Breaking>> {
    let hit = at.engine.rehearse(&at.by).await?;
    let held = at.engine.held_by_account(&at.by).await?;
    let cut_over = at.engine.moment().await?.stage.target.is_none();
    Ok(with_held(hit, held, cut_over))
}

/// A rotation in JSON.
#[derive(Serialize)]
struct Past {
    id: RotationId,
    name: String,
    phase: Phase,
    reason: String,
    from: Generation,
    target: Generation,
    started_by: String,
    started_at: UnixMs,
    effective_at: Option<UnixMs>,
    ends_at: UnixMs,
    finalised_at: Option<UnixMs>,
    closed_at: Option<UnixMs>,
    aborted_at: Option<UnixMs>,
}

impl From<rotations::Rotation> for Past {
    fn from(rotation: rotations::Rotation) -> Self {
        Self {
            id: rotation.id,
            name: rotation.name,
            phase: rotation.phase,
            reason: rotation.reason,
            from: rotation.from_generation,
            target: rotation.target_generation,
            started_by: rotation.started_by,
            started_at: rotation.started_at,
            effective_at: rotation.effective_at,
            ends_at: rotation.ends_at,
            finalised_at: rotation.finalised_at,
            closed_at: rotation.closed_at,
            aborted_at: rotation.aborted_at,
        }
    }
}

async fn history(at: &Installation, output: Output) -> Result<()> {
    let list: Vec<Past> = at
        .engine
        .rotations()
        .await?
        .into_iter()
        .map(Past::from)
        .collect();
    if list.is_empty() {
        output.say("There was no rotation yet: rollcall rotation start");
    }
    let now = at.engine.now();
    output.data(&list, || {
        let rows: Vec<[String; 4]> = list
            .iter()
            .map(|past| {
                [
                    past.name.clone(),
                    past.phase.to_string(),
                    words::when(past.started_at, now),
                    past.started_by.clone(),
                ]
            })
            .collect();
        if rows.is_empty() {
            return String::new();
        }
        super::output::table(["NAME", "PHASE", "STARTED", "BY"], &rows)
    })
}
