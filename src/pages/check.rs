use leptos::prelude::*;

use super::parts::{Code, Tab, Tabs};
use crate::islands::CopyText;

/// The cookie that remembers the language chosen last; the browser's side sets it.
pub const LANGUAGE_COOKIE: &str = "language";

/// A language in which the check is shown.
struct Language {
    name: &'static str,
    /// How to run it.
    run: &'static str,
    /// The command: `{url}` and `{token}` stand for themselves.
    command: &'static str,
    /// What it prints when the token is accepted, to the letter.
    answer: &'static str,
}

/// A refused token shows in each by its 401; with curl, JavaScript and Java also why.
const LANGUAGES: [Language; 7] = [
    Language {
        name: "curl",
        run: "In a terminal.",
        command: "curl -sS -w '%{http_code}\\n' '{url}' \\\n  -H 'Authorization: Bearer {token}'",
        answer: "200",
    },
    Language {
        name: "JavaScript",
        run: "node check.mjs",
        command: r#"const answer = await fetch("{url}", {
  headers: { Authorization: "Bearer {token}" },
});
console.log(answer.status, answer.headers.get("rollcall-standing") ?? await answer.text());"#,
        answer: "200 working",
    },
    Language {
        name: "Python",
        run: "python3 check.py",
        command: r#"import urllib.request

request = urllib.request.Request(
    "{url}",
    headers={"Authorization": "Bearer {token}"},
)
with urllib.request.urlopen(request) as answer:
    print(answer.status, answer.headers["Rollcall-Standing"])"#,
        answer: "200 working",
    },
    Language {
        name: "Go",
        run: "go run check.go",
        command: r#"package main

import (
	"fmt"
	"net/http"
)

func main() {
	request, _ := http.NewRequest("GET", "{url}", nil)
	request.Header.Set("Authorization", "Bearer {token}")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.StatusCode, answer.Header.Get("Rollcall-Standing"))
}"#,
        answer: "200 working",
    },
    Language {
        name: "Java",
        run: "java Check.java",
        command: r#"import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

class Check {
  public static void main(String[] args) throws Exception {
    var request = HttpRequest.newBuilder(URI.create("{url}"))
        .header("Authorization", "Bearer {token}")
        .build();
    var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
    var standing = answer.headers().firstValue("Rollcall-Standing");
    System.out.println(answer.statusCode() + " " + standing.orElse(answer.body()));
  }
}"#,
        answer: "200 working",
    },
    Language {
        name: "PHP",
        run: "php check.php",
        command: r#"<?php
$context = stream_context_create(["http" => [
    "header" => "Authorization: Bearer {token}",
]]);
$answer = array_change_key_case(get_headers("{url}", true, $context));
echo substr($answer[0], 9, 3), " ", $answer["rollcall-standing"] ?? "", "\n";"#,
        answer: "200 working",
    },
    Language {
        name: "C#",
        run: "dotnet run, as the Program.cs of a console project.",
        command: r#"using System.Net.Http.Headers;

using var client = new HttpClient();
client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "{token}");
using var answer = await client.GetAsync("{url}");
answer.EnsureSuccessStatusCode();
var standing = string.Join("", answer.Headers.GetValues("Rollcall-Standing"));
Console.WriteLine($"{(int)answer.StatusCode} {standing}");"#,
        answer: "200 working",
    },
];

impl Language {
    fn command(&self, url: &str, token: &str) -> String {
        self.command.replace("{url}", url).replace("{token}", token)
    }
}

/// How to see for oneself that a token is accepted: a command in the language of one's choice, with
/// the answer to expect. On screen the token is masked; the copies hold the one that the page shows.
#[component]
pub fn CheckCommands(
    /// Where the dashboard and `/verify` are reached.
    #[prop(into)]
    base: String,
    /// What stands in the place of the token.
    #[prop(into)]
    token: String,
    /// The language chosen before, as its cookie has it.
    #[prop(optional_no_strip)]
    chosen: Option<String>,
) -> impl IntoView {
    let url = base + "/verify";
    let tabs: Vec<Tab> = LANGUAGES
        .iter()
        .map(move |language| {
            let tab = Tab::new(language.name, ());
            let id = format!("check-{}", tab.slug());
            let code = language.command(&url, &token);
            let label = format!("Copy the {} command", language.name);
            tab.showing(view! {
                <Code code answer=language.answer id=Some(id.clone())/>
                <div class="panel-foot split">
                    <span class="quiet small">{language.run}</span>
                    <CopyText target=id label/>
                </div>
            })
        })
        .collect();
    let chosen = chosen.unwrap_or_default();
    view! { <Tabs name=LANGUAGE_COOKIE legend="Language" tabs chosen/> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_the_address_and_the_token_once() {
        let (url, token) = ("https://keys.example/verify", "eyJ0eX••••••••b71c");
        for language in &LANGUAGES {
            let command = language.command(url, token);
            for part in [url, token] {
                assert_eq!(
                    command.matches(part).count(),
                    1,
                    "{}: {command}",
                    language.name
                );
            }
            assert!(command.contains(&format!("Bearer {token}")) || language.name == "C#");
            assert!(language.answer.starts_with("200"), "{}", language.name);
        }
    }
}
