-- The assets that a load made or changed. One stands if its slice of now is the load's, or became the load's again
-- when later loads were undone: then each undo leads back to the slice that the load it undid had closed.
INSERT INTO touched (code, row_number, moment, made, stands, later)
WITH RECURSIVE own AS (
    SELECT code, row_number, recorded_from AS moment
    FROM twin.asset
    WHERE kind = %(kind)s AND dataset_id = %(dataset_id)s AND load_id = %(undoes)s AND recorded_from = ANY(%(moments)s)
    UNION ALL
    SELECT DISTINCT code, row_number, lower(recorded)
    FROM twin.asset_version
    WHERE kind = %(kind)s AND dataset_id = %(dataset_id)s AND load_id = %(undoes)s
      AND lower(recorded) = ANY(%(moments)s) AND upper(recorded) IS NOT NULL
), closed AS (
    SELECT DISTINCT code
    FROM twin.asset_version
    WHERE kind = %(kind)s AND dataset_id = %(dataset_id)s AND upper(recorded) = ANY(%(moments)s)
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
)
SELECT own.code, own.row_number, own.moment, closed.code IS NULL, standing.code IS NOT NULL, nullif(a.load_id, %(undoes)s)
FROM own
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = own.code
LEFT JOIN closed ON closed.code = own.code
LEFT JOIN standing ON standing.code = own.code
