use std::time::Duration;

use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_futures::js_sys::Promise;
use wasm_bindgen_futures::wasm_bindgen::JsCast;

/// What is put on a fragment that says the last word: nothing will change any more.
const DONE: &str = "[data-done]";
/// What is said politely when a fragment takes the place of another.
const SAY: &str = "data-say";
/// How often in a row a question must fail before that is said: one may meet a restart.
const FAILURES: u32 = 2;
/// How long an answer is waited for, in milliseconds: a network that swallows everything is away too.
const PATIENCE_MS: u32 = 10_000;

/// Shows what is the case, and keeps showing it: asks `src` for a fragment of HTML again and again
/// and puts it in the place of its children, until the fragment says it is done (`data-done`).
///
/// Its children stand there from the server, so that the page is whole without script. It does not
/// ask while the tab is hidden, and it changes the page only when the fragment has changed. When it can
/// follow no more, it says so: what stands there may be old.
#[island]
pub fn Live(
    /// Where the fragment is: an address of this site.
    src: String,
    /// How long it waits from one question to the next, in milliseconds.
    every_ms: u32,
    /// What is the case now.
    children: Children,
) -> impl IntoView {
    let place = NodeRef::<Div>::new();
    let said = RwSignal::new(String::new());
    let trouble = RwSignal::new("");
    Effect::new(move || {
        if let Some(place) = place.get() {
            watch(place.into(), src.clone(), every_ms, said, trouble);
        }
    });
    view! {
        <div node_ref=place>{children()}</div>
        <span role="status" class="visually-hidden">{move || said.get()}</span>
        <p
            role="status"
            class=move || if trouble.get().is_empty() { "visually-hidden" } else { "notice tone-warn live-trouble" }
        >
            {move || trouble.get()}
        </p>
    }
}

fn watch(
    place: web_sys::Element,
    src: String,
    every_ms: u32,
    said: RwSignal<String>,
    trouble: RwSignal<&'static str>,
) {
    if is_done(&place) {
        return;
    }
    let is_asking = StoredValue::new(false);
    let timer = StoredValue::new(None::<IntervalHandle>);
    let stop = move || {
        if let Some(timer) = timer.try_get_value().flatten() {
            timer.clear();
        }
    };
    let last = StoredValue::new(String::new());
    let told = StoredValue::new(words(&place));
    let failures = StoredValue::new(0);
    let tell = move |words| {
        if trouble.get_untracked() != words {
            trouble.set(words);
        }
    };
    let ask = move || {
        if document().hidden() || is_asking.get_value() {
            return;
        }
        is_asking.set_value(true);
        let (place, src) = (place.clone(), src.clone());
        spawn_local(async move {
            match fragment(&src).await {
                Answer::Fragment(html) => {
                    failures.set_value(0);
                    tell("");
                    if last.get_value() != html {
                        place.set_inner_html(&html);
                        last.set_value(html);
                        let words = words(&place);
                        if told.get_value() != words {
                            told.set_value(words.clone());
                            said.set(words);
                        }
                        if is_done(&place) {
                            stop();
                        }
                    }
                }
                Answer::Failed => {
                    failures.update_value(|failures| *failures += 1);
                    if failures.get_value() >= FAILURES {
                        tell(
                            "The service cannot be reached from here: what you see may be old. Trying again.",
                        );
                    }
                }
                Answer::Gone => {
                    tell("You are signed out, or this is no longer there. Reload the page.");
                    stop();
                }
            }
            is_asking.try_set_value(false);
        });
    };
    timer.set_value(set_interval_with_handle(ask, Duration::from_millis(every_ms.into())).ok());
    on_cleanup(stop);
}

fn is_done(place: &web_sys::Element) -> bool {
    place
        .query_selector(DONE)
        .is_ok_and(|found| found.is_some())
}

/// What the fragment wants to be said when it changes.
fn words(place: &web_sys::Element) -> String {
    place
        .query_selector("[data-say]")
        .ok()
        .flatten()
        .and_then(|element| element.get_attribute(SAY))
        .unwrap_or_default()
}

/// What came of a question to the server.
pub(super) enum Answer {
    /// A piece of a page.
    Fragment(String),
    /// The network or the server is away for now.
    Failed,
    /// Signed out, or no longer there: asking again is no use.
    Gone,
}

/// Asks for a fragment of HTML of this site.
pub(super) async fn fragment(src: &str) -> Answer {
    let init = web_sys::RequestInit::new();
    init.set_signal(Some(&web_sys::AbortSignal::timeout_with_u32(PATIENCE_MS)));
    answer_of(window().fetch_with_str_and_init(src, &init)).await
}

/// Awaits what was asked for.
pub(super) async fn answer_of(asked: Promise) -> Answer {
    let answer = JsFuture::from(asked)
        .await
        .ok()
        .and_then(|answer| answer.dyn_into::<web_sys::Response>().ok());
    let Some(answer) = answer else {
        return Answer::Failed;
    };
    if answer.redirected() || (400..500).contains(&answer.status()) {
        return Answer::Gone;
    }
    if !answer.ok() {
        return Answer::Failed;
    }
    let Ok(text) = answer.text() else {
        return Answer::Failed;
    };
    match JsFuture::from(text)
        .await
        .ok()
        .and_then(|text| text.as_string())
    {
        Some(html) => Answer::Fragment(html),
        None => Answer::Failed,
    }
}
