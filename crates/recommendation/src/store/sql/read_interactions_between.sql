-- The next events of a tenant that happened in a span of time, in the order of the log. Those
-- written by transactions from `horizon` on are left out.
select tenant_id, event_id, customer_id, product_id, kind, quantity, value,
       recommendation.to_micros(occurred_at) as "occurred_at_us!", recorded_xid, recorded_sequence
from recommendation.interactions
where tenant_id = $1
      and (recorded_xid, recorded_sequence) > ($2, $3)
      and recorded_xid < $4
      and occurred_at >= recommendation.from_micros($5)
      and occurred_at < recommendation.from_micros($6)
order by recorded_xid, recorded_sequence
limit $7
