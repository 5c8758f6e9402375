use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;
use web_sys::Element;

use super::KEPT;

/// The id of the element that shows a fresh token.
const TOKEN: &str = "token";
/// How long the button says that it copied, before it offers to copy again.
const SAID_FOR: Duration = Duration::from_secs(4);

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Copied,
    Failed,
}

/// A token as it stands on screen beside the one place that shows it whole: its first and its last
/// characters.
pub fn mask(token: &str) -> String {
    let end = token.len().saturating_sub(4);
    let part = |range: std::ops::Range<usize>| token.get(range).unwrap_or_default();
    format!("{}••••••••{}", part(0..6.min(end)), part(end..token.len()))
}

/// A button that copies the fresh token and says politely whether it did.
///
/// It is absent without a clipboard (no script, or a page that is neither https nor on loopback),
/// so that there is never a dead button.
#[island]
pub fn CopyToken(
    /// What the button says.
    label: String,
) -> impl IntoView {
    button(TOKEN.to_owned(), label, "button primary")
}

/// The same, less prominent, for a text in which the fresh token may stand masked: the copy has it
/// whole.
#[island]
pub fn CopyText(
    /// The id of the element whose text is copied.
    target: String,
    /// What the button says.
    label: String,
) -> impl IntoView {
    button(target, label, "button small")
}

fn element(id: &str) -> Option<Element> {
    document().get_element_by_id(id)
}

fn text_of(id: &str) -> Option<String> {
    Some(element(id)?.text_content()?.trim().to_owned())
}

/// Copies; when the browser does not let it, selects what there is to copy by hand.
async fn copy(target: String) -> Outcome {
    let token = text_of(TOKEN);
    let text = text_of(&target).map(|text| match &token {
        Some(token) => text.replace(&mask(token), token),
        None => text,
    });
    if let Some(text) = text {
        let clipboard = window().navigator().clipboard();
        if JsFuture::from(clipboard.write_text(&text)).await.is_ok() {
            if let Some(shown) = element(TOKEN) {
                shown.set_attribute(KEPT, "").ok();
            }
            return Outcome::Copied;
        }
    }
    let by_hand = element(TOKEN).or_else(|| element(&target));
    if let (Some(element), Ok(Some(selection))) = (by_hand, window().get_selection()) {
        selection.select_all_children(&element).ok();
    }
    Outcome::Failed
}

fn button(target: String, label: String, class: &'static str) -> impl IntoView {
    let able = RwSignal::new(false);
    let outcome = RwSignal::new(None);
    // Effects run in the browser only, once the page is awake.
    Effect::new(move || able.set(!window().navigator().clipboard().is_undefined()));

    let copy = move |target: String| {
        outcome.set(None);
        spawn_local(async move {
            let came_of_it = copy(target).await;
            outcome.try_set(Some(came_of_it));
            if came_of_it == Outcome::Copied {
                set_timeout(
                    move || {
                        outcome.try_set(None);
                    },
                    SAID_FOR,
                );
            }
        });
    };

    view! {
        <Show when=move || able.get()>
            {
                let target = target.clone();
                let label = label.clone();
                view! {
                    <button type="button" class=class on:click=move |_| copy(target.clone())>
                        {move || match outcome.get() {
                            Some(Outcome::Copied) => "Copied".to_owned(),
                            Some(Outcome::Failed) => "Not copied".to_owned(),
                            None => label.clone(),
                        }}
                    </button>
                }
            }
        </Show>
        // Always in the page, so that a change of its text is announced; read aloud, and seen when
        // there is something left to do.
        <span role="status" class=move || {
            if outcome.get() == Some(Outcome::Failed) { "copy-failed" } else { "visually-hidden" }
        }>
            {move || match outcome.get() {
                Some(Outcome::Copied) => "Copied",
                Some(Outcome::Failed) => {
                    "The browser did not allow copying. The text is selected: copy it with Ctrl+C or ⌘C."
                }
                None => "",
            }}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_both_ends_and_never_the_whole() {
        assert_eq!(mask("eyJ0eXAiOiJhdCtqd3Qi.b71c"), "eyJ0eX••••••••b71c");
        for short in ["", "b71c", "abcdefgh"] {
            assert!(
                short.is_empty() || !mask(short).contains(short) || short.len() <= 4,
                "{short}"
            );
        }
    }
}
