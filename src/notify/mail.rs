use std::fmt;

use crate::model::EmailAddress;

/// A mail: some paragraphs, one link, some paragraphs. Debug prints no text: the link may be one that
/// works once.
#[derive(Clone)]
pub struct Mail {
    /// Names it for ever: whoever gets it twice can tell.
    pub id: String,
    /// What it belongs to: programs that show mail put those of one thread together.
    pub thread: Option<String>,
    /// To whom.
    pub to: EmailAddress,
    /// What it is about.
    pub subject: String,
    /// What it says before the link.
    pub before: Vec<String>,
    /// What the link does, in a few words, and where it leads.
    pub link: (&'static str, String),
    /// What it says after the link.
    pub after: Vec<String>,
    /// Why they get it; the last, quiet line.
    pub why: String,
}

/// What stands around the paragraphs. Programs that show mail read no style sheets, so the little
/// there is stands where it counts.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n";
const BODY: &str = "</head>\n<body style=\"font: 16px/1.5 system-ui, sans-serif; max-width: 36em; margin: 24px\">\n";

impl Mail {
    /// The whole as plain text, lines wrapped but for the link.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for paragraph in &self.before {
            text.push_str(&wrapped(paragraph));
        }
        text.push_str(self.link.0);
        text.push_str(":\n\n");
        text.push_str(&self.link.1);
        text.push_str("\n\n");
        for paragraph in &self.after {
            text.push_str(&wrapped(paragraph));
        }
        text.push_str("-- \n");
        text.push_str(wrapped(&self.why).trim_end());
        text.push('\n');
        text
    }

    /// The whole as HTML that loads nothing.
    pub fn html(&self) -> String {
        let paragraphs = |some: &[String]| {
            let mut html = String::new();
            for paragraph in some {
                html.push_str("<p>");
                html.push_str(&escaped(paragraph).replace('\n', "<br>\n"));
                html.push_str("</p>\n");
            }
            html
        };
        format!(
            "{HEAD}<title>{}</title>\n{BODY}{}<p><a href=\"{}\"><b>{}</b></a></p>\n{}\
             <p><small>{}</small></p>\n</body>\n</html>\n",
            escaped(&self.subject),
            paragraphs(&self.before),
            escaped(&self.link.1),
            escaped(self.link.0),
            paragraphs(&self.after),
            escaped(&self.why),
        )
    }
}

/// The most characters of a line of text.
const WIDTH: usize = 76;

/// A paragraph in lines that fit, with an empty one after it.
fn wrapped(paragraph: &str) -> String {
    let mut text = String::new();
    for line in paragraph.lines() {
        let mut width = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if width > 0 && width + 1 + length > WIDTH {
                text.push('\n');
                width = 0;
            } else if width > 0 {
                text.push(' ');
                width += 1;
            }
            text.push_str(word);
            width += length;
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            id: "ltr_1".to_owned(),
            thread: None,
            to: "ana@northwind.example".parse().unwrap(),
            subject: "A <subject>".to_owned(),
            before: vec![
                "word ".repeat(40).trim().to_owned(),
                "- one\n- two".to_owned(),
            ],
            link: (
                "Open <it>",
                format!("https://keys.example/{}?a&b", "x".repeat(100)),
            ),
            after: vec!["“Söhne & Co”".to_owned()],
            why: "You get this because you sign in here.".to_owned(),
        }
    }

    #[test]
    fn text_is_wrapped_and_its_link_is_whole() {
        let mail = mail();
        let text = mail.text();
        assert!(text.lines().any(|line| line == mail.link.1), "{text}");
        let fits = |line: &str| line.chars().count() <= WIDTH || line == mail.link.1;
        assert!(text.lines().all(fits), "{text}");
        assert!(text.contains("\n- one\n- two\n"), "{text}");
    }

    #[test]
    fn html_holds_what_it_is_given_as_text() {
        let html = mail().html();
        assert!(html.contains("<title>A &lt;subject&gt;</title>"), "{html}");
        assert!(
            html.contains("?a&amp;b\"><b>Open &lt;it&gt;</b></a>"),
            "{html}"
        );
        assert!(html.contains("<p>“Söhne &amp; Co”</p>"), "{html}");
        assert_eq!(html.matches("href=").count(), 1);
        assert!(!html.contains("src="), "it loads nothing");
    }
}
