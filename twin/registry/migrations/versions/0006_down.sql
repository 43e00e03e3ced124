DROP VIEW api.load;
CREATE VIEW api.load AS
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
GRANT SELECT ON api.load TO twin_api;
DROP TABLE twin.load_rejection;
ALTER TABLE twin.load DROP COLUMN moments, DROP COLUMN stands;
COMMENT ON COLUMN twin.load.recorded_at IS 'now() of its transaction, where the recorded ranges of its slices begin';
