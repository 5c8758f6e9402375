//! Questions and answers, and what each refusal code means.

mod codes;
mod questions;
mod search;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use leptos::prelude::*;
use serde::Deserialize;

pub use self::codes::meaning;

use self::codes::Meaning;
use self::questions::{QUESTIONS, Question, Topic};
use self::search::{Found, search};
use super::check::{CheckCommands, LANGUAGE_COOKIE};
use super::error::PageError;
use super::parts::Column::{Figures, Words};
use super::parts::{Crumb, EmptyState, PageHeader, Table, counted};
use super::shell::{Frame, Section, Visit};
use super::words::capital;
use crate::auth::AppState;
use crate::model::Reason;
use crate::rotation::tickets::Context;

/// The most characters of a search that are looked for.
const MOST_SEARCH: usize = 100;

/// Help for anyone.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/help", get(page))
        .route("/help/{topic}", get(one))
}

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    q: String,
}

async fn page(visit: Visit, Query(ask): Query<Ask>) -> Response {
    let words: String = ask.q.chars().take(MOST_SEARCH).collect();
    let words = words.trim().to_owned();
    let title = if words.is_empty() {
        "Help".to_owned()
    } else {
        format!("{words} · Help")
    };
    let frame = Frame::new(title, Section::Help).reading();
    visit
        .show(StatusCode::OK, frame, move || view! { <Help words/> })
        .await
}

#[component]
fn Help(words: String) -> impl IntoView {
    let is_search = !words.is_empty();
    let found = search(&words);
    let (title, sub) = if is_search {
        result(&found, &words)
    } else {
        (
            "Most 401s are mended in a minute.".to_owned(),
            "Open the help_url in the answer, sign in, generate a new token, put it in your code.",
        )
    };
    let Found {
        questions, codes, ..
    } = found;
    let is_empty = questions.is_empty() && codes.is_empty();
    let answers = if is_search {
        view! { <Answers title="Answers" questions is_open=true/> }.into_any()
    } else {
        let topics: Vec<_> = Topic::ALL
            .into_iter()
            .map(|topic| {
                let questions = questions
                    .iter()
                    .filter(|question| question.topic == topic)
                    .copied()
                    .collect();
                view! { <Answers title=topic.words() questions is_open=false/> }
            })
            .collect();
        topics.into_any()
    };
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
            <EmptyState title="Nothing here holds these words" text="Try fewer or other words.">
                <a class="button" href="/help">"Show all questions"</a>
            </EmptyState>
        })}
        {answers}
        <Codes codes/>
    }
}

/// What is said first of a search.
fn result(found: &Found, words: &str) -> (String, &'static str) {
    let count = found.questions.len() + found.codes.len();
    let title = format!(
        "{} for “{words}”",
        capital(&counted(count as u64, "answer", "answers"))
    );
    let sub = if found.is_exact || count == 0 {
        ""
    } else {
        "No answer holds all these words; these hold most of them."
    };
    (title, sub)
}

#[component]
fn Answers(title: &'static str, questions: Vec<&'static Question>, is_open: bool) -> impl IntoView {
    if questions.is_empty() {
        return ().into_any();
    }
    let answers: Vec<_> = questions
        .into_iter()
        .map(|question| view! { <Answer question is_open/> })
        .collect();
    view! {
        <section class="section">
            <h2>{title}</h2>
            <div>{answers}</div>
        </section>
    }
    .into_any()
}

#[component]
fn Answer(question: &'static Question, is_open: bool) -> impl IntoView {
    view! {
        <details class="qa" open=is_open>
            <summary>{question.asks}</summary>
            // The anchor is inside: a link to it opens the answer.
            <div id=question.id>
                <AnswerText question/>
                <p class="small">
                    <a href=format!("/help/{}", question.id)>
                        "Link to this answer"<span class="visually-hidden">{format!(": {}", question.asks)}</span>
                    </a>
                </p>
            </div>
        </details>
    }
}

