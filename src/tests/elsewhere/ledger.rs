//! A ledger of tokens issued elsewhere.

use serde_json::json;

use super::id;
use super::platform::Platform;
use crate::model::{DAY_MS, PlainToken, Reason, Span, hex};
use crate::rotation::ledger::{Fate, RowFate, Sums, Terms};
use crate::rotation::phases::Plan;
use crate::rotation::{Receipt, RotationError, Rule};
use crate::tests::both;
use crate::tests::world::World;

/// Imports a ledger that is written out; gives its sums.
pub async fn import(world: &World, text: &str) -> Sums {
    told(world, text, &Terms::default()).await.0
}

async fn told(world: &World, text: &str, terms: &Terms) -> (Sums, Vec<RowFate>) {
    let mut fates = Vec::new();
    let open = || Ok(text.as_bytes());
    let sums = world
        .engine
        .import_ledger(&world.operator, open, terms, |fate| {
            fates.push(fate.clone());
        })
        .await
        .unwrap();
    (sums, fates)
}

fn digest(token: &PlainToken) -> String {
    hex(token.digest().as_bytes())
}

/// One row of each fate.
fn every_fate(world: &World, old: &Platform) -> (String, [PlainToken; 3]) {
    let now = world.engine.now().seconds();
    let tokens = [
        old.issued("a", "1"),
        old.issued("a", "2"),
        old.issued("a", "3"),
    ];
    let [known, new, expired] = &tokens;
    let text = format!(
        "digest,account,integration,expires,last_used,contact\n\
         {0},Alpha,Order sync,,,\n\
         {0},Alpha,Order sync,,,\n\
         {1},Omega,Shop,,{now},ops@omega.example\n\
         {2},Alpha,Reports,{past},,\n\
         {2},Nobody,Reports,,,\n\
         nonsense,Alpha,Reports,,,\n\
         {2},Alpha,Reports,,{future},\n",
        digest(known),
        digest(new),
        digest(expired),
        past = now - 1,
        future = now + 86_400,
    );
    (text, tokens)
}

both! {
    /// A dry run tells each row's fate and writes nothing; one refused row, and nothing is written.
    async fn every_row_has_its_fate_and_a_dry_run_writes_nothing(world: World) {
        let old = Platform::hs256(None);
        world.integration("Alpha").await;
        let (text, [known, new, _]) = every_fate(&world, &old);
        let dry = Terms { dry_run: true, ..Terms::default() };
        let (sums, fates) = told(&world, &text, &dry).await;
        let got: Vec<(u64, Fate)> = fates.iter().map(|fate| (fate.line, fate.fate)).collect();
        assert_eq!(got, [
            (2, Fate::Registered), (3, Fate::Already), (4, Fate::Registered), (5, Fate::Expired),
            (6, Fate::Already), (7, Fate::Refused), (8, Fate::Refused),
        ]);
        assert_eq!((sums.rows, sums.registered, sums.refused, sums.new_accounts, sums.written), (7, 2, 2, 1, false));
        assert!(fates[2].new_account && fates[2].new_integration && !fates[0].new_integration);
        let (strict, refused) = told(&world, &text, &Terms::default()).await;
        assert_eq!((strict.written, refused.len()), (false, 2));
        for token in [&known, &new] {
            assert_eq!(world.reason(token).await, Reason::Unknown);
        }
        assert_eq!(world.engine.accounts(&world.operator).await.unwrap().len(), 1);

        let partial = Terms { partial: true, ..Terms::default() };
        let (sums, _) = told(&world, &text, &partial).await;
        assert_eq!((sums.registered, sums.refused, sums.written), (2, 2, true));
        for token in [&known, &new] {
            world.accepted(token).await;
        }
        let omega = world.engine.account(&world.operator, "omega").await.unwrap();
        assert_eq!(omega.contact, "ops@omega.example");
        let (again, _) = told(&world, &text, &partial).await;
        assert_eq!((again.registered, again.already), (0, 4), "a second time finds all there");
        let audit = world.engine.audit(None, 50).await.unwrap();
        assert_eq!(audit.iter().filter(|line| line.action == "token.import").count(), 1);
    }
}

both! {
    /// An account that does not exist needs somebody to warn, and disabled ones take nothing.
    async fn an_unknown_account_is_made_only_with_a_contact(world: World) {
        let old = Platform::hs256(None);
        world.integration("Alpha").await;
        let rows = |rows: &[&str]| {
            let lines: Vec<String> = rows
                .iter()
                .enumerate()
                .map(|(number, row)| format!("{},{row}", digest(&old.issued("a", &number.to_string()))))
                .collect();
            format!("digest,account,integration,contact\n{}\n", lines.join("\n"))
        };
        world.engine.set_account_disabled(&world.operator, "Alpha", true).await.unwrap();
        let unknown = "acc_00000000000000000000000000";
        let text = rows(&["New,Shop,", "Alpha,Shop,", "New,Shop,nonsense", &format!("{unknown},Shop,a@b.example"), "N\0w,Shop,"]);
        let (sums, fates) = told(&world, &text, &Terms { dry_run: true, ..Terms::default() }).await;
        assert_eq!(sums.refused, 5);
        for (fate, words) in fates.iter().zip(["contact", "disabled", "email address", "no such account", "80 characters"]) {
            assert!(fate.reason.as_ref().unwrap().contains(words), "{fate:?}");
        }
        let text = rows(&["New,Shop,a@b.example", "new,SHOP,", "New,Till,"]);
        let sums = import(&world, &text).await;
        assert_eq!((sums.registered, sums.new_accounts, sums.new_integrations), (3, 1, 2));
    }
}

