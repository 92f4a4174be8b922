-- The catalogue of every tenant. Rows are hidden by deleted_at, never removed here, so
-- that models keep their history; changed_xid lets replicas follow changes in an order
-- that is safe while other transactions are still open.

create table recommendation.tenants (
    tenant_id text not null,
    created_at timestamptz not null default now(),
    constraint tenants_pkey primary key (tenant_id)
);

create sequence recommendation.change_sequence;

create table recommendation.products (
    tenant_id text not null,
    product_id text not null,
    name text not null,
    category text not null,
    brand text not null,
    tags text[] not null,
    price_micros bigint,
    price_currency text,
    in_stock boolean not null,
    package_size text not null,
    nutrition jsonb,
    allergens text[] not null,
    attributes jsonb not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    changed_xid bigint not null default (pg_current_xact_id()::text::bigint),
    changed_sequence bigint not null default nextval('recommendation.change_sequence'),
    constraint products_pkey primary key (tenant_id, product_id),
    constraint products_price_not_negative check (price_micros >= 0),
    constraint products_price_has_currency check ((price_micros is null) = (price_currency is null))
);

create index products_changed on recommendation.products (changed_xid, changed_sequence);
create index products_category on recommendation.products (tenant_id, category, product_id);

create table recommendation.customers (
    tenant_id text not null,
    customer_id text not null,
    name text not null,
    birth_date date,
    sex smallint not null,
    height_cm double precision,
    weight_kg double precision,
    activity_level smallint not null,
    goal smallint not null,
    diets text[] not null,
    allergens text[] not null,
    attributes jsonb not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint customers_pkey primary key (tenant_id, customer_id)
);

create table recommendation.promotions (
    tenant_id text not null,
    promotion_id text not null,
    name text not null,
    product_ids text[] not null,
    categories text[] not null,
    discount_percent double precision not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint promotions_pkey primary key (tenant_id, promotion_id),
    constraint promotions_end_after_start check (ends_at > starts_at),
    constraint promotions_discount_in_range check (discount_percent > 0 and discount_percent <= 100)
);

create table recommendation.budgets (
    tenant_id text not null,
    budget_id text not null,
    name text not null,
    customer_id text not null,
    category text not null,
    amount_micros bigint not null,
    amount_currency text not null,
    starts_on date not null,
    ends_on date not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint budgets_pkey primary key (tenant_id, budget_id),
    constraint budgets_end_not_before_start check (ends_on >= starts_on),
    constraint budgets_amount_not_negative check (amount_micros >= 0)
);

create index budgets_customer on recommendation.budgets (tenant_id, customer_id, budget_id);

alter table recommendation.tenants enable row level security, force row level security;
alter table recommendation.products enable row level security, force row level security;
alter table recommendation.customers enable row level security, force row level security;
alter table recommendation.promotions enable row level security, force row level security;
alter table recommendation.budgets enable row level security, force row level security;

create policy own_tenant on recommendation.tenants to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.products to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.customers to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.promotions to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.budgets to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));

-- The follower and the trainer read the catalogue of all tenants, and write none of it.
create policy all_tenants on recommendation.tenants for select to recommendation_worker using (true);
create policy all_tenants on recommendation.products for select to recommendation_worker using (true);
