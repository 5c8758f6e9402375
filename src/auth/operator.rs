use crate::model::Operator;

/// Vouches for whoever runs this process: they hold the database and the master key, and could do
/// all that a use case does without one. `name` is what the audit says.
pub fn operator(name: String) -> Operator {
    Operator::vouch(name)
}
