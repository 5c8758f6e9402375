use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement};

use super::live::{Answer, fragment};

/// On a link: the address of a fragment that is shown over the page instead of what the link leads to.
const SRC: &str = "data-dialog";

/// Opens links that say so in the page's dialog. What was typed in it stays when it is closed; a link
/// that cannot be opened so leads where it leads without script.
pub fn open_dialogs() {
    window_event_listener(ev::click, |event| {
        // A new tab or window was asked for.
        let is_plain = event.button() == 0
            && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
        let target = event.target().and_then(|at| at.dyn_into::<Element>().ok());
        let link = target.and_then(|at| at.closest("a[data-dialog]").ok().flatten());
        let dialog = document()
            .get_element_by_id("dialog")
            .and_then(|at| at.dyn_into::<HtmlDialogElement>().ok());
        if let (true, Some(link), Some(dialog)) = (is_plain, link, dialog) {
            event.prevent_default();
            open(link, dialog);
        }
    });
}

fn open(link: Element, dialog: HtmlDialogElement) {
    let src = link.get_attribute(SRC).unwrap_or_default();
    if dialog.get_attribute(SRC).as_ref() == Some(&src) {
        dialog.show_modal().ok();
        return;
    }
    spawn_local(async move {
        let shown = match fragment(&src).await {
            Answer::Fragment(html) => {
                dialog.set_inner_html(&html);
                dialog.show_modal().is_ok()
            }
            Answer::Failed | Answer::Gone => false,
        };
        if shown {
            dialog.set_attribute(SRC, &src).ok();
        } else {
            let href = link.get_attribute("href").unwrap_or_default();
            window().location().set_href(&href).ok();
        }
    });
}
