-- What comes and goes is damped.

-- How often it turned lately; null while it never turned.
alter table alerting.alerts add column flaps jsonb;
-- Until when it counts as firing although it may be over.
alter table alerting.alerts add column damped_until timestamptz;
create index alerts_damped on alerting.alerts (damped_until) where damped_until is not null;

alter table alerting.incidents add column is_flapping boolean not null default false;
