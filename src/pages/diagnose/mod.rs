//! A pasted token, explained without being sent.

mod answer;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::*;

use self::answer::{Explained, Unknown};
use super::check::{CheckCommands, LANGUAGE_COOKIE};
use super::error::PageError;
use super::parts::{Notice, PageHeader, Tone};
use super::shell::{Frame, Section, Visit, fragment};
use crate::auth::AppState;
use crate::islands::Diagnose;
use crate::model::{Digest, Member};

/// The page, and what it asks about a digest.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/diagnose", get(page))
        .route("/diagnose/answer", post(answer).get(to_page))
}

async fn to_page() -> Redirect {
    Redirect::to("/diagnose")
}

async fn page(State(app): State<AppState>, _: Member, visit: Visit) -> Response {
    let base = app.engine.settings().public_url.clone();
    let language = visit.remembers(LANGUAGE_COOKIE).map(str::to_owned);
    let frame = Frame::new("Diagnose a token", Section::Diagnose).reading();
    visit
        .show(
            StatusCode::OK,
            frame,
            move || view! { <Page base language/> },
        )
        .await
}

/// What there is to say of a digest: its 64 hexadecimal digits are the whole body. One that was never
/// issued and one of another account are answered alike.
async fn answer(
    State(app): State<AppState>,
    member: Member,
    digest: String,
) -> Result<Response, PageError> {
    let digest = Digest::from_hex(digest.trim()).map_err(|_| PageError::BadForm)?;
    let found = app.engine.diagnose(&member, &digest).await?;
    Ok(fragment(move || match found {
        Some(diagnosis) => view! { <Explained diagnosis/> }.into_any(),
        None => view! { <Unknown/> }.into_any(),
    }))
}

#[component]
fn Page(base: String, language: Option<String>) -> impl IntoView {
    view! {
        <PageHeader
            title="Paste a token, and read whether it works, and why not."
            sub="This browser hashes it, and asks about the digest. The token itself is sent nowhere."
        />
        <Diagnose>
            <Notice tone=Tone::Accent>
                <div class="stack tight">
                    <p>
                        <strong>"In this browser scripts or WebAssembly do not run, so it cannot hash a token."</strong>
                        " There is no field for it here: without a script a token would have to be sent, and no page of ours \
                         asks for that."
                    </p>
                    <p>
                        "Use a command below: the answer’s "<code>"code"</code>" says why a token is refused, and "
                        <a href="/help#codes">"each code has a page"</a>"."
                    </p>
                    <p>
                        "Whoever runs the service can ask without making a request of it: "
                        <code>"rollcall token inspect < token.txt"</code>
                    </p>
                </div>
            </Notice>
        </Diagnose>
        <section class="section">
            <h2>"From where your program runs"</h2>
            <p class="measure">
                "Put the token in the place of "<code>"YOUR_TOKEN"</code>". The check is a request like any other: in a \
                 recording phase it captures the token."
            </p>
            <CheckCommands base token="YOUR_TOKEN" chosen=language/>
        </section>
        <div class="page-end">
            <a href="/">"Your integrations"</a>
            <a href="/help#codes">"What each refusal code means"</a>
        </div>
    }
}
