-- Where and when a vendor sells, on what terms, what was sold, what was planned and how it went.

create table recommendation.markets (
    tenant_id text not null,
    market_id text not null,
    name text not null,
    time_zone text not null,
    country text not null,
    subdivision text not null,
    latitude double precision,
    longitude double precision,
    opens_at_minute smallint not null,
    closes_at_minute smallint not null,
    -- Monday is 1.
    weekdays smallint[] not null,
    usual_visitors integer,
    van_volume_l double precision,
    van_weight_kg double precision,
    currency text not null,
    square_location_id text not null,
    event_calendar_urls text[] not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint markets_pkey primary key (tenant_id, market_id),
    constraint markets_hours_in_order check (0 <= opens_at_minute and opens_at_minute < closes_at_minute and closes_at_minute <= 1440)
);

create table recommendation.market_days (
    tenant_id text not null,
    market_id text not null,
    held_on date not null,
    is_cancelled boolean not null,
    opens_at_minute smallint,
    closes_at_minute smallint,
    -- [{"name": text, "attendance": number or null}]
    events jsonb not null,
    note text not null,
    updated_at timestamptz not null default now(),
    constraint market_days_pkey primary key (tenant_id, market_id, held_on)
);

create table recommendation.market_products (
    tenant_id text not null,
    product_id text not null,
    -- Empty for every market that has no terms of its own.
    market_id text not null,
    currency text not null,
    price_micros bigint not null,
    unit_cost_micros bigint not null,
    salvage_micros bigint not null,
    goodwill_micros bigint not null,
    disposal_micros bigint not null,
    pack_units double precision not null,
    min_units double precision not null,
    -- 0 is any number.
    max_units double precision not null,
    volume_l double precision,
    weight_kg double precision,
    shelf_life_days integer not null,
    left_over_units double precision not null,
    is_fractional boolean not null,
    share_of_visitors double precision,
    is_retired boolean not null,
    updated_at timestamptz not null default now(),
    constraint market_products_pkey primary key (tenant_id, product_id, market_id),
    constraint market_products_price_positive check (price_micros > 0 and unit_cost_micros >= 0),
    constraint market_products_pack_positive check (pack_units > 0 and shelf_life_days >= 1)
);

create table recommendation.sales (
    tenant_id text not null,
    sale_id text not null,
    market_id text not null,
    product_id text not null,
    sold_at timestamptz not null,
    -- In the calendar and by the clock of the market.
    sold_on date not null,
    sold_at_minute smallint not null,
    -- Below 0 when it was given back.
    quantity double precision not null,
    amount_micros bigint,
    returned_sale_id text not null,
    promotion_id text not null,
    -- "recorded", or the connector that fetched it.
    source text not null,
    recorded_at timestamptz not null default now(),
    constraint sales_pkey primary key (tenant_id, sale_id),
    constraint sales_quantity_not_zero check (quantity <> 0)
);

create index sales_day on recommendation.sales (tenant_id, market_id, sold_on, product_id);

-- Sums of sales by hour, kept up with every write, so that a question over years reads few rows.
create table recommendation.sale_hours (
    tenant_id text not null,
    market_id text not null,
    product_id text not null,
    sold_on date not null,
    hour smallint not null,
    -- Empty for sales without one.
    promotion_id text not null,
    quantity double precision not null,
    amount_micros bigint not null,
    sale_count bigint not null,
    -- Of the last sale that was none given back; null when all were.
    last_minute smallint,
    constraint sale_hours_pkey primary key (tenant_id, market_id, sold_on, product_id, hour, promotion_id)
);

create index sale_hours_by_day on recommendation.sale_hours (tenant_id, sold_on)
    include (market_id, product_id, hour, promotion_id, quantity, amount_micros, sale_count);

-- The latest plan of each day, as it was answered.
create table recommendation.market_plans (
    tenant_id text not null,
    market_id text not null,
    held_on date not null,
    -- An encoded larder.market.v1.MarketPlan.
    plan bytea not null,
    model_version text not null,
    planned_at timestamptz not null,
    constraint market_plans_pkey primary key (tenant_id, market_id, held_on)
);

-- How each product did, with what was foretold at the time.
create table recommendation.market_feedback (
    tenant_id text not null,
    market_id text not null,
    held_on date not null,
    product_id text not null,
    recommended double precision,
    own_plan double precision,
    brought double precision not null,
    -- Null takes what was recorded as sales.
    sold double precision,
    left_over double precision,
    sold_out_at_minute smallint,
    -- 19 quantiles, .05 to .95; empty when nothing was foretold.
    quantiles double precision[] not null,
    currency text not null,
    price_micros bigint,
    unit_cost_micros bigint,
    salvage_micros bigint,
    goodwill_micros bigint,
    disposal_micros bigint,
    is_fractional boolean not null,
    model_version text not null,
    submitted_at timestamptz not null,
    constraint market_feedback_pkey primary key (tenant_id, market_id, held_on, product_id),
    constraint market_feedback_brought_possible check (brought >= 0)
);

create index market_feedback_latest on recommendation.market_feedback (tenant_id, held_on desc, market_id, product_id);

-- Counts the writes that a demand model has to learn from, so that replicas know when theirs is old.
create table recommendation.market_changes (
    tenant_id text not null,
    changes bigint not null,
    constraint market_changes_pkey primary key (tenant_id)
);

-- What was known of the weather and the events of a day when it was planned: models learn from what
-- was foretold, not from what came. It is also what is fallen back to when nobody outside answers.
create table recommendation.market_outlooks (
    tenant_id text not null,
    market_id text not null,
    held_on date not null,
    high_celsius double precision,
    rain_mm double precision,
    wind_kmh double precision,
    -- Who said so; empty when nobody did.
    weather_source text not null,
    weather_known_at timestamptz,
    event_attendance double precision,
    event_names text[] not null,
    events_source text not null,
    events_known_at timestamptz,
    constraint market_outlooks_pkey primary key (tenant_id, market_id, held_on)
);

do $$
declare
    name text;
begin
    foreach name in array array[
        'markets', 'market_days', 'market_products', 'sales', 'sale_hours', 'market_plans', 'market_feedback',
        'market_changes', 'market_outlooks'
    ] loop
        execute format('alter table recommendation.%I enable row level security, force row level security', name);
        execute format(
            'create policy own_tenant on recommendation.%I to recommendation_app using (tenant_id = current_setting(''larder.tenant_id'', true))',
            name
        );
    end loop;
end
$$;
