-- Experiments, and the answers that were shown with the chance of every product in them.

create table recommendation.experiments (
    tenant_id text not null,
    experiment_id text not null,
    name text not null,
    placement text not null,
    -- In the order in which customers are divided among them: never changed once it runs.
    arms jsonb not null,
    started_at timestamptz not null,
    stopped_at timestamptz,
    created_sequence bigint generated always as identity,
    constraint experiments_pkey primary key (tenant_id, experiment_id)
);

create unique index experiments_one_running on recommendation.experiments (tenant_id, placement)
    where stopped_at is null;
create index experiments_created on recommendation.experiments (tenant_id, created_sequence desc);

-- One row an answer. The pool has the products the answer drew from, the plain choice first;
-- shown_positions tells which of them stood at each place, counted from 0.
create table recommendation.exposures (
    tenant_id text not null,
    recommendation_id text not null,
    -- The customer's id, or what stands for a visitor nobody knows.
    subject text not null,
    placement text not null,
    experiment_id text,
    arm text,
    model_version text not null,
    shown_at timestamptz not null,
    exploration double precision not null,
    fixed_places integer[] not null,
    shown_positions integer[] not null,
    propensities double precision[] not null,
    product_ids text[] not null,
    pool_product_ids text[] not null,
    pool_scores double precision[] not null,
    pool_relevances double precision[] not null,
    pool_repeats boolean[] not null,
    constraint exposures_pkey primary key (tenant_id, recommendation_id),
    constraint exposures_arm_of_experiment check ((experiment_id is null) = (arm is null)),
    constraint exposures_places_agree check (
        cardinality(shown_positions) = cardinality(propensities)
        and cardinality(shown_positions) = cardinality(product_ids)
    ),
    constraint exposures_pool_agrees check (
        cardinality(pool_product_ids) = cardinality(pool_scores)
        and cardinality(pool_product_ids) = cardinality(pool_relevances)
        and cardinality(pool_product_ids) = cardinality(pool_repeats)
    )
);

create index exposures_experiment on recommendation.exposures (tenant_id, experiment_id)
    where experiment_id is not null;
create index exposures_explored on recommendation.exposures (tenant_id, placement, shown_at desc)
    where exploration > 0;
create index exposures_subject on recommendation.exposures (tenant_id, subject);
create index exposures_shown on recommendation.exposures (shown_at);

create index interactions_recommendation on recommendation.interactions (tenant_id, recommendation_id)
    where recommendation_id is not null;

alter table recommendation.experiments enable row level security, force row level security;
alter table recommendation.exposures enable row level security, force row level security;

create policy own_tenant on recommendation.experiments to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.exposures to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));

-- The follower keeps the running experiments of all tenants in memory; the sweep removes
-- exposures that are too old to learn from.
create policy all_tenants on recommendation.experiments for select to recommendation_worker using (true);
create policy all_tenants on recommendation.exposures for delete to recommendation_worker using (true);
create policy all_tenants_read on recommendation.exposures for select to recommendation_worker using (true);
