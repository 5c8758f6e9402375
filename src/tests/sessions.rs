//! Sessions under the same rules as tokens.

use super::both;
use super::world::{World, caller};
use crate::model::{DAY_MS, Digest, Span, UserId};
use crate::rotation::NewUser;
use crate::rotation::phases::Plan;
use crate::rotation::sessions::{ABSOLUTE_MS, Fate, IDLE_MS};

async fn user(world: &World) -> UserId {
    let new = NewUser {
        account: None,
        name: None,
        email: "priya@platform.example".parse().unwrap(),
        password_hash: None,
    };
    world
        .engine
        .create_user(&world.operator, new)
        .await
        .unwrap()
        .user
}

async fn begin(world: &World, user: &UserId, name: &str) -> Digest {
    let digest = Digest::of(name.as_bytes());
    let begun = world
        .engine
        .begin_session(user.clone(), digest, "{}".to_owned(), caller())
        .await
        .unwrap();
    assert!(begun);
    digest
}

/// A page view.
async fn view(world: &World, session: &Digest) -> bool {
    match world.engine.session(session).await.unwrap() {
        Fate::Live(session) => {
            world.engine.use_session(&session, &caller()).await.unwrap();
            true
        }
        Fate::EndedByCutover(_) | Fate::Gone => false,
    }
}

both! {
    /// Used in the recording phase: stays. Unused: ended, and it is known why.
    async fn a_session_seen_while_recording_survives_the_cutover(world: World) {
        let user = user(&world).await;
        let (seen, missed) = (begin(&world, &user, "seen").await, begin(&world, &user, "missed").await);
        world.start().await;
        let since = begin(&world, &user, "since").await;
        assert!(view(&world, &seen).await);
        world.finalise().await;
        assert!(view(&world, &seen).await);
        assert!(view(&world, &since).await);
        match world.engine.session(&missed).await.unwrap() {
            Fate::EndedByCutover(cutover) => assert_eq!(cutover.rotation, "2026-11"),
            other => panic!("{other:?}"),
        }
        world.close().await;
        assert!(view(&world, &seen).await);
    }
}

both! {
    /// A save that comes late does not bring back a session that signed out (I6).
    async fn a_late_save_revives_nothing(world: World) {
        let user = user(&world).await;
        let session = begin(&world, &user, "session").await;
        let Fate::Live(row) = world.engine.session(&session).await.unwrap() else { panic!("it lives") };
        world.engine.end_session(session).await.unwrap();
        world.engine.save_session(session, "{\"user\":\"x\"}".to_owned()).await.unwrap();
        world.engine.use_session(&row, &caller()).await.unwrap();
        assert!(matches!(world.engine.session(&session).await.unwrap(), Fate::Gone));
    }
}

both! {
    /// It ends for want of use, and whatever happens.
    async fn a_session_ends_idle_and_absolutely(world: World) {
        let user = user(&world).await;
        let (idle, busy) = (begin(&world, &user, "idle").await, begin(&world, &user, "busy").await);
        let mut days = 0;
        while (days + 6) * DAY_MS < ABSOLUTE_MS {
            world.pass(6 * DAY_MS).await;
            days += 6;
            assert!(view(&world, &busy).await, "used every six days, after {days}");
            assert_eq!(view(&world, &idle).await, days * DAY_MS < IDLE_MS, "after {days}");
            if days == 6 {
                // That was a use; from here on it is left alone.
                world.engine.end_session(idle).await.unwrap();
            }
        }
        world.pass(6 * DAY_MS).await;
        assert!(!view(&world, &busy).await);
    }
}

both! {
    /// Signing out everywhere else leaves this one.
    async fn others_are_ended(world: World) {
        let user = user(&world).await;
        let (here, there) = (begin(&world, &user, "here").await, begin(&world, &user, "there").await);
        let admin = world.operator.clone();
        assert_eq!(world.engine.end_other_sessions(&admin, &user, Some(here)).await.unwrap(), 1);
        assert!(view(&world, &here).await);
        assert!(!view(&world, &there).await);
    }
}

both! {
    /// Looking back captures no session of a disabled account, as use does not: enabling the account
    /// later brings none back that the cutover has ended (I6).
    async fn looking_back_captures_nothing_of_a_disabled_account(world: World) {
        world.integration("Alpha").await;
        let new = NewUser {
            account: Some("Alpha".to_owned()),
            name: None,
            email: "ana@alpha.example".parse().unwrap(),
            password_hash: None,
        };
        let ana = world.engine.create_user(&world.operator, new).await.unwrap().user;
        let (of_alpha, of_admin) = (begin(&world, &ana, "ana").await, begin(&world, &user(&world).await, "admin").await);
        world.engine.set_account_disabled(&world.operator, "Alpha", true).await.unwrap();
        let plan = Plan { name: Some("2026-11".parse().unwrap()), lookback: Span::days(1), ..Plan::default() };
        world.engine.start_rotation(&world.operator, plan).await.unwrap();
        world.finalise().await;
        world.engine.set_account_disabled(&world.operator, "Alpha", false).await.unwrap();
        assert!(matches!(world.engine.session(&of_alpha).await.unwrap(), Fate::EndedByCutover(_)));
        assert!(matches!(world.engine.session(&of_admin).await.unwrap(), Fate::Live(_)));
    }
}
