-- One portable set for SQLite and PostgreSQL. Append-only: never edit a file that has shipped.
-- Times are milliseconds since the Unix epoch, UTC. Digests are SHA-256. No column holds a secret
-- in the clear: tokens, sessions and one-time links are digests, private keys are sealed.

-- One row: what every node must agree on.
create table state (
    id bigint primary key check (id = 1),
    -- The generation a credential needs to be accepted.
    current bigint not null,
    -- The highest generation made so far; the next rotation aims one higher.
    newest bigint not null,
    -- Set while recording: the generation a use carries a credential over to.
    target bigint,
    -- The rotation that is recording or finalised; null when none is open.
    rotation_id text,
    -- Counts every change that other nodes must learn of.
    version bigint not null,
    -- How long a node may answer from its view without hearing from the database.
    lease_ms bigint not null,
    -- Which installation this is; it never changes.
    instance text not null
);

create table changes (
    version bigint not null,
    kind text not null,
    subject text not null,
    at bigint not null,
    primary key (version, kind, subject)
);

-- Processes that answer from a view of their own.
create table nodes (
    id text primary key,
    version bigint not null,
    seen_at bigint not null
);

create table accounts (
    id text primary key,
    name text not null,
    name_key text not null unique,
    contact text not null,
    created_at bigint not null,
    disabled_at bigint
);

create table users (
    id text primary key,
    -- Null for an admin of the platform.
    account_id text references accounts (id),
    role text not null check (role in ('member', 'admin')),
    name text not null,
    email text not null,
    email_key text not null unique,
    password_hash text,
    created_at bigint not null,
    disabled_at bigint,
    check ((role = 'admin') = (account_id is null))
);
create index users_by_account on users (account_id);

create table integrations (
    id text primary key,
    account_id text not null references accounts (id),
    name text not null,
    name_key text not null,
    created_at bigint not null,
    archived_at bigint,
    unique (account_id, name_key)
);

create table signing_keys (
    kid text primary key,
    generation bigint not null unique,
    algorithm text not null,
    origin text not null check (origin in ('generated', 'imported')),
    -- The half that verifies; null once close has forgotten it.
    public_key bytea,
    -- The private half, sealed under the master key; null once destroyed.
    sealed bytea,
    -- Which master key sealed it (a digest of it), kept after destruction.
    sealed_by text,
    published_at bigint not null,
    activated_at bigint,
    deactivated_at bigint,
    destroyed_at bigint,
    forgotten_at bigint,
    compromised_at bigint
);

create table tokens (
    id text primary key,
    digest bytea not null unique,
    integration_id text not null references integrations (id),
    account_id text not null references accounts (id),
    kid text not null,
    -- The generation it was issued in, and the newest it may live in.
    born bigint not null,
    generation bigint not null,
    -- The last four characters, so that people can tell tokens apart.
    hint text not null,
    -- What `/fix?ref=` names; random, says nothing by itself.
    fix_ref text not null unique,
    -- The single-use id of the form that made it; a repeated submit finds it.
    form_id text unique,
    issued_at bigint not null,
    issued_by text not null,
    expires_at bigint,
    revoked_at bigint,
    revoked_by text,
    -- What this token does to its predecessors: 'at-once', 'after-first-use' or 'keep'.
    retires text not null,
    overlap_ms bigint not null,
    -- Set on the predecessor: which token replaced it, and when it ends.
    replaced_by text,
    ends_at bigint,
    first_used_at bigint,
    first_source text,
    last_used_at bigint,
    last_source text,
    last_agent text,
    uses bigint not null default 0,
    refused bigint not null default 0,
    last_refused_at bigint,
    last_refused_code text,
    last_refused_source text
);
create index tokens_by_integration on tokens (integration_id, issued_at);
create index tokens_by_account on tokens (account_id);
create index tokens_by_generation on tokens (generation);

-- Use by day (days since the Unix epoch): the past that cadence is read from.
create table token_days (
    token_id text not null references tokens (id),
    day bigint not null,
    uses bigint not null,
    primary key (token_id, day)
);

create table rotations (
    id text primary key,
    name text not null,
    name_key text not null unique,
    reason text not null,
    from_generation bigint not null,
    target_generation bigint not null,
    phase text not null check (phase in ('recording', 'finalised', 'closed', 'aborted')),
    -- 1 while recording or finalised, else null: at most one rotation is open.
    open bigint unique check (open = 1),
    lookback_ms bigint not null,
    started_by text not null,
    started_at bigint not null,
    -- When the new key signs and the old private key is gone; null until then.
    effective_at bigint,
    -- When past use had been counted as presence; finalise waits for it.
    looked_back_at bigint,
    -- The date promised to customers. Capture goes on until finalise.
    ends_at bigint not null,
    finalised_at bigint,
    closed_at bigint,
    aborted_at bigint
);

-- The allowlist, with its evidence. The subject is the public id of a token or a session.
create table captures (
    rotation_id text not null references rotations (id),
    subject text not null,
    how text not null check (how in ('use', 'lookback', 'readmit')),
    first_seen bigint not null,
    last_seen bigint not null,
    requests bigint not null,
    source text,
    agent text,
    primary key (rotation_id, subject)
);
create index captures_by_time on captures (rotation_id, first_seen);

create table sessions (
    id text primary key,
    digest bytea not null unique,
    user_id text not null references users (id),
    generation bigint not null,
    data text not null,
    created_at bigint not null,
    seen_at bigint not null,
    -- Idle and absolute end.
    idle_until bigint not null,
    expires_at bigint not null,
    ended_at bigint,
    ended_by text,
    source text,
    agent text
);
create index sessions_by_user on sessions (user_id);
create index sessions_by_generation on sessions (generation);

-- One-time links: set a password, the first set-up.
create table links (
    digest bytea primary key,
    purpose text not null check (purpose in ('set-password', 'setup')),
    user_id text references users (id),
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);

-- Failed sign-ins by account and by address.
create table attempts (
    subject text primary key,
    failures bigint not null,
    last_at bigint not null,
    blocked_until bigint not null
);

create table audit (
    id text primary key,
    at bigint not null,
    actor text not null,
    action text not null,
    subject text not null,
    detail text not null
);
create index audit_by_subject on audit (subject, at);
