-- Alerts, the incidents they become, and what is still to be told to whom. Time is an argument
-- everywhere: no default and no statement of this service asks the database what time it is.

-- Instants cross into the program as microseconds since 1970 in UTC: these two functions are the
-- only place where the two forms meet.
create function alerting.to_micros(instant timestamptz) returns bigint
    language sql immutable strict parallel safe
    return (extract(epoch from instant) * 1000000)::bigint;

create function alerting.from_micros(micros bigint) returns timestamptz
    language sql immutable strict parallel safe
    return to_timestamp(micros / 1000000) + (micros % 1000000) * interval '1 microsecond';

create table alerting.tenants (
    tenant_id text not null,
    -- The number of the newest incident.
    last_incident_number bigint not null default 0,
    constraint tenants_pkey primary key (tenant_id)
);

create table alerting.alerts (
    tenant_id text not null,
    -- FNV-1a over the sorted labels, as Alertmanager makes it; the same bits, signed.
    fingerprint bigint not null,
    labels jsonb not null,
    annotations jsonb not null,
    generator_url text not null,
    source text not null,
    starts_at timestamptz not null,
    -- When its source said that it was over; null while it fires.
    resolved_at timestamptz,
    -- When it counts as lost unless it is sent again; null where the source only tells of changes.
    expires_at timestamptz,
    -- Since when nobody speaks for it any more.
    lost_at timestamptz,
    -- A resolve that is not believed before its source has given a sign of life.
    resolve_held_at timestamptz,
    updated_at timestamptz not null,
    -- Counts every change that matters; what is being worked on is finished only where it did not move on.
    revision bigint not null,
    is_pending boolean not null,
    silence_ids text[] not null default '{}',
    is_inhibited boolean not null default false,
    -- Whether it inhibits others while it fires.
    inhibits boolean not null default false,
    constraint alerts_pkey primary key (tenant_id, fingerprint)
);

create index alerts_pending on alerting.alerts (tenant_id, updated_at) where is_pending;
create index alerts_expiring on alerting.alerts (expires_at)
    where resolved_at is null and lost_at is null and expires_at is not null;
create index alerts_held on alerting.alerts (tenant_id, source) where resolve_held_at is not null;
create index alerts_inhibiting on alerting.alerts (tenant_id) where inhibits and resolved_at is null;
create index alerts_inhibited on alerting.alerts (tenant_id) where is_inhibited and resolved_at is null;
create index alerts_resolved on alerting.alerts (resolved_at) where resolved_at is not null;

create table alerting.incidents (
    tenant_id text not null,
    incident_id uuid not null,
    incident_number bigint not null,
    route text not null,
    receiver text not null,
    -- The route's key with the group labels: at most one incident of it is not resolved.
    group_key text not null,
    group_labels jsonb not null,
    title text not null,
    severity text not null,
    runbook_url text not null,
    common_labels jsonb not null,
    common_annotations jsonb not null,
    state text not null,
    opened_at timestamptz not null,
    -- When somebody was first to be told.
    paged_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text not null default '',
    resolved_at timestamptz,
    resolved_by text not null default '',
    snoozed_until timestamptz,
    is_source_lost boolean not null default false,
    firing_count integer not null,
    alert_count integer not null,
    -- Counts the messages that tell a new state.
    revision integer not null default 0,
    -- The position in the escalation; what it means is the policy's.
    escalation jsonb not null,
    constraint incidents_pkey primary key (tenant_id, incident_id),
    constraint incidents_number unique (tenant_id, incident_number),
    constraint incidents_state check (state in ('open', 'acknowledged', 'resolved'))
);

create unique index incidents_one_open on alerting.incidents (tenant_id, group_key) where state <> 'resolved';
create index incidents_newest on alerting.incidents (tenant_id, incident_number desc) where state <> 'resolved';
create index incidents_opened on alerting.incidents (tenant_id, opened_at);

create table alerting.incident_alerts (
    tenant_id text not null,
    incident_id uuid not null,
    fingerprint bigint not null,
    is_firing boolean not null,
    -- Whether a silence or another alert hides it.
    is_hidden boolean not null,
    constraint incident_alerts_pkey primary key (tenant_id, incident_id, fingerprint),
    constraint incident_alerts_incident foreign key (tenant_id, incident_id)
        references alerting.incidents (tenant_id, incident_id) on delete cascade
);

create index incident_alerts_firing on alerting.incident_alerts (tenant_id, fingerprint) where is_firing;

-- What happened to an incident. Rows are added and never changed: neither role may.
create table alerting.timeline (
    tenant_id text not null,
    incident_id uuid not null,
    sequence integer not null,
    at timestamptz not null,
    kind text not null,
    actor text not null,
    text text not null,
    -- SHA-256 over the hash before and this entry.
    hash bytea not null,
    constraint timeline_pkey primary key (tenant_id, incident_id, sequence),
    constraint timeline_incident foreign key (tenant_id, incident_id)
        references alerting.incidents (tenant_id, incident_id)
);

