use leptos::ev;
use leptos::prelude::*;
use web_sys::HtmlElement;
use web_sys::wasm_bindgen::JsCast;

/// Escape closes the question that the focus is in (`details.ask`), and the focus is on what opened it
/// again, as with a menu or a dialog.
pub fn close_on_escape() {
    window_event_listener(ev::keydown, |event| {
        if event.key() != "Escape" {
            return;
        }
        let open = document()
            .active_element()
            .and_then(|focused| focused.closest("details.ask[open]").ok().flatten());
        let Some(open) = open else {
            return;
        };
        // What cannot be closed stays open, as without script.
        open.remove_attribute("open").ok();
        let summary = open.query_selector("summary").ok().flatten();
        if let Some(summary) = summary.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
            summary.focus().ok();
        }
    });
}
