-- Files on their way in, how they are read, what came of it, and what was there before, for an undoing.

create table recommendation.imports (
    tenant_id text not null,
    import_id text not null,
    kind text not null,
    file_name text not null,
    -- The number of parts, once the last one is there.
    part_count integer,
    -- How the file is read.
    answers jsonb not null default '{}',
    -- The last run.
    run jsonb,
    created_at timestamptz not null default now(),
    committed_at timestamptz,
    undone_at timestamptz,
    -- Rows that an undoing left as they were.
    kept_count bigint not null default 0,
    constraint imports_pkey primary key (tenant_id, import_id)
);

create index imports_created on recommendation.imports (tenant_id, created_at desc);

create table recommendation.import_parts (
    tenant_id text not null,
    import_id text not null,
    part integer not null,
    content bytea not null,
    constraint import_parts_pkey primary key (tenant_id, import_id, part),
    constraint import_parts_of_import foreign key (tenant_id, import_id)
        references recommendation.imports on delete cascade
);

create table recommendation.import_undo (
    tenant_id text not null,
    import_id text not null,
    row_id text not null,
    -- Null when the row was not there.
    before jsonb,
    constraint import_undo_pkey primary key (tenant_id, import_id, row_id),
    constraint import_undo_of_import foreign key (tenant_id, import_id)
        references recommendation.imports on delete cascade
);

-- Purchases that an import added, a row a batch: of a million of them it stays small.
create table recommendation.import_purchases (
    tenant_id text not null,
    import_id text not null,
    batch integer not null,
    event_ids text[] not null,
    constraint import_purchases_pkey primary key (tenant_id, import_id, batch),
    constraint import_purchases_of_import foreign key (tenant_id, import_id)
        references recommendation.imports on delete cascade
);

alter table recommendation.imports enable row level security, force row level security;
alter table recommendation.import_parts enable row level security, force row level security;
alter table recommendation.import_undo enable row level security, force row level security;
alter table recommendation.import_purchases enable row level security, force row level security;

create policy own_tenant on recommendation.imports to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.import_parts to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.import_undo to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));
create policy own_tenant on recommendation.import_purchases to recommendation_app
    using (tenant_id = current_setting('larder.tenant_id', true));

create policy all_tenants on recommendation.imports to recommendation_worker using (true);
create policy all_tenants on recommendation.import_parts to recommendation_worker using (true);
create policy all_tenants on recommendation.import_undo to recommendation_worker using (true);
create policy all_tenants on recommendation.import_purchases to recommendation_worker using (true);
