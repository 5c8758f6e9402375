use leptos::ev;
use leptos::prelude::*;
use web_sys::wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlInputElement};

use super::KEPT;

/// How long the language of the check commands is remembered, in seconds.
const A_YEAR: u32 = 31_536_000;

/// Warns once before a fresh token is left that was not copied: it cannot be shown again. Copying it
/// counts, by a button or by hand.
pub fn guard_token() {
    let Some(token) = document().get_element_by_id("token") else {
        return;
    };
    let shown = token.clone();
    window_event_listener_untyped("copy", move |_| {
        let text = shown.text_content().unwrap_or_default();
        let selected = window().get_selection().ok().flatten();
        if selected.is_some_and(|some| String::from(some.to_string()).contains(text.trim())) {
            shown.set_attribute(KEPT, "").ok();
        }
    });
    window_event_listener(ev::beforeunload, move |event| {
        // A token that has made a request is where it belongs.
        let is_used = document()
            .query_selector("[data-used]")
            .ok()
            .flatten()
            .is_some();
        if !token.has_attribute(KEPT) && !is_used {
            token.set_attribute(KEPT, "").ok();
            event.prevent_default();
            // For browsers that go by it alone.
            event.set_return_value("1");
        }
    });
}

/// Remembers the language in which someone wants to see check commands.
pub fn remember_language() {
    window_event_listener(ev::change, |event| {
        let chosen = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            .filter(|input| input.name() == "language");
        if let (Some(chosen), Ok(page)) = (chosen, document().dyn_into::<HtmlDocument>()) {
            let value = chosen.value();
            page.set_cookie(&format!(
                "language={value}; Max-Age={A_YEAR}; Path=/; SameSite=Lax"
            ))
            .ok();
        }
    });
}
