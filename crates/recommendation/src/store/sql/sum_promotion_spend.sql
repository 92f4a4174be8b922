select
    hours.promotion_id as "id!",
    coalesce(max(promotions.name), '') as "name!",
    null::bigint as budget_micros,
    coalesce(sum(
        hours.amount_micros * promotions.discount_percent / nullif(100 - promotions.discount_percent, 0)
    ), 0)::bigint as "spent_micros!",
    sum(hours.sale_count)::bigint as "sale_count!",
    sum(hours.quantity) as "quantity!",
    sum(hours.amount_micros)::bigint as "amount_micros!",
    count(distinct hours.sold_on) as "day_count!"
from recommendation.sale_hours as hours
left join recommendation.promotions
    on promotions.tenant_id = $1 and promotions.promotion_id = hours.promotion_id
where hours.tenant_id = $1
    and hours.promotion_id <> ''
    and hours.sold_on >= date '1970-01-01' + $2::integer
    and hours.sold_on < date '1970-01-01' + $3::integer
    and ($4::text is null or hours.market_id = $4)
    and ($5::text is null or hours.product_id = $5)
    and hours.market_id in (
        select market_id from recommendation.markets where tenant_id = $1 and currency = $6
    )
group by hours.promotion_id
