//! Pages, as a browser without script meets them.

mod admin;
mod customers;
mod diagnose;
mod held;
mod integrations;
mod journey;
mod login;
mod recovery;
mod settings;
mod tickets;
