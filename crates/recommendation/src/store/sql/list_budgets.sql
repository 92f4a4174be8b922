select
    budget_id, name, customer_id, category, amount_micros, amount_currency,
    starts_on - date '1970-01-01' as "starts_on_day!",
    ends_on - date '1970-01-01' as "ends_on_day!",
    recommendation.to_micros(created_at) as "created_at_us!",
    recommendation.to_micros(updated_at) as "updated_at_us!"
from recommendation.budgets
where tenant_id = $1
    and deleted_at is null
    and budget_id > $2
    and ($3::text is null or customer_id = $3)
order by budget_id
limit $4
