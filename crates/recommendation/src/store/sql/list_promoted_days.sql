-- Only of products that had a promotion; first by promotion, so that few rows are left to find the largest of.
with promoted as (
    select distinct market_id, product_id
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
),
days as (
    select market_id, product_id, sold_on, promotion_id, sum(quantity) as quantity
    from recommendation.sale_hours
    join promoted using (market_id, product_id)
    where tenant_id = $1
        and sold_on >= date '1970-01-01' + $2::integer
        and sold_on < date '1970-01-01' + $3::integer
    group by market_id, product_id, sold_on, promotion_id
)
select
    market_id as "market_id!", product_id as "product_id!",
    coalesce(
        (array_agg(promotion_id order by quantity desc, promotion_id) filter (where promotion_id <> ''))[1], ''
    ) as "promotion_id!",
    sum(quantity) as "quantity!"
from days
group by market_id, product_id, sold_on
order by market_id, product_id, sold_on
