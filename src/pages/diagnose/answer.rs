use leptos::prelude::*;

use crate::model::{Reason, Standing, UnixMs};
use crate::pages::customer::{caller, cutover, hint, recording, times, until};
use crate::pages::help::meaning;
use crate::pages::parts::{Fact, Facts, LivePanel, Shape, Tone, When, standing_look, when};
use crate::rotation::decide::Verdict;
use crate::rotation::diagnose::Diagnosis;
use crate::rotation::standing::of_live_token;

/// What is said first of a token.
#[derive(Debug, PartialEq, Eq)]
struct Words {
    tone: Tone,
    shape: Shape,
    title: String,
    text: String,
}

/// A token of one's own account.
#[component]
pub fn Explained(
    /// What was found out.
    diagnosis: Diagnosis,
) -> impl IntoView {
    let words = words(&diagnosis);
    let code = match diagnosis.verdict {
        Verdict::Refuse(reason) => Some(reason.code()),
        Verdict::Accept(_) | Verdict::Hold => None,
    };
    let steps = view! { <Steps diagnosis=diagnosis.clone()/> };
    view! {
        <div class="stack">
            <LivePanel tone=words.tone shape=words.shape title=words.title text=words.text>{steps}</LivePanel>
            <div class="panel"><TokenFacts diagnosis/></div>
            {code.map(|code| view! { <CodeLine code/> })}
        </div>
    }
}

/// A token that was never issued here, or not to this account: which of the two is not told.
#[component]
pub fn Unknown() -> impl IntoView {
    let code = Reason::Unknown.code();
    view! {
        <div class="stack">
            <LivePanel
                tone=Tone::Bad
                shape=Shape::Absent
                title="No token of your account is this one."
                text="It was never issued here, it is of another account, or the copy is not exact: one wrong character makes \
                      another token. Compare its last four characters with those on your integrations’ pages."
            >
                <a class="button" href="/">"Open your integrations"</a>
            </LivePanel>
            <p class="small">
                "If it was never issued here, a request with it is answered 401 with the code "
                <a class="mono" href=format!("/help/{code}")>{code}</a>". Of other accounts’ tokens nothing is told."
            </p>
        </div>
    }
}

#[component]
fn CodeLine(code: &'static str) -> impl IntoView {
    view! {
        <p class="small">
            "A request with it is answered 401 with the code "
            <a class="mono" href=format!("/help/{code}")>{code}</a>"."
        </p>
    }
}

/// The one thing to do about it.
#[component]
fn Steps(diagnosis: Diagnosis) -> impl IntoView {
    let Diagnosis {
        verdict,
        token,
        integration,
        moment,
        ..
    } = diagnosis;
    let href = format!("/integrations/{}", integration.id);
    let name = integration.name;
    let is_over = integration.archived_at.is_some();
    match verdict {
        Verdict::Refuse(Reason::AccountDisabled) => {
            view! { <a class="button" href="/help/account_disabled">"What that means"</a> }
                .into_any()
        }
        Verdict::Accept(_) if of_live_token(&token, moment.stage) != Standing::NotSeen => {
            view! { <a class="button" href=href>"Open "{name}</a> }.into_any()
        }
        _ if is_over => view! { <a class="button" href=href>"Read its story"</a> }.into_any(),
        _ => view! {
            <a class="button" href=format!("{href}#generate")>
                "Generate new token"<span class="visually-hidden">{format!(" for {name}")}</span>
            </a>
        }
        .into_any(),
    }
}

fn words(diagnosis: &Diagnosis) -> Words {
    match diagnosis.verdict {
        Verdict::Refuse(reason) => refused(diagnosis, reason),
        Verdict::Accept(_) | Verdict::Hold => accepted(diagnosis),
    }
}

