-- Until when a revocation can be undone: set where a customer revoked on the dashboard, null for every
-- other revocation.
alter table tokens add column undo_until bigint;
