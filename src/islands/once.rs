use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use web_sys::Element;
use web_sys::wasm_bindgen::JsCast;

/// On a form that is under way.
const SENT: &str = "data-sent";
/// How long a form counts as under way. Nothing tells a page that the visitor stopped its answer from
/// coming; after this long it may be sent again.
const UNDER_WAY: Duration = Duration::from_secs(10);

/// Sends each form that posts once: a second submit while the first is under way is ignored, so that
/// a double click does not throw away the answer to the first. A page that Back brings out of the
/// browser's memory begins anew.
pub fn guard_forms() {
    window_event_listener(ev::submit, |event| {
        let Some(form) = event
            .target()
            .and_then(|form| form.dyn_into::<Element>().ok())
        else {
            return;
        };
        let posts = form
            .get_attribute("method")
            .is_some_and(|method| method == "post");
        if !posts || event.default_prevented() {
            return;
        }
        if form.has_attribute(SENT) {
            event.prevent_default();
            return;
        }
        // A mark that cannot be set leaves the form as it is without script.
        form.set_attribute(SENT, "").ok();
        set_timeout(
            move || {
                form.remove_attribute(SENT).ok();
            },
            UNDER_WAY,
        );
    });
    window_event_listener_untyped("pageshow", |_| {
        let Ok(forms) = document().query_selector_all("form[data-sent]") else {
            return;
        };
        for form in (0..forms.length()).filter_map(|index| forms.item(index)) {
            if let Some(form) = form.dyn_ref::<Element>() {
                form.remove_attribute(SENT).ok();
            }
        }
    });
}