both! {
    /// Rows become ordinary tokens of the old generation: captured by use, or by a look-back that
    /// reaches the last use they bring. Without their key the digest alone decides.
    async fn rows_are_ordinary_tokens_of_the_old_generation(world: World) {
        let old = Platform::hs256(None);
        world.integration("Alpha").await;
        let now = world.engine.now().seconds();
        let days = |days: i64| now - days * DAY_MS / 1_000;
        let (monthly, gone, never) = (old.issued("a", "1"), old.issued("a", "2"), old.issued("a", "3"));
        let text = format!(
            "token,account,integration,issued,last_used\n\
             {},Alpha,Monthly,{},{}\n{},Alpha,Gone,{},{}\n{},Alpha,Never,{},\n",
            monthly.expose(), days(400), days(30), gone.expose(), days(400), days(90), never.expose(), days(400),
        );
        assert_eq!(import(&world, &text).await.registered, 3);
        let shown = world.engine.show_token(&world.operator, &id(&monthly)).await.unwrap();
        assert_eq!((shown.row.born.0, shown.row.generation.0, shown.row.last_used_at.unwrap().seconds()), (1, 1, days(30)));
        assert_eq!(shown.row.hint, monthly.hint());
        let plan = Plan { lookback: Span::days(40), name: Some("2026-11".parse().unwrap()), ..Plan::default() };
        world.engine.start_rotation(&world.operator, plan).await.unwrap();
        assert_eq!(world.rehearsed_tokens().await, [&gone, &never].map(id).into());
        assert_eq!(world.accepted(&never).await.receipt, Some(Receipt::Recorded));
        world.finalise().await;
        for captured in [&monthly, &never] {
            world.accepted(captured).await;
        }
        let refusal = world.refused(&gone).await;
        assert_eq!(refusal.reason, Reason::NotCaptured);
        assert!(refusal.fix_ref.is_some(), "its owner can help himself");
        let late = world.engine.import_ledger(&world.operator, || Ok(text.as_bytes()), &Terms::default(), |_| {}).await;
        assert!(matches!(late, Err(RotationError::Refused(Rule::CutOver { .. }))), "{late:?}");
    }
}

both! {
    /// What a token says of its own end holds after the capture too, whatever the ledger says.
    async fn no_ledger_makes_a_token_live_longer(world: World) {
        let old = Platform::hs256(None);
        world.integration("Alpha").await;
        let now = world.engine.now().seconds();
        let ending = |name: &str| old.token(&json!({ "sub": name, "exp": now + 60 }));
        let (longer, silent) = (ending("a"), ending("b"));
        let text = format!("token,account,integration,expires\n{},Alpha,Order sync,{}\n", longer.expose(), now + 86_400);
        assert_eq!(import(&world, &text).await.registered, 1);
        let text = format!("digest,account,integration\n{},Alpha,Order sync\n", digest(&silent));
        assert_eq!(import(&world, &text).await.registered, 1);
        world.start().await;
        for token in [&longer, &silent] {
            world.accepted(token).await;
            world.accepted(token).await;
        }
        world.pass(61_000).await;
        for token in [&longer, &silent] {
            assert_eq!(world.reason(token).await, Reason::Expired);
        }
    }
}

both! {
    /// A large ledger goes in batches; an integration takes no more tokens than it may have.
    async fn a_large_ledger_goes_in_batches(world: World) {
        let rows = 1_730;
        let digest = |text: String| hex(crate::model::Digest::of(text.as_bytes()).as_bytes());
        let lines: Vec<String> = (0..rows)
            .map(|number| {
                let account = number / 40;
                format!("{},Account {account},Main,ops@a{account}.example", digest(format!("token {number}")))
            })
            .collect();
        let text = format!("digest,account,integration,contact\n{}\n", lines.join("\n"));
        let sums = import(&world, &text).await;
        assert_eq!((sums.registered, sums.new_accounts, sums.new_integrations), (1_730, 44, 44));
        let lines: Vec<String> = (0..11)
            .map(|number| format!("{},account 0,main", digest(format!("more {number}"))))
            .collect();
        let more = format!("digest,account,integration\n{}\n", lines.join("\n"));
        let (sums, fates) = told(&world, &more, &Terms::default()).await;
        assert_eq!((sums.registered, sums.refused, sums.written), (10, 1, false));
        assert!(fates[0].reason.as_ref().unwrap().contains("50 live tokens"), "{fates:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_imported_keys_one_must_be_named() {
    let world = World::sqlite().await;
    world.integration("Alpha").await;
    let old = Platform::hs256(Some("a"));
    let text = format!(
        "digest,account,integration\n{},Alpha,Order sync\n",
        digest(&old.issued("a", "1"))
    );
    let run = async |key: Option<&str>| {
        let terms = Terms {
            key: key.map(str::to_owned),
            ..Terms::default()
        };
        world
            .engine
            .import_ledger(&world.operator, || Ok(text.as_bytes()), &terms, |_| {})
            .await
    };
    assert!(matches!(
        run(Some("a")).await,
        Err(RotationError::NotFound(_))
    ));
    old.import_into(&world).await;
    Platform::hs256(Some("b")).import_into(&world).await;
    assert!(matches!(run(None).await, Err(RotationError::Invalid(_))));
    assert_eq!(run(Some("a")).await.unwrap().registered, 1);
}
