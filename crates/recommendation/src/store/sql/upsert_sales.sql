insert into recommendation.sales (
    tenant_id, sale_id, market_id, product_id, sold_at, sold_on, sold_at_minute, quantity, amount_micros,
    returned_sale_id, promotion_id, source
)
select
    $1, sale_id, market_id, product_id, recommendation.from_micros(sold_at_us),
    date '1970-01-01' + sold_on_day, sold_at_minute, quantity, amount_micros, returned_sale_id, promotion_id,
    source
from jsonb_to_recordset($2::jsonb) as incoming (
    sale_id text, market_id text, product_id text, sold_at_us bigint, sold_on_day integer,
    sold_at_minute smallint, quantity double precision, amount_micros bigint, returned_sale_id text,
    promotion_id text, source text
)
order by sale_id
on conflict (tenant_id, sale_id) do update set
    market_id = excluded.market_id,
    product_id = excluded.product_id,
    sold_at = excluded.sold_at,
    sold_on = excluded.sold_on,
    sold_at_minute = excluded.sold_at_minute,
    quantity = excluded.quantity,
    amount_micros = excluded.amount_micros,
    returned_sale_id = excluded.returned_sale_id,
    promotion_id = excluded.promotion_id,
    source = excluded.source,
    recorded_at = now()
