-- What customers did: the log that models are trained on and replicas follow.

create table recommendation.interactions (
    tenant_id text not null,
    event_id text not null,
    customer_id text not null,
    product_id text not null,
    kind smallint not null,
    quantity double precision not null,
    value double precision,
    amount_micros bigint,
    amount_currency text,
    recommendation_id text,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    recorded_xid bigint not null default (pg_current_xact_id()::text::bigint),
    recorded_sequence bigint generated always as identity,
    constraint interactions_pkey primary key (tenant_id, event_id),
    constraint interactions_kind_known check (kind between 1 and 6),
    constraint interactions_quantity_positive check (quantity > 0),
    constraint interactions_amount_has_currency check ((amount_micros is null) = (amount_currency is null))
);

create index interactions_recorded on recommendation.interactions (recorded_xid, recorded_sequence);
create index interactions_tenant_recorded on recommendation.interactions (tenant_id, recorded_xid, recorded_sequence);
create index interactions_customer on recommendation.interactions (tenant_id, customer_id, occurred_at desc);
create index interactions_purchases on recommendation.interactions (tenant_id, occurred_at desc, event_id desc)
    where kind = 3;

-- Who was erased, known by a hash alone, so that replicas and older snapshots forget too.
create table recommendation.erasures (
    tenant_id text not null,
    customer_hash bytea not null,
    erased_at timestamptz not null default now(),
    recorded_xid bigint not null default (pg_current_xact_id()::text::bigint),
    recorded_sequence bigint generated always as identity,
    constraint erasures_pkey primary key (tenant_id, customer_hash)
);

create index erasures_recorded on recommendation.erasures (recorded_xid, recorded_sequence);

-- Trained models; the snapshot file of a version lies in the snapshot folder.
create table recommendation.models (
    tenant_id text not null,
    model_version text not null,
    trained_at timestamptz not null,
    promoted boolean not null,
    product_count bigint not null,
    customer_count bigint not null,
    interaction_count bigint not null,
    size_bytes bigint not null,
    checksum_sha256 text not null,
    watermark_xid bigint not null,
    constraint models_pkey primary key (tenant_id, model_version)
);

create unique index models_one_promoted on recommendation.models (tenant_id) where promoted;

-- Answers to writes that carried an idempotency key, kept for a day.
create table recommendation.idempotency_keys (
    tenant_id text not null,
    method text not null,
    idempotency_key text not null,
    request_sha256 bytea not null,
    response bytea not null,
    created_at timestamptz not null default now(),
    constraint idempotency_keys_pkey primary key (tenant_id, method, idempotency_key)
);

create index idempotency_keys_created on recommendation.idempotency_keys (created_at);

alter table recommendation.interactions enable row level security, force row level security;
alter table recommendation.erasures enable row level security, force row level security;
alter table recommendation.models enable row level security, force row level security;
alter table recommendation.idempotency_keys enable row level security, force row level security;

create policy own_tenant on recommendation.interactions to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.erasures to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.models to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.idempotency_keys to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));

create policy all_tenants on recommendation.interactions for select to recommendation_worker using (true);
create policy all_tenants on recommendation.erasures for select to recommendation_worker using (true);
create policy all_tenants on recommendation.models to recommendation_worker using (true);
create policy all_tenants on recommendation.idempotency_keys for delete to recommendation_worker using (true);
create policy all_tenants_read on recommendation.idempotency_keys for select to recommendation_worker using (true);
