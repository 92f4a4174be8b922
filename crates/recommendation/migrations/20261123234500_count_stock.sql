-- What was left of a product at a market when the vendor's shop counted it last on a day.

create table recommendation.stock_counts (
    tenant_id text not null,
    market_id text not null,
    product_id text not null,
    counted_on date not null,
    counted_at timestamptz not null,
    -- By the market's clock.
    counted_at_minute smallint not null,
    quantity double precision not null,
    constraint stock_counts_pkey primary key (tenant_id, market_id, product_id, counted_on),
    constraint stock_counts_quantity check (quantity >= 0)
);

alter table recommendation.stock_counts enable row level security, force row level security;

create policy own_tenant on recommendation.stock_counts to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
