use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;

use super::form::length;
use super::live::LiveStatus;
use crate::islands::{CopyText, CopyToken, mask};
use crate::model::{DAY_MS, PlainToken, Retirement, TokenState, UnixMs};
use crate::pages::check::{CheckCommands, LANGUAGE_COOKIE};
use crate::pages::customer::hint;
use crate::pages::parts::{Crumb, Notice, PageHeader, Tone, deadline, when};
use crate::pages::shell::{Frame, Section, Visit};
use crate::pages::support::help_link;
use crate::rotation::arrival::Arrival;
use crate::rotation::overview::{IntegrationView, Story};
use crate::rotation::registry::{Issued, Shown};
use crate::rotation::tickets::Context;

/// Shows a token that was just issued: the one time it is seen. `story` is its integration's as it
/// stood when it was asked for.
pub(super) async fn show(
    visit: Visit,
    base: String,
    story: &Story,
    issued: Issued,
    retirement: Retirement,
) -> Response {
    let before = &story.view;
    let Issued {
        token,
        row,
        integration,
    } = issued;
    let end = format!(
        "{} {}",
        old_token(before, retirement),
        expiry(row.expires_at, row.issued_at)
    );
    let language = visit.remembers(LANGUAGE_COOKIE).map(str::to_owned);
    let frame = Frame::new(
        format!("New token for {}", integration.name),
        Section::Integrations,
    )
    .about(Context::about(&integration.id));
    let other = another(before, row.issued_at);
    let now = row.issued_at;
    let fresh = Shown {
        row,
        state: TokenState::Active,
    };
    let others = match retirement {
        Retirement::AtOnce => &[],
        Retirement::AfterFirstUse { .. } | Retirement::Keep => before.tokens.as_slice(),
    };
    let arrival = Arrival::new(integration, fresh, others, &story.callers, now);
    visit
        .show(StatusCode::OK, frame, move || {
            view! { <Fresh base token arrival end=end.trim().to_owned() other language/> }
        })
        .await
}

/// What becomes of the token before; nothing to say where there was none.
fn old_token(before: &IntegrationView, retirement: Retirement) -> String {
    if before.has_active() {
        return match retirement {
            Retirement::AtOnce => "The old token has stopped working.".to_owned(),
            Retirement::AfterFirstUse { overlap } => format!(
                "The old token works until {} after the first request with this one.",
                length(overlap)
            ),
            Retirement::Keep => "The old token works until you revoke it.".to_owned(),
        };
    }
    if before.dormant().is_some() {
        return "The old token stopped working at the cutover, so there is nothing to switch off."
            .to_owned();
    }
    String::new()
}

/// Another token that was made a short while ago and not used yet: of a second tab, or of a colleague.
fn another(before: &IntegrationView, now: UnixMs) -> Option<String> {
    let other = before.tokens.iter().find(|token| {
        token.state == TokenState::Active
            && token.row.first_used_at.is_none()
            && now.since(token.row.issued_at) < DAY_MS
    })?;
    Some(format!(
        "There is another new token, {}, made {} and not used yet. If nobody needs it, revoke it on the page of {}.",
        hint(&other.row),
        when(other.row.issued_at, now),
        before.integration.name
    ))
}

fn expiry(expires_at: Option<UnixMs>, now: UnixMs) -> String {
    match expires_at {
        Some(at) => format!("This token expires {}.", deadline(at, now)),
        None => "This token does not expire.".to_owned(),
    }
}

#[component]
fn Fresh(
    base: String,
    token: PlainToken,
    arrival: Arrival,
    end: String,
    other: Option<String>,
    language: Option<String>,
) -> impl IntoView {
    let masked = mask(token.expose());
    let name = arrival.integration.name.clone();
    let here = format!("/integrations/{}", arrival.integration.id);
    let about = Context::about(&arrival.integration.id);
    let crumbs = vec![
        Crumb::link("Integrations", "/"),
        Crumb::link(name.clone(), here.clone()),
        Crumb::here("New token"),
    ];
    view! {
        <PageHeader
            crumbs
            title=format!("Here is the new token for {name}")
            sub="Copy it now: it is shown only this once."
        />
        <div class="token-box">
            <output id="token" class="token" aria-label="New token">{token.expose().to_owned()}</output>
            <CopyToken label="Copy token".to_owned()/>
        </div>
        <Notice tone=Tone::Accent>{end}</Notice>
        {other.map(|text| view! { <Notice tone=Tone::Warn>{text}</Notice> })}
        <LiveStatus arrival/>
        <section class="section">
            <h2>"Put it where your program reads it"</h2>
            <div class="copy-line">
                <code id="variable">{format!("export ROLLCALL_TOKEN='{masked}'")}</code>
                <CopyText target="variable".to_owned() label="Copy with the token".to_owned()/>
            </div>
            <p class="quiet small measure">
                "Here and below the token reads "<code>{masked.clone()}</code>". What you copy with a button has all of it; \
                where there is no button, put the token itself in that place."
            </p>
        </section>
        <section class="section">
            <h2>"Check it"</h2>
            <p class="quiet measure">
                "The check is a request like any other, and counts as the first one. The line below the command is what it \
                prints when the token is accepted."
            </p>
            <CheckCommands base token=masked chosen=language/>
        </section>
        <div class="page-end">
            <a href=here>{format!("Back to {name}")}</a>
            <span>"Not working? " {help_link(&about)}</span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_said_in_both_times() {
        let now = UnixMs(1_795_320_960_000); // 2026-11-22T04:16:00Z
        assert_eq!(
            expiry(Some(now.plus(30 * DAY_MS)), now),
            "This token expires Tue 22 Dec, 04:16 UTC, in 30 days."
        );
        assert_eq!(expiry(None, now), "This token does not expire.");
    }
}
