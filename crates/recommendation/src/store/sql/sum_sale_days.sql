select
    market_id, product_id,
    sold_on - date '1970-01-01' as "sold_on_day!",
    sum(quantity) as "quantity!",
    sum(amount_micros)::bigint as "amount_micros!",
    max(last_minute) as last_minute,
    coalesce(sum(quantity) filter (where promotion_id <> ''), 0) as "promoted_quantity!"
from recommendation.sale_hours
where tenant_id = $1
    and sold_on >= date '1970-01-01' + $2::integer
    and sold_on < date '1970-01-01' + $3::integer
    and ($4::text is null or market_id = $4)
group by market_id, product_id, sold_on
order by market_id, product_id, sold_on
