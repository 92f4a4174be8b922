insert into recommendation.interactions (
    tenant_id, event_id, customer_id, product_id, kind, quantity, value, amount_micros,
    amount_currency, recommendation_id, occurred_at
)
select
    $1, event_id, customer_id, product_id, kind, quantity, value, amount_micros,
    amount_currency, recommendation_id, recommendation.from_micros(occurred_at_us)
from jsonb_to_recordset($2::jsonb) as incoming (
    event_id text, customer_id text, product_id text, kind smallint, quantity double precision,
    value double precision, amount_micros bigint, amount_currency text, recommendation_id text,
    occurred_at_us bigint
)
order by event_id
on conflict (tenant_id, event_id) do nothing
returning event_id, recorded_xid
