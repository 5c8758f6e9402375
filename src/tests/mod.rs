//! What must be true, as sentences. Tests of one function stand beside it; here stand the story,
//! the invariants and the routes, each on both engines.
//!
//! [`World`] is an installation of its own: a temporary SQLite file, or a database in a throwaway
//! PostgreSQL cluster that the first test starts. `both!` runs a test in each. [`http::Visitor`]
//! is a browser without script: it keeps cookies, follows redirects and posts forms as they stand.

mod api;
mod callers;
pub mod cluster;
mod decide;
mod elsewhere;
mod forgery;
mod http;
mod integrations;
mod keys;
mod lookback;
mod mail;
mod nodes;
mod phases;
mod pooler;
mod post_office;
mod recorder;
mod reseal;
mod restored;
mod rooms;
mod routes;
mod safety;
mod secrets;
mod sessions;
mod story;
mod tickets;
mod undo;
pub mod world;

/// Runs an async test in a world on SQLite, and again in one on PostgreSQL.
macro_rules! both {
    ($(#[doc = $doc:literal])* async fn $name:ident($world:ident: World) $body:block) => {
        mod $name {
            use super::*;

            async fn run($world: World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(World::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run(World::postgres().await).await;
            }
        }
    };
}
pub(crate) use both;
