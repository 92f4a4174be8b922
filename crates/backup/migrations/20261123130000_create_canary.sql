-- One row that is written every minute: how old it is in a restored database tells how much is missing.
CREATE TABLE backup.canary (
    is_alive boolean NOT NULL DEFAULT true,
    written_at timestamptz NOT NULL,
    CONSTRAINT canary_pkey PRIMARY KEY (is_alive),
    CONSTRAINT canary_is_one_row CHECK (is_alive)
);

ALTER TABLE backup.canary ENABLE ROW LEVEL SECURITY;
ALTER TABLE backup.canary FORCE ROW LEVEL SECURITY;
CREATE POLICY canary_worker ON backup.canary TO backup_worker USING (true) WITH CHECK (true);
