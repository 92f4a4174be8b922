-- Few hours have sales of a promotion; what promotions gave up and brought is read out of those alone.
create index sale_hours_promoted on recommendation.sale_hours (tenant_id, sold_on)
    include (market_id, product_id, promotion_id, quantity, amount_micros, sale_count)
    where promotion_id <> '';
