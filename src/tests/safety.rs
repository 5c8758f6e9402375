//! Second factors and sign-ins, below the pages.

use super::both;
use super::world::World;
use crate::model::{Digest, Letter, Person, UserId};
use crate::rotation::second_factor::Verdict;
use crate::rotation::{Caller, Engine, MasterKey, NewUser, RotationError, Rule, code_for_tests};

const ANA: &str = "ana@alpha.example";

async fn ana(world: &World) -> Person {
    world.integration("Alpha").await;
    let new = NewUser {
        account: Some("Alpha".to_owned()),
        name: None,
        email: ANA.parse().unwrap(),
        password_hash: None,
    };
    let user = world
        .engine
        .create_user(&world.operator, new)
        .await
        .unwrap()
        .user;
    let account = world
        .engine
        .account(&world.operator, "Alpha")
        .await
        .unwrap()
        .id;
    Person::vouch(user, Some(account), ANA.to_owned())
}

/// Turns the second factor on; gives its secret.
async fn enrol(world: &World, ana: &Person) -> String {
    let enrolment = world.engine.begin_second_factor(ana).await.unwrap();
    let code = code_for_tests(&enrolment.secret, world.engine.now());
    let verdict = world
        .engine
        .confirm_second_factor(ana, &code)
        .await
        .unwrap();
    assert!(matches!(verdict, Verdict::Right(_)), "{verdict:?}");
    enrolment.secret.to_string()
}

/// What the letters that wait tell.
async fn letters(engine: &Engine) -> Vec<Letter> {
    let mut told = Vec::new();
    while let Some(parcel) = engine.take_letters().await.unwrap() {
        told.extend(parcel.letters.iter().map(|(_, letter)| letter.clone()));
        engine.letters_sent(&parcel).await.unwrap();
    }
    told
}

both! {
    /// The secret moves to another master key with everything else, and goes on making the same codes.
    async fn a_second_factor_is_resealed(world: World) {
        let ana = ana(&world).await;
        let secret = enrol(&world, &ana).await;
        let new = MasterKey::generate(world.engine.random());
        let done = world.engine.reseal(&world.operator, &new).await.unwrap();
        assert_eq!(done.second_factors, 1);
        assert_eq!(world.engine.reseal(&world.operator, &new).await.unwrap().second_factors, 0);
        let step = world.engine.await_second_factor(ana.user()).await.unwrap();
        let code = code_for_tests(&secret, world.engine.now().plus(30_000));
        let verdict = world.engine.answer_second_factor(&step, &code).await.unwrap();
        assert!(matches!(verdict, Verdict::Right(_)), "{verdict:?}");
    }
}

both! {
    /// Of two answers at once with one code, one signs in.
    async fn a_code_signs_in_once_whoever_is_faster(world: World) {
        let ana = ana(&world).await;
        let secret = enrol(&world, &ana).await;
        let other = world.another_process().await;
        let code = code_for_tests(&secret, world.engine.now().plus(30_000));
        let first = world.engine.await_second_factor(ana.user()).await.unwrap();
        let second = world.engine.await_second_factor(ana.user()).await.unwrap();
        let (one, two) = tokio::join!(
            world.engine.answer_second_factor(&first, &code),
            other.answer_second_factor(&second, &code),
        );
        let right = |verdict: &Verdict<_>| usize::from(matches!(verdict, Verdict::Right(_)));
        assert_eq!(right(&one.unwrap()) + right(&two.unwrap()), 1);
    }
}

both! {
    /// Whoever lost everything is let in by the operator, and hears of it.
    async fn an_operator_takes_a_second_factor_off(world: World) {
        let ana = ana(&world).await;
        let reset = world.engine.reset_second_factor(&world.operator, &ANA.parse().unwrap()).await;
        assert!(matches!(reset, Err(RotationError::Refused(Rule::NoSecondFactor))));
        let nobody = "nobody@alpha.example".parse().unwrap();
        let reset = world.engine.reset_second_factor(&world.operator, &nobody).await;
        assert!(matches!(reset, Err(RotationError::NotFound(_))));
        enrol(&world, &ana).await;
        let step = world.engine.await_second_factor(ana.user()).await.unwrap();
        world.engine.reset_second_factor(&world.operator, &ANA.parse().unwrap()).await.unwrap();
        assert!(!world.engine.second_factor(&ana).await.unwrap().is_on());
        let verdict = world.engine.answer_second_factor(&step, "123456").await.unwrap();
        assert!(matches!(verdict, Verdict::Gone), "{verdict:?}");
        let line = world.engine.audit(Some(ana.user().as_str()), 1).await.unwrap().remove(0);
        assert_eq!((line.action.as_str(), line.actor.as_str()), ("second-factor.reset", "operator test"));
        let told = letters(&world.engine).await;
        assert_eq!(told.len(), 2, "on, and taken off: {told:?}");
    }
}

both! {
    /// A browser or an address that was not seen before is told; the first sign-in and the usual ways are not.
    async fn a_new_way_of_signing_in_is_told(world: World) {
        let ana = ana(&world).await;
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let newer = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0";
        let mut number = 0;
        let mut sign_in = async |source: &str, agent: &str| {
            number += 1;
            let caller = Caller { source: Some(source.to_owned()), agent: Some(agent.to_owned()) };
            let user: UserId = ana.user().clone();
            let digest = Digest::of(format!("{number}").as_bytes());
            assert!(world.engine.begin_session(user, digest, "{}".to_owned(), caller).await.unwrap());
            letters(&world.engine).await
        };
        assert_eq!(sign_in("203.0.113.7", firefox).await, []);
        assert_eq!(sign_in("203.0.113.7", newer).await, [], "the same browser, a newer version");
        let told = sign_in("203.0.113.7", "curl/8.5.0").await;
        assert_eq!(told, [Letter::SignedIn { device: "curl".to_owned(), source: Some("203.0.113.7".to_owned()) }]);
        assert_eq!(sign_in("203.0.113.7", "curl/8.5.0").await, []);
        assert_eq!(sign_in("198.51.100.1", firefox).await, [], "told together with others, in a quarter of an hour");
        world.pass(crate::model::HOUR_MS / 4).await;
        let told = letters(&world.engine).await;
        assert_eq!(told, [Letter::SignedIn { device: "Firefox on Linux".to_owned(), source: Some("198.51.100.1".to_owned()) }]);
    }
}
