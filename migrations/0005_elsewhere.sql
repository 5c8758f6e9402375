-- Tokens issued elsewhere: imported keys, and what arrives signed by one and is not registered.

-- Several imported keys may belong to one generation; of the keys generated here each has its own.
-- The table is made anew, because SQLite cannot drop the constraint.
create table signing_keys_new (
    kid text primary key,
    generation bigint not null,
    algorithm text not null,
    origin text not null check (origin in ('generated', 'imported')),
    -- The half that verifies; null for a shared secret, and once close has forgotten it.
    public_key bytea,
    -- The private half, or an imported shared secret, sealed under the master key; null once destroyed.
    sealed bytea,
    -- Which master key sealed it (a digest of it), kept after destruction.
    sealed_by text,
    published_at bigint not null,
    activated_at bigint,
    deactivated_at bigint,
    destroyed_at bigint,
    forgotten_at bigint,
    compromised_at bigint,
    compromised_by text,
    compromised_reason text,
    -- 0 when the tokens of an imported key name no key in their header.
    names_kid bigint not null default 1,
    -- Of an imported key: the claims that name account and integration, and the issuer it is held to.
    account_claim text,
    integration_claim text,
    issuer text
);
insert into signing_keys_new (kid, generation, algorithm, origin, public_key, sealed, sealed_by, published_at,
    activated_at, deactivated_at, destroyed_at, forgotten_at, compromised_at, compromised_by, compromised_reason)
select kid, generation, algorithm, origin, public_key, sealed, sealed_by, published_at, activated_at,
    deactivated_at, destroyed_at, forgotten_at, compromised_at, compromised_by, compromised_reason from signing_keys;
drop table signing_keys;
alter table signing_keys_new rename to signing_keys;
create unique index signing_keys_generated on signing_keys (generation) where origin = 'generated';

-- One more way into the allowlist: an admin's approval of a held token.
create table captures_new (
    rotation_id text not null references rotations (id),
    subject text not null,
    how text not null check (how in ('use', 'lookback', 'readmit', 'approve')),
    first_seen bigint not null,
    last_seen bigint not null,
    requests bigint not null,
    source text,
    agent text,
    primary key (rotation_id, subject)
);
insert into captures_new (rotation_id, subject, how, first_seen, last_seen, requests, source, agent)
select rotation_id, subject, how, first_seen, last_seen, requests, source, agent from captures;
drop table captures;
alter table captures_new rename to captures;
create index captures_by_time on captures (rotation_id, first_seen);

-- What arrived with a good signature of an imported key and is not registered: seen, never captured.
-- No column holds the token or its `jti`; claims are cut to a bounded length.
create table held_tokens (
    -- The public id it keeps when it is approved, made from the digest: every node gives the same.
    id text primary key,
    digest bytea not null unique,
    -- The key that signed it.
    kid text not null,
    -- The last four characters, so that people can tell tokens apart.
    hint text not null,
    -- What its claims say, and the same in lower case, by which accounts and integrations are found.
    account_claim text,
    account_key text,
    integration_claim text,
    integration_key text,
    issuer text,
    subject text,
    audience text,
    issued_at bigint,
    expires_at bigint,
    first_seen_at bigint not null,
    first_source text,
    first_agent text,
    last_seen_at bigint not null,
    last_source text,
    uses bigint not null,
    -- An admin said that it must not pass.
    refused_at bigint,
    refused_by text
);
create index held_tokens_by_first_sight on held_tokens (first_seen_at, id);

-- One row, there when held tokens had to be left off the list.
create table held_overflow (
    id bigint primary key check (id = 1),
    missed bigint not null,
    first_at bigint not null,
    last_at bigint not null
);
