delete from recommendation.sale_hours as hours
using jsonb_to_recordset($2::jsonb) as touched (market_id text, product_id text, sold_on_day integer)
where hours.tenant_id = $1
    and hours.market_id = touched.market_id
    and hours.product_id = touched.product_id
    and hours.sold_on = date '1970-01-01' + touched.sold_on_day
