-- What is looked at from here, and shifts that a calendar tells.

-- Whichever replica moves next_at on takes the look.
create table alerting.probes (
    tenant_id text not null,
    name text not null,
    -- Those of its alert.
    labels jsonb not null,
    next_at timestamptz not null,
    looked_at timestamptz,
    -- Looks that failed in a row.
    failures integer not null default 0,
    -- Whether an alert was told of it.
    is_told boolean not null default false,
    last_error text not null default '',
    constraint probes_pkey primary key (tenant_id, name)
);

alter table alerting.probes enable row level security, force row level security;
create policy own_tenant on alerting.probes to alerting_app, alerting_worker
    using (tenant_id = current_setting('larder.tenant_id', true));

-- The event of the calendar that told it; empty for what a person made.
alter table alerting.overrides add column calendar text not null default '';
