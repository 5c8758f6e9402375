use leptos::ev;
use leptos::prelude::*;
use web_sys::wasm_bindgen::JsCast;
use web_sys::{Element, Event};

/// On a form that was sent: when, in milliseconds of the page's own clock.
const SENT: &str = "data-sent";
/// How long a form counts as under way, in milliseconds. Nothing tells a page that the visitor
/// stopped its answer from coming; after this long it may be sent again.
const UNDER_WAY_MS: f64 = 10_000.0;

/// Sends each form of the page once: a second submit while the first is under way is ignored, so that
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
        let now = Event::time_stamp(&event);
        let sent = form
            .get_attribute(SENT)
            .and_then(|at| at.parse::<f64>().ok());
        if sent.is_some_and(|sent| now - sent < UNDER_WAY_MS) {
            event.prevent_default();
        } else if !event.default_prevented() {
            // A mark that cannot be set leaves the form as it is without script.
            form.set_attribute(SENT, &now.to_string()).ok();
        }
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
