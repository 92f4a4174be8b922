select
    product_id, name, category, brand, tags, price_micros, price_currency, in_stock, package_size,
    nutrition as "nutrition: Json<StoredNutrition>",
    allergens, allergens_complete, diets,
    attributes as "attributes: Json<BTreeMap<String, String>>",
    recommendation.to_micros(created_at) as "created_at_us!",
    recommendation.to_micros(updated_at) as "updated_at_us!"
from recommendation.products
where tenant_id = $1
    and deleted_at is null
    and product_id > $2
    and ($3::text is null or category = $3)
    and ($4::boolean is null or in_stock = $4)
order by product_id
limit $5
