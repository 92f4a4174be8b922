with days as (
    select
        market_id, product_id, sold_on,
        coalesce((array_agg(promotion_id order by quantity desc) filter (where promotion_id <> ''))[1], '')
            as promotion_id,
        sum(quantity) as quantity
    from recommendation.sale_hours
    where tenant_id = $1
        and sold_on >= date '1970-01-01' + $2::integer
        and sold_on < date '1970-01-01' + $3::integer
        and ($4::text is null or market_id = $4)
        and ($5::text is null or product_id = $5)
        and market_id in (
            select market_id from recommendation.markets where tenant_id = $1 and currency = $6
        )
    group by market_id, product_id, sold_on
)
select
    market_id as "market_id!", product_id as "product_id!",
    promotion_id as "promotion_id!", quantity as "quantity!"
from days
where (market_id, product_id) in (select market_id, product_id from days where promotion_id <> '')
order by market_id, product_id, sold_on
