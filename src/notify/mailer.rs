use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::response::Category;
use lettre::{
    Address, AsyncFileTransport, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
};

use super::Mail;

/// How long the mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The setting names no way that exists.
    #[error("ROLLCALL_MAIL_URL takes file://FOLDER, smtp://HOST or smtps://HOST")]
    Url,
    /// The mail itself cannot be written.
    #[error("the mail cannot be written: {0}")]
    Letter(#[from] lettre::error::Error),
    /// The folder did not take it.
    #[error("the mail folder did not take it: {0}")]
    Folder(#[from] lettre::transport::file::Error),
    /// The mail server did not take it.
    #[error("the mail server did not take it: {0}")]
    Server(#[from] lettre::transport::smtp::Error),
    /// The folder could not be made.
    #[error("the mail folder could not be made: {0}")]
    Io(#[from] std::io::Error),
}

impl MailError {
    /// Whether it will be the same however often it is tried: the server knows no such mailbox, or
    /// does not take such a mail (RFC 5321 §4.2.3, 55x). What is wrong with the connection or the
    /// login may be mended.
    pub fn is_for_good(&self) -> bool {
        match self {
            Self::Letter(_) => true,
            Self::Server(error) => {
                error.is_permanent()
                    && error
                        .status()
                        .is_some_and(|code| code.category == Category::MailSystem)
            }
            Self::Url | Self::Folder(_) | Self::Io(_) => false,
        }
    }

    /// What happened, with what the server said, on one line.
    pub fn reason(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(inner) = source {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text = format!("{text}: {inner_text}");
            }
            source = inner.source();
        }
        text
    }
}

enum Way {
    /// A file for each mail: for a first look, for tests, or for another program to send.
    Folder(PathBuf),
    Server(AsyncSmtpTransport<Tokio1Executor>),
    /// The setting is wrong: every mail fails, and says why.
    None,
}

/// Sends mail by the way that `ROLLCALL_MAIL_URL` names.
#[derive(Clone)]
pub struct Mailer {
    way: Arc<Way>,
    from: Mailbox,
}

impl Mailer {
    /// A mailer by `file://FOLDER`, `smtp://…` or `smtps://…` (RFC 3986, with user and password
    /// where the server wants them). Mails come from `rollcall@` the host of `public_url`. The
    /// setting is checked where it is read; one that is wrong all the same fails each mail.
    pub fn new(url: &str, public_url: &str) -> Self {
        let way = match url.split_once("://") {
            Some(("file", folder)) if !folder.is_empty() => Way::Folder(PathBuf::from(folder)),
            Some(("smtp" | "smtps", _)) => AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                .map_or(Way::None, |builder| {
                    Way::Server(builder.timeout(Some(PATIENCE)).build())
                }),
            _ => Way::None,
        };
        Self {
            way: Arc::new(way),
            from: sender(public_url),
        }
    }

    /// Sends a mail; returns when the server or the folder has taken it.
    ///
    /// # Errors
    /// Every [`MailError`].
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match self.way.as_ref() {
            Way::Folder(folder) => {
                // A letter may hold a one-time link, so a folder that is made here is nobody else's. One that is
                // there already is as its owner wants it.
                let mut make = tokio::fs::DirBuilder::new();
                make.recursive(true).mode(0o700).create(folder).await?;
                AsyncFileTransport::<Tokio1Executor>::new(folder)
                    .send(message)
                    .await?;
            }
            Way::Server(server) => {
                server.send(message).await?;
            }
            Way::None => return Err(MailError::Url),
        }
        Ok(())
    }

    /// The mail as it travels: text and HTML beside each other, and nothing answers it by itself
    /// (RFC 3834).
    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let to = mail
            .to
            .as_str()
            .parse()
            .map_err(|_| lettre::error::Error::EmailMissingAt)?;
        let part = |kind, text: &str| SinglePart::builder().header(kind).body(body(text));
        let bodies = MultiPart::alternative()
            .singlepart(part(ContentType::TEXT_PLAIN, &mail.text()))
            .singlepart(part(ContentType::TEXT_HTML, &mail.html()));
        let host = self.from.email.domain();
        let mut message = Message::builder();
        if let Some(thread) = &mail.thread {
            // No such mail was ever sent; what refers to it belongs together all the same (RFC 5256 §2.2).
            message = message.references(format!("<{thread}@{host}>"));
        }
        let mut message = message
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.as_str())
            // The same at each attempt: whoever gets it twice sees it once.
            .message_id(Some(format!("<{}@{host}>", mail.id)))
            .multipart(bodies)?;
        message.headers_mut().insert_raw(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
        Ok(message)
    }
}

