select
    coalesce(sum(quantity), 0) as "quantity!",
    coalesce(sum(amount_micros), 0)::bigint as "amount_micros!",
    coalesce(sum(sale_count), 0)::bigint as "sale_count!",
    count(distinct sold_on) as "day_count!"
from recommendation.sale_hours
where tenant_id = $1
    and promotion_id <> ''
    and sold_on >= date '1970-01-01' + $2::integer
    and sold_on < date '1970-01-01' + $3::integer
    and ($4::text is null or market_id = $4)
    and ($5::text is null or product_id = $5)
    and market_id in (
        select market_id from recommendation.markets where tenant_id = $1 and currency = $6
    )
