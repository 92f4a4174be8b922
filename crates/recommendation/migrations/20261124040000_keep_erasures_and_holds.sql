-- Legal holds, the proofs of erasures, and whose turn it is to let go what is past its period.

create table recommendation.legal_holds (
    tenant_id text not null,
    hold_id text not null,
    customer_id text not null,
    reason text not null,
    set_by text not null,
    set_at timestamptz not null,
    -- All three or none.
    released_by text,
    release_reason text,
    released_at timestamptz,
    constraint legal_holds_pkey primary key (tenant_id, hold_id),
    constraint legal_holds_release_is_whole check (
        (released_at is null) = (released_by is null) and (released_at is null) = (release_reason is null)
    )
);

create index legal_holds_customer on recommendation.legal_holds (tenant_id, customer_id);

-- One a customer who was erased; it names nobody.
create table recommendation.erasure_reports (
    tenant_id text not null,
    erasure_id text not null,
    -- In the order in which each report follows the one before.
    report_number bigint generated always as identity,
    erased_at timestamptz not null,
    salt bytea not null,
    -- SHA-256 of the salt followed by the customer's id.
    customer_hash bytea not null,
    -- JSON, every byte of which the digest covers.
    report text not null,
    digest bytea not null,
    recorded_xid bigint not null default (pg_current_xact_id()::text::bigint),
    constraint erasure_reports_pkey primary key (tenant_id, erasure_id)
);

create unique index erasure_reports_order on recommendation.erasure_reports (tenant_id, report_number desc);

create table recommendation.retention_runs (
    tenant_id text not null,
    next_at timestamptz not null,
    -- Until then somebody is at it.
    leased_until timestamptz,
    applied_at timestamptz,
    constraint retention_runs_pkey primary key (tenant_id)
);

do $$
declare
    name text;
begin
    foreach name in array array['legal_holds', 'erasure_reports', 'retention_runs'] loop
        execute format('alter table recommendation.%I enable row level security, force row level security', name);
        execute format(
            'create policy own_tenant on recommendation.%I to recommendation_app using (tenant_id = current_setting(''larder.tenant_id'', true))',
            name
        );
    end loop;
end
$$;

-- The sweep spares what is held, and whose turn it is concerns every tenant.
create policy all_tenants on recommendation.legal_holds for select to recommendation_worker using (true);
create policy all_tenants on recommendation.retention_runs to recommendation_worker using (true);

-- Whoever deletes a row about a customer waits for a hold that is being put on somebody, and is refused by one that is in
-- force: no way of deleting can forget to ask.
create function recommendation.refuse_under_legal_hold() returns trigger language plpgsql as $$
declare
    held_customer text;
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('legal holds of ' || old.tenant_id, 0));
    if tg_argv[0] = 'subject' then
        held_customer := old.subject;
    else
        held_customer := old.customer_id;
    end if;
    if exists (
        select from recommendation.legal_holds as hold
        where hold.tenant_id = old.tenant_id and hold.customer_id = held_customer and hold.released_at is null
    ) then
        raise exception 'a legal hold is on the customer'
            using errcode = 'integrity_constraint_violation', constraint = 'legal_holds_keep';
    end if;
    return old;
end
$$;

create trigger legal_holds_keep before delete on recommendation.customers
    for each row execute function recommendation.refuse_under_legal_hold('customer_id');
create trigger legal_holds_keep before delete on recommendation.budgets
    for each row execute function recommendation.refuse_under_legal_hold('customer_id');
create trigger legal_holds_keep before delete on recommendation.interactions
    for each row execute function recommendation.refuse_under_legal_hold('customer_id');
create trigger legal_holds_keep before delete on recommendation.body_measurements
    for each row execute function recommendation.refuse_under_legal_hold('customer_id');
create trigger legal_holds_keep before delete on recommendation.intakes
    for each row execute function recommendation.refuse_under_legal_hold('customer_id');
create trigger legal_holds_keep before delete on recommendation.exposures
    for each row execute function recommendation.refuse_under_legal_hold('subject');
