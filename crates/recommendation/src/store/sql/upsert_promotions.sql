insert into recommendation.promotions (
    tenant_id, promotion_id, name, product_ids, categories, discount_percent, starts_at, ends_at
)
select
    $1, promotion_id, name,
    array(select jsonb_array_elements_text(product_ids)),
    array(select jsonb_array_elements_text(categories)),
    discount_percent,
    recommendation.from_micros(starts_at_us),
    recommendation.from_micros(ends_at_us)
from jsonb_to_recordset($2::jsonb) as incoming (
    promotion_id text, name text, product_ids jsonb, categories jsonb,
    discount_percent double precision, starts_at_us bigint, ends_at_us bigint
)
order by promotion_id
on conflict (tenant_id, promotion_id) do update set
    name = excluded.name,
    product_ids = excluded.product_ids,
    categories = excluded.categories,
    discount_percent = excluded.discount_percent,
    starts_at = excluded.starts_at,
    ends_at = excluded.ends_at,
    updated_at = now(),
    deleted_at = null,
    changed_xid = pg_current_xact_id()::text::bigint,
    changed_sequence = nextval('recommendation.change_sequence')
returning promotion_id, changed_xid, changed_sequence
