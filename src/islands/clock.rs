use leptos::prelude::*;
use wasm_bindgen_futures::js_sys::Date;
use wasm_bindgen_futures::wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

/// Says beside the server's UTC what this browser's clock shows: in the foot of the page at once, and
/// of each time when it is pointed at. Nothing in the page moves for it.
pub fn tell_local_times() {
    let now = Date::new_0();
    if now.get_timezone_offset() == 0.0 {
        return;
    }
    if let Some(clock) = document().get_element_by_id("clock") {
        let local = now.to_locale_time_string("en-GB");
        let minutes: String = String::from(local).chars().take(5).collect();
        clock.set_text_content(Some(
            &["Times are in UTC; here it is ", &minutes, "."].concat(),
        ));
    }
    window_event_listener_untyped("pointerover", |event| {
        let time = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|target| target.closest("time").ok().flatten());
        let Some(time) = time else {
            return;
        };
        if let Some(at) = time.get_attribute("datetime") {
            let local =
                Date::new(&JsValue::from_str(&at)).to_locale_string("en-GB", &JsValue::UNDEFINED);
            // Without it the time reads as it did.
            time.set_attribute("title", &String::from(local)).ok();
        }
    });
}
