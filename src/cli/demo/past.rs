use secrecy::SecretString;

use super::PASSWORD;
use super::cast::{Client, Fate, HOUSES, House, LOGINS};
use super::questions;
use super::traffic::Line;
use crate::auth::{Passwords, Whose};
use crate::cli::failure::{Failure, Result};
use crate::cli::opening::Installation;
use crate::model::{
    AccountId, DAY_MS, Digest, Expiry, HOUR_MS, IntegrationId, Retirement, Span, UnixMs, UserId,
};
use crate::rotation::phases::Plan;
use crate::rotation::registry::{Issued, Order};
use crate::rotation::{Caller, NewUser};

/// Days ago: the platform opens.
const OPENED: i64 = 75;
/// Days ago: the first rotation starts, is finalised, is closed.
const FIRST: (i64, i64, i64) = (49, 35, 33);
/// Days ago: the rotation that is recording now was started.
const SECOND: i64 = 8;
/// By how much the clock is moved when it begins, in milliseconds.
pub const BEGINS_MS: i64 = -OPENED * DAY_MS;
/// Before this many days ago, the hours of a day are taken together: nobody looks that closely.
const COARSE: i64 = 10;

/// An integration and its newest token.
pub(super) struct Life {
    pub integration: IntegrationId,
    pub client: &'static Client,
    pub token: Option<Issued>,
}

/// Time travel: moves the demo's own database clock, and the engine's view with it.
pub(super) struct Calendar<'a> {
    at: &'a Installation,
    /// When the demo was started.
    today: UnixMs,
    /// What the clock is moved by now.
    moved: i64,
}

impl Calendar<'_> {
    /// Goes to an hour of a day that is so many days ago. Minutes differ, as in life.
    pub async fn go(&mut self, ago: i64, hour: i64) -> Result<()> {
        let midnight = (self.today.day() - ago) * DAY_MS;
        let then = UnixMs(midnight + hour * HOUR_MS + (hour * 7 % 50 + 3) * 60_000);
        self.move_by(then.since(self.today)).await
    }

    /// Goes to so many minutes ago.
    pub async fn go_back(&mut self, minutes: i64) -> Result<()> {
        self.move_by(-minutes * 60_000).await
    }

    /// Lets minutes pass.
    pub async fn pass(&mut self, minutes: i64) -> Result<()> {
        self.move_by(self.moved + minutes * 60_000).await
    }

    /// Comes back to now.
    async fn come_back(&mut self) -> Result<()> {
        self.move_by(0).await
    }

    async fn move_by(&mut self, ms: i64) -> Result<()> {
        self.at.engine.db().shift_clock(ms - self.moved);
        self.moved = ms;
        Ok(self.at.engine.refresh().await?)
    }
}

/// Lives through the last two months: everything in the database is what the engine itself wrote,
/// by the rules, at that time. Gives the tokens that are in use now.
pub async fn live_through(at: &Installation) -> Result<Vec<Line>> {
    let mut calendar = Calendar {
        at,
        today: at.engine.now().plus(-BEGINS_MS),
        moved: BEGINS_MS,
    };
    let (mut lives, users, admin) = open_platform(at, &mut calendar).await?;
    for ago in (0..OPENED).rev() {
        phases(at, &mut calendar, ago).await?;
        for life in &mut lives {
            turn_of_fate(at, &mut calendar, life, ago).await?;
        }
        live_a_day(at, &mut calendar, &lives, ago).await?;
        sign_in(at, &mut calendar, &users, ago).await?;
        questions::on_day(at, &mut calendar, &lives, &admin, ago).await?;
    }
    calendar.come_back().await?;
    let in_use = lives.into_iter().filter_map(|life| {
        Some(Line {
            token: life.token?.token,
            client: life.client,
        })
    });
    Ok(in_use.collect())
}

/// Creates every account with its people and integrations, and the first tokens.
async fn open_platform(
    at: &Installation,
    calendar: &mut Calendar<'_>,
) -> Result<(Vec<Life>, Vec<UserId>, UserId)> {
    calendar.go(OPENED, 8).await?;
    let passwords = Passwords::new(at.engine.random().clone());
    // One for all of them: it is nobody's name.
    let whose = Whose {
        email: "",
        has_second_factor: false,
    };
    let hash = passwords
        .hash(&SecretString::from(PASSWORD), &whose)
        .await?;
    let (mut lives, mut users) = (Vec::new(), Vec::new());
    for house in HOUSES {
        let account = at
            .engine
            .create_account(&at.by, house.name.parse()?, house.contact.parse()?)
            .await?;
        users.push(first_user(at, house, &account.id, &hash).await?);
        for client in house.clients {
            let integration = at
                .engine
                .create_integration(&at.by, account.id.as_str(), client.name.parse()?)
                .await?;
            let mut life = Life {
                integration: integration.id,
                client,
                token: None,
            };
            if !matches!(client.fate, Fate::Since(_) | Fate::Expired(_)) {
                issue(at, &mut life, Expiry::Never, Retirement::Keep).await?;
            }
            lives.push(life);
        }
    }
    let admin = create_admin(at, &hash).await?;
    Ok((lives, users, admin))
}

async fn create_admin(at: &Installation, hash: &str) -> Result<UserId> {
    let admin = LOGINS.iter().find(|login| login.account.is_none());
    let admin = admin.ok_or_else(|| Failure::failed("the demo has no admin"))?;
    let new = NewUser {
        account: None,
        name: Some(admin.name.parse()?),
        email: admin.email.parse()?,
        password_hash: Some(hash.to_owned()),
    };
    Ok(at.engine.create_user(&at.by, new).await?.user)
}

