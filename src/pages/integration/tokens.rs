use leptos::prelude::*;

use super::revoke::{revoke_button, undo_button};
use crate::model::{TokenState, UnixMs};
use crate::pages::customer::{caller, hint};
use crate::pages::parts::Column::{Figures, Unseen, Words};
use crate::pages::parts::{StateBadge, Table, ago, day, moment, thousands};
use crate::rotation::overview::IntegrationView;
use crate::rotation::registry::Shown;

/// How every token begins, a JWT's header being an object in base64url: it is not kept of any.
const START: &str = "eyJ";

/// The tokens of an integration: those that live first, the dead stay visible.
#[component]
pub(super) fn Tokens(
    /// The integration.
    view: IntegrationView,
    /// The present.
    now: UnixMs,
) -> impl IntoView {
    let mut tokens = view.tokens;
    tokens.sort_by_key(|token| !is_live(token.state));
    if tokens.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = tokens.into_iter().map(|token| row(&token, now)).collect();
    view! {
        <section class="section">
            <h2>"Tokens"</h2>
            <Table
                caption=format!("Tokens of {}", view.integration.name)
                columns=[
                    Words("Token"), Words("State"), Words("Issued"), Words("Last use"), Figures("Requests"),
                    Words("Expires"), Unseen("Revoke")
                ]
            >
                {rows}
            </Table>
        </section>
    }
    .into_any()
}

const fn is_live(state: TokenState) -> bool {
    matches!(state, TokenState::Active | TokenState::Dormant)
}

fn row(token: &Shown, now: UnixMs) -> impl IntoView + use<> {
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
    let act = if is_live(token.state) {
        revoke_button(token).into_any()
    } else {
        undo_button(token, now).into_any()
    };
    // The first is known at once, counts a moment later.
    let uses = row.uses.max(i64::from(row.first_used_at.is_some()));
    let requests = u64::try_from(uses).unwrap_or(0);
    view! {
        <tr>
            <td data-label="Token"><span class="mono nowrap">{START}{name}</span></td>
            <td data-label="State"><StateBadge state=token.state/></td>
            <td data-label="Issued">{two_lines(moment(row.issued_at, now), ago(row.issued_at, now))}</td>
            <td data-label="Last use">{last}</td>
            <td class="num" data-label="Requests">{thousands(requests)}</td>
            <td data-label="Expires">{expires}</td>
            <td>{act}</td>
        </tr>
    }
}

fn two_lines(first: String, second: String) -> AnyView {
    view! { <div class="cell-two"><span>{first}</span><span class="quiet">{second}</span></div> }
        .into_any()
}
