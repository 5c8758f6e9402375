//! What holds for every part, seen on their HTML.

use leptos::prelude::*;

use super::*;
use crate::model::{Phase, Standing, TokenState, UnixMs};

const NOW: UnixMs = UnixMs(1_795_317_360_000); // 2026-11-22T03:16:00Z

fn html<V: IntoView>(view: impl FnOnce() -> V) -> String {
    Owner::new().with(|| view().into_view().to_html())
}

fn ago_ms(seconds: i64) -> UnixMs {
    NOW.plus(-1_000 * seconds)
}

/// One of everything.
fn all() -> Vec<(&'static str, String)> {
    let standings = || {
        let badges = Standing::ALL.map(|standing| view! { <StandingBadge standing /> });
        view! { <div class="cluster">{badges.collect_view()}</div> }
    };
    let states = || {
        let states = [
            TokenState::Active,
            TokenState::Dormant,
            TokenState::Replaced,
            TokenState::Revoked,
            TokenState::Expired,
            TokenState::Held,
        ];
        let badges = states.map(|state| view! { <StateBadge state /> });
        view! { <div class="cluster">{badges.collect_view()}</div> }
    };
    vec![
        ("head", html(head)),
        (
            "errors",
            html(|| view! { <ErrorSummary errors=errors() /> }),
        ),
        ("standings", html(standings)),
        ("states", html(states)),
        ("banner", html(banner)),
        ("rows", html(rows)),
        ("strips", html(strips)),
        ("stats", html(stats)),
        ("charts", html(charts)),
        ("form", html(form)),
        ("table", html(table)),
        ("tabs", html(tabs)),
        ("facts", html(facts)),
        ("empty", html(empty)),
    ]
}

fn head() -> impl IntoView {
    let crumbs = [Crumb::link("Integrations", "/"), Crumb::here("Order sync")];
    view! {
        <PageHeader title="Order sync needs a new token." sub="Refused since 2 Nov." crumbs>
            <a class="button primary" href="/x">"Generate new token"</a>
        </PageHeader>
    }
}

fn errors() -> Vec<FieldError> {
    vec![
        FieldError::new("name", "Give the integration a name."),
        FieldError::new("", "The form was sent twice."),
    ]
}

fn banner() -> impl IntoView {
    let part = |tone, shape, count, words: &str| Segment {
        tone,
        shape,
        count,
        words: words.to_owned(),
    };
    let parts = vec![
        part(Tone::Good, Shape::Check, 1_187, "captured"),
        part(Tone::Warn, Shape::Unseen, 53, "not seen yet"),
        part(Tone::Bad, Shape::Alert, 2, "held"),
    ];
    view! {
        <section class="banner" aria-label="Rotation 2026-11">
            <div class="banner-line">
                <div>
                    <h2 class="banner-title">"Recording phase “2026-11”"</h2>
                    <p>"Every integration that makes one request keeps working."</p>
                </div>
                <p class="banner-when">"Cutover " {deadline(ago_ms(-7 * 86_400), NOW)}</p>
            </div>
            <PhaseTrack phase=Some(Phase::Recording) />
            <SegmentBar parts />
        </section>
    }
}

fn rows() -> impl IntoView {
    let days: Vec<u32> = (0..30).map(|day| (day * 37) % 23).collect();
    view! {
        <section class="rows" aria-label="Integrations">
            <ul role="list">
                <li class="row tone-bad">
                    <div class="row-name">
                        <a href="/integrations/int_1">"Order sync"</a>
                        <span class="mono">"tok_…b71c"</span>
                    </div>
                    <div class="row-standing"><StandingBadge standing=Standing::NeedsToken /></div>
                    <div class="row-cadence">
                        <CadenceBars days refused=vec![0, 4] recording_from=Some(16) />
                    </div>
                    <div class="row-last">
                        <span><When at=ago_ms(240) now=NOW /></span>
                        <span class="quiet">"refused 214 times since cutover"</span>
                    </div>
                    <div class="row-action"><a class="button primary" href="/x">"Generate new token"</a></div>
                </li>
            </ul>
        </section>
    }
}

fn strips() -> impl IntoView {
    let tones = [Tone::Good, Tone::Warn, Tone::Bad, Tone::Plain, Tone::Accent];
    let strips = tones.map(|tone| view! { <Notice tone>"What happened, and what to do."</Notice> });
    view! {
        <div class="stack">
            {strips.collect_view()}
            <LivePanel
                tone=Tone::Warn
                shape=Shape::Waiting
                title="Waiting for first request"
                text="This turns to Working by itself."
            >
                <a class="button" href="/x">"Check now"</a>
            </LivePanel>
            <LivePanel tone=Tone::Good shape=Shape::Pulse title="Working: first request 03:14:09 UTC" />
        </div>
    }
}

fn stats() -> impl IntoView {
    view! {
        <StatTiles>
            <Stat value=thousands(1_187) label="tokens captured" tone=Tone::Good note="96 %" />
            <Stat value="53" label="tokens not seen yet" tone=Tone::Warn />
            <Stat value="412" label="sessions captured" />
        </StatTiles>
    }
}

