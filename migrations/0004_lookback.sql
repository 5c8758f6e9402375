-- Nodes say more of themselves: by which lease they answer, and up to which version every use that
-- they counted before is on disk. A row of an older release may answer by the longest lease there is.
alter table nodes add column lease_ms bigint not null default 60000;
alter table nodes add column flushed bigint not null default 0;

-- The version from which on a rotation records.
alter table rotations add column start_version bigint;
-- The look-back is a job that goes on where it was: the public id it has come to, sessions first,
-- then tokens; and how many it has carried over.
alter table rotations add column lookback_after text not null default '';
alter table rotations add column lookback_carried bigint not null default 0;
