use super::Who;
use crate::model::Operator;
use crate::store::users::User;

/// Vouches for whoever runs this process: they hold the database and the master key, and could do
/// all that a use case does without one. `name` is what the audit says.
pub fn operator(name: String) -> Operator {
    Operator::vouch(name)
}

/// Vouches for a user in whose place an operator acts, who could set that user's password and sign in
/// as well. The past of the demo is made so.
pub fn in_place_of(_by: &Operator, user: User) -> Who {
    Who::of(user)
}