-- What is to be looked at again, and when: one row a kind and incident.
create table alerting.timers (
    tenant_id text not null,
    incident_id uuid not null,
    kind text not null,
    due_at timestamptz not null,
    constraint timers_pkey primary key (tenant_id, incident_id, kind),
    constraint timers_kind check (kind in ('notify', 'escalate', 'snooze', 'repeat', 'update'))
);

create index timers_due on alerting.timers (due_at);

-- The outbox: what is to be told to whom. A row is leased by one replica at a time; attempts is the
-- fence, since each lease counts it up.
create table alerting.notifications (
    tenant_id text not null,
    notification_id uuid not null,
    incident_id uuid,
    channel text not null,
    recipient text not null,
    -- 'page' wakes somebody; 'update' tells a new state to those who were told.
    kind text not null,
    severity text not null,
    -- The same key is the same message, however often it was asked for.
    dedup_key text not null,
    state text not null,
    attempts integer not null,
    created_at timestamptz not null,
    next_at timestamptz not null,
    expires_at timestamptz not null,
    lease_until timestamptz,
    lease_owner uuid,
    finished_at timestamptz,
    last_error text not null default '',
    constraint notifications_pkey primary key (tenant_id, notification_id),
    constraint notifications_once unique (tenant_id, dedup_key),
    constraint notifications_state check (state in ('waiting', 'sent', 'failed', 'collapsed')),
    constraint notifications_kind check (kind in ('page', 'update', 'warning'))
);

create index notifications_due on alerting.notifications (next_at) where state = 'waiting';
create index notifications_channel on alerting.notifications (tenant_id, channel, next_at) where state = 'waiting';
create index notifications_incident on alerting.notifications (tenant_id, incident_id);
create index notifications_finished on alerting.notifications (finished_at) where state <> 'waiting';

-- How an incident is called on the other side: Slack's message, a mail's thread.
create table alerting.messages (
    tenant_id text not null,
    incident_id uuid not null,
    channel text not null,
    recipient text not null,
    external_id text not null,
    constraint messages_pkey primary key (tenant_id, incident_id, channel, recipient)
);

-- What a channel said of itself: until when it wants nothing.
create table alerting.channel_states (
    tenant_id text not null,
    channel text not null,
    paused_until timestamptz,
    pause_reason text not null,
    -- Tokens of the channel's limit; they outlive a restart.
    load jsonb,
    constraint channel_states_pkey primary key (tenant_id, channel)
);

create table alerting.silences (
    tenant_id text not null,
    silence_id text not null,
    -- As it was asked for; what it means is worked out in memory.
    silence jsonb not null,
    ends_at timestamptz not null,
    created_at timestamptz not null,
    constraint silences_pkey primary key (tenant_id, silence_id)
);

create table alerting.overrides (
    tenant_id text not null,
    override_id uuid not null,
    schedule text not null,
    contact text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    created_by text not null,
    constraint overrides_pkey primary key (tenant_id, override_id)
);

create table alerting.heartbeats (
    tenant_id text not null,
    name text not null,
    interval_s integer not null,
    last_beat_at timestamptz,
    -- When it was first expected.
    created_at timestamptz not null,
    is_lost boolean not null default false,
    constraint heartbeats_pkey primary key (tenant_id, name)
);

-- Links that were used.
create table alerting.used_links (
    tenant_id text not null,
    nonce text not null,
    used_at timestamptz not null,
    constraint used_links_pkey primary key (tenant_id, nonce)
);

do $$
declare
    name text;
begin
    foreach name in array array['tenants', 'alerts', 'incidents', 'incident_alerts', 'timeline', 'timers',
        'notifications', 'messages', 'channel_states', 'silences', 'overrides', 'heartbeats', 'used_links']
    loop
        execute format('alter table alerting.%I enable row level security, force row level security', name);
        execute format(
            'create policy own_tenant on alerting.%I to alerting_app, alerting_worker
             using (tenant_id = current_setting(''larder.tenant_id'', true))', name);
    end loop;
end
$$;

revoke update, delete on alerting.timeline from alerting_app, alerting_worker;

-- The worker looks for work across tenants, and does it one tenant at a time.
create policy all_tenants on alerting.tenants for select to alerting_worker using (true);
create policy all_tenants on alerting.alerts for select to alerting_worker using (true);
create policy all_tenants_expire on alerting.alerts for update to alerting_worker using (true);
create policy all_tenants on alerting.timers for select to alerting_worker using (true);
create policy all_tenants on alerting.notifications for select to alerting_worker using (true);
create policy all_tenants_lease on alerting.notifications for update to alerting_worker using (true);
create policy all_tenants_sweep on alerting.notifications for delete to alerting_worker using (true);
create policy all_tenants on alerting.incidents for select to alerting_worker using (true);
create policy all_tenants on alerting.channel_states for select to alerting_worker using (true);
create policy all_tenants on alerting.silences for select to alerting_worker using (true);
create policy all_tenants on alerting.heartbeats for select to alerting_worker using (true);
create policy all_tenants on alerting.used_links for delete to alerting_worker using (true);
create policy all_tenants_read on alerting.used_links for select to alerting_worker using (true);
