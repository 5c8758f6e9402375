use leptos::prelude::*;

use super::parts::{Code, Tab, Tabs};
use crate::islands::CopyLine;

/// How to see for oneself that a token is accepted: a command in the language of one's choice, with
/// the answer to expect. The token itself stands in none of them.
#[component]
pub fn CheckCommands(
    /// Where the dashboard and `/verify` are reached.
    #[prop(into)]
    base: String,
    /// The integration that the answer names; its id is left open when empty.
    #[prop(optional, into)]
    integration: String,
    /// The standing that the answer names.
    #[prop(default = "working")]
    standing: &'static str,
) -> impl IntoView {
    let id = if integration.is_empty() {
        "int_…".to_owned()
    } else {
        integration
    };
    let url = base + "/verify";
    let answers = [
        format!("HTTP/1.1 200 OK\nrollcall-integration: {id}\nrollcall-standing: {standing}"),
        format!("200 {standing}"),
        format!("200 {standing}"),
    ];
    let commands = [
        ("curl", curl(&url)),
        ("JavaScript", javascript(&url)),
        ("Python", python(&url)),
    ];
    let tabs: Vec<Tab> = commands
        .into_iter()
        .zip(answers)
        .map(|((name, code), answer)| {
            let id = format!("check-{}", name.to_lowercase());
            let panel = view! {
                <Code code answer id=Some(id.clone())/>
                <div class="panel-foot"><CopyLine target=id label="Copy command".to_owned() line="{}".to_owned()/></div>
            };
            Tab::new(name, panel)
        })
        .collect();
    view! { <Tabs name="language" legend="Language" tabs/> }
}

fn curl(url: &str) -> String {
    format!("curl -i {url} \\\n  -H \"Authorization: Bearer $ROLLCALL_TOKEN\"")
}

fn javascript(url: &str) -> String {
    format!(
        "const answer = await fetch(\"{url}\", {{\n  headers: {{ Authorization: `Bearer ${{process.env.ROLLCALL_TOKEN}}` \
         }},\n}});\nconsole.log(answer.status, answer.headers.get(\"rollcall-standing\"));"
    )
}

fn python(url: &str) -> String {
    format!(
        "import os, urllib.request\n\nrequest = urllib.request.Request(\n    \"{url}\",\n    \
         headers={{\"Authorization\": \"Bearer \" + os.environ[\"ROLLCALL_TOKEN\"]}},\n)\n\
         with urllib.request.urlopen(request) as answer:\n    print(answer.status, answer.headers[\"Rollcall-Standing\"])"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_variable_and_never_a_token() {
        let url = "https://keys.example/verify";
        assert_eq!(
            curl(url),
            "curl -i https://keys.example/verify \\\n  -H \"Authorization: Bearer $ROLLCALL_TOKEN\""
        );
        assert!(javascript(url).contains("`Bearer ${process.env.ROLLCALL_TOKEN}` },"));
        assert!(python(url).contains(
            "    headers={\"Authorization\": \"Bearer \" + os.environ[\"ROLLCALL_TOKEN\"]},"
        ));
    }
}
