-- Users who sign in, their roles and sessions; tenants get a name and can be suspended; a rotated key names its
-- successor. A session and a token that sets a password are found by their hashes before a tenant is known, so the
-- worker may read them. Tenants are made, listed and suspended across tenants, which is the worker's as well.

ALTER TABLE identity.tenants
    ADD COLUMN display_name text NOT NULL DEFAULT ''
        CONSTRAINT tenants_name_is_short CHECK (char_length(display_name) <= 128),
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN suspend_reason text NOT NULL DEFAULT ''
        CONSTRAINT tenants_reason_is_short CHECK (char_length(suspend_reason) <= 1024);
CREATE POLICY tenants_read_by_the_operator ON identity.tenants FOR SELECT TO identity_worker USING (true);
CREATE POLICY tenants_made_by_the_operator ON identity.tenants FOR INSERT TO identity_worker WITH CHECK (true);
CREATE POLICY tenants_suspended_by_the_operator ON identity.tenants FOR UPDATE TO identity_worker
    USING (true) WITH CHECK (true);

ALTER TABLE identity.api_keys ADD COLUMN successor_key_id uuid;

CREATE TABLE identity.users (
    tenant_id text NOT NULL CONSTRAINT users_tenant_exists REFERENCES identity.tenants (tenant_id),
    user_id uuid NOT NULL,
    email text COLLATE "C" NOT NULL
        CONSTRAINT users_email_is_one CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND octet_length(email) <= 254),
    display_name text NOT NULL CONSTRAINT users_name_is_short CHECK (char_length(display_name) <= 128),
    password_hash text,
    roles text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    password_changed_at timestamptz,
    last_signed_in_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT users_email_is_unique UNIQUE (tenant_id, email)
);

CREATE TABLE identity.roles (
    tenant_id text NOT NULL CONSTRAINT roles_tenant_exists REFERENCES identity.tenants (tenant_id),
    role_id text COLLATE "C" NOT NULL CONSTRAINT roles_id_is_a_slug CHECK (role_id ~ '^[a-z][a-z0-9-]{0,63}$'),
    scopes text NOT NULL,
    CONSTRAINT roles_pkey PRIMARY KEY (tenant_id, role_id)
);

CREATE TABLE identity.sessions (
    tenant_id text NOT NULL,
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT sessions_token_is_unique UNIQUE
        CONSTRAINT sessions_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    address text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, session_id),
    CONSTRAINT sessions_user_exists FOREIGN KEY (tenant_id, user_id) REFERENCES identity.users (tenant_id, user_id)
);
CREATE INDEX sessions_of_a_user ON identity.sessions (tenant_id, user_id);

CREATE TABLE identity.password_tokens (
    token_hash bytea NOT NULL CONSTRAINT password_tokens_pkey PRIMARY KEY
        CONSTRAINT password_tokens_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
    tenant_id text NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT password_tokens_user_exists FOREIGN KEY (tenant_id, user_id)
        REFERENCES identity.users (tenant_id, user_id)
);
CREATE INDEX password_tokens_of_a_user ON identity.password_tokens (tenant_id, user_id);

ALTER TABLE identity.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.users FORCE ROW LEVEL SECURITY;
CREATE POLICY users_of_one_tenant ON identity.users TO identity_app
    USING (tenant_id = current_setting('larder.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('larder.tenant_id', true));
CREATE POLICY users_of_a_session ON identity.users FOR SELECT TO identity_worker USING (true);

ALTER TABLE identity.roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.roles FORCE ROW LEVEL SECURITY;
CREATE POLICY roles_of_one_tenant ON identity.roles TO identity_app
    USING (tenant_id = current_setting('larder.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('larder.tenant_id', true));
CREATE POLICY roles_of_a_session ON identity.roles FOR SELECT TO identity_worker USING (true);

ALTER TABLE identity.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY sessions_of_one_tenant ON identity.sessions TO identity_app
    USING (tenant_id = current_setting('larder.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('larder.tenant_id', true));
CREATE POLICY sessions_found_by_token ON identity.sessions FOR SELECT TO identity_worker USING (true);
CREATE POLICY sessions_noted_as_used ON identity.sessions FOR UPDATE TO identity_worker
    USING (true) WITH CHECK (true);

ALTER TABLE identity.password_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.password_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY password_tokens_of_one_tenant ON identity.password_tokens TO identity_app
    USING (tenant_id = current_setting('larder.tenant_id', true))
    WITH CHECK (tenant_id = current_setting('larder.tenant_id', true));
CREATE POLICY password_tokens_found_by_hash ON identity.password_tokens FOR SELECT TO identity_worker USING (true);
