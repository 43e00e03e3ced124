-- The assets that a load made or changed, or of which it changed the sources. One stands if its slice of now is the
-- load's, or became the load's again when later loads were undone: then each undo leads back to the slice that the
-- load it undid had closed. One that the load made does not stand while other datasets are linked to it.
INSERT INTO touched (code, row_number, moment, made, stands, later)
WITH RECURSIVE linked AS (
    SELECT DISTINCT code FROM twin.source WHERE kind = %(kind)s AND dataset_id = %(dataset_id)s
), own AS (
    SELECT code, row_number, recorded_from AS moment
    FROM twin.asset
    WHERE kind = %(kind)s AND (dataset_id = %(dataset_id)s OR code IN (SELECT code FROM linked))
      AND load_id = %(undoes)s AND recorded_from = ANY(%(moments)s)
    UNION ALL
    SELECT DISTINCT code, row_number, lower(recorded)
    FROM twin.asset_version
    WHERE kind = %(kind)s AND (dataset_id = %(dataset_id)s OR code IN (SELECT code FROM linked))
      AND load_id = %(undoes)s AND lower(recorded) = ANY(%(moments)s) AND upper(recorded) IS NOT NULL
), closed AS (
    SELECT DISTINCT code
    FROM twin.asset_version
    WHERE kind = %(kind)s AND (dataset_id = %(dataset_id)s OR code IN (SELECT code FROM linked))
      AND upper(recorded) = ANY(%(moments)s)
), back (code, load_id, recorded) AS (
    SELECT a.code, a.load_id, a.recorded_from
    FROM own
    JOIN twin.asset a ON a.kind = %(kind)s AND a.code = own.code
    UNION ALL
    SELECT v.code, v.load_id, lower(v.recorded)
    FROM back
    JOIN twin.load u ON u.id = back.load_id AND u.recorded_at = back.recorded
    JOIN twin.load l ON l.id = u.undoes
    JOIN twin.asset_version v ON v.code = back.code AND upper(v.recorded) = ANY(l.moments)
    WHERE back.load_id <> %(undoes)s
), standing AS (
    SELECT DISTINCT code FROM back WHERE load_id = %(undoes)s AND recorded = ANY(%(moments)s)
), changed AS (
    SELECT own.code, own.row_number, own.moment, closed.code IS NULL AS made, standing.code IS NOT NULL AS stands,
        nullif(a.load_id, %(undoes)s) AS later
    FROM own
    JOIN twin.asset a ON a.kind = %(kind)s AND a.code = own.code
    LEFT JOIN closed ON closed.code = own.code
    LEFT JOIN standing ON standing.code = own.code
), sources AS (
    SELECT code, min(recorded_from) AS moment, bool_and(stands) AS stands
    FROM (
        SELECT code, recorded_from, recorded_to IS NULL AS stands
        FROM twin.source
        WHERE kind = %(kind)s AND load_id = %(undoes)s AND recorded_from = ANY(%(moments)s)
        UNION ALL
        SELECT o.code, o.recorded_to, n.load_id IS NULL OR n.load_id = %(undoes)s
        FROM twin.source o
        LEFT JOIN twin.source n ON n.dataset_id = o.dataset_id AND n.code = o.code AND n.recorded_to IS NULL
        WHERE o.kind = %(kind)s AND o.recorded_to = ANY(%(moments)s)
    ) AS touching
    GROUP BY code
)
SELECT c.code, c.row_number, c.moment, c.made, c.stands AND linking.load_id IS NULL, coalesce(c.later, linking.load_id)
FROM changed c
LEFT JOIN LATERAL (
    SELECT max(load_id) AS load_id FROM twin.source l WHERE c.made AND l.code = c.code AND l.recorded_to IS NULL
) AS linking ON true
UNION ALL
SELECT code, NULL, moment, false, stands, NULL
FROM sources
WHERE code NOT IN (SELECT code FROM own)
