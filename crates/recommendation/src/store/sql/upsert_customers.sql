insert into recommendation.customers (
    tenant_id, customer_id, name, birth_date, sex, height_cm, weight_kg, activity_level, goal,
    diets, allergens, attributes, body_fat_percent, guideline, life_stage, goal_rate_kg_per_week,
    score_goal
)
select
    $1, customer_id, name, date '1970-01-01' + birth_day, sex, height_cm, weight_kg,
    activity_level, goal,
    array(select jsonb_array_elements_text(diets)),
    array(select jsonb_array_elements_text(allergens)),
    attributes, body_fat_percent, guideline, life_stage, goal_rate_kg_per_week, score_goal
from jsonb_to_recordset($2::jsonb) as incoming (
    customer_id text, name text, birth_day integer, sex smallint, height_cm double precision,
    weight_kg double precision, activity_level smallint, goal smallint, diets jsonb,
    allergens jsonb, attributes jsonb, body_fat_percent double precision, guideline text,
    life_stage smallint, goal_rate_kg_per_week double precision, score_goal text
)
order by customer_id
on conflict (tenant_id, customer_id) do update set
    name = excluded.name,
    birth_date = excluded.birth_date,
    sex = excluded.sex,
    height_cm = excluded.height_cm,
    weight_kg = excluded.weight_kg,
    activity_level = excluded.activity_level,
    goal = excluded.goal,
    diets = excluded.diets,
    allergens = excluded.allergens,
    attributes = excluded.attributes,
    body_fat_percent = excluded.body_fat_percent,
    guideline = excluded.guideline,
    life_stage = excluded.life_stage,
    goal_rate_kg_per_week = excluded.goal_rate_kg_per_week,
    score_goal = excluded.score_goal,
    updated_at = now(),
    deleted_at = null,
    changed_xid = pg_current_xact_id()::text::bigint,
    changed_sequence = nextval('recommendation.change_sequence')
returning customer_id, changed_xid, changed_sequence
