select
    budgets.budget_id as "id!",
    max(budgets.name) as "name!",
    max(budgets.amount_micros) as budget_micros,
    coalesce(sum(
        hours.amount_micros * promotions.discount_percent / nullif(100 - promotions.discount_percent, 0)
    ), 0)::bigint as "spent_micros!",
    coalesce(sum(hours.sale_count), 0)::bigint as "sale_count!",
    coalesce(sum(hours.quantity), 0) as "quantity!",
    coalesce(sum(hours.amount_micros), 0)::bigint as "amount_micros!",
    count(distinct hours.sold_on) as "day_count!"
from recommendation.budgets
left join lateral (
    select sold.promotion_id, sold.sale_count, sold.quantity, sold.amount_micros, sold.sold_on
    from recommendation.sale_hours as sold
    left join recommendation.products
        on products.tenant_id = $1 and products.product_id = sold.product_id
    where sold.tenant_id = $1
        and sold.promotion_id <> ''
        and sold.sold_on between budgets.starts_on and budgets.ends_on
        and sold.sold_on >= date '1970-01-01' + $2::integer
        and sold.sold_on < date '1970-01-01' + $3::integer
        and ($4::text is null or sold.market_id = $4)
        and ($5::text is null or sold.product_id = $5)
        and (budgets.category = '' or products.category = budgets.category)
        and sold.market_id in (
            select market_id from recommendation.markets where tenant_id = $1 and currency = $6
        )
) as hours on true
left join recommendation.promotions
    on promotions.tenant_id = $1 and promotions.promotion_id = hours.promotion_id
where budgets.tenant_id = $1
    and budgets.deleted_at is null
    and budgets.customer_id = ''
    and budgets.amount_currency = $6
    and budgets.starts_on < date '1970-01-01' + $3::integer
    and budgets.ends_on >= date '1970-01-01' + $2::integer
group by budgets.budget_id
