ALTER TABLE twin.load ADD COLUMN undoes bigint, ADD COLUMN recorded_at timestamptz;
UPDATE twin.load l
SET recorded_at = coalesce((SELECT min(c.recorded_at) FROM twin.change c WHERE c.load_id = l.id), l.finished_at);
ALTER TABLE twin.load ALTER COLUMN recorded_at SET DEFAULT now(), ALTER COLUMN recorded_at SET NOT NULL;
CREATE INDEX load_undoes ON twin.load (undoes) WHERE undoes IS NOT NULL;
COMMENT ON COLUMN twin.load.undoes IS 'the load that it undoes';
COMMENT ON COLUMN twin.load.recorded_at IS 'now() of its transaction, where the recorded ranges of its slices begin';

-- A load is undone while the load that undoes it is not undone itself.
CREATE VIEW twin.undone AS
    SELECT u.undoes AS load_id, u.id AS undone_by
    FROM twin.load u
    WHERE u.undoes IS NOT NULL AND NOT EXISTS (SELECT FROM twin.load r WHERE r.undoes = u.id);

-- A receipt shows rows of every division.
CREATE OR REPLACE VIEW api.load AS
    SELECT
        id, dataset_id, kind, source, format, options, read, new, changed, same, rejected,
        CASE WHEN (SELECT api.scope_is_everything()) OR (SELECT api.scope_of('divisions')) IS NULL
             THEN receipt END AS receipt,
        started_at, finished_at, undoes, recorded_at,
        (SELECT u.undone_by FROM twin.undone u WHERE u.load_id = l.id) AS undone_by
    FROM twin.load l
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND ((SELECT api.scope_of('kinds')) IS NULL OR kind = ANY ((SELECT api.scope_of('kinds'))::text[])));
