-- Mail to people. A letter is ordered in the transaction of what it tells, and sent by any serving node.

create table letters (
    id text primary key,
    user_id text not null references users (id),
    kind text not null,
    -- What it tells, as JSON. Never a secret: the link of a forgotten password is made when the letter
    -- is sent, and only its digest is kept (links).
    facts text not null,
    ordered_at bigint not null,
    -- When it is tried next.
    due_at bigint not null,
    attempts bigint not null default 0,
    -- Who is sending it, and until when nobody else does.
    lease text,
    leased_until bigint,
    -- What became of it; null while it waits.
    outcome text check (outcome in ('sent', 'given-up', 'withdrawn')),
    ended_at bigint,
    -- Why it was not taken, given up or withdrawn.
    reason text
);
create index letters_by_due on letters (outcome, due_at);
create index letters_by_user on letters (user_id, kind, ended_at);
