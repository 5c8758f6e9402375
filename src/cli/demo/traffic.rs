use std::time::Duration;

use tokio::task::JoinHandle;

use super::cast::{Client, Fate, Habit};
use crate::cli::failure::{Failure, Result};
use crate::cli::opening::Installation;
use crate::model::{PlainToken, Random};

/// How often the traffic looks who is due.
const TICK: Duration = Duration::from_secs(1);

/// A token in use, and who uses it.
pub struct Line {
    /// The token, in this process's memory alone.
    pub token: PlainToken,
    /// Who uses it.
    pub client: &'static Client,
}

/// Calls `/verify` over HTTP for every integration, in the rhythm of each, until aborted.
pub fn start(at: &Installation, lines: Vec<Line>) -> Result<JoinHandle<()>> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| Failure::failed(format!("no requests can be made: {error}")))?;
    let url = format!("{}/verify", at.config.public_url);
    let random = at.engine.random().clone();
    Ok(tokio::spawn(async move {
        let mut second = 0;
        let mut due = tokio::time::interval(TICK);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            second += 1;
            for line in lines.iter().filter(|line| line.is_due(second, &random)) {
                line.call(&client, &url, second).await;
            }
        }
    }))
}

impl Line {
    /// Whether it calls in this second: by chance, as often as its habit has it, with an hour
    /// shortened to some seconds and a day to a minute.
    fn is_due(&self, second: u64, random: &Random) -> bool {
        let every = match (self.client.fate, self.client.habit) {
            (Fate::Soon(when), _) if second <= when => return second == when,
            // Refused for good, or its newest token waits for its first request.
            (Fate::Revoked(_) | Fate::Expired(_), _) | (Fate::Renewed(_), Habit::Until(_)) => {
                return false;
            }
            (Fate::Dead, _) => 15,
            (Fate::Soon(_), _) | (_, Habit::Hourly | Habit::Pausing(..)) => 6,
            (_, Habit::Daily(_)) => 60,
            _ => return false,
        };
        u64::from_le_bytes(random.bytes()).is_multiple_of(every)
    }

    /// One request, as a gateway passes it on. Whatever the answer is, it was asked.
    async fn call(&self, client: &reqwest::Client, url: &str, second: u64) {
        let asked = client
            .get(url)
            .bearer_auth(self.token.expose())
            .header("user-agent", self.client.agent)
            .header("x-forwarded-for", self.client.source_of(second))
            .send()
            .await;
        if let Err(error) = asked {
            tracing::debug!(%error, "a request of the demo was not answered");
        }
    }
}
