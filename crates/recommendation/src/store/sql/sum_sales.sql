-- First by day, so that few rows are left to sort and to count days of.
with sums as (
    select
        case $7::text
            when 'product' then product_id
            when 'market' then market_id
            when 'weekday' then extract(isodow from sold_on)::integer::text
            when 'hour' then hour::text
            else sold_on::text
        end as grouped,
        sold_on, sum(quantity) as quantity, sum(amount_micros) as amount_micros, sum(sale_count) as sale_count
    from recommendation.sale_hours
    where tenant_id = $1
        and sold_on >= date '1970-01-01' + $2::integer
        and sold_on < date '1970-01-01' + $3::integer
        and ($4::text is null or market_id = $4)
        and ($5::text is null or product_id = $5)
        and market_id in (
            select market_id from recommendation.markets where tenant_id = $1 and currency = $6
        )
    group by 1, 2
)
select
    coalesce(grouped, '') as "group!",
    coalesce(products.name, markets.name, '') as "name!",
    sums.quantity as "quantity!",
    sums.amount_micros as "amount_micros!",
    sums.sale_count as "sale_count!",
    sums.day_count as "day_count!"
from (
    select
        grouped, coalesce(sum(quantity), 0) as quantity, coalesce(sum(amount_micros), 0)::bigint as amount_micros,
        coalesce(sum(sale_count), 0)::bigint as sale_count, count(distinct sold_on) as day_count
    from sums
    group by grouping sets ((grouped), ())
) as sums
left join recommendation.products
    on $7::text = 'product' and products.tenant_id = $1 and products.product_id = grouped
left join recommendation.markets
    on $7::text = 'market' and markets.tenant_id = $1 and markets.market_id = grouped
