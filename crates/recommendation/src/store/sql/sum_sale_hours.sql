insert into recommendation.sale_hours (
    tenant_id, market_id, product_id, sold_on, hour, promotion_id, quantity, amount_micros, sale_count,
    last_minute
)
select
    $1, sales.market_id, sales.product_id, sales.sold_on, sales.sold_at_minute / 60, sales.promotion_id,
    sum(sales.quantity), coalesce(sum(sales.amount_micros), 0), count(*),
    max(sales.sold_at_minute) filter (where sales.quantity > 0)
from jsonb_to_recordset($2::jsonb) as touched (market_id text, product_id text, sold_on_day integer)
join recommendation.sales
    on sales.tenant_id = $1
    and sales.market_id = touched.market_id
    and sales.sold_on = date '1970-01-01' + touched.sold_on_day
    and sales.product_id = touched.product_id
group by sales.market_id, sales.product_id, sales.sold_on, sales.sold_at_minute / 60, sales.promotion_id
