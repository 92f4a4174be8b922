select
    event_id, customer_id, product_id, quantity, amount_micros, amount_currency,
    recommendation.to_micros(occurred_at) as "occurred_at_us!"
from recommendation.interactions
where tenant_id = $1
    and kind = 3
    and (
        $2::bigint is null
        or (occurred_at, event_id) < (recommendation.from_micros($2), $3::text)
    )
    and ($4::text is null or customer_id = $4)
    and ($5::text is null or product_id = $5)
    and ($6::bigint is null or occurred_at >= recommendation.from_micros($6))
    and ($7::bigint is null or occurred_at < recommendation.from_micros($7))
order by occurred_at desc, event_id desc
limit $8
