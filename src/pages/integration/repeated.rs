use leptos::prelude::*;

use crate::model::{Expiry, Retirement, TokenId, TokenState, UnixMs};
use crate::pages::customer::hint;
use crate::pages::parts::{Notice, Tone, when};
use crate::rotation::overview::IntegrationView;
use crate::rotation::registry::Shown;

/// What is said to whoever sends the form of a new token twice, or comes back to its page: the token
/// was shown in an answer that they may never have seen, a double click suffices. While it has made
/// no request one button takes it back and makes another.
#[component]
pub(super) fn Repeated(
    /// The integration.
    view: IntegrationView,
    /// The token that the form made, where that is known.
    token: Option<TokenId>,
    /// A fresh single-use id.
    form_id: String,
    /// The present.
    now: UnixMs,
) -> impl IntoView {
    let mut tokens = view.tokens.into_iter();
    let made = token.and_then(|token| tokens.find(|made| made.row.id == token));
    let Some(made) = made else {
        // Nothing is offered to be revoked: the newest may be that of another tab, and in use by now.
        return view! {
            <Notice tone=Tone::Warn>
                "A form for a new token was sent, and has already generated it. It was shown once, in the answer, and \
                 cannot be shown again. If you did not see it, generate another below."
            </Notice>
        }
        .into_any();
    };
    let name = hint(&made.row);
    let made_at = when(made.row.issued_at, now);
    let said = format!(
        "This form has already generated a token: {name}, at {made_at}. It was shown once, in the answer to the first \
         click, and cannot be shown again."
    );
    let is_lost = made.state == TokenState::Active && made.row.first_used_at.is_none();
    if !is_lost {
        return view! {
            <Notice tone=Tone::Warn>
                <p>{said}</p>
                <p>"If you need another, generate it below."</p>
            </Notice>
        }
        .into_any();
    }
    let action = format!("/integrations/{}/tokens", view.integration.id);
    let (expires, old) = as_before(&made);
    view! {
        <Notice tone=Tone::Warn>
            <form class="stack tight" method="post" action=action>
                <p>{said}</p>
                <p>
                    "Have you copied it? Then go on: put it in your code. If you did not see it, nobody has it, and it has \
                     made no request: take it back and make another."
                </p>
                <input type="hidden" name="form" value=form_id/>
                <input type="hidden" name="expires" value=expires/>
                <input type="hidden" name="old" value=old/>
                <input type="hidden" name="instead_of" value=made.row.id.to_string()/>
                <div class="actions">
                    <button type="submit" class="button">{format!("Revoke {name} and generate another")}</button>
                </div>
            </form>
        </Notice>
    }
    .into_any()
}

/// The choices that the lost token was made with, as the form sends them.
fn as_before(made: &Shown) -> (String, String) {
    let row = &made.row;
    let expires = Expiry::of(row.expires_at, row.issued_at);
    let old = Retirement::parse(&row.retires, row.overlap_ms).unwrap_or(Retirement::Keep);
    (expires.to_string(), old.to_string())
}
