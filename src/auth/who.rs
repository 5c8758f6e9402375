use axum::extract::FromRequestParts;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::AppState;
use super::own_path::sent_from;
use super::session_store::digest;
use crate::model::{Admin, Digest, Member, Person, percent_encoded};
use crate::rotation::Caller;
use crate::rotation::sessions::Fate;
use crate::store::users::User;

/// Who makes a request of a page.
#[derive(Clone, Debug)]
pub enum Who {
    /// Nobody is signed in. `rotated` when a cutover ended the session this browser had.
    Nobody {
        /// Whether the rotation signed this browser out.
        rotated: bool,
    },
    /// A member of an account.
    Member {
        /// The proof.
        member: Member,
        /// The account's name.
        account: String,
    },
    /// An admin of the platform.
    Admin(Admin),
}

impl Who {
    /// Vouches for a user who was found to be the one who asks.
    pub(super) fn of(user: User) -> Self {
        match user.account_id {
            Some(account) => Self::Member {
                member: Member::vouch(user.id, account, user.email, user.name),
                account: user.account_name.unwrap_or_default(),
            },
            None => Self::Admin(Admin::vouch(user.id, user.email, user.name)),
        }
    }
}

/// The digest of the session that a request was made with.
#[derive(Clone, Copy, Debug)]
pub struct SessionDigest(pub Digest);

/// Why a page is not shown to whoever asked.
#[derive(Clone, Debug)]
pub enum Denied {
    /// Sign in first, then come back to `next`.
    SignIn {
        /// Path and query of what was asked for; of the page with the form, when one was sent.
        next: String,
        /// Whether the rotation ended the session.
        rotated: bool,
        /// Whether a form was sent, which did nothing.
        unsent: bool,
    },
    /// There is no such page for this user: 404, never 403.
    NotFound,
    /// Who asks could not be found out: 503.
    Unavailable,
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let mut response = match &self {
            Self::SignIn {
                next,
                rotated,
                unsent,
            } => {
                let mut response = StatusCode::SEE_OTHER.into_response();
                let form = if *unsent { "&form=unsent" } else { "" };
                let location = format!("/login?next={}{form}", percent_encoded(next));
                if let Ok(location) = HeaderValue::from_str(&location) {
                    response.headers_mut().insert(LOCATION, location);
                }
                if *rotated {
                    let cookie = HeaderValue::from_static(
                        "ended=rotation; Max-Age=60; Path=/; HttpOnly; SameSite=Lax",
                    );
                    response.headers_mut().insert(SET_COOKIE, cookie);
                }
                response
            }
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        };
        // The web layer dresses it as a page.
        response.extensions_mut().insert(self);
        response
    }
}

impl FromRequestParts<AppState> for Who {
    type Rejection = Denied;

    /// Finds out who asks, once a request. A live session is used here: while recording, that is
    /// its capture, and it is on disk before the page is answered.
    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Denied> {
        if let Some(who) = parts.extensions.get::<Self>() {
            return Ok(who.clone());
        }
        let who = find_out(parts, app).await.map_err(|error| {
            tracing::error!(%error, "a session could not be read");
            Denied::Unavailable
        })?;
        parts.extensions.insert(who.clone());
        Ok(who)
    }
}

async fn find_out(
    parts: &mut Parts,
    app: &AppState,
) -> Result<Who, crate::rotation::RotationError> {
    let nobody = Who::Nobody { rotated: false };
    let Some(id) = parts.extensions.get::<Session>().and_then(Session::id) else {
        return Ok(nobody);
    };
    let digest = digest(&id);
    let session = match app.engine.session(&digest).await? {
        Fate::Live(session) => session,
        Fate::EndedByCutover(_) => return Ok(Who::Nobody { rotated: true }),
        Fate::Gone => return Ok(nobody),
    };
    let Some(user) = app.engine.user(&session.user_id).await? else {
        return Ok(nobody);
    };
    if user.disabled_at.is_some() || user.account_disabled_at.is_some() {
        return Ok(nobody);
    }
    let Ok(caller) = Caller::from_request_parts(parts, app).await;
    app.engine.use_session(&session, &caller).await?;
    parts.extensions.insert(SessionDigest(digest));
    Ok(Who::of(user))
}

/// Asks to sign in and to come back: to what was asked for or, where that cannot be asked for again, to the
/// page with the form.
fn sign_in_first(parts: &Parts, rotated: bool) -> Denied {
    let unsent = !parts.method.is_safe();
    let next = if unsent {
        sent_from(&parts.headers)
    } else {
        parts.uri.path_and_query().map(ToString::to_string)
    };
    Denied::SignIn {
        next: next.unwrap_or_else(|| "/".to_owned()),
        rotated,
        unsent,
    }
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Denied> {
        match Who::from_request_parts(parts, app).await? {
            Who::Member { member, .. } => Ok(member),
            Who::Admin(_) => Err(Denied::NotFound),
            Who::Nobody { rotated } => Err(sign_in_first(parts, rotated)),
        }
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Denied> {
        match Who::from_request_parts(parts, app).await? {
            Who::Admin(admin) => Ok(admin),
            Who::Member { .. } => Err(Denied::NotFound),
            Who::Nobody { rotated } => Err(sign_in_first(parts, rotated)),
        }
    }
}

impl FromRequestParts<AppState> for Person {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Denied> {
        match Who::from_request_parts(parts, app).await? {
            Who::Member { member, .. } => Ok(Self::vouch(
                member.user().clone(),
                Some(member.account().clone()),
                member.email().to_owned(),
            )),
            Who::Admin(admin) => Ok(Self::vouch(
                admin.user().clone(),
                None,
                admin.email().to_owned(),
            )),
            Who::Nobody { rotated } => Err(sign_in_first(parts, rotated)),
        }
    }
}

impl FromRequestParts<AppState> for SessionDigest {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Denied> {
        let who = Who::from_request_parts(parts, app).await?;
        match (who, parts.extensions.get::<Self>()) {
            (Who::Member { .. } | Who::Admin(_), Some(digest)) => Ok(*digest),
            _ => Err(sign_in_first(parts, false)),
        }
    }
}
