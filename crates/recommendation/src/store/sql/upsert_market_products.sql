insert into recommendation.market_products (
    tenant_id, product_id, market_id, currency, price_micros, unit_cost_micros, salvage_micros, goodwill_micros,
    disposal_micros, pack_units, min_units, max_units, volume_l, weight_kg, shelf_life_days, left_over_units,
    is_fractional, share_of_visitors, is_retired
)
select
    $1, product_id, market_id, currency, price_micros, unit_cost_micros, salvage_micros, goodwill_micros,
    disposal_micros, pack_units, min_units, max_units, volume_l, weight_kg, shelf_life_days, left_over_units,
    is_fractional, share_of_visitors, is_retired
from jsonb_to_recordset($2::jsonb) as incoming (
    product_id text, market_id text, currency text, price_micros bigint, unit_cost_micros bigint,
    salvage_micros bigint, goodwill_micros bigint, disposal_micros bigint, pack_units double precision,
    min_units double precision, max_units double precision, volume_l double precision,
    weight_kg double precision, shelf_life_days integer, left_over_units double precision,
    is_fractional boolean, share_of_visitors double precision, is_retired boolean
)
order by product_id, market_id
on conflict (tenant_id, product_id, market_id) do update set
    currency = excluded.currency,
    price_micros = excluded.price_micros,
    unit_cost_micros = excluded.unit_cost_micros,
    salvage_micros = excluded.salvage_micros,
    goodwill_micros = excluded.goodwill_micros,
    disposal_micros = excluded.disposal_micros,
    pack_units = excluded.pack_units,
    min_units = excluded.min_units,
    max_units = excluded.max_units,
    volume_l = excluded.volume_l,
    weight_kg = excluded.weight_kg,
    shelf_life_days = excluded.shelf_life_days,
    left_over_units = excluded.left_over_units,
    is_fractional = excluded.is_fractional,
    share_of_visitors = excluded.share_of_visitors,
    is_retired = excluded.is_retired,
    updated_at = now()