fn accepted(diagnosis: &Diagnosis) -> Words {
    let moment = &diagnosis.moment;
    let which = which(diagnosis);
    let standing = of_live_token(&diagnosis.token, moment.stage);
    let (tone, shape) = standing_look(standing);
    let (title, text) = match standing {
        Standing::NotSeen => (
            "This token works until the cutover.".to_owned(),
            format!(
                "{which} It has made no request in this recording phase: make one, or generate a new token, before {}.",
                recording(moment).map_or_else(
                    || "the cutover".to_owned(),
                    |rotation| until(rotation, moment.now)
                )
            ),
        ),
        Standing::Captured => (
            "This token works, and goes on working.".to_owned(),
            format!("{which} It is captured: the rotation does not end it."),
        ),
        Standing::Waiting => (
            "This token works, and has not been used yet.".to_owned(),
            format!("{which} It waits for its first request."),
        ),
        _ => ("This token works.".to_owned(), which),
    };
    // Of a ledger that named digests alone it is not known when its tokens end.
    let text = if diagnosis.token.issued_by == "another platform"
        && diagnosis.token.expires_at.is_none()
    {
        format!(
            "{text} It was issued by another platform: if it says itself that it has expired, it is refused."
        )
    } else {
        text
    };
    Words {
        tone,
        shape,
        title,
        text,
    }
}

fn refused(diagnosis: &Diagnosis, reason: Reason) -> Words {
    let (token, now) = (&diagnosis.token, diagnosis.moment.now);
    let which = which(diagnosis);
    let at = |at: Option<UnixMs>| {
        at.map(|at| format!(": {}", when(at, now)))
            .unwrap_or_default()
    };
    let (shape, why) = match reason {
        Reason::NotCaptured => (
            Shape::Alert,
            format!(
                "It made no request in the recording phase before the cutover{}.",
                at(cutover(&diagnosis.moment))
            ),
        ),
        Reason::Replaced => (
            Shape::Replaced,
            format!(
                "A newer one{} has taken its place{}.",
                diagnosis
                    .successor
                    .as_ref()
                    .map(|newer| format!(", {},", hint(newer)))
                    .unwrap_or_default(),
                at(token.ends_at)
            ),
        ),
        Reason::Revoked if diagnosis.integration.archived_at.is_some() => (
            Shape::Revoked,
            format!(
                "It was revoked{}. Its integration is archived{}.",
                at(token.revoked_at),
                at(diagnosis.integration.archived_at)
            ),
        ),
        Reason::Revoked => (
            Shape::Revoked,
            format!("It was revoked{}.", at(token.revoked_at)),
        ),
        Reason::Expired => (
            Shape::Expired,
            format!("Its end came{}.", at(token.expires_at)),
        ),
        Reason::AccountDisabled => (
            Shape::Revoked,
            "All tokens of your account are refused.".to_owned(),
        ),
        Reason::Missing | Reason::Malformed | Reason::Unknown => (Shape::Absent, String::new()),
    };
    let title =
        meaning(reason.code()).map_or("This access token is refused.", |meaning| meaning.title);
    Words {
        tone: Tone::Bad,
        shape,
        title: title.to_owned(),
        text: format!("{which} {why}").trim_end().to_owned(),
    }
}

fn which(diagnosis: &Diagnosis) -> String {
    format!(
        "It is the token {} of {}.",
        hint(&diagnosis.token),
        diagnosis.integration.name
    )
}

#[component]
fn TokenFacts(diagnosis: Diagnosis) -> impl IntoView {
    let Diagnosis {
        token,
        integration,
        moment,
        ..
    } = diagnosis;
    let now = moment.now;
    let last = match token.last_used_at {
        Some(at) => {
            let called = caller(token.last_agent.as_deref(), token.last_source.as_deref());
            view! {
                <div class="cell-two">
                    <When at now/>
                    {called.map(|called| view! { <span class="quiet">{called}</span> })}
                </div>
            }
            .into_any()
        }
        None => "Never used".into_any(),
    };
    let expires = match token.expires_at {
        Some(at) => view! { <When at now/> }.into_any(),
        None => "Never".into_any(),
    };
    let refused =
        (token.refused > 0).then(|| view! { <Fact term="Refused">{times(token.refused)}</Fact> });
    view! {
        <Facts>
            <Fact term="Integration">
                <a href=format!("/integrations/{}", integration.id)>{integration.name}</a>
            </Fact>
            <Fact term="Token"><span class="mono">{format!("…{}", token.hint)}</span></Fact>
            <Fact term="Issued"><When at=token.issued_at now/></Fact>
            <Fact term="Last use">{last}</Fact>
            <Fact term="Expires">{expires}</Fact>
            {refused}
        </Facts>
    }
}
