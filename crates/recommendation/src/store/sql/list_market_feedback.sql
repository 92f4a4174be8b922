select
    feedback.market_id, feedback.held_on - date '1970-01-01' as "held_on_day!", feedback.product_id,
    coalesce(products.name, '') as "product_name!",
    feedback.recommended, feedback.own_plan, feedback.brought, feedback.sold,
    sales.quantity as sales_quantity, sales.last_minute,
    feedback.left_over, feedback.sold_out_at_minute, feedback.quantiles, feedback.currency,
    feedback.price_micros, feedback.unit_cost_micros, feedback.salvage_micros, feedback.goodwill_micros,
    feedback.disposal_micros, feedback.is_fractional, feedback.model_version,
    recommendation.to_micros(feedback.submitted_at) as "submitted_at_us!",
    coalesce(days.opens_at_minute, markets.opens_at_minute, 480::smallint) as "opens_at_minute!",
    coalesce(days.closes_at_minute, markets.closes_at_minute, 840::smallint) as "closes_at_minute!"
from (
    select *
    from recommendation.market_feedback
    where tenant_id = $1
        and ($2::text is null or market_id = $2)
        and ($3::text is null or product_id = $3)
        and ($4::integer is null or held_on >= date '1970-01-01' + $4::integer)
        and ($5::integer is null or held_on <= date '1970-01-01' + $5::integer)
        and (
            $6::integer is null
            or held_on < date '1970-01-01' + $6::integer
            or (held_on = date '1970-01-01' + $6::integer and (market_id, product_id) > ($7::text, $8::text))
        )
    order by held_on desc, market_id, product_id
    limit $9
) as feedback
left join lateral (
    select sum(hours.quantity) as quantity, max(hours.last_minute) as last_minute
    from recommendation.sale_hours as hours
    where hours.tenant_id = $1
        and hours.market_id = feedback.market_id
        and hours.sold_on = feedback.held_on
        and hours.product_id = feedback.product_id
) as sales on true
left join recommendation.products
    on products.tenant_id = $1 and products.product_id = feedback.product_id
left join recommendation.markets
    on markets.tenant_id = $1 and markets.market_id = feedback.market_id
left join recommendation.market_days as days
    on days.tenant_id = $1 and days.market_id = feedback.market_id and days.held_on = feedback.held_on
order by feedback.held_on desc, feedback.market_id, feedback.product_id