#[component]
fn AnswerText(question: &'static Question) -> impl IntoView {
    let text: Vec<_> = question
        .answer
        .iter()
        .map(|paragraph| view! { <p class="measure">{*paragraph}</p> })
        .collect();
    let link = question
        .link
        .map(|(href, words)| view! { <p><a href=href>{words}</a></p> });
    view! { {text} {link} }
}

/// Refusal codes, each with its page.
#[component]
fn Codes(codes: Vec<(&'static str, Meaning)>) -> impl IntoView {
    if codes.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = codes
        .into_iter()
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
            <Table
                caption="Refusal codes"
                columns=[Words("Code"), Figures("Status"), Words("Meaning")]
            >
                {rows}
            </Table>
        </section>
    }
    .into_any()
}

/// A refusal code, or a question, by its address.
async fn one(
    State(app): State<AppState>,
    visit: Visit,
    Path(topic): Path<String>,
) -> Result<Response, PageError> {
    let base = app.engine.settings().public_url.clone();
    let language = visit.remembers(LANGUAGE_COOKIE).map(str::to_owned);
    if let Some(meaning) = meaning(&topic) {
        let title = meaning.title.trim_end_matches('.');
        let frame = Frame::new(title, Section::Help)
            .reading()
            .about(Context::of("", &topic, "", ""));
        return Ok(visit
            .show(
                StatusCode::OK,
                frame,
                move || view! { <CodePage code=topic meaning base language/> },
            )
            .await);
    }
    let question = QUESTIONS
        .iter()
        .find(|question| question.id == topic)
        .ok_or(PageError::NotFound)?;
    let frame = Frame::new(question.asks, Section::Help).reading();
    Ok(visit
        .show(
            StatusCode::OK,
            frame,
            move || view! { <AnswerPage question base language/> },
        )
        .await)
}

/// One answer by itself, for whoever was sent a link to it.
#[component]
fn AnswerPage(
    question: &'static Question,
    base: String,
    language: Option<String>,
) -> impl IntoView {
    let others: Vec<_> = QUESTIONS
        .iter()
        .filter(|other| other.topic == question.topic && other.id != question.id)
        .map(|other| view! { <li><a href=format!("/help/{}", other.id)>{other.asks}</a></li> })
        .collect();
    view! {
        <PageHeader crumbs=vec![Crumb::link("Help", "/help"), Crumb::here(question.topic.words())] title=question.asks/>
        <div class="stack"><AnswerText question/></div>
        {question.check.then(|| view! { <Check base language/> })}
        <section class="section">
            <h2>"Asked beside it"</h2>
            <ul class="stack tight">{others}</ul>
        </section>
        <div class="page-end">
            <a href="/help">"All questions and codes"</a>
        </div>
    }
}

#[component]
fn CodePage(
    code: String,
    meaning: Meaning,
    base: String,
    language: Option<String>,
) -> impl IntoView {
    let steps: Vec<_> = meaning
        .steps
        .iter()
        .map(|step| view! { <li><div>{*step}</div></li> })
        .collect();
    let (href, words) = meaning.action;
    // Where none was sent, or the answer is not about it, there is none to look at.
    let has_token = meaning.status == 401 && code != Reason::Missing.code();
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
            <div class="actions">
                <a class="button primary" href=href>{words}</a>
                {has_token.then(|| view! { <a class="button" href="/diagnose">"Diagnose a token"</a> })}
            </div>
        </section>
        <Check base language/>
        <div class="page-end">
            <a href="/help">"All questions and codes"</a>
        </div>
    }
}

/// The commands that show whether a token is accepted.
#[component]
fn Check(base: String, language: Option<String>) -> impl IntoView {
    view! {
        <section class="section">
            <h2>"Check a token"</h2>
            <p class="measure">"Put the token in the place of "<code>"YOUR_TOKEN"</code>
                ". The line below each command is what it prints when the token is accepted."</p>
            <CheckCommands base token="YOUR_TOKEN" chosen=language/>
        </section>
    }
}
