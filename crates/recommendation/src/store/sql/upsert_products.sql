insert into recommendation.products as stored (
    tenant_id, product_id, name, category, brand, tags, price_micros, price_currency,
    in_stock, package_size, nutrition, allergens, allergens_complete, diets, attributes
)
select
    $1, product_id, name, category, brand,
    array(select jsonb_array_elements_text(tags)),
    price_micros, price_currency, in_stock, package_size,
    nullif(nutrition, 'null'::jsonb),
    array(select jsonb_array_elements_text(allergens)),
    allergens_complete,
    array(select jsonb_array_elements_text(diets)),
    attributes
from jsonb_to_recordset($2::jsonb) as incoming (
    product_id text, name text, category text, brand text, tags jsonb, price_micros bigint,
    price_currency text, in_stock boolean, package_size text, nutrition jsonb,
    allergens jsonb, allergens_complete boolean, diets jsonb, attributes jsonb
)
order by product_id
on conflict (tenant_id, product_id) do update set
    name = excluded.name,
    category = excluded.category,
    brand = excluded.brand,
    tags = excluded.tags,
    price_micros = excluded.price_micros,
    price_currency = excluded.price_currency,
    in_stock = excluded.in_stock,
    package_size = excluded.package_size,
    nutrition = excluded.nutrition,
    allergens = excluded.allergens,
    allergens_complete = excluded.allergens_complete,
    diets = excluded.diets,
    attributes = excluded.attributes,
    updated_at = now(),
    deleted_at = null,
    changed_xid = pg_current_xact_id()::text::bigint,
    changed_sequence = nextval('recommendation.change_sequence')
returning product_id, changed_sequence
