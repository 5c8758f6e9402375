use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Mailer, compose};
use crate::rotation::{Engine, RotationError};

/// How often the outbox is looked into.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long one mail may take in all. Less than the lease: then another node may send it.
const MOST_TIME: Duration = Duration::from_mins(1);

/// Sends what waits in the outbox for as long as a process serves. Several nodes may do so: each
/// letter is leased by one.
pub struct Delivery {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Delivery {
    /// Begins.
    pub fn begin(engine: Engine, mailer: Mailer) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(engine, mailer, stopped));
        Self { stop, task }
    }

    /// Ends when the mail that is on its way has arrived, or after `within`: then nobody knows
    /// whether it has, and it is sent again when its lease has run out.
    pub async fn end(self, within: Duration) {
        let Self { stop, mut task } = self;
        drop(stop);
        if tokio::time::timeout(within, &mut task).await.is_err() {
            task.abort();
            tracing::warn!("a mail took too long and was cut");
        }
    }
}

async fn run(engine: Engine, mailer: Mailer, mut stopped: watch::Receiver<bool>) {
    let mut due = tokio::time::interval(LOOK_EVERY);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut well = true;
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = due.tick() => {}
        }
        loop {
            let sent = deliver_one(&engine, &mailer).await;
            if let Err(error) = &sent
                && well
            {
                tracing::warn!(%error, "the outbox cannot be worked on");
            }
            well = sent.is_ok();
            // Either the sender is gone or it has told: this process stops.
            if stopped.has_changed().is_err() {
                return;
            }
            if !matches!(sent, Ok(true)) {
                break;
            }
        }
    }
}

/// Sends everything that is due now.
///
/// # Errors
/// When the outbox could not be read or written; what a mail server refuses is no error here.
pub async fn deliver_due(engine: &Engine, mailer: &Mailer) -> Result<(), RotationError> {
    while deliver_one(engine, mailer).await? {}
    Ok(())
}

/// Sends what is due first; false when nothing is.
async fn deliver_one(engine: &Engine, mailer: &Mailer) -> Result<bool, RotationError> {
    let Some(parcel) = engine.take_letters().await? else {
        return Ok(false);
    };
    let mail = compose(&parcel, &engine.settings().public_url);
    let (reason, for_good) = match tokio::time::timeout(MOST_TIME, mailer.send(&mail)).await {
        Ok(Ok(())) => {
            engine.letters_sent(&parcel).await?;
            return Ok(true);
        }
        Ok(Err(error)) => (error.reason(), error.is_for_good()),
        Err(_) => ("the mail server took too long".to_owned(), false),
    };
    let reason = parcel.harmless(&reason);
    let (letter, kind) = (parcel.id.as_str(), parcel.kind.slug());
    if engine
        .letters_failed(&parcel, reason.clone(), for_good)
        .await?
    {
        tracing::error!(letter, kind, reason, "a mail is given up");
    } else {
        tracing::warn!(letter, kind, reason, "a mail is tried again later");
    }
    Ok(true)
}