/// The person of an account who signs in: one of the fixed logins, or someone.
async fn first_user(
    at: &Installation,
    house: &House,
    account: &AccountId,
    hash: &str,
) -> Result<UserId> {
    let login = LOGINS
        .iter()
        .find(|login| login.account == Some(house.name));
    let email = match login {
        Some(login) => login.email.to_owned(),
        None => format!("sam@{}", house.host),
    };
    let new = NewUser {
        account: Some(account.to_string()),
        name: login.map(|login| login.name.parse()).transpose()?,
        email: email.parse()?,
        password_hash: login.map(|_| hash.to_owned()),
    };
    Ok(at.engine.create_user(&at.by, new).await?.user)
}

async fn issue(
    at: &Installation,
    life: &mut Life,
    expiry: Expiry,
    retirement: Retirement,
) -> Result<()> {
    let order = Order {
        integration: life.integration.clone(),
        expiry,
        retirement,
        form_id: None,
        instead_of: None,
    };
    life.token = Some(at.engine.issue_token(&at.by, order).await?);
    Ok(())
}

/// The steps of the two rotations, on their days.
async fn phases(at: &Installation, calendar: &mut Calendar<'_>, ago: i64) -> Result<()> {
    let (engine, by) = (&at.engine, &at.by);
    let plan = |reason: &str| Plan {
        window: Span::days(14),
        reason: reason.to_owned(),
        ..Plan::default()
    };
    let name = async || -> Result<String> {
        let open = engine.open_rotation().await?;
        open.map(|rotation| rotation.name)
            .ok_or_else(|| Failure::failed("the demo's rotation is not open"))
    };
    let (started, finalised, closed) = FIRST;
    if ago == started || ago == SECOND {
        calendar.go(ago, 0).await?;
        let reason = if ago == started {
            "first rotation"
        } else {
            "yearly rotation"
        };
        engine.start_rotation(by, plan(reason)).await?;
    } else if ago == finalised {
        calendar.go(ago, 0).await?;
        engine.finalise(by, &name().await?).await?;
    } else if ago == closed {
        calendar.go(ago, 0).await?;
        engine.close_rotation(by, &name().await?).await?;
    }
    Ok(())
}

/// What happens to a token on this day, other than its use.
async fn turn_of_fate(
    at: &Installation,
    calendar: &mut Calendar<'_>,
    life: &mut Life,
    ago: i64,
) -> Result<()> {
    match life.client.fate {
        Fate::Since(day) if day == ago => {
            calendar.go(ago, 0).await?;
            issue(at, life, Expiry::Never, Retirement::Keep).await
        }
        Fate::Renewed(day) if day == ago => {
            calendar.go(ago, 0).await?;
            issue(at, life, Expiry::Never, Retirement::USUAL).await
        }
        Fate::Expired(day) if day + 30 == ago => {
            calendar.go(ago, 0).await?;
            issue(at, life, Expiry::OFFERED[0], Retirement::Keep).await
        }
        Fate::Revoked(day) if day == ago + 1 => {
            calendar.go(ago, 0).await?;
            if let Some(token) = &life.token {
                at.engine.revoke_token(&at.by, &token.row.id).await?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Every request of one day, hour by hour, in the order they came.
async fn live_a_day(
    at: &Installation,
    calendar: &mut Calendar<'_>,
    lives: &[Life],
    ago: i64,
) -> Result<()> {
    let mut calls: Vec<(i64, &Life, u32)> = lives
        .iter()
        .flat_map(|life| {
            let calls = life.client.calls_on(ago).into_iter();
            calls.map(move |(hour, times)| (hour, life, times))
        })
        .map(|(hour, life, times)| {
            let hour = if ago >= COARSE {
                hour / 12 * 12 + 5
            } else {
                hour
            };
            (hour, life, times)
        })
        .collect();
    calls.sort_by_key(|(hour, ..)| *hour);
    let hour_now = calendar.today.0.rem_euclid(DAY_MS) / HOUR_MS;
    for same_hour in calls.chunk_by(|a, b| a.0 == b.0) {
        let hour = same_hour[0].0;
        if ago == 0 && hour >= hour_now {
            break;
        }
        calendar.go(ago, hour).await?;
        for (_, life, times) in same_hour {
            // What is refused backs off.
            let refused = life.client.is_dead() && ago < FIRST.1;
            call(at, life, if refused { 2 } else { *times }).await;
        }
        at.engine.flush().await?;
    }
    Ok(())
}

/// The requests of one integration at one time, as the gateway would have asked.
async fn call(at: &Installation, life: &Life, times: u32) {
    let Some(token) = &life.token else { return };
    for request in 0..times {
        let caller = Caller {
            source: Some(life.client.source_of(request.into()).to_owned()),
            agent: Some(life.client.agent.to_owned()),
        };
        at.engine.verify(token.token.expose(), &caller).await;
    }
}

/// People sign in shortly before the rotation and go on using the dashboard.
async fn sign_in(
    at: &Installation,
    calendar: &mut Calendar<'_>,
    users: &[UserId],
    ago: i64,
) -> Result<()> {
    if ago != SECOND + 1 && ago != SECOND - 3 {
        return Ok(());
    }
    calendar.go(ago, 20).await?;
    for (number, user) in users.iter().enumerate() {
        let caller = Caller {
            source: Some(format!("192.0.2.{}", 200 + number)),
            agent: Some(
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".to_owned(),
            ),
        };
        let digest = Digest::of(format!("demo session {number}").as_bytes());
        if ago > SECOND {
            let data = "{}".to_owned();
            at.engine
                .begin_session(user.clone(), digest, data, caller)
                .await?;
        } else if number % 4 != 0
            && let crate::rotation::sessions::Fate::Live(session) =
                at.engine.session(&digest).await?
        {
            at.engine.use_session(&session, &caller).await?;
        }
    }
    Ok(())
}
