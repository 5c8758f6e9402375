use axum::http::StatusCode;
use axum::response::Response;
use leptos::prelude::*;

use super::live::LiveStatus;
use crate::islands::{CopyButton, CopyLine};
use crate::model::{PlainToken, Retirement, TokenState, UnixMs};
use crate::pages::check::CheckCommands;
use crate::pages::parts::{Crumb, Notice, PageHeader, Tone, deadline};
use crate::pages::shell::{Frame, Section, Visit};
use crate::rotation::arrival::Arrival;
use crate::rotation::overview::IntegrationView;
use crate::rotation::registry::{Issued, Shown};

/// Shows a token that was just issued: the one time it is seen. `before` is its integration as it
/// stood when it was asked for.
pub(super) async fn show(
    visit: Visit,
    base: String,
    before: &IntegrationView,
    issued: Issued,
    retirement: Retirement,
) -> Response {
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
    let frame = Frame::new(
        format!("New token for {}", integration.name),
        Section::Integrations,
    );
    let arrival = Arrival {
        now: row.issued_at,
        token: Shown {
            row,
            state: TokenState::Active,
        },
        integration,
        stray: None,
    };
    visit
        .show(StatusCode::OK, frame, move || {
            view! { <Fresh base token arrival end=end.trim().to_owned()/> }
        })
        .await
}

/// What becomes of the token before; nothing to say where there was none.
fn old_token(before: &IntegrationView, retirement: Retirement) -> &'static str {
    if before.has_active() {
        return match retirement {
            Retirement::AtOnce => "The old token has stopped working.",
            Retirement::AfterFirstUse { .. } => {
                "The old token works until 24 hours after the first request with this one."
            }
            Retirement::Keep => "The old token works until you revoke it.",
        };
    }
    if before.dormant().is_some() {
        return "The old token stopped working at the cutover, so there is nothing to switch off.";
    }
    ""
}

fn expiry(expires_at: Option<UnixMs>, now: UnixMs) -> String {
    match expires_at {
        Some(at) => format!("This token expires {}.", deadline(at, now)),
        None => "This token does not expire.".to_owned(),
    }
}

#[component]
fn Fresh(base: String, token: PlainToken, arrival: Arrival, end: String) -> impl IntoView {
    let name = arrival.integration.name.clone();
    let id = arrival.integration.id.to_string();
    let here = format!("/integrations/{id}");
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
            // As it is, with no marker beside it: base64url and dots have nothing to escape.
            <output id="token" class="token" aria-label="New token" inner_html=token.expose().to_owned()></output>
            <CopyButton target="token".to_owned() label="Copy token".to_owned()/>
        </div>
        <Notice tone=Tone::Accent>{end}</Notice>
        <LiveStatus arrival/>
        <section class="section">
            <h2>"Put it where your program reads it"</h2>
            <div class="copy-line">
                <code>"export ROLLCALL_TOKEN='the token above'"</code>
                <CopyLine
                    target="token".to_owned()
                    label="Copy with the token".to_owned()
                    line="export ROLLCALL_TOKEN='{}'".to_owned()
                />
            </div>
        </section>
        <section class="section">
            <h2>"Check it"</h2>
            <p class="quiet measure">"The check is a request like any other, and counts as the first one."</p>
            <CheckCommands base integration=id/>
        </section>
        <div class="page-end">
            <a href=here>{format!("Back to {name}")}</a>
            <span>"Not working? " <a href="/help#still-refused">"Get help"</a></span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DAY_MS;

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
