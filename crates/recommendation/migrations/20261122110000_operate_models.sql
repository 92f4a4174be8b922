-- What became of each model after its training, and in which order models served. A row that a
-- program from before this wrote has the defaults: it was promoted when it was trained.

alter table recommendation.models
    add column state text not null default 'promoted',
    add column state_reason text not null default '',
    add column pinned boolean not null default false,
    add column promoted_at timestamptz,
    add column ndcg double precision,
    add column card jsonb,
    add column parameters jsonb,
    add constraint models_state_known check (state in ('promoted', 'rejected', 'kept_back'));

create table recommendation.model_promotions (
    tenant_id text not null,
    model_version text not null,
    promotion_number bigint generated always as identity,
    promoted_at timestamptz not null,
    cause text not null,
    constraint model_promotions_pkey primary key (tenant_id, promotion_number),
    constraint model_promotions_cause_known check (cause in ('trained', 'forced', 'requested', 'rolled_back'))
);

alter table recommendation.model_promotions enable row level security, force row level security;

create policy own_tenant on recommendation.model_promotions to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy all_tenants on recommendation.model_promotions to recommendation_worker using (true);
