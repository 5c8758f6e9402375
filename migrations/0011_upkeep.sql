-- What an integration's page looks up of each of its tokens.
create index captures_by_subject on captures (subject, first_seen);
-- What is removed when it is too old to say anything.
create index token_days_by_day on token_days (day);
create index attempts_by_time on attempts (last_at);
