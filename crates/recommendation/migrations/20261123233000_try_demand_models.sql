-- Which demand model answers, which one did before, and which were tried beside it and why.

create table recommendation.demand_models (
    tenant_id text not null,
    model_version text not null,
    -- The first day it learns from; null for as far back as sales count.
    learns_from date,
    -- "serving", "previous", "rejected" or "retired".
    state text not null,
    made_at timestamptz not null,
    decided_at timestamptz not null,
    -- The last day that was known when it was decided.
    decided_on date,
    verdict text not null,
    compared_days integer not null,
    loss double precision,
    loss_of_champion double precision,
    coverage_p90 double precision,
    coverage_p90_of_champion double precision,
    -- [{"kind": text, "product_id": text, "value": number, "limit": number, "sentence": text}]
    signs jsonb not null,
    constraint demand_models_pkey primary key (tenant_id, model_version),
    constraint demand_models_state_known check (state in ('serving', 'previous', 'rejected', 'retired'))
);

create unique index demand_models_one_serving on recommendation.demand_models (tenant_id) where state = 'serving';
create unique index demand_models_one_previous on recommendation.demand_models (tenant_id) where state = 'previous';

alter table recommendation.demand_models enable row level security, force row level security;
create policy own_tenant on recommendation.demand_models to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));

-- Since when somebody ought to look whether the model still fits.
alter table recommendation.market_changes add column look_wanted_at timestamptz;
create index market_changes_look on recommendation.market_changes (look_wanted_at) where look_wanted_at is not null;
create policy all_tenants on recommendation.market_changes for select to recommendation_worker using (true);
