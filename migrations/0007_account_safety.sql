-- Account safety: second factors, recovery codes, sign-ins that wait for one, and letters declined.

create table second_factors (
    user_id text primary key references users (id),
    -- The shared secret of RFC 6238, sealed, and which master key sealed it (a digest of it).
    sealed bytea not null,
    sealed_by text not null,
    created_at bigint not null,
    -- When a code proved that the user's app has it; null until then, and nothing is asked for.
    confirmed_at bigint
);

-- Codes that were used, by their step of time: none works twice.
create table second_factor_steps (
    user_id text not null references users (id),
    step bigint not null,
    primary key (user_id, step)
);

-- Each works once, in place of a code from the app.
create table recovery_codes (
    digest bytea primary key,
    user_id text not null references users (id),
    created_at bigint not null,
    used_at bigint
);
create index recovery_codes_by_user on recovery_codes (user_id);

-- The password was right; the second factor is awaited.
create table sign_in_steps (
    digest bytea primary key,
    user_id text not null references users (id),
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);
create index sign_in_steps_by_user on sign_in_steps (user_id);

-- Letters that a user does without: only of kinds that may be declined.
create table letters_declined (
    user_id text not null references users (id),
    kind text not null,
    primary key (user_id, kind)
);
