//! Secrets are nowhere but where they are shown once (I4, I7).

use std::fs;
use std::path::Path;

use secrecy::SecretString;

use super::both;
use super::world::World;
use crate::model::{Digest, Person};
use crate::rotation::second_factor::Verdict;
use crate::rotation::{Caller, NewUser, code_for_tests};
use crate::store::keys;

/// Whether any file below `folder` holds these bytes.
pub fn holds(folder: &Path, bytes: &[u8]) -> bool {
    assert!(bytes.len() >= 8, "too short to mean anything");
    let mut found = false;
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found |= holds(&path, bytes);
        } else if let Ok(content) = fs::read(&path) {
            // What was removed meanwhile is not there.
            found |= content.windows(bytes.len()).any(|window| window == bytes);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_private_key_is_in_no_file_from_start_on() {
    let world = World::sqlite().await;
    let sealed = sealed_keys(&world).await.remove(0);
    assert!(
        holds(world.folder(), &sealed),
        "the search finds it while it is there"
    );
    let integration = world.integration("Alpha").await;
    world.issue(&integration).await;
    world.start().await;
    assert!(
        !holds(world.folder(), &sealed),
        "from start on it is in no page and no log"
    );
    // Not even a part of it.
    for part in sealed.chunks_exact(16) {
        assert!(!holds(world.folder(), part));
    }
}

both! {
    /// From start on only the newest private key is in any row; after close, nothing old verifies.
    async fn old_keys_go(world: World) {
        world.start().await;
        let mut tx = world.engine.db().read().await.unwrap();
        let keys = keys::list(&mut tx).await.unwrap();
        drop(tx);
        assert_eq!(keys.iter().map(|key| (key.generation.0, key.sealed.is_some())).collect::<Vec<_>>(), [(2, true), (1, false)]);
        assert!(keys.iter().all(|key| key.public_key.is_some()));
        assert_eq!(world.engine.jwks().await.unwrap().len(), 2);
        world.finalise().await;
        world.close().await;
        assert_eq!(world.engine.jwks().await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_password_or_session_id_is_in_any_file() {
    let world = World::sqlite().await;
    let integration = world.integration("Alpha").await;
    let issued = world.issue(&integration).await;
    world.accepted(&issued.token).await;

    let password = "a password nobody else has 4711";
    let passwords = crate::auth::Passwords::new(world.engine.random().clone());
    let whose = crate::auth::Whose {
        email: "ana@alpha.example",
        has_second_factor: false,
    };
    let hash = passwords
        .hash(&SecretString::from(password), &whose)
        .await
        .unwrap();
    let new = NewUser {
        account: Some("Alpha".to_owned()),
        name: None,
        email: "ana@alpha.example".parse().unwrap(),
        password_hash: Some(hash),
    };
    let user = world
        .engine
        .create_user(&world.operator, new)
        .await
        .unwrap()
        .user;
    let id = 0x1234_5678_9abc_def0_1234_5678_9abc_def0_i128;
    let session = Digest::of(&id.to_le_bytes());
    assert!(
        world
            .engine
            .begin_session(user, session, "{}".to_owned(), Caller::default())
            .await
            .unwrap()
    );
    world.engine.flush().await.unwrap();

    assert!(
        holds(world.folder(), issued.row.id.as_str().as_bytes()),
        "the search finds what is there"
    );
    let token = issued.token.expose();
    assert!(!holds(world.folder(), token.as_bytes()));
    for part in token.split('.').skip(1) {
        assert!(
            !holds(world.folder(), part.as_bytes()),
            "no claim, no signature"
        );
    }
    assert!(!holds(world.folder(), password.as_bytes()));
    assert!(!holds(world.folder(), &id.to_le_bytes()));
    let raw = issued.token.digest();
    assert!(holds(world.folder(), raw.as_bytes()), "its digest is");
}

/// What a user types into an app or keeps on paper, and what names a sign-in that waits.
#[tokio::test(flavor = "multi_thread")]
async fn no_second_factor_code_or_waiting_sign_in_is_in_any_file() {
    let world = World::sqlite().await;
    world.integration("Alpha").await;
    let new = NewUser {
        account: Some("Alpha".to_owned()),
        name: None,
        email: "ana@alpha.example".parse().unwrap(),
        password_hash: None,
    };
    let created = world.engine.create_user(&world.operator, new).await;
    let user = created.unwrap().user;
    let ana = Person::vouch(user.clone(), None, "ana@alpha.example".to_owned());
    let enrolment = world.engine.begin_second_factor(&ana).await.unwrap();
    let code = code_for_tests(&enrolment.secret, world.engine.now());
    let confirmed = world.engine.confirm_second_factor(&ana, &code).await;
    let Verdict::Right(codes) = confirmed.unwrap() else {
        panic!("the code is right");
    };
    let step = world.engine.await_second_factor(&user).await.unwrap();
    let verdict = world
        .engine
        .answer_second_factor(&step, &codes[0].expose())
        .await;
    assert!(matches!(verdict, Ok(Verdict::Right(_))));
    world.engine.flush().await.unwrap();

    assert!(holds(world.folder(), codes[1].digest().as_bytes()));
    assert!(holds(world.folder(), step.digest().as_bytes()));
    for code in &codes {
        let shown = code.expose();
        assert!(!holds(world.folder(), shown.as_bytes()));
        assert!(!holds(world.folder(), shown.replace('-', "").as_bytes()));
    }
    assert!(!holds(world.folder(), step.expose().as_bytes()));
    assert!(!holds(world.folder(), enrolment.secret.as_bytes()));
    let raw = data_encoding::BASE32_NOPAD.decode(enrolment.secret.as_bytes());
    assert!(
        !holds(world.folder(), &raw.unwrap()),
        "sealed, not as it is"
    );
}

async fn sealed_keys(world: &World) -> Vec<Vec<u8>> {
    let mut tx = world.engine.db().read().await.unwrap();
    keys::list(&mut tx)
        .await
        .unwrap()
        .into_iter()
        .filter_map(|key| key.sealed)
        .collect()
}
