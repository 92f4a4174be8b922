-- What was due when, and who runs it. A row is the lease: two replicas that want the same run
-- want the same row, and only one of them gets it.
CREATE TABLE backup.schedule_runs (
    schedule text NOT NULL,
    due_at timestamptz NOT NULL,
    holder uuid NOT NULL,
    lease_until timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    ended_at timestamptz,
    failure text,
    CONSTRAINT schedule_runs_pkey PRIMARY KEY (schedule, due_at)
);

-- Only the scheduler has any business here; no tenant has.
ALTER TABLE backup.schedule_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE backup.schedule_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY schedule_runs_worker ON backup.schedule_runs TO backup_worker USING (true) WITH CHECK (true);
