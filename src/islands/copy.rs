use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;

/// How long the button says what came of it, before it offers to copy again.
const SAID_FOR: Duration = Duration::from_secs(4);

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Copied,
    Failed,
}

/// A button that copies the text of the element `target` and says politely whether it did.
///
/// It is absent without a clipboard (no script, or a page that is neither https nor on loopback),
/// so that there is never a dead button.
#[island]
pub fn CopyButton(
    /// The id of the element whose text is copied.
    target: String,
    /// What the button says.
    label: String,
) -> impl IntoView {
    button(target, label, String::new(), "button primary")
}

/// The same, less prominent, for a line with the text of the element `target` in it.
#[island]
pub fn CopyLine(
    /// The id of the element whose text is copied.
    target: String,
    /// What the button says.
    label: String,
    /// What is copied: `{}` stands for the text of `target`.
    line: String,
) -> impl IntoView {
    button(target, label, line, "button small")
}

fn button(target: String, label: String, line: String, class: &'static str) -> impl IntoView {
    let able = RwSignal::new(false);
    let outcome = RwSignal::new(None);
    // Effects run in the browser only, once the page is awake.
    Effect::new(move || able.set(!window().navigator().clipboard().is_undefined()));

    let copy = move |target: &str, line: &str| {
        let text = document()
            .get_element_by_id(target)
            .and_then(|element| element.text_content())
            .map(|text| match line {
                "" => text.trim().to_owned(),
                line => line.replace("{}", text.trim()),
            });
        outcome.set(None);
        spawn_local(async move {
            let written = match text {
                Some(text) => {
                    let clipboard = window().navigator().clipboard();
                    JsFuture::from(clipboard.write_text(&text)).await.is_ok()
                }
                None => false,
            };
            outcome.set(Some(if written {
                Outcome::Copied
            } else {
                Outcome::Failed
            }));
            set_timeout(
                move || {
                    outcome.try_set(None);
                },
                SAID_FOR,
            );
        });
    };

    view! {
        <Show when=move || able.get()>
            {
                let target = target.clone();
                let label = label.clone();
                let line = line.clone();
                view! {
                    <button type="button" class=class on:click=move |_| copy(&target, &line)>
                        {move || match outcome.get() {
                            Some(Outcome::Copied) => "Copied".to_owned(),
                            Some(Outcome::Failed) => "Not copied".to_owned(),
                            None => label.clone(),
                        }}
                    </button>
                }
            }
        </Show>
        // Always in the page, so that a change of its text is announced.
        <span role="status" class="visually-hidden">
            {move || match outcome.get() {
                Some(Outcome::Copied) => "Copied",
                Some(Outcome::Failed) => {
                    "The browser did not allow copying. Select the text and copy it by hand."
                }
                None => "",
            }}
        </span>
    }
}
