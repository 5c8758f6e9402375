use std::collections::BTreeSet;
use std::path::Path;

use tempfile::TempDir;

use super::cluster;
use crate::auth;
use crate::model::{
    Clock, DAY_MS, Expiry, IntegrationId, Operator, PlainToken, Random, Reason, Retirement, Span,
    TokenId,
};
use crate::rotation::phases::Plan;
use crate::rotation::registry::{Issued, Order};
use crate::rotation::{Accepted, Answer, Caller, Engine, MasterKey, Refusal, Settings};
use crate::store::tokens::Token;
use crate::store::{Access, Db};

/// An installation of its own.
pub struct World {
    pub engine: Engine,
    pub operator: Operator,
    pub master: MasterKey,
    pub url: String,
    access: Access,
    folder: TempDir,
}

impl World {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rollcall.db").display());
        Self::at(Access::from(url.as_str()), folder).await
    }

    pub async fn postgres() -> Self {
        let url = tokio::task::spawn_blocking(cluster::new_database)
            .await
            .unwrap();
        Self::at(Access::from(url.as_str()), tempfile::tempdir().unwrap()).await
    }

    /// A PostgreSQL database behind a pooler in transaction mode; `None` where there is no pooler.
    pub async fn pooled() -> Option<Self> {
        let access = tokio::task::spawn_blocking(cluster::new_pooled_database)
            .await
            .unwrap()?;
        Some(Self::at(access, tempfile::tempdir().unwrap()).await)
    }

    async fn at(access: Access, folder: TempDir) -> Self {
        let master = MasterKey::generate(&Random::system());
        let engine = open(&access, &master).await;
        Self {
            engine,
            operator: auth::operator("test".to_owned()),
            master,
            url: access.url.clone(),
            access,
            folder,
        }
    }

    /// Another process on the same database.
    pub async fn another_process(&self) -> Engine {
        open(&self.access, &self.master).await
    }

    /// A row of the registry as it is on disk.
    pub async fn row(&self, id: &TokenId) -> Token {
        self.engine
            .show_token(&self.operator, id)
            .await
            .unwrap()
            .row
    }

    /// Changes the database behind the engine's back.
    pub async fn run(&self, statement: &'static str) {
        if let Some(path) = self.url.strip_prefix("sqlite://") {
            let pool = sqlx::SqlitePool::connect(path).await.unwrap();
            sqlx::query(statement).execute(&pool).await.unwrap();
            pool.close().await;
        } else {
            let pool = sqlx::PgPool::connect(&self.url).await.unwrap();
            sqlx::query(statement).execute(&pool).await.unwrap();
            pool.close().await;
        }
    }

    /// Where the files of a SQLite world are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Creates an account with one integration; gives the integration.
    pub async fn integration(&self, account: &str) -> IntegrationId {
        let contact = "ops@customer.example".parse().unwrap();
        self.engine
            .create_account(&self.operator, account.parse().unwrap(), contact)
            .await
            .unwrap();
        let name = "Order sync".parse().unwrap();
        self.engine
            .create_integration(&self.operator, account, name)
            .await
            .unwrap()
            .id
    }

    /// Issues a token that lives for a year and replaces nothing.
    pub async fn issue(&self, integration: &IntegrationId) -> Issued {
        self.issue_with(integration, Some(365 * DAY_MS), Retirement::Keep)
            .await
    }

    pub async fn issue_with(
        &self,
        integration: &IntegrationId,
        lifetime_ms: Option<i64>,
        retirement: Retirement,
    ) -> Issued {
        let order = Order {
            integration: integration.clone(),
            expiry: lifetime_ms.map_or(Expiry::Never, |ms| Expiry::After(Span(ms))),
            retirement,
            form_id: None,
            instead_of: None,
        };
        self.engine
            .issue_token(&self.operator, order)
            .await
            .unwrap()
    }

    /// Makes a request with a token.
    pub async fn request(&self, token: &PlainToken) -> Answer {
        self.engine.verify(token.expose(), &caller()).await
    }

    /// Makes a request that must be accepted.
    pub async fn accepted(&self, token: &PlainToken) -> Accepted {
        match self.request(token).await {
            Answer::Accepted(accepted) => accepted,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// Makes a request that must be refused.
    pub async fn refused(&self, token: &PlainToken) -> Refusal {
        match self.request(token).await {
            Answer::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub async fn reason(&self, token: &PlainToken) -> Reason {
        self.refused(token).await.reason
    }

    /// Lets time pass.
    pub async fn pass(&self, ms: i64) {
        self.engine.db().shift_clock(ms);
        self.engine.refresh().await.unwrap();
    }

    /// Starts a rotation named `2026-11` with nothing special.
    pub async fn start(&self) {
        let plan = Plan {
            name: Some("2026-11".parse().unwrap()),
            ..Plan::default()
        };
        self.engine
            .start_rotation(&self.operator, plan)
            .await
            .unwrap();
    }

    pub async fn finalise(&self) {
        self.engine
            .finalise(&self.operator, "2026-11")
            .await
            .unwrap();
    }

    pub async fn close(&self) {
        self.engine
            .close_rotation(&self.operator, "2026-11")
            .await
            .unwrap();
    }

    /// The names of the accounts that a rehearsal names.
    pub async fn rehearsed(&self) -> Vec<String> {
        let affected = self.engine.rehearse(&self.operator).await.unwrap();
        affected
            .into_iter()
            .map(|account| account.account)
            .collect()
    }

    /// The tokens that a rehearsal names.
    pub async fn rehearsed_tokens(&self) -> BTreeSet<TokenId> {
        let affected = self.engine.rehearse(&self.operator).await.unwrap();
        let integrations = affected
            .into_iter()
            .flat_map(|account| account.integrations);
        integrations
            .flat_map(|integration| integration.token_ids)
            .collect()
    }
}

async fn open(access: &Access, master: &MasterKey) -> Engine {
    let db = Db::connect(access.clone()).await.unwrap();
    db.migrate(300, &Random::system()).await.unwrap();
    let settings = Settings {
        public_url: "http://127.0.0.1:3000".to_owned(),
        audience: None,
    };
    Engine::open(
        db,
        master.clone(),
        settings,
        Clock::system(),
        Random::system(),
    )
    .await
    .unwrap()
}

/// Whoever calls in tests.
pub fn caller() -> Caller {
    Caller {
        source: Some("203.0.113.7".to_owned()),
        agent: Some("node-fetch/3".to_owned()),
    }
}
