-- Replicas follow customers and promotions as they follow products: profiles are hard
-- constraints of every answer, and running promotions may raise products.

alter table recommendation.customers
    add column changed_xid bigint not null default (pg_current_xact_id()::text::bigint),
    add column changed_sequence bigint not null default nextval('recommendation.change_sequence');

alter table recommendation.promotions
    add column changed_xid bigint not null default (pg_current_xact_id()::text::bigint),
    add column changed_sequence bigint not null default nextval('recommendation.change_sequence');

create index customers_changed on recommendation.customers (changed_xid, changed_sequence);
create index promotions_changed on recommendation.promotions (changed_xid, changed_sequence);

create policy all_tenants on recommendation.customers for select to recommendation_worker using (true);
create policy all_tenants on recommendation.promotions for select to recommendation_worker using (true);
