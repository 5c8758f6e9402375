//! The product under the steps of a sequence, and what it says to each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rollcall::model::{
    Digest, Expiry, IntegrationId, PlainToken, Retirement, Span, TokenId, UserId,
};
use rollcall::rotation::decide::Verdict;
use rollcall::rotation::phases::Plan as Rotation;
use rollcall::rotation::registry::Order;
use rollcall::rotation::sessions::Fate;
use rollcall::rotation::{Answer, Engine, NewUser, RotationError};

use crate::model::Step;
use crate::rules::{ACCOUNTS, Model, Retires};
use crate::world::{self, Node, Place, Template, caller, operator};

/// The product, on a database of its own: one process that serves, and another beside it.
pub struct Product {
    serving: Node,
    beside: Node,
    place: Place,
    integrations: Vec<IntegrationId>,
    users: Vec<UserId>,
    tokens: Vec<(TokenId, PlainToken)>,
    sessions: Vec<Digest>,
    shifted: i64,
    /// Whether a use waits in memory, and whether a crash has lost one.
    unwritten: bool,
    lost: bool,
}

impl Product {
    pub fn new(template: &Template) -> Self {
        let place = template.copy();
        let serving = Node::serving(&place, 0);
        let (mut integrations, mut users) = (Vec::new(), Vec::new());
        serving.run(async |engine| {
            for account in 0..ACCOUNTS {
                let name = format!("Account {account}");
                integrations.push(world::integration(engine, &name).await);
                integrations.push(world::another_integration(engine, &name, "Reports").await);
                let new = NewUser {
                    account: Some(name),
                    name: None,
                    email: format!("user{account}@customer.example").parse().unwrap(),
                    password_hash: None,
                };
                users.push(engine.create_user(&operator(), new).await.unwrap().user);
            }
        });
        Self {
            beside: Node::command(&place, 0),
            serving,
            place,
            integrations,
            users,
            tokens: Vec::new(),
            sessions: Vec::new(),
            shifted: 0,
            unwritten: false,
            lost: false,
        }
    }

    /// Moves the clock of the database.
    pub fn shift(&mut self, ms: i64) {
        self.shifted += ms;
        for node in [&self.serving, &self.beside] {
            node.engine.db().shift_clock(ms);
        }
    }

    fn pass(&mut self, ms: i64) {
        self.shift(ms);
        self.serving
            .run(async |engine| engine.refresh().await.unwrap());
    }

    fn open_again(&mut self) {
        self.serving = Node::serving(&self.place, self.shifted);
    }

    /// Does something here or in the process beside, while this one keeps up with it.
    fn act<T>(&self, elsewhere: bool, work: impl AsyncFnOnce(&Engine) -> T) -> T {
        if !elsewhere {
            return self.serving.run(work);
        }
        let keeps_up = self.serving.engine.clone();
        let going = Arc::new(AtomicBool::new(true));
        let until = going.clone();
        self.serving.handle().spawn(async move {
            while until.load(Ordering::Acquire) {
                let _ = keeps_up.refresh().await;
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        });
        let value = self.beside.run(work);
        going.store(false, Ordering::Release);
        value
    }

    /// What it says of the phase, the counts and the rehearsal.
    pub fn status(&self) -> String {
        let (status, named) = self.beside.run(async |engine| {
            let named = engine.rehearse(&operator()).await.unwrap();
            (engine.status().await.unwrap(), named)
        });
        let integrations = named.iter().flat_map(|account| &account.integrations);
        let ids = integrations.flat_map(|integration| &integration.token_ids);
        let mut hits: Vec<usize> = ids.map(|id| self.number(id)).collect();
        hits.sort_unstable();
        format!(
            "{} {} current {} target {:?} tokens {} {} {} sessions {} {} accounts {} {} hits {hits:?}",
            status.phase,
            status.name.as_deref().unwrap_or("none"),
            status.current,
            status.target.map(|target| target.0),
            status.tokens.captured,
            status.tokens.not_seen,
            status.tokens.dormant,
            status.sessions.captured,
            status.sessions.not_seen,
            status.accounts.affected,
            status.accounts.recovered,
        )
    }

    fn number(&self, id: &TokenId) -> usize {
        let mut tokens = self.tokens.iter();
        tokens.position(|(known, _)| known == id).unwrap()
    }
}

fn done<T>(result: Result<T, RotationError>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(RotationError::Refused(rule)) => {
            let words = format!("{rule:?}");
            let name = words.split([' ', '(']).next().unwrap_or_default();
            format!("refused: {name}")
        }
        Err(other) => format!("failed: {other:?}"),
    }
}

/// What the model says and what the product says.
pub type Both = (String, String);

