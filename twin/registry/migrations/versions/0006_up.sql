ALTER TABLE twin.load ADD COLUMN moments timestamptz[], ADD COLUMN stands jsonb;
UPDATE twin.load SET moments = ARRAY[recorded_at];
ALTER TABLE twin.load ALTER COLUMN moments SET DEFAULT ARRAY[now()], ALTER COLUMN moments SET NOT NULL;
COMMENT ON COLUMN twin.load.recorded_at IS 'now() of its first transaction';
COMMENT ON COLUMN twin.load.moments IS 'now() of each of its transactions, where the recorded ranges of its slices begin';
COMMENT ON COLUMN twin.load.stands IS 'of an unfinished load in batches the last row that is done, and a digest of what is read';

CREATE TABLE twin.load_rejection (
    load_id bigint NOT NULL,
    row_number bigint NOT NULL,
    key text,
    field text,
    value text,
    reason text NOT NULL,
    facts jsonb NOT NULL
);
CREATE INDEX load_rejection_load_id ON twin.load_rejection (load_id);
COMMENT ON TABLE twin.load_rejection IS 'what unfinished loads in batches have rejected so far';

CREATE OR REPLACE VIEW api.load AS
    SELECT
        id, dataset_id, kind, source, format, options, read, new, changed, same, rejected,
        CASE WHEN (SELECT api.scope_is_everything()) OR (SELECT api.scope_of('divisions')) IS NULL
             THEN receipt END AS receipt,
        started_at, finished_at, undoes, recorded_at,
        (SELECT u.undone_by FROM twin.undone u WHERE u.load_id = l.id) AS undone_by,
        stands IS NOT NULL AS unfinished
    FROM twin.load l
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND ((SELECT api.scope_of('kinds')) IS NULL OR kind = ANY ((SELECT api.scope_of('kinds'))::text[])));
