insert into recommendation.market_feedback (
    tenant_id, market_id, held_on, product_id, recommended, own_plan, brought, sold, left_over,
    sold_out_at_minute, quantiles, currency, price_micros, unit_cost_micros, salvage_micros, goodwill_micros,
    disposal_micros, is_fractional, model_version, submitted_at
)
select
    $1, market_id, date '1970-01-01' + held_on_day, product_id, recommended, own_plan, brought, sold, left_over,
    sold_out_at_minute, array(select jsonb_array_elements_text(quantiles)::double precision), currency,
    price_micros, unit_cost_micros, salvage_micros, goodwill_micros, disposal_micros, is_fractional,
    model_version, recommendation.from_micros(submitted_at_us)
from jsonb_to_recordset($2::jsonb) as incoming (
    market_id text, held_on_day integer, product_id text, recommended double precision,
    own_plan double precision, brought double precision, sold double precision, left_over double precision,
    sold_out_at_minute smallint, quantiles jsonb, currency text, price_micros bigint, unit_cost_micros bigint,
    salvage_micros bigint, goodwill_micros bigint, disposal_micros bigint, is_fractional boolean,
    model_version text, submitted_at_us bigint
)
order by market_id, held_on_day, product_id
on conflict (tenant_id, market_id, held_on, product_id) do update set
    recommended = excluded.recommended,
    own_plan = excluded.own_plan,
    brought = excluded.brought,
    sold = excluded.sold,
    left_over = excluded.left_over,
    sold_out_at_minute = excluded.sold_out_at_minute,
    quantiles = excluded.quantiles,
    currency = excluded.currency,
    price_micros = excluded.price_micros,
    unit_cost_micros = excluded.unit_cost_micros,
    salvage_micros = excluded.salvage_micros,
    goodwill_micros = excluded.goodwill_micros,
    disposal_micros = excluded.disposal_micros,
    is_fractional = excluded.is_fractional,
    model_version = excluded.model_version,
    submitted_at = excluded.submitted_at
