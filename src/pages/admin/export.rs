use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use axum::routing::get;
use futures_util::stream;

use super::filter::{Ask, Wanted};
use crate::auth::AppState;
use crate::model::{Admin, UnixMs, harmless_cell};
use crate::pages::PageError;
use crate::rotation::rehearsal::AccountFate;

/// How many rows are written at a time.
const ROWS: usize = 500;

const HEAD: [&str; 9] = [
    "account_id",
    "account",
    "contact",
    "affected",
    "recovered",
    "integrations",
    "last_used_at",
    "signed_in_at",
    "recovered_at",
];

/// The list of accounts as CSV.
pub fn routes() -> Router<AppState> {
    Router::new().route("/admin/accounts.csv", get(export))
}

/// Exactly what the list shows for the same question, all its pages, of one state of the database.
async fn export(
    State(app): State<AppState>,
    admin: Admin,
    Query(ask): Query<Ask>,
) -> Result<Response, PageError> {
    let wanted = Wanted::of(ask);
    let (fates, _) = app
        .engine
        .affected_accounts(&admin, &wanted.query(0, i64::MAX))
        .await?;
    let date: String = app.engine.now().to_string().chars().take(10).collect();
    let name = format!(
        "attachment; filename=\"accounts-{}-{date}.csv\"",
        wanted.show_slug()
    );
    // The rows are read at once; their text is made as it is sent.
    let mut rows = fates.into_iter();
    let head = std::iter::once(lines(std::iter::once(HEAD.map(str::to_owned))));
    let body = std::iter::from_fn(move || {
        let some: Vec<AccountFate> = rows.by_ref().take(ROWS).collect();
        (!some.is_empty()).then(|| lines(some.into_iter().map(|fate| record(&fate))))
    });
    let chunks = head.chain(body).map(Ok::<Bytes, Infallible>);
    let mut response = Response::new(Body::from_stream(stream::iter(chunks)));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

fn record(fate: &AccountFate) -> [String; 9] {
    let time = |at: Option<UnixMs>| at.map(|at| at.to_string()).unwrap_or_default();
    [
        fate.id.to_string(),
        harmless_cell(&fate.name),
        harmless_cell(&fate.contact),
        fate.affected.to_string(),
        fate.recovered.to_string(),
        fate.integrations.to_string(),
        time(fate.last_used_at),
        time(fate.logged_in_at),
        // As the list says it: while some are affected still, the account does not work again.
        time(fate.recovered_at.filter(|_| fate.affected == 0)),
    ]
}

/// Records as lines of CSV (RFC 4180).
fn lines(records: impl Iterator<Item = [String; 9]>) -> Bytes {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for record in records {
        // Writing to memory does not fail, and every record has as many fields.
        if let Err(error) = writer.write_record(&record) {
            tracing::error!(%error, "a line of CSV could not be written");
        }
    }
    writer.into_inner().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted() {
        let row = ["a,b", "say \"hi\"", "", "", "", "", "", "", ""].map(str::to_owned);
        assert_eq!(
            lines(std::iter::once(row)),
            "\"a,b\",\"say \"\"hi\"\"\",,,,,,,\r\n"
        );
    }
}
