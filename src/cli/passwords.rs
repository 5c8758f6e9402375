use std::io::{self, IsTerminal as _};

use secrecy::SecretString;
use serde::Serialize;
use zeroize::Zeroizing;

use super::Settings;
use super::failure::{Failure, Result};
use super::opening::{self, Installation};
use crate::auth::{Passwords, Whose};
use crate::model::AccountId;
use crate::rotation::NewUser;

/// What is said of a user that was created.
#[derive(Serialize)]
struct Created {
    id: String,
    email: String,
    account_id: Option<AccountId>,
    /// The one-time link that sets the password, where none was given.
    link: Option<String>,
}

/// A user as the command line names it.
pub struct Person {
    /// The member's account; an admin has none.
    pub account: Option<String>,
    /// The address used to log in.
    pub email: String,
    /// The person's name.
    pub name: Option<String>,
    /// Whether a password stands on stdin.
    pub password_stdin: bool,
}

/// Creates a user. Without a password, a link that sets one goes to stdout.
pub async fn create(settings: &Settings, person: Person) -> Result<()> {
    let password = person.password_stdin.then(read_password).transpose()?;
    opening::within(settings, async |at| {
        create_at(at, settings, person, password).await
    })
    .await
}

async fn create_at(
    at: &Installation,
    settings: &Settings,
    person: Person,
    password: Option<SecretString>,
) -> Result<()> {
    let account = match &person.account {
        Some(account) => Some(at.engine.account(&at.by, account).await?),
        None => None,
    };
    let password_hash = match password {
        Some(password) => {
            let passwords = Passwords::new(at.engine.random().clone());
            let whose = Whose {
                email: &person.email,
                has_second_factor: false,
            };
            Some(passwords.hash(&password, &whose).await?)
        }
        None => None,
    };
    let new = NewUser {
        account: account.as_ref().map(|account| account.id.to_string()),
        name: person.name.map(|name| name.parse()).transpose()?,
        email: person.email.parse()?,
        password_hash,
    };
    let email = new.email.to_string();
    let setup = at.engine.create_user(&at.by, new).await?;
    let link = setup.link.map(|link| at.link("/set-password", &link));
    let output = settings.output();
    let who = match &account {
        Some(account) => format!("a member of {}", account.name),
        None => "an admin".to_owned(),
    };
    let created = Created {
        id: setup.user.to_string(),
        email,
        account_id: account.map(|account| account.id),
        link,
    };
    output.say(&match &created.link {
        Some(_) => format!(
            "{} can set a password with this link, once, within a day ({who}):",
            created.email
        ),
        None => format!("{} can sign in ({who})", created.email),
    });
    output.data(&created, || {
        created.link.clone().unwrap_or_else(|| created.id.clone())
    })
}

/// Reads a password from stdin: its first line.
fn read_password() -> Result<SecretString> {
    if io::stdin().is_terminal() {
        eprintln!("Password, then Enter (it is shown as you type):");
    }
    let mut line = Zeroizing::new(String::new());
    io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::failed(format!("stdin cannot be read: {error}")))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::usage(
            "--password-stdin reads a password on stdin, and there was none",
        ));
    }
    Ok(SecretString::from(password))
}
