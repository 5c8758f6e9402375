//! How the words of the domain stand in rows.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

use crate::model::{
    AccountId, Deed, Digest, Generation, IntegrationId, Phase, RotationId, SessionId, Side,
    TicketId, TicketState, TokenId, UnixMs, UserId,
};

macro_rules! stored {
    ($name:ty as $inner:ty, |$value:ident| $out:expr, |$raw:ident| $in:expr) => {
        impl<DB: Database> Type<DB> for $name
        where
            $inner: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$inner as Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <$inner as Type<DB>>::compatible(ty)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $name
        where
            $inner: Encode<'q, DB>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut <DB as Database>::ArgumentBuffer,
            ) -> Result<IsNull, BoxDynError> {
                let $value = self;
                let inner: $inner = $out;
                inner.encode(buffer)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $name
        where
            $inner: Decode<'r, DB>,
        {
            fn decode(value: <DB as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                let $raw = <$inner as Decode<'r, DB>>::decode(value)?;
                Ok($in)
            }
        }
    };
}

stored!(UnixMs as i64, |v| v.0, |raw| UnixMs(raw));
stored!(Generation as i64, |v| v.0, |raw| Generation(raw));
stored!(Digest as Vec<u8>, |v| v.as_bytes().to_vec(), |raw| {
    Digest::from_stored(&raw)?
});
stored!(Phase as String, |v| v.slug().to_owned(), |raw| raw
    .parse()?);
stored!(AccountId as String, |v| v.as_str().to_owned(), |raw| {
    AccountId::from_stored(raw)
});
stored!(UserId as String, |v| v.as_str().to_owned(), |raw| {
    UserId::from_stored(raw)
});
stored!(IntegrationId as String, |v| v.as_str().to_owned(), |raw| {
    IntegrationId::from_stored(raw)
});
stored!(TokenId as String, |v| v.as_str().to_owned(), |raw| {
    TokenId::from_stored(raw)
});
stored!(RotationId as String, |v| v.as_str().to_owned(), |raw| {
    RotationId::from_stored(raw)
});
stored!(SessionId as String, |v| v.as_str().to_owned(), |raw| {
    SessionId::from_stored(raw)
});
stored!(TicketId as String, |v| v.as_str().to_owned(), |raw| {
    TicketId::from_stored(raw)
});
stored!(TicketState as String, |v| v.slug().to_owned(), |raw| {
    raw.parse()?
});
stored!(Side as String, |v| v.slug().to_owned(), |raw| raw
    .parse()?);
stored!(Deed as String, |v| v.slug().to_owned(), |raw| raw
    .parse()?);
