-- Who calls with a token: the programs and addresses heard last, a few of each token. Empty texts stand for
-- what is not known, so that they can be part of the key.
create table token_callers (
    token_id text not null references tokens (id),
    source text not null,
    agent text not null,
    first_at bigint not null,
    -- The last request, answered or refused.
    seen_at bigint not null,
    uses bigint not null,
    used_at bigint,
    refused bigint not null,
    refused_at bigint,
    refused_code text,
    primary key (token_id, source, agent)
);

-- What is known from before: the last caller of each token.
insert into token_callers (token_id, source, agent, first_at, seen_at, uses, used_at, refused)
select id, coalesce(last_source, ''), coalesce(last_agent, ''), last_used_at, last_used_at, 1, last_used_at, 0
from tokens
where last_used_at is not null and (last_source is not null or last_agent is not null);

insert into token_callers
    (token_id, source, agent, first_at, seen_at, uses, refused, refused_at, refused_code)
select id, coalesce(last_refused_source, ''), '', last_refused_at, last_refused_at, 0, 1, last_refused_at,
    last_refused_code
from tokens
where last_refused_at is not null
on conflict (token_id, source, agent) do update set
    seen_at = case when token_callers.seen_at > excluded.seen_at then token_callers.seen_at else excluded.seen_at end,
    refused = excluded.refused, refused_at = excluded.refused_at, refused_code = excluded.refused_code;
