//! Questions and answers, and a page for each refusal code.

mod codes;
mod questions;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

use self::codes::{Meaning, OTHERS, meaning};
use self::questions::{Question, search};
use super::check::CheckCommands;
use super::error::PageError;
use super::parts::{Crumb, EmptyState, PageHeader, counted};
use super::shell::{Frame, Section, Visit};
use crate::auth::AppState;
use crate::model::Reason;

/// The most characters of a search that are looked for.
const MOST_SEARCH: usize = 100;

/// Help for anyone.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/help", get(page))
        .route("/help/{code}", get(code))
}

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    q: String,
}

async fn page(visit: Visit, Query(ask): Query<Ask>) -> Response {
    let words: String = ask.q.chars().take(MOST_SEARCH).collect();
    let frame = Frame::new("Help", Section::Help).reading();
    visit
        .show(StatusCode::OK, frame, move || view! { <Help words/> })
        .await
}

#[component]
fn Help(words: String) -> impl IntoView {
    let found = search(&words);
    let is_search = !words.trim().is_empty();
    let count = counted(found.len() as u64, "answer", "answers");
    let (title, sub) = if is_search {
        (
            format!("{} for “{}”", capital(&count), words.trim()),
            String::new(),
        )
    } else {
        (
            "Most 401s are mended in a minute.".to_owned(),
            "Open the help_url in the answer, sign in, generate a new token, put it in your code."
                .to_owned(),
        )
    };
    let is_empty = found.is_empty();
    let questions: Vec<_> = found
        .into_iter()
        .map(|question| view! { <Answer question is_open=is_search/> })
        .collect();
    view! {
        <PageHeader title sub/>
        <form class="filters" method="get" action="/help" role="search">
            <div class="field search">
                <label for="q">"Search the answers"</label>
                <input class="input" id="q" name="q" type="search" value=words maxlength="100"/>
            </div>
            <button type="submit" class="button">"Search"</button>
            {is_search.then(|| view! { <a class="button quiet" href="/help">"All questions"</a> })}
        </form>
        {is_empty.then(|| view! {
            <EmptyState title="No answer holds all these words" text="Try fewer or other words.">
                <a class="button" href="/help">"Show all questions"</a>
            </EmptyState>
        })}
        <section class="section" aria-label="Questions and answers">{questions}</section>
        <Codes/>
    }
}

/// "2 answers", "No answers".
fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

#[component]
fn Answer(question: &'static Question, is_open: bool) -> impl IntoView {
    let text: Vec<_> = question
        .answer
        .iter()
        .map(|paragraph| view! { <p>{*paragraph}</p> })
        .collect();
    let link = question
        .link
        .map(|(href, words)| view! { <p><a href=href>{words}</a></p> });
    view! {
        <details class="qa" open=is_open>
            <summary>{question.asks}</summary>
            // The anchor is inside: a link to it opens the answer.
            <div id=question.id>
                {text} {link}
                <p class="small quiet">
                    <a href=format!("/help#{}", question.id)>"Link to this answer"<span class="visually-hidden">{format!(": {}", question.asks)}</span></a>
                </p>
            </div>
        </details>
    }
}

/// Every refusal code with its page.
#[component]
fn Codes() -> impl IntoView {
    let rows: Vec<_> = Reason::ALL
        .map(Reason::code)
        .into_iter()
        .chain(OTHERS)
        .filter_map(|code| meaning(code).map(|meaning| (code, meaning)))
        .map(|(code, meaning)| {
            view! {
                <tr>
                    <td data-label="Code"><a class="mono" href=format!("/help/{code}")>{code}</a></td>
                    <td class="num" data-label="Status">{meaning.status}</td>
                    <td data-label="Meaning">{meaning.title}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="section" id="codes">
            <h2>"What the codes in an answer mean"</h2>
            <div class="table-box">
                <table class="data cards">
                    <caption class="visually-hidden">"Refusal codes"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Code"</th>
                            <th scope="col" class="num">"Status"</th>
                            <th scope="col">"Meaning"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

async fn code(
    State(app): State<AppState>,
    visit: Visit,
    Path(code): Path<String>,
) -> Result<Response, PageError> {
    let meaning = meaning(&code).ok_or(PageError::NotFound)?;
    let base = app.engine.settings().public_url.clone();
    let frame = Frame::new(meaning.title.trim_end_matches('.'), Section::Help).reading();
    Ok(visit
        .show(
            StatusCode::OK,
            frame,
            move || view! { <CodePage code meaning base/> },
        )
        .await)
}

#[component]
fn CodePage(code: String, meaning: Meaning, base: String) -> impl IntoView {
    let steps: Vec<_> = meaning
        .steps
        .iter()
        .map(|step| view! { <li><div>{*step}</div></li> })
        .collect();
    let (href, words) = meaning.action;
    view! {
        <PageHeader
            crumbs=vec![Crumb::link("Help", "/help"), Crumb::here(code.clone())]
            title=meaning.title
            sub=meaning.happened
        />
        <p class="quiet small">
            "The answer’s status is "<strong>{meaning.status}</strong>" and its code "<code>{code}</code>"."
        </p>
        <section class="section">
            <h2>"What to do"</h2>
            <ol class="steps" role="list">{steps}</ol>
            <div class="actions"><a class="button primary" href=href>{words}</a></div>
        </section>
        <section class="section">
            <h2>"Check a token"</h2>
            <p class="measure">"Put the token in the variable "<code>"ROLLCALL_TOKEN"</code>
                " first. This is the answer to expect when it is accepted."</p>
            <CheckCommands base/>
        </section>
        <div class="page-end">
            <a href="/help">"All questions and codes"</a>
        </div>
    }
}
