use leptos::prelude::*;

/// A button that copies the text of the element `target` and says so politely.
///
/// It is absent until the browser has a clipboard, so that there is never a dead button.
#[island]
pub fn CopyButton(
    /// The id of the element whose text is copied.
    target: String,
    /// What the button says.
    label: String,
) -> impl IntoView {
    let (copied, set_copied) = signal(false);
    let (able, set_able) = signal(false);
    Effect::new(move || set_able.set(true));
    let copy = move |_| {
        let text = document()
            .get_element_by_id(&target)
            .and_then(|element| element.text_content())
            .unwrap_or_default();
        let done = window().navigator().clipboard().write_text(text.trim());
        let _ = done;
        set_copied.set(true);
    };
    view! {
        <button type="button" class="button primary" hidden=move || !able.get() on:click=copy>
            {move || if copied.get() { "Copied".to_owned() } else { label.clone() }}
        </button>
        <span role="status" class="visually-hidden">
            {move || copied.get().then_some("Copied")}
        </span>
    }
}
