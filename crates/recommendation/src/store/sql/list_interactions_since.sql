select
    event_id, customer_id, product_id, kind, quantity, value,
    recommendation.to_micros(occurred_at) as "occurred_at_us!"
from recommendation.interactions
where tenant_id = $1 and customer_id = any ($2) and recorded_xid >= $3
order by occurred_at, event_id
limit $4
