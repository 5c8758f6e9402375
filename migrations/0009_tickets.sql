-- Questions to support. What people write is kept without the secrets that were in it.

create table tickets (
    id text primary key,
    account_id text not null references accounts (id),
    -- Who asked.
    user_id text not null references users (id),
    subject text not null,
    state text not null check (state in ('open', 'answered', 'closed')),
    -- What it is about, as far as the customer sent it along.
    integration_id text references integrations (id),
    refusal_code text,
    refusal_at bigint,
    refusal_token text references tokens (id),
    request_id text,
    -- The single-use id of the form; a repeated submit finds the ticket.
    form_id text unique,
    opened_at bigint not null,
    -- Since when support has not answered; null while it is not open.
    waiting_since bigint,
    first_answer_at bigint,
    changed_at bigint not null,
    closed_at bigint,
    closed_by text references users (id)
);
create index tickets_by_account on tickets (account_id, changed_at);
create index tickets_by_state on tickets (state, waiting_since);
create index tickets_by_answer on tickets (first_answer_at);

create table ticket_entries (
    id text primary key,
    ticket_id text not null references tickets (id),
    account_id text not null references accounts (id),
    side text not null check (side in ('customer', 'support')),
    user_id text not null references users (id),
    deed text not null check (deed in ('wrote', 'closed', 'reopened')),
    -- Empty where nothing was written.
    text text not null,
    -- How many secrets were taken out before it was written here.
    removed bigint not null,
    form_id text unique,
    at bigint not null
);
create index ticket_entries_by_ticket on ticket_entries (ticket_id, at);
create index ticket_entries_by_account on ticket_entries (account_id, at);

-- The account's own tokens among those secrets, by their public ids.
create table ticket_tokens (
    ticket_id text not null references tickets (id),
    token_id text not null references tokens (id),
    primary key (ticket_id, token_id)
);
