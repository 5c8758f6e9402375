//! What is shown once: the secret for an app, and recovery codes.

use std::fmt::Write as _;

use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

use crate::model::RecoveryCode;
use crate::pages::parts::{Crumb, Field, Notice, PageHeader, Tone};
use crate::rotation::second_factor::Enrolment;

/// The empty squares that a reader wants around a code (ISO/IEC 18004 §5.3.8).
const QUIET: usize = 4;

/// The secret for an app, as a picture and to type, and the field for the code that proves it arrived.
#[component]
pub fn Enrol(
    /// The secret.
    enrolment: Enrolment,
) -> impl IntoView {
    let Enrolment { secret, uri } = enrolment;
    let crumbs = vec![
        Crumb::link("Settings", "/settings"),
        Crumb::link("Second factor", "/settings/second-factor"),
        Crumb::here("Set up"),
    ];
    let grouped = secret
        .as_bytes()
        .chunks(4)
        .map(|four| String::from_utf8_lossy(four).into_owned())
        .collect::<Vec<_>>()
        .join(" ");
    view! {
        <PageHeader title="Scan this with your app, then type its code." crumbs
            sub="Any app that makes six-digit codes will do. This is shown once; the second factor is on when the code is right."/>
        <section class="panel enrol">
            {picture(&uri)}
            <div class="stack tight">
                <h2>"Or type this into the app"</h2>
                <output class="mono secret" id="secret">{grouped}</output>
                <p class="small quiet">"Time-based, SHA-1, six digits, thirty seconds: what apps take for granted."</p>
            </div>
        </section>
        <form class="form panel" method="post" action="/settings/second-factor/confirm">
            <Field name="code" label="Six-digit code" autocomplete="one-time-code" required=true max_length=12 numeric=true
                class="mid mono" hint="The one your app shows for this site now."/>
            <div class="actions">
                <button type="submit" class="button primary">"Turn it on"</button>
                <a class="button" href="/settings/second-factor">"Cancel"</a>
            </div>
        </form>
    }
}

/// A text as a QR code: black on white in either theme, because that is what cameras read.
fn picture(text: &str) -> impl IntoView + use<> {
    // Longer than any address can make it, a code would still hold it.
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, colour) in code.to_colors().into_iter().enumerate() {
        if colour == Color::Dark {
            let (x, y) = (at % width + QUIET, at / width + QUIET);
            // Writing into a String cannot fail.
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    let size = width + 2 * QUIET;
    Some(view! {
        <svg class="qr" viewBox=format!("0 0 {size} {size}") role="img" aria-label="QR code with the secret that stands beside it"
            shape-rendering="crispEdges">
            <rect width="100%" height="100%" fill="#fff"></rect>
            <path d=path fill="#000"></path>
        </svg>
    })
}

/// Recovery codes, shown once.
#[component]
pub fn RecoveryCodes(
    /// The codes.
    codes: Vec<RecoveryCode>,
    /// What has happened.
    title: &'static str,
) -> impl IntoView {
    let lines = codes
        .into_iter()
        .map(|code| view! { <li><code>{code.expose().to_string()}</code></li> })
        .collect_view();
    view! {
        <PageHeader title
            sub="Each signs you in once when your app is not at hand. They are shown now and never again: print them, or keep \
                 them in your password manager."/>
        <section class="panel">
            <ol class="codes" id="recovery-codes">{lines}</ol>
        </section>
        <Notice tone=Tone::Warn>
            <p>"Without your app and without a code nobody gets in, and only whoever runs the platform can help you."</p>
        </Notice>
        <div class="actions"><a class="button primary" href="/settings">"I have kept them"</a></div>
    }
}
