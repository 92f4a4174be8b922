-- What nutrition needs to know beyond the catalogue: more of a customer, and what customers log
-- of themselves.

alter table recommendation.customers
    add column body_fat_percent double precision,
    add column guideline text not null default '',
    -- As the contract numbers it; 0 is neither pregnant nor lactating.
    add column life_stage smallint not null default 0,
    add column goal_rate_kg_per_week double precision,
    add column score_goal text not null default '';

-- One a customer and day.
create table recommendation.body_measurements (
    tenant_id text not null,
    customer_id text not null,
    measured_on date not null,
    weight_kg double precision not null,
    body_fat_percent double precision,
    updated_at timestamptz not null default now(),
    constraint body_measurements_pkey primary key (tenant_id, customer_id, measured_on),
    constraint body_measurements_weight_positive check (weight_kg > 0)
);

-- Everything that was eaten on a day, one a customer and day.
create table recommendation.intakes (
    tenant_id text not null,
    customer_id text not null,
    eaten_on date not null,
    energy_kcal double precision not null,
    protein_g double precision,
    fat_g double precision,
    carbohydrate_g double precision,
    updated_at timestamptz not null default now(),
    constraint intakes_pkey primary key (tenant_id, customer_id, eaten_on),
    constraint intakes_energy_not_negative check (energy_kcal >= 0)
);

alter table recommendation.body_measurements enable row level security, force row level security;
alter table recommendation.intakes enable row level security, force row level security;

create policy own_tenant on recommendation.body_measurements to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.intakes to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
