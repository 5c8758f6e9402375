//! The verdict as a table and as properties over every combination of facts.

use proptest::prelude::*;

use crate::model::{
    AccountId, Digest, Generation, IntegrationId, Random, Reason, Stage, TokenId, UnixMs,
};
use crate::rotation::decide::{Facts, Foreign, Needs, Signature, Verdict, decide, is_forgery};
use crate::store::tokens::Token;

const NOW: UnixMs = UnixMs(1_000_000);

fn token() -> Token {
    let random = Random::system();
    Token {
        id: TokenId::generate(NOW, &random),
        digest: Digest::of(b"token"),
        integration_id: IntegrationId::generate(NOW, &random),
        account_id: AccountId::generate(NOW, &random),
        kid: "g1".to_owned(),
        born: Generation(1),
        generation: Generation(1),
        hint: "b71c".to_owned(),
        fix_ref: "ref".to_owned(),
        issued_at: UnixMs(1),
        issued_by: "test".to_owned(),
        expires_at: None,
        revoked_at: None,
        revoked_by: None,
        undo_until: None,
        retires: "keep".to_owned(),
        overlap_ms: 0,
        replaced_by: None,
        ends_at: None,
        first_used_at: Some(UnixMs(2)),
        first_source: None,
        last_used_at: Some(UnixMs(2)),
        last_source: None,
        last_agent: None,
        uses: 1,
        refused: 0,
        last_refused_at: None,
        last_refused_code: None,
        last_refused_source: None,
    }
}

const IDLE: Stage = Stage {
    current: Generation(1),
    target: None,
};
const RECORDING: Stage = Stage {
    current: Generation(1),
    target: Some(Generation(2)),
};
const FINALISED: Stage = Stage {
    current: Generation(2),
    target: None,
};

fn facts(stage: Stage, token: Option<&Token>) -> Facts<'_> {
    Facts {
        stage,
        now: NOW,
        token,
        account_disabled: false,
        signature: Signature::Good,
        foreign: None,
    }
}

/// A token that an imported key signed and nobody registered.
fn foreign(stage: Stage, foreign: Foreign) -> Facts<'static> {
    Facts {
        signature: Signature::Elsewhere,
        foreign: Some(foreign),
        ..facts(stage, None)
    }
}

/// One that is held.
const FOREIGN: Foreign = Foreign {
    generation: Generation(1),
    starts_at: None,
    expires_at: None,
    refused: false,
};

#[test]
fn what_ends_a_token_comes_before_its_generation() {
    let past = Some(UnixMs(NOW.0 - 1));
    let refuse = Verdict::Refuse;
    for (what, changed, reason) in [
        (
            "revoked",
            Token {
                revoked_at: past,
                ..token()
            },
            Reason::Revoked,
        ),
        (
            "replaced",
            Token {
                ends_at: past,
                ..token()
            },
            Reason::Replaced,
        ),
        (
            "expired",
            Token {
                expires_at: past,
                ..token()
            },
            Reason::Expired,
        ),
        (
            "expired at this moment",
            Token {
                expires_at: Some(NOW),
                ..token()
            },
            Reason::Expired,
        ),
    ] {
        for stage in [IDLE, RECORDING, FINALISED] {
            assert_eq!(
                decide(&facts(stage, Some(&changed))),
                refuse(reason),
                "{what} in {stage:?}"
            );
        }
    }
}

#[test]
fn the_table_of_verdicts() {
    let used = token();
    let unused = Token {
        first_used_at: None,
        ..token()
    };
    let carried = Token {
        generation: Generation(2),
        ..token()
    };
    let new = Token {
        born: Generation(2),
        generation: Generation(2),
        ..token()
    };
    let accept = Verdict::Accept;
    let refuse = Verdict::Refuse;
    for (what, facts, verdict) in [
        (
            "idle, used",
            facts(IDLE, Some(&used)),
            accept(Needs::Nothing),
        ),
        (
            "idle, unused",
            facts(IDLE, Some(&unused)),
            accept(Needs::FirstUse),
        ),
        (
            "recording, used before",
            facts(RECORDING, Some(&used)),
            accept(Needs::Capture),
        ),
        (
            "recording, never used",
            facts(RECORDING, Some(&unused)),
            accept(Needs::Capture),
        ),
        (
            "recording, carried over",
            facts(RECORDING, Some(&carried)),
            accept(Needs::Nothing),
        ),
        (
            "recording, new key",
            facts(RECORDING, Some(&new)),
            accept(Needs::Nothing),
        ),
        (
            "finalised, carried over",
            facts(FINALISED, Some(&carried)),
            accept(Needs::Nothing),
        ),
        (
            "finalised, missed",
            facts(FINALISED, Some(&used)),
            refuse(Reason::NotCaptured),
        ),
        ("never issued", facts(IDLE, None), refuse(Reason::Unknown)),
    ] {
        assert_eq!(decide(&facts), verdict, "{what}");
    }
}

prop_compose! {
    fn any_stage()(current in 1_i64..4, ahead in prop::option::of(1_i64..3)) -> Stage {
        Stage { current: Generation(current), target: ahead.map(|ahead| Generation(current + ahead)) }
    }
}

prop_compose! {
    fn any_token()(
        generation in 1_i64..6,
        expires in prop::option::of(0_i64..2_000_000),
        ends in prop::option::of(0_i64..2_000_000),
        revoked in any::<bool>(),
        used in any::<bool>(),
    ) -> Token {
        Token {
            generation: Generation(generation),
            expires_at: expires.map(UnixMs),
            ends_at: ends.map(UnixMs),
            revoked_at: revoked.then_some(UnixMs(5)),
            first_used_at: used.then_some(UnixMs(5)),
            ..token()
        }
    }
}

