-- The generic food that stands for a product; replicas follow it as they follow products.

create table recommendation.food_matches (
    tenant_id text not null,
    product_id text not null,
    -- The name that was matched.
    product_name text not null,
    state text not null,
    -- Empty when it was rejected.
    food_id text not null,
    confidence double precision not null,
    matched_words text[] not null,
    updated_at timestamptz not null default now(),
    changed_xid bigint not null default (pg_current_xact_id()::text::bigint),
    changed_sequence bigint not null default nextval('recommendation.change_sequence'),
    constraint food_matches_pkey primary key (tenant_id, product_id),
    constraint food_matches_state_known check (state in ('estimated', 'confirmed', 'rejected')),
    constraint food_matches_food_unless_rejected check ((food_id = '') = (state = 'rejected'))
);

create index food_matches_changed on recommendation.food_matches (changed_xid, changed_sequence);
create index food_matches_review on recommendation.food_matches (tenant_id, state, confidence, product_id);

alter table recommendation.food_matches enable row level security, force row level security;

create policy own_tenant on recommendation.food_matches to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy all_tenants on recommendation.food_matches for select to recommendation_worker using (true);
