-- The vendors' shops at point-of-sale services: their tokens, sealed, and how far their sales are known.

create table recommendation.connections (
    tenant_id text not null,
    -- Such as "square".
    connector text not null,
    -- The shop's id at the service.
    account_id text not null,
    sealed_tokens text not null,
    -- The key that sealed them, as it stands in them.
    key_id text not null,
    token_expires_at timestamptz not null,
    connected_at timestamptz not null,
    -- The owner took the consent back.
    is_revoked boolean not null default false,
    -- Everything between was asked for and answered; null before the first answer.
    answered_from timestamptz,
    answered_until timestamptz,
    -- The locations that those answers are of.
    answered_locations text[] not null default '{}',
    -- When it is its turn; a webhook makes that now.
    next_sync_at timestamptz,
    -- Until then somebody is at it.
    leased_until timestamptz,
    synced_at timestamptz,
    -- Of the last synchronisation; empty before the first.
    rung text not null default '',
    last_error text not null default '',
    constraint connections_pkey primary key (tenant_id, connector)
);

create index connections_account on recommendation.connections (connector, account_id);
create index connections_due on recommendation.connections (next_sync_at) where not is_revoked;

-- Consents that were begun: what comes back with the code must be one of them.
create table recommendation.connection_states (
    tenant_id text not null,
    connector text not null,
    state_sha256 bytea not null,
    expires_at timestamptz not null,
    constraint connection_states_pkey primary key (tenant_id, connector, state_sha256)
);

-- Messages that came, so that a repetition does nothing.
create table recommendation.webhook_events (
    tenant_id text not null,
    event_key text not null,
    received_at timestamptz not null,
    constraint webhook_events_pkey primary key (tenant_id, event_key)
);

create index webhook_events_age on recommendation.webhook_events (received_at);

-- Which product each thing in a shop is.
create table recommendation.shop_products (
    tenant_id text not null,
    connector text not null,
    -- "catalog:" with an id of the shop's catalogue, or "name:" with what was typed in.
    reference text not null,
    name text not null,
    sku text not null,
    product_id text not null,
    -- "told", "sku", "name" or "new".
    basis text not null,
    seen_at timestamptz not null,
    constraint shop_products_pkey primary key (tenant_id, connector, reference),
    constraint shop_products_basis_known check (basis in ('told', 'sku', 'name', 'new'))
);

do $$
declare
    name text;
begin
    foreach name in array array['connections', 'connection_states', 'webhook_events', 'shop_products'] loop
        execute format('alter table recommendation.%I enable row level security, force row level security', name);
        execute format(
            'create policy own_tenant on recommendation.%I to recommendation_app using (tenant_id = current_setting(''larder.tenant_id'', true))',
            name
        );
    end loop;
end
$$;

-- Whose turn it is, whose shop a message is about, and whose tokens another key sealed.
create policy all_tenants on recommendation.connections to recommendation_worker using (true);
create policy all_tenants on recommendation.webhook_events for delete to recommendation_worker using (true);
create policy all_tenants_read on recommendation.webhook_events for select to recommendation_worker using (true);
create policy all_tenants on recommendation.connection_states for delete to recommendation_worker using (true);
create policy all_tenants_read on recommendation.connection_states for select to recommendation_worker using (true);