prop_compose! {
    fn any_foreign()(
        generation in 1_i64..6,
        starts in prop::option::of(0_i64..2_000_000),
        expires in prop::option::of(0_i64..2_000_000),
        refused in any::<bool>(),
    ) -> Foreign {
        Foreign {
            generation: Generation(generation),
            starts_at: starts.map(UnixMs),
            expires_at: expires.map(UnixMs),
            refused,
        }
    }
}

fn any_signature() -> impl Strategy<Value = Signature> {
    prop_oneof![
        Just(Signature::Good),
        Just(Signature::Elsewhere),
        Just(Signature::Bad),
        Just(Signature::NoKey)
    ]
}

proptest! {
    #[test]
    fn what_is_not_live_or_not_of_the_required_generation_is_never_accepted(
        stage in any_stage(), token in any_token(), disabled in any::<bool>(), signature in any_signature(),
        foreign in prop::option::of(any_foreign()),
    ) {
        let facts = Facts { stage, now: NOW, token: Some(&token), account_disabled: disabled, signature, foreign };
        let over = |end: Option<UnixMs>| end.is_some_and(|end| end <= NOW);
        let live = token.revoked_at.is_none() && !over(token.expires_at) && !over(token.ends_at) && !disabled;
        let valid = live && token.generation >= stage.current && signature != Signature::Bad;
        prop_assert_eq!(matches!(decide(&facts), Verdict::Accept(_)), valid);
    }

    #[test]
    fn nothing_below_the_target_passes_without_a_capture(stage in any_stage(), token in any_token()) {
        let verdict = decide(&facts(stage, Some(&token)));
        if let (Verdict::Accept(needs), Some(target)) = (verdict, stage.target) {
            prop_assert_eq!(needs == Needs::Capture, token.generation < target);
        }
    }

    /// Without a row nothing is captured or remembered, and only what an imported key made is held,
    /// while that key is trusted.
    #[test]
    fn what_has_no_row_is_held_or_refused(
        stage in any_stage(), signature in any_signature(), disabled in any::<bool>(),
        foreign in prop::option::of(any_foreign()),
    ) {
        let facts = Facts { stage, now: NOW, token: None, account_disabled: disabled, signature, foreign };
        let held = signature == Signature::Elsewhere && !disabled && foreign.is_some_and(|foreign| {
            foreign.generation >= stage.current
                && !foreign.refused
                && foreign.expires_at.is_none_or(|end| end > NOW)
                && foreign.starts_at.is_none_or(|start| start <= NOW)
        });
        match decide(&facts) {
            Verdict::Hold => prop_assert!(held),
            Verdict::Accept(needs) => prop_assert!(false, "accepted with {:?}", needs),
            Verdict::Refuse(_) => prop_assert!(!held),
        }
        prop_assert_eq!(is_forgery(&facts), signature == Signature::Good);
    }

    /// A row decides alone: what is said of strangers changes nothing for it.
    #[test]
    fn a_registered_token_is_never_held(
        stage in any_stage(), token in any_token(), signature in any_signature(), foreign in any_foreign(),
    ) {
        let without = Facts { signature, ..facts(stage, Some(&token)) };
        let with = Facts { foreign: Some(foreign), ..without };
        prop_assert_eq!(decide(&with), decide(&without));
        prop_assert_ne!(decide(&with), Verdict::Hold);
    }
}

#[test]
fn the_table_of_tokens_issued_elsewhere() {
    let refuse = Verdict::Refuse;
    let past = Some(UnixMs(NOW.0 - 1));
    let ahead = Some(UnixMs(NOW.0 + 1));
    for (what, facts, verdict) in [
        ("idle", foreign(IDLE, FOREIGN), Verdict::Hold),
        ("recording", foreign(RECORDING, FOREIGN), Verdict::Hold),
        (
            "finalised",
            foreign(FINALISED, FOREIGN),
            refuse(Reason::NotCaptured),
        ),
        (
            "of a key that was brought in after an earlier cutover",
            foreign(
                FINALISED,
                Foreign {
                    generation: Generation(2),
                    ..FOREIGN
                },
            ),
            Verdict::Hold,
        ),
        (
            "expired",
            foreign(
                IDLE,
                Foreign {
                    expires_at: past,
                    ..FOREIGN
                },
            ),
            refuse(Reason::Expired),
        ),
        (
            "expired at this moment",
            foreign(
                RECORDING,
                Foreign {
                    expires_at: Some(NOW),
                    ..FOREIGN
                },
            ),
            refuse(Reason::Expired),
        ),
        (
            "not yet",
            foreign(
                IDLE,
                Foreign {
                    starts_at: ahead,
                    ..FOREIGN
                },
            ),
            refuse(Reason::Unknown),
        ),
        (
            "refused",
            foreign(
                IDLE,
                Foreign {
                    refused: true,
                    ..FOREIGN
                },
            ),
            refuse(Reason::Revoked),
        ),
        (
            "of a disabled account",
            Facts {
                account_disabled: true,
                ..foreign(IDLE, FOREIGN)
            },
            refuse(Reason::AccountDisabled),
        ),
    ] {
        assert_eq!(decide(&facts), verdict, "{what}");
    }
}

#[test]
fn what_no_trusted_key_made_is_unknown() {
    let held = foreign(IDLE, FOREIGN);
    for (what, facts) in [
        (
            "whose claims are not of the key",
            Facts {
                foreign: None,
                ..held
            },
        ),
        (
            "changed since",
            Facts {
                signature: Signature::Bad,
                ..held
            },
        ),
        (
            "closed: its key is forgotten",
            Facts {
                signature: Signature::NoKey,
                ..held
            },
        ),
    ] {
        assert_eq!(decide(&facts), Verdict::Refuse(Reason::Unknown), "{what}");
    }
}
