-- Keys: who said that one is compromised, what was destroyed, forgeries, master keys, and databases
-- that were restored.

-- `compromised_at` has been there from the start.
alter table signing_keys add column compromised_by text;
alter table signing_keys add column compromised_reason text;

-- What was destroyed of which key. Rows are never removed.
create table destructions (
    kid text not null,
    -- The private half; an imported shared secret; the public half; a copy under another master key.
    what text not null check (what in ('private', 'secret', 'public', 'copy')),
    -- Which master key had sealed it; empty for what was not sealed.
    sealed_by text not null,
    generation bigint not null,
    at bigint not null,
    why text not null check (why in ('start', 'close', 'reseal')),
    rotation_id text references rotations (id),
    -- When the files held no trace of it any more; null until then.
    scrubbed_at bigint,
    primary key (kid, what, sealed_by)
);
-- What was destroyed before this table was there. Whether the files were scrubbed is not known: they
-- are scrubbed again.
insert into destructions (kid, what, sealed_by, generation, at, why, rotation_id)
select kid, case when origin = 'imported' then 'secret' else 'private' end, coalesce(sealed_by, ''), generation,
    destroyed_at, 'start',
    (select min(r.id) from rotations r where r.effective_at = signing_keys.destroyed_at)
from signing_keys where destroyed_at is not null;
insert into destructions (kid, what, sealed_by, generation, at, why, rotation_id)
select kid, 'public', '', generation, forgotten_at, 'close',
    (select min(r.id) from rotations r where r.closed_at = signing_keys.forgotten_at)
from signing_keys where forgotten_at is not null;

-- Tokens with a good signature that were never issued here: by the key that signed them and by where
-- they came from, in a bounded number of rows. No token, no claim, no digest.
create table forgeries (
    kid text not null,
    source text not null,
    attempts bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    -- An admin has seen it; the next one opens it again.
    closed_at bigint,
    closed_by text,
    primary key (kid, source)
);

-- Moves of everything sealed to another master key. One without an end is under way.
create table reseals (
    id text primary key,
    -- The master key that everything moves to.
    fingerprint text not null,
    started_at bigint not null,
    started_by text not null,
    finished_at bigint
);

-- Which master keys the serving nodes hold: nothing moves to one that a node does not.
create table master_key_holders (
    node_id text not null,
    fingerprint text not null,
    primary key (node_id, fingerprint)
);

-- Rises once a minute while a node serves, and after every backup: with the version, it tells a
-- restored older database from the one that was last used.
alter table state add column beat bigint not null default 0;

-- Older databases that someone accepted: from this version on it counts again.
create table acceptances (
    version bigint primary key,
    -- The version the restored database had, and the one that was known.
    found bigint not null,
    known bigint not null,
    accepted_at bigint not null,
    accepted_by text not null
);
