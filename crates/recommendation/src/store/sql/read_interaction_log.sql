select
    tenant_id, event_id, customer_id, product_id, kind, quantity, value,
    recommendation.to_micros(occurred_at) as "occurred_at_us!",
    recorded_xid, recorded_sequence
from recommendation.interactions
where (recorded_xid, recorded_sequence) > ($1, $2)
    and ($3::bigint is null or recorded_xid < $3)
    and ($5::text is null or tenant_id = $5)
order by recorded_xid, recorded_sequence
limit $4
