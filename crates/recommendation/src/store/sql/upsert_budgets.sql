insert into recommendation.budgets (
    tenant_id, budget_id, name, customer_id, category, amount_micros, amount_currency,
    starts_on, ends_on
)
select
    $1, budget_id, name, customer_id, category, amount_micros, amount_currency,
    date '1970-01-01' + starts_on_day, date '1970-01-01' + ends_on_day
from jsonb_to_recordset($2::jsonb) as incoming (
    budget_id text, name text, customer_id text, category text, amount_micros bigint,
    amount_currency text, starts_on_day integer, ends_on_day integer
)
order by budget_id
on conflict (tenant_id, budget_id) do update set
    name = excluded.name,
    customer_id = excluded.customer_id,
    category = excluded.category,
    amount_micros = excluded.amount_micros,
    amount_currency = excluded.amount_currency,
    starts_on = excluded.starts_on,
    ends_on = excluded.ends_on,
    updated_at = now(),
    deleted_at = null
