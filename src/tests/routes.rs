//! Pages, as a browser without script meets them.

mod customers;
mod login;
mod recovery;