/// The longest line a mail may have, in bytes (RFC 5322 §2.1.1).
const LONGEST_LINE: usize = 998;

/// ASCII is sent as it is, so that a link in it is whole in the file too; quoted-printable, which
/// lettre prefers for lines beyond 76 characters, would break it.
fn body(text: &str) -> Body {
    let is_plain = text.is_ascii() && text.lines().all(|line| line.len() <= LONGEST_LINE);
    if is_plain {
        let crlf = text.replace('\n', "\r\n").into_bytes();
        Body::dangerous_pre_encoded(crlf, ContentTransferEncoding::SevenBit)
    } else {
        Body::new(text.to_owned())
    }
}

/// `rollcall@` the host of an address; `rollcall@localhost` where that is a number.
fn sender(public_url: &str) -> Mailbox {
    let host = public_url
        .split_once("://")
        .map_or(public_url, |(_, rest)| rest)
        .split(['/', ':', '?'])
        .next()
        .filter(|host| host.parse::<std::net::IpAddr>().is_err())
        .unwrap_or("localhost");
    let address = Address::new("rollcall", host).or_else(|_| Address::new("rollcall", "localhost"));
    // Both parts are plain words, which an address takes.
    Mailbox::new(
        Some("Rollcall".to_owned()),
        address.expect("localhost is a host"),
    )
}

impl fmt::Debug for Mailer {
    /// The address of the server may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.way {
            Way::Folder(_) => "Mailer(folder)",
            Way::Server(_) => "Mailer(server)",
            Way::None => "Mailer(none)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            id: "ltr_1".to_owned(),
            thread: Some("tkt_1".to_owned()),
            to: "ana@northwind.example".parse().unwrap(),
            subject: "Set your password".to_owned(),
            before: vec!["Somebody asked.".to_owned()],
            link: (
                "Set it",
                format!("http://127.0.0.1:3000/set-password?link={}", "x".repeat(43)),
            ),
            after: Vec::new(),
            why: "You sign in here.".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_letter_becomes_a_file_that_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = Mailer::new(
            &format!("file://{}", folder.path().join("mail").display()),
            "http://127.0.0.1:3000",
        );
        mailer.send(&mail()).await.unwrap();
        let mut files = std::fs::read_dir(folder.path().join("mail")).unwrap();
        let file = std::fs::read_to_string(files.next().unwrap().unwrap().path()).unwrap();
        for line in [
            "To: ana@northwind.example",
            "Auto-Submitted: auto-generated",
            "Message-ID: <ltr_1@localhost>",
            "References: <tkt_1@localhost>",
            &mail().link.1,
        ] {
            assert!(file.lines().any(|found| found == line), "{line}: {file}");
        }
        assert!(file.contains("multipart/alternative"), "{file}");
    }

    #[tokio::test]
    async fn a_wrong_setting_fails_each_mail() {
        let sent = Mailer::new("pigeon://loft", "http://x").send(&mail()).await;
        assert!(matches!(sent, Err(MailError::Url)), "{sent:?}");
    }

    #[test]
    fn mails_come_from_the_dashboards_host() {
        assert_eq!(
            sender("https://keys.example:8443/x").email.to_string(),
            "rollcall@keys.example"
        );
        assert_eq!(
            sender("http://127.0.0.1:3000").email.to_string(),
            "rollcall@localhost"
        );
    }
}
