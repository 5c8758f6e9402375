use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_futures::js_sys::Uint8Array;
use wasm_bindgen_futures::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlTextAreaElement, RequestInit};

use super::live::{Answer, answer_of};
use super::pasted::{self, Pasted};

/// Where the digest is asked about.
const ASK: &str = "/diagnose/answer";

/// What takes the place of the explanation once scripts run: the field has no name and stands in no
/// form, so that nothing can send it.
const FIELD: &str = r#"<div class="form panel"><div class="field"><label for="pasted">Access token</label><p class="hint" id="pasted-hint">It stays in this browser: only its digest is sent.</p><textarea class="input mono" id="pasted" aria-describedby="pasted-hint pasted-note" autocomplete="off" autocapitalize="off" spellcheck="false"></textarea><p class="small" id="pasted-note" role="status"></p></div><div class="actions"><button type="button" class="button primary" id="explain">Explain this token</button></div></div><div id="explained" role="status"></div>"#;

/// Takes a token, hashes it here, and shows what the service says of its digest. The token is sent
/// nowhere.
///
/// Its children stand there without script, and where hashing is not to be had.
#[island]
pub fn Diagnose(
    /// The explanation that does without.
    children: Children,
) -> impl IntoView {
    let place = NodeRef::<Div>::new();
    Effect::new(move || {
        if let Some(place) = place.get() {
            wake(&place);
        }
    });
    view! { <div class="diagnose" node_ref=place>{children()}</div> }
}

fn wake(place: &Element) {
    let can_hash = window()
        .crypto()
        .is_ok_and(|crypto| !crypto.subtle().is_undefined());
    if !can_hash {
        return;
    }
    place.set_inner_html(FIELD);
    window_event_listener_untyped("click", |event| {
        let id = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .map(|target| target.id());
        if id.as_deref() == Some("explain") {
            explain();
        }
    });
}

fn explain() {
    let Some(field) = document().get_element_by_id("pasted") else {
        return;
    };
    let text = field.unchecked_into::<HtmlTextAreaElement>().value();
    put("explained", "");
    match pasted::read(&text) {
        Ok(Pasted { token, around }) => {
            let note = if around.is_empty() {
                String::new()
            } else {
                [
                    "Left out: ",
                    &around.join(", "),
                    ". None of it is part of the token: store the token alone.",
                ]
                .concat()
            };
            say(&note);
            spawn_local(async move {
                match ask(&token).await {
                    Answer::Fragment(html) => put("explained", &html),
                    Answer::Gone => say("You are signed out. Reload the page."),
                    Answer::Failed => say("The service cannot be reached. Try again in a moment."),
                }
            });
        }
        Err(problem) => say(problem),
    }
}

fn say(words: &str) {
    if let Some(note) = document().get_element_by_id("pasted-note") {
        note.set_text_content(Some(words));
    }
}

fn put(id: &str, html: &str) {
    if let Some(place) = document().get_element_by_id(id) {
        place.set_inner_html(html);
    }
}

/// Asks about the digest of a token.
async fn ask(token: &str) -> Answer {
    let Some(digest) = digest(token).await else {
        return Answer::Failed;
    };
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&JsValue::from_str(&digest));
    answer_of(window().fetch_with_str_and_init(ASK, &init)).await
}

/// The SHA-256 of a text in hexadecimal digits.
async fn digest(text: &str) -> Option<String> {
    let subtle = window().crypto().ok()?.subtle();
    let hash = subtle
        .digest_with_str_and_u8_array("SHA-256", text.as_bytes())
        .ok()?;
    let bytes = Uint8Array::new(&JsFuture::from(hash).await.ok()?).to_vec();
    let digits = bytes.into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