/// Does one step to both; `None` when there is nothing for it to be done to.
pub fn take(step: Step, model: &mut Model, product: &mut Product) -> Option<Both> {
    let pick = |number: usize, of: usize| (of > 0).then(|| number % of);
    let token = |number| pick(number, product.tokens.len());
    let session = |number| pick(number, product.sessions.len());
    Some(match step {
        Step::Issue {
            integration,
            lifetime,
            retires,
            elsewhere,
        } => {
            let order = Order {
                integration: product.integrations[integration].clone(),
                expiry: lifetime.map_or(Expiry::Never, |ms| Expiry::After(Span(ms))),
                retirement: match retires {
                    Retires::Keep => Retirement::Keep,
                    Retires::AtOnce => Retirement::AtOnce,
                    Retires::AfterFirstUse(overlap) => Retirement::AfterFirstUse { overlap },
                },
                form_id: None,
                instead_of: None,
            };
            let issue = async |engine: &Engine| engine.issue_token(&operator(), order).await;
            let said = match product.act(elsewhere, issue) {
                Ok(issued) => {
                    product.tokens.push((issued.row.id, issued.token));
                    format!("generation {}", issued.row.born)
                }
                refused => done(refused),
            };
            (model.issue(integration, lifetime, retires), said)
        }
        Step::Request(number) => {
            let number = token(number)?;
            let text = product.tokens[number].1.clone();
            product.unwritten = true;
            let verify = async |engine: &Engine| engine.verify(text.expose(), &caller()).await;
            (model.request(number), told(product.serving.run(verify)))
        }
        Step::Inspect(number) => {
            let number = token(number)?;
            let text = product.tokens[number].1.clone();
            let ask =
                async |engine: &Engine| engine.inspect_token(&operator(), text.expose()).await;
            let said = match product.beside.run(ask).unwrap().verdict {
                Verdict::Refuse(reason) => reason.code(),
                _ => "accepted",
            };
            let wanted = model.judge(number).err().unwrap_or("accepted");
            (wanted.to_owned(), said.to_owned())
        }
        Step::Revoke {
            token: number,
            elsewhere,
        } => {
            let number = token(number)?;
            let id = product.tokens[number].0.clone();
            let revoke = async |engine: &Engine| engine.revoke_token(&operator(), &id).await;
            let said = match product.act(elsewhere, revoke) {
                Ok(first) => first.to_string(),
                Err(error) => format!("failed: {error:?}"),
            };
            (model.revoke(number), said)
        }
        Step::Readmit {
            token: number,
            elsewhere,
        } => {
            let number = token(number)?;
            let id = product.tokens[number].0.clone();
            let readmit = async |engine: &Engine| engine.readmit_token(&operator(), &id).await;
            (model.readmit(number), done(product.act(elsewhere, readmit)))
        }
        Step::Toggle { account, elsewhere } => {
            let (name, off) = (format!("Account {account}"), !model.is_disabled(account));
            let set =
                async |engine: &Engine| engine.set_account_disabled(&operator(), &name, off).await;
            let row = product.act(elsewhere, set).unwrap();
            (
                model.toggle(account),
                format!("disabled {}", row.disabled_at.is_some()),
            )
        }
        Step::Pass(ms) => {
            model.now += ms;
            product.pass(ms);
            (String::new(), String::new())
        }
        Step::Start {
            lookback,
            elsewhere,
        } => {
            // What a crash has lost is not to be foretold.
            let lookback = if product.lost { 0 } else { lookback };
            let name = format!("r{}", model.now);
            let plan = Rotation {
                lookback: Span(lookback),
                ..world::rotation(&name)
            };
            let start = async |engine: &Engine| engine.start_rotation(&operator(), plan).await;
            (
                model.start(&name, lookback),
                done(product.act(elsewhere, start)),
            )
        }
        Step::Move {
            to,
            confirmed,
            elsewhere,
        } => {
            let open = model.open_name();
            let name = if confirmed {
                open.to_owned()
            } else {
                format!("not {open}")
            };
            let step = async |engine: &Engine| match to {
                "finalised" => engine.finalise(&operator(), &name).await,
                "recording" => engine.reopen(&operator(), &name).await,
                "aborted" => engine.abort(&operator(), &name).await,
                _ => engine.close_rotation(&operator(), &name).await,
            };
            let said = done(product.act(elsewhere, step));
            (model.step(to, confirmed), said)
        }
        Step::Begin(account) => {
            let digest = Digest::of(format!("session {}", product.sessions.len()).as_bytes());
            let user = product.users[account].clone();
            let begin = async |engine: &Engine| {
                engine
                    .begin_session(user, digest, "{}".to_owned(), caller())
                    .await
            };
            let begun = product.serving.run(begin).unwrap();
            product.sessions.push(digest);
            model.begin(account);
            ("true".to_owned(), begun.to_string())
        }
        Step::View(number) => {
            let number = session(number)?;
            let digest = product.sessions[number];
            let said = product
                .serving
                .run(async |engine| view(engine, &digest).await);
            (model.view(number), said)
        }
        Step::End(number) => {
            let number = session(number)?;
            let digest = product.sessions[number];
            product
                .serving
                .run(async |engine| engine.end_session(digest).await.unwrap());
            model.end(number);
            (String::new(), String::new())
        }
        Step::Crash => {
            product.lost |= product.unwritten;
            product.open_again();
            (String::new(), String::new())
        }
        Step::Restart => {
            product
                .serving
                .run(async |engine| engine.stop().await.unwrap());
            product.unwritten = false;
            product.open_again();
            (String::new(), String::new())
        }
    })
}

/// A page view, as the extractors do it.
async fn view(engine: &Engine, digest: &Digest) -> String {
    let session = match engine.session(digest).await.unwrap() {
        Fate::Live(session) => session,
        Fate::EndedByCutover(cutover) => return format!("ended by {}", cutover.rotation),
        Fate::Gone => return "gone".to_owned(),
    };
    let user = engine.user(&session.user_id).await.unwrap().unwrap();
    if user.account_disabled_at.is_some() {
        return "nobody".to_owned();
    }
    engine.use_session(&session, &caller()).await.unwrap();
    "live".to_owned()
}

fn told(answer: Answer) -> String {
    match answer {
        Answer::Accepted(accepted) => {
            let receipt = accepted.receipt.map_or("-", |receipt| receipt.slug());
            format!("{} {receipt}", accepted.standing)
        }
        Answer::Refused(refusal) => match refusal.cutover {
            Some(cutover) => format!("{} at {}", refusal.reason, cutover.rotation),
            None => refusal.reason.to_string(),
        },
        other => format!("{other:?}"),
    }
}