fn charts() -> impl IntoView {
    let points = |values: &[u64]| -> Vec<Point> {
        let points = values.iter().enumerate().map(|(at, value)| Point {
            label: format!("{} Nov", at + 1),
            value: *value,
        });
        points.collect()
    };
    let ceiling = Ceiling {
        value: 1_240,
        label: "1,240 in use in the last 60 days".to_owned(),
    };
    view! {
        <AreaChart
            title="Captures over time"
            answer="1,187 of 1,240 tokens in use"
            points=points(&[0, 400, 700, 900, 1_020, 1_100, 1_150, 1_187])
            counts="captured"
            ceiling=Some(ceiling)
            missing="not seen yet"
            slots=15
            end="30 Nov, cutover"
        />
        <AreaChart
            title="Recovery"
            answer="9 accounts still without a working token"
            points=points(&[37, 30, 22, 14, 9])
            counts="not recovered"
            tone=Tone::Bad
        />
        <AreaChart title="Just begun" answer="nothing yet" points=points(&[0]) counts="captured" slots=15 />
    }
}

fn form() -> impl IntoView {
    let errors = errors();
    view! {
        <form class="form" method="post">
            <Field name="name" label="Name" hint="As in emails." error=error_of(&errors, "name") required=true />
            <Field name="reference" label="Reference" may_be_empty=true class="short" />
            <TextField name="text" label="What happened" value="</textarea><script>" />
            <SelectField
                name="expires"
                label="Expires"
                choices=vec![("90d".into(), "in 90 days".into()), ("never".into(), "never".into())]
                chosen="never"
            />
            <Choices legend="The old token" beside=true>
                <Choice name="old" value="proof" words="Retire it after the first request" detail="Safe." chosen=true />
                <Choice name="old" value="now" words="Revoke it now" />
            </Choices>
            <Acknowledgements legend="You know that">
                <Acknowledge name="ack_stop" words="53 tokens stop working" detail="31 of them monthly." />
            </Acknowledgements>
            <TypedConfirmation name="confirm" expected="2026-11">
                <button class="button danger gated">"Finalise 2026-11"</button>
            </TypedConfirmation>
        </form>
    }
}

fn table() -> impl IntoView {
    view! {
        <Table
            caption="Accounts"
            columns=[
                Column::Own(view! { <SortHeader label="Account" href="?sort=-name" order=Some(Order::Ascending) /> }.into_any()),
                Column::Own(view! { <SortHeader label="Stops" href="?sort=stops" num=true /> }.into_any()),
                Column::Figures("Refused"),
                Column::Unseen("What to do"),
            ]
            wide="Accounts"
        >
            <tr>
                <th scope="row"><a href="/a">"Northwind"</a></th>
                <td class="num" data-label="Stops">"1 of 4"</td>
                <td class="num" data-label="Refused">"12"</td>
                <td><a href="/a/readmit">"Readmit"</a></td>
            </tr>
        </Table>
        <Pagination page=2 per_page=50 total=1_240 href=|page| format!("?page={page}") />
        <StepPager note="1–50" next=Some("?after=x".to_owned()) />
    }
}

fn tabs() -> impl IntoView {
    let curl = "curl -i https://keys.example/verify \\\n  -H \"Authorization: Bearer …\"";
    let tabs = vec![
        Tab::new(
            "curl",
            view! { <Code code=curl answer="HTTP/1.1 200 OK" id=Some("check".to_owned()) /> },
        ),
        Tab::new("Python", view! { <Code code="import requests" /> }),
    ];
    view! { <Tabs name="language" legend="Language" tabs /> }
}

fn facts() -> impl IntoView {
    view! {
        <Facts>
            <Fact term="Id"><span class="mono">"int_01JD5"</span></Fact>
            <Fact term="Last use"><When at=ago_ms(9) now=NOW seconds=true /></Fact>
        </Facts>
        <Timeline>
            <Happening at=ago_ms(86_400) now=NOW tone=Tone::Bad>"Cutover"</Happening>
            <Happening at=ago_ms(864_000) now=NOW>"Recording began"</Happening>
        </Timeline>
    }
}

fn empty() -> impl IntoView {
    view! {
        <EmptyState title="No integrations yet" text="Each program that calls the API is one.">
            <a class="button primary" href="/integrations/new">"Create an integration"</a>
        </EmptyState>
    }
}

#[test]
fn no_part_carries_a_style_or_a_script() {
    for (name, html) in all() {
        for forbidden in [" style=", "<script", "onclick", "javascript:"] {
            assert!(!html.contains(forbidden), "{name} has {forbidden}: {html}");
        }
    }
}

#[test]
fn every_label_hint_and_error_is_wired() {
    let html = html(form);
    for (_, id) in html.match_indices("for=\"").map(|(at, _)| {
        let rest = &html[at + 5..];
        (at, &rest[..rest.find('"').expect("a closing quote")])
    }) {
        assert!(
            html.contains(&format!("id=\"{id}\"")),
            "{id} labels nothing"
        );
    }
    assert!(html.contains("aria-describedby=\"name-hint name-error\""));
    assert!(html.contains("id=\"name-hint\"") && html.contains("id=\"name-error\""));
    assert!(html.contains("&lt;/textarea>&lt;script>"));
    assert!(html.contains("pattern=\" *2026\\x2d11 *\""));
}

#[test]
fn icons_are_silent_and_words_speak() {
    for (name, html) in all() {
        let svgs = html.matches("<svg class=\"icon").count();
        let silent = html.matches("aria-hidden=\"true\"").count();
        assert!(silent >= svgs, "{name}: an icon is read aloud");
    }
    let badge = html(|| view! { <StandingBadge standing=Standing::NotSeen /> });
    assert!(badge.contains("tone-warn") && badge.contains("Not seen yet"));
}

#[test]
fn code_is_shown_to_the_letter() {
    let html = html(tabs);
    assert!(
        html.contains("<pre><code id=\"check\">curl -i https"),
        "{html}"
    );
}
