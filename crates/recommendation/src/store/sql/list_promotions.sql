select
    promotion_id, name, product_ids, categories, discount_percent,
    recommendation.to_micros(starts_at) as "starts_at_us!",
    recommendation.to_micros(ends_at) as "ends_at_us!",
    recommendation.to_micros(created_at) as "created_at_us!",
    recommendation.to_micros(updated_at) as "updated_at_us!"
from recommendation.promotions
where tenant_id = $1
    and deleted_at is null
    and promotion_id > $2
    and (
        $3::bigint is null
        or recommendation.from_micros($3) >= starts_at and recommendation.from_micros($3) < ends_at
    )
order by promotion_id
limit $4
