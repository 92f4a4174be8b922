select
    customer_id, name, birth_date - date '1970-01-01' as birth_day, sex, height_cm, weight_kg,
    activity_level, goal, diets, allergens,
    attributes as "attributes: Json<BTreeMap<String, String>>",
    body_fat_percent, guideline, life_stage, goal_rate_kg_per_week, score_goal,
    recommendation.to_micros(created_at) as "created_at_us!",
    recommendation.to_micros(updated_at) as "updated_at_us!"
from recommendation.customers
where tenant_id = $1
    and deleted_at is null
    and customer_id = $2
