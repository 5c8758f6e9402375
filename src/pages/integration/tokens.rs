use axum::extract::{Path, State};
use axum::response::Redirect;
use leptos::prelude::*;

use crate::auth::AppState;
use crate::model::{IntegrationId, Member, TokenId, TokenState, UnixMs};
use crate::pages::customer::{caller, hint};
use crate::pages::error::PageError;
use crate::pages::parts::{StateBadge, ago, day, moment};
use crate::rotation::overview::IntegrationView;
use crate::rotation::registry::Shown;

/// Revokes a token; returns when no node accepts it.
pub(super) async fn revoke(
    State(app): State<AppState>,
    member: Member,
    Path((id, token)): Path<(String, String)>,
) -> Result<Redirect, PageError> {
    let (Ok(id), Ok(token)) = (id.parse::<IntegrationId>(), token.parse::<TokenId>()) else {
        return Err(PageError::NotFound);
    };
    app.engine.revoke_token(&member, &token).await?;
    Ok(Redirect::to(&format!("/integrations/{id}?revoked={token}")))
}

/// The tokens of an integration: those that live first, the dead stay visible.
#[component]
pub(super) fn Tokens(
    /// The integration.
    view: IntegrationView,
    /// The present.
    now: UnixMs,
) -> impl IntoView {
    let id = view.integration.id.to_string();
    let mut tokens = view.tokens;
    tokens.sort_by_key(|token| !is_live(token.state));
    if tokens.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = tokens
        .into_iter()
        .map(|token| row(&id, &token, now))
        .collect();
    view! {
        <section class="section">
            <h2>"Tokens"</h2>
            <div class="table-box">
                <table class="data cards">
                    <caption class="visually-hidden">{format!("Tokens of {}", view.integration.name)}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Token"</th>
                            <th scope="col">"State"</th>
                            <th scope="col">"Issued"</th>
                            <th scope="col">"Last use"</th>
                            <th scope="col">"Expires"</th>
                            <th scope="col"><span class="visually-hidden">"Revoke"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

const fn is_live(state: TokenState) -> bool {
    matches!(state, TokenState::Active | TokenState::Dormant)
}

fn row(integration: &str, token: &Shown, now: UnixMs) -> impl IntoView + use<> {
    let row = &token.row;
    let name = hint(row);
    let last = match row.last_used_at {
        Some(at) => {
            let called = caller(row.last_agent.as_deref(), row.last_source.as_deref());
            two_lines(
                moment(at, now),
                called.map_or_else(
                    || ago(at, now),
                    |called| format!("{}, {called}", ago(at, now)),
                ),
            )
        }
        None => view! { <span class="quiet">"Never used"</span> }.into_any(),
    };
    let expires = match (row.ends_at, row.expires_at) {
        (Some(at), _) if token.state == TokenState::Active => {
            two_lines(moment(at, now), format!("replaced {}", ago(at, now)))
        }
        (_, Some(at)) => two_lines(day(at, now), ago(at, now)),
        (_, None) => "Never".into_any(),
    };
    let revoke = is_live(token.state).then(|| {
        let action = format!("/integrations/{integration}/tokens/{}/revoke", row.id);
        revoke_form(action, &name, token.state)
    });
    view! {
        <tr>
            <td data-label="Token"><span class="mono nowrap">{name}</span></td>
            <td data-label="State"><StateBadge state=token.state/></td>
            <td data-label="Issued">{two_lines(moment(row.issued_at, now), ago(row.issued_at, now))}</td>
            <td data-label="Last use">{last}</td>
            <td data-label="Expires">{expires}</td>
            <td>{revoke}</td>
        </tr>
    }
}

fn two_lines(first: String, second: String) -> AnyView {
    view! { <div class="cell-two"><span>{first}</span><span class="quiet">{second}</span></div> }
        .into_any()
}

/// The button that revokes, behind a word on what it does: no script, no dialog.
fn revoke_form(action: String, name: &str, state: TokenState) -> impl IntoView + use<> {
    let effect = if state == TokenState::Dormant {
        "It is refused already; revoked, it stays so for good."
    } else {
        "Requests with it are refused at once, and there is no way back."
    };
    view! {
        <details class="ask">
            <summary class="link-button">
                "Revoke"<span class="visually-hidden">{format!(" token {name}")}</span>
            </summary>
            <form class="stack tight" method="post" action=action>
                <p class="small">{effect}</p>
                <button type="submit" class="button danger small">{format!("Revoke {name}")}</button>
            </form>
        </details>
    }
}
